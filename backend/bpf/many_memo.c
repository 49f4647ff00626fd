/* What was found for a packet is found again for one with the same bytes, where only those count
 * that were looked at: a program that loads the same does the same. So a packet's time to live or
 * checksum does not matter where nobody asks for it. Packets of one kind have the same bytes looked
 * at: a shape. The programs that matched are a set, kept once; what is counted goes to the set and
 * from there to its programs when somebody wants to know, so that a packet costs the same whether
 * it matches one program or a thousand. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "many_private.h"

#define SHAPES_MAX 64u
#define SHAPE_WORDS_MAX 12u /* of eight bytes */
#define ENTRIES (1u << 14)
#define WAYS 4u
#define SETS_MAX 4096u
#define MEMBERS_MAX (1u << 20) /* of all sets */

struct shape {
	struct footprint print;
	uint32_t words, end; /* end: so many bytes must be captured */
	uint16_t offset[SHAPE_WORDS_MAX];
	uint64_t mask[SHAPE_WORDS_MAX];
};

struct entry {
	uint32_t shape; /* number + 1; 0 empty */
	uint32_t set;
	uint64_t length; /* on the wire and captured, where they count */
	uint64_t word[SHAPE_WORDS_MAX];
};

struct set {
	uint32_t first, count; /* in member */
	bool counted;
	struct bpf_tally tally;
};

struct memo {
	struct shape shape[SHAPES_MAX];
	uint32_t nshapes;
	uint8_t order[SHAPES_MAX]; /* the one that was of use last first */
	struct entry *entry;
	uint32_t turn;
	struct set *set;
	uint32_t nsets;
	struct map *known; /* members to the number of their set + 1 */
	uint32_t *member;
	uint32_t nmembers;
	uint64_t seed;
};

struct memo *memo_new(void)
{
	struct memo *m = xcalloc(1, sizeof(*m));

	m->entry = xcalloc(ENTRIES, sizeof(*m->entry));
	m->set = xcalloc(SETS_MAX, sizeof(*m->set));
	m->member = xcalloc(MEMBERS_MAX, sizeof(*m->member));
	m->known = map_new(SETS_MAX);
	m->seed = map_seed();
	return m;
}

void memo_free(struct memo *m)
{
	if (!m)
		return;
	map_free(m->known);
	free(m->entry);
	free(m->set);
	free(m->member);
	free(m);
}

void memo_clear(struct memo *m)
{
	if (m->nshapes == 0)
		return;
	memset(m->entry, 0, ENTRIES * sizeof(*m->entry));
	map_free(m->known);
	m->known = map_new(SETS_MAX);
	m->nshapes = m->nsets = m->nmembers = 0;
}

bool memo_full(const struct memo *m)
{
	return m->nshapes == SHAPES_MAX || m->nsets == SETS_MAX ||
	       m->nmembers > MEMBERS_MAX - BPF_MANY_MAX;
}

/* --- shapes --- */

static bool byte_looked_at(const struct footprint *f, uint32_t at)
{
	return at < FOOTPRINT_BYTES && (f->bit[at / 64] >> (at % 64) & 1);
}

/* false: too many words. */
static bool shape_make(struct shape *s, const struct footprint *f)
{
	*s = (struct shape){.print = *f};
	for (uint32_t at = 0; at < FOOTPRINT_BYTES; at++) {
		uint8_t mask[8];

		if (!byte_looked_at(f, at))
			continue;
		if (s->words == SHAPE_WORDS_MAX)
			return false;
		for (uint32_t i = 0; i < 8; i++) {
			mask[i] = byte_looked_at(f, at + i) ? 0xff : 0;
			s->end = mask[i] ? at + i + 1 : s->end;
		}
		s->offset[s->words] = (uint16_t)at;
		memcpy(&s->mask[s->words++], mask, sizeof(mask));
		at += 7;
	}
	return true;
}

static bool shape_is(const struct shape *s, const struct footprint *f)
{
	return memcmp(s->print.bit, f->bit, sizeof(f->bit)) == 0 && s->print.length == f->length &&
	       s->print.cut == f->cut;
}

/* Its number; SHAPES_MAX: none. */
static uint32_t shape_of(struct memo *m, const struct footprint *f)
{
	for (uint32_t i = 0; i < m->nshapes; i++)
		if (shape_is(&m->shape[i], f))
			return i;
	if (m->nshapes == SHAPES_MAX || !shape_make(&m->shape[m->nshapes], f))
		return SHAPES_MAX;
	m->order[m->nshapes] = (uint8_t)m->nshapes;
	return m->nshapes++;
}

/* The bytes that count, and a hash of them. */
static uint64_t key_make(const struct memo *m, uint32_t shape, const struct packet *p,
			 struct entry *key)
{
	const struct shape *s = &m->shape[shape];
	uint64_t h = m->seed ^ (shape + 1);

	key->shape = shape + 1;
	key->length = (s->print.length ? (uint64_t)p->length << 32 : 0) |
		      (s->print.cut ? p->captured : 0);
	h = (h ^ key->length) * 0x9e3779b97f4a7c15u;
	for (uint32_t i = 0; i < s->words; i++) {
		const uint32_t at = s->offset[i];
		uint64_t w = 0;

		memcpy(&w, p->data + at, at + 8 <= p->captured ? 8 : p->captured - at);
		key->word[i] = w & s->mask[i];
		h = (h ^ key->word[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return h * 0x9e3779b97f4a7c15u >> 32; /* only the high bits have seen all */
}

static bool entry_is(const struct entry *e, const struct entry *key, uint32_t words)
{
	if (e->shape != key->shape || e->length != key->length)
		return false;
	for (uint32_t i = 0; i < words; i++)
		if (e->word[i] != key->word[i])
			return false;
	return true;
}

uint32_t memo_get(struct memo *m, const struct packet *p)
{
	for (uint32_t i = 0; i < m->nshapes; i++) {
		const uint8_t number = m->order[i];
		const struct shape *s = &m->shape[number];
		struct entry key, *e;

		if (p->captured < s->end)
			continue;
		e = &m->entry[key_make(m, number, p, &key) % (ENTRIES / WAYS) * WAYS];
		for (uint32_t way = 0; way < WAYS; way++, e++) {
			if (!entry_is(e, &key, s->words))
				continue;
			if (i > 0) { /* a step to the front */
				m->order[i] = m->order[i - 1];
				m->order[i - 1] = number;
			}
			return e->set;
		}
	}
	return EXPR_NONE;
}

/* --- sets --- */

static uint32_t set_of(struct memo *m, const uint32_t *program, uint32_t count)
{
	const size_t bytes = count * sizeof(*program);
	static const uint32_t none = UINT32_MAX;
	const void *key = count ? (const void *)program : &none;
	const size_t len = count ? bytes : sizeof(none);
	const uintptr_t known = (uintptr_t)map_get(m->known, key, len);
	struct set *s;

	if (known)
		return (uint32_t)(known - 1);
	if (m->nsets == SETS_MAX || m->nmembers + count > MEMBERS_MAX)
		return EXPR_NONE;
	s = &m->set[m->nsets];
	*s = (struct set){.first = m->nmembers, .count = count};
	if (count)
		memcpy(m->member + m->nmembers, program, bytes);
	m->nmembers += count;
	(void)map_put(m->known, key, len, (void *)(uintptr_t)(m->nsets + 1));
	return m->nsets++;
}

bool memo_put(struct memo *m, const struct packet *p, const struct footprint *f,
	      const uint32_t *program, uint32_t count, uint32_t *set)
{
	struct entry key = {0}, *e;
	uint32_t shape;

	if (f->far)
		return false;
	shape = shape_of(m, f);
	if (shape == SHAPES_MAX)
		return false;
	*set = set_of(m, program, count);
	if (*set == EXPR_NONE)
		return false;
	e = &m->entry[key_make(m, shape, p, &key) % (ENTRIES / WAYS) * WAYS];
	for (uint32_t way = 0; way < WAYS; way++)
		if (e[way].shape == 0) {
			key.set = *set;
			e[way] = key;
			return true;
		}
	key.set = *set;
	e[m->turn++ % WAYS] = key;
	return true;
}

void memo_count(struct memo *m, uint32_t set, uint32_t length, int64_t ts_ns)
{
	struct set *s = &m->set[set];

	if (!s->counted)
		s->tally.last_ns = ts_ns;
	s->counted = true;
	s->tally.packets++;
	s->tally.bytes += length;
	if (ts_ns > s->tally.last_ns)
		s->tally.last_ns = ts_ns;
}

void memo_settle(struct memo *m, memo_fn fn, void *arg)
{
	for (uint32_t i = 0; i < m->nsets; i++) {
		struct set *s = &m->set[i];

		if (!s->counted)
			continue;
		for (uint32_t j = 0; j < s->count; j++)
			fn(arg, m->member[s->first + j], &s->tally);
		s->counted = false;
		s->tally = (struct bpf_tally){0};
	}
}
