#include "table/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define LINE_BYTES_MAX                                                                             \
	((size_t)32 * 1024 * 1024) /* one row: a message's bytes, each escaped for json */
#define WRITE_BYTES 65536u	   /* lines are gathered to this before they are written */
#define GAP 2u			   /* blanks between columns of text */

struct printer {
	FILE *out;
	struct print_options options;
	struct buf line;   /* lines that are not written yet, and the one that is being made */
	size_t line_start; /* of that one */
	bool begun;	   /* the first window came: header is out, widths are known */
	uint64_t rows;
	unsigned ncolumns;
	unsigned *width; /* text: columns of the terminal */
};

int print_format_parse(struct str word, enum print_format *f, struct err *e)
{
	static const char *const names[] = {"text", "csv", "tsv", "json", "jsonl"};
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_is(word, names[i])) {
			*f = (enum print_format)i;
			return 0;
		}
	}
	near = text_nearest(word, names, ARRAY_LEN(names));
	return err_set(e, ERR_CALL, "\"%.*s\" is no format: text, csv, tsv, json or jsonl%s%s%s",
		       word.len > 100 ? 100 : (int)word.len, word.p,
		       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

struct printer *printer_new(FILE *out, const struct print_options *o)
{
	struct printer *p = xcalloc(1, sizeof(*p));

	p->out = out;
	p->options = *o;
	buf_init(&p->line, LINE_BYTES_MAX + WRITE_BYTES);
	return p;
}

void printer_free(struct printer *p)
{
	if (!p)
		return;
	buf_release(&p->line);
	free(p->width);
	free(p);
}

static int lines_write(struct printer *p, struct err *e)
{
	const size_t n = p->line.len;

	if (n > 0 && fwrite(p->line.data, 1, n, p->out) != n)
		return err_errno(e, ERR_REFUSED, "could not write the table");
	buf_clear(&p->line);
	p->line_start = 0;
	return 0;
}

static int line_end(struct printer *p, struct err *e)
{
	p->line_start = p->line.len;
	return p->line.len >= WRITE_BYTES ? lines_write(p, e) : 0;
}

/* --- csv (RFC 4180's quotes; lines end as Unix's do) and tsv --- */

static bool csv_quoted(const uint8_t *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == ',' || s[i] == '"')
			return true;
	}
	return false;
}

/* Nothing but text can hold what has to be quoted. */
static void csv_cell(struct buf *line, enum kind kind, const struct value *v, struct buf *raw)
{
	const size_t from = line->len;

	value_print_raw(line, kind, v);
	if (v->type != VALUE_TEXT || line->len == from ||
	    !csv_quoted(line->data + from, line->len - from))
		return;
	buf_clear(raw);
	(void)buf_add(raw, line->data + from, line->len - from);
	line->len = from;
	(void)buf_add_byte(line, '"');
	for (size_t i = 0; i < raw->len; i++) {
		if (raw->data[i] == '"')
			(void)buf_add_byte(line, '"');
		(void)buf_add_byte(line, raw->data[i]);
	}
	(void)buf_add_byte(line, '"');
}

static const char *tsv_escape(char c)
{
	if (c == '\t')
		return "\\t";
	if (c == '\n')
		return "\\n";
	return c == '\\' ? "\\\\" : NULL;
}

static void tsv_cell(struct buf *line, enum kind kind, const struct value *v)
{
	size_t from = 0;

	if (v->type != VALUE_TEXT) {
		value_print_raw(line, kind, v);
		return;
	}
	for (size_t i = 0; i < v->s.len; i++) {
		const char *escaped = tsv_escape(v->s.p[i]);

		if (!escaped)
			continue;
		text_escape(line, (struct str){v->s.p + from, i - from}, false);
		(void)buf_add_str(line, escaped);
		from = i + 1;
	}
	text_escape(line, (struct str){v->s.p + from, v->s.len - from}, false);
}

/* --- json --- */

static bool kind_is_number(enum kind kind)
{
	switch (kind) {
	case KIND_COUNT:
	case KIND_BYTES:
	case KIND_PORT:
	case KIND_SECONDS:
	case KIND_MS:
	case KIND_PPS:
	case KIND_BPS:
	case KIND_SHARE:
	case KIND_REAL:
		return true;
	case KIND_TEXT:
	case KIND_ADDR:
	case KIND_FLOW:
	case KIND_TIME:
	case KIND_BOOL:
	case KIND_SERIES:
		return false;
	}
	return false;
}

/* Text that is escaped already: what is left for json are quotes and backslashes. */
static void json_string(struct buf *line, const char *s)
{
	(void)buf_add_byte(line, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)buf_add_byte(line, '\\');
		(void)buf_add_byte(line, (uint8_t)*s);
	}
	(void)buf_add_byte(line, '"');
}

static void json_cell(struct buf *line, enum kind kind, const struct value *v, struct buf *raw)
{
	const bool number = (v->type == VALUE_INT || v->type == VALUE_REAL) && kind_is_number(kind);

	buf_clear(raw);
	value_print_raw(raw, kind, v);
	if (v->type == VALUE_NULL || (number && raw->len == 0)) /* not finite: unknown */
		(void)buf_add_str(line, "null");
	else if (number)
		(void)buf_add(line, raw->data, raw->len);
	else
		json_string(line, buf_str(raw));
}

static void json_name(struct buf *line, const char *name, struct buf *raw)
{
	buf_clear(raw);
	text_escape(raw, str_of(name), false);
	json_string(line, buf_str(raw));
}

static void json_row(struct printer *p, const struct window *w, uint32_t row, struct buf *raw)
{
	const bool array = p->options.format == PRINT_JSON;

	if (array)
		(void)buf_add_str(&p->line, p->rows ? ",\n" : "\n");
	(void)buf_add_byte(&p->line, '{');
	for (unsigned i = 0; i < w->ncolumns; i++) {
		const struct value v = window_cell(w, row, (int)i);

		(void)buf_add_str(&p->line, i ? "," : "");
		json_name(&p->line, w->columns[i].name, raw);
		(void)buf_add_byte(&p->line, ':');
		json_cell(&p->line, w->columns[i].kind, &v, raw);
	}
	(void)buf_add_str(&p->line, array ? "}" : "}\n");
}

/* --- text --- */

static bool column_right(const struct column *c)
{
	if (c->flags & COLUMN_RIGHT)
		return true;
	return kind_is_number(c->kind) || c->kind == KIND_FLOW;
}

/* Nearly all text is only that, and it has no controls: it was escaped. */
static bool text_is_ascii(struct str s)
{
	uint64_t word = 0;
	uint8_t all = 0;

	for (; s.len >= sizeof(word); s.p += sizeof(word), s.len -= sizeof(word)) {
		memcpy(&word, s.p, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			return false;
	}
	for (size_t i = 0; i < s.len; i++)
		all |= (uint8_t)s.p[i];
	return all < 0x80;
}

static unsigned text_columns(struct str s)
{
	unsigned n = 0;

	if (text_is_ascii(s))
		return (unsigned)s.len;
	while (s.len > 0) {
		const int width = text_width(text_utf8_next(&s));

		n += width > 0 ? (unsigned)width : 0;
	}
	return n;
}

static unsigned cell_columns(const struct printer *p, const struct column *c, const struct value *v,
			     struct buf *raw)
{
	buf_clear(raw);
	value_print_text(raw, c->kind, v, p->options.zone);
	return text_columns((struct str){buf_str(raw), raw->len});
}

static void widths_measure(struct printer *p, const struct window *w, struct buf *raw)
{
	for (unsigned i = 0; i < w->ncolumns; i++) {
		const struct value name = value_text(w->columns[i].name);
		const struct column text = {.kind = KIND_TEXT};

		p->width[i] = p->options.header ? cell_columns(p, &text, &name, raw) : 0;
		for (uint32_t row = 0; row < w->rows; row++) {
			const struct value v = window_cell(w, row, (int)i);
			const unsigned n = cell_columns(p, &w->columns[i], &v, raw);

			p->width[i] = n > p->width[i] ? n : p->width[i];
		}
	}
}

static void blanks_add(struct buf *line, unsigned count)
{
	static const char blanks[] = "                                ";
	const unsigned most = sizeof(blanks) - 1;

	for (; count > most; count -= most)
		(void)buf_add(line, blanks, most);
	(void)buf_add(line, blanks, count);
}

/* The last column is not filled up: no line ends in blanks. */
static void text_cell(struct printer *p, const struct column *c, unsigned i, const struct value *v,
		      struct buf *raw)
{
	const unsigned n = cell_columns(p, c, v, raw);
	const unsigned pad = p->width[i] > n ? p->width[i] - n : 0;

	if (i > 0)
		blanks_add(&p->line, GAP);
	if (column_right(c))
		blanks_add(&p->line, pad);
	(void)buf_add(&p->line, raw->data, raw->len);
	if (!column_right(c) && i + 1 < p->ncolumns)
		blanks_add(&p->line, pad);
}

/* Cuts the line to the terminal's width and takes blanks off its end. */
static void text_line_end(struct printer *p)
{
	struct str rest = {buf_str(&p->line) + p->line_start, p->line.len - p->line_start};
	unsigned used = 0;

	while (p->options.width > 0 && rest.len > 0) {
		const size_t before = rest.len;
		const int width = text_width(text_utf8_next(&rest));

		used += width > 0 ? (unsigned)width : 0;
		if (used <= p->options.width)
			continue;
		p->line.len -= before;
		break;
	}
	while (p->line.len > p->line_start && p->line.data[p->line.len - 1] == ' ')
		p->line.len--;
	(void)buf_add_byte(&p->line, '\n');
}

/* --- rows --- */

static void separated_row(struct printer *p, const struct window *w, uint32_t row, struct buf *raw)
{
	const bool csv = p->options.format == PRINT_CSV;

	for (unsigned i = 0; i < w->ncolumns; i++) {
		const struct value v = window_cell(w, row, (int)i);

		if (i > 0)
			(void)buf_add_byte(&p->line, csv ? ',' : '\t');
		if (csv)
			csv_cell(&p->line, w->columns[i].kind, &v, raw);
		else
			tsv_cell(&p->line, w->columns[i].kind, &v);
	}
	(void)buf_add_byte(&p->line, '\n');
}

static void row_print(struct printer *p, const struct window *w, uint32_t row, struct buf *raw)
{
	switch (p->options.format) {
	case PRINT_TEXT:
		for (unsigned i = 0; i < w->ncolumns; i++) {
			const struct value v = window_cell(w, row, (int)i);

			text_cell(p, &w->columns[i], i, &v, raw);
		}
		text_line_end(p);
		break;
	case PRINT_CSV:
	case PRINT_TSV:
		separated_row(p, w, row, raw);
		break;
	case PRINT_JSON:
	case PRINT_JSONL:
		json_row(p, w, row, raw);
		break;
	}
}

static void header_print(struct printer *p, const struct window *w, struct buf *raw)
{
	const bool text = p->options.format == PRINT_TEXT;

	for (unsigned i = 0; i < w->ncolumns; i++) {
		const struct value name = value_text(w->columns[i].name);
		struct column c = {.kind = KIND_TEXT,
				   .flags = column_right(&w->columns[i]) ? COLUMN_RIGHT : 0};

		if (!text && i > 0)
			(void)buf_add_byte(&p->line, p->options.format == PRINT_CSV ? ',' : '\t');
		if (text)
			text_cell(p, &c, i, &name, raw);
		else if (p->options.format == PRINT_CSV)
			csv_cell(&p->line, KIND_TEXT, &name, raw);
		else
			tsv_cell(&p->line, KIND_TEXT, &name);
	}
	if (text)
		text_line_end(p);
	else
		(void)buf_add_byte(&p->line, '\n');
}

static void printer_begin(struct printer *p, const struct window *w, struct buf *raw)
{
	const bool named = p->options.format != PRINT_JSON && p->options.format != PRINT_JSONL;

	p->begun = true;
	p->ncolumns = w->ncolumns;
	p->width = xcalloc(w->ncolumns, sizeof(*p->width));
	if (p->options.format == PRINT_JSON)
		(void)buf_add_byte(&p->line, '[');
	if (p->options.format == PRINT_TEXT)
		widths_measure(p, w, raw);
	if (named && p->options.header && w->ncolumns > 0)
		header_print(p, w, raw);
}

int printer_add(struct printer *p, const struct window *w, struct err *e)
{
	struct buf raw;
	int rc = 0;

	buf_init(&raw, LINE_BYTES_MAX);
	if (!p->begun) {
		printer_begin(p, w, &raw);
		rc = line_end(p, e);
	}
	if (rc == 0 && w->ncolumns != p->ncolumns)
		rc = err_set(e, ERR_REFUSED, "the table changed its columns while it was printed");
	for (uint32_t row = 0; rc == 0 && row < w->rows; row++) {
		row_print(p, w, row, &raw);
		p->rows++;
		rc = line_end(p, e);
	}
	buf_release(&raw);
	return rc ? rc : lines_write(p, e);
}

int printer_end(struct printer *p, struct err *e)
{
	if (p->options.format == PRINT_JSON) {
		if (!p->begun)
			(void)buf_add_byte(&p->line, '[');
		(void)buf_add_str(&p->line, p->rows ? "\n]\n" : "]\n");
	}
	if (lines_write(p, e))
		return -1;
	if (fflush(p->out) || ferror(p->out))
		return err_errno(e, ERR_REFUSED, "could not write the table");
	return 0;
}
