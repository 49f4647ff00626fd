/* What the kernel says of a device, by rtnetlink: needs no right and no path, so it works in the
 * sandbox too. */
#ifndef TAP_LINKSTATE_H
#define TAP_LINKSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct linkstate {
	bool there, up, running;
	uint32_t index;
	uint64_t missed; /* packets that the device could not take: missed, no room, overrun */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, errors, dropped;
};

int linkstate_open(struct err *e); /* a descriptor, the caller's */
/* -1: nothing could be learned. A device that is not there is an answer. */
int linkstate_get(int fd, const char *name, struct linkstate *state);

#endif
