/* The readable messages of TLS over TCP, whatever the port: hellos, certificates, alerts. Records
 * and messages may lie over several segments (RFC 8446 5.1, RFC 5246 6.2); each direction is read
 * until it is encrypted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "columns.h"
#include "decode/tls.h"
#include "messages.h"

#define TLS(X)                                                                                     \
	X(PACKET, "packet", COUNT, 0, "", "The packet in which the message ended.")                \
	X(CONNECTION, "connection", COUNT, 0, "", "The connection's number.")                      \
	X(KIND, "kind", TEXT, 0, "", "client_hello, server_hello, certificate or alert.")          \
	X(SNI, "sni", TEXT, 0, "", "The server's name that the client asks for.")                  \
	X(VERSION, "version", TEXT, 0, "",                                                         \
	  "What was agreed on; of a client hello the best that it offers.")                        \
	X(ALPN, "alpn", TEXT, 0, "",                                                               \
	  "Application protocols, offered or agreed on, joined by blanks.")                        \
	X(CIPHER, "cipher", TEXT, 0, "", "The cipher suite that was agreed on, by IANA's name.")   \
	X(DETAIL, "detail", TEXT, COLUMN_HIDDEN, "", "What an alert says.")                        \
	X(DIRECTION, "direction", TEXT, COLUMN_HIDDEN, "", "ab or ba, within its connection.")

#define TLS_ENUM(NAME, name, kind, flags, unit, summary) TLS_##NAME,
enum tls_column { TLS(TLS_ENUM) TLS_COLUMNS };

#define RECORD_HEADER 5u
#define RECORD_MAX (16384u + 2048u) /* RFC 5246 6.2.3: with what ciphers add */
#define HANDSHAKE_HEADER 4u
#define HANDSHAKE_MAX (64u * 1024) /* bytes of messages that wait, a direction */
#define WAITING_MAX (64u << 20)	   /* in all connections together */
#define SSL2_HELLO_MIN 11u
#define ALPN_TEXT 256u

enum { RECORD_CIPHER = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, CERTIFICATE = 11 };
enum { KIND_CLIENT_HELLO, KIND_SERVER_HELLO, KIND_CERTIFICATE, KIND_ALERT };

static const char *const kinds[] = {"client_hello", "server_hello", "certificate", "alert"};
static const struct column columns[] = {TLS(ANALYSIS_COLUMN)};

const struct table_type type_tls = {
	.name = "tls",
	.summary = "One row a readable message of TLS: hellos, certificates and alerts.",
	.arguments = "",
	.columns = columns,
	.ncolumns = TLS_COLUMNS,
};

struct tls_row {
	uint64_t packet, connection;
	struct row_text sni, alpn, detail;
	uint16_t version, cipher;
	uint8_t kind, direction;
	bool has_cipher;
};

struct tls {
	struct messages m;
	uint64_t waiting; /* bytes taken for handshake messages that are not whole */
	char word[TLS_WORD_TEXT];
};

/* Of a talk: handshake messages whose records came, and what is encrypted. */
struct own {
	struct buf handshake[2];
	bool begun[2], changed[2]; /* a record came; a change of cipher came */
	uint16_t version;	   /* agreed on, 0 not yet */
};

static uint16_t two(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static struct own *own_of(struct talk *t)
{
	struct own *o = (struct own *)(void *)t->own;

	for (unsigned i = 0; i < 2; i++)
		o->handshake[i].max = HANDSHAKE_MAX;
	return o;
}

/* --- rows --- */

static struct tls_row *row_add(struct tls *s, const struct talk *t, const struct talk_bytes *b,
			       unsigned kind)
{
	struct tls_row *r = rows_add(&s->m.rows);

	r->packet = b->ended->packet;
	r->connection = t->connection;
	r->kind = (uint8_t)kind;
	r->direction = (uint8_t)b->direction;
	return r;
}

static struct str alpn_text(struct str list, char out[ALPN_TEXT])
{
	size_t n = 0;

	while (list.len > 1) {
		size_t length = (uint8_t)list.p[0];

		if (length == 0 || length >= list.len || n + length + 1 > ALPN_TEXT)
			break;
		if (n)
			out[n++] = ' ';
		memcpy(out + n, list.p + 1, length);
		n += length;
		list = (struct str){list.p + 1 + length, list.len - 1 - length};
	}
	return (struct str){out, n};
}

static void hello(struct tls *s, struct talk *t, const struct talk_bytes *b, const uint8_t *body,
		  size_t length, bool client)
{
	struct tls_row *r = row_add(s, t, b, client ? KIND_CLIENT_HELLO : KIND_SERVER_HELLO);
	struct tls_hello h;
	char alpn[ALPN_TEXT];

	tls_hello_read(&h, body, length, client);
	r->version = h.version;
	if (!client)
		own_of(t)->version = h.version;
	r->cipher = h.cipher;
	r->has_cipher = !client && h.version;
	r->sni = rows_text(&s->m.rows, h.sni);
	r->alpn = rows_text(&s->m.rows, alpn_text(h.alpn, alpn));
}

/* Before there is an agreement, what the record's head says. */
static uint16_t version_of(struct talk *t, const struct talk_bytes *b)
{
	uint16_t agreed = own_of(t)->version;

	return agreed ? agreed : two(b->data + 1);
}

static void alert(struct tls *s, struct talk *t, const struct talk_bytes *b, const uint8_t *p)
{
	struct tls_row *r = row_add(s, t, b, KIND_ALERT);
	char text[2 * TLS_WORD_TEXT + 32], word[TLS_WORD_TEXT];

	r->version = version_of(t, b);
	(void)snprintf(text, sizeof(text), "%s %s", p[0] == 2 ? "fatal" : "warning",
		       tls_alert_name(p[1], word));
	r->detail = rows_text(&s->m.rows, str_of(text));
}

/* --- messages and records --- */

static void handshake_message(struct tls *s, struct talk *t, const struct talk_bytes *b,
			      const uint8_t *p, size_t length)
{
	if (p[0] == CLIENT_HELLO || p[0] == SERVER_HELLO)
		hello(s, t, b, p + HANDSHAKE_HEADER, length - HANDSHAKE_HEADER,
		      p[0] == CLIENT_HELLO);
	else if (p[0] == CERTIFICATE)
		row_add(s, t, b, KIND_CERTIFICATE)->version = version_of(t, b);
}

static void waiting_release(struct tls *s, struct buf *waits)
{
	s->waiting -= waits->cap;
	buf_release(waits);
}

static bool waiting_add(struct tls *s, struct buf *waits, const uint8_t *p, size_t length)
{
	size_t before = waits->cap;
	bool added = s->waiting + length <= WAITING_MAX && buf_add(waits, p, length) == 0;

	s->waiting += waits->cap - before;
	return added;
}

/* Whole messages of what came in records. false: this is no readable handshake. */
static bool handshake(struct tls *s, struct talk *t, const struct talk_bytes *b, const uint8_t *p,
		      size_t length, bool last)
{
	struct buf *waits = &own_of(t)->handshake[b->direction];
	size_t at = 0;

	if (!waiting_add(s, waits, p, length))
		return false;
	while (waits->len - at >= HANDSHAKE_HEADER) {
		const uint8_t *m = waits->data + at;
		size_t whole = HANDSHAKE_HEADER + ((size_t)m[1] << 16 | (size_t)two(m + 2));

		if (whole > HANDSHAKE_MAX)
			return false;
		if (whole > waits->len - at && !last)
			break;
		if (whole > waits->len - at)
			whole = waits->len - at;
		handshake_message(s, t, b, m, whole);
		at += whole;
	}
	buf_consume(waits, at);
	if (waits->len == 0)
		waiting_release(s, waits);
	return true;
}

/* After a change of cipher only a second ClientHello is readable (RFC 8446 4.1.2). */
static bool handshake_readable(const uint8_t *p, size_t length, bool changed)
{
	if (!changed)
		return true;
	return length >= HANDSHAKE_HEADER && p[0] == CLIENT_HELLO && p[1] == 0 &&
	       two(p + 2) + HANDSHAKE_HEADER == length;
}

static uint64_t record(struct tls *s, struct talk *t, const struct talk_bytes *b, size_t length)
{
	struct own *o = own_of(t);
	const uint8_t *p = b->data + RECORD_HEADER;
	size_t here = b->length - RECORD_HEADER < length ? b->length - RECORD_HEADER : length;

	o->begun[b->direction] = true;
	switch (b->data[0]) {
	case RECORD_CIPHER:
		o->changed[b->direction] = true;
		break;
	case RECORD_ALERT:
		if (length != 2 || here != 2 || o->changed[b->direction])
			return TALK_STOP;
		alert(s, t, b, p);
		break;
	case RECORD_HANDSHAKE:
		if (!handshake_readable(p, here, o->changed[b->direction]) ||
		    !handshake(s, t, b, p, here, here < length))
			return TALK_STOP;
		break;
	default:
		return TALK_STOP; /* data: nothing behind it can be read */
	}
	return RECORD_HEADER + length;
}

static bool is_record(const uint8_t *p, size_t length)
{
	return length >= RECORD_HEADER && p[0] >= RECORD_CIPHER && p[0] <= RECORD_DATA + 1 &&
	       p[1] == 3 && p[2] <= 4 && two(p + 3) <= RECORD_MAX;
}

/* The hello of SSL 2.0, in which old clients offered the versions after it (RFC 5246 E.2). */
static bool is_ssl2_hello(const uint8_t *p, size_t length)
{
	return length >= SSL2_HELLO_MIN && (p[0] & 0x80) && p[2] == CLIENT_HELLO &&
	       ((p[3] == 3 && p[4] <= 3) || two(p + 3) == 2) && two(p + 5) % 3 == 0 &&
	       two(p + 5) > 0 && (two(p) & 0x7fff) == 9 + two(p + 5) + two(p + 7) + two(p + 9);
}

static uint64_t ssl2_hello(struct tls *s, struct talk *t, const struct talk_bytes *b)
{
	uint64_t length = 2 + (two(b->data) & 0x7fffu);

	if (b->length < length && !b->last)
		return TALK_MORE;
	own_of(t)->begun[b->direction] = true;
	row_add(s, t, b, KIND_CLIENT_HELLO)->version = two(b->data + 3);
	return length;
}

static uint64_t parse_record(struct tls *s, struct talk *t, const struct talk_bytes *b)
{
	const bool begun = own_of(t)->begun[b->direction];

	if (b->lost && begun)
		return TALK_STOP; /* a record's beginning cannot be found again */
	if (!begun && is_ssl2_hello(b->data, b->length))
		return ssl2_hello(s, t, b);
	if (b->length < RECORD_HEADER)
		return b->last ? b->length : TALK_MORE;
	if (!is_record(b->data, b->length))
		return begun ? TALK_STOP : b->length; /* words in clear before it (STARTTLS) */
	size_t length = two(b->data + 3);

	/* What is encrypted need not be here. */
	if (b->length - RECORD_HEADER < length && !b->last && b->data[0] != RECORD_DATA)
		return TALK_MORE;
	return record(s, t, b, length);
}

static uint64_t parse(void *state, struct talk *t, const struct talk_bytes *b)
{
	uint64_t taken = parse_record(state, t, b);

	if (taken == TALK_STOP)
		waiting_release(state, &own_of(t)->handshake[b->direction]);
	return taken;
}

static void talk_over(void *state, struct talk *t)
{
	for (unsigned i = 0; i < 2; i++)
		waiting_release(state, &own_of(t)->handshake[i]);
}

static bool wants(const struct analysis_packet *p)
{
	const uint8_t *payload = p->data + p->d->payload_offset;
	uint32_t length = p->d->payload_captured;

	if (p->app == PROTO_TLS || is_ssl2_hello(payload, length))
		return true;
	return length > RECORD_HEADER + HANDSHAKE_HEADER && is_record(payload, length) &&
	       payload[0] == RECORD_HANDSHAKE && payload[RECORD_HEADER] <= SERVER_HELLO &&
	       payload[RECORD_HEADER] >= CLIENT_HELLO && payload[RECORD_HEADER + 1] == 0;
}

static const struct talk_type talk = {.own_bytes = sizeof(struct own),
				      .message_max = RECORD_HEADER + RECORD_MAX,
				      .wants = wants,
				      .parse = parse,
				      .close = talk_over};

static void packet(void *state, const struct analysis_packet *p)
{
	talks_packet(&((struct tls *)state)->m.talks, p);
}

/* --- the table --- */

static void *start(void)
{
	struct tls *s = xcalloc(1, sizeof(*s));

	messages_init(&s->m, sizeof(struct tls_row), &talk, s);
	return s;
}

static void tls_free(void *state)
{
	struct tls *s = state;

	messages_release(&s->m);
	free(s);
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	struct tls *s = state;
	const struct tls_row *r = rows_at(&s->m.rows, row);

	if (!r)
		return value_null();
	switch ((enum tls_column)column) {
	case TLS_PACKET:
		return value_count(r->packet);
	case TLS_CONNECTION:
		return value_count(r->connection);
	case TLS_KIND:
		return value_text(kinds[r->kind]);
	case TLS_SNI:
		return rows_value(&s->m.rows, row, r->sni);
	case TLS_VERSION:
		return r->version ? value_text(tls_version_name(r->version, s->word))
				  : value_null();
	case TLS_ALPN:
		return rows_value(&s->m.rows, row, r->alpn);
	case TLS_CIPHER:
		return r->has_cipher ? value_text(tls_cipher_name(r->cipher, s->word))
				     : value_null();
	case TLS_DETAIL:
		return rows_value(&s->m.rows, row, r->detail);
	case TLS_DIRECTION:
		return value_text(r->direction ? "ba" : "ab");
	default:
		return value_null();
	}
}

const struct analysis_type analysis_tls = {
	.stands = true,
	.start = start,
	.free = tls_free,
	.packet = packet,
	.end = messages_end,
	.rows = messages_rows,
	.version = messages_version,
	.cell = cell,
	.lacks = messages_lack,
};
