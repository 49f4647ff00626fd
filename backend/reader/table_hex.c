#include "tables.h"

#define HEX(X)                                                                                     \
	X(OFFSET, "offset", COUNT, 0, "bytes", "Where in the packet the row begins.")              \
	X(HEX, "hex", TEXT, 0, "", "Up to 16 bytes in hexadecimal.")                               \
	X(TEXT, "text", TEXT, 0, "", "The same bytes as ASCII, a dot for what is not printable.")

#define HEX_ENUM(NAME, name, kind, flags, unit, summary) HEX_##NAME,
enum hex_column { HEX(HEX_ENUM) HEX_COLUMNS };

#define ROW_BYTES 16u

static const struct column columns[] = {HEX(TABLE_COLUMN)};

const struct table_type type_hex = {
	.name = "hex",
	.summary = "The bytes of packet N.",
	.arguments = "N",
	.columns = columns,
	.ncolumns = HEX_COLUMNS,
};

static void add_row(struct rowset *rows, const uint8_t *p, uint32_t offset, uint32_t length)
{
	static const char digits[] = "0123456789abcdef";
	char hex[ROW_BYTES * 3], text[ROW_BYTES];

	for (uint32_t i = 0; i < length; i++) {
		hex[i * 3] = digits[p[i] >> 4];
		hex[i * 3 + 1] = digits[p[i] & 15];
		hex[i * 3 + 2] = ' ';
		text[i] = p[i] >= ' ' && p[i] <= '~' ? (char)p[i] : '.';
	}
	const struct value cells[HEX_COLUMNS] = {
		[HEX_OFFSET] = value_int(offset),
		[HEX_HEX] = value_str((struct str){hex, length * 3 - 1}),
		[HEX_TEXT] = value_str((struct str){text, length}),
	};

	rowset_add(rows, cells);
}

static int open_bytes(struct ask *a, const struct msg_query *q, struct err *e)
{
	struct packet pk;

	if (ask_read_packet(a, q, &pk, e) < 0)
		return -1;
	a->rows = rowset_new(&type_hex);
	for (uint32_t at = 0; at < pk.captured; at += ROW_BYTES)
		add_row(a->rows, pk.data + at, at,
			pk.captured - at < ROW_BYTES ? pk.captured - at : ROW_BYTES);
	return 0;
}

const struct table_kind table_hex = {
	.type = &type_hex,
	.open = open_bytes,
	.rows = ask_rowset_rows,
	.cell = ask_rowset_cell,
	.fixed = true,
};
