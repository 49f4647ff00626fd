#include "talk.h"

#include <stdio.h>

static void talk_over(void *state, void *thing, bool evicted)
{
	struct talks *s = state;
	struct talk *t = thing;

	s->evicted += evicted && !t->ended;
	if (s->type->close)
		s->type->close(s->state, t);
	for (unsigned i = 0; i < 2; i++) {
		tcp_stream_release(&t->side[i].stream, &s->pool);
		s->rest_bytes -= t->side[i].rest.cap;
		buf_release(&t->side[i].rest);
	}
}

void talks_init(struct talks *t, const struct talk_type *type, void *state)
{
	*t = (struct talks){.type = type, .state = state};
	keyed_init(&t->all, sizeof(struct talk) + type->own_bytes, ANALYSIS_TALKS_MAX, talk_over,
		   t);
}

static struct talk *talk_new(struct talks *s, uint64_t connection)
{
	struct talk *t = keyed_add(&s->all, connection);

	t->connection = connection;
	for (unsigned i = 0; i < 2; i++)
		buf_init(&t->side[i].rest, s->type->message_max);
	return t;
}

void talks_release(struct talks *s)
{
	keyed_release(&s->all);
}

/* --- bytes in order --- */

/* Whose bytes come. */
struct coming {
	struct talks *talks;
	struct talk *talk;
	unsigned direction;
};

/* Passes over what is to be: bytes of the piece that were. */
static uint64_t side_skip(struct coming *c, uint64_t length, const struct tcp_stream_mark *m)
{
	struct talk_side *side = &c->talk->side[c->direction];
	uint64_t n = side->skip < length ? side->skip : length;

	if (!side->skipping)
		return 0;
	if (side->skip != TALK_REST)
		side->skip -= n;
	if (side->skip == 0) {
		side->skipping = false;
		if (c->talks->type->skipped)
			c->talks->type->skipped(c->talks->state, c->talk, c->direction, m);
	}
	return n;
}

/* What the parser answered about `length` bytes: how many are done with. */
static size_t side_taken(struct coming *c, uint64_t taken, size_t length)
{
	struct talk_side *side = &c->talk->side[c->direction];

	if (taken == TALK_STOP) {
		side->stopped = true;
		return length;
	}
	side->lost = false;
	if (taken != TALK_REST && taken <= length)
		return (size_t)taken;
	side->skipping = true;
	side->skip = taken == TALK_REST ? TALK_REST : taken - length;
	return length;
}

/* Parses what can be of these bytes; how many are done with. */
static size_t side_parse(struct coming *c, const uint8_t *data, size_t length,
			 const struct tcp_stream_mark *m, bool last)
{
	struct talk_side *side = &c->talk->side[c->direction];
	size_t done = 0;

	while (done < length && !side->stopped) {
		if (side->skipping) {
			done += (size_t)side_skip(c, length - done, m);
			continue;
		}
		struct talk_bytes b = {.data = data + done,
				       .length = length - done,
				       .direction = c->direction,
				       .last = last,
				       .lost = side->lost,
				       .began = done ? m : &side->began,
				       .ended = m};
		uint64_t taken = c->talks->type->parse(c->talks->state, c->talk, &b);

		if (taken == TALK_MORE)
			break;
		done += side_taken(c, taken, length - done);
	}
	return done;
}

/* --- what waits for the rest of its message --- */

static void rest_release(struct talks *s, struct talk_side *side)
{
	s->rest_bytes -= side->rest.cap;
	buf_release(&side->rest);
}

/* -1: it is too much. */
static int rest_add(struct talks *s, struct talk_side *side, const uint8_t *data, size_t length)
{
	size_t before = side->rest.cap;

	if (s->rest_bytes + length > TALK_REST_BYTES_MAX)
		return -1;
	int r = buf_add(&side->rest, data, length);

	s->rest_bytes += side->rest.cap - before;
	return r;
}

/* The message whose beginning waits will not be all here. */
static void side_break(struct coming *c, const struct tcp_stream_mark *m)
{
	struct talk_side *side = &c->talk->side[c->direction];

	if (side->rest.len && !side->stopped)
		(void)side_parse(c, side->rest.data, side->rest.len, m, true);
	rest_release(c->talks, side);
	side->lost = true;
}

static void side_bytes(struct coming *c, const uint8_t *data, size_t length,
		       const struct tcp_stream_mark *m)
{
	struct talk_side *side = &c->talk->side[c->direction];
	size_t done;

	if (side->rest.len == 0) {
		side->began = *m;
		done = side_parse(c, data, length, m, false);
		if (done)
			side->began = *m;
		data += done;
		length -= done;
		if (length && !side->stopped && rest_add(c->talks, side, data, length) < 0)
			side_break(c, m);
		return;
	}
	if (rest_add(c->talks, side, data, length) < 0) {
		side_break(c, m);
		side_bytes(c, data, length, m);
		return;
	}
	done = side_parse(c, side->rest.data, side->rest.len, m, false);
	if (done) {
		buf_consume(&side->rest, done);
		side->began = *m;
	}
	if (side->rest.len == 0 || side->stopped)
		rest_release(c->talks, side);
}

static void on_piece(void *arg, const struct tcp_stream_piece *p)
{
	struct coming *c = arg;
	struct talk_side *side = &c->talk->side[c->direction];
	uint64_t gap = p->gap;

	if (side->stopped)
		return;
	gap -= side_skip(c, gap, p->mark);
	if (gap)
		side_break(c, &side->last);
	if (p->length)
		side->last = *p->mark;
	if (p->length)
		side_bytes(c, p->data, p->length, p->mark);
}

/* --- packets --- */

/* Where the other side goes on, as the packet acknowledges it. */
static void talk_begin(struct talk *t, const struct analysis_packet *p)
{
	const struct decode_tcp *tcp = &p->d->tcp;

	tcp_stream_start(&t->side[p->direction].stream, tcp->seq + (tcp->flags & TCP_SYN ? 1 : 0));
	if (tcp->flags & TCP_ACK)
		tcp_stream_start(&t->side[!p->direction].stream, tcp->ack);
}

/* A side that has not said anything begins where its SYN says. */
static void talk_syn(struct talk *t, const struct analysis_packet *p)
{
	struct talk_side *side = &t->side[p->direction];

	if ((p->d->tcp.flags & TCP_SYN) && !side->last.packet && !side->stream.held)
		tcp_stream_start(&side->stream, p->d->tcp.seq + 1);
}

/* The side ends: so does a body without a length. */
static void talk_fin(struct talks *s, struct talk *t, unsigned direction,
		     const struct tcp_stream_mark *m)
{
	struct talk_side *side = &t->side[direction];

	if (side->stopped || !side->skipping || side->skip != TALK_REST || side->stream.held)
		return;
	side->skipping = false;
	side->stopped = true;
	if (s->type->skipped)
		s->type->skipped(s->state, t, direction, m);
}

static void talk_close(struct talks *s, struct talk *t)
{
	for (unsigned i = 0; i < 2; i++) {
		struct coming c = {s, t, i};

		tcp_stream_end(&t->side[i].stream, &s->pool, on_piece, &c);
		if (t->side[i].rest.len)
			side_break(&c, &t->side[i].last);
	}
	keyed_remove(&s->all, t->connection);
}

void talks_packet(struct talks *s, const struct analysis_packet *p)
{
	const struct decoded *d = p->d;

	if (!(d->flags & DECODE_TCP) || !p->connection || (d->flags & DECODE_FRAGMENT))
		return;
	struct talk *t = keyed_get(&s->all, p->connection);

	if (!t) {
		if (!s->type->wants(p))
			return;
		t = talk_new(s, p->connection);
		talk_begin(t, p);
	}
	talk_syn(t, p);
	const struct tcp_stream_mark mark = {p->number, p->ts_ns, p->has_time};
	const struct tcp_stream_segment g = {.seq = d->tcp.seq + (d->tcp.flags & TCP_SYN ? 1 : 0),
					     .length = d->payload_bytes,
					     .captured = d->payload_captured,
					     .data = p->data + d->payload_offset,
					     .mark = mark};
	struct coming c = {s, t, p->direction};

	if (!t->side[p->direction].stopped)
		tcp_stream_add(&t->side[p->direction].stream, &s->pool, &g, on_piece, &c);
	if (d->tcp.flags & TCP_FIN)
		talk_fin(s, t, p->direction, &mark);
	/* What is done with stays known, so that its later packets do not begin it anew. */
	t->ended = (d->tcp.flags & TCP_RST) || (t->side[0].stopped && t->side[1].stopped);
	for (unsigned i = 0; i < 2 && t->ended; i++)
		tcp_stream_release(&t->side[i].stream, &s->pool);
}

void talks_end(struct talks *s)
{
	struct talk *t;

	while ((t = keyed_oldest(&s->all)))
		talk_close(s, t);
}

bool talks_lack(const struct talks *s, char note[ANALYSIS_NOTE_MAX])
{
	if (s->evicted == 0)
		return false;
	(void)snprintf(note, ANALYSIS_NOTE_MAX,
		       "%llu connections were left before their end: more than %u were open at "
		       "once",
		       (unsigned long long)s->evicted, ANALYSIS_TALKS_MAX);
	return true;
}
