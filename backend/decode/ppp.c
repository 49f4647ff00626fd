/* The Point-to-Point Protocol, RFC 1661, RFC 1662. */
#include "rows.h"

/* PPP protocol numbers, https://www.iana.org/assignments/ppp-numbers */
static uint8_t ppp_next(uint16_t protocol)
{
	switch (protocol) {
	case 0x0021:
		return PROTO_IP;
	case 0x0057:
		return PROTO_IP6;
	case 0x0281:
		return PROTO_MPLS;
	default:
		return PROTO_DATA;
	}
}

/* Address and control (ff 03) may be left out, and the first byte of an odd protocol's number. */
static uint32_t ppp_header(const uint8_t *p, size_t left, uint16_t *protocol)
{
	uint32_t at = left >= 2 && p[0] == 0xff && p[1] == 3 ? 2 : 0;

	if (left <= at)
		return 0;
	if (p[at] & 1) {
		*protocol = p[at];
		return at + 1;
	}
	if (left < at + 2)
		return 0;
	*protocol = get16(p + at);
	return at + 2;
}

uint8_t ppp_decode(struct walk *w)
{
	uint16_t protocol;
	uint32_t header = ppp_header(w->c.data, cursor_left(&w->c), &protocol);

	if (!header)
		return walk_short(w, PROTO_PPP, 4);
	walk_layer(w, PROTO_PPP, header);
	return ppp_next(protocol);
}

void ppp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	uint16_t protocol;

	if (ppp_header(v->head + l->offset, l->length, &protocol))
		buf_printf(out, "protocol 0x%04x", protocol);
}

void ppp_fields(const struct view *v, const struct layer *l)
{
	uint16_t protocol;

	if (ppp_header(v->head + l->offset, l->length, &protocol))
		view_field(v, "protocol", l->offset, l->length, "0x%04x", protocol);
}
