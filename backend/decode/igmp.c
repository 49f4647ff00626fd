/* Internet Group Management Protocol, RFC 2236, RFC 3376. */
#include "rows.h"

#define IGMP_HEADER 8u

static const struct code_name igmp_types[] = {
	{0x11, "membership query"}, {0x12, "membership report v1"}, {0x16, "membership report v2"},
	{0x17, "leave group"},	    {0x22, "membership report v3"}, {0, NULL},
};

uint8_t igmp_decode(struct walk *w)
{
	if (!cursor_peek(&w->c, IGMP_HEADER))
		return walk_short(w, PROTO_IGMP, IGMP_HEADER);
	return walk_rest(w, PROTO_IGMP);
}

void igmp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < IGMP_HEADER)
		return;
	buf_add_str(out, code_text(igmp_types, p[0], "unknown type"));
	if (p[0] == 0x22)
		buf_printf(out, ", %u records", get16(p + 6));
	else if (get32(p + 4))
		buf_printf(out, " %s", text_ip(4, p + 4, text));
}

void igmp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];

	if (l->length < IGMP_HEADER)
		return;
	view_field(v, "type", l->offset, 1, "0x%02x %s", p[0],
		   code_text(igmp_types, p[0], "unknown"));
	view_field(v, "max_response", l->offset + 1, 1, "%u", p[1]);
	view_field(v, "checksum", l->offset + 2, 2, "0x%04x", get16(p + 2));
	if (p[0] != 0x22) {
		view_field(v, "group", l->offset + 4, 4, "%s", text_ip(4, p + 4, text));
		return;
	}
	view_field(v, "records", l->offset + 6, 2, "%u", get16(p + 6));
	for (uint32_t at = 8; at + 8 <= l->length;) {
		uint32_t length = 8 + get16(p + at + 2) * 4u + p[at + 1] * 4u;

		view_field(v, "record", l->offset + at, length, "type %u group %s sources %u",
			   p[at], text_ip(4, p + at + 4, text), get16(p + at + 2));
		at += length;
	}
}
