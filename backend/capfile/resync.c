/* After damage: where do sound records begin again? */
#include "ng.h"

/* Records in a row that are believed: two where the first is near in time to what was read before,
 * else three. */
#define CHAIN_NEAR 2
#define CHAIN_FAR 3
#define LENGTH_USUAL (1u << 20) /* no packet was longer on any wire yet */

/* What is believed of records that begin here, the better the higher. Read some bytes too late a
 * head has lengths and a fraction of a second for a time, and others like it follow: the best that
 * begins within RESYNC_NEAR_BYTES is taken. */
enum verdict {
	NO,
	LATER,	    /* more bytes decide */
	FAR,	    /* of any time */
	FAR_LIKELY, /* of a time in which there were captures */
	NEAR,	    /* of the day of the last one that was read; all of pcapng */
};

/* --- pcap --- */

static bool near_in_time(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : b - a) <= DAY_S;
}

/* Stricter than in the walk: whatever is usual in a record must hold. */
static bool classic_likely(const struct blocks *b, const struct classic_head *h,
			   uint32_t captured_max)
{
	return h->captured - 1u < captured_max && h->captured <= h->length && h->part < b->unit &&
	       h->length <= LENGTH_USUAL;
}

static enum verdict classic_chain(const struct blocks *b, const uint8_t *p, size_t len,
				  uint32_t captured_max, bool at_end)
{
	struct classic_head h = classic_head(b, p);
	const bool near = b->has_last && near_in_time(h.s, b->last_s);
	const enum verdict found_it = near ? NEAR : h.s > YEAR_1990_S ? FAR_LIKELY : FAR;
	const int wanted = near ? CHAIN_NEAR : CHAIN_FAR;
	uint32_t before = h.s;
	size_t at = 0;

	for (int found = 0; found < wanted; found++) {
		if (at == len && at_end)
			return near || found > 1 ? found_it : NO;
		if (len - at < b->head_bytes)
			return LATER;
		h = classic_head(b, p + at);
		if (!classic_likely(b, &h, captured_max) || !near_in_time(h.s, before))
			return NO;
		before = h.s;
		/* The last of the chain need not be whole here: its head has been judged. */
		if (found + 1 == wanted)
			return found_it;
		if (h.captured > len - at - b->head_bytes)
			return LATER;
		at += b->head_bytes + h.captured;
	}
	return found_it;
}

/* The first byte from i on that is not zero; `end` where there is none. Damage is mostly zeros. */
static size_t zeros_end(const uint8_t *p, size_t i, size_t end)
{
	uint64_t word[8];

	for (; end - i >= sizeof(word); i += sizeof(word)) {
		memcpy(word, p + i, sizeof(word));
		if (word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7])
			break;
	}
	while (i < end && p[i] == 0)
		i++;
	return i;
}

/* The first place from i on whose captured length could be one; `end` where there is none. Most
 * bytes of a hole see only this: `big` is a constant where it is called, so that each order has a
 * loop of its own. */
static inline size_t classic_candidate(const uint8_t *p, size_t i, size_t end,
				       uint32_t captured_max, bool big)
{
	const size_t top = big ? 8 : 11; /* the highest byte of the length */

	while (i < end) {
		const uint8_t *zero;
		uint32_t captured;
		size_t behind;

		if (captured_max >> 24 == 0) {
			zero = memchr(p + i + top, 0, end - i);
			if (!zero)
				return end;
			i = (size_t)(zero - p) - top;
		}
		captured = load32(p + i + 8, big);
		if (captured - 1u < captured_max)
			return i;
		i++;
		if (captured)
			continue;
		/* A length that is not zero has the first byte that is not. */
		behind = zeros_end(p, i + 11, end + 11);
		i = behind == end + 11 ? end : behind - 11;
	}
	return end;
}

static uint32_t captured_most(const struct blocks *b)
{
	const uint32_t snaplen = b->interface[0].said.snaplen;
	const uint32_t most = snaplen && snaplen < b->captured_limit ? snaplen : b->captured_limit;

	return b->captured_seen > most ? b->captured_seen : most;
}

/* The best chain so far, and how far it is looked for. */
struct classic_best {
	enum verdict verdict;
	size_t at, until, later;
};

/* true: there is none better. */
static bool classic_weigh(const struct blocks *b, struct classic_best *best, enum verdict v,
			  size_t i)
{
	if (v == LATER && i < best->later)
		best->later = i;
	if (v < FAR || v <= best->verdict)
		return false;
	if (best->verdict == NO && i + RESYNC_NEAR_BYTES < best->until)
		best->until = i + RESYNC_NEAR_BYTES;
	best->verdict = v;
	best->at = i;
	return v == (b->has_last ? NEAR : FAR_LIKELY);
}

static int64_t classic_scan(const struct blocks *b, const uint8_t *p, size_t len, bool at_end,
			    size_t *undecided)
{
	const size_t end = len < b->head_bytes ? 0 : len - b->head_bytes + 1;
	const uint32_t captured_max = captured_most(b);
	struct classic_best best = {.verdict = NO, .until = end, .later = end};

	for (size_t i = 0; i < best.until; i++) {
		i = b->section.big ? classic_candidate(p, i, best.until, captured_max, true)
				   : classic_candidate(p, i, best.until, captured_max, false);
		if (i == best.until)
			break;
		if (classic_weigh(b, &best, classic_chain(b, p + i, len - i, captured_max, at_end),
				  i))
			return (int64_t)i;
	}
	/* A better one may begin behind these bytes, or have begun and not be whole. */
	if (best.verdict != NO && (at_end || len - best.at >= 2 * RESYNC_NEAR_BYTES ||
				   (best.until < end && best.later == end)))
		return (int64_t)best.at;
	*undecided = best.verdict != NO && best.at < best.later ? best.at : best.later;
	return -1;
}

bool classic_near_within(const struct blocks *b, const uint8_t *p, size_t own, size_t len,
			 bool at_end)
{
	const size_t all = len < b->head_bytes ? 0 : len - b->head_bytes + 1;
	const size_t end = own < all ? own : all;
	const uint32_t captured_max = captured_most(b);
	struct blocks near = *b;

	if (!b->has_last) /* the first: its own time is as good as any */
		near.last_s = classic_head(b, p).s;
	near.has_last = true;
	for (size_t i = b->head_bytes; i < end; i++) {
		i = b->section.big ? classic_candidate(p, i, end, captured_max, true)
				   : classic_candidate(p, i, end, captured_max, false);
		if (i < end && classic_chain(&near, p + i, len - i, captured_max, at_end) == NEAR)
			return true;
	}
	return false;
}

/* --- pcapng --- */

static inline size_t ng_candidate(const uint8_t *p, size_t i, size_t end, bool big)
{
	while (i < end) {
		const uint32_t type = load32(p + i, big);
		size_t behind;

		if (ng_type_known(type))
			return i;
		i++;
		if (type)
			continue;
		behind = zeros_end(p, i + 3, end + 3);
		i = behind == end + 3 ? end : behind - 3;
	}
	return end;
}

/* A whole block. Sets *bytes and the byte order of what follows. Which interface a packet names
 * does not count: its description may be in the hole. */
static enum verdict ng_likely(bool *big, const uint8_t *p, size_t len, size_t *bytes)
{
	struct ng_frame f;

	if (len >= 4 && !ng_type_known(load32(p, *big)))
		return NO;
	switch (ng_frame(*big, p, len, &f, bytes, NULL)) {
	case BLOCKS_MORE:
		return LATER;
	case BLOCKS_OTHER:
		*big = f.big;
		return ng_packet_fits(&f, p) ? NEAR : NO;
	default:
		return NO;
	}
}

static enum verdict ng_chain(const struct blocks *b, const uint8_t *p, size_t len, bool at_end)
{
	bool big = b->section.big;
	size_t first, second;
	const enum verdict v = ng_likely(&big, p, len, &first);

	if (v != NEAR || (at_end && first == len))
		return v;
	return ng_likely(&big, p + first, len - first, &second);
}

static int64_t ng_scan(const struct blocks *b, const uint8_t *p, size_t len, bool at_end,
		       size_t *undecided)
{
	const size_t end = len < 12 ? 0 : len - 12 + 1;

	*undecided = end;
	for (size_t i = 0; i < end; i++) {
		i = b->section.big ? ng_candidate(p, i, end, true) : ng_candidate(p, i, end, false);
		if (i == end)
			break;
		switch (ng_chain(b, p + i, len - i, at_end)) {
		case NO:
			break;
		case LATER:
			*undecided = i < *undecided ? i : *undecided;
			break;
		default:
			return (int64_t)i;
		}
	}
	return -1;
}

int64_t blocks_scan(const struct blocks *b, const uint8_t *p, size_t len, bool at_end,
		    size_t *undecided)
{
	*undecided = 0;
	switch (b->kind) {
	case KIND_CLASSIC:
		return classic_scan(b, p, len, at_end, undecided);
	case KIND_NG:
		return ng_scan(b, p, len, at_end, undecided);
	default:
		return -1;
	}
}

int64_t blocks_resync(struct blocks *b, const uint8_t *p, size_t len, int at_end)
{
	size_t undecided;

	return blocks_scan(b, p, len, at_end != 0, &undecided);
}
