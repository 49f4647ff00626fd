/* Real-time Transport Protocol and its control, RFC 3550; payload types, RFC 3551; STUN, RFC 8489,
 * which shares their ports. */
#include "app.h"

#define RTP_HEADER 12u
#define RTP_PORT_MIN 1024u
#define STUN_HEADER 20u
#define STUN_COOKIE 0x2112a442u

enum { RTCP_SENDER = 200, RTCP_FEEDBACK_PAYLOAD = 206 };

/* Static types; `step`: each payload is a multiple of so many bytes. */
static const struct {
	uint8_t type;
	uint8_t step;
	const char *name;
} types[] = {
	{0, 40, "PCMU"}, {3, 33, "GSM"},  {4, 4, "G723"},    {5, 20, "DVI4"}, {7, 1, "LPC"},
	{8, 40, "PCMA"}, {9, 40, "G722"}, {10, 4, "L16"},    {11, 2, "L16"},  {12, 1, "QCELP"},
	{13, 1, "CN"},	 {14, 1, "MPA"},  {15, 10, "G728"},  {18, 2, "G729"}, {26, 1, "JPEG"},
	{31, 1, "H261"}, {32, 1, "MPV"},  {33, 188, "MP2T"}, {34, 1, "H263"},
};

static const struct code_name controls[] = {
	{192, "full intra request"},
	{200, "sender report"},
	{201, "receiver report"},
	{202, "source description"},
	{203, "goodbye"},
	{204, "application"},
	{205, "transport feedback"},
	{206, "payload feedback"},
	{207, "extended report"},
	{0, NULL},
};

static const char *type_text(uint8_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type == type)
			return types[i].name;
	}
	return type >= 96 ? "dynamic" : "reserved";
}

/* Ports as media are given: both above those of servers, and even (RFC 3550 11). */
static bool media_ports(const struct probe *b, unsigned odd)
{
	return b->sport >= RTP_PORT_MIN && b->dport >= RTP_PORT_MIN && (b->sport & 1) == odd &&
	       (b->dport & 1) == odd;
}

/* RTP has no mark of its own: believed only of the common telephone and television types, in their
 * plainest form and with lengths that are theirs. */
bool rtp_speaks(const struct probe *b)
{
	uint32_t length;

	if (b->p[0] != 0x80 || b->length <= RTP_HEADER || !media_ports(b, 0) || !get32(b->p + 8))
		return false;
	length = b->wire - RTP_HEADER;
	switch (b->p[1] & 0x7f) {
	case 0:
	case 8:
	case 9:
		return length == 80 || length == 160 || length == 240 || length == 320;
	case 3:
		return length == 33 || length == 66;
	case 18:
		return length == 10 || length == 20 || length == 30 || length == 40;
	case 33:
		return length % 188 == 0 && b->p[RTP_HEADER] == 0x47;
	default:
		return false;
	}
}

/* Version 2, a kind, a length in words; several fill the datagram, and the first is a report. */
bool rtcp_speaks(const struct probe *b)
{
	uint32_t at = 0;

	if (b->length < 8 || b->p[1] < RTCP_SENDER || b->p[1] > RTCP_FEEDBACK_PAYLOAD ||
	    b->wire % 4 || b->sport < RTP_PORT_MIN || b->dport < RTP_PORT_MIN || b->p[0] & 0x20)
		return false;
	while (at + 4 <= b->length) {
		const uint8_t *p = b->p + at;

		if (p[0] >> 6 != 2 || p[1] < 192 || p[1] > 207)
			return false;
		at += (get16(p + 2) + 1u) * 4;
	}
	return at == b->wire;
}

void rtp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < RTP_HEADER)
		return;
	buf_printf(out, "%s (%u) seq %u time %u ssrc 0x%08x%s", type_text(p[1] & 0x7f), p[1] & 0x7f,
		   get16(p + 2), get32(p + 4), get32(p + 8), p[1] & 0x80 ? " mark" : "");
}

void rtp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < RTP_HEADER)
		return;
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 6);
	view_field(v, "marker", l->offset + 1, 1, "%s", p[1] & 0x80 ? "yes" : "no");
	view_field(v, "payload_type", l->offset + 1, 1, "%u %s", p[1] & 0x7f,
		   type_text(p[1] & 0x7f));
	view_field(v, "sequence", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "timestamp", l->offset + 4, 4, "%u", get32(p + 4));
	view_field(v, "ssrc", l->offset + 8, 4, "0x%08x", get32(p + 8));
}

void rtcp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	const uint8_t *p;

	for (unsigned i = 0; (p = cursor_peek(&c, 8)); i++) {
		buf_printf(out, "%s%s", i ? ", " : "", code_text(controls, p[1], "control"));
		if (!i)
			buf_printf(out, " ssrc 0x%08x", get32(p + 4));
		if (!cursor_pull(&c, (get16(p + 2) + 1u) * 4))
			return;
	}
}

void rtcp_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct view below = view_below(v);
	const uint8_t *p;

	while ((p = cursor_peek(&c, 8))) {
		uint32_t at = cursor_offset(&c), length = (get16(p + 2) + 1u) * 4;

		view_field(v, "control", at, length, "%u %s", p[1],
			   code_text(controls, p[1], "unknown"));
		view_field(&below, "count", at, 1, "%u", p[0] & 31);
		view_field(&below, "ssrc", at + 4, 4, "0x%08x", get32(p + 4));
		if (!cursor_pull(&c, length))
			return;
	}
}

static const struct code_name stun_methods[] = {
	{1, "binding"}, {3, "allocate"},	  {4, "refresh"},      {6, "send"},
	{7, "data"},	{8, "create permission"}, {9, "bind channel"}, {0, NULL},
};

/* The magic cookie, and a length that is the payload's (over TCP several may follow each other). */
bool stun_speaks(const struct probe *b)
{
	return b->length >= STUN_HEADER && !(b->p[0] & 0xc0) && get32(b->p + 4) == STUN_COOKIE &&
	       get16(b->p + 2) % 4 == 0 &&
	       (b->tcp ? get16(b->p + 2) + STUN_HEADER <= b->wire
		       : get16(b->p + 2) + STUN_HEADER == b->wire);
}

void stun_info(struct buf *out, const struct view *v, const struct layer *l)
{
	static const char *const classes[] = {"request", "indication", "success", "error"};
	const uint8_t *p = v->head + l->offset;
	unsigned type;

	if (l->length < STUN_HEADER)
		return;
	type = get16(p); /* the class lies in bits 4 and 8 (RFC 8489 5) */
	buf_printf(out, "%s %s",
		   code_text(stun_methods, (type & 0xf) | (type & 0xe0) >> 1 | (type & 0x3e00) >> 2,
			     "method"),
		   classes[(type >> 4 & 1) | (type >> 7 & 2)]);
}

void stun_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < STUN_HEADER)
		return;
	view_field(v, "type", l->offset, 2, "0x%04x", get16(p));
	view_field(v, "length", l->offset + 2, 2, "%u", get16(p + 2));
	view_hex(v, "transaction", l->offset + 8, 12);
}
