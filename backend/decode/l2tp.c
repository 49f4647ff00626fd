/* Layer Two Tunneling Protocol: version 2 (RFC 2661) carries PPP. Version 3 (RFC 3931) is named:
 * how long its cookies are is agreed upon elsewhere. */
#include "rows.h"

#define L2TP_HEADER 6u /* flags, tunnel, session */

enum {
	L2TP_CONTROL = 0x8000,
	L2TP_LENGTH = 0x4000,
	L2TP_SEQUENCE = 0x0800,
	L2TP_OFFSET = 0x0200,
	L2TP_RESERVED = 0x34f0,
};

/* Where the numbers of tunnel and session stand. */
static uint32_t l2tp_ids(uint16_t flags)
{
	return flags & L2TP_LENGTH ? 4 : 2;
}

/* Bytes before what is carried; 0: not here. */
static uint32_t l2tp_length(const uint8_t *p, size_t here)
{
	const uint16_t flags = get16(p);
	uint32_t at = l2tp_ids(flags) + 4 + (flags & L2TP_SEQUENCE ? 4u : 0);

	if (!(flags & L2TP_OFFSET))
		return at;
	return here >= at + 2 ? at + 2 + get16(p + at) : 0;
}

static uint8_t l2tp_version3(struct walk *w)
{
	w->d->app = w->o->app ? PROTO_L2TP : PROTO_NONE;
	return walk_rest(w, PROTO_L2TP);
}

/* Over UDP. */
uint8_t l2tp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, L2TP_HEADER);
	uint16_t flags = p ? get16(p) : 0;
	uint32_t length;

	if ((flags & 15) == 3 && !(flags & L2TP_RESERVED))
		return l2tp_version3(w);
	if ((flags & 15) != 2 || flags & L2TP_RESERVED)
		return walk_application(w);
	if (flags & L2TP_LENGTH && !walk_fits(w, get16(p + 2)))
		return walk_application(w);
	length = l2tp_length(p, cursor_left(&w->c));
	if (!length || !cursor_peek(&w->c, length))
		return walk_short(w, PROTO_L2TP, length ? length : L2TP_HEADER + 2);
	if (flags & L2TP_LENGTH && get16(p + 2) >= length)
		cursor_limit(&w->c, get16(p + 2));
	walk_layer(w, PROTO_L2TP, length);
	return flags & L2TP_CONTROL ? walk_closed(w, PROTO_L2TP)
				    : walk_tunnel(w, PROTO_L2TP, PROTO_PPP);
}

/* Over IP there is only version 3. */
uint8_t l2tp_ip_decode(struct walk *w)
{
	return walk_rest(w, PROTO_L2TP_IP);
}

void l2tp_ip_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= 4 && get32(p))
		buf_printf(out, "version 3 session 0x%08x", get32(p));
	else if (l->length >= 4)
		buf_add_str(out, "version 3 control");
}

void l2tp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint16_t flags;
	uint32_t at;

	if (l->length < L2TP_HEADER)
		return;
	flags = get16(p);
	at = l2tp_ids(flags);
	buf_printf(out, "version %u %s", flags & 15, flags & L2TP_CONTROL ? "control" : "data");
	if ((flags & 15) == 2 && l->length >= at + 4)
		buf_printf(out, " tunnel %u session %u", get16(p + at), get16(p + at + 2));
	else if (l->length >= 8)
		buf_printf(out, " session 0x%08x", get32(p + 4));
}

void l2tp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint16_t flags;
	uint32_t at;

	if (l->length < L2TP_HEADER)
		return;
	flags = get16(p);
	at = l2tp_ids(flags);
	view_field(v, "flags", l->offset, 2, "0x%04x %s", flags,
		   flags & L2TP_CONTROL ? "control" : "data");
	view_field(v, "version", l->offset + 1, 1, "%u", flags & 15);
	if ((flags & 15) != 2 || l->length < at + 4)
		return;
	if (flags & L2TP_LENGTH)
		view_field(v, "length", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "tunnel", l->offset + at, 2, "%u", get16(p + at));
	view_field(v, "session", l->offset + at + 2, 2, "%u", get16(p + at + 2));
	if (flags & L2TP_SEQUENCE && l->length >= at + 8)
		view_field(v, "sequence", l->offset + at + 4, 4, "%u sent, %u expected",
			   get16(p + at + 4), get16(p + at + 6));
}
