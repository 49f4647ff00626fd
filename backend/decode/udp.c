/* User Datagram Protocol, RFC 768 (UDP-Lite, RFC 3828, has the same places). */
#include "rows.h"

#define UDP_HEADER 8u

uint8_t udp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, UDP_HEADER);
	struct decoded *d = w->d;
	uint8_t protocol = d->ip_protocol == 136 ? PROTO_UDPLITE : PROTO_UDP;
	uint32_t length;

	if (cursor_peek(&w->c, 4)) {
		d->sport = get16(w->c.data);
		d->dport = get16(w->c.data + 2);
		d->flags |= DECODE_PORTS;
	}
	if (!p) {
		d->payload_bytes =
			cursor_wire(&w->c) > UDP_HEADER ? cursor_wire(&w->c) - UDP_HEADER : 0;
		d->payload_captured = 0;
		return walk_short(w, protocol, UDP_HEADER);
	}
	/* 0 is a jumbogram's (RFC 2675) or offload's; in UDP-Lite the field says how much is
	 * covered. */
	length = protocol == PROTO_UDPLITE ? 0 : get16(p + 4);
	if (length && length < UDP_HEADER) {
		d->payload_bytes = d->payload_captured = 0;
		return walk_bad(w, protocol, UDP_HEADER, "UDP length below 8 bytes");
	}
	if (length && length <= cursor_wire(&w->c)) {
		cursor_limit(&w->c, length);
	} else if (length && !(d->flags & DECODE_FRAGMENT)) {
		d->flags |= DECODE_BAD;
		d->why = "UDP length beyond its IP packet";
	}
	if (w->o->checksums && get16(p + 6) && protocol == PROTO_UDP)
		checksum_transport(w, p, cursor_wire(&w->c), 6);
	walk_layer(w, protocol, UDP_HEADER);
	d->payload_offset = cursor_offset(&w->c);
	d->payload_bytes = cursor_wire(&w->c);
	d->payload_captured = (uint32_t)cursor_left(&w->c);
	return protocol == PROTO_UDP ? walk_udp(w) : walk_application(w);
}

/* From the bytes: of a tunnel's packets struct decoded tells the inner ports. */
void udp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint16_t length;

	if (l->length < 4)
		return;
	length = l->length >= UDP_HEADER ? get16(p + 4) : 0;
	buf_printf(out, "%u > %u len %u", get16(p), get16(p + 2),
		   view_describes(v, l)	  ? v->d->payload_bytes
		   : length >= UDP_HEADER ? length - UDP_HEADER
					  : 0);
}

void udp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= 4) {
		view_field(v, "sport", l->offset, 2, "%u", get16(p));
		view_field(v, "dport", l->offset + 2, 2, "%u", get16(p + 2));
	}
	if (l->length < UDP_HEADER)
		return;
	view_field(v, "length", l->offset + 4, 2, "%u", get16(p + 4));
	if (get16(p + 6))
		view_checksum(v, l, 6);
	else
		view_field(v, "checksum", l->offset + 6, 2, "0x0000 none");
}
