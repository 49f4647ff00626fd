#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Cuts a UTF-8 sequence that the end of the room has split. */
static size_t utf8_whole(const char *s, size_t len)
{
	size_t back = 0;

	while (back < 3 && back < len && ((unsigned char)s[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < len && ((unsigned char)s[len - 1 - back] & 0xc0) == 0xc0)
		return len - 1 - back;
	return len;
}

/* Fills e->text with the escaped sentence; the arguments may point into e->text. */
static void err_format(struct err *e, const char *tail, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
static void err_format(struct err *e, const char *tail, const char *fmt, va_list ap)
{
	char raw[ERR_TEXT_MAX];
	struct buf out;
	size_t len;
	int n = vsnprintf(raw, sizeof(raw), fmt, ap);

	len = n < 0 ? 0 : (size_t)n;
	if (len >= sizeof(raw))
		len = utf8_whole(raw, sizeof(raw) - 1);
	buf_init(&out, (size_t)ERR_TEXT_MAX * 8);
	text_escape(&out, (struct str){raw, len}, false);
	if (tail) {
		(void)buf_add_str(&out, ": "); /* has room: 8 times the longest */
		text_escape(&out, str_of(tail), false);
	}
	len = out.len;
	if (len >= ERR_TEXT_MAX)
		len = utf8_whole(buf_str(&out), ERR_TEXT_MAX - 1);
	memcpy(e->text, buf_str(&out), len);
	e->text[len] = 0;
	buf_release(&out);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	err_format(e, NULL, fmt, ap);
	va_end(ap);
	e->code = code;
	e->at = -1;
	return -1;
}

int err_errno(struct err *e, enum err_code code, const char *fmt, ...)
{
	const int number = errno;
	char why[128];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	err_format(e, strerror_r(number, why, sizeof(why)), fmt, ap);
	va_end(ap);
	e->code = code;
	e->at = -1;
	return -1;
}

int err_at(struct err *e, int at, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	err_format(e, NULL, fmt, ap);
	va_end(ap);
	e->code = ERR_CALL;
	e->at = at;
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list ap;

	if (!e)
		return -1;
	memcpy(inner, e->text, sizeof(inner));
	va_start(ap, fmt);
	err_format(e, inner, fmt, ap);
	va_end(ap);
	return -1;
}

void err_clear(struct err *e)
{
	e->code = ERR_NONE;
	e->at = -1;
	e->text[0] = 0;
}
