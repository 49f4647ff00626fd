/* Messages of DNS, multicast DNS and LLMNR, over UDP and TCP, and how long answers took. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "columns.h"
#include "decode/dns.h"
#include "messages.h"

#define DNS(X)                                                                                     \
	X(PACKET, "packet", COUNT, 0, "", "The packet that it came in; its last, over TCP.")       \
	X(CONNECTION, "connection", COUNT, 0, "", "The connection's number.")                      \
	X(ID, "id", TEXT, 0, "", "The message's identifier.")                                      \
	X(RESPONSE, "response", BOOL, 0, "", "Whether it is a response.")                          \
	X(NAME, "name", TEXT, 0, "",                                                               \
	  "The name that is asked for; of several questions all, joined by blanks.")               \
	X(TYPE, "type", TEXT, 0, "", "The type that is asked for, as the names.")                  \
	X(RCODE, "rcode", TEXT, 0, "", "How the question was answered.")                           \
	X(LATENCY_MS, "latency_ms", MS, 0, "ms",                                                   \
	  "Time from the first query without an answer of the same connection, identifier and "    \
	  "name (where the response repeats it) to this response.")

#define DNS_ENUM(NAME, name, kind, flags, unit, summary) DNS_##NAME,
enum dns_column { DNS(DNS_ENUM) DNS_COLUMNS };

#define ID_TEXT 8u
#define QUESTIONS_MAX 64u	 /* of one message; further ones are not shown */
#define OPEN_MAX 65536u		 /* queries that wait for an answer; past it the oldest does not */
#define MESSAGE_MAX (65535u + 2) /* over TCP, with its length */

static const struct column columns[] = {DNS(ANALYSIS_COLUMN)};

const struct table_type type_dns = {
	.name = "dns",
	.summary = "One row a message of DNS, multicast DNS or LLMNR.",
	.arguments = "",
	.columns = columns,
	.ncolumns = DNS_COLUMNS,
};

struct dns_row {
	uint64_t packet, connection;
	int64_t latency_ns; /* -1: unknown; answers before their queries have none */
	struct row_text name, type;
	uint16_t id;
	uint8_t rcode;
	bool response, has_latency;
};

/* A query that waits. */
struct query_key {
	uint64_t connection, id;
};
struct query {
	struct query_key key;
	uint64_t names; /* hash of the questions, 0 none */
	int64_t ts_ns;
	bool has_time, open;
};

struct dns {
	struct messages m;
	struct map *open;
	struct query *query; /* a ring of OPEN_MAX */
	uint32_t next;
	struct buf names, types; /* of the message that is read */
	char id[ID_TEXT];
	char word[DNS_WORD_TEXT];
};

/* --- queries and their answers --- */

static struct query *query_find(struct dns *d, const struct query_key *k)
{
	return map_get(d->open, k, sizeof(*k));
}

static void query_forget(struct dns *d, struct query *q)
{
	(void)map_remove(d->open, &q->key, sizeof(q->key));
	q->open = false;
}

static void query_keep(struct dns *d, const struct query_key *k, uint64_t names,
		       const struct tcp_stream_mark *m)
{
	struct query *q = query_find(d, k);

	/* Asked again: the one who asks has waited since the first time. */
	if (q && q->names == names)
		return;
	if (q)
		query_forget(d, q);
	q = &d->query[d->next++ % OPEN_MAX];
	if (q->open)
		query_forget(d, q);
	*q = (struct query){*k, names, m->ts_ns, m->has_time, true};
	(void)map_put(d->open, &q->key, sizeof(q->key), q);
}

static bool query_answer(struct dns *d, const struct query_key *k, uint64_t names,
			 const struct tcp_stream_mark *m, int64_t *latency_ns)
{
	struct query *q = query_find(d, k);

	if (!q || (names && q->names && q->names != names))
		return false;
	bool timed = q->has_time && m->has_time;

	*latency_ns = m->ts_ns - q->ts_ns;
	query_forget(d, q);
	return timed;
}

/* --- messages --- */

/* Their names and types, joined by blanks. */
static void questions_read(struct dns *d, const uint8_t *p, size_t length, unsigned count)
{
	uint32_t at = DNS_HEADER_BYTES;
	char name[DNS_NAME_TEXT];
	uint16_t type;

	buf_clear(&d->names);
	buf_clear(&d->types);
	for (unsigned i = 0; i < count && i < QUESTIONS_MAX; i++) {
		if (!dns_question_read(p, length, &at, name, &type))
			return;
		if (i) {
			(void)buf_add_byte(&d->names, ' ');
			(void)buf_add_byte(&d->types, ' ');
		}
		(void)buf_add_str(&d->names, name);
		(void)buf_add_str(&d->types, dns_type_name(type, d->word));
	}
}

/* `multicast`: identifiers are 0 and answers repeat no question (RFC 6762 18.1, 6). */
static void message(struct dns *d, uint64_t connection, bool multicast, const uint8_t *p,
		    size_t length, const struct tcp_stream_mark *m)
{
	struct dns_head h;

	if (!dns_head_read(p, length, &h))
		return;
	questions_read(d, p, length, h.questions);
	const struct query_key key = {connection, h.id};
	uint64_t names = d->names.len && !multicast
				 ? map_hash(d->names.data, d->names.len, map_seed()) | 1
				 : 0;
	struct dns_row *row = rows_add(&d->m.rows);

	*row = (struct dns_row){.packet = m->packet,
				.connection = connection,
				.id = h.id,
				.rcode = h.rcode,
				.response = h.response};
	row->name = rows_text(&d->m.rows, (struct str){(const char *)d->names.data, d->names.len});
	row->type = rows_text(&d->m.rows, (struct str){(const char *)d->types.data, d->types.len});
	if (h.response)
		row->has_latency = query_answer(d, &key, names, m, &row->latency_ns);
	else
		query_keep(d, &key, names, m);
}

static bool is_dns(uint8_t protocol)
{
	return protocol == PROTO_DNS || protocol == PROTO_MDNS || protocol == PROTO_LLMNR;
}

static bool last_is(const struct decoded *d, uint8_t protocol)
{
	return d->nlayers && d->layer[d->nlayers - 1].protocol == protocol;
}

static bool packet_is_dns(const struct decoded *d)
{
	return d->nlayers && is_dns(d->layer[d->nlayers - 1].protocol);
}

/* Over TCP each message has two bytes of length before it (RFC 1035 4.2.2). */
static uint64_t parse(void *state, struct talk *t, const struct talk_bytes *b)
{
	if (b->length < 2)
		return TALK_MORE;
	size_t length = (size_t)b->data[0] << 8 | b->data[1];
	struct dns_head h;

	/* Behind a gap only a segment that looks like the head of a message goes on. */
	if (length < DNS_HEADER_BYTES ||
	    (b->lost && !dns_head_read(b->data + 2, b->length - 2, &h)))
		return TALK_STOP;
	if (b->lost && (h.opcode > 6 || h.questions > 1))
		return b->length;
	if (b->length - 2 < length && !b->last)
		return TALK_MORE;
	message(state, t->connection, false, b->data + 2,
		length < b->length - 2 ? length : b->length - 2, b->ended);
	return 2 + length;
}

static bool wants(const struct analysis_packet *p)
{
	return is_dns(p->app) || (p->d->payload_captured && packet_is_dns(p->d));
}

static const struct talk_type talk = {.message_max = MESSAGE_MAX, .wants = wants, .parse = parse};

static void packet(void *state, const struct analysis_packet *any)
{
	struct dns *d = state;
	const struct analysis_packet *p = messages_whole(&d->m, any);

	if (!p)
		return;
	const struct tcp_stream_mark m = {p->number, p->ts_ns, p->has_time};

	if (p->d->flags & DECODE_TCP)
		talks_packet(&d->m.talks, p);
	else if (packet_is_dns(p->d))
		message(d, p->connection, last_is(p->d, PROTO_MDNS), p->data + p->d->payload_offset,
			p->d->payload_captured, &m);
}

/* --- the table --- */

static void *start(void)
{
	struct dns *d = xcalloc(1, sizeof(*d));

	messages_init(&d->m, sizeof(struct dns_row), &talk, d);
	d->open = map_new(OPEN_MAX);
	d->query = xcalloc(OPEN_MAX, sizeof(*d->query));
	buf_init(&d->names, QUESTIONS_MAX * DNS_NAME_TEXT);
	buf_init(&d->types, QUESTIONS_MAX * (DNS_WORD_TEXT + 1));
	return d;
}

static void dns_free(void *state)
{
	struct dns *d = state;

	messages_release(&d->m);
	map_free(d->open);
	free(d->query);
	buf_release(&d->names);
	buf_release(&d->types);
	free(d);
}

static struct value id_text(struct dns *d, uint16_t id)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(d->id, "0x", 2);
	for (unsigned i = 0; i < 4; i++)
		d->id[2 + i] = digits[id >> (12 - 4 * i) & 15];
	return value_text(d->id);
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	struct dns *d = state;
	const struct dns_row *r = rows_at(&d->m.rows, row);

	if (!r)
		return value_null();
	switch ((enum dns_column)column) {
	case DNS_PACKET:
		return value_count(r->packet);
	case DNS_CONNECTION:
		return r->connection ? value_count(r->connection) : value_null();
	case DNS_ID:
		return id_text(d, r->id);
	case DNS_RESPONSE:
		return value_int(r->response);
	case DNS_NAME:
		return rows_value(&d->m.rows, row, r->name);
	case DNS_TYPE:
		return rows_value(&d->m.rows, row, r->type);
	case DNS_RCODE:
		return r->response ? value_text(dns_rcode_name(r->rcode, d->word)) : value_null();
	case DNS_LATENCY_MS:
		return r->has_latency ? value_int(r->latency_ns) : value_null();
	default:
		return value_null();
	}
}

const struct analysis_type analysis_dns = {
	.stands = true,
	.start = start,
	.free = dns_free,
	.packet = packet,
	.end = messages_end,
	.rows = messages_rows,
	.version = messages_version,
	.cell = cell,
	.lacks = messages_lack,
};
