/* Internet Control Message Protocol, RFC 792, RFC 1191. */
#include "icmp_both.h"
#include "rows.h"

#define ICMP_HEADER 8u

enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO = 8,
	ICMP_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
};

static const struct code_name types[] = {
	{0, "echo reply"},	     {3, "destination unreachable"},
	{4, "source quench"},	     {5, "redirect"},
	{8, "echo request"},	     {9, "router advertisement"},
	{10, "router solicitation"}, {11, "time exceeded"},
	{12, "parameter problem"},   {13, "timestamp request"},
	{14, "timestamp reply"},     {15, "information request"},
	{16, "information reply"},   {17, "address mask request"},
	{18, "address mask reply"},  {42, "extended echo request"},
	{43, "extended echo reply"}, {0, NULL},
};

static const struct code_name unreachable[] = {
	{0, "net"},
	{1, "host"},
	{2, "protocol"},
	{3, "port"},
	{4, "fragmentation needed"},
	{5, "source route failed"},
	{6, "net unknown"},
	{7, "host unknown"},
	{8, "source isolated"},
	{9, "net prohibited"},
	{10, "host prohibited"},
	{11, "net for this service"},
	{12, "host for this service"},
	{13, "prohibited by a filter"},
	{14, "host precedence"},
	{15, "precedence cutoff"},
	{0, NULL},
};

static const struct code_name exceeded[] = {{0, "in transit"}, {1, "reassembly"}, {0, NULL}};
static const struct code_name redirects[] = {
	{0, "for net"}, {1, "for host"}, {2, "for service and net"}, {3, "for service and host"},
	{0, NULL},
};

static bool icmp_is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_EXCEEDED || type == ICMP_PARAMETER;
}

static const char *code_name(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP_UNREACHABLE:
		return code_text(unreachable, code, "");
	case ICMP_EXCEEDED:
		return code_text(exceeded, code, "");
	case ICMP_REDIRECT:
		return code_text(redirects, code, "");
	default:
		return "";
	}
}

uint8_t icmp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, ICMP_HEADER);
	struct decoded *d = w->d;

	if (cursor_peek(&w->c, 2)) {
		d->icmp_type = w->c.data[0];
		d->icmp_code = w->c.data[1];
	}
	if (!p)
		return walk_short(w, PROTO_ICMP, ICMP_HEADER);
	if (w->o->checksums)
		checksum_transport(w, p, cursor_wire(&w->c), 2);
	if (d->icmp_type == ICMP_ECHO || d->icmp_type == ICMP_ECHO_REPLY)
		icmp_echo(d, p);
	walk_layer(w, PROTO_ICMP, ICMP_HEADER);
	return icmp_behind(w, icmp_is_error(d->icmp_type));
}

void icmp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < 2)
		return;
	icmp_type_info(out, p, types, code_name(p[0], p[1]), icmp_is_error(p[0]));
	if (l->length < ICMP_HEADER)
		return;
	if (p[0] == ICMP_UNREACHABLE && p[1] == 4)
		buf_printf(out, " mtu %u", get16(p + 6));
	icmp_behind_info(out, v, p);
}

void icmp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < 2)
		return;
	icmp_type_fields(v, l, types, code_name(p[0], p[1]));
	if (l->length < ICMP_HEADER)
		return;
	view_checksum(v, l, 2);
	if (v->d->flags & DECODE_PORTS) {
		icmp_echo_fields(v, l);
	} else if (p[0] == ICMP_UNREACHABLE && p[1] == 4) {
		view_field(v, "mtu", l->offset + 6, 2, "%u", get16(p + 6));
	} else if (p[0] == ICMP_REDIRECT) {
		view_field(v, "gateway", l->offset + 4, 4, "%s", text_ip(4, p + 4, text));
	}
	if (v->d->flags & DECODE_ICMP_ERROR)
		view_quote(v, v->d->quote_offset);
}
