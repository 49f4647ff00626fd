/* Columns and rows on the wire (WINDOW): columns: u16 count, then name (u16 length, text), u8 kind, u8 flags, unit.
 * A cell: u8 type, then int64 as zigzag varint, real as 8 bytes, text as varint length and bytes, address as family
 * (u8) and 4, 6 or 16 bytes. */
#ifndef TABLE_ROW_H
#define TABLE_ROW_H

#include "base/err.h"
#include "table/table.h"

int row_put_cell(struct buf *out, const struct value *v);
int row_put_columns(struct buf *out, const struct table_type *t, const unsigned *column, unsigned count);

/* A received window, decoded: rows of values that own their memory together. */
struct window {
	unsigned ncolumns;
	struct column *columns; /* names owned by the window; summary is "" */
	uint64_t first, total;	/* first row's place; rows that the filter lets through, so far */
	uint32_t rows;
	struct value *cells; /* rows * ncolumns */
	uint8_t state;	     /* enum window_state */
	uint64_t done, of;
	char *note;
	void *memory; /* one copy of the payload that texts point into */
};

struct msg_window;
/* Replaces what *w held. Error: lengths or counts that lie. */
int window_read(struct window *w, const struct msg_window *m, struct err *e);
void window_release(struct window *w);
int window_column(const struct window *w, const char *name); /* -1 if it is not there */
/* NULL-valued when row or column is not there. */
struct value window_cell(const struct window *w, uint32_t row, int column);

#endif
