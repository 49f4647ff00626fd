/* Datagram Congestion Control Protocol, RFC 4340. */
#include "rows.h"

#define DCCP_HEADER_MIN 12u /* with short sequence numbers */
#define DCCP_LONG 1u	    /* in the type's byte: numbers of 48 bits, a header from 16 bytes on */

static const struct code_name packet_types[] = {
	{0, "request"},	     {1, "response"},	   {2, "data"},	 {3, "ack"},
	{4, "data and ack"}, {5, "close request"}, {6, "close"}, {7, "reset"},
	{8, "sync"},	     {9, "sync ack"},	   {0, NULL},
};

uint8_t dccp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, DCCP_HEADER_MIN);
	struct decoded *d = w->d;
	uint32_t header;

	if (cursor_peek(&w->c, 4)) {
		d->sport = get16(w->c.data);
		d->dport = get16(w->c.data + 2);
		d->flags |= DECODE_PORTS;
	}
	if (!p) {
		d->payload_bytes = d->payload_captured = 0;
		return walk_short(w, PROTO_DCCP, DCCP_HEADER_MIN);
	}
	header = p[4] * 4u;
	if (header < DCCP_HEADER_MIN || header > cursor_wire(&w->c)) {
		d->payload_bytes = d->payload_captured = 0;
		return walk_bad(w, PROTO_DCCP, DCCP_HEADER_MIN,
				"a DCCP data offset outside of its packet");
	}
	d->payload_bytes = cursor_wire(&w->c) - header;
	if (header > cursor_left(&w->c)) {
		d->payload_captured = 0;
		return walk_short(w, PROTO_DCCP, header);
	}
	walk_layer(w, PROTO_DCCP, header);
	d->payload_offset = cursor_offset(&w->c);
	d->payload_captured = (uint32_t)cursor_left(&w->c);
	return walk_application(w);
}

void dccp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= DCCP_HEADER_MIN)
		buf_printf(out, "%u > %u %s", get16(p), get16(p + 2),
			   code_text(packet_types, p[8] >> 1 & 15, "unknown type"));
}

void dccp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < DCCP_HEADER_MIN)
		return;
	view_field(v, "sport", l->offset, 2, "%u", get16(p));
	view_field(v, "dport", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "header_length", l->offset + 4, 1, "%u", p[4] * 4u);
	view_field(v, "type", l->offset + 8, 1, "%u %s", p[8] >> 1 & 15,
		   code_text(packet_types, p[8] >> 1 & 15, "unknown"));
	if (p[8] & DCCP_LONG && l->length >= 16)
		view_field(v, "sequence", l->offset + 10, 6, "%llu",
			   (unsigned long long)get16(p + 10) << 32 | get32(p + 12));
	else
		view_field(v, "sequence", l->offset + 9, 3, "%u", get32(p + 8) & 0xffffff);
}
