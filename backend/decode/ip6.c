/* Internet Protocol version 6 and its extension headers, RFC 8200. */
#include "rows.h"

#define IP6_HEADER 40u
#define IP6_EXT_MAX 12u /* extension headers of one packet; more is an attack on the reader */
#define NO_NEXT 59u
#define OPTION_JUMBO 0xc2u

enum {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_AH = 51,
	EXT_DESTINATION = 60,
	EXT_MOBILITY = 135,
	EXT_HIP = 139,
	EXT_SHIM6 = 140,
};

static bool ext_is(uint8_t next)
{
	switch (next) {
	case EXT_HOP_BY_HOP:
	case EXT_ROUTING:
	case EXT_FRAGMENT:
	case EXT_AH:
	case EXT_DESTINATION:
	case EXT_MOBILITY:
	case EXT_HIP:
	case EXT_SHIM6:
		return true;
	default:
		return false;
	}
}

/* Those that are messages of their own, mostly with nothing behind them. */
static bool ext_is_message(uint8_t kind)
{
	return kind == EXT_MOBILITY || kind == EXT_HIP || kind == EXT_SHIM6;
}

static uint32_t ext_length(uint8_t kind, const uint8_t *p)
{
	if (kind == EXT_FRAGMENT)
		return 8;
	return kind == EXT_AH ? (p[1] + 2u) * 4 : (p[1] + 1u) * 8;
}

/* With segments left, the checksum covers the last address of the route (RFC 8200 8.1). */
static const uint8_t *route_end(const uint8_t *p, uint32_t length)
{
	return p[3] && (p[2] == 0 || p[2] == 2) && length >= 24 ? p + length - 16 : NULL;
}

/* A jumbogram's length, RFC 2675: the cursor stands at the hop-by-hop header, right behind IPv6's,
 * whose own length is 0. */
static void jumbo_note(struct walk *w, const uint8_t *p, uint32_t length)
{
	for (uint32_t at = 2; at + 1 < length; at += p[at] ? 2u + p[at + 1] : 1u) {
		uint32_t jumbo;

		if (p[at] != OPTION_JUMBO || p[at + 1] != 4 || at + 6 > length)
			continue;
		jumbo = get32(p + at + 2);
		if (jumbo <= UINT16_MAX || jumbo > UINT32_MAX - IP6_HEADER)
			return;
		if (jumbo > cursor_wire(&w->c))
			w->d->flags |= DECODE_LONG;
		cursor_limit(&w->c, jumbo);
		w->d->ip_bytes = jumbo + IP6_HEADER;
		return;
	}
}

static void ext_note(struct walk *w, uint8_t kind, const uint8_t *p, uint32_t length)
{
	struct decoded *d = w->d;

	if (kind == EXT_FRAGMENT) {
		d->flags |= DECODE_FRAGMENT;
		d->fragment_id = get32(p + 4);
		d->fragment_offset = get16(p + 2) & 0xfff8u;
		d->more_fragments = p[3] & 1;
		if (!d->fragment_offset && !d->more_fragments)
			d->flags &= ~(unsigned)DECODE_FRAGMENT; /* an atomic fragment, RFC 6946: the
								   whole datagram */
	}
	if (kind == EXT_HOP_BY_HOP && !get16(d->src - 4))
		jumbo_note(w, p, length);
	if (kind == EXT_ROUTING)
		w->final_dst = route_end(p, length);
}

/* Reads extension headers from `next` on. Returns the protocol behind them. */
static uint8_t ext_decode(struct walk *w, uint8_t next)
{
	struct decoded *d = w->d;
	uint8_t last = next;

	for (unsigned i = 0; ext_is(next); i++) {
		const uint8_t *p = cursor_peek(&w->c, 8);
		uint8_t row = next == EXT_AH ? PROTO_AH : PROTO_IP6_EXT;
		uint32_t length;

		d->ip_protocol = next;
		if (i == IP6_EXT_MAX || d->nlayers + WALK_LAYERS_STEP > DECODE_LAYERS_MAX)
			return walk_bad(w, row, 0,
					"more IPv6 extension headers than any network makes");
		if (!p)
			return walk_short(w, row, 8);
		length = ext_length(next, p);
		if (!cursor_peek(&w->c, length))
			return walk_short(w, row, length);
		ext_note(w, next, p, length);
		walk_layer(w, row, length);
		last = next;
		next = p[0];
		if (d->flags & DECODE_FRAGMENT && d->fragment_offset)
			break;
	}
	if (next != NO_NEXT || !ext_is_message(last))
		return walk_transport(w, next);
	walk_transport(w, next);
	d->ip_protocol = last;
	return PROTO_NONE;
}

uint8_t ip6_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, IP6_HEADER);
	struct decoded *d = w->d;
	uint32_t payload, wire;

	if (!p)
		return walk_short(w, PROTO_IP6, IP6_HEADER);
	if (p[0] >> 4 != 6)
		return walk_bad(w, PROTO_IP6, IP6_HEADER, "an IPv6 header of another version");
	payload = get16(p + 4);
	d->family = 6;
	d->src = p + 8;
	d->dst = p + 24;
	d->ttl = p[7];
	d->flags |= DECODE_IP;
	wire = cursor_wire(&w->c);
	if (payload + IP6_HEADER > wire)
		d->flags |= DECODE_LONG;
	/* 0 with something behind it: a jumbogram or BIG TCP; the wire says how long. */
	if (payload || p[6] == NO_NEXT)
		cursor_limit(&w->c, payload + IP6_HEADER);
	d->ip_bytes = cursor_wire(&w->c);
	walk_layer(w, PROTO_IP6, IP6_HEADER);
	d->payload_offset = cursor_offset(&w->c);
	d->payload_bytes = cursor_wire(&w->c);
	return ext_decode(w, p[6]);
}

void ip6_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char src[ADDR_LINE_MAX], dst[ADDR_LINE_MAX];

	if (l->length < IP6_HEADER)
		return;
	buf_printf(out, "%s > %s %s hops %u length %u", text_ip(6, p + 8, src),
		   text_ip(6, p + 24, dst), ip_protocol_name(p[6]), p[7], get16(p + 4));
}

void ip6_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];
	unsigned class;

	if (l->length < IP6_HEADER)
		return;
	class = (p[0] & 15u) << 4 | p[1] >> 4;
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 4);
	view_field(v, "dscp", l->offset, 2, "%u", class >> 2);
	view_field(v, "ecn", l->offset + 1, 1, "%u", class & 3);
	view_field(v, "flow_label", l->offset + 1, 3, "0x%05x", get32(p) & 0xfffff);
	view_field(v, "payload_length", l->offset + 4, 2, "%u", get16(p + 4));
	view_field(v, "next_header", l->offset + 6, 1, "%u %s", p[6], ip_protocol_name(p[6]));
	view_field(v, "hop_limit", l->offset + 7, 1, "%u", p[7]);
	view_field(v, "src", l->offset + 8, 16, "%s", text_ip(6, p + 8, text));
	view_field(v, "dst", l->offset + 24, 16, "%s", text_ip(6, p + 24, text));
}

/* Which extension header a layer is: what the header before it announced. */
static uint8_t ext_kind(const struct view *v, const struct layer *l)
{
	const struct layer *before = l - 1;

	if (l == v->d->layer || before->length < 8)
		return EXT_DESTINATION;
	if (before->protocol == PROTO_IP6)
		return v->head[before->offset + 6];
	return v->head[before->offset + (before->protocol == PROTO_IP ? 9 : 0)];
}

const uint8_t *ip6_final_dst(const struct view *v)
{
	for (unsigned i = 0; i < v->d->nlayers; i++) {
		const struct layer *l = &v->d->layer[i];

		if (l->protocol == PROTO_IP6_EXT && l->length >= 8 && view_describes(v, l) &&
		    ext_kind(v, l) == EXT_ROUTING)
			return route_end(v->head + l->offset, l->length);
	}
	return NULL;
}

void ip6_ext_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint8_t kind = ext_kind(v, l);

	buf_add_str(out, ip_protocol_name(kind));
	if (kind == EXT_FRAGMENT && l->length >= 8)
		buf_printf(out, " fragment 0x%08x offset %u%s", get32(p + 4),
			   get16(p + 2) & 0xfff8u, p[3] & 1 ? " more" : " last");
}

static void routing_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	view_field(v, "routing_type", l->offset + 2, 1, "%u", p[2]);
	view_field(v, "segments_left", l->offset + 3, 1, "%u", p[3]);
	for (uint32_t at = 8; at + 16 <= l->length; at += 16)
		view_field(v, "address", l->offset + at, 16, "%s", text_ip(6, p + at, text));
}

void ip6_ext_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint8_t kind = ext_kind(v, l);

	if (l->length < 8)
		return;
	view_field(v, "next_header", l->offset, 1, "%u %s", p[0], ip_protocol_name(p[0]));
	if (kind == EXT_FRAGMENT) {
		view_field(v, "fragment_offset", l->offset + 2, 2, "%u", get16(p + 2) & 0xfff8u);
		view_field(v, "more_fragments", l->offset + 3, 1, "%u", p[3] & 1);
		view_field(v, "fragment_id", l->offset + 4, 4, "0x%08x", get32(p + 4));
		return;
	}
	view_field(v, "length", l->offset + 1, 1, "%u", l->length);
	if (kind == EXT_MOBILITY)
		view_field(v, "message", l->offset + 2, 1, "%u", p[2]);
	if (kind == EXT_ROUTING)
		routing_fields(v, l);
	else if (kind == EXT_AH)
		view_field(v, "spi", l->offset + 4, 4, "0x%08x", get32(p + 4));
}
