/* IEEE 802.2 logical link control, with SNAP. */
#include "rows.h"

#define LLC_SNAP 8u /* aa aa 03, organisation, type */

uint8_t llc_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, 3);

	if (!p)
		return walk_short(w, PROTO_LLC, 3);
	if (p[0] == 0x42 && p[1] == 0x42) {
		walk_layer(w, PROTO_LLC, 3);
		return PROTO_STP;
	}
	if (p[0] != 0xaa || p[1] != 0xaa || p[2] != 3)
		return walk_unknown(w, PROTO_LLC);
	if (!cursor_peek(&w->c, LLC_SNAP))
		return walk_short(w, PROTO_LLC, LLC_SNAP);
	walk_layer(w, PROTO_LLC, LLC_SNAP);
	return p[3] || p[4] || p[5] ? PROTO_DATA : ethertype_protocol(get16(p + 6));
}

void llc_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= 3)
		buf_printf(out, "dsap 0x%02x ssap 0x%02x control 0x%02x", p[0], p[1], p[2]);
}

void llc_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < 3)
		return;
	view_field(v, "dsap", l->offset, 1, "0x%02x", p[0]);
	view_field(v, "ssap", l->offset + 1, 1, "0x%02x", p[1]);
	view_field(v, "control", l->offset + 2, 1, "0x%02x", p[2]);
	if (l->length != LLC_SNAP || p[0] != 0xaa)
		return;
	view_field(v, "organisation", l->offset + 3, 3, "%02x:%02x:%02x", p[3], p[4], p[5]);
	view_field(v, "type", l->offset + 6, 2, "0x%04x %s", get16(p + 6),
		   ethertype_text(get16(p + 6)));
}
