/* Records of pcap: draft-ietf-opsawg-pcap, and two magics beside it: nanoseconds (a1b23c4d), and
 * the modified one (a1b2cd34) of old Linux tools, whose records carry 8 bytes more. */
#include "base/clock.h"
#include "blocks_private.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u
/* Above the link type stand the length of a frame check sequence and reserved bits. */
#define LINK_TYPE_MASK 0x03ffffffu
#define LINK_TYPE_RAW 101u

static bool magic_known(uint32_t magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool classic_magic(const uint8_t *p)
{
	return magic_known(load32(p, false)) || magic_known(load32(p, true));
}

/* DLT_RAW was written as 12 or 14 by systems that did not translate it. */
static uint32_t classic_link_type(uint32_t field)
{
	const uint32_t type = field & LINK_TYPE_MASK;

	return type == 12 || type == 14 ? LINK_TYPE_RAW : type;
}

int classic_header(struct blocks *b, const uint8_t *p, struct err *e)
{
	const bool big = magic_known(load32(p, true));
	const uint32_t magic = load32(p, big);
	const unsigned major = load16(p + 4, big), minor = load16(p + 6, big);
	const uint32_t snaplen = load32(p + 16, big);
	struct capture_interface *i;

	if (major != 2 && !(major == 543 && minor == 0))
		return err_set(e, ERR_REFUSED,
			       "it is pcap of version %u.%u, and only version 2 is known", major,
			       minor);
	b->kind = KIND_CLASSIC;
	b->section.big = big;
	b->modified = magic == MAGIC_MODIFIED;
	b->head_bytes = b->modified ? 24 : 16;
	b->unit = magic == MAGIC_NANO ? 1000000000 : 1000000;
	b->part_ns = (uint32_t)(NS_PER_S / b->unit);
	b->lengths_mixed = major != 2 || minor < 4;
	b->captured_limit = snaplen > CLASSIC_CAPTURED_USUAL ? snaplen : CLASSIC_CAPTURED_USUAL;
	if (b->captured_limit > PACKET_BYTES_MAX)
		b->captured_limit = PACKET_BYTES_MAX;
	i = blocks_add_interface(b);
	i->link_type = classic_link_type(load32(p + 20, big));
	i->snaplen = snaplen;
	i->resolution = magic == MAGIC_NANO ? 9 : 6;
	return 0;
}

/* Inlined into each step: a call and its copies cost as much as the rest. */
static inline void classic_load(const struct blocks *b, const uint8_t *p, struct classic_head *h)
{
	const bool big = b->section.big;

	h->s = load32(p, big);
	h->part = load32(p + 4, big);
	h->captured = load32(p + 8, big);
	h->length = load32(p + 12, big);
	if (b->lengths_mixed && h->captured > h->length) {
		const uint32_t captured = h->length;

		h->length = h->captured;
		h->captured = captured;
	}
}

struct classic_head classic_head(const struct blocks *b, const uint8_t *p)
{
	struct classic_head h;

	classic_load(b, p, &h);
	return h;
}

static bool days_apart(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : b - a) > DAY_S;
}

/* Doubtful is what real files hold now and then, and damage often: the next record decides. */
static inline enum classic_state classic_judge(const struct blocks *b, const struct classic_head *h)
{
	if (h->captured > b->captured_limit || (h->s | h->part | h->captured | h->length) == 0)
		return CLASSIC_BAD;
	if (h->captured > h->length || h->part >= b->unit || h->length == 0 ||
	    h->length > PACKET_BYTES_MAX)
		return CLASSIC_DOUBTFUL;
	if (b->has_last && days_apart(h->s, b->last_s))
		return CLASSIC_DOUBTFUL;
	return CLASSIC_SOUND;
}

enum classic_doubt { DOUBT_LENGTH = 1, DOUBT_PART = 2, DOUBT_TIME = 4 };

/* What is odd in a doubtful one: a program that writes odd records does so in all. */
static unsigned classic_doubts(const struct blocks *b, const struct classic_head *h)
{
	unsigned doubts = 0;

	if (h->captured > h->length || h->length - 1u >= PACKET_BYTES_MAX)
		doubts |= DOUBT_LENGTH;
	if (h->part >= b->unit)
		doubts |= DOUBT_PART;
	if (b->has_last && days_apart(h->s, b->last_s))
		doubts |= DOUBT_TIME;
	return doubts;
}

/* Does a sound one follow? Most do: it is remembered, so that each is judged once. */
static inline bool classic_goes_on(struct blocks *b, const struct classic_head *h, const uint8_t *p,
				   size_t len, size_t own)
{
	struct classic_head next;

	if (len < own + 16 || h->captured > h->length)
		return false;
	classic_load(b, p + own, &next);
	if (classic_judge(b, &next) != CLASSIC_SOUND || (!b->has_last && days_apart(next.s, h->s)))
		return false;
	b->ahead.s = next.s;
	b->ahead.part = next.part;
	b->ahead.captured = next.captured;
	b->ahead.length = next.length;
	b->ahead_sound = true;
	return true;
}

/* Is a doubtful one with this one behind it no record? One that is odd in more than one way needs
 * one behind it of its day that is odd in no other, and in nothing where its lengths are wrong. */
static bool classic_refuted(const struct blocks *b, const struct classic_head *h, const uint8_t *p)
{
	const unsigned doubts = classic_doubts(b, h);
	const struct classic_head next = classic_head(b, p);
	struct blocks then = *b;

	then.last_s = h->s;
	then.has_last = true;
	if (doubts == 0 || classic_judge(&then, &next) == CLASSIC_BAD)
		return doubts != 0;
	if ((doubts & (doubts - 1)) == 0)
		return false;
	return (doubts & DOUBT_LENGTH) || (classic_doubts(&then, &next) & ~(doubts & DOUBT_PART));
}

static enum blocks_result classic_bad(const struct blocks *b, const struct classic_head *h,
				      struct err *e)
{
	if (h->captured > b->captured_limit)
		(void)err_set(e, ERR_PART, "a record claims %u captured bytes, %u at most can be",
			      h->captured, b->captured_limit);
	else
		(void)err_set(e, ERR_PART, "what stands here is no packet record");
	return BLOCKS_BAD;
}

static enum blocks_result classic_within(const struct classic_head *h, struct err *e)
{
	(void)err_set(e, ERR_PART,
		      "a record claims %u captured bytes, and others begin within them",
		      h->captured);
	return BLOCKS_BAD;
}

static void classic_fill(const struct blocks *b, const struct classic_head *h, const uint8_t *p,
			 struct packet *pk)
{
	pk->data = p + b->head_bytes;
	pk->captured = h->captured;
	pk->length = h->length;
	pk->interface = 0;
	pk->link_type = b->interface[0].said.link_type;
	pk->ts_ns = (int64_t)h->s * NS_PER_S + (int64_t)h->part * b->part_ns;
	pk->has_time = true;
}

enum blocks_result classic_packet(const struct blocks *b, const uint8_t *p, size_t len,
				  struct packet *pk, size_t *used, struct err *e)
{
	struct classic_head h;

	*used = b->head_bytes;
	if (len < b->head_bytes)
		return BLOCKS_MORE;
	h = classic_head(b, p);
	if (classic_judge(b, &h) == CLASSIC_BAD)
		return classic_bad(b, &h, e);
	*used = b->head_bytes + h.captured;
	if (len < *used)
		return BLOCKS_MORE;
	classic_fill(b, &h, p, pk);
	return BLOCKS_PACKET;
}

/* MORE, BAD or PACKET. The record behind decides where it is sound; else what stands within this
 * one: one that claims too much holds those that are its neighbours'. *of_day: its time is that of
 * the one behind it. */
static enum blocks_result classic_others_decide(const struct blocks *b,
						const struct classic_head *h, const uint8_t *p,
						size_t len, bool last, size_t *used, bool *of_day,
						struct err *e)
{
	const size_t own = *used, room = own < RESYNC_NEAR_BYTES ? own : RESYNC_NEAR_BYTES;

	if ((last || len >= room) && classic_near_within(b, p, room, len, last))
		return classic_within(h, e);
	if (len < own + 16 && (len < own || !last)) {
		*used = own + (len >= own ? 16 : 0);
		return BLOCKS_MORE;
	}
	if (len < own + 16)
		return BLOCKS_PACKET;
	if (classic_refuted(b, h, p + own))
		return classic_bad(b, h, e);
	*of_day = !days_apart(h->s, classic_head(b, p + own).s);
	return BLOCKS_PACKET;
}

enum blocks_result classic_step(struct blocks *b, const uint8_t *p, size_t len, bool last,
				struct packet *pk, size_t *used, struct err *e)
{
	enum blocks_result result;
	struct classic_head h;
	bool of_day = true;

	*used = b->head_bytes;
	if (len < b->head_bytes)
		return BLOCKS_MORE;
	if (b->ahead_sound)
		h = b->ahead;
	else
		classic_load(b, p, &h);
	if (!b->ahead_sound && classic_judge(b, &h) == CLASSIC_BAD)
		return classic_bad(b, &h, e);
	*used = b->head_bytes + h.captured;
	if (!classic_goes_on(b, &h, p, len, *used)) {
		b->ahead_sound = false;
		result = classic_others_decide(b, &h, p, len, last, used, &of_day, e);
		if (result != BLOCKS_PACKET)
			return result;
	}
	classic_fill(b, &h, p, pk);
	/* A time that nothing confirms is no measure for what comes. */
	if (of_day || !b->has_last)
		b->last_s = h.s;
	b->has_last = true;
	if (h.captured > b->captured_seen)
		b->captured_seen = h.captured;
	return BLOCKS_PACKET;
}
