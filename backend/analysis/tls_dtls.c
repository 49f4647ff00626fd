/* TLS over datagrams: records and handshake messages in clear (RFC 6347 4), the messages in pieces
 * that may come in any order. What is sent again has a row again, as its packet has. */
#include "tls_private.h"

#define RECORD_HEADER 13u
#define MESSAGE_HEADER 12u

/* A message that comes in pieces. */
struct dtls_side {
	struct tcp_stream stream;
	struct buf waits;
	uint32_t length; /* of the whole message */
	uint16_t sequence;
	uint8_t type;
	bool open;
};

struct dtls_talk {
	struct dtls_side side[2];
};

/* A message's head (RFC 6347 4.2.2). */
struct head {
	uint32_t length, at, piece;
	uint16_t sequence;
	uint8_t type;
};

static uint16_t two(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t three(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | two(p + 1);
}

static void side_release(struct tls *s, struct dtls_side *side)
{
	tcp_stream_release(&side->stream, &s->pool);
	tls_waiting_release(s, &side->waits);
	*side = (struct dtls_side){0};
}

static void talk_over(void *state, void *thing, bool evicted)
{
	struct dtls_talk *t = thing;

	(void)evicted;
	for (unsigned i = 0; i < 2; i++)
		side_release(state, &t->side[i]);
}

void tls_dtls_init(struct tls *s)
{
	keyed_init(&s->dtls, sizeof(struct dtls_talk), TLS_CARRIED_MAX, talk_over, s);
}

/* --- pieces --- */

struct coming {
	struct tls *tls;
	struct dtls_side *side;
};

static void on_piece(void *arg, const struct tcp_stream_piece *p)
{
	struct coming *c = arg;

	if (c->side->open &&
	    (p->gap || !tls_waiting_add(c->tls, &c->side->waits, p->data, p->length)))
		c->side->open = false;
}

static struct dtls_side *side_of(struct tls *s, const struct analysis_packet *p)
{
	struct dtls_talk *t = keyed_get(&s->dtls, p->connection);

	if (!t)
		t = keyed_add(&s->dtls, p->connection);
	return &t->side[p->direction];
}

static void piece_add(struct tls *s, const struct analysis_packet *p, struct tls_place *w,
		      const struct head *h, const uint8_t *piece)
{
	struct dtls_side *side = side_of(s, p);
	struct coming c = {s, side};
	const struct tcp_stream_segment g = {.seq = h->at,
					     .length = h->piece,
					     .captured = h->piece,
					     .data = piece,
					     .mark = {p->number, p->ts_ns, p->has_time}};

	if (!side->open || side->sequence != h->sequence || side->type != h->type ||
	    side->length != h->length) {
		side_release(s, side);
		side->open = true;
		side->sequence = h->sequence;
		side->type = h->type;
		side->length = h->length;
		tcp_stream_start(&side->stream, 0);
	}
	tcp_stream_add(&side->stream, &s->pool, &g, on_piece, &c);
	if (side->open && side->waits.len == side->length)
		tls_message_add(s, w, side->type, side->waits.data, side->length);
	if (!side->open || side->waits.len == side->length)
		side_release(s, side);
}

/* --- records --- */

static bool has_row(unsigned type)
{
	return type == TLS_CLIENT_HELLO || type == TLS_SERVER_HELLO || type == TLS_CERTIFICATE;
}

/* What is encrypted has a head that cannot be. */
static bool head_read(const uint8_t *p, size_t left, struct head *h)
{
	if (left < MESSAGE_HEADER)
		return false;
	*h = (struct head){.type = p[0],
			   .length = three(p + 1),
			   .sequence = two(p + 4),
			   .at = three(p + 6),
			   .piece = three(p + 9)};
	return h->length <= TLS_HANDSHAKE_MAX && h->at + h->piece <= h->length &&
	       h->piece <= left - MESSAGE_HEADER;
}

static void handshake_read(struct tls *s, const struct analysis_packet *p, struct tls_place *w,
			   const uint8_t *data, size_t left)
{
	struct head h;

	while (head_read(data, left, &h)) {
		const uint8_t *piece = data + MESSAGE_HEADER;

		if (has_row(h.type) && h.piece == h.length)
			tls_message_add(s, w, h.type, piece, h.length);
		else if (has_row(h.type) && h.piece)
			piece_add(s, p, w, &h, piece);
		data += MESSAGE_HEADER + h.piece;
		left -= MESSAGE_HEADER + h.piece;
	}
}

void tls_dtls_packet(struct tls *s, const struct analysis_packet *p)
{
	const uint8_t *data = p->data + p->d->payload_offset;
	size_t left = p->d->payload_captured;

	while (left >= RECORD_HEADER && data[0] >= TLS_RECORD_CIPHER) {
		const size_t length = two(data + 11);
		const uint8_t *body = data + RECORD_HEADER;
		struct tls_place w = {p->number, p->connection, two(data + 1), p->direction};

		if (length > left - RECORD_HEADER)
			return;
		/* Epoch 0 is in clear. */
		if (two(data + 3) == 0 && data[0] == TLS_RECORD_HANDSHAKE)
			handshake_read(s, p, &w, body, length);
		else if (two(data + 3) == 0 && data[0] == TLS_RECORD_ALERT && length == 2)
			tls_alert_add(s, &w, body);
		data = body + length;
		left -= RECORD_HEADER + length;
	}
}
