/* The reader: one process a session or opened file, without rights. Decodes, keeps connections and analyses, serves the
 * tables of a capture to the clients that control passes on. */
#ifndef READER_READER_H
#define READER_READER_H

/* Runs until the descriptor closes. `control_fd` speaks messages: READ_FILE, READ_CHUNKS, READ_JOURNAL, READ_FINISH from
 * control on channel 0; QUERY, STREAM, CANCEL of clients on their channels (control chose the numbers, one a client and
 * target); COMPILE to control on channel 0. Enters its seccomp filter before the first byte of a packet. Returns the
 * exit status. */
int reader_main(int control_fd);

/* The tables of a capture as static data, for the manual and completion: ends with NULL. */
struct table_type;
const struct table_type *const *reader_table_types(void);

#endif
