#include "limits.h"

struct limits limits_usual(void)
{
	return (struct limits){.size_bytes = LIMITS_SIZE_BYTES,
			       .time_ns = LIMITS_TIME_NS,
			       .free_bytes = LIMITS_FREE_BYTES,
			       .free_percent = LIMITS_FREE_PERCENT};
}

uint64_t limits_reserve(uint64_t total)
{
	const uint64_t part = total / LIMITS_RESERVE_PART;

	return part < LIMITS_RESERVE_LEAST  ? LIMITS_RESERVE_LEAST
	       : part > LIMITS_RESERVE_MOST ? LIMITS_RESERVE_MOST
					    : part;
}

uint64_t limits_free(const struct limits *l, uint64_t total)
{
	const uint64_t reserve = limits_reserve(total);
	uint64_t part = total / 100 * l->free_percent;

	if (part > LIMITS_FREE_MOST_BYTES)
		part = LIMITS_FREE_MOST_BYTES;
	/* A number that is meant for large disks would be all of a small one. */
	if (l->free_bytes > part && l->free_bytes <= total / 20)
		part = l->free_bytes;
	return part > reserve ? part : reserve;
}
