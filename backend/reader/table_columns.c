/* The tables' columns as a table: the console and the manual know them from here. */
#include "tables.h"

#define COLUMNS(X)                                                                                 \
	X(TABLE, "table", TEXT, 0, "", "The table.")                                               \
	X(NAME, "name", TEXT, 0, "", "The column's name.")                                         \
	X(KIND, "kind", TEXT, 0, "", "What its values are.")                                       \
	X(UNIT, "unit", TEXT, 0, "", "Their unit.")                                                \
	X(SHOWN, "shown", BOOL, 0, "", "Whether it is printed without being named.")               \
	X(SUMMARY, "summary", TEXT, 0, "", "Its definition.")

#define COLUMN_ENUM(NAME, name, kind, flags, unit, summary) COLUMN_##NAME,
enum column_column { COLUMNS(COLUMN_ENUM) COLUMN_COLUMNS };

static const struct column columns[] = {COLUMNS(TABLE_COLUMN)};

const struct table_type type_columns = {
	.name = "columns",
	.summary = "The columns of all tables of a capture, or of the one that is named.",
	.arguments = "[TABLE]",
	.columns = columns,
	.ncolumns = COLUMN_COLUMNS,
};

static void add_columns(struct rowset *rows, const struct table_type *t)
{
	for (unsigned i = 0; i < t->ncolumns; i++) {
		const struct column *c = &t->columns[i];
		const struct value cells[COLUMN_COLUMNS] = {
			[COLUMN_TABLE] = value_text(t->name),
			[COLUMN_NAME] = value_text(c->name),
			[COLUMN_KIND] = value_text(kind_name(c->kind)),
			[COLUMN_UNIT] = value_text(c->unit[0] ? c->unit : NULL),
			[COLUMN_SHOWN] = value_int(!(c->flags & COLUMN_HIDDEN)),
			[COLUMN_SUMMARY] = value_text(c->summary),
		};

		rowset_add(rows, cells);
	}
}

static int open_columns(struct ask *a, const struct msg_query *q, struct err *e)
{
	size_t count;
	const struct table_kind *const *kinds = table_kinds(&count);

	(void)e;
	a->rows = rowset_new(&type_columns);
	for (size_t i = 0; i < count; i++)
		if (q->words.count == 0 || str_is(q->words.at[0], kinds[i]->type->name))
			add_columns(a->rows, kinds[i]->type);
	return 0;
}

const struct table_kind table_columns = {
	.type = &type_columns,
	.open = open_columns,
	.rows = ask_rowset_rows,
	.cell = ask_rowset_cell,
	.fixed = true,
};
