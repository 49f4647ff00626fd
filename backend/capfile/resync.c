/* After damage: where do sound records begin again? */
#include "blocks_private.h"

/* Records in a row that are believed: two where the first is near in time to what was read before,
 * else three. */
#define CHAIN_NEAR 2
#define CHAIN_FAR 3

/* YES: records begin here. NO: they do not. LATER: more bytes decide. */
enum verdict { NO, YES, LATER };

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
	       h->length <= PACKET_BYTES_MAX;
}

static enum verdict classic_chain(const struct blocks *b, const uint8_t *p, size_t len,
				  uint32_t captured_max, bool at_end)
{
	struct classic_head h = classic_head(b, p);
	const bool near = b->has_last && near_in_time(h.s, b->last_s);
	const int wanted = near ? CHAIN_NEAR : CHAIN_FAR;
	uint32_t before = h.s;
	size_t at = 0;

	for (int found = 0; found < wanted; found++) {
		if (at == len && at_end)
			return near || found > 1 ? YES : NO;
		if (len - at < b->head_bytes)
			return LATER;
		h = classic_head(b, p + at);
		if (!classic_likely(b, &h, captured_max) || !near_in_time(h.s, before))
			return NO;
		before = h.s;
		/* The last of the chain need not be whole here: its head has been judged. */
		if (found + 1 == wanted)
			return YES;
		if (h.captured > len - at - b->head_bytes)
			return LATER;
		at += b->head_bytes + h.captured;
	}
	return YES;
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

static int64_t classic_scan(const struct blocks *b, const uint8_t *p, size_t len, bool at_end,
			    size_t *undecided)
{
	const uint32_t snaplen = b->interface[0].said.snaplen;
	const size_t end = len < b->head_bytes ? 0 : len - b->head_bytes + 1;
	uint32_t captured_max =
		snaplen && snaplen < b->captured_limit ? snaplen : b->captured_limit;

	if (b->captured_seen > captured_max)
		captured_max = b->captured_seen;
	*undecided = end;
	for (size_t i = 0; i < end; i++) {
		i = b->section.big ? classic_candidate(p, i, end, captured_max, true)
				   : classic_candidate(p, i, end, captured_max, false);
		if (i == end)
			break;
		switch (classic_chain(b, p + i, len - i, captured_max, at_end)) {
		case YES:
			return (int64_t)i;
		case LATER:
			*undecided = i < *undecided ? i : *undecided;
			break;
		case NO:
			break;
		}
	}
	return -1;
}

/* --- pcapng --- */

static inline bool type_known(uint32_t type)
{
	return type - 1u < 16 || type == NG_SECTION || type == 0xbad || type == 0x40000bad;
}

static inline size_t ng_candidate(const uint8_t *p, size_t i, size_t end, bool big)
{
	while (i < end) {
		const uint32_t type = load32(p + i, big);
		size_t behind;

		if (type_known(type))
			return i;
		i++;
		if (type)
			continue;
		behind = zeros_end(p, i + 3, end + 3);
		i = behind == end + 3 ? end : behind - 3;
	}
	return end;
}

/* A whole block, and a packet only where it could be read. Sets *bytes and the byte order of what
 * follows. */
static enum verdict ng_likely(const struct blocks *b, bool *big, const uint8_t *p, size_t len,
			      size_t *bytes)
{
	struct ng_frame f;
	struct packet pk;

	if (len >= 4 && !type_known(load32(p, *big)))
		return NO;
	switch (ng_frame(*big, p, len, &f, bytes, NULL)) {
	case BLOCKS_MORE:
		return LATER;
	case BLOCKS_OTHER:
		break;
	default:
		return NO;
	}
	*big = f.big;
	/* What a new section describes is not known yet. */
	if (f.type == NG_SECTION || f.big != b->section.big)
		return YES;
	return ng_packet(b, &b->section, &f, p, &pk, NULL) == BLOCKS_BAD ? NO : YES;
}

static enum verdict ng_chain(const struct blocks *b, const uint8_t *p, size_t len, bool at_end)
{
	bool big = b->section.big;
	size_t first, second;
	const enum verdict v = ng_likely(b, &big, p, len, &first);

	if (v != YES || (at_end && first == len))
		return v;
	return ng_likely(b, &big, p + first, len - first, &second);
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
		case YES:
			return (int64_t)i;
		case LATER:
			*undecided = i < *undecided ? i : *undecided;
			break;
		case NO:
			break;
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
