/* The hello of SSL 2.0 that clients once sent to ask for a newer version too, RFC 5246 E.2. */
#include <string.h>

#include "app.h"
#include "view.h"

#define SSL2_HELLO 11u /* length, kind, version, three lengths */

static const struct code_name versions[] = {
	{0x0002, "SSL 2.0"}, {0x0300, "SSL 3.0"}, {0x0301, "TLS 1.0"},
	{0x0302, "TLS 1.1"}, {0x0303, "TLS 1.2"}, {0, NULL},
};

/* A record without padding whose parts fill it: ciphers of three bytes each, a session of 0 or 16
 * bytes, a challenge of 16 to 32. */
static bool ssl2_hello(const uint8_t *p, size_t length)
{
	unsigned all, ciphers, session, challenge;

	if (length < SSL2_HELLO || !(p[0] & 0x80) || p[2] != 1 ||
	    !*code_text(versions, get16(p + 3), ""))
		return false;
	all = get16(p) & 0x7fff;
	ciphers = get16(p + 5);
	session = get16(p + 7);
	challenge = get16(p + 9);
	return ciphers && ciphers % 3 == 0 && (!session || session == 16) && challenge >= 16 &&
	       challenge <= 32 && all == 9 + ciphers + session + challenge;
}

bool ssl2_speaks(const struct probe *b)
{
	return b->tcp && ssl2_hello(b->p, b->length) && (get16(b->p) & 0x7fff) + 2u == b->wire;
}

/* A TLS layer's line: the old hello's, or the records'. */
void tls_any_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (ssl2_hello(p, l->length))
		buf_printf(out, "ClientHello %s (in SSL 2.0's form)",
			   code_text(versions, get16(p + 3), ""));
	else
		tls_info(out, v, l);
}

void tls_any_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (!ssl2_hello(p, l->length)) {
		tls_fields(v, l);
		return;
	}
	view_field(v, "handshake", l->offset, 2, "ClientHello length %u", get16(p) & 0x7fff);
	view_field(v, "version", l->offset + 3, 2, "%s", code_text(versions, get16(p + 3), ""));
	view_field(v, "ciphers", l->offset + 5, 2, "%u offered", get16(p + 5) / 3u);
}
