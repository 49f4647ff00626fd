/* ICMP for IPv6, RFC 4443; neighbour discovery, RFC 4861; listener discovery, RFC 2710, RFC 3810.
 */
#include "icmp_both.h"
#include "rows.h"

#define ICMP6_HEADER 8u
#define ICMP6_HEADER_MIN 4u

enum {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG,
	ICMP6_EXCEEDED,
	ICMP6_PARAMETER,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY
};
enum { ND_SOLICIT_ROUTER = 133, ND_ROUTER, ND_SOLICIT, ND_ADVERTISE, ND_REDIRECT };

static const struct code_name types[] = {
	{1, "destination unreachable"},
	{2, "packet too big"},
	{3, "time exceeded"},
	{4, "parameter problem"},
	{128, "echo request"},
	{129, "echo reply"},
	{130, "listener query"},
	{131, "listener report"},
	{132, "listener done"},
	{133, "router solicitation"},
	{134, "router advertisement"},
	{135, "neighbor solicitation"},
	{136, "neighbor advertisement"},
	{137, "redirect"},
	{138, "router renumbering"},
	{139, "node information query"},
	{140, "node information reply"},
	{141, "inverse neighbor solicitation"},
	{142, "inverse neighbor advertisement"},
	{143, "listener report v2"},
	{144, "home agent request"},
	{145, "home agent reply"},
	{146, "mobile prefix solicitation"},
	{147, "mobile prefix advertisement"},
	{148, "certification path solicitation"},
	{149, "certification path advertisement"},
	{151, "multicast router advertisement"},
	{152, "multicast router solicitation"},
	{153, "multicast router termination"},
	{155, "RPL control"},
	{160, "extended echo request"},
	{161, "extended echo reply"},
	{0, NULL},
};

static const struct code_name unreachable[] = {
	{0, "no route"}, {1, "prohibited"},    {2, "beyond scope"},   {3, "address"},
	{4, "port"},	 {5, "source policy"}, {6, "route rejected"}, {0, NULL},
};

static const struct code_name exceeded[] = {{0, "in transit"}, {1, "reassembly"}, {0, NULL}};

static const char *code_name(uint8_t type, uint8_t code)
{
	if (type == ICMP6_UNREACHABLE)
		return code_text(unreachable, code, "");
	return type == ICMP6_EXCEEDED ? code_text(exceeded, code, "") : "";
}

static bool icmp6_is_error(uint8_t type)
{
	return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER;
}

static bool icmp6_has_target(uint8_t type)
{
	return type == ND_SOLICIT || type == ND_ADVERTISE || type == ND_REDIRECT;
}

uint8_t icmp6_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, ICMP6_HEADER);
	struct decoded *d = w->d;

	if (cursor_peek(&w->c, 2)) {
		d->icmp_type = w->c.data[0];
		d->icmp_code = w->c.data[1];
	}
	if (!p)
		return walk_short(w, PROTO_ICMP6,
				  cursor_wire(&w->c) < ICMP6_HEADER ? ICMP6_HEADER_MIN
								    : ICMP6_HEADER);
	if (w->o->checksums && d->family == 6)
		checksum_transport(w, p, cursor_wire(&w->c), 2);
	if (d->icmp_type == ICMP6_ECHO || d->icmp_type == ICMP6_ECHO_REPLY)
		icmp_echo(d, p);
	if (!icmp6_is_error(d->icmp_type) && !(d->flags & DECODE_PORTS))
		return walk_rest(w, PROTO_ICMP6);
	walk_layer(w, PROTO_ICMP6, ICMP6_HEADER);
	return icmp_behind(w, icmp6_is_error(d->icmp_type));
}

void icmp6_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < 2)
		return;
	icmp_type_info(out, p, types, code_name(p[0], p[1]),
		       icmp6_is_error(p[0]) && p[0] != ICMP6_TOO_BIG);
	if (l->length < ICMP6_HEADER)
		return;
	if (p[0] == ICMP6_TOO_BIG)
		buf_printf(out, " mtu %u", get32(p + 4));
	icmp_behind_info(out, v, p);
	if (icmp6_has_target(p[0]) && l->length >= 24)
		buf_printf(out, " %s", text_ip(6, p + 8, text));
}

static void nd_options(const struct view *v, const struct layer *l, uint32_t at)
{
	static const struct code_name names[] = {
		{1, "source link address"},
		{2, "target link address"},
		{3, "prefix"},
		{4, "redirected header"},
		{5, "mtu"},
		{25, "dns server"},
		{31, "dns search list"},
		{0, NULL},
	};
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	while (at + 8 <= l->length && p[at + 1] && p[at + 1] * 8u <= l->length - at) {
		uint32_t length = p[at + 1] * 8u;

		if (p[at] <= 2 && length == 8)
			text_mac(p + at + 2, text);
		else if (p[at] == 3 && length == 32)
			text_ip(6, p + at + 16, text);
		else
			text[0] = 0;
		view_field(v, "option", l->offset + at, length, "%s %s",
			   code_text(names, p[at], "unknown"), text);
		at += length;
	}
}

static void nd_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (p[0] == ND_ADVERTISE)
		view_field(v, "flags", l->offset + 4, 1, "%s%s%s", p[4] & 0x80 ? "router " : "",
			   p[4] & 0x40 ? "solicited " : "", p[4] & 0x20 ? "override" : "");
	if (p[0] == ND_ROUTER && l->length >= 16) {
		view_field(v, "hop_limit", l->offset + 4, 1, "%u", p[4]);
		view_field(v, "lifetime_s", l->offset + 6, 2, "%u", get16(p + 6));
		nd_options(v, l, 16);
	} else if (p[0] == ND_SOLICIT_ROUTER) {
		nd_options(v, l, 8);
	} else if (icmp6_has_target(p[0]) && l->length >= 24) {
		view_field(v, "target", l->offset + 8, 16, "%s", text_ip(6, p + 8, text));
		nd_options(v, l, p[0] == ND_REDIRECT ? 40 : 24);
	}
}

void icmp6_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < 2)
		return;
	icmp_type_fields(v, l, types, code_name(p[0], p[1]));
	if (l->length < ICMP6_HEADER)
		return;
	view_checksum(v, l, 2);
	if (v->d->flags & DECODE_PORTS) {
		icmp_echo_fields(v, l);
	} else if (p[0] == ICMP6_TOO_BIG) {
		view_field(v, "mtu", l->offset + 4, 4, "%u", get32(p + 4));
	} else {
		nd_fields(v, l);
	}
	if (v->d->flags & DECODE_ICMP_ERROR)
		view_quote(v, v->d->quote_offset);
}
