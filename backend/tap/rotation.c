#include "rotation.h"

#include <stddef.h>
#include <time.h>

#include "base/clock.h"

/* A stamp may be so far before our own look at the clock. */
#define EARLY_NS (10 * NS_PER_MS)

/* 0 where the clock shows no time. */
static int64_t offset_at(const struct rotation *r, int64_t at_ns)
{
	const time_t at = (time_t)(at_ns / NS_PER_S);
	struct tm tm;

	if (r->clock != ROTATION_LOCAL || !localtime_r(&at, &tm))
		return 0;
	return (int64_t)tm.tm_gmtoff * NS_PER_S;
}

int64_t rotation_next(int64_t every_ns, int64_t now_ns, int64_t offset_ns)
{
	const int64_t shown = now_ns + offset_ns;

	return (shown / every_ns + 1) * every_ns - offset_ns;
}

/* Local clocks are put forward and back meanwhile. */
static int64_t next_due(const struct rotation *r, int64_t now_ns)
{
	const int64_t offset = offset_at(r, now_ns);
	const int64_t next = rotation_next(r->every_ns, now_ns, offset);
	const int64_t moved = next - (offset_at(r, next) - offset);

	return moved > now_ns ? moved : next;
}

void rotation_begin(struct rotation *r, int64_t now_ns, int64_t mono_ns)
{
	const int64_t before = r->due_ns;

	r->due_ns = 0;
	r->due_mono_ns = r->every_ns ? mono_ns + r->every_ns : 0;
	if (!r->every_ns || r->clock == ROTATION_FREE)
		return;
	r->due_ns = next_due(r, now_ns);
	/* A stamp was ahead of the clock: the file's time is the one that begins, not its last
	 * moment. */
	if (r->due_ns == before)
		r->due_ns += r->every_ns;
	r->due_mono_ns = mono_ns + (r->due_ns - now_ns) + ROTATION_SLACK_NS;
}

const char *rotation_before(const struct rotation *r, uint64_t packets, uint64_t bytes,
			    int64_t ts_ns)
{
	if (r->bytes && packets && bytes > r->bytes)
		return "size";
	/* A device's own clock may be anywhere: it is believed only near the time. */
	if (r->due_ns && ts_ns >= r->due_ns && clock_now_ns() >= r->due_ns - EARLY_NS)
		return "time";
	return NULL;
}

const char *rotation_behind(const struct rotation *r, uint64_t packets)
{
	return r->packets && packets >= r->packets ? "packets" : NULL;
}

bool rotation_due(const struct rotation *r, int64_t now_ns, int64_t mono_ns)
{
	return (r->due_ns && now_ns >= r->due_ns + ROTATION_LATE_NS) ||
	       (r->due_mono_ns && mono_ns >= r->due_mono_ns);
}

int64_t rotation_wait_ns(const struct rotation *r, int64_t now_ns, int64_t mono_ns)
{
	int64_t wait = r->due_mono_ns - mono_ns;

	if (!r->due_mono_ns)
		return -1;
	if (r->due_ns && r->due_ns + ROTATION_LATE_NS - now_ns < wait)
		wait = r->due_ns + ROTATION_LATE_NS - now_ns;
	return wait > 0 ? wait : 0;
}
