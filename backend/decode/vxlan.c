/* Virtual networks over UDP: VXLAN (RFC 7348; GPE: draft-ietf-nvo3-vxlan-gpe), GENEVE (RFC 8926),
 * MPLS over UDP (RFC 7510). A port alone proves nothing: reserved bits, lengths and the inside must
 * be as the standards have them. */
#include "rows.h"

#define VXLAN_HEADER 8u
#define VXLAN_ID 0x08u	 /* flag: there is a network's number */
#define VXLAN_NEXT 0x04u /* flag of GPE: there is a next protocol */
#define GENEVE_HEADER 8u
#define LABELS_MAX 8u /* looked at before a datagram counts as labelled */

/* The numbers of VXLAN's generic protocol extension and of service headers are the same. */
uint8_t gpe_protocol(uint8_t next)
{
	switch (next) {
	case 1:
		return PROTO_IP;
	case 2:
		return PROTO_IP6;
	case 3:
		return PROTO_ETH;
	case 4:
		return PROTO_NSH;
	case 5:
		return PROTO_MPLS;
	default:
		return PROTO_DATA;
	}
}

/* The flags beside the number's are Cisco's group policy; the last byte is reserved. */
uint8_t vxlan_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, VXLAN_HEADER);

	if (!p || !(p[0] & VXLAN_ID) || p[7])
		return walk_application(w);
	walk_layer(w, PROTO_VXLAN, VXLAN_HEADER);
	return walk_tunnel(w, PROTO_VXLAN, PROTO_ETH);
}

uint8_t vxlan_gpe_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, VXLAN_HEADER);

	if (!p || (p[0] & 0xca) != VXLAN_ID || p[1] || p[2] || p[7])
		return walk_application(w);
	walk_layer(w, PROTO_VXLAN, VXLAN_HEADER);
	return walk_tunnel(w, PROTO_VXLAN, p[0] & VXLAN_NEXT ? gpe_protocol(p[3]) : PROTO_ETH);
}

void vxlan_info(struct buf *out, const struct view *v, const struct layer *l)
{
	if (l->length >= VXLAN_HEADER)
		buf_printf(out, "network %u", get32(v->head + l->offset + 4) >> 8);
}

void vxlan_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < VXLAN_HEADER)
		return;
	view_field(v, "flags", l->offset, 1, "0x%02x", p[0]);
	if (p[0] & VXLAN_NEXT)
		view_field(v, "next", l->offset + 3, 1, "%u", p[3]);
	else if (get16(p + 2))
		view_field(v, "group", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "network", l->offset + 4, 3, "%u", get32(p + 4) >> 8);
}

static uint8_t geneve_next(uint16_t type)
{
	return type == 0x6558 ? PROTO_ETH : ethertype_protocol(type);
}

uint8_t geneve_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, GENEVE_HEADER);
	uint32_t length;

	if (!p || p[0] >> 6 || p[1] & 0x3f || p[7])
		return walk_application(w);
	length = GENEVE_HEADER + (p[0] & 0x3fu) * 4;
	if (length > cursor_wire(&w->c))
		return walk_application(w);
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_GENEVE, length);
	walk_layer(w, PROTO_GENEVE, length);
	return walk_tunnel(w, PROTO_GENEVE, geneve_next(get16(p + 2)));
}

void geneve_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= GENEVE_HEADER)
		buf_printf(out, "network %u type 0x%04x %s", get32(p + 4) >> 8, get16(p + 2),
			   ethertype_text(get16(p + 2)));
}

void geneve_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < GENEVE_HEADER)
		return;
	view_field(v, "options_length", l->offset, 1, "%u", (p[0] & 0x3fu) * 4);
	view_field(v, "control", l->offset + 1, 1, "%u", p[1] >> 7);
	view_field(v, "critical", l->offset + 1, 1, "%u", p[1] >> 6 & 1);
	view_field(v, "type", l->offset + 2, 2, "0x%04x %s", get16(p + 2),
		   ethertype_text(get16(p + 2)));
	view_field(v, "network", l->offset + 4, 3, "%u", get32(p + 4) >> 8);
	for (uint32_t at = GENEVE_HEADER; at + 4 <= l->length;) {
		uint32_t length = 4 + (p[at + 3] & 0x1fu) * 4;

		view_field(v, "option", l->offset + at, length,
			   "class 0x%04x type 0x%02x length %u", get16(p + at), p[at + 2], length);
		at += length;
	}
}

/* Whether `left` bytes can be an IP packet, or a pseudowire's frame with its control word. */
static bool labelled_looks(const uint8_t *p, uint32_t left)
{
	if (p[0] >> 4 == 4)
		return left >= 20 && (p[0] & 15) >= 5 && get16(p + 2) <= left && get16(p + 2) >= 20;
	if (p[0] >> 4 == 6)
		return left >= 40 && get16(p + 4) + 40u <= left;
	return p[0] >> 4 == 0;
}

static bool labels_look(const struct walk *w)
{
	const uint8_t *p;

	for (uint32_t at = 0; at < LABELS_MAX * 4 && (p = cursor_peek(&w->c, at + 10)); at += 4) {
		if (p[at + 2] & 1)
			return labelled_looks(p + at + 4, cursor_wire(&w->c) - at - 4);
	}
	return false;
}

uint8_t mpls_udp_decode(struct walk *w)
{
	return labels_look(w) ? PROTO_MPLS : walk_application(w);
}
