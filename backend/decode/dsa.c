/* Frames between a processor and the switch chip beside it: the chip's tag, which names the port,
 * stands behind Ethernet's addresses or before them.
 * https://www.tcpdump.org/linktypes.html: LINKTYPE_DSA_TAG_ */
#include "rows.h"

#define ADDRESSES 12u
#define TAG 4u
#define EXTENDED 8u /* a type of its own, two reserved bytes, and the tag */
#define TYPE 2u

static uint8_t tagged_decode(struct walk *w, uint8_t protocol, uint32_t tag)
{
	const uint32_t header = ADDRESSES + tag + TYPE;
	const uint8_t *p = cursor_peek(&w->c, header);

	if (!p)
		return walk_short(w, protocol, header);
	walk_layer(w, protocol, header);
	return walk_ethertype(w, get16(p + ADDRESSES + tag));
}

uint8_t dsa_decode(struct walk *w)
{
	return tagged_decode(w, PROTO_DSA, TAG);
}

uint8_t edsa_decode(struct walk *w)
{
	return tagged_decode(w, PROTO_EDSA, EXTENDED);
}

uint8_t dsa_before_decode(struct walk *w)
{
	if (!cursor_peek(&w->c, TAG))
		return walk_short(w, PROTO_DSA_BEFORE, TAG);
	walk_layer(w, PROTO_DSA_BEFORE, TAG);
	return PROTO_ETH;
}

/* The tag is the last thing before the type, or all there is. */
static uint32_t tag_offset(const struct layer *l)
{
	return l->length == TAG ? l->offset : l->offset + l->length - TYPE - TAG;
}

void dsa_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char src[ADDR_LINE_MAX], dst[ADDR_LINE_MAX];

	if (l->length > ADDRESSES)
		buf_printf(out, "%s > %s ", text_mac(p + 6, src), text_mac(p, dst));
	if (l->length == TAG || l->length > ADDRESSES + TAG)
		buf_printf(out, "tag 0x%08x", get32(v->head + tag_offset(l)));
}

void dsa_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length > ADDRESSES) {
		view_field(v, "dst", l->offset, 6, "%s", text_mac(p, text));
		view_field(v, "src", l->offset + 6, 6, "%s", text_mac(p + 6, text));
	}
	if (l->length != TAG && l->length <= ADDRESSES + TAG)
		return;
	view_field(v, "tag", tag_offset(l), TAG, "0x%08x", get32(v->head + tag_offset(l)));
	if (l->length == TAG)
		return;
	view_field(v, "type", l->offset + l->length - TYPE, TYPE, "0x%04x %s",
		   get16(p + l->length - TYPE), ethertype_text(get16(p + l->length - TYPE)));
}
