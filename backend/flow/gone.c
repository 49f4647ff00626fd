/* Connections that left memory leave 32 bytes behind, so that they go on under their number when
 * they return. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "gone.h"

#define GONE_ROOM_FIRST 1024u
#define GONE_HALF (FLOWS_KEYS_MAX / 2) /* of one table; two of them make the bound */

static uint32_t gone_place(const struct gone_table *t, uint64_t hash, uint64_t second)
{
	uint32_t mask = t->room - 1, i = (uint32_t)hash & mask;

	while (t->entry[i].number && (t->entry[i].hash != hash || t->entry[i].second != second))
		i = (i + 1) & mask;
	return i;
}

static void gone_grow(struct gone_table *t)
{
	struct gone_table bigger = {.room = t->room ? t->room * 2 : GONE_ROOM_FIRST,
				    .count = t->count};

	bigger.entry = xcalloc(bigger.room, sizeof(*bigger.entry));
	for (uint32_t i = 0; i < t->room; i++) {
		if (t->entry[i].number)
			bigger.entry[gone_place(&bigger, t->entry[i].hash, t->entry[i].second)] =
				t->entry[i];
	}
	free(t->entry);
	*t = bigger;
}

static uint8_t gone_flags(const struct flows *f, const struct slot *s, const struct key *k)
{
	uint8_t flags = key_swapped(f, k) ? GONE_SWAPPED : 0;

	if (s->closed)
		flags |= GONE_CLOSED;
	if (s->initiator)
		flags |= s->initiator == 'a' ? GONE_INITIATOR_A : GONE_INITIATOR_B;
	if (s->side[0].seen & (SEEN_SYN | SEEN_SYN_ACK))
		flags |= GONE_ISN;
	return flags;
}

void gone_put(struct flows *f, struct key *k, const struct gone *g)
{
	struct gone_table *t = &f->gone[0];
	uint32_t i;

	if (t->count >= GONE_HALF) {
		free(f->gone[1].entry);
		f->gone[1] = *t;
		*t = (struct gone_table){0};
	}
	if (t->count >= t->room / 4 * 3)
		gone_grow(t);
	key_second(f, k);
	i = gone_place(t, k->hash, k->second);
	t->count += !t->entry[i].number;
	t->entry[i] = *g;
	t->entry[i].hash = k->hash;
	t->entry[i].second = k->second;
}

void gone_add(struct flows *f, const struct slot *s, uint64_t hash)
{
	struct key k;

	key_of(f, &k, s);
	k.hash = hash;

	const struct gone g = {.number = s->number,
			       .isn = s->side[0].first_seq,
			       .part = s->part,
			       .flags = gone_flags(f, s, &k),
			       .state = s->state};

	gone_put(f, &k, &g);
}

static struct gone *gone_find(const struct flows *f, struct key *k, unsigned *which)
{
	key_second(f, k);
	for (*which = 0; *which < 2; (*which)++) {
		const struct gone_table *t = &f->gone[*which];
		uint32_t i;

		if (!t->count)
			continue;
		i = gone_place(t, k->hash, k->second);
		if (t->entry[i].number)
			return &t->entry[i];
	}
	return NULL;
}

bool gone_peek(const struct flows *f, struct key *k, struct gone *g)
{
	unsigned which;
	const struct gone *found = gone_find(f, k, &which);

	if (found)
		*g = *found;
	return found;
}

bool gone_take(struct flows *f, struct key *k, struct gone *g)
{
	unsigned which;
	struct gone *found = gone_find(f, k, &which);
	struct gone_table *t;
	uint32_t free_at, mask;

	if (!found)
		return false;
	*g = *found;
	t = &f->gone[which];
	mask = t->room - 1;
	free_at = (uint32_t)(found - t->entry);
	for (uint32_t i = (free_at + 1) & mask; t->entry[i].number; i = (i + 1) & mask) {
		uint32_t home = (uint32_t)t->entry[i].hash & mask;

		if (((i - home) & mask) < ((i - free_at) & mask))
			continue;
		t->entry[free_at] = t->entry[i];
		free_at = i;
	}
	t->entry[free_at].number = 0;
	t->count--;
	return true;
}

/* What the budget is held against: what goes away when connections do. */
static uint64_t budget_bytes(const struct flows *f)
{
	return f->in_memory *
		       (sizeof(struct slot) + sizeof(struct age) + 2 * sizeof(struct entry)) +
	       f->figures_live * sizeof(struct figures) + f->more_bytes;
}

void gone_evict(struct flows *f)
{
	/* One connection always stays: the one whose packet this is. */
	while (budget_bytes(f) > f->o.memory_bytes && f->in_memory > 1) {
		uint32_t slot = f->oldest;
		const struct slot *s = flows_slot(f, slot);
		struct key k;

		view_leave(f, s, s->closed);
		key_of(f, &k, s);
		if (key_remove(f, k.hash, slot))
			gone_add(f, s, k.hash);
		store_remove(f, slot);
	}
}
