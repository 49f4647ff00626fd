/* Address Resolution Protocol, RFC 826 (RARP is RFC 903, with the same form). */
#include "rows.h"

#define ARP_FIXED 8u

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

static const struct code_name operations[] = {
	{1, "request"},
	{2, "reply"},
	{3, "reverse request"},
	{4, "reverse reply"},
	{8, "inverse request"},
	{9, "inverse reply"},
	{0, NULL},
};

/* Bytes of the whole message; the lengths are the sender's. */
static uint32_t arp_length(const uint8_t *p)
{
	return ARP_FIXED + 2u * p[4] + 2u * p[5];
}

uint8_t arp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, ARP_FIXED);

	if (!p)
		return walk_short(w, PROTO_ARP, ARP_FIXED);
	if (!cursor_peek(&w->c, arp_length(p)))
		return walk_short(w, PROTO_ARP, arp_length(p));
	walk_layer(w, PROTO_ARP, arp_length(p));
	return PROTO_NONE;
}

/* Whether it is the usual kind (six-byte hardware, IPv4) and all there. */
static bool arp_is_ip4(const uint8_t *p, const struct layer *l)
{
	return l->length >= ARP_FIXED && p[4] == 6 && p[5] == 4 && l->length >= arp_length(p);
}

void arp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char sender[ADDR_LINE_MAX], target[ADDR_LINE_MAX], mac[ADDR_LINE_MAX];
	uint16_t operation;

	if (!arp_is_ip4(p, l)) {
		if (l->length >= ARP_FIXED)
			buf_printf(out, "%s, hardware %u, protocol 0x%04x",
				   code_text(operations, get16(p + 6), "operation"), get16(p),
				   get16(p + 2));
		return;
	}
	operation = get16(p + 6);
	text_ip(4, p + 14, sender);
	text_ip(4, p + 24, target);
	text_mac(p + 8, mac);
	if (operation == ARP_REQUEST && get32(p + 14) == get32(p + 24))
		buf_printf(out, "announcement: %s is at %s", sender, mac);
	else if (operation == ARP_REQUEST && !get32(p + 14))
		buf_printf(out, "who has %s? (probe)", target);
	else if (operation == ARP_REQUEST)
		buf_printf(out, "who has %s? tell %s", target, sender);
	else if (operation == ARP_REPLY)
		buf_printf(out, "%s is at %s", sender, mac);
	else
		buf_printf(out, "%s from %s for %s", code_text(operations, operation, "operation"),
			   sender, target);
}

void arp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < ARP_FIXED)
		return;
	view_field(v, "hardware", l->offset, 2, "%u%s", get16(p), get16(p) == 1 ? " Ethernet" : "");
	view_field(v, "protocol", l->offset + 2, 2, "0x%04x %s", get16(p + 2),
		   ethertype_text(get16(p + 2)));
	view_field(v, "hardware_length", l->offset + 4, 1, "%u", p[4]);
	view_field(v, "protocol_length", l->offset + 5, 1, "%u", p[5]);
	view_field(v, "operation", l->offset + 6, 2, "%u %s", get16(p + 6),
		   code_text(operations, get16(p + 6), "unknown"));
	if (!arp_is_ip4(p, l))
		return;
	view_field(v, "sender_mac", l->offset + 8, 6, "%s", text_mac(p + 8, text));
	view_field(v, "sender", l->offset + 14, 4, "%s", text_ip(4, p + 14, text));
	view_field(v, "target_mac", l->offset + 18, 6, "%s", text_mac(p + 18, text));
	view_field(v, "target", l->offset + 24, 4, "%s", text_ip(4, p + 24, text));
}
