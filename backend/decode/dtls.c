/* Datagram TLS: records and handshake messages, RFC 6347; RFC 9147 keeps the plain ones. */
#include "app.h"
#include "base/text.h"
#include "decode/tls.h"

#define DTLS_RECORD 13u
#define DTLS_HANDSHAKE 12u
#define DTLS_RECORDS_MAX 32u
#define CLIENT_HELLO 1u

static const struct code_name records[] = {
	{20, "change cipher spec"},
	{21, "alert"},
	{22, "handshake"},
	{23, "application data"},
	{24, "heartbeat"},
	{25, "with connection id"},
	{26, "ack"},
	{0, NULL},
};

static const struct code_name handshakes[] = {
	{0, "HelloRequest"},	   {1, "ClientHello"},	      {2, "ServerHello"},
	{3, "HelloVerifyRequest"}, {4, "NewSessionTicket"},   {8, "EncryptedExtensions"},
	{11, "Certificate"},	   {12, "ServerKeyExchange"}, {13, "CertificateRequest"},
	{14, "ServerHelloDone"},   {15, "CertificateVerify"}, {16, "ClientKeyExchange"},
	{20, "Finished"},	   {22, "CertificateStatus"}, {0, NULL},
};

static const struct code_name versions[] = {
	{0xfeff, "DTLS 1.0"},
	{0xfefd, "DTLS 1.2"},
	{0xfefc, "DTLS 1.3"},
	{0x0100, "DTLS 0.9"},
	{0, NULL},
};

/* 0x0100 is what OpenSSL wrote before there was a standard; some VPNs still do. */
static bool version_known(uint16_t version)
{
	return version == 0xfeff || version == 0xfefd || version == 0xfefc || version == 0x0100;
}

/* Type, version, epoch, sequence, length (RFC 6347 4.1). */
static bool dtls_head(const uint8_t *p, uint32_t wire)
{
	return p[0] >= 20 && p[0] <= 26 && version_known(get16(p + 1)) && get16(p + 11) &&
	       get16(p + 11) + DTLS_RECORD <= wire;
}

/* Records up to the datagram's end. */
bool dtls_speaks(const struct probe *b)
{
	uint32_t at = 0;

	while (at + DTLS_RECORD <= b->length) {
		if (!dtls_head(b->p + at, b->wire - at))
			return false;
		at += DTLS_RECORD + get16(b->p + at + 11);
	}
	return at == b->wire || (at && b->length < b->wire);
}

static const uint8_t *record_next(struct cursor *c, struct cursor *body)
{
	const uint8_t *p = cursor_peek(c, DTLS_RECORD);
	size_t here;

	if (!p || !dtls_head(p, UINT32_MAX))
		return NULL;
	c->data += DTLS_RECORD;
	here = get16(p + 11) < cursor_left(c) ? get16(p + 11) : cursor_left(c);
	*body = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return p;
}

/* A handshake record's first message; NULL when it is encrypted. */
static const uint8_t *handshake_peek(const uint8_t *record, const struct cursor *body)
{
	const uint8_t *p = cursor_peek(body, DTLS_HANDSHAKE);

	if (record[0] != 22 || !p || get16(record + 3) ||
	    (get32(p + 8) & 0xffffff) + DTLS_HANDSHAKE > get16(record + 11) ||
	    !code_text(handshakes, p[0], NULL))
		return NULL;
	return p;
}

/* The name that a client's hello asks for, where it begins here (RFC 6347 4.2.2: the piece's
 * offset). */
static struct str hello_name(const uint8_t *record, const struct cursor *body)
{
	const uint8_t *p = handshake_peek(record, body);
	struct tls_hello h = {0};

	if (p && p[0] == CLIENT_HELLO && !(get32(p + 5) & 0xffffff))
		tls_hello_read(&h, p + DTLS_HANDSHAKE, cursor_left(body) - DTLS_HANDSHAKE, true);
	return h.sni;
}

static const char *record_text(const uint8_t *p, const struct cursor *body)
{
	const uint8_t *handshake = handshake_peek(p, body);

	if (handshake)
		return code_text(handshakes, handshake[0], NULL);
	if (p[0] == 22)
		return "encrypted handshake";
	return p[0] == 21 && get16(p + 11) != 2 ? "encrypted alert"
						: code_text(records, p[0], "record");
}

void dtls_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	const uint8_t *p;

	for (unsigned i = 0; i < DTLS_RECORDS_MAX && (p = record_next(&c, &body)); i++) {
		if (!i)
			buf_printf(out, "%s ", code_text(versions, get16(p + 1), "DTLS"));
		buf_printf(out, "%s%s", i ? ", " : "", record_text(p, &body));
		if (hello_name(p, &body).len) {
			buf_add_str(out, " sni=");
			text_escape(out, hello_name(p, &body), false);
		}
	}
}

void dtls_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	struct view below = view_below(v);
	const uint8_t *p;

	for (unsigned i = 0; i < DTLS_RECORDS_MAX && (p = record_next(&c, &body)); i++) {
		uint32_t at = (uint32_t)(p - v->head);

		view_field(v, "record", at, DTLS_RECORD + get16(p + 11), "%s %s length %u",
			   code_text(versions, get16(p + 1), "version unknown"),
			   record_text(p, &body), get16(p + 11));
		view_field(&below, "epoch", at + 3, 2, "%u", get16(p + 3));
		if (hello_name(p, &body).len)
			view_text(&below, "server_name",
				  (uint32_t)((const uint8_t *)hello_name(p, &body).p - v->head),
				  (uint32_t)hello_name(p, &body).len, hello_name(p, &body));
		view_field(&below, "sequence", at + 5, 6, "%llu",
			   (unsigned long long)(get64(p + 3) & UINT64_C(0xffffffffffff)));
	}
}
