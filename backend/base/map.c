#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/xalloc.h"

#define MAP_FIRST_SLOTS 16u

/* Open addressing with linear probing. A removed entry leaves a mark, so that map_next may go on
 * over it; marks go when the slots are laid out anew. Invariant: used + marks < slots * 3 / 4, so
 * that a probe always ends. */
enum slot_state { SLOT_FREE, SLOT_USED, SLOT_REMOVED };

struct slot {
	uint64_t hash;
	void *key, *value;
	uint32_t len;
	uint32_t state; /* enum slot_state */
};

struct map {
	struct slot *slot;
	size_t slots; /* a power of two */
	size_t used, removed, max;
	uint64_t seed;
};

/* The kernel gives each program 16 random bytes (getauxval(3)): the same for its life, and no
 * global is needed. */
uint64_t map_seed(void)
{
	const unsigned long at = getauxval(AT_RANDOM);
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

	if (at)
		memcpy(&seed, (const void *)(uintptr_t)at,
		       sizeof(seed)); // NOLINT: the kernel's address
	return seed;
}

static uint64_t hash_mix(uint64_t a, uint64_t b)
{
	const __uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* In the manner of wyhash: 8 bytes a multiplication, the seed in each step. */
uint64_t map_hash(const void *key, size_t len, uint64_t seed)
{
	const uint64_t k0 = UINT64_C(0xa0761d6478bd642f), k1 = UINT64_C(0xe7037ed1a0b428db);
	const uint8_t *p = key;
	uint64_t h = seed ^ hash_mix(seed ^ k0, len ^ k1);

	while (len >= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		h = hash_mix(h ^ word ^ k1, k0 ^ seed);
		p += 8;
		len -= 8;
	}
	if (len > 0) {
		uint64_t word = 0;

		memcpy(&word, p, len);
		h = hash_mix(h ^ word ^ k0, k1 ^ seed);
	}
	return hash_mix(h ^ k1, k0);
}

struct map *map_new(size_t max_entries)
{
	struct map *m = xcalloc(1, sizeof(*m));

	m->max = max_entries;
	m->seed = map_seed();
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->slots; i++)
		if (m->slot[i].state == SLOT_USED)
			free(m->slot[i].key);
	free(m->slot);
	free(m);
}

size_t map_count(const struct map *m)
{
	return m->used;
}

static struct slot *map_find(const struct map *m, const void *key, size_t len, uint64_t hash)
{
	size_t i;

	if (m->slots == 0)
		return NULL;
	for (i = hash & (m->slots - 1);; i = (i + 1) & (m->slots - 1)) {
		struct slot *s = &m->slot[i];

		if (s->state == SLOT_FREE)
			return NULL;
		if (s->state == SLOT_USED && s->hash == hash && s->len == len &&
		    (len == 0 || memcmp(s->key, key, len) == 0))
			return s;
	}
}

static struct slot *map_free_slot(const struct map *m, uint64_t hash)
{
	size_t i = hash & (m->slots - 1);

	while (m->slot[i].state == SLOT_USED)
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

static void map_lay_out(struct map *m, size_t slots)
{
	struct slot *old = m->slot;
	const size_t old_slots = m->slots;

	m->slot = xcalloc(slots, sizeof(*m->slot));
	m->slots = slots;
	m->removed = 0;
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].state == SLOT_USED)
			*map_free_slot(m, old[i].hash) = old[i];
	free(old);
}

static void map_make_room(struct map *m)
{
	if (m->slots == 0)
		map_lay_out(m, MAP_FIRST_SLOTS);
	else if ((m->used + m->removed + 1) * 4 >= m->slots * 3)
		map_lay_out(m, m->used * 2 >= m->slots ? m->slots * 2 : m->slots);
}

void *map_get(const struct map *m, const void *key, size_t len)
{
	const struct slot *s = map_find(m, key, len, map_hash(key, len, m->seed));

	return s ? s->value : NULL;
}

int map_put(struct map *m, const void *key, size_t len, void *value)
{
	const uint64_t hash = map_hash(key, len, m->seed);
	struct slot *s = map_find(m, key, len, hash);

	if (s) {
		s->value = value;
		return 0;
	}
	if (m->used >= m->max || len > UINT32_MAX)
		return -1;
	map_make_room(m);
	s = map_free_slot(m, hash);
	if (s->state == SLOT_REMOVED)
		m->removed--;
	*s = (struct slot){.hash = hash,
			   .key = xmalloc(len),
			   .value = value,
			   .len = (uint32_t)len,
			   .state = SLOT_USED};
	if (len > 0)
		memcpy(s->key, key, len);
	m->used++;
	return 0;
}

void *map_remove(struct map *m, const void *key, size_t len)
{
	struct slot *s = map_find(m, key, len, map_hash(key, len, m->seed));
	void *value;

	if (!s)
		return NULL;
	value = s->value;
	free(s->key);
	*s = (struct slot){.state = SLOT_REMOVED};
	m->used--;
	m->removed++;
	return value;
}

bool map_next(const struct map *m, size_t *iter, const void **key, size_t *len, void **value)
{
	while (*iter < m->slots) {
		const struct slot *s = &m->slot[(*iter)++];

		if (s->state != SLOT_USED)
			continue;
		if (key)
			*key = s->key;
		if (len)
			*len = s->len;
		if (value)
			*value = s->value;
		return true;
	}
	return false;
}
