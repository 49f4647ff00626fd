#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define QUEUE_FIRST_BYTES (64u * 1024)
#define QUEUE_FIRST_PLACES 256u
#define QUEUE_KEEP_BYTES (1024u * 1024) /* room that an empty queue keeps */

/* A packet that is held; its bytes follow, padded to 8. */
struct held {
	int64_t ts_ns, mono_ns;
	uint32_t captured, length;
	uint64_t left; /* it is out; its room is free when all before it are */
};

struct place {
	int64_t ts_ns;
	uint64_t at; /* byte of all that the source ever gave */
};

/* Bytes lie as they came; places are in the order of time, the same time as they came. */
struct queue {
	uint8_t *data;
	size_t first, end, cap; /* used bytes */
	uint64_t base;		/* which byte of all data[0] is */
	struct place *place;
	size_t place_first, place_end, place_cap;
	int64_t low_ns, looked_mono_ns;
	bool live, lags;
	unsigned heap_at; /* where its head stands there, from 1; 0: it holds nothing */
};

struct merge {
	int64_t wait_ns, out_ns; /* out_ns: the newest that has left */
	size_t bytes;		 /* held, of all */
	uint64_t late;
	merge_emit_fn *emit;
	void *arg;
	unsigned heads;
	uint32_t heap[MERGE_SOURCES_MAX + 1]; /* from 1: sources, the oldest head first */
	struct queue queue[MERGE_SOURCES_MAX];
};

struct merge *merge_new(int64_t wait_ns, merge_emit_fn *emit, void *arg)
{
	struct merge *m = xcalloc(1, sizeof(*m));

	m->wait_ns = wait_ns;
	m->out_ns = INT64_MIN;
	m->emit = emit;
	m->arg = arg;
	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++)
		m->queue[i].low_ns = m->queue[i].looked_mono_ns = INT64_MIN;
	return m;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++) {
		free(m->queue[i].data);
		free(m->queue[i].place);
	}
	free(m);
}

/* --- the heap of heads --- */

static int64_t head_ns(const struct queue *q)
{
	return q->place[q->place_first].ts_ns;
}

/* Among equals the first source. */
static bool before(const struct merge *m, uint32_t a, uint32_t b)
{
	const int64_t ta = head_ns(&m->queue[a]), tb = head_ns(&m->queue[b]);

	return ta < tb || (ta == tb && a < b);
}

static void heap_put(struct merge *m, unsigned at, uint32_t source)
{
	m->heap[at] = source;
	m->queue[source].heap_at = at;
}

static void heap_up(struct merge *m, unsigned at)
{
	const uint32_t source = m->heap[at];

	for (; at > 1 && before(m, source, m->heap[at / 2]); at /= 2)
		heap_put(m, at, m->heap[at / 2]);
	heap_put(m, at, source);
}

static void heap_down(struct merge *m, unsigned at)
{
	const uint32_t source = m->heap[at];

	for (unsigned next = 2 * at; next <= m->heads; next = 2 * at) {
		if (next < m->heads && before(m, m->heap[next + 1], m->heap[next]))
			next++;
		if (!before(m, m->heap[next], source))
			break;
		heap_put(m, at, m->heap[next]);
		at = next;
	}
	heap_put(m, at, source);
}

/* The head of the first source has left. */
static void heap_next(struct merge *m)
{
	struct queue *q = &m->queue[m->heap[1]];

	if (q->place_first == q->place_end) {
		q->heap_at = 0;
		q->place_first = q->place_end = 0;
		m->heap[1] = m->heap[m->heads--];
	}
	if (m->heads > 0)
		heap_down(m, 1);
}

/* --- queues --- */

static size_t held_bytes(uint32_t captured)
{
	return sizeof(struct held) + (((size_t)captured + 7) & ~(size_t)7);
}

static struct held *held_at(const struct queue *q, size_t at)
{
	return (struct held *)(void *)(q->data + at);
}

/* Moved down only when as much is free as is moved: each byte is moved once, about. */
static uint8_t *queue_room(struct queue *q, size_t bytes)
{
	if (q->end + bytes > q->cap && q->first > 0 && q->first >= q->end - q->first) {
		memmove(q->data, q->data + q->first, q->end - q->first);
		q->base += q->first;
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

/* One that came out of order takes its place; that is rare, and near the end. */
static void place_add(struct queue *q, int64_t ts_ns, uint64_t at)
{
	size_t i;

	if (q->place_end == q->place_cap && q->place_first > q->place_end / 2) {
		memmove(q->place, q->place + q->place_first,
			(q->place_end - q->place_first) * sizeof(*q->place));
		q->place_end -= q->place_first;
		q->place_first = 0;
	}
	if (q->place_end == q->place_cap) {
		q->place_cap = q->place_cap ? 2 * q->place_cap : QUEUE_FIRST_PLACES;
		q->place = xreallocarray(q->place, q->place_cap, sizeof(*q->place));
	}
	for (i = q->place_end++; i > q->place_first && q->place[i - 1].ts_ns > ts_ns; i--)
		q->place[i] = q->place[i - 1];
	q->place[i] = (struct place){.ts_ns = ts_ns, .at = at};
}

/* Room is free from the first on that is still held. */
static void queue_trim(struct queue *q)
{
	while (q->first < q->end && held_at(q, q->first)->left)
		q->first += held_bytes(held_at(q, q->first)->captured);
	if (q->first < q->end)
		return;
	q->base += q->end;
	q->first = q->end = 0;
	if (q->cap <= QUEUE_KEEP_BYTES)
		return;
	free(q->data);
	q->data = NULL;
	q->cap = 0;
}

static void promise(struct merge *m, struct queue *q, int64_t low_ns)
{
	if (low_ns > q->low_ns)
		q->low_ns = low_ns;
	if (q->lags && q->low_ns >= m->out_ns)
		q->lags = false;
}

/* --- packets --- */

static int let_out(struct merge *m, bool must)
{
	const uint32_t source = m->heap[1];
	struct queue *q = &m->queue[source];
	struct held *h = held_at(q, (size_t)(q->place[q->place_first].at - q->base));
	struct source_packet p = {.ts_ns = h->ts_ns,
				  .captured = h->captured,
				  .length = h->length,
				  .late = h->ts_ns < m->out_ns,
				  .data = (const uint8_t *)(h + 1)};

	if (m->emit(m->arg, source, &p, must) && !must)
		return -1;
	if (p.late)
		m->late++;
	else
		m->out_ns = h->ts_ns;
	m->bytes -= held_bytes(h->captured);
	h->left = 1;
	q->place_first++;
	queue_trim(q);
	heap_next(m);
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

	while (m->heads > 0 && m->bytes + bytes > MERGE_BYTES_MAX)
		(void)let_out(m, true);
	room = queue_room(q, bytes);
	memcpy(room, &h, sizeof(h));
	memcpy(room + sizeof(h), p->data, p->captured);
	place_add(q, p->ts_ns, q->base + q->end);
	q->end += bytes;
	m->bytes += bytes;
	if (!q->heap_at)
		heap_put(m, ++m->heads, source);
	heap_up(m, q->heap_at);
	promise(m, q, p->ts_ns - MERGE_DISORDER_NS);
}

void merge_looked(struct merge *m, uint32_t source, int64_t mono_ns)
{
	m->queue[source].looked_mono_ns = mono_ns;
}

void merge_idle(struct merge *m, uint32_t source, int64_t now_ns)
{
	promise(m, &m->queue[source], now_ns - MERGE_RETIRE_NS - MERGE_DISORDER_NS);
}

void merge_set_live(struct merge *m, uint32_t source, bool live)
{
	m->queue[source].live = live;
	m->queue[source].lags = false;
	m->queue[source].looked_mono_ns = INT64_MIN;
}

int64_t merge_low_ns(const struct merge *m)
{
	int64_t low = INT64_MAX;

	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++) {
		const struct queue *q = &m->queue[i];

		if (q->live && !q->lags && q->low_ns < low)
			low = q->low_ns;
	}
	return low;
}

/* Somebody has waited for his whole time, and all were looked at since: had we been asleep
 * ourselves, what is older would lie in a ring unread. */
static bool overdue(const struct merge *m)
{
	int64_t looked = INT64_MAX, oldest = INT64_MAX;

	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++) {
		const struct queue *q = &m->queue[i];

		if (q->live && q->looked_mono_ns < looked)
			looked = q->looked_mono_ns;
		if (q->first < q->end && held_at(q, q->first)->mono_ns < oldest)
			oldest = held_at(q, q->first)->mono_ns;
	}
	return oldest != INT64_MAX && looked >= oldest + m->wait_ns;
}

/* Those who hold up the oldest packet are not waited for any more. */
static void pass_over(struct merge *m, int64_t ts_ns)
{
	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++) {
		if (m->queue[i].live && m->queue[i].low_ns < ts_ns)
			m->queue[i].lags = true;
	}
}

void merge_run(struct merge *m)
{
	int64_t low = merge_low_ns(m);

	while (m->heads > 0) {
		const int64_t ts_ns = head_ns(&m->queue[m->heap[1]]);

		if (ts_ns > low && overdue(m)) {
			pass_over(m, ts_ns);
			low = merge_low_ns(m);
		}
		if (ts_ns > low && !merge_full(m))
			return;
		if (let_out(m, false))
			return;
	}
}

void merge_flush(struct merge *m)
{
	while (m->heads > 0)
		(void)let_out(m, true);
}

void merge_new_epoch(struct merge *m)
{
	merge_flush(m);
	m->out_ns = INT64_MIN;
	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++) {
		m->queue[i].low_ns = INT64_MIN;
		m->queue[i].lags = false;
	}
}

bool merge_full(const struct merge *m)
{
	return m->bytes > MERGE_BYTES_MAX / 4 * 3;
}

uint64_t merge_late(const struct merge *m)
{
	return m->late;
}

bool merge_lags(const struct merge *m, uint32_t source)
{
	return m->queue[source].lags;
}
