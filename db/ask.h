/* A question's own process: opens the databases read-only, asks shard by shard, writes the rows as
 * WINDOW messages to its descriptor 0, EVENT for a shard that it cannot read (where: its number),
 * then DONE (a note: what is not there) or ERROR. It may be killed at any moment. */
#ifndef DB_ASK_H
#define DB_ASK_H

#include <stdbool.h>

/* `still`: nobody writes this history, which the note says. */
int ask_main(const char *folder, bool still);

#endif
