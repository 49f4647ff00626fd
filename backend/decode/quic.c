/* QUIC: what stands in the clear, RFC 8999 and RFC 9000 17; version 2, RFC 9369. Of a client's
 * first datagram also its hello. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/text.h"
#include "decode/quic.h"
#include "decode/tls.h"

#define QUIC_VERSION_1 1u
#define QUIC_VERSION_2 0x6b3343cfu
#define HANDSHAKE_HEADER 4u
#define CLIENT_HELLO 1u
#define HELLO_MAX 4096u /* bytes of a hello that one datagram brings */

static const char *const kinds[] = {"Initial", "0-RTT", "Handshake", "Retry",
				    "Version Negotiation"};

static bool version_known(uint32_t version)
{
	/* drafts 0xff0000xx, and Google's Q0xx and T05x */
	return version == QUIC_VERSION_1 || version == QUIC_VERSION_2 || version >> 8 == 0xff0000 ||
	       version >> 16 == 0x5130 || version >> 16 == 0x5430;
}

/* A number of one to eight bytes (RFC 9000 16); false when it is cut. */
static bool number_pull(struct cursor *c, uint64_t *n)
{
	const uint8_t *p = cursor_peek(c, 1);
	size_t size = p ? (size_t)1 << (*p >> 6) : 0;

	if (!p || !(p = cursor_pull(c, size)))
		return false;
	*n = *p & 0x3f;
	for (size_t i = 1; i < size; i++)
		*n = *n << 8 | p[i];
	return true;
}

/* A connection id and its length; false when it cannot be or is cut. */
static bool id_pull(struct cursor *c, const uint8_t **id, uint8_t *length)
{
	const uint8_t *p = cursor_pull(c, 1);

	if (!p || *p > QUIC_ID_MAX)
		return false;
	*length = *p;
	*id = cursor_pull(c, *p);
	return *id != NULL;
}

/* Behind the ids: a token, the length, the number and what is encrypted. */
static void body_read(struct cursor *c, struct quic_packet *q)
{
	uint64_t n;

	if (q->kind == QUIC_INITIAL &&
	    (!number_pull(c, &n) || n > cursor_wire(c) || !cursor_pull(c, n)))
		return;
	if (!number_pull(c, &n) || n > UINT32_MAX)
		return;
	q->length = (uint32_t)n;
	q->number = c->data;
	q->whole = n <= cursor_left(c);
	c->data += q->whole ? n : cursor_left(c);
}

/* A long header; Version 2 turns the kinds by one (RFC 9369 3.2). */
static bool quic_read(struct cursor *c, struct quic_packet *q)
{
	const uint8_t *p = cursor_peek(c, 7);

	if (!p || !(p[0] & 0x80))
		return false;
	*q = (struct quic_packet){.version = get32(p + 1), .first = p};
	q->kind = p[0] >> 4 & 3;
	if (q->version == QUIC_VERSION_2)
		q->kind = (q->kind + 3) & 3;
	if (!q->version)
		q->kind = QUIC_NEGOTIATION;
	else if (!version_known(q->version) || !(p[0] & 0x40))
		return false;
	c->data += 5;
	if (!id_pull(c, &q->destination, &q->destination_length) ||
	    !id_pull(c, &q->source, &q->source_length))
		return false;
	if (q->kind >= QUIC_RETRY)
		c->data = c->tail;
	else
		body_read(c, q);
	return true;
}

size_t quic_packet_read(struct quic_packet *q, const uint8_t *p, size_t length)
{
	struct cursor c = cursor_over(p, 0, length);

	return quic_read(&c, q) ? cursor_offset(&c) : 0;
}

/* --- frames of an Initial packet, RFC 9000 19 --- */

enum {
	FRAME_PADDING = 0,
	FRAME_PING = 1,
	FRAME_ACK = 2,
	FRAME_ACK_ECN = 3,
	FRAME_CRYPTO = 6,
};

static bool numbers_pull(struct cursor *c, uint64_t count)
{
	uint64_t n;

	while (count--) {
		if (!number_pull(c, &n))
			return false;
	}
	return true;
}

/* Largest, delay, count, first range; pairs; what the marks were counted (RFC 9000 19.3). */
static bool ack_pull(struct cursor *c, bool ecn)
{
	uint64_t count;

	return numbers_pull(c, 2) && number_pull(c, &count) && numbers_pull(c, 1) &&
	       count <= cursor_left(c) && numbers_pull(c, 2 * count + (ecn ? 3 : 0));
}

bool quic_crypto_next(struct quic_frames *f, struct quic_crypto *crypto)
{
	struct cursor c = cursor_over(f->data, 0, f->left);
	const uint8_t *kind;
	uint64_t length;

	while ((kind = cursor_pull(&c, 1))) {
		if (*kind == FRAME_PADDING || *kind == FRAME_PING)
			continue;
		if ((*kind == FRAME_ACK || *kind == FRAME_ACK_ECN) &&
		    ack_pull(&c, *kind == FRAME_ACK_ECN))
			continue;
		if (*kind != FRAME_CRYPTO || !number_pull(&c, &crypto->offset) ||
		    !number_pull(&c, &length) || !(crypto->data = cursor_pull(&c, length)))
			break; /* the packet's last word, or none that may be here */
		crypto->length = length;
		*f = (struct quic_frames){c.data, cursor_left(&c)};
		return true;
	}
	f->left = 0;
	return false;
}

/* --- the hello that a client's first datagram brings --- */

struct hello_bytes {
	uint8_t data[HELLO_MAX];
	bool here[HELLO_MAX];
	size_t length; /* from its beginning on, without a hole */
};

static void hello_piece(struct hello_bytes *h, const struct quic_crypto *piece)
{
	if (piece->offset > HELLO_MAX || piece->length > HELLO_MAX - piece->offset)
		return;
	memcpy(h->data + piece->offset, piece->data, piece->length);
	memset(h->here + piece->offset, true, piece->length);
	while (h->length < HELLO_MAX && h->here[h->length])
		h->length++;
}

/* Whether the client's hello begins in this datagram, if it is the first of its kind: then its id
 * makes the keys. What lies behind a hole stays unknown. */
static bool hello_read(const struct view *v, const struct layer *l, struct hello_bytes *bytes,
		       struct tls_hello *hello)
{
	struct cursor c = view_cursor(v, l);
	uint8_t plain[QUIC_INITIAL_MAX];
	struct quic_packet q;
	struct quic_keys keys;
	struct quic_frames frames;
	struct quic_crypto piece;

	memset(bytes, 0, sizeof(*bytes));
	for (unsigned i = 0; i < QUIC_PACKETS_MAX && quic_read(&c, &q); i++) {
		if (q.kind != QUIC_INITIAL ||
		    !quic_keys_make(&keys, q.version, q.destination, q.destination_length) ||
		    !quic_open(&keys, false, &q, plain, &frames))
			continue;
		while (quic_crypto_next(&frames, &piece))
			hello_piece(bytes, &piece);
	}
	if (bytes->length < HANDSHAKE_HEADER || bytes->data[0] != CLIENT_HELLO)
		return false;
	tls_hello_read(hello, bytes->data + HANDSHAKE_HEADER, bytes->length - HANDSHAKE_HEADER,
		       true);
	return true;
}

/* The first of the names, each of which has its length before it. */
static struct str alpn_first(const struct tls_hello *h)
{
	size_t n = h->alpn.len ? (uint8_t)h->alpn.p[0] : 0;

	return n < h->alpn.len ? (struct str){h->alpn.p + 1, n} : (struct str){NULL, 0};
}

static void hello_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct hello_bytes bytes;
	struct tls_hello h;

	if (!hello_read(v, l, &bytes, &h))
		return;
	buf_add_str(out, ", ClientHello");
	if (h.sni.len) {
		buf_add_str(out, " sni=");
		text_escape(out, h.sni, false);
	}
	if (alpn_first(&h).len) {
		buf_add_str(out, " alpn=");
		text_escape(out, alpn_first(&h), false);
	}
}

/* They lie in the datagram nowhere as they are: the tree shows it all for them. */
static void hello_fields(const struct view *v, const struct layer *l)
{
	struct view below = view_below(v);
	struct hello_bytes bytes;
	struct tls_hello h;

	if (!hello_read(v, l, &bytes, &h))
		return;
	view_field(v, "handshake", l->offset, l->length, "ClientHello");
	if (h.sni.len)
		view_text(&below, "server_name", l->offset, l->length, h.sni);
	if (alpn_first(&h).len)
		view_text(&below, "alpn", l->offset, l->length, alpn_first(&h));
}

/* --- */

/* A list of versions that exist answers an id of at least eight bytes (RFC 9000 17.2.1). */
static bool negotiation_fits(const struct probe *b, const struct quic_packet *q)
{
	uint32_t at = 7u + q->destination_length + q->source_length;
	bool known = false;

	if (b->length != b->wire || b->wire <= at || (b->wire - at) % 4)
		return false;
	for (; at + 4 <= b->wire; at += 4)
		known = known || version_known(get32(b->p + at));
	return known;
}

bool quic_speaks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct quic_packet q;

	if (!quic_read(&c, &q))
		return false;
	return q.kind != QUIC_NEGOTIATION || negotiation_fits(b, &q);
}

static const char *id_text(const uint8_t *id, uint8_t length, char out[QUIC_ID_MAX * 2 + 1])
{
	out[0] = 0;
	for (uint8_t i = 0; i < length; i++)
		snprintf(out + i * 2, 3, "%02x", id[i]);
	return out;
}

static const char *version_text(uint32_t version, char out[16])
{
	if (version == QUIC_VERSION_1)
		return "v1";
	if (version == QUIC_VERSION_2)
		return "v2";
	if (version >> 8 == 0xff0000)
		snprintf(out, 16, "draft-%u", version & 255);
	else
		snprintf(out, 16, "0x%08x", version);
	return out;
}

void quic_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	char text[QUIC_ID_MAX * 2 + 1], version[16];
	struct quic_packet q;

	for (unsigned i = 0; i < QUIC_PACKETS_MAX && cursor_left(&c); i++) {
		const uint8_t first = *c.data;

		if (!quic_read(&c, &q)) {
			/* Behind the others: a short header, or filling. */
			if ((first & 0xc0) == 0x40)
				buf_add_str(out, i ? ", 1-RTT" : "1-RTT");
			break;
		}
		buf_printf(out, "%s%s", i ? ", " : "", kinds[q.kind]);
		if (i)
			continue;
		if (q.version)
			buf_printf(out, " %s", version_text(q.version, version));
		if (q.destination_length)
			buf_printf(out, " dcid=%s",
				   id_text(q.destination, q.destination_length, text));
		if (q.source_length)
			buf_printf(out, " scid=%s", id_text(q.source, q.source_length, text));
	}
	hello_info(out, v, l);
}

void quic_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct view below = view_below(v);
	char text[QUIC_ID_MAX * 2 + 1], version[16];
	struct quic_packet q;

	for (unsigned i = 0; i < QUIC_PACKETS_MAX && quic_read(&c, &q); i++) {
		uint32_t at = (uint32_t)(q.first - v->head);

		view_field(v, "packet", at, cursor_offset(&c) - at, "%s", kinds[q.kind]);
		view_field(&below, "version", at + 1, 4, "%s",
			   q.version ? version_text(q.version, version) : "none");
		view_field(&below, "destination_id", (uint32_t)(q.destination - v->head),
			   q.destination_length, "%s",
			   id_text(q.destination, q.destination_length, text));
		view_field(&below, "source_id", (uint32_t)(q.source - v->head), q.source_length,
			   "%s", id_text(q.source, q.source_length, text));
		if (q.length)
			view_field(&below, "length", at, 0, "%u", q.length);
	}
	hello_fields(v, l);
}
