/* Handshake messages and alerts of TLS as rows, whatever carried them. */
#include <stdio.h>
#include <string.h>

#include "tls_private.h"

#define ALPN_TEXT 256u

static uint16_t two(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

struct tls_row *tls_row_add(struct tls *s, const struct tls_place *w, enum tls_kind kind)
{
	struct tls_row *r = rows_add(&s->m.rows);

	r->packet = w->packet;
	r->connection = w->connection;
	r->direction = w->direction;
	r->version = w->version;
	r->kind = (uint8_t)kind;
	return r;
}

static struct str alpn_text(struct str list, char out[ALPN_TEXT])
{
	size_t n = 0;

	while (list.len > 1) {
		size_t length = (uint8_t)list.p[0];

		if (length == 0 || length >= list.len || n + length + 1 > ALPN_TEXT)
			break;
		if (n)
			out[n++] = ' ';
		memcpy(out + n, list.p + 1, length);
		n += length;
		list = (struct str){list.p + 1 + length, list.len - 1 - length};
	}
	return (struct str){out, n};
}

static void hello_add(struct tls *s, struct tls_place *w, const uint8_t *body, size_t length,
		      bool client)
{
	struct tls_row *r =
		tls_row_add(s, w, client ? TLS_KIND_CLIENT_HELLO : TLS_KIND_SERVER_HELLO);
	struct tls_hello h;
	char alpn[ALPN_TEXT];

	tls_hello_read(&h, body, length, client);
	r->version = h.version;
	if (!client)
		w->version = h.version;
	r->cipher = h.cipher;
	r->has_cipher = !client && h.version;
	r->sni = rows_text(&s->m.rows, h.sni);
	r->alpn = rows_text(&s->m.rows, alpn_text(h.alpn, alpn));
}

void tls_message_add(struct tls *s, struct tls_place *w, unsigned type, const uint8_t *body,
		     size_t length)
{
	if (type == TLS_CLIENT_HELLO || type == TLS_SERVER_HELLO)
		hello_add(s, w, body, length, type == TLS_CLIENT_HELLO);
	else if (type == TLS_CERTIFICATE)
		tls_row_add(s, w, TLS_KIND_CERTIFICATE);
}

void tls_alert_add(struct tls *s, const struct tls_place *w, const uint8_t alert[2])
{
	struct tls_row *r = tls_row_add(s, w, TLS_KIND_ALERT);
	char text[2 * TLS_WORD_TEXT + 32], word[TLS_WORD_TEXT];

	(void)snprintf(text, sizeof(text), "%s %s", alert[0] == 2 ? "fatal" : "warning",
		       tls_alert_name(alert[1], word));
	r->detail = rows_text(&s->m.rows, str_of(text));
}

/* --- what is not whole --- */

void tls_waiting_release(struct tls *s, struct buf *waits)
{
	s->waiting -= waits->cap;
	buf_release(waits);
}

bool tls_waiting_add(struct tls *s, struct buf *waits, const uint8_t *p, size_t length)
{
	size_t before = waits->cap;

	waits->max = TLS_HANDSHAKE_MAX;
	bool added = s->waiting + length <= TLS_WAITING_MAX && buf_add(waits, p, length) == 0;

	s->waiting += waits->cap - before;
	return added;
}

bool tls_handshake_add(struct tls *s, struct tls_place *w, struct buf *waits, const uint8_t *p,
		       size_t length, bool last)
{
	size_t at = 0;

	if (!tls_waiting_add(s, waits, p, length))
		return false;
	while (waits->len - at >= TLS_HANDSHAKE_HEADER) {
		const uint8_t *m = waits->data + at;
		size_t whole = TLS_HANDSHAKE_HEADER + ((size_t)m[1] << 16 | (size_t)two(m + 2));

		if (whole > TLS_HANDSHAKE_MAX)
			return false;
		if (whole > waits->len - at && !last)
			break;
		if (whole > waits->len - at)
			whole = waits->len - at;
		tls_message_add(s, w, m[0], m + TLS_HANDSHAKE_HEADER, whole - TLS_HANDSHAKE_HEADER);
		at += whole;
	}
	buf_consume(waits, at);
	if (waits->len == 0)
		tls_waiting_release(s, waits);
	return true;
}
