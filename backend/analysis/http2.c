#include "http2.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "decode/http2.h"

#define STREAM_MASK 0x7fffffffu
#define FIRST_STREAM 1u
#define PRIORITY_BYTES 5u

enum { FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8, FLAG_PRIORITY = 32 };
enum { CLIENT_UNKNOWN = 2 };

struct http2_stream {
	uint32_t id;	 /* 0: free */
	bool has_time;	 /* of the request */
	bool had[2];	 /* a header block came, by direction */
	int64_t ts_ns;	 /* the request's end */
	uint64_t row[2]; /* of the message whose body may last, by direction; 0: none */
};

struct http2_side {
	struct hpack *hpack; /* NULL: not needed yet, or given up at what it could not read */
	struct buf block;    /* headers that go on in another frame */
	struct tcp_stream_mark began;
	uint32_t stream;     /* that they belong to */
	uint32_t ending;     /* stream whose last DATA is passed over; 0: none */
	bool ends;	     /* they are all of the message */
	bool begun, seeking; /* seeking: where the next frame begins is not known */
};

struct http2 {
	uint8_t client; /* its direction */
	uint32_t next;
	struct http2_side side[2];
	struct http2_stream stream[HTTP2_STREAMS_MAX];
};

static uint32_t four(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool http2_begins(const uint8_t *p, size_t length)
{
	return p[0] == 'P' ? http2_preface(p, length) : p[0] == 0 && http2_frames(p, length);
}

/* --- header blocks that go on in another frame --- */

static bool block_keep(struct http *s, struct http2_side *side, const uint8_t *p, size_t length)
{
	size_t before = side->block.cap;

	side->block.max = HTTP2_BLOCK_MAX;
	bool kept = s->blocks + length <= HTTP2_BLOCKS_BYTES_MAX &&
		    buf_add(&side->block, p, length) == 0;

	s->blocks += side->block.cap - before;
	return kept;
}

static void block_drop(struct http *s, struct http2_side *side)
{
	s->blocks -= side->block.cap;
	buf_release(&side->block);
}

/* --- */

struct http2 *http2_new(struct http *s)
{
	struct http2 *h;

	if (s->http2 == HTTP2_TALKS_MAX)
		return NULL;
	s->http2++;
	h = xcalloc(1, sizeof(*h));
	h->client = CLIENT_UNKNOWN;
	return h;
}

void http2_free(struct http *s, struct http2 *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < 2; i++) {
		hpack_free(h->side[i].hpack);
		block_drop(s, &h->side[i]);
	}
	free(h);
	s->http2--;
}

/* --- streams --- */

static struct http2_stream *stream_find(struct http2 *h, uint32_t id)
{
	for (unsigned i = 0; id && i < HTTP2_STREAMS_MAX; i++) {
		if (h->stream[i].id == id)
			return &h->stream[i];
	}
	return NULL;
}

/* A new one takes the place of the oldest. */
static struct http2_stream *stream_get(struct http2 *h, uint32_t id)
{
	struct http2_stream *t = stream_find(h, id);

	if (t)
		return t;
	t = &h->stream[h->next++ % HTTP2_STREAMS_MAX];
	*t = (struct http2_stream){.id = id};
	return t;
}

static void stream_asked(struct http2 *h, uint32_t id, const struct tcp_stream_mark *m)
{
	struct http2_stream *t = stream_get(h, id);

	t->ts_ns = m->ts_ns;
	t->has_time = m->has_time;
}

void http2_upgraded(struct http2 *h, unsigned client, const struct tcp_stream_mark *asked)
{
	h->client = (uint8_t)client;
	stream_asked(h, FIRST_STREAM, asked);
}

static void stream_ended(struct http *s, struct http2 *h, uint32_t id, unsigned direction,
			 const struct tcp_stream_mark *m)
{
	struct http2_stream *t = stream_find(h, id);

	if (!t || !t->row[direction])
		return;
	http_row_ended(s, t->row[direction], m);
	t->row[direction] = 0;
}

void http2_skipped(struct http *s, struct http2 *h, unsigned direction,
		   const struct tcp_stream_mark *m)
{
	stream_ended(s, h, h->side[direction].ending, direction, m);
	h->side[direction].ending = 0;
}

/* --- headers --- */

/* Where a text lies in the buffer of texts. */
struct part {
	size_t at, length;
};

struct fields {
	struct buf *text;
	struct part method, host, uri;
	uint16_t status;
};

static void part_keep(struct fields *f, struct part *part, struct str value)
{
	*part = (struct part){f->text->len, value.len < ROWS_TEXT_MAX ? value.len : ROWS_TEXT_MAX};
	if (buf_add(f->text, value.p, part->length) < 0)
		part->length = 0;
}

/* Three digits (RFC 9113 8.3.2). */
static uint16_t status_read(struct str value)
{
	unsigned status = 0;

	if (value.len != 3)
		return 0;
	for (unsigned i = 0; i < 3; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return 0;
		status = status * 10 + (unsigned)(value.p[i] - '0');
	}
	return (uint16_t)status;
}

/* The first of each counts; "host" where there is no authority. */
static void on_header(void *arg, struct str name, struct str value)
{
	struct fields *f = arg;

	if (str_is(name, ":method") && !f->method.length)
		part_keep(f, &f->method, value);
	else if (str_is(name, ":path") && !f->uri.length)
		part_keep(f, &f->uri, value);
	else if (str_is(name, ":status") && !f->status)
		f->status = status_read(value);
	else if ((str_is(name, ":authority") || str_is(name, "host")) && !f->host.length)
		part_keep(f, &f->host, value);
}

static struct str part_text(const struct fields *f, struct part part)
{
	return part.length ? (struct str){(const char *)f->text->data + part.at, part.length}
			   : (struct str){NULL, 0};
}

/* What a block could not say: where its direction is known, a row still says that there was one. */
static bool is_message(const struct http2 *h, const struct http2_stream *t, unsigned direction,
		       const struct fields *f, bool whole, bool *request)
{
	*request = f->method.length > 0;
	if (f->method.length || f->status)
		return true;
	*request = direction == h->client;
	return !whole && h->client != CLIENT_UNKNOWN && (!t || !t->had[direction]);
}

/* A block, from the connection's direction and stream, is all here. `pushed`: a server's promise,
 * which is a request that it sends itself (RFC 9113 8.4). */
struct block {
	const uint8_t *data;
	size_t length;
	uint32_t stream;
	bool cut, ends, pushed;
	const struct tcp_stream_mark *began, *ended;
};

static void block_row(struct http *s, struct http2 *h, const struct talk *t, unsigned direction,
		      const struct block *k, const struct http_head *head)
{
	struct http2_stream *stream = stream_get(h, k->stream);
	struct http_row *r = http_row_add(s, t->connection, direction, head, k->ended);

	if (head->request) {
		stream_asked(h, k->stream, k->ended);
	} else {
		r->has_latency = stream->has_time && k->began->has_time;
		r->latency_ns = k->began->ts_ns - stream->ts_ns;
	}
	if (!k->pushed)
		h->client = (uint8_t)(head->request ? direction : !direction);
	if (k->pushed)
		http_row_ended(s, http_row_number(s), k->ended);
	else
		stream->row[direction] = http_row_number(s);
	/* A response below 200 is followed by another (RFC 9110 15.2). */
	stream->had[direction] = !k->pushed && (!head->status || head->status >= 200);
}

static bool block_inflate(struct http *s, struct http2_side *side, const struct block *k,
			  struct fields *f)
{
	buf_clear(&s->text);
	if (!side->hpack)
		side->hpack = hpack_new(s->hpack);
	if (side->hpack && hpack_read(side->hpack, k->data, k->length, on_header, f) && !k->cut)
		return true;
	/* What comes next is read by a new one, which knows nothing of what was before. */
	hpack_free(side->hpack);
	side->hpack = NULL;
	return false;
}

static void block_read(struct http *s, struct http2 *h, const struct talk *t, unsigned direction,
		       const struct block *k)
{
	struct fields f = {.text = &s->text};
	const bool whole = block_inflate(s, &h->side[direction], k, &f);
	struct http_head head = {.status = f.status};

	if (is_message(h, stream_find(h, k->stream), direction, &f, whole, &head.request)) {
		head.method = part_text(&f, f.method);
		head.host = part_text(&f, f.host);
		head.uri = part_text(&f, f.uri);
		block_row(s, h, t, direction, k, &head);
	}
	if (k->ends)
		stream_ended(s, h, k->stream, direction, k->ended);
}

/* --- frames --- */

struct frame {
	uint32_t length, stream;
	uint8_t type, flags;
};

static struct frame frame_read(const uint8_t *p)
{
	return (struct frame){four(p) >> 8, four(p + 5) & STREAM_MASK, p[3], p[4]};
}

/* The part of a frame that is a header block: without padding, priority, promised stream. */
static bool block_find(const struct frame *f, const uint8_t *body, size_t here, struct block *k)
{
	size_t before = 0, behind = 0;

	if (f->type != HTTP2_CONTINUATION && f->flags & FLAG_PADDED) {
		if (here < 1)
			return false;
		behind = body[0];
		before = 1;
	}
	if (f->type == HTTP2_HEADERS && f->flags & FLAG_PRIORITY)
		before += PRIORITY_BYTES;
	if (f->type == HTTP2_PUSH) {
		if (here < before + 4)
			return false;
		k->stream = four(body + before) & STREAM_MASK;
		before += 4;
	}
	if (before + behind > f->length || before > here)
		return false;
	k->data = body + before;
	k->length = f->length - before - behind;
	k->cut = here < before + k->length;
	if (k->cut)
		k->length = here - before;
	return true;
}

/* Keeps a block that goes on, or takes it up. false: it is not to be read any more. */
static bool block_join(struct http *s, struct http2_side *side, const struct frame *f,
		       struct block *k)
{
	if (f->type == HTTP2_CONTINUATION) {
		if (side->stream == 0 || !block_keep(s, side, k->data, k->length))
			return false;
		k->data = side->block.data;
		k->length = side->block.len;
		k->stream = side->stream;
		k->ends = side->ends;
		k->began = &side->began;
		return true;
	}
	if (f->flags & FLAG_END_HEADERS)
		return true;
	block_drop(s, side);
	side->stream = k->stream;
	side->ends = k->ends;
	side->began = *k->began;
	return block_keep(s, side, k->data, k->length);
}

static void side_forget(struct http *s, struct http2_side *side)
{
	hpack_free(side->hpack);
	side->hpack = NULL;
	side->stream = 0;
	block_drop(s, side);
}

static void headers(struct http *s, struct http2 *h, const struct talk *t,
		    const struct talk_bytes *b, const struct frame *f)
{
	struct http2_side *side = &h->side[b->direction];
	struct block k = {.stream = f->stream,
			  .ends = f->type == HTTP2_HEADERS && f->flags & FLAG_END_STREAM,
			  .pushed = f->type == HTTP2_PUSH,
			  .began = b->began,
			  .ended = b->ended};

	if (!block_find(f, b->data + HTTP2_FRAME_HEADER,
			b->length - HTTP2_FRAME_HEADER < f->length ? b->length - HTTP2_FRAME_HEADER
								   : f->length,
			&k) ||
	    !block_join(s, side, f, &k)) {
		side_forget(s, side);
		return;
	}
	if (!(f->flags & FLAG_END_HEADERS) && !k.cut)
		return;
	block_read(s, h, t, b->direction, &k);
	side->stream = 0;
	block_drop(s, side);
}

/* Data is passed over; with its last byte the message ends. */
static void data(struct http *s, struct http2 *h, const struct talk_bytes *b, const struct frame *f)
{
	if (!(f->flags & FLAG_END_STREAM))
		return;
	if (b->length - HTTP2_FRAME_HEADER >= f->length)
		stream_ended(s, h, f->stream, b->direction, b->ended);
	else
		h->side[b->direction].ending = f->stream;
}

static bool has_block(const struct frame *f)
{
	return f->type == HTTP2_HEADERS || f->type == HTTP2_PUSH || f->type == HTTP2_CONTINUATION;
}

static uint64_t frame(struct http *s, struct http2 *h, const struct talk *t,
		      const struct talk_bytes *b)
{
	const struct frame f = frame_read(b->data);
	const uint64_t taken = HTTP2_FRAME_HEADER + (uint64_t)f.length;

	if (has_block(&f) && taken > HTTP2_BLOCK_MAX) {
		side_forget(s, &h->side[b->direction]);
		return taken;
	}
	if (has_block(&f) && b->length < taken && !b->last)
		return TALK_MORE;
	if (has_block(&f))
		headers(s, h, t, b, &f);
	else if (f.type == HTTP2_DATA)
		data(s, h, b, &f);
	return taken;
}

/* The client's side begins with words that no frame can be. */
static uint64_t side_begin(struct http2 *h, const struct talk_bytes *b)
{
	if (b->length < HTTP2_PREFACE_BYTES)
		return b->last ? b->length : TALK_MORE;
	h->client = (uint8_t)b->direction;
	h->side[b->direction].begun = true;
	return HTTP2_PREFACE_BYTES;
}

uint64_t http2_parse(struct http *s, struct http2 *h, struct talk *t, const struct talk_bytes *b)
{
	struct http2_side *side = &h->side[b->direction];

	if (b->lost) {
		side_forget(s, side);
		side->ending = 0;
		side->seeking = true;
	}
	if (!side->begun && http2_preface(b->data, b->length))
		return side_begin(h, b);
	if (side->seeking && !http2_frames(b->data, b->length))
		return b->length;
	side->seeking = false;
	side->begun = true;
	if (b->length < HTTP2_FRAME_HEADER)
		return b->last ? b->length : TALK_MORE;
	return frame(s, h, t, b);
}
