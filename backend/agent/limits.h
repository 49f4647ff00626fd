/* What protects a host from recordings that name no end of their own. */
#ifndef AGENT_LIMITS_H
#define AGENT_LIMITS_H

#include <stdint.h>

#include "base/clock.h"

#define LIMITS_SIZE_BYTES (UINT64_C(10) * 1000 * 1000 * 1000)
#define LIMITS_TIME_NS (INT64_C(7) * 24 * 3600 * NS_PER_S)
#define LIMITS_FREE_BYTES (UINT64_C(1000) * 1000 * 1000)
#define LIMITS_FREE_PERCENT 5u

struct limits {
	uint64_t size_bytes; /* of one recording; 0: none */
	int64_t time_ns;     /* of one recording; 0: none */
	uint64_t free_bytes; /* that the disk keeps; 0: none */
	unsigned free_percent;
};

#endif
