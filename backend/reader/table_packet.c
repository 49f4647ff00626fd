#include "table/table.h"

#include <string.h>

#include "base/text.h"
#include "tables.h"

#define FIELDS(X)                                                                                  \
	X(DEPTH, "depth", COUNT, 0, "", "How deep the field lies: 0 is a protocol.")               \
	X(NAME, "name", TEXT, 0, "", "The field's name.")                                          \
	X(VALUE, "value", TEXT, 0, "", "What it says.")                                            \
	X(OFFSET, "offset", COUNT, 0, "bytes", "Where it begins in the packet.")                   \
	X(LENGTH, "length", COUNT, 0, "bytes", "How long it is.")

#define FIELD_ENUM(NAME, name, kind, flags, unit, summary) FIELD_##NAME,
enum field_column { FIELDS(FIELD_ENUM) FIELD_COLUMNS };

static const struct column columns[] = {FIELDS(TABLE_COLUMN)};

const struct table_type type_packet = {
	.name = "packet",
	.summary = "The fields of packet N, as a tree.",
	.arguments = "N",
	.columns = columns,
	.ncolumns = FIELD_COLUMNS,
};

int ask_read_packet(struct ask *a, const struct msg_query *q, struct packet *pk, struct err *e)
{
	const struct index *x = &a->reader->index;
	uint64_t number = ask_packet(q), row = index_row(x, number);
	struct index_entry entry;

	if (number == 0)
		return err_set(e, ERR_CALL, "which packet? Say its number: %.*s 1",
			       (int)q->table.len, q->table.p);
	if (row == UINT64_MAX || !index_get(x, row, &entry))
		return err_set(e, ERR_ABSENT, "packet %llu is not there: the capture has %llu%s",
			       (unsigned long long)number,
			       (unsigned long long)a->reader->source.seen,
			       number <= a->reader->source.seen
				       ? ", and this one is not in memory any more"
				       : "");
	return source_read(&a->reader->source, &entry, number, pk, e);
}

uint64_t ask_rowset_rows(void *ask)
{
	return rowset_rows(((struct ask *)ask)->rows);
}

struct value ask_rowset_cell(void *ask, uint64_t row, unsigned column)
{
	return rowset_cell(((struct ask *)ask)->rows, row, column);
}

static void add_field(void *arg, unsigned depth, const char *name, struct str value,
		      uint32_t offset, uint32_t length)
{
	const struct value cells[FIELD_COLUMNS] = {
		[FIELD_DEPTH] = value_int(depth),   [FIELD_NAME] = value_text(name),
		[FIELD_VALUE] = value_str(value),   [FIELD_OFFSET] = value_int(offset),
		[FIELD_LENGTH] = value_int(length),
	};

	rowset_add(arg, cells);
}

static int open_fields(struct ask *a, const struct msg_query *q, struct err *e)
{
	const struct decode_options o = {
		.outer = a->capture->decode.outer, .checksums = true, .app = true};
	struct decoded d;
	struct packet pk;

	if (ask_read_packet(a, q, &pk, e) < 0)
		return -1;
	decode_packet(&d, &o, pk.link_type, pk.data, pk.captured, pk.length);
	a->rows = rowset_new(&type_packet);
	decode_fields(&d, pk.data, pk.captured, pk.length, add_field, a->rows);
	return 0;
}

const struct table_kind table_packet = {
	.type = &type_packet,
	.open = open_fields,
	.rows = ask_rowset_rows,
	.cell = ask_rowset_cell,
	.fixed = true,
};
