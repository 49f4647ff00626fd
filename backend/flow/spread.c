/* Classes: values below 32 each have one; above, each octave is cut into 32 of the same width. */
#include "spread.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define CLASS_BITS 5u
#define CLASSES (1u << CLASS_BITS) /* an octave */
#define ROOM_FIRST 4u
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
	if (d->count == d->room) {
		const unsigned room = d->room ? d->room * 2u : ROOM_FIRST;

		d->at = xreallocarray(d->at, room, sizeof(*d->at));
		f->more_bytes += (room - d->room) * sizeof(*d->at);
		d->room = (uint8_t)room;
	}
	d->at[d->count++] = value;
}

/* Room for that octave, and for those between. */
static void octaves_take(struct flows *f, struct spread *d, unsigned octave)
{
	const unsigned end = d->first + d->octaves, first = octave < d->first ? octave : d->first,
		       octaves = (octave < end ? end : octave + 1) - first;
	uint32_t *at;

	if (octaves == d->octaves)
		return;
	at = xcalloc(octaves, OCTAVE_BYTES);
	memcpy(at + (size_t)(d->first - first) * CLASSES, d->at, d->octaves * OCTAVE_BYTES);
	free(d->at);
	f->more_bytes += (octaves - d->octaves) * OCTAVE_BYTES;
	d->at = at;
	d->first = (uint8_t)first;
	d->octaves = (uint8_t)octaves;
}

static void histogram_add(struct flows *f, struct spread *d, uint64_t value)
{
	const unsigned octave = octave_of(value);

	octaves_take(f, d, octave);
	d->at[(octave - d->first) * CLASSES + class_of(value, octave)]++;
}

/* What stood there as it was goes into a histogram. */
static void histogram_make(struct flows *f, struct spread *d, uint64_t value)
{
	uint32_t had[SPREAD_EXACT];
	const unsigned count = d->count;

	if (count)
		memcpy(had, d->at, count * sizeof(*had));
	free(d->at);
	f->more_bytes += OCTAVE_BYTES - d->room * sizeof(*d->at);
	d->room = 0;
	d->first = (uint8_t)octave_of(value);
	d->octaves = 1;
	d->at = xcalloc(1, OCTAVE_BYTES);
	for (unsigned i = 0; i < count; i++)
		histogram_add(f, d, had[i]);
}

void spread_add(struct flows *f, struct spread *d, uint64_t value)
{
	if (d->count == UINT32_MAX)
		return;
	if (spread_exact(d, value)) {
		exact_add(f, d, (uint32_t)value);
		return;
	}
	if (!d->octaves)
		histogram_make(f, d, value);
	histogram_add(f, d, value);
	d->count++;
}

static uint64_t exact_rank(const struct spread *d, uint64_t rank)
{
	uint32_t sorted[SPREAD_EXACT];

	for (unsigned i = 0; i < d->count; i++) {
		unsigned at = i;

		for (; at > 0 && sorted[at - 1] > d->at[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = d->at[i];
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
		sum += d->at[i];
		if (sum && sum >= rank)
			break;
	}
	return class_middle(d->first + i / CLASSES, i % CLASSES);
}

uint32_t spread_below(const struct spread *d, uint64_t end)
{
	uint32_t below = 0;

	for (uint32_t i = 0; !d->octaves && i < d->count; i++)
		below += d->at[i] < end;
	for (unsigned i = 0; i < d->octaves * CLASSES; i++) {
		if (class_start(d->first + i / CLASSES, i % CLASSES) < end)
			below += d->at[i];
	}
	return below;
}

void spread_release(struct flows *f, struct spread *d)
{
	f->more_bytes -= d->octaves * OCTAVE_BYTES + d->room * sizeof(*d->at);
	free(d->at);
	*d = (struct spread){0};
}
