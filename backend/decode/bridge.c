/* What switches put between Ethernet's header and what it carries: provider backbone bridges
 * (IEEE 802.1ah), VN-Tag, Cisco's FabricPath and metadata, MACsec (IEEE 802.1AE), service chains
 * (RFC 8300). */
#include "rows.h"

#define PBB_HEADER 4u
#define VNTAG_HEADER 6u /* with the type behind it */
#define FABRICPATH_HEADER 2u
#define MACSEC_HEADER 6u
#define MACSEC_CHANNEL 8u /* behind it, where the first byte says so */
#define MACSEC_CHECK 16u  /* bytes at the frame's end, with the default ciphers */
#define CMD_HEADER 8u	  /* with the type behind it */
#define NSH_HEADER 8u

enum { MACSEC_HAS_CHANNEL = 0x20, MACSEC_CLOSED = 0x0c };

uint8_t pbb_decode(struct walk *w)
{
	if (!cursor_peek(&w->c, PBB_HEADER))
		return walk_short(w, PROTO_PBB, PBB_HEADER);
	walk_layer(w, PROTO_PBB, PBB_HEADER);
	return PROTO_ETH;
}

void pbb_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= PBB_HEADER)
		buf_printf(out, "service %u priority %u", get32(p) & 0xffffff, p[0] >> 5);
}

void pbb_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < PBB_HEADER)
		return;
	view_field(v, "priority", l->offset, 1, "%u", p[0] >> 5);
	view_field(v, "service", l->offset + 1, 3, "%u", get32(p) & 0xffffff);
}

uint8_t vntag_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, VNTAG_HEADER);

	if (!p)
		return walk_short(w, PROTO_VNTAG, VNTAG_HEADER);
	walk_layer(w, PROTO_VNTAG, VNTAG_HEADER);
	return walk_ethertype(w, get16(p + 4));
}

void vntag_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= VNTAG_HEADER)
		buf_printf(out, "from interface %u to %u", get16(p + 2) & 0xfff, get16(p) & 0x3fff);
}

void vntag_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < VNTAG_HEADER)
		return;
	view_field(v, "to_interface", l->offset, 2, "%u", get16(p) & 0x3fff);
	view_field(v, "from_interface", l->offset + 2, 2, "%u", get16(p + 2) & 0xfff);
	view_field(v, "type", l->offset + 4, 2, "0x%04x %s", get16(p + 4),
		   ethertype_text(get16(p + 4)));
}

/* The fabric's own Ethernet header stood before it; the frame is whole behind it. */
uint8_t fabricpath_decode(struct walk *w)
{
	if (!cursor_peek(&w->c, FABRICPATH_HEADER))
		return walk_short(w, PROTO_FABRICPATH, FABRICPATH_HEADER);
	walk_layer(w, PROTO_FABRICPATH, FABRICPATH_HEADER);
	return PROTO_ETH;
}

void fabricpath_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint16_t tag = l->length >= FABRICPATH_HEADER ? get16(v->head + l->offset) : 0;

	if (l->length >= FABRICPATH_HEADER)
		buf_printf(out, "tree %u ttl %u", tag >> 6, tag & 63u);
}

/* Frames that are only authenticated are open. A short frame's length stands in the header: what is
 * behind it is padding. */
uint8_t macsec_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, MACSEC_HEADER);
	uint32_t length, data;

	if (!p)
		return walk_short(w, PROTO_MACSEC, MACSEC_HEADER);
	length = MACSEC_HEADER + (p[0] & MACSEC_HAS_CHANNEL ? MACSEC_CHANNEL : 0);
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_MACSEC, length);
	walk_layer(w, PROTO_MACSEC, length);
	if (p[0] & MACSEC_CLOSED)
		return cursor_left(&w->c) ? walk_rest(w, PROTO_DATA) : PROTO_NONE;
	data = p[1] & 63u;
	if (!data && cursor_wire(&w->c) > MACSEC_CHECK)
		data = cursor_wire(&w->c) - MACSEC_CHECK;
	if (data < cursor_wire(&w->c))
		cursor_limit(&w->c, data);
	p = cursor_pull(&w->c, 2);
	if (!p)
		return PROTO_NONE;
	w->d->layer[w->d->nlayers - 1].length += 2;
	return walk_ethertype(w, get16(p));
}

void macsec_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= MACSEC_HEADER)
		buf_printf(out, "%s, packet number %u",
			   p[0] & MACSEC_CLOSED ? "encrypted" : "authenticated", get32(p + 2));
}

void macsec_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < MACSEC_HEADER)
		return;
	view_field(v, "control", l->offset, 1, "0x%02x", p[0]);
	view_field(v, "short_length", l->offset + 1, 1, "%u", p[1] & 63);
	view_field(v, "packet_number", l->offset + 2, 4, "%u", get32(p + 2));
	if (p[0] & MACSEC_HAS_CHANNEL && l->length >= MACSEC_HEADER + MACSEC_CHANNEL)
		view_hex(v, "channel", l->offset + MACSEC_HEADER, MACSEC_CHANNEL);
}

/* Version and length (1), an option and its value: the group that TrustSec's sender is of. */
uint8_t cmd_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, CMD_HEADER);

	if (!p)
		return walk_short(w, PROTO_CMD, CMD_HEADER);
	if (p[0] != 1 || p[1] != 1)
		return walk_unknown(w, PROTO_CMD);
	walk_layer(w, PROTO_CMD, CMD_HEADER);
	return walk_ethertype(w, get16(p + 6));
}

void cmd_info(struct buf *out, const struct view *v, const struct layer *l)
{
	if (l->length == CMD_HEADER)
		buf_printf(out, "group %u", get16(v->head + l->offset + 4));
}

uint8_t nsh_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, NSH_HEADER);
	uint32_t length;

	if (!p)
		return walk_short(w, PROTO_NSH, NSH_HEADER);
	length = (p[1] & 63u) * 4;
	if (p[0] >> 6 || length < NSH_HEADER)
		return walk_bad(w, PROTO_NSH, NSH_HEADER,
				"a service header of another version or below 8 bytes");
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_NSH, length);
	walk_layer(w, PROTO_NSH, length);
	return gpe_protocol(p[3]);
}

void nsh_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= NSH_HEADER)
		buf_printf(out, "path %u index %u", get32(p + 4) >> 8, p[7]);
}

void nsh_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < NSH_HEADER)
		return;
	view_field(v, "length", l->offset + 1, 1, "%u", (p[1] & 63u) * 4);
	view_field(v, "next", l->offset + 3, 1, "%u", p[3]);
	view_field(v, "path", l->offset + 4, 3, "%u", get32(p + 4) >> 8);
	view_field(v, "index", l->offset + 7, 1, "%u", p[7]);
}
