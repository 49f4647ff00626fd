/* Counts packets for their connections: in a second thread while a file is read, where there is a
 * second processor that nobody waits for; else, and for what is live, at
 * once. The thread touches nothing but the capture and the index that it counts for, and that only
 * between counter_add and counter_wait. */
#ifndef READER_COUNTER_H
#define READER_COUNTER_H

#include "capture.h"
#include "source.h"

#define COUNTER_ROOM 2048u /* packets that may wait, a power of two */

struct counter;

/* Makes the thread, if it is of use: before the sandbox, which forbids that. */
struct counter *counter_new(void);
void counter_free(struct counter *k);
/* That there are for both threads; 1 where there is one thread. */
unsigned counter_processors(const struct counter *k);
/* Where packets count from now on; the index takes `rows_max` of them. `now`: in the caller's
 * thread, one by one. Everything before was waited for. */
void counter_begin(struct counter *k, struct capture *c, struct index *x, uint64_t rows_max,
		   bool now);
/* Decodes the packet; counts it and gives it its row, now or soon. Nothing of it is needed behind
 * this. */
void counter_add(struct counter *k, const struct taken *t);
/* Everything that was added has been counted: capture and index are the caller's again. */
void counter_wait(struct counter *k);

#endif
