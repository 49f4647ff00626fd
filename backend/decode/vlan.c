/* IEEE 802.1Q, 802.1ad: the tag's two bytes and the type behind it. */
#include "rows.h"

#define VLAN_HEADER 4u

uint8_t vlan_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, VLAN_HEADER);

	if (!p)
		return walk_short(w, PROTO_VLAN, VLAN_HEADER);
	if (!w->d->vlan_count)
		w->d->vlan_first = p;
	w->d->vlan_count++;
	w->d->vlan = get16(p) & 0xfff;
	walk_layer(w, PROTO_VLAN, VLAN_HEADER);
	return walk_ethertype(w, get16(p + 2));
}

void vlan_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < VLAN_HEADER)
		return;
	buf_printf(out, "vlan %u priority %u type 0x%04x %s", get16(p) & 0xfff, p[0] >> 5,
		   get16(p + 2), ethertype_text(get16(p + 2)));
}

void vlan_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < VLAN_HEADER)
		return;
	view_field(v, "priority", l->offset, 1, "%u", p[0] >> 5);
	view_field(v, "drop_eligible", l->offset, 1, "%u", p[0] >> 4 & 1);
	view_field(v, "id", l->offset, 2, "%u", get16(p) & 0xfff);
	view_field(v, "type", l->offset + 2, 2, "0x%04x %s", get16(p + 2),
		   ethertype_text(get16(p + 2)));
}
