/* Rows with texts of any length: items of one size in blocks, each with its texts beside it. Past
 * ANALYSIS_ROWS_BYTES_MAX the oldest block goes. */
#ifndef ANALYSIS_ROWS_H
#define ANALYSIS_ROWS_H

#include "analysis/analysis.h"
#include "base/str.h"

#define ROWS_BLOCK 1024u    /* items of a block */
#define ROWS_TEXT_MAX 4096u /* bytes of one text; longer ones are cut */

/* A text in the block of its item. */
struct row_text {
	uint32_t at, length;
};

struct rows_block;

struct rows {
	size_t item_bytes;
	struct rows_block **block;
	size_t nblocks, room;
	uint64_t gone;	/* rows that went */
	uint64_t count; /* that are there */
	uint64_t bytes;
};

void rows_init(struct rows *r, size_t item_bytes);
void rows_release(struct rows *r);
/* A new row, zeroed; valid until the next one. */
void *rows_add(struct rows *r);
/* Keeps a text with the row that was added last. */
struct row_text rows_text(struct rows *r, struct str s);
const void *rows_at(const struct rows *r, uint64_t row);
void *rows_change(struct rows *r, uint64_t row); /* as rows_at */
/* Null for an empty text. Borrowed until a row is added. */
struct value rows_value(const struct rows *r, uint64_t row, struct row_text t);
bool rows_lack(const struct rows *r, const char *what, char note[ANALYSIS_NOTE_MAX]);

#endif
