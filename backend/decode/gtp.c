/* The user plane of GPRS and its successors, 3GPP TS 29.281. */
#include "rows.h"

#define GTP_HEADER 8u
#define GTP_OPTIONAL 4u /* sequence, N-PDU, next extension: all three when one is announced */
#define GTP_EXTENSIONS_MAX 8u
#define GTP_PACKET 255u /* the message that carries a packet */

enum { GTP_HAS_NPDU = 1, GTP_HAS_SEQUENCE = 2, GTP_HAS_EXTENSION = 4 };

static const struct code_name messages[] = {
	{1, "echo request"},
	{2, "echo response"},
	{26, "error indication"},
	{31, "supported extension headers"},
	{254, "end marker"},
	{255, "packet"},
	{0, NULL},
};

/* Bytes before the packet; 0 when an extension's length cannot be, or is not here. */
static uint32_t gtp_length(const uint8_t *p, size_t here)
{
	uint32_t at = GTP_HEADER + GTP_OPTIONAL;

	if (!(p[0] & (GTP_HAS_NPDU | GTP_HAS_SEQUENCE | GTP_HAS_EXTENSION)))
		return GTP_HEADER;
	if (at > here)
		return 0;
	if (!(p[0] & GTP_HAS_EXTENSION))
		return at;
	for (unsigned i = 0; p[at - 1] && i < GTP_EXTENSIONS_MAX; i++) {
		if (at >= here || !p[at] || p[at] * 4u > here - at)
			return 0;
		at += p[at] * 4u;
	}
	return p[at - 1] ? 0 : at;
}

/* Version 1, the protocol that is not GTP', and a length within the datagram. */
uint8_t gtp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, GTP_HEADER);
	uint32_t length, message;

	if (!p || (p[0] & 0xf8) != 0x30 || !walk_fits(w, get16(p + 2) + GTP_HEADER))
		return walk_application(w);
	message = p[1];
	if (!*code_text(messages, message, ""))
		return walk_application(w);
	cursor_limit(&w->c, get16(p + 2) + GTP_HEADER);
	length = gtp_length(p, cursor_left(&w->c));
	if (!length)
		return walk_short(w, PROTO_GTPU, GTP_HEADER + GTP_OPTIONAL);
	walk_layer(w, PROTO_GTPU, length);
	return message == GTP_PACKET ? walk_tunnel(w, PROTO_GTPU, walk_ip_version(w))
				     : walk_closed(w, PROTO_GTPU);
}

void gtp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= GTP_HEADER)
		buf_printf(out, "%s, tunnel 0x%08x", code_text(messages, p[1], "message"),
			   get32(p + 4));
}

void gtp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < GTP_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 5);
	view_field(v, "message", l->offset + 1, 1, "%u %s", p[1],
		   code_text(messages, p[1], "unknown"));
	view_field(v, "length", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "tunnel", l->offset + 4, 4, "0x%08x", get32(p + 4));
	if (l->length < GTP_HEADER + GTP_OPTIONAL)
		return;
	if (p[0] & GTP_HAS_SEQUENCE)
		view_field(v, "sequence", l->offset + 8, 2, "%u", get16(p + 8));
	if (p[0] & GTP_HAS_NPDU)
		view_field(v, "n_pdu", l->offset + 10, 1, "%u", p[10]);
	if (!(p[0] & GTP_HAS_EXTENSION))
		return;
	for (uint32_t at = GTP_HEADER + GTP_OPTIONAL; at < l->length && p[at];) {
		view_field(v, "extension", l->offset + at, p[at] * 4u, "type 0x%02x length %u",
			   p[at - 1], p[at] * 4u);
		at += p[at] * 4u;
	}
}
