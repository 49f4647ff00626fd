/* IPv6 over UDP through address translators, RFC 4380: an authentication and an origin may stand
 * before the packet. */
#include "rows.h"

#define IP6_HEADER 40u
#define AUTH_HEADER 4u	 /* 00 01, length of the client's name, length of the value */
#define AUTH_NONCE 9u	 /* and one byte that confirms */
#define ORIGIN_HEADER 8u /* 00 00, port and address, each bit inverted */
#define TEREDO_PREFIX 0x20010000u

static uint32_t auth_length(const uint8_t *p, size_t left)
{
	uint32_t length;

	if (left < AUTH_HEADER || get16(p) != 1)
		return 0;
	length = AUTH_HEADER + p[2] + p[3] + AUTH_NONCE;
	return length <= left ? length : 0;
}

/* Bytes before the IPv6 header. */
static uint32_t teredo_length(const uint8_t *p, size_t left)
{
	uint32_t at = auth_length(p, left);

	return left - at >= ORIGIN_HEADER && !get16(p + at) ? at + ORIGIN_HEADER : at;
}

/* An IPv6 packet that is exactly as long as what carries it. */
static bool ip6_fits(const struct walk *w, uint32_t at)
{
	const uint8_t *p = cursor_peek(&w->c, at + IP6_HEADER);

	uint32_t bytes;

	if (!p || p[at] >> 4 != 6)
		return false;
	bytes = get16(p + at + 4) + IP6_HEADER + at;
	return bytes >= cursor_wire(&w->c) && walk_fits(w, bytes);
}

uint8_t teredo_decode(struct walk *w)
{
	const uint32_t length = teredo_length(w->c.data, cursor_left(&w->c));

	if (!ip6_fits(w, length))
		return walk_application(w);
	if (length)
		walk_layer(w, PROTO_TEREDO, length);
	return walk_tunnel(w, PROTO_TEREDO, PROTO_IP6);
}

/* Clients and relays talk between any ports: there one address must be a client's (RFC 4380 4). */
bool teredo_looks(const struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, IP6_HEADER);

	return p && p[0] >> 4 == 6 && ip6_fits(w, 0) &&
	       (get32(p + 8) == TEREDO_PREFIX || get32(p + 24) == TEREDO_PREFIX);
}

void teredo_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	const uint32_t auth = auth_length(p, l->length);
	char text[ADDR_LINE_MAX];
	uint8_t addr[4];

	if (auth)
		view_field(v, "authentication", l->offset, auth, "%u bytes", auth);
	if (l->length - auth < ORIGIN_HEADER)
		return;
	for (unsigned i = 0; i < sizeof(addr); i++)
		addr[i] = (uint8_t)~p[auth + 4 + i];
	view_field(v, "origin", l->offset + auth, ORIGIN_HEADER, "%s:%u", text_ip(4, addr, text),
		   (uint16_t)~get16(p + auth + 2));
}
