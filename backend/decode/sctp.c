/* Stream Control Transmission Protocol, RFC 9260: the common header; chunks are listed, not
 * followed; what the first message says is read. */
#include "rows.h"

#define SCTP_HEADER 12u
#define DATA_HEADER 16u /* of a DATA chunk (RFC 9260 3.3.1) */
#define CHUNKS_MAX 16u	/* that are looked at for one */

enum { CHUNK_DATA = 0, DATA_BEGINS = 2 };

static const struct code_name chunk_types[] = {
	{0, "DATA"},
	{1, "INIT"},
	{2, "INIT ACK"},
	{3, "SACK"},
	{4, "HEARTBEAT"},
	{5, "HEARTBEAT ACK"},
	{6, "ABORT"},
	{7, "SHUTDOWN"},
	{8, "SHUTDOWN ACK"},
	{9, "ERROR"},
	{10, "COOKIE ECHO"},
	{11, "COOKIE ACK"},
	{12, "ECNE"},
	{13, "CWR"},
	{14, "SHUTDOWN COMPLETE"},
	{15, "AUTH"},
	{64, "I-DATA"},
	{128, "ASCONF ACK"},
	{130, "RE-CONFIG"},
	{132, "PAD"},
	{192, "FORWARD TSN"},
	{193, "ASCONF"},
	{194, "I-FORWARD TSN"},
	{0, NULL},
};

/* The next chunk behind the common header; NULL at the end or where a length is wrong. */
static const uint8_t *chunk_next(struct cursor *c, uint32_t *length)
{
	const uint8_t *p = cursor_peek(c, 4);

	if (!p || get16(p + 2) < 4)
		return NULL;
	*length = get16(p + 2);
	if (!cursor_pull(c, (*length + 3u) & ~3u))
		c->data = c->tail;
	return p;
}

/* What the first DATA chunk carries, where a message begins in it and tells its application. */
static uint8_t data_application(struct walk *w)
{
	struct cursor c = w->c;
	uint32_t length;
	const uint8_t *p;

	for (unsigned i = 0; i < CHUNKS_MAX && (p = chunk_next(&c, &length)); i++) {
		const uint8_t *data = p + DATA_HEADER;

		if (p[0] != CHUNK_DATA || !(p[1] & DATA_BEGINS) || length <= DATA_HEADER ||
		    data >= w->c.tail)
			continue;
		w->d->app = app_by_content(w->d, data,
					   (size_t)(w->c.tail - data) < length - DATA_HEADER
						   ? (size_t)(w->c.tail - data)
						   : length - DATA_HEADER);
		if (!w->d->app)
			break;
		w->c.data = data;
		cursor_limit(&w->c, length - DATA_HEADER);
		return w->d->app;
	}
	return PROTO_DATA;
}

uint8_t sctp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, 4);
	struct decoded *d = w->d;

	if (p) {
		d->sport = get16(p);
		d->dport = get16(p + 2);
		d->flags |= DECODE_PORTS;
	}
	if (!cursor_peek(&w->c, SCTP_HEADER))
		return walk_short(w, PROTO_SCTP, SCTP_HEADER);
	walk_layer(w, PROTO_SCTP, SCTP_HEADER);
	d->payload_offset = cursor_offset(&w->c);
	d->payload_bytes = cursor_wire(&w->c);
	d->payload_captured = (uint32_t)cursor_left(&w->c);
	if (!d->payload_captured)
		return PROTO_NONE;
	return walk_rest(w, w->o->app ? data_application(w) : PROTO_DATA);
}

static struct cursor sctp_chunks(const struct view *v)
{
	return cursor_over(v->head, v->d->payload_offset, v->d->payload_captured);
}

void sctp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = sctp_chunks(v);
	const uint8_t *p;
	uint32_t length;

	if (l->length < SCTP_HEADER)
		return;
	buf_printf(out, "%u > %u", v->d->sport, v->d->dport);
	while ((p = chunk_next(&c, &length)))
		buf_printf(out, " [%s]", code_text(chunk_types, p[0], "chunk"));
}

void sctp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	struct cursor c = sctp_chunks(v);
	uint32_t length;

	if (l->length < SCTP_HEADER)
		return;
	view_field(v, "sport", l->offset, 2, "%u", get16(p));
	view_field(v, "dport", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "verification_tag", l->offset + 4, 4, "0x%08x", get32(p + 4));
	view_field(v, "checksum", l->offset + 8, 4, "0x%08x", get32(p + 8));
	while ((p = chunk_next(&c, &length)))
		view_field(v, "chunk", (uint32_t)(p - v->head), length, "%s length %u",
			   code_text(chunk_types, p[0], "unknown"), length);
}
