/* Inside of flow: figures of payload and of round trips, small for a segment or two. */
#ifndef FLOW_BULK_H
#define FLOW_BULK_H

#include "spread.h"

struct moments {
	uint32_t count;
	uint64_t min_ns, max_ns, sum_ns;
	double squares; /* of the differences from the mean (Welford) */
};

/* Once there are more samples than struct spread keeps as they are. */
struct round_trips {
	struct moments all, full; /* full: of segments of the largest size */
	uint64_t last_ns, changes_ns;
};

/* From the third segment with payload on, or from the first figure that has no room in struct
 * figures. */
struct bulk {
	struct round_trips *round_trips; /* NULL: `rtts` holds each of them; owned */
	struct spread sizes, rtts;
	uint64_t flight_sum;
	double flight_area; /* bytes * ns */
	uint32_t data_packets, segment_max, segment_min;
	uint32_t flights, flight_max, flight_min; /* of flight_sum */
	uint32_t initial_bytes, initial_packets, cumulative;
	uint32_t size, run; /* so many segments of the same size are not in `sizes` yet */
	uint16_t full;	    /* which of `rtts` are of full size, a bit each */
};

/* What a direction has that sent something again or waited for it. */
struct repeats {
	uint32_t most; /* copies of one segment beyond the first */
	uint32_t ambiguous, post_loss;
	struct moments times; /* between copies */
	struct moments last;  /* from the latest copy to its ACK */
};

void moments_add(struct moments *m, uint64_t ns);

/* A segment's payload. */
void bulk_data(struct flows *f, struct figures *fg, uint32_t payload);
/* So many bytes are on their way with the new segment; 0: unknown. */
void bulk_flight(struct flows *f, struct figures *fg, uint32_t bytes);
/* New payload before any was acknowledged. */
void bulk_initial(struct flows *f, struct figures *fg, uint32_t payload);
/* A segment of that payload was acknowledged, alone or with a later one. */
void bulk_rtt(struct flows *f, struct figures *fg, uint64_t ns, uint32_t payload);
void bulk_cumulative(struct flows *f, struct figures *fg);
/* Bytes were on their way for that long. */
void bulk_area(struct figures *fg, uint32_t bytes, int64_t ns);

/* All of it in one form. What is taken is released, when the figures had none. */
void bulk_view(struct flows *f, struct figures *fg, struct bulk *out);
void bulk_view_release(struct flows *f, const struct figures *fg, struct bulk *b);
void bulk_round_trips(const struct bulk *b, struct round_trips *out);

/* Gives back what hangs on the figures. */
void figures_release(struct flows *f, struct figures *fg);
/* Made when it is needed. */
struct repeats *repeats_take(struct flows *f, struct slot *s, unsigned direction);
void repeats_release(struct flows *f, struct more_flow *m);

#endif
