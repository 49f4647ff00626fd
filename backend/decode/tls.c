/* Transport Layer Security: records and the first handshake messages, RFC 8446, RFC 5246, RFC 6066
 * (server name), RFC 7301 (ALPN). Only what lies in this packet is read. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "decode/tls.h"
#include "rows.h"
#include "tls_ciphers.h"

#define TLS_RECORD_HEADER 5u
#define TLS_HANDSHAKE_HEADER 4u
#define TLS_RECORDS_MAX 32u  /* records shown of one packet */
#define TLS_MESSAGES_MAX 16u /* handshake messages of one record */
#define TLS_EXTENSIONS_MAX 64u

enum { RECORD_CIPHER = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA };
enum { HANDSHAKE_CLIENT = 1, HANDSHAKE_SERVER = 2 };
enum { EXT_SERVER_NAME = 0, EXT_ALPN = 16, EXT_VERSIONS = 43 };

static const struct code_name records[] = {
	{20, "change cipher spec"}, {21, "alert"},     {22, "handshake"},
	{23, "application data"},   {24, "heartbeat"}, {0, NULL},
};

static const struct code_name handshakes[] = {
	{0, "HelloRequest"},	    {1, "ClientHello"},
	{2, "ServerHello"},	    {4, "NewSessionTicket"},
	{5, "EndOfEarlyData"},	    {8, "EncryptedExtensions"},
	{11, "Certificate"},	    {12, "ServerKeyExchange"},
	{13, "CertificateRequest"}, {14, "ServerHelloDone"},
	{15, "CertificateVerify"},  {16, "ClientKeyExchange"},
	{20, "Finished"},	    {22, "CertificateStatus"},
	{24, "KeyUpdate"},	    {0, NULL},
};

static const struct code_name versions[] = {
	{0x0002, "SSL 2.0"},
	{0x0300, "SSL 3.0"},
	{0x0301, "TLS 1.0"},
	{0x0302, "TLS 1.1"},
	{0x0303, "TLS 1.2"},
	{0x0304, "TLS 1.3"},
	{0xfeff, "DTLS 1.0"},
	{0xfefd, "DTLS 1.2"},
	{0xfefc, "DTLS 1.3"},
	{0x0100, "DTLS 0.9"},
	{0, NULL},
};

static const struct code_name alerts[] = {
	{0, "close_notify"},
	{10, "unexpected_message"},
	{20, "bad_record_mac"},
	{22, "record_overflow"},
	{40, "handshake_failure"},
	{42, "bad_certificate"},
	{43, "unsupported_certificate"},
	{44, "certificate_revoked"},
	{45, "certificate_expired"},
	{46, "certificate_unknown"},
	{47, "illegal_parameter"},
	{48, "unknown_ca"},
	{49, "access_denied"},
	{50, "decode_error"},
	{51, "decrypt_error"},
	{70, "protocol_version"},
	{71, "insufficient_security"},
	{80, "internal_error"},
	{86, "inappropriate_fallback"},
	{90, "user_canceled"},
	{109, "missing_extension"},
	{112, "unrecognized_name"},
	{116, "certificate_required"},
	{120, "no_application_protocol"},
	{0, NULL},
};

/* What a hello says; offsets are into the packet, lengths 0 when it does not say. */
struct hello {
	uint16_t version; /* negotiated or best offered */
	uint16_t cipher;  /* of a ServerHello */
	uint32_t ciphers; /* how many a ClientHello offers */
	uint32_t sni, sni_length;
	uint32_t alpn, alpn_length; /* the first one */
	uint32_t names_length;	    /* of all, from the first one's length byte on */
};

static bool version_of_datagrams(uint16_t version)
{
	return version >> 8 == 0xfe || version == 0x0100;
}

/* Versions of DTLS count downwards (RFC 6347 4.1); drafts and experiments have numbers of their
 * own, which come before the version that they became. */
static unsigned version_rank(uint16_t version)
{
	if (version_of_datagrams(version))
		return 0xffffu - version;
	return version >> 8 == 3 ? (unsigned)version << 8 : 0x0303u << 8 | (version & 0xffu);
}

static bool version_is_better(uint16_t version, uint16_t than)
{
	return version_of_datagrams(version) == version_of_datagrams(than) &&
	       version_rank(version) > version_rank(than);
}

static void extension_versions(struct hello *h, struct cursor e, bool client)
{
	const uint8_t *p;

	if (client && !cursor_pull(&e, 1))
		return;
	while ((p = cursor_pull(&e, 2))) {
		uint16_t version = get16(p);

		/* Values like 0x?a?a are noise on purpose (GREASE, RFC 8701). */
		if ((version & 0x0f0f) != 0x0a0a && version_is_better(version, h->version))
			h->version = version;
	}
}

static void extension_read(struct hello *h, uint16_t type, struct cursor e, bool client)
{
	const uint8_t *p;

	switch (type) {
	case EXT_SERVER_NAME: /* list length, kind, length, name */
		p = cursor_pull(&e, 5);
		if (!p || p[2] != 0 || get16(p + 3) > cursor_left(&e))
			return;
		h->sni = cursor_offset(&e);
		h->sni_length = get16(p + 3);
		return;
	case EXT_ALPN: /* list length, length, name */
		p = cursor_pull(&e, 3);
		if (!p || p[2] > cursor_left(&e))
			return;
		h->alpn = cursor_offset(&e);
		h->alpn_length = p[2];
		h->names_length = 1u + (uint32_t)cursor_left(&e);
		return;
	case EXT_VERSIONS:
		extension_versions(h, e, client);
		return;
	default:
		return;
	}
}

/* Passes over a vector with a length of `width` bytes; false when it is cut. */
static bool vector_skip(struct cursor *c, unsigned width)
{
	const uint8_t *p = cursor_pull(c, width);

	return p && cursor_pull(c, width == 1 ? p[0] : get16(p));
}

/* Reads what is here of a hello's body; what is cut off stays unknown. */
static void hello_read(struct hello *h, struct cursor c, bool client)
{
	const uint8_t *p = cursor_pull(&c, 34); /* version, random */

	memset(h, 0, sizeof(*h));
	if (!p)
		return;
	h->version = get16(p);
	if (!vector_skip(&c, 1)) /* session */
		return;
	if (client && version_of_datagrams(h->version) && !vector_skip(&c, 1)) /* cookie */
		return;
	p = cursor_peek(&c, 2);
	if (!p)
		return;
	if (client) {
		h->ciphers = get16(p) / 2;
		if (!vector_skip(&c, 2) || !vector_skip(&c, 1))
			return;
	} else {
		h->cipher = get16(p);
		if (!cursor_pull(&c, 3))
			return;
	}
	if (!cursor_pull(&c, 2)) /* length of all extensions */
		return;
	for (unsigned i = 0; i < TLS_EXTENSIONS_MAX && (p = cursor_pull(&c, 4)); i++) {
		uint16_t length = get16(p + 2);
		size_t here = length < cursor_left(&c) ? length : cursor_left(&c);

		extension_read(h, get16(p), cursor_over(c.head, cursor_offset(&c), here), client);
		c.data += here;
	}
}

/* The next record; `body` is what is here of it. */
static const uint8_t *record_next(struct cursor *c, struct cursor *body)
{
	const uint8_t *p = cursor_peek(c, TLS_RECORD_HEADER);
	size_t here;

	if (!p || !tls_looks(p, cursor_left(c)))
		return NULL;
	c->data += TLS_RECORD_HEADER;
	here = get16(p + 3) < cursor_left(c) ? get16(p + 3) : cursor_left(c);
	*body = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return p;
}

/* Whether a handshake record is readable: an encrypted one has a length that does not fit. */
static bool handshake_plain(const struct cursor *body)
{
	const uint8_t *p = cursor_peek(body, TLS_HANDSHAKE_HEADER);

	return p && !p[1] && *code_text(handshakes, p[0], "");
}

const char *tls_cipher_name(uint16_t cipher, char out[TLS_WORD_TEXT])
{
	const char *name = tls_cipher_find(cipher);

	if (name)
		return name;
	snprintf(out, TLS_WORD_TEXT, "0x%04x", cipher);
	return out;
}

static void hello_info(struct buf *out, const struct view *v, const struct cursor *body,
		       bool client)
{
	struct hello h;
	struct cursor c = *body;
	char cipher[TLS_WORD_TEXT];

	cursor_pull(&c, TLS_HANDSHAKE_HEADER);
	hello_read(&h, c, client);
	if (h.sni_length) {
		buf_add_str(out, " sni=");
		text_escape(out, (struct str){(const char *)v->head + h.sni, h.sni_length}, false);
	}
	if (h.version)
		buf_printf(out, " %s", code_text(versions, h.version, "version unknown"));
	if (!client && h.version)
		buf_printf(out, " %s", tls_cipher_name(h.cipher, cipher));
	if (h.alpn_length) {
		buf_add_str(out, " alpn=");
		text_escape(out, (struct str){(const char *)v->head + h.alpn, h.alpn_length},
			    false);
	}
}

static void handshake_info(struct buf *out, const struct view *v, struct cursor body)
{
	for (unsigned i = 0; i < TLS_MESSAGES_MAX && handshake_plain(&body); i++) {
		const uint8_t *p = body.data;
		uint32_t length = get32(p) & 0xffffff;

		buf_printf(out, "%s%s", i ? ", " : "", code_text(handshakes, p[0], ""));
		if (p[0] == HANDSHAKE_CLIENT || p[0] == HANDSHAKE_SERVER)
			hello_info(out, v, &body, p[0] == HANDSHAKE_CLIENT);
		if (!cursor_pull(&body, TLS_HANDSHAKE_HEADER) || !cursor_pull(&body, length))
			return;
	}
}

static void record_info(struct buf *out, const struct view *v, const uint8_t *p,
			const struct cursor *body)
{
	const uint8_t *alert = cursor_peek(body, 2);

	if (p[0] == RECORD_HANDSHAKE && handshake_plain(body))
		handshake_info(out, v, *body);
	else if (p[0] == RECORD_HANDSHAKE)
		buf_add_str(out, "encrypted handshake");
	else if (p[0] == RECORD_ALERT && get16(p + 3) == 2 && alert)
		buf_printf(out, "alert %s %s", alert[0] == 2 ? "fatal" : "warning",
			   code_text(alerts, alert[1], "unknown"));
	else if (p[0] == RECORD_ALERT)
		buf_add_str(out, "encrypted alert");
	else
		buf_add_str(out, code_text(records, p[0], "record"));
}

void tls_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	const uint8_t *p;

	for (unsigned i = 0; i < TLS_RECORDS_MAX && (p = record_next(&c, &body)); i++) {
		if (i)
			buf_add_str(out, ", ");
		record_info(out, v, p, &body);
	}
}

static void hello_fields(const struct view *v, const struct cursor *body, bool client)
{
	struct hello h;
	char cipher[TLS_WORD_TEXT];
	uint32_t at = cursor_offset(body);

	hello_read(&h, *body, client);
	if (!h.version)
		return;
	view_field(v, "legacy_version", at, 2, "%s",
		   code_text(versions, get16(body->data), "unknown"));
	view_field(v, "version", at, 2, "%s", code_text(versions, h.version, "unknown"));
	view_hex(v, "random", at + 2, 32);
	if (client)
		view_field(v, "ciphers", at, 0, "%u offered", h.ciphers);
	else
		view_field(v, "cipher", at, 0, "%s", tls_cipher_name(h.cipher, cipher));
	if (h.sni_length)
		view_text(v, "server_name", h.sni, h.sni_length,
			  (struct str){(const char *)v->head + h.sni, h.sni_length});
	if (h.alpn_length)
		view_text(v, "alpn", h.alpn, h.alpn_length,
			  (struct str){(const char *)v->head + h.alpn, h.alpn_length});
}

static void handshake_fields(const struct view *v, struct cursor body)
{
	struct view below = view_below(v);

	for (unsigned i = 0; i < TLS_MESSAGES_MAX && handshake_plain(&body); i++) {
		const uint8_t *p = body.data;
		uint32_t length = get32(p) & 0xffffff;

		view_field(v, "handshake", cursor_offset(&body), TLS_HANDSHAKE_HEADER,
			   "%s length %u", code_text(handshakes, p[0], ""), length);
		body.data += TLS_HANDSHAKE_HEADER;
		if (p[0] == HANDSHAKE_CLIENT || p[0] == HANDSHAKE_SERVER)
			hello_fields(&below, &body, p[0] == HANDSHAKE_CLIENT);
		if (!cursor_pull(&body, length))
			return;
	}
}

void tls_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	struct view below = view_below(v);
	const uint8_t *p, *alert;

	for (unsigned i = 0; i < TLS_RECORDS_MAX && (p = record_next(&c, &body)); i++) {
		view_field(v, "record", (uint32_t)(p - v->head), (uint32_t)(body.tail - p),
			   "%s %s length %u", code_text(versions, get16(p + 1), "version unknown"),
			   code_text(records, p[0], "unknown"), get16(p + 3));
		alert = cursor_peek(&body, 2);
		if (p[0] == RECORD_HANDSHAKE && handshake_plain(&body))
			handshake_fields(&below, body);
		else if (p[0] == RECORD_ALERT && get16(p + 3) == 2 && alert)
			view_field(&below, "alert", cursor_offset(&body), 2, "%s %s",
				   alert[0] == 2 ? "fatal" : "warning",
				   code_text(alerts, alert[1], "unknown"));
	}
}

/* --- messages apart from packets --- */

void tls_hello_read(struct tls_hello *h, const uint8_t *body, size_t length, bool client)
{
	struct hello own;

	hello_read(&own, cursor_over(body, 0, length), client);
	*h = (struct tls_hello){.version = own.version, .cipher = own.cipher};
	if (own.sni_length)
		h->sni = (struct str){(const char *)body + own.sni, own.sni_length};
	if (own.alpn_length)
		h->alpn = (struct str){(const char *)body + own.alpn - 1, own.names_length};
}

const char *tls_version_name(uint16_t version, char text[TLS_WORD_TEXT])
{
	const char *name = code_text(versions, version, NULL);

	if (name)
		return name;
	snprintf(text, TLS_WORD_TEXT, "0x%04x", version);
	return text;
}

const char *tls_alert_name(uint8_t alert, char text[TLS_WORD_TEXT])
{
	const char *name = code_text(alerts, alert, NULL);

	if (name)
		return name;
	snprintf(text, TLS_WORD_TEXT, "%u", alert);
	return text;
}
