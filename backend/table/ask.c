#include "ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "table/row.h"

#define ENCODE_ROWS 64u /* rows between looks at the clock */

void ask_release(struct ask *a)
{
	view_free(a->view);
	if (a->source.release)
		a->source.release(a->source.data);
	buf_release(&a->rows);
	free(a->table);
	free(a->words);
	free(a->columns);
	free(a->filter);
	free(a->bpf);
	free(a->sort);
	free(a);
}

uint64_t ask_version(const struct ask *a)
{
	return a->source.version ? a->source.version(a->source.data) : 0;
}

/* --- the question --- */

/* The words as one text, that can be compared. */
char *ask_words(const struct strs *words)
{
	struct buf b;
	char *joined;

	buf_init(&b, MSG_PAYLOAD_MAX * 2u);
	for (uint32_t i = 0; i < words->count; i++)
		(void)buf_printf(&b, "%zu:%.*s ", words->at[i].len, (int)words->at[i].len,
				 words->at[i].p);
	joined = xstrdup(buf_str(&b));
	buf_release(&b);
	return joined;
}

char *ask_copy(struct str s)
{
	return xstrndup(s.len ? s.p : "", s.len);
}

bool ask_is(const struct ask *a, const struct msg_query *q)
{
	char *words = ask_words(&q->words);
	const bool same = str_is(q->table, a->table) && strcmp(words, a->words) == 0 &&
			  str_is(q->filter, a->filter) && str_is(q->bpf, a->bpf) &&
			  str_is(q->sort, a->sort) && q->flags == a->flags;

	free(words);
	return same;
}

int ask_columns(struct ask *a, struct str names, struct err *e)
{
	const struct table_type *t = a->source.type;
	int count;

	if (names.len == 0 && (a->flags & QUERY_ALL_COLUMNS)) {
		for (count = 0; count < (int)t->ncolumns && count < (int)TABLE_COLUMNS_MAX; count++)
			a->column[count] = (unsigned)count;
	} else {
		count = view_columns(t, names, a->column, e);
	}
	if (count < 0)
		return -1;
	a->ncolumns = (unsigned)count;
	free(a->columns);
	a->columns = ask_copy(names);
	return 0;
}

/* --- the answer --- */

static uint32_t rows_wanted(const struct ask *a)
{
	const uint64_t total = view_total(a->view);
	const uint64_t left = a->first < total ? total - a->first : 0;
	const uint64_t most = a->count < TABLE_WINDOW_ROWS_MAX ? a->count : TABLE_WINDOW_ROWS_MAX;

	return (uint32_t)(left < most ? left : most);
}

/* A row that would make the answer too long is left to the next; one that is too long by itself is
 * cut to its numbers, so that nobody asks for it for ever. */
static bool row_encode(struct ask *a, uint64_t row)
{
	const struct table *t = &a->source;
	const size_t start = a->rows.len;
	int rc = 0;

	for (unsigned i = 0; i < a->ncolumns && rc == 0; i++) {
		const struct value v = t->cell(t->data, row, a->column[i]);

		rc = row_put_cell(&a->rows, &v);
	}
	if (rc == 0 && (start == 0 || a->rows.len <= MSG_PAYLOAD_MAX / 2))
		return true;
	a->rows.len = start;
	if (start > 0)
		return false;
	for (unsigned i = 0; i < a->ncolumns; i++) {
		struct value v = t->cell(t->data, row, a->column[i]);

		if (v.type == VALUE_TEXT)
			v = value_null();
		(void)row_put_cell(&a->rows, &v); /* at most 20 bytes a column */
	}
	return true;
}

/* true: the rows of the answer are all there. */
bool ask_encode(struct ask *a, int64_t until_ns)
{
	const uint32_t wanted = rows_wanted(a);

	while (a->encoded < wanted) {
		if (!row_encode(a, view_row(a->view, a->first + a->encoded)))
			return true;
		a->encoded++;
		if (a->encoded % ENCODE_ROWS == 0 && clock_mono_ns() >= until_ns)
			return a->encoded == wanted;
	}
	return true;
}

int ask_send(struct ask *a, const struct table_state *state)
{
	struct buf columns;
	struct msg_window m = {
		.table = str_of(a->table),
		.first = a->first,
		.count = a->encoded,
		.total = view_total(a->view),
		.state = state->state,
		.done = state->done,
		.of = state->of,
		.note = str_of(state->note ? state->note : ""),
		.rows = {(const char *)a->rows.data, a->rows.len},
	};
	int rc;

	buf_init(&columns, MSG_PAYLOAD_MAX / 4);
	rc = row_put_columns(&columns, a->source.type, a->column, a->ncolumns);
	m.columns = (struct str){buf_str(&columns), columns.len};
	if (rc == 0)
		rc = channel_put_window(a->c, a->channel, a->id, &m);
	buf_release(&columns);
	return rc;
}
