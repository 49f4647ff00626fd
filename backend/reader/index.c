#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void index_init(struct index *x)
{
	*x = (struct index){0};
	pages_init(&x->place, sizeof(uint64_t));
	pages_init(&x->ts, sizeof(int64_t));
	pages_init(&x->length, sizeof(uint32_t));
}

void index_release(struct index *x)
{
	pages_release(&x->place);
	pages_release(&x->ts);
	pages_release(&x->length);
	free(x->run);
	index_init(x);
}

static void index_run_add(struct index *x, uint64_t row, uint64_t shift)
{
	x->run = xreallocarray(x->run, x->nruns + 1, sizeof(*x->run));
	x->run[x->nruns++] = (struct index_run){.row = row, .shift = shift};
}

void index_add(struct index *x, uint64_t number, const struct index_entry *e)
{
	uint64_t row = x->place.count;

	if (x->nruns == 0 || x->run[x->nruns - 1].shift + row != number)
		index_run_add(x, row, number - row);
	uint64_t *place = pages_add(&x->place);
	int64_t *ts = pages_add(&x->ts);
	uint32_t *length = pages_add(&x->length);

	*place = (uint64_t)e->interface << INDEX_PLACE_BITS | e->place;
	*ts = e->ts_ns;
	*length = e->length;
}

bool index_get(const struct index *x, uint64_t row, struct index_entry *e)
{
	const uint64_t *place = row < x->first ? NULL : pages_at(&x->place, row);

	if (!place)
		return false;
	e->place = *place & ((UINT64_C(1) << INDEX_PLACE_BITS) - 1);
	e->interface = (uint32_t)(*place >> INDEX_PLACE_BITS);
	e->ts_ns = *(const int64_t *)pages_at(&x->ts, row);
	e->length = *(const uint32_t *)pages_at(&x->length, row);
	return true;
}

uint64_t index_count(const struct index *x)
{
	return x->place.count;
}

void index_drop(struct index *x, uint64_t first)
{
	if (first <= x->first || x->nruns == 0)
		return;
	x->first = first < x->place.count ? first : x->place.count;
	pages_drop(&x->place, x->first);
	pages_drop(&x->ts, x->first);
	pages_drop(&x->length, x->first);
	size_t past = 0;

	while (past + 1 < x->nruns && x->run[past + 1].row <= x->first)
		past++;
	x->nruns -= past;
	memmove(x->run, x->run + past, x->nruns * sizeof(*x->run));
}

/* The last run that begins at or before the row. */
static const struct index_run *index_run_of(const struct index *x, uint64_t row)
{
	size_t low = 0, high = x->nruns;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (x->run[middle].row <= row)
			low = middle;
		else
			high = middle;
	}
	return &x->run[low];
}

uint64_t index_number(const struct index *x, uint64_t row)
{
	return x->nruns ? row + index_run_of(x, row)->shift : row + 1;
}

uint64_t index_row(const struct index *x, uint64_t number)
{
	for (size_t i = x->nruns; i-- > 0;) {
		if (x->run[i].row + x->run[i].shift > number)
			continue;
		uint64_t row = number - x->run[i].shift;
		uint64_t end = i + 1 < x->nruns ? x->run[i + 1].row : x->place.count;

		return row < end && row >= x->first ? row : UINT64_MAX;
	}
	return UINT64_MAX;
}

uint64_t index_row_from(const struct index *x, uint64_t number)
{
	uint64_t row = x->first;

	for (size_t i = x->nruns; i-- > 0;) {
		const struct index_run *run = &x->run[i];
		const uint64_t end = i + 1 < x->nruns ? x->run[i + 1].row : x->place.count;

		if (run->row + run->shift > number)
			continue;
		row = number - run->shift < end ? number - run->shift : end;
		break;
	}
	return row > x->first ? row : x->first;
}
