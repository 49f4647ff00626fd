/* Which of the packets that are in chunks make up the past, and their way into a file. */
#ifndef TAP_SAVE_H
#define TAP_SAVE_H

#include "output.h"

struct save_range {
	uint64_t from, end;	   /* chunks; end is behind the last */
	uint32_t at, length;	   /* where it begins in the first, and ends in the last */
	uint64_t bytes;		   /* of blocks in them */
	uint64_t first_packet;	   /* numbers before it */
	int64_t first_ns, last_ns; /* 0: no packet */
	int64_t held_ns;	   /* since the first of them */
};

/* The last so much of it; 0: no bound. */
struct save_bounds {
	uint64_t bytes;
	int64_t ns;
	int64_t now_ns, now_mono_ns; /* up to when */
};

/* What is inside the bounds, without a hole: from the first packet that is on, all. Stamps of
 * another clock than ours (an adapter's, or ours before it was set) are seen as such. */
void save_look(const struct output *o, const struct save_bounds *b, struct save_range *r);
/* Registers the segment, sealing by itself; nothing is written before save_write. NULL: too many
 * files are open. */
struct output_segment *save_segment(struct output *o, const struct save_range *r, uint32_t number,
				    const char *name);
/* Takes the descriptor. */
int save_write(struct output *o, const struct save_range *r, uint32_t number, int fd,
	       struct err *e);

#endif
