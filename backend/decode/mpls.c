/* MPLS labels, RFC 3032. */
#include "rows.h"

#define MPLS_LABEL 4u
#define MPLS_BOTTOM 0x100u

/* Behind the last label there is no type: the IP version tells, as routers do it. */
static uint8_t mpls_next(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, 1);

	if (p && p[0] >> 4 == 4)
		return PROTO_IP;
	if (p && p[0] >> 4 == 6)
		return PROTO_IP6;
	return p ? PROTO_DATA : PROTO_NONE;
}

uint8_t mpls_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, MPLS_LABEL);

	if (!p)
		return walk_short(w, PROTO_MPLS, MPLS_LABEL);
	walk_layer(w, PROTO_MPLS, MPLS_LABEL);
	return get32(p) & MPLS_BOTTOM ? mpls_next(w) : PROTO_MPLS;
}

void mpls_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length == MPLS_LABEL)
		buf_printf(out, "label %u ttl %u", get32(p) >> 12, p[3]);
}

void mpls_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < MPLS_LABEL)
		return;
	view_field(v, "label", l->offset, 3, "%u", get32(p) >> 12);
	view_field(v, "class", l->offset + 2, 1, "%u", p[2] >> 1 & 7);
	view_field(v, "bottom", l->offset + 2, 1, "%u", p[2] & 1);
	view_field(v, "ttl", l->offset + 3, 1, "%u", p[3]);
}
