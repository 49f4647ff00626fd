/* Inside of flow: segments that wait for their ACK: round-trip times and repeated segments. */
#ifndef FLOW_SENT_H
#define FLOW_SENT_H

#include "table.h"

struct sent_segment {
	uint32_t start, end;
	int64_t ts_ns;	/* of its latest copy; SENT_NO_TIME */
	uint32_t again; /* copies beyond the first */
	bool behind;	/* something before it was sent later: its ACK had to wait */
};
#define SENT_NO_TIME INT64_MIN
#define SENT_ROOM_FIRST 4u
#define SENT_ROOM_MAX 2048u /* past it the oldest half is forgotten */

struct sent {
	struct sent *next; /* of the free ones */
	uint32_t first, count, room;
	struct sent_segment at[];
};

/* A segment with bytes that were not seen before; it may lie between others. */
void sent_add(struct flows *f, struct figures *fg, struct sent_segment new);
/* Some of [start, end) had been sent before. */
void sent_again(struct flows *f, struct slot *s, unsigned direction, struct sent_segment copy);
void sent_acked(struct flows *f, struct slot *s, unsigned direction, uint32_t ack,
		const struct flow_place *p);
/* Nothing is waited for any more. */
void sent_release(struct flows *f, struct figures *fg);

#endif
