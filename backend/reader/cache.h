/* What reading a large file has taught, in a file of its own for the next time it is opened
 * unchanged: index, connections, sums. Control says which file, and takes care that it is of the
 * same capture (by device, inode, size and times); the program's build id stands in it, so that
 * everything may lie there as it does in memory. Pages of the index and pieces of the connections
 * are read when somebody looks at them. */
#ifndef READER_CACHE_H
#define READER_CACHE_H

#include "state.h"

/* The descriptor of READ_CACHE, which comes before its READ_FILE; taken, on error too. */
int cache_given(struct reader *r, int fd, bool filled, struct err *e);
/* The file has come: what is remembered of it is taken up. false: it is to be read. */
bool cache_load(struct reader *r);
/* A slice of writing, once everything was read and nobody waits for an answer. true: there is more
 * to do. */
bool cache_step(struct reader *r);
/* Until a step is due, 0: none is. */
uint64_t cache_rest_ms(const struct reader *r);
/* Somebody has left: who leaves before the end of a file may have left it alone, and nobody reads on
 * for the sake of the next time. */
void cache_left(struct reader *r);
/* What lies in it cannot be read after all: tells those who look. */
void cache_look(struct reader *r);
void cache_release(struct reader *r);

#endif
