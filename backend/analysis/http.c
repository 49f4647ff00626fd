/* Requests and responses of HTTP/1, over TCP; over UDP (SSDP) and SCTP those that lie in one
 * packet. Bodies are passed over. HTTP/2 is read where it begins (http2.c). */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "columns.h"
#include "http2.h"
#include "http_rows.h"

#define HTTP(X)                                                                                    \
	X(PACKET, "packet", COUNT, 0, "", "The packet in which the message's head ended.")         \
	X(CONNECTION, "connection", COUNT, 0, "", "The connection's number.")                      \
	X(KIND, "kind", TEXT, 0, "", "request or response.")                                       \
	X(METHOD, "method", TEXT, 0, "", "What a request asks for.")                               \
	X(HOST, "host", TEXT, 0, "", "The request's Host, or :authority of HTTP/2.")               \
	X(URI, "uri", TEXT, 0, "", "The request's target.")                                        \
	X(STATUS, "status", COUNT, 0, "",                                                          \
	  "How the response answers; empty cells where HTTP/2 refers to what was not seen.")       \
	X(LATENCY_MS, "latency_ms", MS, 0, "ms",                                                   \
	  "Time from the last packet of the request's head to the first of the response.")         \
	X(LAST_PACKET, "last_packet", COUNT, COLUMN_HIDDEN, "",                                    \
	  "The packet in which the message's body ended; empty before, and where it is not seen.") \
	X(DIRECTION, "direction", TEXT, COLUMN_HIDDEN, "", "ab or ba, within its connection.")

#define HTTP_ENUM(NAME, name, kind, flags, unit, summary) HTTP_##NAME,
enum http_column { HTTP(HTTP_ENUM) HTTP_COLUMNS };

#define HEAD_MAX (64u * 1024) /* bytes of a head */
#define ASKED_MAX 32u	      /* requests of a connection that wait for their responses */
#define SCTP_CHUNK_HEADER 16u /* of DATA, RFC 9260 3.3.1 */

static const struct column columns[] = {HTTP(ANALYSIS_COLUMN)};

const struct table_type type_http = {
	.name = "http",
	.summary = "One row a request or response of HTTP/1, or of HTTP/2 in clear.",
	.arguments = "",
	.columns = columns,
	.ncolumns = HTTP_COLUMNS,
};

enum body { BODY_NONE, BODY_LENGTH, BODY_CHUNKS, BODY_TRAILER };

/* A request that waits. */
struct asked {
	struct tcp_stream_mark mark; /* its end */
	bool head, connect;
};

struct own {
	struct asked asked[ASKED_MAX];
	uint32_t first, count;
	uint8_t body[2];     /* enum body, of the message that is passed over */
	bool seeks[2];	     /* the next message's beginning is not known */
	uint64_t row[2];     /* of that message: its number; 0: none */
	struct http2 *http2; /* NULL: this connection does not speak it */
};

static struct own *own_of(struct talk *t)
{
	return (struct own *)(void *)t->own;
}

/* --- rows --- */

struct http_row *http_row_add(struct http *s, uint64_t connection, unsigned direction,
			      const struct http_head *h, const struct tcp_stream_mark *m)
{
	struct http_row *r = rows_add(&s->m.rows);

	r->packet = m->packet;
	r->connection = connection;
	r->direction = (uint8_t)direction;
	r->request = h->request;
	r->status = h->status;
	r->method = rows_text(&s->m.rows, h->method);
	r->host = rows_text(&s->m.rows, h->host);
	r->uri = rows_text(&s->m.rows, h->uri);
	return r;
}

uint64_t http_row_number(const struct http *s)
{
	return s->m.rows.gone + s->m.rows.count;
}

void http_row_ended(struct http *s, uint64_t number, const struct tcp_stream_mark *m)
{
	uint64_t row = number - 1;
	struct http_row *r = number && row >= s->m.rows.gone
				     ? rows_change(&s->m.rows, row - s->m.rows.gone)
				     : NULL;

	if (r)
		r->last_packet = m->packet;
}

static void row_ended(struct http *s, struct own *o, unsigned direction,
		      const struct tcp_stream_mark *m)
{
	http_row_ended(s, o->row[direction], m);
	o->row[direction] = 0;
	o->body[direction] = BODY_NONE;
}

/* --- requests and their responses --- */

static void asked_add(struct own *o, const struct http_head *h, const struct tcp_stream_mark *m)
{
	if (o->count == ASKED_MAX) { /* nobody answers: the oldest is let go */
		o->first++;
		o->count--;
	}
	o->asked[(o->first + o->count++) % ASKED_MAX] =
		(struct asked){.mark = *m,
			       .head = str_is(h->method, "HEAD"),
			       .connect = str_is(h->method, "CONNECT")};
}

/* The request that this response answers; a zeroed one when it was not seen. */
static struct asked asked_take(struct own *o, const struct http_head *h)
{
	if (o->count == 0)
		return (struct asked){0};
	struct asked a = o->asked[o->first % ASKED_MAX];

	if (h->status >= 200 || h->status == HTTP_STATUS_SWITCHING) { /* 100: another will come */
		o->first++;
		o->count--;
	}
	return a;
}

/* --- one message --- */

/* Behind the head: how much is passed over. */
static uint64_t body_after(struct own *o, const struct talk_bytes *b, const struct http_head *h,
			   const struct asked *a, size_t head)
{
	const bool none =
		!h->request && (h->status < 200 || h->status == 204 || h->status == 304 || a->head);

	if (none)
		return head;
	if (h->chunked) {
		o->body[b->direction] = BODY_CHUNKS;
		return head;
	}
	if (h->has_length && h->length) {
		o->body[b->direction] = BODY_LENGTH;
		return head + h->length;
	}
	if (h->request || h->has_length)
		return head;
	o->body[b->direction] = BODY_LENGTH;
	return TALK_REST;
}

static uint64_t message(struct http *s, struct talk *t, const struct talk_bytes *b, size_t head)
{
	struct own *o = own_of(t);
	struct http_head h;
	struct asked a = {0};

	http_head_read(&h, b->data, head);
	struct http_row *r = http_row_add(s, t->connection, b->direction, &h, b->ended);

	if (h.request) {
		asked_add(o, &h, b->ended);
	} else {
		a = asked_take(o, &h);
		r->has_latency = a.mark.has_time && b->began->has_time;
		r->latency_ns = b->began->ts_ns - a.mark.ts_ns;
	}
	o->row[b->direction] = http_row_number(s);
	o->seeks[b->direction] = false;
	/* What follows is another protocol (RFC 9110 7.8, 9.3.6). */
	if (!h.request &&
	    (h.status == HTTP_STATUS_SWITCHING || (a.connect && h.status / 100 == 2))) {
		row_ended(s, o, b->direction, b->ended);
		if (h.http2 && (o->http2 = http2_new(s))) {
			http2_upgraded(o->http2, !b->direction, &a.mark);
			return head;
		}
		t->side[!b->direction].stopped = true;
		return TALK_STOP;
	}
	uint64_t taken = body_after(o, b, &h, &a, head);

	if (taken <= b->length && o->body[b->direction] != BODY_CHUNKS)
		row_ended(s, o, b->direction, b->ended);
	return taken;
}

/* --- bodies in chunks --- */

static uint64_t chunk(struct http *s, struct own *o, const struct talk_bytes *b)
{
	size_t line;
	uint64_t size;

	if (!http_chunk_read(b->data, b->length, &line, &size)) {
		o->body[b->direction] = BODY_NONE;
		o->seeks[b->direction] = true;
		return b->data[0] == '\n' || b->length == 1 ? 1 : http_seek(b->data, b->length);
	}
	if (line == 0)
		return b->last ? b->length : TALK_MORE;
	if (size == 0) {
		o->body[b->direction] = BODY_TRAILER;
		return line;
	}
	(void)s;
	return line + size + 2; /* and its line's end */
}

static uint64_t trailer(struct http *s, struct own *o, const struct talk_bytes *b)
{
	size_t length = http_head_length(b->data, b->length);

	if (length == 0 && !b->last)
		return TALK_MORE;
	row_ended(s, o, b->direction, b->ended);
	return length ? length : b->length;
}

/* --- a side --- */

/* Nothing is known about these bytes: passes over what does not begin a message. */
static uint64_t seek(struct own *o, const struct talk_bytes *b)
{
	size_t skip = http_seek(b->data, b->length);

	if (skip == 0)
		return 0;
	o->seeks[b->direction] = true;
	return skip;
}

/* A connection that speaks HTTP/2 from its beginning, or from where it is seen. */
static uint64_t begin_http2(struct http *s, struct talk *t, const struct talk_bytes *b)
{
	struct own *o = own_of(t);

	o->http2 = http2_new(s);
	if (!o->http2)
		return TALK_STOP;
	return http2_parse(s, o->http2, t, b);
}

static uint64_t parse(void *state, struct talk *t, const struct talk_bytes *b)
{
	struct own *o = own_of(t);
	uint64_t skip;

	if (o->http2)
		return http2_parse(state, o->http2, t, b);
	if (b->lost) {
		/* Which response answers which request is no longer known. */
		o->count = 0;
		o->row[b->direction] = 0;
		o->body[b->direction] = BODY_NONE;
		o->seeks[b->direction] = true;
	}
	if (o->body[b->direction] == BODY_CHUNKS)
		return chunk(state, o, b);
	if (o->body[b->direction] == BODY_TRAILER)
		return trailer(state, o, b);
	if (http2_begins(b->data, b->length))
		return begin_http2(state, t, b);
	if (!o->seeks[b->direction] && (b->data[0] == '\r' || b->data[0] == '\n'))
		return 1; /* RFC 9112 2.2: an empty line before a message is passed over */
	const bool bare = !o->seeks[b->direction] && http_starts_bare(b->data, b->length);

	if (!bare && (skip = seek(o, b)) > 0)
		return skip;
	size_t head = http_head_length(b->data, b->length);
	bool whole;

	if (head == 0 && !b->last)
		return TALK_MORE;
	/* Of a head that is cut off its first line must be here. */
	if (head == 0 && !bare && (!http_starts(b->data, b->length, &whole) || !whole))
		return b->length;
	return message(state, t, b, head ? head : b->length);
}

static void skipped(void *state, struct talk *t, unsigned direction,
		    const struct tcp_stream_mark *m)
{
	struct own *o = own_of(t);

	if (o->http2)
		http2_skipped(state, o->http2, direction, m);
	else if (o->body[direction] == BODY_LENGTH)
		row_ended(state, o, direction, m);
}

static void talk_over(void *state, struct talk *t)
{
	http2_free(state, own_of(t)->http2);
}

static bool last_is(const struct decoded *d, uint8_t protocol)
{
	return d->nlayers && d->layer[d->nlayers - 1].protocol == protocol;
}

static bool wants(const struct analysis_packet *p)
{
	return p->app == PROTO_HTTP || p->app == PROTO_HTTP2 ||
	       (p->d->payload_captured &&
		(last_is(p->d, PROTO_HTTP) || last_is(p->d, PROTO_HTTP2)));
}

static const struct talk_type talk = {.own_bytes = sizeof(struct own),
				      .message_max = HEAD_MAX,
				      .wants = wants,
				      .parse = parse,
				      .skipped = skipped,
				      .close = talk_over};

/* --- one packet alone --- */

static void datagram(struct http *s, const struct analysis_packet *p, const uint8_t *data,
		     size_t length)
{
	const struct tcp_stream_mark m = {p->number, p->ts_ns, p->has_time};
	struct http_head h;
	bool whole;

	if (length == 0 || !http_starts(data, length, &whole) || !whole)
		return;
	http_head_read(&h, data, length);
	http_row_add(s, p->connection, p->direction, &h, &m)->last_packet = p->number;
}

static void sctp(struct http *s, const struct analysis_packet *p)
{
	const uint8_t *c = p->data + p->d->payload_offset;
	size_t left = p->d->payload_captured;

	while (left >= SCTP_CHUNK_HEADER) {
		size_t length = (size_t)c[2] << 8 | c[3], padded = (length + 3) & ~(size_t)3;

		if (length < 4)
			return;
		length = length < left ? length : left;
		if (c[0] == 0 && length > SCTP_CHUNK_HEADER)
			datagram(s, p, c + SCTP_CHUNK_HEADER, length - SCTP_CHUNK_HEADER);
		if (padded >= left)
			return;
		c += padded;
		left -= padded;
	}
}

static void packet(void *state, const struct analysis_packet *any)
{
	struct http *s = state;
	const struct analysis_packet *p = messages_whole(&s->m, any);

	if (!p)
		return;
	const struct decoded *d = p->d;

	if (d->flags & DECODE_TCP)
		talks_packet(&s->m.talks, p);
	else if (d->nlayers && d->ip_protocol == 132)
		sctp(s, p);
	else if (last_is(d, PROTO_SSDP) || last_is(d, PROTO_HTTP))
		datagram(s, p, p->data + d->payload_offset, d->payload_captured);
}

/* --- the table --- */

static void *start(void)
{
	struct http *s = xcalloc(1, sizeof(*s));

	messages_init(&s->m, sizeof(struct http_row), &talk, s);
	s->hpack = hpack_pool_new();
	buf_init(&s->text, HTTP2_BLOCK_MAX);
	return s;
}

static void http_free(void *state)
{
	struct http *s = state;

	messages_release(&s->m);
	hpack_pool_free(s->hpack);
	buf_release(&s->text);
	free(s);
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	const struct rows *all = &((struct http *)state)->m.rows;
	const struct http_row *r = rows_at(all, row);

	if (!r)
		return value_null();
	switch ((enum http_column)column) {
	case HTTP_PACKET:
		return value_count(r->packet);
	case HTTP_CONNECTION:
		return r->connection ? value_count(r->connection) : value_null();
	case HTTP_KIND:
		return value_text(r->request ? "request" : "response");
	case HTTP_METHOD:
		return rows_value(all, row, r->method);
	case HTTP_HOST:
		return rows_value(all, row, r->host);
	case HTTP_URI:
		return rows_value(all, row, r->uri);
	case HTTP_STATUS:
		return r->status ? value_int(r->status) : value_null();
	case HTTP_LATENCY_MS:
		return r->has_latency ? value_int(r->latency_ns) : value_null();
	case HTTP_LAST_PACKET:
		return r->last_packet ? value_count(r->last_packet) : value_null();
	case HTTP_DIRECTION:
		return value_text(r->direction ? "ba" : "ab");
	default:
		return value_null();
	}
}

const struct analysis_type analysis_http = {
	.start = start,
	.free = http_free,
	.packet = packet,
	.end = messages_end,
	.rows = messages_rows,
	.version = messages_version,
	.cell = cell,
	.lacks = messages_lack,
};
