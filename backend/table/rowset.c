#include "table/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

/* Rows one behind the other; the text of each row is one piece of memory of its own. */
struct rowset {
	const struct table_type *type;
	struct value *values; /* rows * ncolumns */
	char **texts;	      /* one a row, NULL where it has none */
	uint64_t rows, room;
	uint64_t version;
};

struct rowset *rowset_new(const struct table_type *type)
{
	struct rowset *r = xcalloc(1, sizeof(*r));

	r->type = type;
	return r;
}

static void rowset_empty(struct rowset *r)
{
	for (uint64_t i = 0; i < r->rows; i++)
		free(r->texts[i]);
	r->rows = 0;
}

void rowset_free(struct rowset *r)
{
	if (!r)
		return;
	rowset_empty(r);
	free(r->texts);
	free(r->values);
	free(r);
}

void rowset_clear(struct rowset *r)
{
	rowset_empty(r);
	r->version++;
}

static void rowset_make_room(struct rowset *r)
{
	if (r->rows < r->room)
		return;
	r->room = r->room ? r->room * 2 : 16;
	r->texts = xreallocarray(r->texts, r->room, sizeof(*r->texts));
	r->values = xreallocarray(r->values, r->room, sizeof(*r->values) * r->type->ncolumns);
}

void rowset_add(struct rowset *r, const struct value *values)
{
	const unsigned n = r->type->ncolumns;
	struct value *row;
	size_t bytes = 0;
	char *at;

	rowset_make_room(r);
	row = r->values + r->rows * n;
	for (unsigned i = 0; i < n; i++)
		bytes += values[i].type == VALUE_TEXT ? values[i].s.len : 0;
	at = bytes ? xmalloc(bytes) : NULL;
	r->texts[r->rows] = at;
	for (unsigned i = 0; i < n; i++) {
		row[i] = values[i];
		if (values[i].type != VALUE_TEXT)
			continue;
		row[i].s.p = at ? at : "";
		if (!at || values[i].s.len == 0)
			continue;
		memcpy(at, values[i].s.p, values[i].s.len);
		at += values[i].s.len;
	}
	r->rows++;
}

uint64_t rowset_rows(const struct rowset *r)
{
	return r->rows;
}

struct value rowset_cell(struct rowset *r, uint64_t row, unsigned column)
{
	if (row >= r->rows || column >= r->type->ncolumns)
		return value_null();
	return r->values[row * r->type->ncolumns + column];
}

static uint64_t table_rows(void *data)
{
	return rowset_rows(data);
}

static uint64_t table_version(void *data)
{
	return ((const struct rowset *)data)->version;
}

static struct value table_cell(void *data, uint64_t row, unsigned column)
{
	return rowset_cell(data, row, column);
}

static void table_release(void *data)
{
	rowset_free(data);
}

struct table rowset_table(struct rowset *r, bool owned)
{
	return (struct table){
		.type = r->type,
		.data = r,
		.rows = table_rows,
		.version = table_version,
		.cell = table_cell,
		.release = owned ? table_release : NULL,
	};
}
