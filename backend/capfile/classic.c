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

struct classic_head classic_head(const struct blocks *b, const uint8_t *p)
{
	const bool big = b->section.big;
	struct classic_head h = {load32(p, big), load32(p + 4, big), load32(p + 8, big),
				 load32(p + 12, big)};

	if (b->lengths_mixed && h.captured > h.length) {
		const uint32_t captured = h.length;

		h.length = h.captured;
		h.captured = captured;
	}
	return h;
}

/* Doubtful is what real files hold now and then, and damage often: the next record decides. */
static enum classic_state classic_judge(const struct blocks *b, const struct classic_head *h)
{
	if (h->captured > b->captured_limit || (h->s | h->part | h->captured | h->length) == 0)
		return CLASSIC_BAD;
	if (h->captured > h->length || h->part >= b->unit || h->length == 0 ||
	    h->length > PACKET_BYTES_MAX)
		return CLASSIC_DOUBTFUL;
	if (b->has_last && (h->s > b->last_s ? h->s - b->last_s : b->last_s - h->s) > DAY_S)
		return CLASSIC_DOUBTFUL;
	return CLASSIC_SOUND;
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

static void classic_fill(const struct blocks *b, const struct classic_head *h, const uint8_t *p,
			 struct packet *pk)
{
	pk->data = p + b->head_bytes;
	pk->captured = h->captured;
	pk->length = h->length;
	pk->interface = 0;
	pk->link_type = b->interface[0].said.link_type;
	pk->ts_ns = (int64_t)h->s * NS_PER_S + (int64_t)h->part * (NS_PER_S / b->unit);
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

/* MORE, BAD or PACKET: does the record behind a doubtful one look like one? */
static enum blocks_result classic_next_decides(const struct blocks *b, const struct classic_head *h,
					       const uint8_t *p, size_t len, bool last,
					       size_t *used, struct err *e)
{
	const size_t own = *used;
	struct classic_head next;

	if (len < own + 16) {
		if (last)
			return BLOCKS_PACKET;
		*used = own + 16;
		return BLOCKS_MORE;
	}
	next = classic_head(b, p + own);
	return classic_judge(b, &next) == CLASSIC_BAD ? classic_bad(b, h, e) : BLOCKS_PACKET;
}

enum blocks_result classic_step(struct blocks *b, const uint8_t *p, size_t len, bool last,
				struct packet *pk, size_t *used, struct err *e)
{
	struct classic_head h;
	enum classic_state state;

	*used = b->head_bytes;
	if (len < b->head_bytes)
		return BLOCKS_MORE;
	h = classic_head(b, p);
	state = classic_judge(b, &h);
	if (state == CLASSIC_BAD)
		return classic_bad(b, &h, e);
	*used = b->head_bytes + h.captured;
	if (len < *used)
		return BLOCKS_MORE;
	if (state == CLASSIC_DOUBTFUL) {
		const enum blocks_result result =
			classic_next_decides(b, &h, p, len, last, used, e);

		if (result != BLOCKS_PACKET)
			return result;
	}
	classic_fill(b, &h, p, pk);
	b->last_s = h.s;
	b->has_last = true;
	if (h.captured > b->captured_seen)
		b->captured_seen = h.captured;
	return BLOCKS_PACKET;
}
