/* Blocks of pcapng: draft-ietf-opsawg-pcapng. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ng.h"

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define SECTION_BYTES_MIN 28u
#define OPTIONS_BYTES_MAX 65536u /* of a packet, with the head */
#define LINK_TYPE_ETHERNET 1u
#define INTERFACES_LOST_MAX 16u	     /* in a row, in damage */
#define INTERFACES_LOST_ALL_MAX 256u /* of a file: they take more than the packets that name them  \
				      */
/* Of all names and comments of a file; more are passed over. */
#define TEXTS_BYTES_MAX (64u << 20)

struct option {
	uint16_t code, len;
	const uint8_t *value;
};

/* The next option of the bytes up to end; false at the last, and where a length points out of them.
 */
static bool option_next(const uint8_t **p, const uint8_t *end, bool big, struct option *o)
{
	size_t padded;

	if (end - *p < 4)
		return false;
	o->code = load16(*p, big);
	o->len = load16(*p + 2, big);
	o->value = *p + 4;
	padded = ((size_t)o->len + 3) & ~(size_t)3;
	if (o->code == OPTION_END || (size_t)(end - o->value) < o->len)
		return false;
	*p = (size_t)(end - o->value) < padded ? end : o->value + padded;
	return true;
}

/* The byte order of the section that starts at p (12 bytes); false where it says none. */
static bool section_order(const uint8_t *p, bool *big)
{
	*big = load32(p + 8, true) == BYTE_ORDER_MAGIC;
	return *big || load32(p + 8, false) == BYTE_ORDER_MAGIC;
}

/* A packet block that is longer than its packet and all that is said of it: nobody waits for that.
 */
static bool ng_too_long(const struct ng_frame *f, const uint8_t *p, size_t len)
{
	return f->type == NG_ENHANCED && len >= 28 &&
	       f->bytes > (size_t)load32(p + 20, f->big) + OPTIONS_BYTES_MAX;
}

enum blocks_result ng_frame(bool big, const uint8_t *p, size_t len, struct ng_frame *f,
			    size_t *used, struct err *e)
{
	uint32_t total;

	*used = 12;
	if (len < 12)
		return BLOCKS_MORE;
	f->big = big;
	f->type = load32(p, big);
	if (f->type == NG_SECTION && !section_order(p, &f->big)) {
		(void)err_set(e, ERR_PART, "a section header says no byte order");
		return BLOCKS_BAD;
	}
	total = load32(p + 4, f->big);
	/* Some writers leave the padding out of the length. */
	f->bytes = ((size_t)total + 3) & ~(size_t)3;
	if (total < 12 || total > RECORD_BYTES_MAX) {
		(void)err_set(e, ERR_PART, "a block claims %u bytes", total);
		return BLOCKS_BAD;
	}
	*used = f->bytes;
	if (len < f->bytes && ng_too_long(f, p, len)) {
		(void)err_set(e, ERR_PART, "a packet block claims %u bytes for %u", total,
			      load32(p + 20, f->big));
		return BLOCKS_BAD;
	}
	if (len < f->bytes)
		return BLOCKS_MORE;
	if (load32(p + f->bytes - 4, f->big) == total)
		return BLOCKS_OTHER;
	(void)err_set(e, ERR_PART, "a block of type %u has two different lengths", f->type);
	return BLOCKS_BAD;
}

/* --- packets --- */

struct ng_fields {
	uint32_t interface, captured, length;
	uint64_t ticks;
	size_t data; /* bytes of the block before the packet */
	bool timed;
};

/* The fields of a packet block; false where the block is too short to hold them. A simple block
 * (interface 0 of the section) does not say how much was captured: length, snapshot length and
 * block are its bounds. */
static bool packet_fields(const struct blocks *b, const struct section *s, const struct ng_frame *f,
			  const uint8_t *p, struct ng_fields *x)
{
	const size_t head = f->type == NG_SIMPLE ? 12 : 28;
	uint32_t snaplen;

	if (f->bytes < head + 4)
		return false;
	x->data = head;
	x->timed = f->type != NG_SIMPLE;
	if (f->type != NG_SIMPLE) {
		x->interface =
			f->type == NG_ENHANCED ? load32(p + 8, f->big) : load16(p + 8, f->big);
		x->ticks = (uint64_t)load32(p + 12, f->big) << 32 | load32(p + 16, f->big);
		x->captured = load32(p + 20, f->big);
		x->length = load32(p + 24, f->big);
		return x->captured <= f->bytes - head - 4;
	}
	x->interface = 0;
	x->length = load32(p + 8, f->big);
	x->captured = (uint32_t)(f->bytes - head - 4);
	if (x->captured > x->length)
		x->captured = x->length;
	snaplen = s->count ? b->interface[s->first].said.snaplen : 0;
	if (snaplen && x->captured > snaplen)
		x->captured = snaplen;
	return true;
}

static bool is_packet(uint32_t type)
{
	return type == NG_ENHANCED || type == NG_SIMPLE || type == NG_OLD_PACKET;
}

bool ng_packet_fits(const struct ng_frame *f, const uint8_t *p)
{
	static const struct section none;
	struct ng_fields x;

	return !is_packet(f->type) ||
	       (packet_fields(NULL, &none, f, p, &x) && x.captured <= PACKET_BYTES_MAX);
}

enum blocks_result ng_packet(const struct blocks *b, const struct section *s,
			     const struct ng_frame *f, const uint8_t *p, struct packet *pk,
			     struct err *e)
{
	const struct capture_interface *i;
	struct ng_fields x = {0};

	if (!is_packet(f->type))
		return BLOCKS_OTHER;
	if (!packet_fields(b, s, f, p, &x) || x.captured > PACKET_BYTES_MAX) {
		(void)err_set(e, ERR_PART,
			      "a packet block claims more captured bytes than it holds");
		return BLOCKS_BAD;
	}
	if (x.interface >= s->count) {
		(void)err_set(e, ERR_PART, "a packet names interface %u, which nothing describes",
			      x.interface);
		return BLOCKS_BAD;
	}
	i = &b->interface[s->first + x.interface].said;
	pk->data = p + x.data;
	pk->captured = x.captured;
	pk->length = x.length;
	pk->interface = s->first + x.interface;
	pk->link_type = i->link_type;
	pk->ts_ns = 0;
	pk->has_time = x.timed && ticks_to_ns(i, x.ticks, &pk->ts_ns);
	return BLOCKS_PACKET;
}

/* --- what a section says --- */

static enum blocks_result section_begin(struct blocks *b, const struct ng_frame *f,
					const uint8_t *p, struct err *e)
{
	if (f->bytes < SECTION_BYTES_MIN || load16(p + 12, f->big) != 1) {
		(void)err_set(e, ERR_PART, "a section of pcapng has a version that is not known");
		return BLOCKS_BAD;
	}
	b->kind = KIND_NG;
	b->section = (struct section){.big = f->big, .first = b->count};
	return BLOCKS_OTHER;
}

/* The first of several is kept. */
static void text_keep(struct blocks *b, char **to, const uint8_t *p, size_t len)
{
	if (len > BLOCKS_TEXT_MAX)
		len = BLOCKS_TEXT_MAX;
	if (*to || b->text_bytes + len > TEXTS_BYTES_MAX)
		return;
	b->text_bytes += len;
	*to = xstrndup((const char *)p, len);
}

static void interface_option(struct blocks *b, struct capture_interface *i, const struct option *o,
			     bool big)
{
	if (o->code == OPTION_COMMENT)
		text_keep(b, &i->comment, o->value, o->len);
	else if (o->code == IF_NAME)
		text_keep(b, &i->name, o->value, o->len);
	else if (o->code == IF_DESCRIPTION)
		text_keep(b, &i->description, o->value, o->len);
	else if (o->code == IF_FILTER && o->len > 1 &&
		 o->value[0] == 0) /* 0: text, not a program */
		text_keep(b, &i->filter, o->value + 1, o->len - 1u);
	else if (o->code == IF_TSRESOL && o->len >= 1)
		i->resolution = o->value[0];
	else if (o->code == IF_TSOFFSET && o->len >= 8)
		i->offset_s = (int64_t)load64(o->value, big);
}

static enum blocks_result interface_add(struct blocks *b, const struct ng_frame *f,
					const uint8_t *p, struct err *e)
{
	const uint8_t *at = p + 16, *const end = p + f->bytes - 4;
	struct capture_interface *i;
	struct option o;

	if (f->bytes < 20) {
		(void)err_set(e, ERR_PART, "an interface description is too short");
		return BLOCKS_BAD;
	}
	i = blocks_add_interface(b);
	if (!i) {
		(void)err_set(e, ERR_PART, "more than %u interfaces are described",
			      BLOCKS_INTERFACES_MAX);
		return BLOCKS_BAD;
	}
	i->link_type = load16(p + 8, f->big);
	i->snaplen = load32(p + 12, f->big);
	while (option_next(&at, end, f->big, &o))
		interface_option(b, i, &o, f->big);
	return BLOCKS_OTHER;
}

/* Statistics are totals: the last block of an interface counts. Drops of the interface and of the
 * system add up. */
static void statistics_read(struct blocks *b, const struct ng_frame *f, const uint8_t *p)
{
	const uint8_t *at = p + 20, *const end = p + f->bytes - 4;
	struct capture_interface *i;
	struct option o;
	uint64_t dropped = 0;
	bool said = false;

	if (f->bytes < 24 || load32(p + 8, f->big) >= b->section.count)
		return;
	i = &b->interface[b->section.first + load32(p + 8, f->big)].said;
	while (option_next(&at, end, f->big, &o)) {
		if (o.len != 8)
			continue;
		if (o.code == ISB_IFRECV)
			i->received = load64(o.value, f->big);
		if (o.code != ISB_IFDROP && o.code != ISB_OSDROP)
			continue;
		dropped += load64(o.value, f->big);
		said = true;
	}
	if (said)
		i->dropped = dropped;
}

/* --- what a section said, and damage took --- */

/* Ticks since the epoch say their unit: as nanoseconds they are of a year with captures, or not. */
static uint8_t resolution_of(uint64_t ticks)
{
	const uint64_t s = ticks / (uint64_t)NS_PER_S;

	return s > YEAR_1990_S && s < UINT32_MAX ? 9 : 6;
}

/* A packet of an interface that nothing describes, in a section with damage: its description is
 * lost, and it is taken for one like the last before it. */
static void interface_lost(struct blocks *b, const struct ng_frame *f, const uint8_t *p)
{
	static const char comment[] = "its description is damaged; read as the one before it";
	const struct capture_interface *like;
	struct capture_interface *i;
	struct ng_fields x = {0};

	if (!packet_fields(b, &b->section, f, p, &x) || x.interface < b->section.count ||
	    x.interface - b->section.count >= INTERFACES_LOST_MAX)
		return;
	while (b->section.count <= x.interface && b->lost < INTERFACES_LOST_ALL_MAX &&
	       (i = blocks_add_interface(b))) {
		b->lost++;
		like = b->section.count > 1 ? &b->interface[b->count - 2].said : NULL;
		i->link_type = like ? like->link_type : LINK_TYPE_ETHERNET;
		i->resolution = like ? like->resolution : resolution_of(x.ticks);
		i->offset_s = like ? like->offset_s : 0;
		text_keep(b, &i->comment, (const uint8_t *)comment, sizeof(comment) - 1);
	}
}

/* What a block other than a packet says. */
static enum blocks_result ng_told(struct blocks *b, const struct ng_frame *f, const uint8_t *p,
				  struct err *e)
{
	switch (f->type) {
	case NG_SECTION:
		return section_begin(b, f, p, e);
	case NG_INTERFACE:
		return interface_add(b, f, p, e);
	case NG_STATISTICS:
		statistics_read(b, f, p);
		return BLOCKS_OTHER;
	default:
		b->section.damaged |= !ng_type_known(f->type);
		return BLOCKS_OTHER;
	}
}

bool blocks_mend(struct blocks *b, const uint8_t *p, size_t len)
{
	struct ng_frame f = {.big = b->section.big, .bytes = len};

	if (b->kind != KIND_NG || len < 12)
		return false;
	f.type = load32(p, f.big);
	if (f.type != NG_INTERFACE && (f.type != NG_SECTION || !section_order(p, &f.big)))
		return false;
	if (load32(p + 4, f.big) != len && load32(p + len - 4, f.big) != len)
		return false;
	return ng_told(b, &f, p, NULL) == BLOCKS_OTHER;
}

bool blocks_begin_damaged(struct blocks *b, const uint8_t *p, size_t len)
{
	struct ng_frame f = {.bytes = SECTION_BYTES_MIN};

	return b->kind == KIND_NONE && len >= SECTION_BYTES_MIN && load32(p, false) == NG_SECTION &&
	       section_order(p, &f.big) && section_begin(b, &f, p, NULL) != BLOCKS_BAD;
}

enum blocks_result ng_step(struct blocks *b, const uint8_t *p, size_t len, struct packet *pk,
			   size_t *used, struct err *e)
{
	struct ng_frame f;
	enum blocks_result result = ng_frame(b->section.big, p, len, &f, used, e);

	if (result == BLOCKS_BAD)
		b->section.damaged = true;
	if (result != BLOCKS_OTHER)
		return result;
	if (b->section.damaged && is_packet(f.type))
		interface_lost(b, &f, p);
	if (is_packet(f.type))
		return ng_packet(b, &b->section, &f, p, pk, e);
	return ng_told(b, &f, p, e);
}
