/* Dynamic Host Configuration Protocol, RFC 2131; options, RFC 2132. */
#include "base/text.h"
#include "rows.h"

#define DHCP_FIXED 240u /* with the magic cookie */

enum {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_HOST = 12,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_END = 255
};

static const struct code_name message_types[] = {
	{1, "discover"}, {2, "offer"},	 {3, "request"}, {4, "decline"}, {5, "ack"},
	{6, "nak"},	 {7, "release"}, {8, "inform"},	 {0, NULL},
};

static const struct code_name options[] = {
	{1, "subnet mask"},
	{3, "router"},
	{6, "dns servers"},
	{12, "host name"},
	{15, "domain name"},
	{26, "mtu"},
	{28, "broadcast address"},
	{33, "static route"},
	{42, "ntp servers"},
	{43, "vendor specific"},
	{50, "requested address"},
	{51, "lease time"},
	{52, "overload"},
	{53, "message type"},
	{54, "server"},
	{55, "parameters wanted"},
	{56, "message"},
	{57, "largest message"},
	{58, "renewal time"},
	{59, "rebinding time"},
	{60, "vendor class"},
	{61, "client id"},
	{66, "tftp server"},
	{67, "boot file"},
	{81, "client name"},
	{82, "relay information"},
	{119, "domain search"},
	{121, "classless routes"},
	{0, NULL},
};

/* The next option: code, length, bytes; NULL at the end or where it is cut. */
static const uint8_t *option_next(struct cursor *c)
{
	const uint8_t *p;

	while ((p = cursor_peek(c, 1)) && *p == OPTION_PAD)
		c->data++;
	if (!p || *p == OPTION_END)
		return NULL;
	p = cursor_pull(c, 2);
	return p && cursor_pull(c, p[1]) ? p : NULL;
}

static struct cursor option_cursor(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);

	return cursor_pull(&c, DHCP_FIXED) ? c : (struct cursor){c.tail, c.tail, c.tail, 0};
}

void dhcp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset, *o;
	struct cursor c = option_cursor(v, l);
	char text[ADDR_LINE_MAX];

	if (l->length < DHCP_FIXED)
		return;
	for (struct cursor k = c; (o = option_next(&k));) {
		if (o[0] == OPTION_TYPE && o[1] == 1)
			buf_printf(out, "%s ", code_text(message_types, o[2], "message"));
	}
	buf_printf(out, "xid 0x%08x %s", get32(p + 4), text_mac(p + 28, text));
	if (get32(p + 16))
		buf_printf(out, " your %s", text_ip(4, p + 16, text));
	while ((o = option_next(&c))) {
		if (o[0] == OPTION_REQUESTED && o[1] == 4)
			buf_printf(out, " wants %s", text_ip(4, o + 2, text));
		else if (o[0] == OPTION_SERVER && o[1] == 4)
			buf_printf(out, " server %s", text_ip(4, o + 2, text));
		else if (o[0] == OPTION_HOST) {
			buf_add_str(out, " host ");
			text_escape(out, (struct str){(const char *)o + 2, o[1]}, false);
		}
	}
}

static void option_field(const struct view *v, const uint8_t *o)
{
	uint32_t at = (uint32_t)(o - v->head), length = 2u + o[1];
	const char *name = code_text(options, o[0], "unknown");
	char text[ADDR_LINE_MAX];

	switch (o[0]) {
	case OPTION_TYPE:
		if (o[1] == 1)
			view_field(v, "option", at, length, "%s: %s", name,
				   code_text(message_types, o[2], "unknown"));
		return;
	case OPTION_MASK:
	case 3:
	case 6:
	case 28:
	case 42:
	case OPTION_REQUESTED:
	case OPTION_SERVER:
		for (uint32_t i = 0; i + 4 <= o[1]; i += 4)
			view_field(v, "option", at + 2 + i, 4, "%s: %s", name,
				   text_ip(4, o + 2 + i, text));
		return;
	case OPTION_LEASE:
	case 58:
	case 59:
		if (o[1] == 4)
			view_field(v, "option", at, length, "%s: %u s", name, get32(o + 2));
		return;
	case OPTION_HOST:
	case 15:
	case 56:
	case 60:
	case 66:
	case 67:
		view_field(v, "option", at, length, "%s: %.*s", name, (int)o[1],
			   (const char *)o + 2);
		return;
	default:
		view_field(v, "option", at, length, "%s (%u), %u bytes", name, o[0], o[1]);
	}
}

void dhcp_fields(const struct view *v, const struct layer *l)
{
	static const char *const addresses[] = {"client", "your", "next_server", "relay"};
	const uint8_t *p = v->head + l->offset, *o;
	struct cursor c = option_cursor(v, l);
	char text[ADDR_LINE_MAX];

	if (l->length < DHCP_FIXED)
		return;
	view_field(v, "op", l->offset, 1, "%u %s", p[0], p[0] == 1 ? "request" : "reply");
	view_field(v, "hops", l->offset + 3, 1, "%u", p[3]);
	view_field(v, "xid", l->offset + 4, 4, "0x%08x", get32(p + 4));
	view_field(v, "seconds", l->offset + 8, 2, "%u", get16(p + 8));
	view_field(v, "flags", l->offset + 10, 2, "0x%04x%s", get16(p + 10),
		   p[10] & 0x80 ? " broadcast" : "");
	for (uint32_t i = 0; i < 4; i++)
		view_field(v, addresses[i], l->offset + 12 + i * 4, 4, "%s",
			   text_ip(4, p + 12 + i * 4, text));
	view_field(v, "client_mac", l->offset + 28, 6, "%s", text_mac(p + 28, text));
	while ((o = option_next(&c)))
		option_field(v, o);
}
