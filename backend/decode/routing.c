/* Protocols that routers speak right over IP: OSPF (RFC 2328, RFC 5340), VRRP (RFC 5798), PIM
 * (RFC 7761), EIGRP (RFC 7868). Named, with what their first bytes say. */
#include "rows.h"

#define OSPF_HEADER 12u /* as far as both versions agree */
#define EIGRP_HEADER 20u
#define VRRP_HEADER 8u
#define PIM_HEADER 4u
#define PIM_REGISTER 0x21u
#define PIM_REGISTER_HEADER 8u
#define PIM_REGISTER_NULL 0x40u

static const struct code_name ospf_types[] = {
	{1, "hello"},
	{2, "database description"},
	{3, "link state request"},
	{4, "link state update"},
	{5, "link state ack"},
	{0, NULL},
};

static const struct code_name pim_types[] = {
	{0, "hello"},	  {1, "register"}, {2, "register stop"}, {3, "join or prune"},
	{4, "bootstrap"}, {5, "assert"},   {8, "candidate RP"},	 {0, NULL},
};

static const struct code_name eigrp_codes[] = {
	{1, "update"},	   {3, "query"},      {4, "reply"}, {5, "hello"},
	{10, "SIA query"}, {11, "SIA reply"}, {0, NULL},
};

static uint8_t named(struct walk *w, uint8_t protocol, uint32_t header)
{
	return cursor_peek(&w->c, header) ? walk_rest(w, protocol)
					  : walk_short(w, protocol, header);
}

uint8_t ospf_decode(struct walk *w)
{
	return named(w, PROTO_OSPF, OSPF_HEADER);
}

uint8_t vrrp_decode(struct walk *w)
{
	return named(w, PROTO_VRRP, VRRP_HEADER);
}

/* A register carries a source's packet to where its group meets (RFC 7761 4.9.3). */
uint8_t pim_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, PIM_REGISTER_HEADER);

	if (p && p[0] == PIM_REGISTER && !(p[4] & PIM_REGISTER_NULL)) {
		walk_layer(w, PROTO_PIM, PIM_REGISTER_HEADER);
		return walk_tunnel(w, PROTO_PIM, walk_ip_version(w));
	}
	return named(w, PROTO_PIM, PIM_HEADER);
}

uint8_t eigrp_decode(struct walk *w)
{
	return named(w, PROTO_EIGRP, EIGRP_HEADER);
}

void ospf_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char router[ADDR_LINE_MAX], area[ADDR_LINE_MAX];

	if (l->length < OSPF_HEADER)
		return;
	buf_printf(out, "v%u %s, router %s, area %s", p[0],
		   code_text(ospf_types, p[1], "unknown type"), text_ip(4, p + 4, router),
		   text_ip(4, p + 8, area));
}

void ospf_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < OSPF_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0]);
	view_field(v, "type", l->offset + 1, 1, "%u %s", p[1],
		   code_text(ospf_types, p[1], "unknown"));
	view_field(v, "length", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "router", l->offset + 4, 4, "%s", text_ip(4, p + 4, text));
	view_field(v, "area", l->offset + 8, 4, "%s", text_ip(4, p + 8, text));
}

void vrrp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= VRRP_HEADER)
		buf_printf(out, "v%u router %u priority %u", p[0] >> 4, p[1], p[2]);
}

void vrrp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < VRRP_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 4);
	view_field(v, "type", l->offset, 1, "%u", p[0] & 15);
	view_field(v, "router", l->offset + 1, 1, "%u", p[1]);
	view_field(v, "priority", l->offset + 2, 1, "%u", p[2]);
	view_field(v, "addresses", l->offset + 3, 1, "%u", p[3]);
}

void pim_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= PIM_HEADER)
		buf_printf(out, "v%u %s", p[0] >> 4,
			   code_text(pim_types, p[0] & 15u, "unknown type"));
}

void pim_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < PIM_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 4);
	view_field(v, "type", l->offset, 1, "%u %s", p[0] & 15,
		   code_text(pim_types, p[0] & 15u, "unknown"));
}

void eigrp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= EIGRP_HEADER)
		buf_printf(out, "%s, system %u", code_text(eigrp_codes, p[1], "unknown operation"),
			   get16(p + 18));
}

void eigrp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < EIGRP_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0]);
	view_field(v, "operation", l->offset + 1, 1, "%u %s", p[1],
		   code_text(eigrp_codes, p[1], "unknown"));
	view_field(v, "sequence", l->offset + 8, 4, "%u", get32(p + 8));
	view_field(v, "ack", l->offset + 12, 4, "%u", get32(p + 12));
	view_field(v, "system", l->offset + 18, 2, "%u", get16(p + 18));
}
