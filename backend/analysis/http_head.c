#include "http_head.h"

#include <string.h>

#define METHOD_MAX 24u	    /* letters of a method (the longest that is registered has 17) */
#define STATUS_LINE_MIN 12u /* "HTTP/1.1 200" */
#define LINE_MAX 32768u	    /* bytes of a start line */
#define CHUNK_LINE_MAX 256u /* of a chunk's size with its extensions */

static struct str line_at(const uint8_t *p, size_t length, size_t *after)
{
	const uint8_t *end = memchr(p, '\n', length);
	size_t n = end ? (size_t)(end - p) : length;

	*after = end ? n + 1 : length;
	if (n && p[n - 1] == '\r')
		n--;
	return (struct str){(const char *)p, n};
}

static bool is_version(const char *p)
{
	return memcmp(p, "HTTP/1.", 7) == 0 && p[7] >= '0' && p[7] <= '9';
}

/* "HTTP/1.1 200", or what is here of it. */
static bool is_status_line(const uint8_t *p, size_t length)
{
	static const char form[] = "HTTP/1.0 000";
	size_t n = length < sizeof(form) - 1 ? length : sizeof(form) - 1;

	for (size_t i = 0; i < n; i++) {
		bool digit = p[i] >= '0' && p[i] <= '9';

		if (form[i] == '0' ? !digit : p[i] != (uint8_t)form[i])
			return false;
	}
	return n > 0;
}

/* "GET /x HTTP/1.1", or what is here of it. */
static bool is_request_line(struct str line, bool ended)
{
	size_t method = 0;

	while (method < line.len && method < METHOD_MAX &&
	       ((line.p[method] >= 'A' && line.p[method] <= 'Z') || line.p[method] == '-' ||
		line.p[method] == '_'))
		method++;
	if (method == line.len)
		return !ended && method > 0;
	if (method == 0 || line.p[method] != ' ' || line.p[0] == '-')
		return false;
	if (!ended)
		return line.len <= LINE_MAX;
	return line.len > method + 9 && is_version(line.p + line.len - 8) &&
	       line.p[line.len - 9] == ' ';
}

/* What stands before a last word that begins like a version, or would if it were not cut off; all
 * of it when none does. */
static struct str before_version(struct str s)
{
	static const char version[] = "HTTP/";
	const char *blank = memrchr(s.p, ' ', s.len);
	size_t at = blank ? (size_t)(blank - s.p) : 0, n = s.len - at - 1;

	if (n > sizeof(version) - 1)
		n = sizeof(version) - 1;
	return at && memcmp(blank + 1, version, n) == 0 ? (struct str){s.p, at} : s;
}

/* A line without its end still says all: what was asked for has a blank behind it, and a status its
 * three digits. */
static bool says_all(struct str line)
{
	const char *blank = memchr(line.p, ' ', line.len);

	if (is_status_line((const uint8_t *)line.p, line.len))
		return line.len >= STATUS_LINE_MIN;
	return blank && before_version(line).len > (size_t)(blank - line.p) + 1 &&
	       before_version(line).len < line.len;
}

bool http_starts(const uint8_t *p, size_t length, bool *whole)
{
	size_t after;
	struct str line = line_at(p, length, &after);
	bool ended = after > 0 && p[after - 1] == '\n';

	*whole = ended || says_all(line);
	return is_status_line(p, length) || is_request_line(line, ended);
}

/* Methods that are believed without a version behind them. */
static const char *const methods[] = {"GET",   "HEAD",	"POST",	   "PUT",      "DELETE",
				      "PATCH", "TRACE", "CONNECT", "OPTIONS",  "CCM_POST",
				      "MKCOL", "LOCK",	"UNLOCK",  "PROPFIND", "PROPPATCH"};

static bool is_method(struct str word)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (str_is(word, methods[i]))
			return true;
	}
	return false;
}

bool http_starts_bare(const uint8_t *p, size_t length)
{
	size_t after;
	struct str line = line_at(p, length, &after);
	const char *blank = memchr(line.p, ' ', line.len);
	size_t method = blank ? (size_t)(blank - line.p) : 0;

	if (!method || p[after - 1] != '\n')
		return false;
	struct str target = before_version((struct str){blank + 1, line.len - method - 1});

	return target.len && !memchr(target.p, ' ', target.len) &&
	       is_method((struct str){line.p, method});
}

size_t http_seek(const uint8_t *p, size_t length)
{
	size_t at = 0, after;
	bool whole;

	while (at < length) {
		if (http_starts(p + at, length - at, &whole))
			return at;
		(void)line_at(p + at, length - at, &after);
		at += after;
	}
	return length;
}

size_t http_head_length(const uint8_t *p, size_t length)
{
	size_t at = 0, after;

	while (at < length) {
		struct str line = line_at(p + at, length - at, &after);

		at += after;
		if (p[at - 1] != '\n')
			return 0;
		if (line.len == 0)
			return at;
	}
	return 0;
}

static struct str trimmed(struct str s)
{
	while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool header_is(struct str line, const char *name, struct str *value)
{
	size_t n = strlen(name);

	if (line.len <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
		return false;
	*value = trimmed((struct str){line.p + n + 1, line.len - n - 1});
	return true;
}

static void length_read(struct http_head *h, struct str value)
{
	uint64_t length = 0;

	for (size_t i = 0; i < value.len; i++) {
		unsigned digit = (unsigned)(unsigned char)value.p[i] - '0';

		if (digit > 9 || length > INT64_MAX / 20)
			return;
		length = length * 10 + digit;
	}
	h->length = length;
	h->has_length = value.len > 0;
}

static bool ends_in(struct str s, const char *word)
{
	size_t n = strlen(word);

	return s.len >= n && strncasecmp(s.p + s.len - n, word, n) == 0;
}

static void header_read(struct http_head *h, struct str line)
{
	struct str value;

	if (h->request && !h->host.len && header_is(line, "host", &value))
		h->host = value;
	else if (header_is(line, "content-length", &value))
		length_read(h, value);
	else if (header_is(line, "transfer-encoding", &value))
		h->chunked = ends_in(value, "chunked");
	else if (header_is(line, "upgrade", &value))
		h->http2 = value.len == 3 && strncasecmp(value.p, "h2c", 3) == 0;
}

static void start_line_read(struct http_head *h, struct str line)
{
	const char *blank = memchr(line.p, ' ', line.len);

	h->request = !is_status_line((const uint8_t *)line.p, line.len);
	if (!blank)
		return;
	struct str rest = {blank + 1, line.len - (size_t)(blank + 1 - line.p)};

	if (!h->request) {
		for (size_t i = 0; i < 3 && i < rest.len; i++)
			h->status = (uint16_t)(h->status * 10 + (rest.p[i] - '0'));
		return;
	}
	h->method = (struct str){line.p, (size_t)(blank - line.p)};
	h->uri = trimmed(before_version(rest));
}

void http_head_read(struct http_head *h, const uint8_t *p, size_t length)
{
	size_t at, after;

	*h = (struct http_head){0};
	start_line_read(h, line_at(p, length, &at));
	while (at < length) {
		struct str line = line_at(p + at, length - at, &after);

		at += after;
		/* A line that is cut off would say what nobody said. */
		if (line.len == 0 || p[at - 1] != '\n')
			return;
		header_read(h, line);
	}
}

bool http_chunk_read(const uint8_t *p, size_t length, size_t *line, uint64_t *size)
{
	size_t n = 0, after;
	uint64_t value = 0;

	for (; n < length && n < 15; n++) {
		uint8_t c = p[n] | 0x20;

		if (p[n] >= '0' && p[n] <= '9')
			value = value * 16 + (p[n] - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (c - 'a' + 10u);
		else
			break;
	}
	*line = 0;
	*size = value;
	if (n == length)
		return n > 0 && n < 15;
	if (n == 0 || n == 15 || p[n] == 0 || !strchr("\r\n; \t", p[n]))
		return false;
	(void)line_at(p, length, &after);
	if (p[after - 1] == '\n')
		*line = after;
	return after <= CHUNK_LINE_MAX;
}
