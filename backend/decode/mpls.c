/* MPLS labels, RFC 3032. */
#include "rows.h"

#define MPLS_LABEL 4u
#define MPLS_BOTTOM 0x100u
#define CONTROL_WORD 4u
#define ETH_HEADER 14u

/* A pseudowire's frame behind its control word (RFC 4385), by a type that is known. */
static bool pseudowire_looks(const struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, CONTROL_WORD + ETH_HEADER);

	return p && p[0] >> 4 == 0 &&
	       ethertype_protocol(get16(p + CONTROL_WORD + 12)) != PROTO_DATA;
}

/* Behind the last label there is no type: the IP version tells, as routers do it. */
static uint8_t mpls_next(struct walk *w)
{
	if (!cursor_left(&w->c))
		return PROTO_NONE;
	if (!pseudowire_looks(w))
		return walk_ip_version(w);
	w->d->layer[w->d->nlayers - 1].length += CONTROL_WORD;
	w->c.data += CONTROL_WORD;
	return PROTO_ETH;
}

uint8_t mpls_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, MPLS_LABEL);
	uint8_t next;

	if (!p)
		return walk_short(w, PROTO_MPLS, MPLS_LABEL);
	walk_layer(w, PROTO_MPLS, MPLS_LABEL);
	if (!(get32(p) & MPLS_BOTTOM))
		return PROTO_MPLS;
	next = mpls_next(w);
	/* Labels that IP or UDP carry are a tunnel. */
	return w->d->flags & DECODE_IP && next ? walk_tunnel(w, PROTO_MPLS, next) : next;
}

void mpls_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= MPLS_LABEL)
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
