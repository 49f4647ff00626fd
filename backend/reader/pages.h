/* An array of small items that grows at the end and may lose its front, in pages, so that growing
 * copies nothing but the list of pages. Items are counted from 0 for ever: what was dropped keeps
 * its numbers. */
#ifndef READER_PAGES_H
#define READER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES_ITEMS 32768u /* items of a page, a power of two */

/* Pages that lie in a file one behind the other, whole ones and the last, until somebody looks at
 * them. */
struct pages_saved {
	int fd; /* borrowed */
	bool *failed; /* set where one cannot be read: its items are 0 then */
	uint64_t offset;
	uint32_t *crc; /* of each page; owned */
};

struct pages {
	void **page; /* page[i] holds items from (first_page + i) * PAGES_ITEMS on */
	size_t npages, room;
	size_t item_bytes;
	uint64_t first_page;
	uint64_t count;	  /* items added so far, dropped ones included */
	char *next, *end; /* where the next item goes; equal: a new page is needed */
	struct pages_saved saved; /* crc NULL: nothing lies in a file */
};

void pages_init(struct pages *p, size_t item_bytes);
void pages_release(struct pages *p);
/* Makes `place` the next item's number; only before the first one is added. */
void pages_start(struct pages *p, uint64_t place);
void pages_grow(struct pages *p);
size_t pages_bytes(const struct pages *p, size_t page); /* that its items take */
/* `count` items whose pages lie there; p is new. The last page is read at once. */
void pages_restore(struct pages *p, uint64_t count, const struct pages_saved *saved);
/* A page that lies in a file; NULL: none does. */
void *pages_fetch(const struct pages *p, size_t page);
/* Frees whole pages that lie before `place`. */
void pages_drop(struct pages *p, uint64_t place);

/* The place of a new item; its bytes are 0. */
static inline void *pages_add(struct pages *p)
{
	if (p->next == p->end)
		pages_grow(p);
	void *item = p->next;

	p->next += p->item_bytes;
	p->count++;
	return item;
}

static inline uint64_t pages_first(const struct pages *p)
{
	return p->first_page * PAGES_ITEMS;
}

/* NULL when it is not there (any more). */
static inline void *pages_at(const struct pages *p, uint64_t place)
{
	if (place >= p->count || place < p->first_page * PAGES_ITEMS)
		return NULL;
	const size_t at = place / PAGES_ITEMS - p->first_page;
	char *page = p->page[at] ? p->page[at] : pages_fetch(p, at);

	return page ? page + place % PAGES_ITEMS * p->item_bytes : NULL;
}

#endif
