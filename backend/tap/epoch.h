/* The clock that stamps packets may be set: then times before and behind it are of two orders. */
#ifndef TAP_EPOCH_H
#define TAP_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#define EPOCH_STEP_NS                                                                              \
	10000000	       /* less than this between two looks is the clock being disciplined  \
				*/
#define EPOCH_DOUBT_NS 1000000 /* a look that took longer was interrupted and says nothing */

struct epoch {
	int64_t offset_ns; /* of the clock of stamps from the one that is never set */
	bool known;
};

/* The clock of stamps, read between two readings of the other. true: it was set since the look
 * before, by *by_ns. */
bool epoch_look(struct epoch *ep, int64_t mono_before_ns, int64_t now_ns, int64_t mono_after_ns,
		int64_t *by_ns);

#endif
