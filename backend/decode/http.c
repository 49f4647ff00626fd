/* Hypertext Transfer Protocol 1, RFC 9112, and what is written like it (SIP, SSDP). */
#include <string.h>

#include "lines.h"
#include "rows.h"

/* The value of a header named `name` (lower case), in the lines after the first. */
static bool header_find(struct cursor c, const char *name, struct str *value)
{
	size_t n = strlen(name);
	struct str line;

	for (unsigned i = 0; i < LINES_MAX && line_next(&c, &line) && line.len; i++) {
		if (line.len <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
			continue;
		for (n++; n < line.len && line.p[n] == ' '; n++)
			;
		*value = (struct str){line.p + n, line.len - n};
		return true;
	}
	return false;
}

void http_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line, host;

	if (!line_next(&c, &line))
		return;
	line_add(out, line);
	if (line.len >= 5 && memcmp(line.p, "HTTP/", 5) != 0 && header_find(c, "host", &host)) {
		buf_add_str(out, " host ");
		line_add(out, host);
	}
}

void http_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;

	for (unsigned i = 0; i < LINES_MAX; i++) {
		uint32_t at = cursor_offset(&c);

		if (!line_next(&c, &line) || !line.len)
			break;
		view_text(v, i ? "header" : "start_line", at, (uint32_t)line.len, line);
	}
	if (cursor_left(&c))
		view_field(v, "body", cursor_offset(&c), (uint32_t)cursor_left(&c),
			   "%zu bytes here", cursor_left(&c));
}
