/* Spanning Tree, IEEE 802.1D, and its rapid form: what a bridge says of the tree's root. */
#include "rows.h"

#define HEADER 4u  /* protocol, version, type */
#define CONFIG 35u /* a configuration, rapid or not */
#define TYPE_CONFIG 0u
#define TYPE_RAPID 2u

static const struct code_name types[] = {
	{TYPE_CONFIG, "configuration"},
	{TYPE_RAPID, "rapid configuration"},
	{0x80, "topology change"},
	{0, NULL},
};

static bool is_config(const uint8_t *p, uint32_t length)
{
	return length >= CONFIG && (p[3] == TYPE_CONFIG || p[3] == TYPE_RAPID);
}

uint8_t stp_decode(struct walk *w)
{
	return cursor_peek(&w->c, HEADER) ? walk_rest(w, PROTO_STP)
					  : walk_short(w, PROTO_STP, HEADER);
}

void stp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char root[ADDR_LINE_MAX], bridge[ADDR_LINE_MAX];

	if (l->length < HEADER)
		return;
	buf_add_str(out, code_text(types, p[3], "unknown type"));
	if (is_config(p, l->length))
		buf_printf(out, " root %u/%s cost %u bridge %u/%s port 0x%04x", get16(p + 5),
			   text_mac(p + 7, root), get32(p + 13), get16(p + 17),
			   text_mac(p + 19, bridge), get16(p + 25));
}

void stp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < HEADER)
		return;
	view_field(v, "version", l->offset + 2, 1, "%u", p[2]);
	view_field(v, "type", l->offset + 3, 1, "%u %s", p[3], code_text(types, p[3], "unknown"));
	if (!is_config(p, l->length))
		return;
	view_field(v, "flags", l->offset + 4, 1, "0x%02x", p[4]);
	view_field(v, "root", l->offset + 5, 8, "%u/%s", get16(p + 5), text_mac(p + 7, text));
	view_field(v, "cost", l->offset + 13, 4, "%u", get32(p + 13));
	view_field(v, "bridge", l->offset + 17, 8, "%u/%s", get16(p + 17), text_mac(p + 19, text));
	view_field(v, "port", l->offset + 25, 2, "0x%04x", get16(p + 25));
	view_field(v, "age_s", l->offset + 27, 2, "%g", get16(p + 27) / 256.0);
	view_field(v, "max_age_s", l->offset + 29, 2, "%g", get16(p + 29) / 256.0);
	view_field(v, "hello_s", l->offset + 31, 2, "%g", get16(p + 31) / 256.0);
	view_field(v, "forward_s", l->offset + 33, 2, "%g", get16(p + 33) / 256.0);
}
