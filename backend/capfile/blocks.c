#include "capfile/blocks.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "ng.h"

struct blocks *blocks_new(void)
{
	return xcalloc(1, sizeof(struct blocks));
}

void blocks_free(struct blocks *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->count; i++) {
		free(b->interface[i].said.name);
		free(b->interface[i].said.description);
		free(b->interface[i].said.filter);
		free(b->interface[i].said.comment);
	}
	free(b->interface);
	free(b);
}

struct capture_interface *blocks_add_interface(struct blocks *b)
{
	struct interface_state *i;

	if (b->count == BLOCKS_INTERFACES_MAX)
		return NULL;
	if (b->count == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4;
		b->interface = xreallocarray(b->interface, b->cap, sizeof(*b->interface));
	}
	i = &b->interface[b->count++];
	*i = (struct interface_state){
		.said = {.resolution = 6, .received = UINT64_MAX, .dropped = UINT64_MAX},
		.section_first = b->section.first,
		.big = b->section.big,
	};
	b->section.count++;
	return &i->said;
}

/* The first bytes of all: which kind of file is it? */
static enum blocks_result blocks_begin(struct blocks *b, const uint8_t *p, size_t len,
				       struct packet *pk, size_t *used, struct err *e)
{
	if (len < 4) {
		*used = CLASSIC_FILE_HEADER;
		return BLOCKS_MORE;
	}
	if (load32(p, false) == NG_SECTION)
		return ng_step(b, p, len, pk, used, e);
	if (!classic_magic(p)) {
		(void)err_set(
			e, ERR_REFUSED,
			"it begins with %02x %02x %02x %02x, which is neither pcap nor pcapng",
			p[0], p[1], p[2], p[3]);
		return BLOCKS_BAD;
	}
	*used = CLASSIC_FILE_HEADER;
	if (len < CLASSIC_FILE_HEADER)
		return BLOCKS_MORE;
	return classic_header(b, p, e) < 0 ? BLOCKS_BAD : BLOCKS_OTHER;
}

enum blocks_result blocks_step(struct blocks *b, const uint8_t *p, size_t len, uint64_t offset,
			       bool last, struct packet *pk, size_t *used, struct err *e)
{
	enum blocks_result result;
	struct capture_interface *i;

	if (b->kind == KIND_NONE)
		return blocks_begin(b, p, len, pk, used, e);
	if (b->kind == KIND_CLASSIC)
		result = classic_step(b, p, len, last, pk, used, e);
	else
		result = ng_step(b, p, len, pk, used, e);
	if (result != BLOCKS_PACKET)
		return result;
	i = &b->interface[pk->interface].said;
	i->packets++;
	i->bytes += pk->length;
	if (pk->captured > i->captured_max)
		i->captured_max = pk->captured;
	pk->number = ++b->packets;
	pk->offset = offset;
	return BLOCKS_PACKET;
}

enum blocks_result blocks_next(struct blocks *b, const uint8_t *p, size_t len, uint64_t offset,
			       struct packet *pk, size_t *used, struct err *e)
{
	return blocks_step(b, p, len, offset, true, pk, used, e);
}

enum blocks_result blocks_packet_at(const struct blocks *b, uint32_t interface, const uint8_t *p,
				    size_t len, struct packet *pk, size_t *used, struct err *e)
{
	const struct interface_state *i;
	struct section s;
	struct ng_frame f;
	enum blocks_result result;

	if (interface >= b->count)
		goto bad;
	if (b->kind == KIND_CLASSIC)
		return classic_packet(b, p, len, pk, used, e);
	i = &b->interface[interface];
	s = (struct section){
		.big = i->big, .first = i->section_first, .count = b->count - i->section_first};
	result = ng_frame(s.big, p, len, &f, used, e);
	if (result != BLOCKS_OTHER)
		return result;
	result = ng_packet(b, &s, &f, p, pk, e);
	if (result == BLOCKS_PACKET && pk->interface == interface)
		return BLOCKS_PACKET;
bad:
	(void)err_set(e, ERR_PART, "no packet of interface %u is there", interface);
	return BLOCKS_BAD;
}

uint32_t blocks_interfaces(const struct blocks *b)
{
	return b->count;
}

const struct capture_interface *blocks_interface(const struct blocks *b, uint32_t number)
{
	return number < b->count ? &b->interface[number].said : NULL;
}

const char *blocks_format(const struct blocks *b)
{
	if (b->kind == KIND_NONE)
		return "";
	if (b->kind == KIND_NG)
		return "pcapng";
	if (b->modified)
		return "modpcap";
	return b->unit == 1000000 ? "pcap" : "nsecpcap";
}

/* --- on disk --- */

static int interface_save(const struct interface_state *i, struct buf *out)
{
	const struct capture_interface *said = &i->said;

	if (buf_add(out, i, sizeof(*i)) || raw_put_text(out, said->name) ||
	    raw_put_text(out, said->description) || raw_put_text(out, said->filter))
		return -1;
	return raw_put_text(out, said->comment);
}

int blocks_save(const struct blocks *b, struct buf *out)
{
	if (buf_add(out, b, sizeof(*b)))
		return -1;
	for (uint32_t i = 0; i < b->count; i++)
		if (interface_save(&b->interface[i], out))
			return -1;
	return 0;
}

static void interface_take(struct interface_state *i, struct raw *r)
{
	(void)raw_take(r, i, sizeof(*i));
	i->said.name = raw_take_text(r, BLOCKS_TEXT_MAX);
	i->said.description = raw_take_text(r, BLOCKS_TEXT_MAX);
	i->said.filter = raw_take_text(r, BLOCKS_TEXT_MAX);
	i->said.comment = raw_take_text(r, BLOCKS_TEXT_MAX);
}

struct blocks *blocks_restore(struct raw *r)
{
	struct blocks *b = blocks_new();
	uint32_t count;

	(void)raw_take(r, b, sizeof(*b));
	count = b->count;
	b->interface = NULL;
	b->count = b->cap = 0;
	if (r->failed || count > BLOCKS_INTERFACES_MAX || count > r->left / sizeof(*b->interface))
		goto failed;
	b->interface = xcalloc(count, sizeof(*b->interface));
	b->cap = count;
	while (b->count < count && !r->failed)
		interface_take(&b->interface[b->count++], r);
	if (!r->failed)
		return b;
failed:
	blocks_free(b);
	return NULL;
}
