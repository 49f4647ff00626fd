#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define BLOCK_TEXT_MAX (64u << 20) /* never reached: ROWS_BLOCK items with a few texts each */

struct rows_block {
	struct buf text;
	uint32_t items;
	_Alignas(8) unsigned char item[]; /* of which each has a multiple of 8 bytes */
};

void rows_init(struct rows *r, size_t item_bytes)
{
	*r = (struct rows){.item_bytes = (item_bytes + 7) & ~(size_t)7};
}

static uint64_t block_bytes(const struct rows *r, const struct rows_block *b)
{
	return sizeof(*b) + r->item_bytes * ROWS_BLOCK + b->text.cap;
}

static void block_free(struct rows_block *b)
{
	buf_release(&b->text);
	free(b);
}

void rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->nblocks; i++)
		block_free(r->block[i]);
	free(r->block);
	rows_init(r, r->item_bytes);
}

static void rows_drop_oldest(struct rows *r)
{
	r->bytes -= block_bytes(r, r->block[0]);
	r->gone += r->block[0]->items;
	r->count -= r->block[0]->items;
	block_free(r->block[0]);
	r->nblocks--;
	memmove(r->block, r->block + 1, r->nblocks * sizeof(struct rows_block *));
}

static struct rows_block *rows_grow(struct rows *r)
{
	struct rows_block *b = xcalloc(1, sizeof(*b) + r->item_bytes * ROWS_BLOCK);

	buf_init(&b->text, BLOCK_TEXT_MAX);
	r->bytes += block_bytes(r, b);
	while (r->bytes > ANALYSIS_ROWS_BYTES_MAX && r->nblocks > 1)
		rows_drop_oldest(r);
	if (r->nblocks == r->room) {
		r->room = r->room ? r->room * 2 : 16;
		r->block = xreallocarray(r->block, r->room, sizeof(struct rows_block *));
	}
	r->block[r->nblocks++] = b;
	return b;
}

void *rows_add(struct rows *r)
{
	struct rows_block *b = r->nblocks ? r->block[r->nblocks - 1] : NULL;

	if (!b || b->items == ROWS_BLOCK)
		b = rows_grow(r);
	r->count++;
	return b->item + b->items++ * r->item_bytes;
}

struct row_text rows_text(struct rows *r, struct str s)
{
	struct buf *text = &r->block[r->nblocks - 1]->text;
	size_t before = text->cap, length = s.len < ROWS_TEXT_MAX ? s.len : ROWS_TEXT_MAX;
	struct row_text t = {(uint32_t)text->len, (uint32_t)length};

	if (buf_add(text, s.p, length) < 0)
		t.length = 0;
	r->bytes += text->cap - before;
	return t;
}

void *rows_change(struct rows *r, uint64_t row)
{
	/* Every block but the last is full. */
	if (row >= r->count)
		return NULL;
	return r->block[row / ROWS_BLOCK]->item + row % ROWS_BLOCK * r->item_bytes;
}

const void *rows_at(const struct rows *r, uint64_t row)
{
	return rows_change((struct rows *)(uintptr_t)r, row);
}

struct value rows_value(const struct rows *r, uint64_t row, struct row_text t)
{
	if (row >= r->count || t.length == 0)
		return value_null();
	const struct buf *text = &r->block[row / ROWS_BLOCK]->text;

	return value_str((struct str){(const char *)text->data + t.at, t.length});
}

bool rows_lack(const struct rows *r, const char *what, char note[ANALYSIS_NOTE_MAX])
{
	if (r->gone == 0)
		return false;
	(void)snprintf(note, ANALYSIS_NOTE_MAX,
		       "the first %llu %s have left the memory, the limit of this table",
		       (unsigned long long)r->gone, what);
	return true;
}
