/* Where connections lie: slabs of slots. Without a budget a connection's place is its number; with
 * one, pages of numbers lead to slots, and slots are linked by the time of their last packet. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "bulk.h"
#include "sent.h"

#define FIGURES_SLAB 1024u

static uint32_t slot_take(struct flows *f)
{
	uint32_t slot = f->free_slot;

	if (slot != NONE) {
		f->free_slot = flows_slot(f, slot)->side[0].packets;
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

static void age_unlink(struct flows *f, uint32_t slot)
{
	const struct age *a = &f->age[slot];

	if (a->older != NONE)
		f->age[a->older].newer = a->newer;
	else
		f->oldest = a->newer;
	if (a->newer != NONE)
		f->age[a->newer].older = a->older;
	else
		f->newest = a->older;
}

static void age_link(struct flows *f, uint32_t slot)
{
	if (slot >= f->ages) {
		f->ages = slot < 512 ? 1024 : slot * 2;
		f->age = xreallocarray(f->age, f->ages, sizeof(*f->age));
	}
	f->age[slot] = (struct age){.older = f->newest, .newer = NONE};
	if (f->newest != NONE)
		f->age[f->newest].newer = slot;
	else
		f->oldest = slot;
	f->newest = slot;
}

void store_touch(struct flows *f, uint32_t slot)
{
	if (!f->o.memory_bytes || f->newest == slot)
		return;
	age_unlink(f, slot);
	age_link(f, slot);
}

/* --- slots --- */

uint32_t store_add(struct flows *f, uint64_t number)
{
	uint32_t slot = slot_take(f);
	struct slot *s = flows_slot(f, slot);

	memset(s, 0, sizeof(*s));
	s->number = number;
	f->in_memory++;
	if (f->o.memory_bytes) {
		page_set(f, number, slot);
		age_link(f, slot);
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
		repeats_release(f, &s->more->flow[i]);
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

/* What stands in one that is free. */
struct figures_free {
	struct figures *next;
};

struct figures *store_figures(struct flows *f)
{
	struct figures *fg = f->free_figures;

	f->figures_live++;
	if (fg) {
		f->free_figures = ((struct figures_free *)(void *)fg)->next;
		return fg;
	}
	if (f->figures_used == f->figures_slabs * FIGURES_SLAB) {
		f->figures_slab = xreallocarray(f->figures_slab, f->figures_slabs + 1,
						sizeof(struct figures *));
		f->figures_slab[f->figures_slabs++] = xmalloc(FIGURES_SLAB * sizeof(*fg));
	}
	fg = &f->figures_slab[f->figures_used / FIGURES_SLAB][f->figures_used % FIGURES_SLAB];
	f->figures_used++;
	return fg;
}

static void figures_give_back(struct flows *f, struct slot *s, unsigned direction)
{
	struct figures *fg = s->side[direction].figures;

	if (!fg)
		return;
	figures_release(f, fg);
	((struct figures_free *)(void *)fg)->next = f->free_figures;
	f->free_figures = fg;
	f->figures_live--;
	s->side[direction].figures = NULL;
}

/* What hangs on a slot. One that is free has nothing. */
static void slot_release(struct flows *f, struct slot *s)
{
	if (!s->number)
		return;
	more_free(f, s);
	figures_give_back(f, s, 0);
	figures_give_back(f, s, 1);
	if (s->ip6) {
		free(s->ends.ip6);
		f->more_bytes -= 2 * sizeof(*s->ends.ip6);
	}
}

void store_remove(struct flows *f, uint32_t slot)
{
	struct slot *s = flows_slot(f, slot);

	age_unlink(f, slot);
	page_clear(f, s->number);
	slot_release(f, s);
	if (slot / 64 < f->changed_words)
		f->changed[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	s->number = 0;
	s->side[0].packets = f->free_slot;
	f->free_slot = slot;
	f->in_memory--;
	f->version++;
}

void store_release(struct flows *f)
{
	for (uint32_t i = 0; i < f->slots; i++)
		if (f->slab[i / SLAB_SLOTS]) /* else it lies on disk */
			slot_release(f, flows_slot(f, i));
	for (struct sent *t = f->free_sent, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	for (uint32_t i = 0; i < f->figures_slabs; i++)
		free(f->figures_slab[i]);
	for (uint32_t i = 0; i < f->slabs; i++)
		free(f->slab[i]);
	for (uint64_t i = 0; i < f->pages; i++)
		free(f->page[i]);
	free(f->slab);
	free(f->page);
	free(f->before);
	free(f->changed);
	free(f->figures_slab);
	free(f->age);
	free(f->saved);
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

/* Views and the index of places are caches: making them changes nothing that can be seen. */
static const struct connection *slot_view(const struct flows *flows, uint32_t slot)
{
	struct flows *f = (struct flows *)(uintptr_t)flows;
	struct connection *c = &f->view[f->views++ % VIEWS];

	if (slot == NONE)
		return NULL;
	saved_piece(f, slot / SLAB_SLOTS);
	view_fill(flows_slot(f, slot), c);
	return c;
}

uint32_t store_number(const struct flows *f, uint64_t number)
{
	if (number <= f->o.base || number > f->given)
		return NONE;
	return f->o.memory_bytes ? page_find(f, number) : (uint32_t)(number - f->o.base - 1);
}

const struct connection *flows_number(const struct flows *f, uint64_t number)
{
	return slot_view(f, store_number(f, number));
}

const struct connection *flows_at(const struct flows *f, uint64_t place)
{
	if (place >= f->in_memory)
		return NULL;
	return slot_view(f, f->o.memory_bytes ? page_select((struct flows *)(uintptr_t)f, place)
					      : (uint32_t)place);
}

uint64_t flows_memory_bytes(const struct flows *f)
{
	uint64_t bytes = (uint64_t)f->slabs * SLAB_SLOTS * sizeof(struct slot) + f->more_bytes;

	bytes += (uint64_t)f->figures_slabs * FIGURES_SLAB * sizeof(struct figures) +
		 (uint64_t)f->ages * sizeof(struct age);
	bytes += (uint64_t)f->entries * sizeof(struct entry) + f->changed_words * sizeof(uint64_t);
	bytes += ((uint64_t)f->gone[0].room + f->gone[1].room) * sizeof(struct gone);
	return bytes + f->pages * (sizeof(struct page *) + sizeof(uint64_t));
}
