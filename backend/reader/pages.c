#include "pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/fdio.h"
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
	free(p->saved.crc);
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

/* --- in a file --- */

size_t pages_bytes(const struct pages *p, size_t page)
{
	const uint64_t left = p->count - (p->first_page + page) * PAGES_ITEMS;

	return (size_t)(left < PAGES_ITEMS ? left : PAGES_ITEMS) * p->item_bytes;
}

void *pages_fetch(const struct pages *pages, size_t page)
{
	/* Where its items lie is nobody else's business: for others nothing changes. */
	struct pages *p = (struct pages *)(uintptr_t)pages;
	const size_t whole = PAGES_ITEMS * p->item_bytes;
	size_t bytes;

	if (!p->saved.crc || page >= p->npages)
		return NULL;
	bytes = pages_bytes(p, page);
	p->page[page] = xmalloc(whole);
	const ssize_t n = fdio_pread(p->saved.fd, p->page[page], bytes, p->saved.offset + page * whole);

	if (n != (ssize_t)bytes || crc32c(0, p->page[page], bytes) != p->saved.crc[page]) {
		*p->saved.failed = true;
		bytes = 0;
	}
	memset((char *)p->page[page] + bytes, 0, whole - bytes);
	return p->page[page];
}

void pages_restore(struct pages *p, uint64_t count, const struct pages_saved *saved)
{
	const size_t rest = (size_t)(count % PAGES_ITEMS) * p->item_bytes;

	p->saved = *saved;
	p->count = count;
	p->npages = p->room = (size_t)((count + PAGES_ITEMS - 1) / PAGES_ITEMS);
	p->page = xcalloc(p->npages, sizeof(*p->page));
	if (!rest)
		return;
	p->next = (char *)pages_fetch(p, p->npages - 1) + rest;
	p->end = (char *)p->page[p->npages - 1] + PAGES_ITEMS * p->item_bytes;
}
