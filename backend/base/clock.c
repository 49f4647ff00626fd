#include "base/clock.h"

#include <time.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec t = {0};

	/* Cannot fail for the two clocks that are asked for here. */
	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}
