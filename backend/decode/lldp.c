/* Link Layer Discovery Protocol, IEEE 802.1AB: who is at the other end of the cable. */
#include "base/text.h"
#include "rows.h"

#define TLV_HEADER 2u
#define TLVS_MAX 64u
#define NAME_SHOWN_MAX 64u /* bytes of a name in the packet's line */

enum { TLV_END, TLV_CHASSIS, TLV_PORT, TLV_TTL, TLV_PORT_TEXT, TLV_SYSTEM, TLV_SYSTEM_TEXT };
enum { CHASSIS_MAC = 4, CHASSIS_NET = 5, PORT_MAC = 3, PORT_NET = 4, NET_IP4 = 1, NET_IP6 = 2 };

static const struct code_name tlv_names[] = {
	{TLV_CHASSIS, "chassis"}, {TLV_PORT, "port"},
	{TLV_TTL, "ttl"},	  {TLV_PORT_TEXT, "port_description"},
	{TLV_SYSTEM, "system"},	  {TLV_SYSTEM_TEXT, "system_description"},
	{7, "capabilities"},	  {8, "management"},
	{127, "organisation"},	  {0, NULL},
};

/* The next element: its type; its value is borrowed. TLV_END where there is none. */
static unsigned tlv_next(struct cursor *c, struct str *value)
{
	const uint8_t *p = cursor_pull(c, TLV_HEADER);
	size_t length = p ? get16(p) & 0x1ffu : 0;

	if (!p || length > cursor_left(c))
		return TLV_END;
	*value = (struct str){(const char *)c->data, length};
	c->data += length;
	return p[0] >> 1;
}

/* An identifier's first byte says what the others are. */
static void id_add(struct buf *out, struct str id, unsigned mac, unsigned net)
{
	const uint8_t *p = (const uint8_t *)id.p;
	char text[ADDR_LINE_MAX];

	if (id.len == 7 && p[0] == mac) {
		buf_add_str(out, text_mac(p + 1, text));
	} else if (id.len == 6 && p[0] == net && p[1] == NET_IP4) {
		buf_add_str(out, text_ip(4, p + 2, text));
	} else if (id.len == 18 && p[0] == net && p[1] == NET_IP6) {
		buf_add_str(out, text_ip(6, p + 2, text));
	} else if (id.len > 1) {
		id = (struct str){id.p + 1, id.len - 1};
		id.len = id.len > NAME_SHOWN_MAX ? NAME_SHOWN_MAX : id.len;
		text_escape(out, id, false);
	}
}

static void value_add(struct buf *out, unsigned type, struct str value)
{
	if (type == TLV_CHASSIS) {
		id_add(out, value, CHASSIS_MAC, CHASSIS_NET);
	} else if (type == TLV_PORT) {
		id_add(out, value, PORT_MAC, PORT_NET);
	} else if (type == TLV_TTL && value.len >= 2) {
		buf_printf(out, "%u", get16((const uint8_t *)value.p));
	} else if (type == TLV_SYSTEM || type == TLV_SYSTEM_TEXT || type == TLV_PORT_TEXT) {
		value.len = value.len > NAME_SHOWN_MAX ? NAME_SHOWN_MAX : value.len;
		text_escape(out, value, false);
	} else {
		buf_printf(out, "%zu bytes", value.len);
	}
}

uint8_t lldp_decode(struct walk *w)
{
	return walk_rest(w, PROTO_LLDP);
}

void lldp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str value;
	unsigned type;

	for (unsigned i = 0; i < TLVS_MAX && (type = tlv_next(&c, &value)); i++) {
		if (type > TLV_TTL && type != TLV_SYSTEM)
			continue;
		buf_printf(out, "%s%s ", i ? " " : "", code_text(tlv_names, type, ""));
		value_add(out, type, value);
	}
}

void lldp_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str value;
	struct buf text;
	unsigned type;

	buf_init(&text, 4096);
	for (unsigned i = 0; i < TLVS_MAX && (type = tlv_next(&c, &value)); i++) {
		buf_clear(&text);
		value_add(&text, type, value);
		view_text(v, code_text(tlv_names, type, "element"),
			  (uint32_t)((const uint8_t *)value.p - v->head) - TLV_HEADER,
			  (uint32_t)value.len + TLV_HEADER,
			  (struct str){(const char *)text.data, text.len});
	}
	buf_release(&text);
}
