/* PPP over Ethernet, RFC 2516. */
#include "rows.h"

#define PPPOE_HEADER 6u

/* Version and type 1, code, session, length of what follows. Only a session (code 0) carries PPP.
 */
uint8_t pppoe_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, PPPOE_HEADER);

	if (!p)
		return walk_short(w, PROTO_PPPOE, PPPOE_HEADER);
	walk_layer(w, PROTO_PPPOE, PPPOE_HEADER);
	if (get16(p + 4) < cursor_wire(&w->c))
		cursor_limit(&w->c, get16(p + 4));
	if (p[1])
		return cursor_left(&w->c) ? walk_rest(w, PROTO_DATA) : PROTO_NONE;
	return PROTO_PPP;
}

static const struct code_name pppoe_codes[] = {
	{0x00, "session"}, {0x07, "offer"},	   {0x09, "initiation"},
	{0x19, "request"}, {0x65, "confirmation"}, {0xa7, "termination"},
	{0, NULL},
};

void pppoe_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length == PPPOE_HEADER)
		buf_printf(out, "%s 0x%04x", code_text(pppoe_codes, p[1], "unknown code"),
			   get16(p + 2));
}

void pppoe_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < PPPOE_HEADER)
		return;
	view_field(v, "code", l->offset + 1, 1, "0x%02x %s", p[1],
		   code_text(pppoe_codes, p[1], "unknown"));
	view_field(v, "session", l->offset + 2, 2, "0x%04x", get16(p + 2));
	view_field(v, "length", l->offset + 4, 2, "%u", get16(p + 4));
}
