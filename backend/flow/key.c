/* Keys and the hash table over them: open addressing, linear probing, seeded so that nobody can
 * make keys collide. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "table.h"

#define CACHE_LINE 64u

/* Both halves of the product, folded (as wyhash does). */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* One end: distinct for distinct IPv4 ends; hashed for IPv6. */
static inline uint64_t end_hash(const struct flows *f, uint8_t family, const uint8_t *addr,
				uint16_t port)
{
	if (family == 4)
		return (uint64_t)load32(addr) << 16 | port;
	return mix(load64(addr) ^ f->seed[2], load64(addr + 8) ^ f->seed[3]) ^ (uint64_t)port << 24;
}

static inline uint64_t ends_hash(const struct key *k, uint64_t a, uint64_t b, uint64_t seed0,
				 uint64_t seed1)
{
	uint64_t low = a < b ? a : b, high = a < b ? b : a;
	uint32_t kind = (uint32_t)k->family << 16 | (k->has_ports ? 1u << 8 : 0) | k->protocol;

	return mix(mix(low ^ seed0, high ^ seed1) ^ kind, seed0 ^ 0x9e3779b97f4a7c15u);
}

void key_hash(const struct flows *f, struct key *k)
{
	uint64_t a = end_hash(f, k->family, k->src, k->sport),
		 b = end_hash(f, k->family, k->dst, k->dport);

	k->hash = ends_hash(k, a, b, f->seed[0], f->seed[1]);
}

void key_second(const struct flows *f, struct key *k)
{
	uint64_t a = end_hash(f, k->family, k->src, k->sport),
		 b = end_hash(f, k->family, k->dst, k->dport);

	k->second = ends_hash(k, a, b, f->seed[2] ^ 0xd6e8feb86659fd93u,
			      f->seed[3] ^ 0xa0761d6478bd642fu);
}

bool key_swapped(const struct flows *f, const struct key *k)
{
	return end_hash(f, k->family, k->src, k->sport) > end_hash(f, k->family, k->dst, k->dport);
}

void key_make(const struct flows *f, struct key *k, const struct decoded *d)
{
	k->src = d->src;
	k->dst = d->dst;
	k->family = d->family;
	k->protocol = d->ip_protocol;
	k->has_ports = d->flags & DECODE_PORTS;
	k->sport = k->has_ports ? d->sport : 0;
	k->dport = k->has_ports ? d->dport : 0;
	key_hash(f, k);
}

void key_of(const struct flows *f, struct key *k, const struct slot *s)
{
	k->src = slot_end(s, 0);
	k->dst = slot_end(s, 1);
	k->family = s->ip6 ? ADDR_IP6 : ADDR_IP4;
	k->protocol = s->protocol;
	k->has_ports = s->has_ports;
	k->sport = s->port[0];
	k->dport = s->port[1];
	key_hash(f, k);
}

static inline bool addr_is(const uint8_t *a, const uint8_t *bytes, uint8_t family)
{
	if (family == 4)
		return load32(a) == load32(bytes);
	return load64(a) == load64(bytes) && load64(a + 8) == load64(bytes + 8);
}

/* Whether the key's source is that end of the connection. */
static inline bool key_from(const struct slot *s, const struct key *k, unsigned end)
{
	return s->port[end] == k->sport && s->port[!end] == k->dport &&
	       addr_is(slot_end(s, end), k->src, k->family) &&
	       addr_is(slot_end(s, !end), k->dst, k->family);
}

/* The direction of the key in the connection, -1 when it is another's. */
static inline int key_match(const struct slot *s, const struct key *k)
{
	if (s->protocol != k->protocol || s->ip6 != (k->family == ADDR_IP6) ||
	    s->has_ports != k->has_ports)
		return -1;
	return key_from(s, k, 0) ? 0 : key_from(s, k, 1) ? 1 : -1;
}

uint32_t key_find(const struct flows *f, const struct key *k, uint8_t *direction)
{
	uint32_t mask = f->entries - 1, tag = (uint32_t)k->hash;

	for (uint32_t i = tag & mask; f->entry[i].slot; i = (i + 1) & mask) {
		int match;

		if (f->entry[i].tag != tag)
			continue;
		match = key_match(flows_slot(f, f->entry[i].slot - 1), k);
		if (match < 0)
			continue;
		*direction = (uint8_t)match;
		return f->entry[i].slot - 1;
	}
	return NONE;
}

/* --- looks ahead: nothing of it is more than a guess --- */

uint64_t flows_look_far(const struct flows *f, const struct decoded *d)
{
	struct key k;

	if (!(d->flags & DECODE_IP))
		return 0;
	key_make(f, &k, d);
	__builtin_prefetch(&f->entry[(uint32_t)k.hash & (f->entries - 1)]);
	return k.hash;
}

static const struct slot *slot_likely(const struct flows *f, uint64_t hash)
{
	const uint32_t mask = f->entries - 1, tag = (uint32_t)hash;

	for (uint32_t i = tag & mask; f->entry[i].slot; i = (i + 1) & mask) {
		if (f->entry[i].tag == tag)
			return flows_slot(f, f->entry[i].slot - 1);
	}
	return NULL;
}

void flows_look(const struct flows *f, uint64_t hash)
{
	const char *s = (const char *)slot_likely(f, hash);

	for (size_t at = 0; s && at < sizeof(struct slot); at += CACHE_LINE)
		__builtin_prefetch(s + at);
}

void flows_look_near(const struct flows *f, uint64_t hash)
{
	const struct slot *s = slot_likely(f, hash);

	for (unsigned i = 0; s && i < 2; i++) {
		const char *fg = (const char *)s->side[i].figures;

		for (size_t at = 0; fg && at < sizeof(struct figures); at += CACHE_LINE)
			__builtin_prefetch(fg + at);
	}
}

static void entry_put(struct entry *entry, uint32_t mask, struct entry e)
{
	uint32_t i = e.tag & mask;

	while (entry[i].slot)
		i = (i + 1) & mask;
	entry[i] = e;
}

static void table_grow(struct flows *f)
{
	uint32_t room = f->entries * 2;
	struct entry *entry = xcalloc(room, sizeof(*entry));

	for (uint32_t i = 0; i < f->entries; i++) {
		if (f->entry[i].slot)
			entry_put(entry, room - 1, f->entry[i]);
	}
	free(f->entry);
	f->entry = entry;
	f->entries = room;
}

void key_insert(struct flows *f, uint64_t hash, uint32_t slot)
{
	if (f->in_memory >= (uint64_t)f->entries / 4 * 3 && f->entries < UINT32_C(1) << 31)
		table_grow(f);
	entry_put(f->entry, f->entries - 1, (struct entry){(uint32_t)hash, slot + 1});
}

static uint32_t entry_of(const struct flows *f, uint64_t hash, uint32_t slot)
{
	uint32_t mask = f->entries - 1, i = (uint32_t)hash & mask;

	while (f->entry[i].slot && f->entry[i].slot != slot + 1)
		i = (i + 1) & mask;
	return i;
}

void key_replace(struct flows *f, uint64_t hash, uint32_t old, uint32_t slot)
{
	uint32_t i = entry_of(f, hash, old);

	if (f->entry[i].slot)
		f->entry[i].slot = slot + 1;
}

/* Entries behind a removed one move up, so that no probe stops too early. A connection whose five
 * values were taken up by a later one has no entry any more. */
bool key_remove(struct flows *f, uint64_t hash, uint32_t slot)
{
	uint32_t mask = f->entries - 1, free_at = entry_of(f, hash, slot);

	if (!f->entry[free_at].slot)
		return false;
	for (uint32_t i = (free_at + 1) & mask; f->entry[i].slot; i = (i + 1) & mask) {
		uint32_t home = f->entry[i].tag & mask;

		if (((i - home) & mask) < ((i - free_at) & mask))
			continue;
		f->entry[free_at] = f->entry[i];
		free_at = i;
	}
	f->entry[free_at].slot = 0;
	return true;
}
