/* Inside of flow: how values are spread: each of the first ones, then a histogram. */
#ifndef FLOW_SPREAD_H
#define FLOW_SPREAD_H

#include "table.h"

#define SPREAD_EXACT 16u /* values that are kept as they are */
#define SPREAD_FEW 4u	 /* of them in the struct itself */

/* A histogram of 32 classes an octave: what it says of a value is wrong by a 64th at most. Only the
 * octaves between the smallest and the largest value have room. */
struct spread {
	uint32_t count;		/* of values */
	uint8_t first, octaves; /* the histogram's; 0: the values themselves stand there */
	uint8_t room;		/* for values in `at`; 0: they are few */
	union {
		uint32_t few[SPREAD_FEW];
		uint32_t *at; /* values or classes; owned */
	} of;
};

/* Whether that value would be kept as it is, and all before it. */
bool spread_exact(const struct spread *d, uint64_t value);
/* So many of the same. */
void spread_add(struct flows *f, struct spread *d, uint64_t value, uint32_t count);
/* The values, while each of them is kept. */
static inline const uint32_t *spread_values(const struct spread *d)
{
	return d->room ? d->of.at : d->of.few;
}
/* The smallest value that so many per cent of all do not exceed (nearest rank). There is one at
 * least. */
uint64_t spread_percentile(const struct spread *d, unsigned percent);
/* How many are below `end`, a power of two times 1 .. 32. */
uint32_t spread_below(const struct spread *d, uint64_t end);
size_t spread_bytes(const struct spread *d); /* of `at`; 0: there is none */
void spread_release(struct flows *f, struct spread *d);

#endif
