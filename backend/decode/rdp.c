/* Remote Desktop: TPKT (RFC 1006) and X.224 as [MS-RDPBCGR] 2.2.1 has them. */
#include <string.h>

#include "app.h"
#include "le.h"
#include "lines.h"

#define TPKT_HEADER 4u

enum { X224_CONFIRM = 0xd0, X224_REQUEST = 0xe0, X224_DATA = 0xf0, X224_DISCONNECT = 0x80 };

static const struct code_name kinds[] = {
	{X224_CONFIRM, "connection confirm"},
	{X224_REQUEST, "connection request"},
	{X224_DATA, "data"},
	{X224_DISCONNECT, "disconnect"},
	{0, NULL},
};

static const struct code_name protocols[] = {
	{0, "RDP"},	    {1, "TLS"},		  {2, "CredSSP"},
	{3, "TLS CredSSP"}, {8, "CredSSP early"}, {11, "TLS CredSSP early"},
	{0, NULL},
};

/* TPKT's four bytes and X.224's length and kind. */
static bool tpkt_head(const uint8_t *p, size_t length)
{
	return length >= 7 && p[0] == 3 && !p[1] && get16(p + 2) >= 7 && p[4] >= 2 &&
	       p[4] + 5u <= get16(p + 2) && *code_text(kinds, p[5], "");
}

/* The offset of a negotiation (type, flags, 8, protocols); 0 without one. */
static uint32_t negotiation(const uint8_t *p, size_t length)
{
	uint32_t at = TPKT_HEADER + 1u + p[4];

	if (p[4] < 14 || at > length || at < 19)
		return 0;
	at -= 8;
	return p[at] >= 1 && p[at] <= 3 && le16(p + at + 2) == 8 ? at : 0;
}

/* A request or confirmation to the payload's end, with a cookie or a negotiation in it: ISO's other
 * users of X.224 have neither. */
bool rdp_speaks(const struct probe *b)
{
	if (!b->tcp || !tpkt_head(b->p, b->length) || get16(b->p + 2) != b->wire)
		return false;
	if (b->p[5] != X224_REQUEST && b->p[5] != X224_CONFIRM)
		return false;
	return (b->length >= 28 && !memcmp(b->p + 11, "Cookie: mstshash=", 17)) ||
	       negotiation(b->p, b->length);
}

bool rdp_looks(const struct probe *b)
{
	return tpkt_head(b->p, b->length) && get16(b->p + 2) >= b->wire;
}

void rdp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	struct cursor c = view_cursor(v, l);
	struct str line;
	uint32_t at;

	if (!tpkt_head(p, l->length))
		return;
	buf_add_str(out, code_text(kinds, p[5], ""));
	if (p[5] != X224_REQUEST && p[5] != X224_CONFIRM)
		return;
	if (l->length >= 18 && !memcmp(p + 11, "Cookie:", 7) && cursor_pull(&c, 11) &&
	    line_whole(&c, &line)) {
		buf_add_byte(out, ' ');
		line_add(out, line);
	}
	at = negotiation(p, l->length);
	if (at && p[at] == 3)
		buf_printf(out, " failure %u", le32(p + at + 4));
	else if (at)
		buf_printf(out, " %s", code_text(protocols, le32(p + at + 4), "other security"));
}

void rdp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint32_t at;

	if (!tpkt_head(p, l->length))
		return;
	view_field(v, "length", l->offset + 2, 2, "%u", get16(p + 2));
	view_field(v, "kind", l->offset + 5, 1, "0x%02x %s", p[5], code_text(kinds, p[5], ""));
	at = p[5] == X224_REQUEST || p[5] == X224_CONFIRM ? negotiation(p, l->length) : 0;
	if (at)
		view_field(v, p[at] == 3 ? "failure" : "protocols", l->offset + at + 4, 4, "0x%08x",
			   le32(p + at + 4));
}
