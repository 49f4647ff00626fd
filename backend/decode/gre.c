/* Generic Routing Encapsulation: RFC 2784, RFC 2890 (key, sequence), RFC 2637 (version 1, PPTP);
 * RFC 1701's source routes are passed over. Mirrored frames: ERSPAN, types I to III
 * (https://datatracker.ietf.org/doc/html/draft-foschiano-erspan-03). */
#include "rows.h"

#define GRE_HEADER 4u
#define GRE_CHECKSUM 0x8000u
#define GRE_ROUTING 0x4000u
#define GRE_KEY 0x2000u
#define GRE_SEQUENCE 0x1000u
#define GRE_ACK 0x0080u /* version 1 */
#define GRE_VERSION 7u
#define GRE_ROUTES_MAX 16u /* source route entries; nobody sends them any more */

#define ERSPAN2_HEADER 8u
#define ERSPAN3_HEADER 12u
#define ERSPAN3_PLATFORM 8u /* when the last bit of the header says so */

enum {
	TYPE_PPP = 0x880b,
	TYPE_WCCP = 0x883e,
	TYPE_ERSPAN = 0x88be,
	TYPE_ERSPAN3 = 0x22eb,
	TYPE_BRIDGED = 0x6558,
	TYPE_ARUBA = 0x8200, /* to 0x8370 in steps of 16: an access point's 802.11 frames */
	TYPE_ARUBA_LAST = 0x8370,
	TYPE_ARUBA_OTHER = 0x9000,
};

/* Bytes before what is carried, without source routes. */
static uint32_t gre_length(uint16_t flags)
{
	return GRE_HEADER + (flags & (GRE_CHECKSUM | GRE_ROUTING) ? 4u : 0) +
	       (flags & GRE_KEY ? 4u : 0) + (flags & GRE_SEQUENCE ? 4u : 0) +
	       ((flags & GRE_VERSION) == 1 && flags & GRE_ACK ? 4u : 0);
}

/* Behind `at` source routes until one that is empty. */
static uint32_t routes_length(const struct walk *w, uint32_t at)
{
	const uint8_t *p;

	for (unsigned i = 0; i < GRE_ROUTES_MAX && (p = cursor_peek(&w->c, at + 4)); i++) {
		uint32_t length = p[at + 3];

		at += 4 + length;
		if (!length)
			break;
	}
	return at;
}

static bool type_is_wlan(uint16_t type)
{
	return (type >= TYPE_ARUBA && type <= TYPE_ARUBA_LAST && !(type & 15)) ||
	       type == TYPE_ARUBA_OTHER;
}

static uint8_t gre_next(const struct walk *w, uint16_t flags, uint16_t type)
{
	if ((flags & GRE_VERSION) == 1)
		return type == TYPE_PPP ? PROTO_PPP : PROTO_DATA;
	switch (type) {
	case TYPE_BRIDGED:
		return PROTO_ETH;
	case TYPE_PPP:
		return PROTO_PPP;
	case TYPE_ERSPAN: /* type I has neither a sequence number nor a header */
		return flags & GRE_SEQUENCE ? PROTO_ERSPAN : PROTO_ETH;
	case TYPE_ERSPAN3:
		return PROTO_ERSPAN;
	case TYPE_WCCP:
		return walk_ip_version(w);
	default:
		return type_is_wlan(type) ? PROTO_IEEE80211 : ethertype_protocol(type);
	}
}

/* Over UDP, RFC 8086: without the flags that nobody sends there. */
uint8_t gre_udp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, GRE_HEADER);
	const uint16_t flags = p ? get16(p) : 0xffff;

	if (flags & ~(GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE) ||
	    gre_next(w, flags, get16(p + 2)) == PROTO_DATA)
		return walk_application(w);
	return PROTO_GRE;
}

uint8_t gre_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, GRE_HEADER);
	uint16_t flags, type;
	uint32_t length;
	bool mirror;

	if (!p)
		return walk_short(w, PROTO_GRE, GRE_HEADER);
	flags = get16(p);
	type = get16(p + 2);
	if ((flags & GRE_VERSION) > 1)
		return walk_bad(w, PROTO_GRE, GRE_HEADER, "a GRE version that does not exist");
	length = gre_length(flags);
	if (flags & GRE_ROUTING)
		length = routes_length(w, length);
	/* WCCP 2 has a redirect header before IP; none begins with 4. */
	if (type == TYPE_WCCP && cursor_peek(&w->c, length + 1) && p[length] >> 4 != 4)
		length += 4;
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_GRE, length);
	walk_layer(w, PROTO_GRE, length);
	mirror = type == TYPE_ERSPAN || type == TYPE_ERSPAN3;
	return walk_tunnel(w, mirror ? PROTO_ERSPAN : PROTO_GRE, gre_next(w, flags, type));
}

uint8_t erspan_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, ERSPAN2_HEADER);
	uint32_t length = ERSPAN2_HEADER;

	if (!p)
		return walk_short(w, PROTO_ERSPAN, length);
	if (p[0] >> 4 == 2) {
		p = cursor_peek(&w->c, ERSPAN3_HEADER);
		if (!p)
			return walk_short(w, PROTO_ERSPAN, ERSPAN3_HEADER);
		length = ERSPAN3_HEADER + (p[11] & 1 ? ERSPAN3_PLATFORM : 0);
	} else if (p[0] >> 4 != 1) {
		return walk_bad(w, PROTO_ERSPAN, length, "an ERSPAN version that does not exist");
	}
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_ERSPAN, length);
	walk_layer(w, PROTO_ERSPAN, length);
	return PROTO_ETH;
}

static const char *type_text(uint16_t type)
{
	switch (type) {
	case TYPE_PPP:
		return "PPP";
	case TYPE_WCCP:
		return "WCCP";
	case TYPE_ERSPAN:
		return "ERSPAN";
	case TYPE_ERSPAN3:
		return "ERSPAN III";
	case 0:
		return "keepalive";
	default:
		return ethertype_text(type);
	}
}

/* Where an optional field stands, 0 when it is not there. */
static uint32_t gre_field(uint16_t flags, uint16_t which)
{
	uint32_t at = GRE_HEADER + (flags & (GRE_CHECKSUM | GRE_ROUTING) ? 4u : 0);

	if (!(flags & which))
		return 0;
	if (which == GRE_KEY)
		return at;
	at += flags & GRE_KEY ? 4u : 0;
	return which == GRE_SEQUENCE ? at : at + (flags & GRE_SEQUENCE ? 4u : 0);
}

void gre_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint16_t flags;

	if (l->length < GRE_HEADER)
		return;
	flags = get16(p);
	buf_printf(out, "type 0x%04x %s", get16(p + 2), type_text(get16(p + 2)));
	if (l->length < gre_length(flags))
		return;
	if (flags & GRE_KEY && (flags & GRE_VERSION) == 1)
		buf_printf(out, " call %u", get16(p + gre_field(flags, GRE_KEY) + 2));
	else if (flags & GRE_KEY)
		buf_printf(out, " key 0x%08x", get32(p + gre_field(flags, GRE_KEY)));
	if (flags & GRE_SEQUENCE)
		buf_printf(out, " seq %u", get32(p + gre_field(flags, GRE_SEQUENCE)));
}

static void gre_key_fields(const struct view *v, const struct layer *l, uint16_t flags)
{
	const uint32_t at = gre_field(flags, GRE_KEY);
	const uint8_t *p = v->head + l->offset + at;

	if ((flags & GRE_VERSION) == 1) {
		view_field(v, "payload_length", l->offset + at, 2, "%u", get16(p));
		view_field(v, "call", l->offset + at + 2, 2, "%u", get16(p + 2));
	} else {
		view_field(v, "key", l->offset + at, 4, "0x%08x", get32(p));
	}
}

void gre_fields(const struct view *v, const struct layer *l)
{
	static const struct bit_name names[] = {
		{GRE_CHECKSUM, "checksum"}, {GRE_ROUTING, "routing"}, {GRE_KEY, "key"},
		{GRE_SEQUENCE, "sequence"}, {0x0800, "strict"},	      {0, NULL},
	};
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];
	uint16_t flags;
	uint32_t at;

	if (l->length < GRE_HEADER)
		return;
	flags = get16(p);
	view_field(v, "flags", l->offset, 2, "0x%04x %s", flags,
		   text_bits(flags, names, text, sizeof(text)));
	view_field(v, "version", l->offset + 1, 1, "%u", flags & GRE_VERSION);
	view_field(v, "type", l->offset + 2, 2, "0x%04x %s", get16(p + 2), type_text(get16(p + 2)));
	if (l->length < gre_length(flags))
		return;
	if (flags & GRE_CHECKSUM)
		view_field(v, "checksum", l->offset + 4, 2, "0x%04x", get16(p + 4));
	if (flags & GRE_KEY)
		gre_key_fields(v, l, flags);
	at = gre_field(flags, GRE_SEQUENCE);
	if (at)
		view_field(v, "sequence", l->offset + at, 4, "%u", get32(p + at));
	at = (flags & GRE_VERSION) == 1 ? gre_field(flags, GRE_ACK) : 0;
	if (at)
		view_field(v, "ack", l->offset + at, 4, "%u", get32(p + at));
}

void erspan_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= ERSPAN2_HEADER)
		buf_printf(out, "type %s session %u vlan %u", p[0] >> 4 == 1 ? "II" : "III",
			   get16(p + 2) & 0x3ff, get16(p) & 0xfff);
}

void erspan_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < ERSPAN2_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 4);
	view_field(v, "vlan", l->offset, 2, "%u", get16(p) & 0xfff);
	view_field(v, "class", l->offset + 2, 1, "%u", p[2] >> 5);
	view_field(v, "truncated", l->offset + 2, 1, "%u", p[2] >> 2 & 1);
	view_field(v, "session", l->offset + 2, 2, "%u", get16(p + 2) & 0x3ff);
	if (p[0] >> 4 == 1)
		view_field(v, "index", l->offset + 4, 4, "%u", get32(p + 4) & 0xfffff);
	else
		view_field(v, "timestamp", l->offset + 4, 4, "%u", get32(p + 4));
}
