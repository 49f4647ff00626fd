#include "analysis/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct tcp_stream_held {
	struct tcp_stream_held *next;
	struct tcp_stream_segment segment; /* data points behind this */
	uint8_t bytes[];
};

/* RFC 9293 3.4: sequence numbers wrap. */
static int32_t ahead(uint32_t seq, uint32_t of)
{
	return (int32_t)(seq - of);
}

void tcp_stream_start(struct tcp_stream *s, uint32_t seq)
{
	s->next = seq;
	s->started = true;
}

static void held_free(struct tcp_stream *s, struct tcp_stream_pool *pool, struct tcp_stream_held *h)
{
	s->nheld--;
	s->held_bytes -= h->segment.captured;
	pool->bytes -= sizeof(*h) + h->segment.captured;
	free(h);
}

void tcp_stream_release(struct tcp_stream *s, struct tcp_stream_pool *pool)
{
	while (s->held) {
		struct tcp_stream_held *h = s->held;

		s->held = h->next;
		held_free(s, pool, h);
	}
}

static void give(struct tcp_stream *s, struct tcp_stream_pool *pool,
		 const struct tcp_stream_piece *p, tcp_stream_fn fn, void *arg)
{
	if (p->gap) {
		pool->gaps++;
		pool->gap_bytes += p->gap;
	}
	s->next += p->gap + p->length;
	fn(arg, p);
}

/* A segment that begins at or before the next byte: what of it is new. */
static void give_segment(struct tcp_stream *s, struct tcp_stream_pool *pool,
			 const struct tcp_stream_segment *g, tcp_stream_fn fn, void *arg)
{
	uint32_t old = s->next - g->seq; /* bytes of it that came before */

	if (old >= g->length)
		return;
	struct tcp_stream_piece p = {.mark = &g->mark};

	if (old < g->captured) {
		p.data = g->data + old;
		p.length = g->captured - old;
		give(s, pool, &p, fn, arg);
	}
	old = s->next - g->seq;
	if (old < g->length) {
		p = (struct tcp_stream_piece){.gap = g->length - old, .mark = &g->mark};
		give(s, pool, &p, fn, arg);
	}
}

/* Gives out what has its turn. The list belongs to the caller meanwhile: `fn` may not add. */
static void drain(struct tcp_stream *s, struct tcp_stream_pool *pool, tcp_stream_fn fn, void *arg)
{
	while (s->held && ahead(s->held->segment.seq, s->next) <= 0) {
		struct tcp_stream_held *h = s->held;

		s->held = h->next;
		give_segment(s, pool, &h->segment, fn, arg);
		held_free(s, pool, h);
	}
}

/* Waits no longer for what is missing before the first piece. */
static void skip(struct tcp_stream *s, struct tcp_stream_pool *pool, tcp_stream_fn fn, void *arg)
{
	struct tcp_stream_piece p = {.gap = s->held->segment.seq - s->next,
				     .mark = &s->held->segment.mark};

	give(s, pool, &p, fn, arg);
	drain(s, pool, fn, arg);
}

static void hold(struct tcp_stream *s, struct tcp_stream_pool *pool,
		 const struct tcp_stream_segment *g)
{
	struct tcp_stream_held **at = &s->held, *h;

	while (*at && ahead((*at)->segment.seq, g->seq) < 0)
		at = &(*at)->next;
	/* The same again: one is enough, the one of which more is here. */
	if (*at && (*at)->segment.seq == g->seq && (*at)->segment.captured >= g->captured)
		return;
	h = xmalloc(sizeof(*h) + g->captured);
	h->segment = *g;
	h->segment.data = h->bytes;
	if (g->captured)
		memcpy(h->bytes, g->data, g->captured);
	h->next = *at;
	*at = h;
	s->nheld++;
	s->held_bytes += g->captured;
	pool->bytes += sizeof(*h) + g->captured; /* many small ones take more than their bytes */
}

void tcp_stream_add(struct tcp_stream *s, struct tcp_stream_pool *pool,
		    const struct tcp_stream_segment *segment, tcp_stream_fn fn, void *arg)
{
	struct tcp_stream_segment g = *segment;

	if (g.captured > g.length)
		g.captured = g.length;
	if (g.length == 0)
		return;
	if (!s->started)
		tcp_stream_start(s, g.seq);
	if (ahead(g.seq, s->next) <= 0) {
		/* Nothing of it is new when it ends before the next byte. */
		if (ahead(g.seq + g.length, s->next) > 0)
			give_segment(s, pool, &g, fn, arg);
		drain(s, pool, fn, arg);
		return;
	}
	hold(s, pool, &g);
	while (s->held &&
	       (s->nheld > TCP_STREAM_PIECES_MAX || s->held_bytes > TCP_STREAM_HELD_MAX ||
		pool->bytes > TCP_STREAM_POOL_BYTES_MAX))
		skip(s, pool, fn, arg);
}

void tcp_stream_end(struct tcp_stream *s, struct tcp_stream_pool *pool, tcp_stream_fn fn, void *arg)
{
	while (s->held)
		skip(s, pool, fn, arg);
}
