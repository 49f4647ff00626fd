/* QUIC: what stands in the clear, RFC 8999 and RFC 9000 17; version 2, RFC 9369. */
#include <stdio.h>

#include "app.h"

#define QUIC_ID_MAX 20u	    /* bytes of a connection id (RFC 9000 17.2) */
#define QUIC_PACKETS_MAX 8u /* packets of one datagram */
#define QUIC_VERSION_1 1u
#define QUIC_VERSION_2 0x6b3343cfu

enum quic_kind { QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY, QUIC_NEGOTIATION };

static const char *const kinds[] = {"Initial", "0-RTT", "Handshake", "Retry",
				    "Version Negotiation"};

struct quic {
	uint8_t kind;
	uint32_t version, at;
	const uint8_t *destination, *source;
	uint8_t destination_length, source_length;
	uint32_t length; /* behind the ids, with the packet's number; 0 where it says none */
};

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

/* A long header; Version 2 turns the kinds by one (RFC 9369 3.2). */
static bool quic_read(struct cursor *c, struct quic *q)
{
	const uint8_t *p = cursor_peek(c, 7);
	uint64_t n;

	if (!p || !(p[0] & 0x80))
		return false;
	*q = (struct quic){.version = get32(p + 1), .at = cursor_offset(c)};
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
	if (q->kind >= QUIC_RETRY) {
		c->data = c->tail;
		return true;
	}
	if (q->kind == QUIC_INITIAL &&
	    (!number_pull(c, &n) || n > cursor_wire(c) || !cursor_pull(c, n)))
		return true;
	if (number_pull(c, &n) && n <= UINT32_MAX)
		q->length = (uint32_t)n;
	c->data += q->length < cursor_left(c) ? q->length : cursor_left(c);
	return true;
}

/* A list of versions that exist answers an id of at least eight bytes (RFC 9000 17.2.1). */
static bool negotiation_fits(const struct probe *b, const struct quic *q)
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
	struct quic q;

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
	struct quic q;

	for (unsigned i = 0; i < QUIC_PACKETS_MAX && cursor_left(&c); i++) {
		const uint8_t first = *c.data;

		if (!quic_read(&c, &q)) {
			/* Behind the others: a short header, or filling. */
			if ((first & 0xc0) == 0x40)
				buf_add_str(out, i ? ", 1-RTT" : "1-RTT");
			return;
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
}

void quic_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct view below = view_below(v);
	char text[QUIC_ID_MAX * 2 + 1], version[16];
	struct quic q;

	for (unsigned i = 0; i < QUIC_PACKETS_MAX && quic_read(&c, &q); i++) {
		view_field(v, "packet", q.at, cursor_offset(&c) - q.at, "%s", kinds[q.kind]);
		view_field(&below, "version", q.at + 1, 4, "%s",
			   q.version ? version_text(q.version, version) : "none");
		view_field(&below, "destination_id", (uint32_t)(q.destination - v->head),
			   q.destination_length, "%s",
			   id_text(q.destination, q.destination_length, text));
		view_field(&below, "source_id", (uint32_t)(q.source - v->head), q.source_length,
			   "%s", id_text(q.source, q.source_length, text));
		if (q.length)
			view_field(&below, "length", q.at, 0, "%u", q.length);
	}
}
