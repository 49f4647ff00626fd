/* Classes: values below 32 each have one; above, each octave is cut into 32 of the same width. */
#include "spread.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define CLASS_BITS 5u
#define CLASSES (1u << CLASS_BITS) /* an octave */
#define OCTAVE_BYTES (CLASSES * sizeof(uint32_t))

/* The octave of a value; octave 0 is what is below 32. */
static unsigned octave_of(uint64_t value)
{
	return value < CLASSES ? 0 : 64u - CLASS_BITS - (unsigned)__builtin_clzll(value);
}

static unsigned class_of(uint64_t value, unsigned octave)
{
	return (unsigned)(octave ? value >> (octave - 1) : value) & (CLASSES - 1);
}

/* The smallest value of a class, and the one in its middle. */
static uint64_t class_start(unsigned octave, unsigned class)
{
	return octave ? (uint64_t)(CLASSES + class) << (octave - 1) : class;
}

static uint64_t class_middle(unsigned octave, unsigned class)
{
	return class_start(octave, class) + (octave ? ((UINT64_C(1) << (octave - 1)) - 1) / 2 : 0);
}

bool spread_exact(const struct spread *d, uint64_t value)
{
	return !d->octaves && d->count < SPREAD_EXACT && value <= UINT32_MAX;
}

static void exact_add(struct flows *f, struct spread *d, uint32_t value)
{
	const uint32_t had = d->room ? d->room : SPREAD_FEW, room = had * 2;
	uint32_t *at;

	if (d->count == had) {
		at = xreallocarray(d->room ? d->of.at : NULL, room, sizeof(*at));
		if (!d->room)
			memcpy(at, d->of.few, sizeof(d->of.few));
		f->more_bytes += (room - d->room) * sizeof(*at);
		d->of.at = at;
		d->room = (uint8_t)room;
	}
	(d->room ? d->of.at : d->of.few)[d->count++] = value;
}

/* Room for that octave, and for those between. */
static void octaves_take(struct flows *f, struct spread *d, unsigned octave)
{
	const unsigned end = d->first + d->octaves, first = octave < d->first ? octave : d->first,
		       octaves = (octave < end ? end : octave + 1) - first;
	uint32_t *at = xcalloc(octaves, OCTAVE_BYTES);

	memcpy(at + (size_t)(d->first - first) * CLASSES, d->of.at, d->octaves * OCTAVE_BYTES);
	free(d->of.at);
	f->more_bytes += (octaves - d->octaves) * OCTAVE_BYTES;
	d->of.at = at;
	d->first = (uint8_t)first;
	d->octaves = (uint8_t)octaves;
}

static void histogram_add(struct flows *f, struct spread *d, uint64_t value, uint32_t count)
{
	const unsigned octave = octave_of(value);

	if (octave - d->first >= d->octaves)
		octaves_take(f, d, octave);
	d->of.at[(octave - d->first) * CLASSES + class_of(value, octave)] += count;
}

/* What stood there as it was goes into a histogram. */
static void histogram_make(struct flows *f, struct spread *d, uint64_t value)
{
	uint32_t had[SPREAD_EXACT];

	memcpy(had, spread_values(d), d->count * sizeof(*had));
	if (d->room)
		free(d->of.at);
	f->more_bytes += OCTAVE_BYTES - d->room * sizeof(*had);
	d->room = 0;
	d->first = (uint8_t)octave_of(value);
	d->octaves = 1;
	d->of.at = xcalloc(1, OCTAVE_BYTES);
	for (unsigned i = 0; i < d->count; i++)
		histogram_add(f, d, had[i], 1);
}

size_t spread_bytes(const struct spread *d)
{
	return d->octaves ? d->octaves * OCTAVE_BYTES : d->room * sizeof(*d->of.at);
}

void spread_add(struct flows *f, struct spread *d, uint64_t value, uint32_t count)
{
	for (; count && spread_exact(d, value); count--)
		exact_add(f, d, (uint32_t)value);
	if (!count || count > UINT32_MAX - d->count)
		return;
	if (!d->octaves)
		histogram_make(f, d, value);
	histogram_add(f, d, value, count);
	d->count += count;
}

static uint64_t exact_rank(const struct spread *d, uint64_t rank)
{
	const uint32_t *value = spread_values(d);
	uint32_t sorted[SPREAD_EXACT] = {0};

	for (unsigned i = 0; i < d->count; i++) {
		unsigned at = i;

		for (; at > 0 && sorted[at - 1] > value[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = value[i];
	}
	return sorted[rank - 1];
}

uint64_t spread_percentile(const struct spread *d, unsigned percent)
{
	const uint64_t rank = ((uint64_t)d->count * percent + 99) / 100;
	uint64_t sum = 0;
	unsigned i = 0;

	if (!d->octaves)
		return exact_rank(d, rank ? rank : 1);
	for (; i < d->octaves * CLASSES; i++) {
		sum += d->of.at[i];
		if (sum && sum >= rank)
			break;
	}
	return class_middle(d->first + i / CLASSES, i % CLASSES);
}

uint32_t spread_below(const struct spread *d, uint64_t end)
{
	uint32_t below = 0;

	for (uint32_t i = 0; !d->octaves && i < d->count; i++)
		below += spread_values(d)[i] < end;
	for (unsigned i = 0; i < d->octaves * CLASSES; i++) {
		if (class_start(d->first + i / CLASSES, i % CLASSES) < end)
			below += d->of.at[i];
	}
	return below;
}

void spread_release(struct flows *f, struct spread *d)
{
	f->more_bytes -= d->octaves * OCTAVE_BYTES + d->room * sizeof(uint32_t);
	if (d->octaves || d->room)
		free(d->of.at);
	*d = (struct spread){0};
}
