/* Several files as one capture: always the earliest of their next packets, as mergecap does. A file
 * whose own times run backwards keeps its order. */
#include "base/xalloc.h"
#include "source_private.h"

/* Of equal times the one that was named later comes first: so does mergecap, and what it writes and
 * what is shown here are to be the same packets with the same numbers. */
static bool head_before(const struct source *s, uint32_t a, uint32_t b)
{
	const int64_t at = s->part[a].head_ns, bt = s->part[b].head_ns;

	return at != bt ? at < bt : a > b;
}

static void heap_push(struct source *s, uint32_t part)
{
	uint32_t *heap = s->merge.heap, at = s->merge.count++;

	for (; at > 0 && head_before(s, part, heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = part;
}

static uint32_t heap_pop(struct source *s)
{
	uint32_t *heap = s->merge.heap, first = heap[0], last = heap[--s->merge.count];
	uint32_t at = 0, below;

	while ((below = at * 2 + 1) < s->merge.count) {
		if (below + 1 < s->merge.count && head_before(s, heap[below + 1], heap[below]))
			below++;
		if (!head_before(s, heap[below], last))
			break;
		heap[at] = heap[below];
		at = below;
	}
	heap[at] = last;
	return first;
}

/* 1: its next packet is known, or there is none; 0: it is not written yet; SOURCE_LATER. A packet
 * without a time comes right behind the one before it. */
static int merge_fill(struct source *s, uint32_t number)
{
	struct part *p = &s->part[number];
	const int r = source_part_next(s, p, &p->head);

	if (r == SOURCE_LATER || (r == 0 && p->growing))
		return r;
	if (!source_interfaces(s, &p->map, capfile_blocks(p->file)))
		p->head.interface = 0;
	if (r == 0)
		return 1;
	if (p->head.has_time)
		p->head_ns = p->head.ts_ns;
	heap_push(s, number);
	return 1;
}

/* The heads of all, so that the earliest is known. */
static int merge_ready(struct source *s)
{
	struct merge *m = &s->merge;
	int r;

	if (!m->heap)
		m->heap = xcalloc(m->wanted, sizeof(*m->heap));
	for (; m->begun < m->wanted; m->begun++)
		if ((r = merge_fill(s, m->begun)) != 1)
			return r;
	if (m->taken == UINT32_MAX)
		return 1;
	r = merge_fill(s, m->taken);
	if (r == 1)
		m->taken = UINT32_MAX;
	return r;
}

int source_merge_next(struct source *s, struct taken *t)
{
	struct merge *m = &s->merge;
	int r = source_begun(s) ? merge_ready(s) : 0;

	if (r != 1)
		return r;
	if (m->count == 0) {
		m->done = true;
		return 0;
	}
	m->taken = heap_pop(s);
	t->pk = s->part[m->taken].head;
	t->pk.number = s->given + 1;
	source_taken(s, &s->part[m->taken], t);
	return 1;
}
