/* The Point-to-Point Protocol, RFC 1661, RFC 1662. */
#include "rows.h"

#define CHDLC_HEADER 4u

/* PPP protocol numbers, https://www.iana.org/assignments/ppp-numbers: those of PPP's own. */
static const struct code_name protocols[] = {
	{0x0021, "IPv4"},
	{0x0057, "IPv6"},
	{0x0281, "MPLS"},
	{0xc021, "link control"},
	{0xc023, "password authentication"},
	{0xc025, "link quality"},
	{0xc223, "challenge handshake"},
	{0xc227, "extensible authentication"},
	{0x8021, "IPv4 control"},
	{0x8057, "IPv6 control"},
	{0x80fd, "compression control"},
	{0x8281, "MPLS control"},
	{0, NULL},
};

static uint8_t ppp_next(struct walk *w, uint16_t protocol)
{
	switch (protocol) {
	case 0x0021:
		return PROTO_IP;
	case 0x0057:
		return PROTO_IP6;
	case 0x0281:
		return PROTO_MPLS;
	default:
		/* Its own messages are known, and have nothing more inside. */
		return !*code_text(protocols, protocol, "") ? PROTO_DATA
		       : cursor_left(&w->c)		    ? walk_rest(w, PROTO_DATA)
							    : PROTO_NONE;
	}
}

/* Address and control (ff 03; pppd's captures have the direction, 0 or 1, in place of ff) may be
 * left out, and the first byte of an odd protocol's number. */
static uint32_t ppp_header(const uint8_t *p, size_t left, uint16_t *protocol)
{
	uint32_t at = left >= 2 && (p[0] == 0xff || p[0] <= 1) && p[1] == 3 ? 2 : 0;

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

static bool chdlc_looks(const struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, CHDLC_HEADER);

	return p && (p[0] == 0x0f || p[0] == 0x8f) && p[1] == 0;
}

uint8_t ppp_decode(struct walk *w)
{
	uint16_t protocol;
	uint32_t header;

	/* Serial lines that speak Cisco's framing have the same link type. */
	if (chdlc_looks(w))
		return PROTO_CHDLC;
	header = ppp_header(w->c.data, cursor_left(&w->c), &protocol);
	if (!header)
		return walk_short(w, PROTO_PPP, 4);
	walk_layer(w, PROTO_PPP, header);
	return ppp_next(w, protocol);
}

uint8_t ppp_direction_decode(struct walk *w)
{
	if (!cursor_pull(&w->c, 1))
		return walk_short(w, PROTO_PPP, 1);
	return PROTO_PPP;
}

/* Address, control, and a type as Ethernet's. */
uint8_t chdlc_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, CHDLC_HEADER);

	if (!p)
		return walk_short(w, PROTO_CHDLC, CHDLC_HEADER);
	walk_layer(w, PROTO_CHDLC, CHDLC_HEADER);
	return ethertype_protocol(get16(p + 2));
}

void chdlc_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= CHDLC_HEADER)
		buf_printf(out, "%s, type 0x%04x %s", p[0] == 0x8f ? "multicast" : "unicast",
			   get16(p + 2), ethertype_text(get16(p + 2)));
}

void ppp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	uint16_t protocol;

	if (ppp_header(v->head + l->offset, l->length, &protocol))
		buf_printf(out, "protocol 0x%04x %s", protocol,
			   code_text(protocols, protocol, "unknown"));
}

void ppp_fields(const struct view *v, const struct layer *l)
{
	uint16_t protocol;

	if (ppp_header(v->head + l->offset, l->length, &protocol))
		view_field(v, "protocol", l->offset, l->length, "0x%04x %s", protocol,
			   code_text(protocols, protocol, "unknown"));
}
