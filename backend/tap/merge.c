#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define QUEUE_FIRST_BYTES (64u * 1024)

/* A packet in a queue; its bytes follow, padded to 8. */
struct held {
	int64_t ts_ns, mono_ns;
	uint32_t captured, length;
};

/* Bytes from `first` on are used; those before are free until the queue is moved down. */
struct queue {
	uint8_t *data;
	size_t first, end, cap;
	int64_t low_ns, last_ns; /* last_ns: of the newest packet that was added */
	bool live;
};

struct merge {
	uint32_t sources;
	int64_t wait_ns, out_ns; /* out_ns: the newest that has left */
	size_t bytes;		 /* held, of all */
	uint64_t late;
	merge_emit_fn *emit;
	void *arg;
	struct queue queue[];
};

struct merge *merge_new(uint32_t sources, int64_t wait_ns, merge_emit_fn *emit, void *arg)
{
	struct merge *m = xcalloc(1, sizeof(*m) + sources * sizeof(m->queue[0]));

	m->sources = sources;
	m->wait_ns = wait_ns;
	m->out_ns = INT64_MIN;
	m->emit = emit;
	m->arg = arg;
	for (uint32_t i = 0; i < sources; i++)
		m->queue[i].low_ns = m->queue[i].last_ns = INT64_MIN;
	return m;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->sources; i++)
		free(m->queue[i].data);
	free(m);
}

static size_t held_bytes(uint32_t captured)
{
	return sizeof(struct held) + (((size_t)captured + 7) & ~(size_t)7);
}

static const struct held *queue_head(const struct queue *q)
{
	return q->first < q->end ? (const struct held *)(const void *)(q->data + q->first) : NULL;
}

static uint8_t *queue_room(struct queue *q, size_t bytes)
{
	if (q->end + bytes > q->cap && q->first > 0) {
		memmove(q->data, q->data + q->first, q->end - q->first);
		q->end -= q->first;
		q->first = 0;
	}
	if (q->end + bytes > q->cap) {
		size_t cap = q->cap ? q->cap : QUEUE_FIRST_BYTES;

		while (q->end + bytes > cap)
			cap *= 2;
		q->data = xreallocarray(q->data, 1, cap);
		q->cap = cap;
	}
	return q->data + q->end;
}

/* The oldest head; among equals the first source. */
static int oldest(const struct merge *m)
{
	int found = -1;
	int64_t ts_ns = 0;

	for (uint32_t i = 0; i < m->sources; i++) {
		const struct held *h = queue_head(&m->queue[i]);

		if (h && (found < 0 || h->ts_ns < ts_ns)) {
			found = (int)i;
			ts_ns = h->ts_ns;
		}
	}
	return found;
}

static int let_out(struct merge *m, uint32_t source, bool must)
{
	struct queue *q = &m->queue[source];
	const struct held *h = queue_head(q);
	struct source_packet p = {.ts_ns = h->ts_ns,
				  .captured = h->captured,
				  .length = h->length,
				  .data = (const uint8_t *)(h + 1)};
	size_t bytes = held_bytes(h->captured);

	if (m->emit(m->arg, source, &p, must) && !must)
		return -1;
	if (h->ts_ns < m->out_ns)
		m->late++;
	else
		m->out_ns = h->ts_ns;
	q->first += bytes;
	m->bytes -= bytes;
	if (q->first == q->end)
		q->first = q->end = 0;
	return 0;
}

void merge_add(struct merge *m, uint32_t source, const struct source_packet *p, int64_t mono_ns)
{
	struct queue *q = &m->queue[source];
	size_t bytes = held_bytes(p->captured);
	struct held h = {.ts_ns = p->ts_ns,
			 .mono_ns = mono_ns,
			 .captured = p->captured,
			 .length = p->length};
	uint8_t *room;

	while (m->bytes > 0 && m->bytes + bytes > MERGE_BYTES_MAX)
		(void)let_out(m, (uint32_t)oldest(m), true);
	room = queue_room(q, bytes);
	memcpy(room, &h, sizeof(h));
	memcpy(room + sizeof(h), p->data, p->captured);
	q->end += bytes;
	m->bytes += bytes;
	q->last_ns = p->ts_ns;
	if (p->ts_ns - MERGE_DISORDER_NS > q->low_ns)
		q->low_ns = p->ts_ns - MERGE_DISORDER_NS;
}

void merge_idle(struct merge *m, uint32_t source, int64_t now_ns)
{
	int64_t low = now_ns - MERGE_RETIRE_NS - MERGE_DISORDER_NS;

	if (low > m->queue[source].low_ns)
		m->queue[source].low_ns = low;
}

void merge_set_live(struct merge *m, uint32_t source, bool live)
{
	m->queue[source].live = live;
}

int64_t merge_low_ns(const struct merge *m)
{
	int64_t low = INT64_MAX;

	for (uint32_t i = 0; i < m->sources; i++) {
		if (m->queue[i].live && m->queue[i].low_ns < low)
			low = m->queue[i].low_ns;
	}
	return low;
}

void merge_run(struct merge *m, int64_t mono_ns)
{
	int64_t low = merge_low_ns(m);
	int source;

	while ((source = oldest(m)) >= 0) {
		const struct held *h = queue_head(&m->queue[source]);

		if (h->ts_ns > low && mono_ns - h->mono_ns < m->wait_ns)
			return;
		if (let_out(m, (uint32_t)source, false))
			return;
	}
}

void merge_flush(struct merge *m)
{
	int source;

	while ((source = oldest(m)) >= 0)
		(void)let_out(m, (uint32_t)source, true);
}

bool merge_full(const struct merge *m)
{
	return m->bytes > MERGE_BYTES_MAX / 4 * 3;
}

uint64_t merge_late(const struct merge *m)
{
	return m->late;
}
