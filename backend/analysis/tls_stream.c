/* The readable messages of TLS over TCP, whatever the port. Records and messages may lie over
 * several segments (RFC 8446 5.1, RFC 5246 6.2); each direction is read until it is encrypted. */
#include "tls_private.h"

#define RECORD_HEADER 5u
#define RECORD_MAX (16384u + 2048u) /* RFC 5246 6.2.3: with what ciphers add */
#define SSL2_HELLO_MIN 11u

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
	return (struct own *)(void *)t->own;
}

/* Before there is an agreement the version is what the record's head says. */
static struct tls_place place_of(struct talk *t, const struct talk_bytes *b)
{
	const uint16_t agreed = own_of(t)->version;

	return (struct tls_place){.packet = b->ended->packet,
				  .connection = t->connection,
				  .version = agreed ? agreed : two(b->data + 1),
				  .direction = (uint8_t)b->direction};
}

static bool handshake(struct tls *s, struct talk *t, const struct talk_bytes *b, const uint8_t *p,
		      size_t length, bool last)
{
	struct tls_place w = place_of(t, b);
	const uint16_t before = w.version;
	bool readable =
		tls_handshake_add(s, &w, &own_of(t)->handshake[b->direction], p, length, last);

	if (w.version != before)
		own_of(t)->version = w.version;
	return readable;
}

/* After a change of cipher only a second ClientHello is readable (RFC 8446 4.1.2). */
static bool handshake_readable(const uint8_t *p, size_t length, bool changed)
{
	if (!changed)
		return true;
	return length >= TLS_HANDSHAKE_HEADER && p[0] == TLS_CLIENT_HELLO && p[1] == 0 &&
	       two(p + 2) + TLS_HANDSHAKE_HEADER == length;
}

static uint64_t record(struct tls *s, struct talk *t, const struct talk_bytes *b, size_t length)
{
	struct own *o = own_of(t);
	const uint8_t *p = b->data + RECORD_HEADER;
	size_t here = b->length - RECORD_HEADER < length ? b->length - RECORD_HEADER : length;
	struct tls_place w;

	o->begun[b->direction] = true;
	switch (b->data[0]) {
	case TLS_RECORD_CIPHER:
		o->changed[b->direction] = true;
		break;
	case TLS_RECORD_ALERT:
		if (length != 2 || here != 2 || o->changed[b->direction])
			return TALK_STOP;
		w = place_of(t, b);
		tls_alert_add(s, &w, p);
		break;
	case TLS_RECORD_HANDSHAKE:
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
	return length >= RECORD_HEADER && p[0] >= TLS_RECORD_CIPHER &&
	       p[0] <= TLS_RECORD_HEARTBEAT && p[1] == 3 && p[2] <= 4 && two(p + 3) <= RECORD_MAX;
}

/* The hello of SSL 2.0, in which old clients offered the versions after it (RFC 5246 E.2). */
static bool is_ssl2_hello(const uint8_t *p, size_t length)
{
	return length >= SSL2_HELLO_MIN && (p[0] & 0x80) && p[2] == TLS_CLIENT_HELLO &&
	       ((p[3] == 3 && p[4] <= 3) || two(p + 3) == 2) && two(p + 5) % 3 == 0 &&
	       two(p + 5) > 0 && (two(p) & 0x7fff) == 9 + two(p + 5) + two(p + 7) + two(p + 9);
}

static uint64_t ssl2_hello(struct tls *s, struct talk *t, const struct talk_bytes *b)
{
	uint64_t length = 2 + (two(b->data) & 0x7fffu);

	if (b->length < length && !b->last)
		return TALK_MORE;
	own_of(t)->begun[b->direction] = true;
	struct tls_place w = place_of(t, b);

	w.version = two(b->data + 3);
	tls_row_add(s, &w, TLS_KIND_CLIENT_HELLO);
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
	if (b->length - RECORD_HEADER < length && !b->last && b->data[0] != TLS_RECORD_DATA)
		return TALK_MORE;
	return record(s, t, b, length);
}

static uint64_t parse(void *state, struct talk *t, const struct talk_bytes *b)
{
	uint64_t taken = parse_record(state, t, b);

	if (taken == TALK_STOP)
		tls_waiting_release(state, &own_of(t)->handshake[b->direction]);
	return taken;
}

static void talk_over(void *state, struct talk *t)
{
	for (unsigned i = 0; i < 2; i++)
		tls_waiting_release(state, &own_of(t)->handshake[i]);
}

static bool wants(const struct analysis_packet *p)
{
	const uint8_t *payload = p->data + p->d->payload_offset;
	uint32_t length = p->d->payload_captured;

	if (p->app == PROTO_TLS || is_ssl2_hello(payload, length))
		return true;
	return length > RECORD_HEADER + TLS_HANDSHAKE_HEADER && is_record(payload, length) &&
	       payload[0] == TLS_RECORD_HANDSHAKE && payload[RECORD_HEADER] <= TLS_SERVER_HELLO &&
	       payload[RECORD_HEADER] >= TLS_CLIENT_HELLO && payload[RECORD_HEADER + 1] == 0;
}

const struct talk_type tls_talk = {.own_bytes = sizeof(struct own),
				   .message_max = RECORD_HEADER + RECORD_MAX,
				   .wants = wants,
				   .parse = parse,
				   .close = talk_over};
