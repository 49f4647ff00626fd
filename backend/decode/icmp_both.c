#include "icmp_both.h"

void icmp_echo(struct decoded *d, const uint8_t *p)
{
	d->sport = d->dport = get16(p + 4);
	d->flags |= DECODE_PORTS;
}

uint8_t icmp_behind(struct walk *w, bool is_error)
{
	struct decoded *d = w->d;

	if (!cursor_left(&w->c))
		return PROTO_NONE;
	if (is_error) {
		d->flags |= DECODE_ICMP_ERROR;
		d->quote_offset = cursor_offset(&w->c);
	}
	return walk_rest(w, PROTO_DATA);
}

void icmp_type_info(struct buf *out, const uint8_t *p, const struct code_name *types,
		    const char *code, bool numbered)
{
	buf_add_str(out, code_text(types, p[0], "type"));
	if (!*code_text(types, p[0], ""))
		buf_printf(out, " %u code %u", p[0], p[1]);
	if (*code)
		buf_printf(out, " (%s)", code);
	else if (numbered)
		buf_printf(out, " (code %u)", p[1]);
}

void icmp_behind_info(struct buf *out, const struct view *v, const uint8_t *p)
{
	if (v->d->flags & DECODE_ICMP_ERROR)
		info_quote(out, v, v->d->quote_offset);
	else if (v->d->flags & DECODE_PORTS)
		buf_printf(out, " id %u seq %u", get16(p + 4), get16(p + 6));
}

void icmp_type_fields(const struct view *v, const struct layer *l, const struct code_name *types,
		      const char *code)
{
	const uint8_t *p = v->head + l->offset;

	view_field(v, "type", l->offset, 1, "%u %s", p[0], code_text(types, p[0], "unknown"));
	view_field(v, "code", l->offset + 1, 1, "%u %s", p[1], code);
}

void icmp_echo_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	view_field(v, "id", l->offset + 4, 2, "%u", get16(p + 4));
	view_field(v, "seq", l->offset + 6, 2, "%u", get16(p + 6));
}
