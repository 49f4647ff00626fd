/* IP without a link header, and BSD's loopback: four bytes of address family before it. */
#include "rows.h"

#define NULL_HEADER 4u

uint8_t raw_decode(struct walk *w)
{
	const uint8_t next = walk_ip_version(w);

	if (!cursor_left(&w->c))
		return PROTO_NONE;
	if (next != PROTO_DATA)
		return next;
	return walk_bad(w, PROTO_RAW, (uint32_t)cursor_left(&w->c), "neither IPv4 nor IPv6");
}

/* The family in whichever byte order makes it small: the writer's order is not known
 * (LINKTYPE_NULL). */
static uint32_t null_family(const uint8_t *p)
{
	uint32_t family = get32(p);

	return family > 0xffff ? __builtin_bswap32(family) : family;
}

uint8_t null_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, NULL_HEADER);

	if (!p)
		return walk_short(w, PROTO_NULL_LOOP, NULL_HEADER);
	walk_layer(w, PROTO_NULL_LOOP, NULL_HEADER);
	switch (null_family(p)) {
	case 2:
		return PROTO_IP;
	case 10: /* AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS */
	case 24:
	case 28:
	case 30:
		return PROTO_IP6;
	default: /* some write a type as Ethernet's instead */
		return ethertype_protocol(get16(p + 2));
	}
}

void null_fields(const struct view *v, const struct layer *l)
{
	if (l->length == NULL_HEADER)
		view_field(v, "family", l->offset, 4, "%u", null_family(v->head + l->offset));
}
