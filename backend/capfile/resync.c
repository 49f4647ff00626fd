/* After damage: where do sound records begin again? */
#include "blocks_private.h"

/* Records in a row that are believed: two where the first is near in time to what was read before, else three. */
#define CHAIN_NEAR 2
#define CHAIN_FAR 3

/* --- pcap --- */

static bool near_in_time(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : b - a) <= DAY_S;
}

/* Stricter than in the walk: whatever is usual in a record must hold. */
static bool classic_likely(const struct blocks *b, const struct classic_head *h, uint32_t captured_max)
{
	return h->captured - 1u < captured_max && h->captured <= h->length && h->part < b->unit &&
	       h->length <= PACKET_BYTES_MAX;
}

static bool classic_chain(const struct blocks *b, const uint8_t *p, size_t len, uint32_t captured_max, bool at_end)
{
	struct classic_head h = classic_head(b, p);
	const bool near = b->has_last && near_in_time(h.s, b->last_s);
	const int wanted = near ? CHAIN_NEAR : CHAIN_FAR;
	uint32_t before = h.s;
	size_t at = 0;

	for (int found = 0; found < wanted; found++) {
		if (at_end && at == len && found > 0)
			return near || found > 1;
		if (len - at < b->head_bytes)
			return false;
		h = classic_head(b, p + at);
		if (!classic_likely(b, &h, captured_max) || !near_in_time(h.s, before))
			return false;
		before = h.s;
		/* The last of the chain need not be whole here: its head has been judged. */
		if (found + 1 == wanted)
			return true;
		if (h.captured > len - at - b->head_bytes)
			return false;
		at += b->head_bytes + h.captured;
	}
	return true;
}

static int64_t classic_resync(const struct blocks *b, const uint8_t *p, size_t len, bool at_end)
{
	const uint32_t snaplen = b->interface[0].said.snaplen;
	uint32_t captured_max = snaplen && snaplen < b->captured_limit ? snaplen : b->captured_limit;

	if (b->captured_seen > captured_max)
		captured_max = b->captured_seen;
	for (size_t i = 0; i + b->head_bytes <= len; i++) {
		const struct classic_head h = classic_head(b, p + i);

		if (classic_likely(b, &h, captured_max) && classic_chain(b, p + i, len - i, captured_max, at_end))
			return (int64_t)i;
	}
	return -1;
}

/* --- pcapng --- */

static bool type_known(uint32_t type)
{
	return (type >= 1 && type <= 16) || type == NG_SECTION || type == 0xbad || type == 0x40000bad;
}

/* A whole block, and a packet only where it could be read. Sets *bytes and the byte order of what follows. */
static bool ng_likely(const struct blocks *b, bool *big, const uint8_t *p, size_t len, size_t *bytes)
{
	struct ng_frame f;
	struct packet pk;

	if (!type_known(load32(p, *big)) && load32(p, *big) != NG_SECTION)
		return false;
	if (ng_frame(*big, p, len, &f, bytes, NULL) != BLOCKS_OTHER)
		return false;
	*big = f.big;
	/* What a new section describes is not known yet. */
	if (f.type == NG_SECTION || f.big != b->section.big)
		return true;
	return ng_packet(b, &b->section, &f, p, &pk, NULL) != BLOCKS_BAD;
}

static int64_t ng_resync(const struct blocks *b, const uint8_t *p, size_t len, bool at_end)
{
	for (size_t i = 0; i + 12 <= len; i++) {
		bool big = b->section.big;
		size_t first, second;

		if (!ng_likely(b, &big, p + i, len - i, &first))
			continue;
		if (at_end && i + first == len)
			return (int64_t)i;
		if (len - i - first >= 12 && ng_likely(b, &big, p + i + first, len - i - first, &second))
			return (int64_t)i;
	}
	return -1;
}

int64_t blocks_resync(struct blocks *b, const uint8_t *p, size_t len, int at_end)
{
	switch (b->kind) {
	case KIND_CLASSIC:
		return classic_resync(b, p, len, at_end != 0);
	case KIND_NG:
		return ng_resync(b, p, len, at_end != 0);
	default:
		return -1;
	}
}
