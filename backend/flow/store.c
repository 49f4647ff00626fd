/* Where connections lie: slabs of slots. Without a budget a connection's place is its number; with
 * one, pages of numbers lead to slots, and slots are linked by the time of their last packet. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "table.h"

static uint32_t slot_take(struct flows *f)
{
	uint32_t slot = f->free_slot;

	if (slot != NONE) {
		f->free_slot = flows_slot(f, slot)->older;
		return slot;
	}
	if (f->slots == f->slabs * SLAB_SLOTS) {
		if (f->slabs == f->slabs_room) {
			f->slabs_room = f->slabs_room ? f->slabs_room * 2 : 16;
			f->slab = xreallocarray(f->slab, f->slabs_room, sizeof(struct slot *));
		}
		f->slab[f->slabs++] = xmalloc(SLAB_SLOTS * sizeof(struct slot));
	}
	return f->slots++;
}

/* --- pages of numbers --- */

static void page_set(struct flows *f, uint64_t number, uint32_t slot)
{
	uint64_t at = number - f->o.base - 1, page = at / PAGE_NUMBERS;

	if (page >= f->pages) {
		uint64_t pages = (page + 1) * 2;

		f->page = xreallocarray(f->page, pages, sizeof(struct page *));
		memset(f->page + f->pages, 0, (pages - f->pages) * sizeof(struct page *));
		f->before = xreallocarray(f->before, pages, sizeof(uint64_t));
		f->pages = pages;
	}
	if (!f->page[page]) {
		f->page[page] = xmalloc(sizeof(struct page));
		memset(f->page[page]->slot, 0xff, sizeof(f->page[page]->slot));
		f->page[page]->count = 0;
	}
	f->page[page]->slot[at % PAGE_NUMBERS] = slot;
	f->page[page]->count++;
	f->before_valid = false;
}

static void page_clear(struct flows *f, uint64_t number)
{
	uint64_t at = number - f->o.base - 1;
	struct page *page = f->page[at / PAGE_NUMBERS];

	page->slot[at % PAGE_NUMBERS] = NONE;
	f->before_valid = false;
	if (--page->count)
		return;
	free(page);
	f->page[at / PAGE_NUMBERS] = NULL;
}

static uint32_t page_find(const struct flows *f, uint64_t number)
{
	uint64_t at = number - f->o.base - 1;
	const struct page *page = at / PAGE_NUMBERS < f->pages ? f->page[at / PAGE_NUMBERS] : NULL;

	return page ? page->slot[at % PAGE_NUMBERS] : NONE;
}

static void before_make(struct flows *f)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < f->pages; i++) {
		f->before[i] = sum;
		sum += f->page[i] ? f->page[i]->count : 0;
	}
	f->before_valid = true;
}

/* The slot of the place-th connection in memory, in the order of numbers. */
static uint32_t page_select(struct flows *f, uint64_t place)
{
	uint64_t low = 0, high = f->pages;
	const struct page *page;

	if (!f->before_valid)
		before_make(f);
	while (low + 1 < high) {
		uint64_t middle = (low + high) / 2;

		if (f->before[middle] <= place)
			low = middle;
		else
			high = middle;
	}
	place -= f->before[low];
	page = f->page[low];
	for (uint32_t i = 0; page && i < PAGE_NUMBERS; i++) {
		if (page->slot[i] != NONE && place-- == 0)
			return page->slot[i];
	}
	return NONE;
}

/* --- by the time of the last packet --- */

static void age_unlink(struct flows *f, struct slot *s)
{
	if (s->older != NONE)
		flows_slot(f, s->older)->newer = s->newer;
	else
		f->oldest = s->newer;
	if (s->newer != NONE)
		flows_slot(f, s->newer)->older = s->older;
	else
		f->newest = s->older;
}

static void age_link(struct flows *f, struct slot *s, uint32_t slot)
{
	s->older = f->newest;
	s->newer = NONE;
	if (f->newest != NONE)
		flows_slot(f, f->newest)->newer = slot;
	else
		f->oldest = slot;
	f->newest = slot;
}

void store_touch(struct flows *f, uint32_t slot)
{
	struct slot *s = flows_slot(f, slot);

	if (!f->o.memory_bytes || f->newest == slot)
		return;
	age_unlink(f, s);
	age_link(f, s, slot);
}

/* --- slots --- */

uint32_t store_add(struct flows *f, uint64_t number)
{
	uint32_t slot = slot_take(f);
	struct slot *s = flows_slot(f, slot);

	memset(s, 0, sizeof(*s));
	s->c.number = number;
	f->in_memory++;
	if (f->o.memory_bytes) {
		page_set(f, number, slot);
		age_link(f, s, slot);
	}
	return slot;
}

static void more_free(struct flows *f, struct slot *s)
{
	if (!s->more)
		return;
	for (unsigned i = 0; i < 2; i++) {
		f->more_bytes -= s->more->flow[i].holes_room * sizeof(struct hole);
		free(s->more->flow[i].hole);
	}
	f->more_bytes -= sizeof(*s->more);
	free(s->more);
	s->more = NULL;
}

struct more *store_more(struct flows *f, struct slot *s)
{
	if (!s->more) {
		s->more = xcalloc(1, sizeof(*s->more));
		f->more_bytes += sizeof(*s->more);
	}
	return s->more;
}

void store_remove(struct flows *f, uint32_t slot)
{
	struct slot *s = flows_slot(f, slot);

	age_unlink(f, s);
	page_clear(f, s->c.number);
	more_free(f, s);
	if (slot / 64 < f->changed_words)
		f->changed[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	s->c.number = 0;
	s->older = f->free_slot;
	f->free_slot = slot;
	f->in_memory--;
	f->version++;
}

void store_release(struct flows *f)
{
	for (uint32_t i = 0; i < f->slots; i++)
		more_free(f, flows_slot(f, i));
	for (uint32_t i = 0; i < f->slabs; i++)
		free(f->slab[i]);
	for (uint64_t i = 0; i < f->pages; i++)
		free(f->page[i]);
	free(f->slab);
	free(f->page);
	free(f->before);
	free(f->changed);
}

void store_changed(struct flows *f, uint32_t slot)
{
	if (slot / 64 >= f->changed_words) {
		uint64_t words = slot / 64 * 2 + 64;

		f->changed = xreallocarray(f->changed, words, sizeof(uint64_t));
		memset(f->changed + f->changed_words, 0,
		       (words - f->changed_words) * sizeof(uint64_t));
		f->changed_words = words;
	}
	f->changed[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* --- asked from outside --- */

const struct connection *flows_number(const struct flows *f, uint64_t number)
{
	uint32_t slot;

	if (number <= f->o.base || number > f->given)
		return NULL;
	slot = f->o.memory_bytes ? page_find(f, number) : (uint32_t)(number - f->o.base - 1);
	return slot == NONE ? NULL : &flows_slot(f, slot)->c;
}

const struct connection *flows_at(const struct flows *f, uint64_t place)
{
	uint32_t slot;

	if (place >= f->in_memory)
		return NULL;
	/* The index of places is a cache: making it changes nothing that can be seen. */
	slot = f->o.memory_bytes ? page_select((struct flows *)(uintptr_t)f, place)
				 : (uint32_t)place;
	return slot == NONE ? NULL : &flows_slot(f, slot)->c;
}

uint64_t flows_memory_bytes(const struct flows *f)
{
	uint64_t bytes = (uint64_t)f->slabs * SLAB_SLOTS * sizeof(struct slot) + f->more_bytes;

	bytes += (uint64_t)f->entries * sizeof(struct entry) + f->changed_words * sizeof(uint64_t);
	bytes += ((uint64_t)f->gone[0].room + f->gone[1].room) * sizeof(struct gone);
	return bytes + f->pages * (sizeof(struct page *) + sizeof(uint64_t));
}
