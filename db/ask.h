/* A question's own process: opens the databases read-only, asks shard by shard, writes the rows as WINDOW messages to its
 * descriptor 0, then DONE (a note: what is not there) or ERROR. It may be killed at any moment. */
#ifndef DB_ASK_H
#define DB_ASK_H

int ask_main(const char *folder);

#endif
