/* Files of the session, as the main thread sees them (segment.c). Included by tap_private.h. */
#ifndef TAP_SEGMENT_H
#define TAP_SEGMENT_H

#include "tap_private.h"

void segment_ask(struct tap *t);			/* control for a file */
void segment_rotate(struct tap *t, const char *reason); /* another file, or the end after so many */
void segment_full(void *arg, const char *reason);
void segment_timer(struct tap *t);  /* of a file that has a time */
void segment_begun(struct tap *t, const struct output_segment *s); /* the journal hears of it */
void segment_limits(struct tap *t); /* packets came: is it the end? */
/* From now on what is not recorded is missed: counted, and noted as a gap when it is over. */
void segment_lose(struct tap *t, const char *why);
void segment_lose_end(struct tap *t);
/* Control could make no file for a segment that has begun. */
void segment_absent(struct tap *t, uint32_t number);
/* Takes fd. */
int segment_take(struct tap *t, const struct msg_tap_segment *m, int fd, struct err *e);
void control_segment_news(struct tap *t);

#endif
