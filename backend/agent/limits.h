/* Limits of this machine for recordings that say none themselves: what a session that was
 * forgotten may do to a host in production. */
#ifndef AGENT_LIMITS_H
#define AGENT_LIMITS_H

#include <stdint.h>

#include "base/clock.h"

#define LIMITS_SIZE_BYTES (UINT64_C(10) * 1000 * 1000 * 1000)
#define LIMITS_TIME_NS (7 * 24 * 3600 * NS_PER_S)
#define LIMITS_FREE_BYTES (UINT64_C(1) * 1000 * 1000 * 1000)
#define LIMITS_FREE_PERCENT 5u
/* Of a large disk a percentage is more than anybody needs. */
#define LIMITS_FREE_MOST_BYTES (UINT64_C(10) * 1000 * 1000 * 1000)
/* Whatever the limits say: room for journals, and for what others cannot do without. */
#define LIMITS_RESERVE_LEAST (UINT64_C(256) * 1024)
#define LIMITS_RESERVE_MOST (UINT64_C(64) * 1024 * 1024)
#define LIMITS_RESERVE_PART 100u /* one of so many of the file system */

struct limits {
	uint64_t size_bytes;   /* of a recording, unless `keep` or `stop-after` say; 0 none */
	int64_t time_ns;       /* of a recording, unless said, or it is to persist; 0 none */
	uint64_t free_bytes;   /* of the disk stay free, where they are no larger part than ... */
	unsigned free_percent; /* this one, which does as well */
};

struct limits limits_usual(void);
/* Bytes that stay free on a file system of `total` bytes: never less than its reserve. */
uint64_t limits_free(const struct limits *l, uint64_t total);
uint64_t limits_reserve(uint64_t total);

#endif
