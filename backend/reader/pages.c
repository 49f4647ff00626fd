#include "pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void pages_init(struct pages *p, size_t item_bytes)
{
	*p = (struct pages){.item_bytes = item_bytes};
}

void pages_release(struct pages *p)
{
	for (size_t i = 0; i < p->npages; i++)
		free(p->page[i]);
	free(p->page);
	pages_init(p, p->item_bytes);
}

void pages_start(struct pages *p, uint64_t place)
{
	p->first_page = place / PAGES_ITEMS;
	p->count = place;
}

/* The page of item `count`. */
void pages_grow(struct pages *p)
{
	size_t at = (size_t)(p->count / PAGES_ITEMS - p->first_page);

	if (at >= p->room) {
		p->room = p->room ? p->room * 2 : 16;
		p->page = xreallocarray(p->page, p->room, sizeof(*p->page));
	}
	p->page[at] = xcalloc(PAGES_ITEMS, p->item_bytes);
	p->npages = at + 1;
	p->next = (char *)p->page[at] + p->count % PAGES_ITEMS * p->item_bytes;
	p->end = (char *)p->page[at] + PAGES_ITEMS * p->item_bytes;
}

void pages_drop(struct pages *p, uint64_t place)
{
	uint64_t keep = (place < p->count ? place : p->count) / PAGES_ITEMS;

	if (keep <= p->first_page)
		return;
	size_t gone = (size_t)(keep - p->first_page);

	if (gone > p->npages)
		gone = p->npages;
	for (size_t i = 0; i < gone; i++)
		free(p->page[i]);
	memmove(p->page, p->page + gone, (p->npages - gone) * sizeof(*p->page));
	p->npages -= gone;
	p->first_page = keep;
}
