#include "table/row.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "table/server.h"
#include "wire/msg.h"

#define VARINT_BYTES_MAX 10u

static size_t varint_write(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		p[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

static unsigned addr_bytes(uint8_t family)
{
	if (family == ADDR_IP4)
		return 4;
	if (family == ADDR_IP6)
		return 16;
	return family == ADDR_MAC ? 6 : 0;
}

static int put_addr(struct buf *out, const struct addr *a)
{
	uint8_t cell[2 + 16] = {VALUE_ADDR, a->family};
	const unsigned len = addr_bytes(a->family);

	if (len == 0)
		return buf_add_byte(out, VALUE_NULL);
	memcpy(cell + 2, a->bytes, len);
	return buf_add(out, cell, 2 + len);
}

static int put_real(struct buf *out, double r)
{
	uint64_t bits;

	memcpy(&bits, &r, sizeof(bits));
	return buf_add_byte(out, VALUE_REAL) || buf_add_u64(out, bits) ? -1 : 0;
}

/* Where it is to stand: most of a large table are numbers. */
static int put_varint(struct buf *out, enum value_type type, uint64_t v)
{
	uint8_t *cell = buf_reserve(out, 1 + VARINT_BYTES_MAX);

	if (!cell)
		return -1;
	cell[0] = (uint8_t)type;
	out->len += 1 + varint_write(cell + 1, v);
	out->data[out->len] = 0;
	return 0;
}

int row_put_cell(struct buf *out, const struct value *v)
{

	switch (v->type) {
	case VALUE_NULL:
		return buf_add_byte(out, VALUE_NULL);
	case VALUE_INT:
		return put_varint(out, VALUE_INT, (uint64_t)v->i << 1 ^ (v->i < 0 ? UINT64_MAX : 0));
	case VALUE_REAL:
		return put_real(out, v->r);
	case VALUE_TEXT:
		return put_varint(out, VALUE_TEXT, v->s.len) || buf_add(out, v->s.p, v->s.len) ? -1
											       : 0;
	case VALUE_ADDR:
		return put_addr(out, &v->a);
	}
	return -1;
}

static int put_text16(struct buf *out, const char *s)
{
	const size_t len = strlen(s);

	if (len > UINT16_MAX || buf_add_u16(out, (uint16_t)len))
		return -1;
	return buf_add(out, s, len);
}

int row_put_columns(struct buf *out, const struct table_type *t, const unsigned *column,
		    unsigned count)
{
	if (count > TABLE_COLUMNS_MAX || buf_add_u16(out, (uint16_t)count))
		return -1;
	for (unsigned i = 0; i < count; i++) {
		const struct column *c = &t->columns[column[i]];

		if (put_text16(out, c->name) || buf_add_byte(out, (uint8_t)c->kind) ||
		    buf_add_byte(out, (uint8_t)c->flags) || put_text16(out, c->unit ? c->unit : ""))
			return -1;
	}
	return 0;
}

/* --- reading --- */

struct input {
	const uint8_t *p;
	size_t left;
};

static int get_byte(struct input *in, uint8_t *v)
{
	if (in->left == 0)
		return -1;
	*v = *in->p++;
	in->left--;
	return 0;
}

static int get_bytes(struct input *in, size_t len, const uint8_t **p)
{
	if (in->left < len)
		return -1;
	*p = in->p;
	in->p += len;
	in->left -= len;
	return 0;
}

static int get_varint(struct input *in, uint64_t *v)
{
	uint8_t byte;

	*v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (get_byte(in, &byte))
			return -1;
		*v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return 0;
	}
	return -1;
}

/* A text of the columns, copied to *to with its end. */
static int get_text16(struct input *in, char **to, const char **text)
{
	const uint8_t *length, *p;
	size_t len;

	if (get_bytes(in, 2, &length))
		return -1;
	len = (size_t)(length[0] << 8 | length[1]);
	if (get_bytes(in, len, &p) || memchr(p, 0, len))
		return -1;
	memcpy(*to, p, len);
	(*to)[len] = 0;
	*text = *to;
	*to += len + 1;
	return 0;
}

static int get_columns(struct input *in, struct window *w, char *to)
{
	for (unsigned i = 0; i < w->ncolumns; i++) {
		struct column *c = &w->columns[i];
		uint8_t kind, flags;

		if (get_text16(in, &to, &c->name) || get_byte(in, &kind) || get_byte(in, &flags) ||
		    get_text16(in, &to, &c->unit))
			return -1;
		/* A kind of a newer far side is shown as what its values are. */
		c->kind = kind <= KIND_SERIES ? (enum kind)kind : KIND_TEXT;
		c->flags = flags;
		c->summary = "";
	}
	return 0;
}

static int get_addr(struct input *in, struct addr *a)
{
	const uint8_t *p;
	uint8_t family;
	unsigned len;

	if (get_byte(in, &family))
		return -1;
	len = addr_bytes(family);
	if (len == 0 || get_bytes(in, len, &p))
		return -1;
	*a = (struct addr){.family = family};
	memcpy(a->bytes, p, len);
	return 0;
}

static int get_real(struct input *in, double *r)
{
	const uint8_t *p;
	uint64_t bits = 0;

	if (get_bytes(in, 8, &p))
		return -1;
	for (unsigned i = 0; i < 8; i++)
		bits = bits << 8 | p[i];
	memcpy(r, &bits, sizeof(*r));
	return 0;
}

static int get_cell(struct input *in, struct value *v)
{
	const uint8_t *p;
	uint64_t n;
	uint8_t type;

	if (get_byte(in, &type))
		return -1;
	*v = (struct value){.type = (enum value_type)type};
	if (type == VALUE_NULL)
		return 0;
	if (type == VALUE_REAL)
		return get_real(in, &v->r);
	if (type == VALUE_ADDR)
		return get_addr(in, &v->a);
	if ((type != VALUE_INT && type != VALUE_TEXT) || get_varint(in, &n))
		return -1;
	if (type == VALUE_INT) {
		v->i = (int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
		return 0;
	}
	if (get_bytes(in, n, &p))
		return -1;
	v->s = (struct str){(const char *)p, n};
	return 0;
}

static int get_cells(struct input *in, struct window *w)
{
	const size_t count = (size_t)w->rows * w->ncolumns;

	w->cells = xcalloc(count, sizeof(*w->cells));
	for (size_t i = 0; i < count; i++)
		if (get_cell(in, &w->cells[i]))
			return -1;
	return 0;
}

/* A cell has a byte at least, a column six: so memory is at most a small multiple of what came. */
static int counts_check(const struct window *w, const struct input *columns,
			const struct msg_window *m)
{
	if (w->ncolumns > TABLE_COLUMNS_MAX || w->ncolumns * 6 > columns->left)
		return -1;
	if (m->count > TABLE_WINDOW_ROWS_MAX)
		return -1;
	return (uint64_t)m->count * w->ncolumns > m->rows.len ? -1 : 0;
}

int window_read(struct window *w, const struct msg_window *m, struct err *e)
{
	struct input columns = {(const uint8_t *)m->columns.p, m->columns.len}, rows;
	const uint8_t *count;
	size_t names;

	window_release(w);
	if (get_bytes(&columns, 2, &count))
		goto damaged;
	w->ncolumns = (unsigned)(count[0] << 8 | count[1]);
	if (counts_check(w, &columns, m))
		goto damaged;
	names = columns.left; /* two length bytes of each text become its end */
	w->columns = xcalloc(w->ncolumns, sizeof(*w->columns));
	w->memory = xmalloc(names + m->rows.len);
	if (get_columns(&columns, w, w->memory))
		goto damaged;
	rows = (struct input){(uint8_t *)w->memory + names, m->rows.len};
	if (m->rows.len > 0)
		memcpy((uint8_t *)w->memory + names, m->rows.p, m->rows.len);
	w->first = m->first;
	w->total = m->total;
	w->rows = m->count;
	w->state = m->state;
	w->done = m->done;
	w->of = m->of;
	w->note = xstrndup(m->note.len ? m->note.p : "", m->note.len);
	if (get_cells(&rows, w))
		goto damaged;
	return 0;
damaged:
	window_release(w);
	return err_set(e, ERR_REFUSED, "the answer is damaged: its rows do not fit its columns");
}

void window_release(struct window *w)
{
	free(w->columns);
	free(w->cells);
	free(w->note);
	free(w->memory);
	memset(w, 0, sizeof(*w));
}

int window_column(const struct window *w, const char *name)
{
	for (unsigned i = 0; i < w->ncolumns; i++)
		if (strcmp(w->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

struct value window_cell(const struct window *w, uint32_t row, int column)
{
	if (row >= w->rows || column < 0 || (unsigned)column >= w->ncolumns)
		return value_null();
	return w->cells[(size_t)row * w->ncolumns + (unsigned)column];
}
