#include "base/clock.h"
#include "blocks_private.h"

/* A product of ticks and 10^9 has up to 94 bits. */
__extension__ typedef unsigned __int128 wide;

static uint64_t power10(unsigned n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

/* Ticks without the offset, as nanoseconds; false past int64. */
static bool ticks_scale(uint8_t resolution, uint64_t ticks, uint64_t *ns)
{
	const unsigned n = resolution & 0x7f;
	wide v = ticks;

	if (resolution & 0x80)
		v = v * (wide)NS_PER_S >> n;
	else if (n <= 9)
		v *= power10(9 - n);
	else
		v = n - 9 > 19 ? 0 : v / power10(n - 9);
	*ns = (uint64_t)v;
	return v <= INT64_MAX;
}

bool ticks_to_ns(const struct capture_interface *i, uint64_t ticks, int64_t *ts_ns)
{
	int64_t offset_ns, at;
	uint64_t ns;

	/* Clocks that stood before 1970 are written as negative numbers by some. */
	if (ticks > INT64_MAX && (i->resolution & 0x80) == 0 && i->resolution <= 9) {
		if (!ticks_scale(i->resolution, -ticks, &ns))
			return false;
		at = -(int64_t)ns;
	} else {
		if (!ticks_scale(i->resolution, ticks, &ns))
			return false;
		at = (int64_t)ns;
	}
	return !__builtin_mul_overflow(i->offset_s, NS_PER_S, &offset_ns) &&
	       !__builtin_add_overflow(at, offset_ns, ts_ns);
}
