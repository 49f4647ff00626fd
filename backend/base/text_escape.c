#include "base/text.h"

/* Bytes of the sequence that begins with this byte (RFC 3629), 0 where none may. */
static unsigned utf8_sequence_bytes(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

int32_t text_utf8_next(struct str *s)
{
	static const int32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = (const uint8_t *)s->p;
	const unsigned bytes = s->len ? utf8_sequence_bytes(p[0]) : 0;
	int32_t c;

	if (s->len == 0)
		return -1;
	if (bytes == 0 || bytes > s->len)
		goto broken;
	c = bytes == 1 ? p[0] : p[0] & (0xff >> (bytes + 1));
	for (unsigned i = 1; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			goto broken;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		goto broken;
	s->p += bytes;
	s->len -= bytes;
	return c;
broken:
	s->p++;
	s->len--;
	return -1;
}

static int escape_bytes(struct buf *out, const char *p, size_t len)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		const uint8_t c = (uint8_t)p[i];
		const char text[4] = {'\\', 'x', digit[c >> 4], digit[c & 15]};

		if (buf_add(out, text, sizeof(text)))
			return -1;
	}
	return 0;
}

/* Length of the plain ASCII at the start: nearly all text is only that. */
static size_t plain_bytes(struct str s, bool escape_backslash)
{
	size_t n = 0;

	while (n < s.len && s.p[n] >= 0x20 && s.p[n] < 0x7f &&
	       !(escape_backslash && s.p[n] == '\\'))
		n++;
	return n;
}

/* A full buffer cuts the text, between characters. */
void text_escape(struct buf *out, struct str s, bool escape_backslash)
{
	while (s.len > 0) {
		const size_t plain = plain_bytes(s, escape_backslash);
		const char *from;
		int32_t c;
		int rc;

		if (plain > 0 && buf_add(out, s.p, plain))
			return;
		s.p += plain;
		s.len -= plain;
		if (s.len == 0)
			return;
		from = s.p;
		c = text_utf8_next(&s);
		if (c == '\\')
			rc = buf_add(out, "\\\\", 2);
		else if (text_width(c) < 0)
			rc = escape_bytes(out, from, (size_t)(s.p - from));
		else
			rc = buf_add(out, from, (size_t)(s.p - from));
		if (rc)
			return;
	}
}
