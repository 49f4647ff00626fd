/* Dynamic Host Configuration Protocol for IPv6, RFC 8415. */
#include <string.h>

#include "app.h"
#include "lines.h"

#define DHCP6_RELAY_HEADER 34u
#define DHCP6_NESTING_MAX 4u /* relays and options within options that are followed */
#define DHCP6_OPTIONS_MAX 64u

enum { RELAY_FORWARD = 12, RELAY_REPLY = 13 };
enum {
	OPT_IA_NA = 3,
	OPT_IA_ADDRESS = 5,
	OPT_RELAY = 9,
	OPT_STATUS = 13,
	OPT_DNS = 23,
	OPT_IA_PD = 25,
	OPT_IA_PREFIX = 26
};

static const struct code_name types[] = {
	{1, "solicit"},
	{2, "advertise"},
	{3, "request"},
	{4, "confirm"},
	{5, "renew"},
	{6, "rebind"},
	{7, "reply"},
	{8, "release"},
	{9, "decline"},
	{10, "reconfigure"},
	{11, "information-request"},
	{12, "relay-forward"},
	{13, "relay-reply"},
	{0, NULL},
};

static const struct code_name options[] = {
	{1, "client id"},
	{2, "server id"},
	{3, "addresses"},
	{4, "temporary addresses"},
	{5, "address"},
	{6, "options wanted"},
	{7, "preference"},
	{8, "elapsed time"},
	{9, "relayed message"},
	{11, "authentication"},
	{12, "server address"},
	{13, "status"},
	{14, "rapid commit"},
	{16, "vendor class"},
	{17, "vendor options"},
	{18, "interface id"},
	{19, "reconfigure"},
	{20, "reconfigure accept"},
	{23, "dns servers"},
	{24, "domain search"},
	{25, "prefixes"},
	{26, "prefix"},
	{31, "ntp servers"},
	{39, "client name"},
	{0, NULL},
};

static const struct code_name statuses[] = {
	{0, "success"},	    {1, "unspecified failure"}, {2, "no addresses"}, {3, "no binding"},
	{4, "not on link"}, {5, "use multicast"},	{6, "no prefixes"},  {0, NULL},
};

/* The next option: code and length, with `value` what it holds; NULL where it is cut. */
static const uint8_t *option_next(struct cursor *c, struct cursor *value)
{
	const uint8_t *p = cursor_peek(c, 4);

	if (!p || !cursor_peek(c, 4u + get16(p + 2)))
		return NULL;
	*value = cursor_over(c->head, cursor_offset(c) + 4, get16(p + 2));
	c->data += 4u + get16(p + 2);
	return p;
}

static uint32_t header_bytes(uint8_t type)
{
	return type == RELAY_FORWARD || type == RELAY_REPLY ? DHCP6_RELAY_HEADER : 4;
}

/* At its port: a type that exists and options to the end. */
bool dhcp6_looks(const struct probe *b)
{
	struct cursor c = probe_cursor(b), value;

	if (!b->p[0] || b->p[0] > RELAY_REPLY || !cursor_pull(&c, header_bytes(b->p[0])))
		return false;
	while (option_next(&c, &value))
		;
	return !cursor_left(&c) || b->length < b->wire;
}

static void message_info(struct buf *out, struct cursor c, unsigned depth);

/* Addresses and prefixes that options give, also within the options that hold them. */
static void options_info(struct buf *out, struct cursor c, unsigned depth)
{
	struct cursor value;
	char text[ADDR_LINE_MAX];
	const uint8_t *p;

	while ((p = option_next(&c, &value))) {
		const uint8_t *q = value.data;
		size_t n = cursor_left(&value);

		if ((get16(p) == OPT_IA_NA || get16(p) == OPT_IA_PD) && n >= 12 &&
		    depth < DHCP6_NESTING_MAX) {
			value.data += 12;
			options_info(out, value, depth + 1);
		} else if (get16(p) == OPT_IA_ADDRESS && n >= 24) {
			buf_printf(out, " %s", text_ip(6, q, text));
		} else if (get16(p) == OPT_IA_PREFIX && n >= 25) {
			buf_printf(out, " %s/%u", text_ip(6, q + 9, text), q[8]);
		} else if (get16(p) == OPT_STATUS && n >= 2 && get16(q)) {
			buf_printf(out, " %s", code_text(statuses, get16(q), "failure"));
		} else if (get16(p) == OPT_RELAY && depth < DHCP6_NESTING_MAX) {
			buf_add_str(out, ": ");
			message_info(out, value, depth + 1);
		}
	}
}

static void message_info(struct buf *out, struct cursor c, unsigned depth)
{
	const uint8_t *p = cursor_peek(&c, 4);
	char text[ADDR_LINE_MAX];

	if (!p)
		return;
	buf_add_str(out, code_text(types, p[0], "message"));
	if (!cursor_pull(&c, header_bytes(p[0])))
		return;
	if (header_bytes(p[0]) == DHCP6_RELAY_HEADER)
		buf_printf(out, " hops %u peer %s", p[1], text_ip(6, p + 18, text));
	else
		buf_printf(out, " xid 0x%06x", get32(p) & 0xffffff);
	options_info(out, c, depth);
}

void dhcp6_info(struct buf *out, const struct view *v, const struct layer *l)
{
	message_info(out, view_cursor(v, l), 0);
}

static void options_fields(const struct view *v, struct cursor c, unsigned depth)
{
	struct view below = view_below(v);
	struct cursor value;
	char text[ADDR_LINE_MAX];
	const uint8_t *p;

	for (unsigned i = 0; i < DHCP6_OPTIONS_MAX && (p = option_next(&c, &value)); i++) {
		uint32_t at = (uint32_t)(p - v->head);
		unsigned code = get16(p), n = get16(p + 2);
		const char *name = code_text(options, code, "unknown");

		if (code == OPT_IA_ADDRESS && n >= 24)
			view_field(v, "option", at, 4 + n, "%s %s for %u s", name,
				   text_ip(6, p + 4, text), get32(p + 24));
		else if (code == OPT_IA_PREFIX && n >= 25)
			view_field(v, "option", at, 4 + n, "%s %s/%u for %u s", name,
				   text_ip(6, p + 13, text), p[12], get32(p + 8));
		else if (code == OPT_STATUS && n >= 2)
			view_field(v, "option", at, 4 + n, "%s %s", name,
				   code_text(statuses, get16(p + 4), "failure"));
		else if (code == OPT_DNS && n >= 16)
			view_field(v, "option", at, 4 + n, "%s %s", name, text_ip(6, p + 4, text));
		else
			view_field(v, "option", at, 4 + n, "%s (%u), %u bytes", name, code, n);
		if ((code == OPT_IA_NA || code == OPT_IA_PD) && n >= 12 &&
		    depth < DHCP6_NESTING_MAX) {
			value.data += 12;
			options_fields(&below, value, depth + 1);
		}
	}
}

void dhcp6_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	const uint8_t *p = cursor_peek(&c, 4);
	char text[ADDR_LINE_MAX];

	if (!p)
		return;
	view_field(v, "type", l->offset, 1, "%u %s", p[0], code_text(types, p[0], "unknown"));
	if (!cursor_pull(&c, header_bytes(p[0])))
		return;
	if (header_bytes(p[0]) == DHCP6_RELAY_HEADER) {
		view_field(v, "hops", l->offset + 1, 1, "%u", p[1]);
		view_field(v, "link", l->offset + 2, 16, "%s", text_ip(6, p + 2, text));
		view_field(v, "peer", l->offset + 18, 16, "%s", text_ip(6, p + 18, text));
	} else {
		view_field(v, "xid", l->offset + 1, 3, "0x%06x", get32(p) & 0xffffff);
	}
	options_fields(v, c, 0);
}
