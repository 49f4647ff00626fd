/* The past: what a session holds in its chunks, and saves when somebody says so. */
#ifndef AGENT_PAST_H
#define AGENT_PAST_H

#include "session.h"

#define PAST_SPARE_CHUNKS 16u /* for what comes in while the past is being written */
#define PAST_MEMORY_SHARE 4u  /* of what is available, one part for all sessions together */

/* Chunks that the session's tap gets. A past that was only said as a time is made as large as it
 * may be; one that was said as a size and is larger: -1. */
int past_chunks(struct session *s, uint32_t *slots, struct err *e);
/* Into a file, which is announced when it is complete; one at a time, so that a second one follows
 * the first. `r` waits for it; NULL: nobody does. */
int past_save(struct session *s, const struct reply *r, struct err *e);
/* What the tap says: a save has begun, is complete, a packet matched. */
void past_begun(struct session *s, const struct msg_tap_saved *m);
/* Its file cannot be made. */
void past_failed(struct session *s, const struct err *e);
void past_sealed(struct session *s, const struct segment *g);
void past_matched(struct session *s, const struct msg_tap_matched *m);
/* No more comes: who waits is told. */
void past_over(struct session *s);
void past_free(struct session *s);

#endif
