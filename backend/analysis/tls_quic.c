/* TLS inside of QUIC: hellos in Initial packets (RFC 9001 4, 5.2), which lie in pieces of any order
 * over several packets and datagrams. All others are encrypted with keys that nobody has. */
#include <string.h>

#include "decode/quic.h"
#include "tls_private.h"

struct quic_side {
	struct tcp_stream stream; /* its offsets are CRYPTO's (RFC 9000 19.6) */
	struct buf waits;
	bool stopped;
};

struct quic_talk {
	struct quic_keys keys; /* of the client's first packet, or the first after a Retry */
	uint8_t client;	       /* the direction that packet took */
	struct quic_side side[2];
};

static void sides_release(struct tls *s, struct quic_talk *t)
{
	for (unsigned i = 0; i < 2; i++) {
		tcp_stream_release(&t->side[i].stream, &s->pool);
		tls_waiting_release(s, &t->side[i].waits);
		t->side[i] = (struct quic_side){0};
		tcp_stream_start(&t->side[i].stream, 0);
	}
}

static void talk_over(void *state, void *thing, bool evicted)
{
	(void)evicted;
	sides_release(state, thing);
}

void tls_quic_init(struct tls *s)
{
	keyed_init(&s->quic, sizeof(struct quic_talk), TLS_CARRIED_MAX, talk_over, s);
}

/* --- pieces of handshake --- */

struct coming {
	struct tls *tls;
	struct quic_side *side;
	struct tls_place place;
};

static void on_piece(void *arg, const struct tcp_stream_piece *p)
{
	struct coming *c = arg;

	if (c->side->stopped)
		return;
	c->side->stopped = p->gap || !tls_handshake_add(c->tls, &c->place, &c->side->waits, p->data,
							p->length, false);
	if (c->side->stopped)
		tls_waiting_release(c->tls, &c->side->waits);
}

static void frames_read(struct tls *s, struct quic_talk *t, const struct analysis_packet *p,
			struct quic_frames f)
{
	struct coming c = {s, &t->side[p->direction], {p->number, p->connection, 0, p->direction}};
	struct quic_crypto piece;

	while (quic_crypto_next(&f, &piece) && !c.side->stopped) {
		if (piece.length == 0 || piece.offset + piece.length > TLS_HANDSHAKE_MAX)
			continue;
		const struct tcp_stream_segment g = {.seq = (uint32_t)piece.offset,
						     .length = (uint32_t)piece.length,
						     .captured = (uint32_t)piece.length,
						     .data = piece.data,
						     .mark = {p->number, p->ts_ns, p->has_time}};

		tcp_stream_add(&c.side->stream, &s->pool, &g, on_piece, &c);
	}
}

/* --- packets --- */

/* With the keys that are known: those of another version follow from the same id (RFC 9369 4). */
static bool open_known(struct quic_talk *t, const struct analysis_packet *p,
		       const struct quic_packet *q, uint8_t plain[QUIC_INITIAL_MAX],
		       struct quic_frames *f)
{
	struct quic_keys keys = t->keys;

	if (q->version != keys.version &&
	    !quic_keys_make(&keys, q->version, keys.id, keys.id_length))
		return false;
	return quic_open(&keys, p->direction != t->client, q, plain, f);
}

/* A client's first packet, or its first after a Retry: its own id makes the keys. */
static struct quic_talk *open_first(struct tls *s, struct quic_talk *t,
				    const struct analysis_packet *p, const struct quic_packet *q,
				    uint8_t plain[QUIC_INITIAL_MAX], struct quic_frames *f)
{
	struct quic_keys keys;

	if (!quic_keys_make(&keys, q->version, q->destination, q->destination_length) ||
	    !quic_open(&keys, false, q, plain, f))
		return NULL;
	if (!t)
		t = keyed_add(&s->quic, p->connection);
	sides_release(s, t);
	t->keys = keys;
	t->client = p->direction;
	return t;
}

void tls_quic_packet(struct tls *s, const struct analysis_packet *p)
{
	struct quic_talk *t = keyed_get(&s->quic, p->connection);
	const uint8_t *data = p->data + p->d->payload_offset;
	size_t left = p->d->payload_captured, taken;
	uint8_t plain[QUIC_INITIAL_MAX];
	struct quic_packet q;
	struct quic_frames f;

	for (unsigned i = 0; i < QUIC_PACKETS_MAX; i++) {
		if (!(taken = quic_packet_read(&q, data, left)))
			return;
		data += taken;
		left -= taken;
		if (q.kind != QUIC_INITIAL)
			continue;
		if (t && open_known(t, p, &q, plain, &f)) {
			frames_read(s, t, p, f);
			continue;
		}
		struct quic_talk *first = open_first(s, t, p, &q, plain, &f);

		if (first) {
			t = first;
			frames_read(s, t, p, f);
		}
	}
}
