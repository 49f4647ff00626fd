/* Protocols that speak in lines of text: what they share. */
#include <string.h>

#include "base/text.h"
#include "lines.h"
#include "rows.h"

#define LINE_SHOWN_MAX 200u /* bytes of a line in the packet's line */
#define WORD_MAX 24u	    /* characters of the longest verb that anybody asks for */

bool line_next(struct cursor *c, struct str *line)
{
	const uint8_t *p = c->data, *end;
	size_t left = cursor_left(c);

	if (!left)
		return false;
	end = memchr(p, '\n', left);
	c->data = end ? end + 1 : c->tail;
	end = end ? end : c->tail;
	if (end > p && end[-1] == '\r')
		end--;
	*line = (struct str){(const char *)p, (size_t)(end - p)};
	return true;
}

bool line_whole(struct cursor *c, struct str *line)
{
	size_t left = cursor_left(c);

	return left && memchr(c->data, '\n', left) && line_next(c, line);
}

void line_add(struct buf *out, struct str line)
{
	if (line.len > LINE_SHOWN_MAX)
		line.len = LINE_SHOWN_MAX;
	text_escape(out, line, false);
}

struct str line_word(struct str *line)
{
	struct str word = {line->p, 0};

	while (word.len < line->len && line->p[word.len] != ' ')
		word.len++;
	line->p += word.len;
	line->len -= word.len;
	while (line->len && *line->p == ' ') {
		line->p++;
		line->len--;
	}
	return word;
}

bool line_printable(struct str line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.p[i] < ' ' || line.p[i] > '~')
			return false;
	}
	return line.len > 0;
}

bool line_has(struct str line, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= line.len; i++) {
		if (strncasecmp(line.p + i, text, n) == 0)
			return true;
	}
	return false;
}

bool word_in(struct str word, const char *list)
{
	char asked[WORD_MAX + 3] = " ";

	if (!word.len || word.len > WORD_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.p[i];

		if (c <= ' ' || c > '~')
			return false;
		asked[i + 1] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	asked[word.len + 1] = ' ';
	return strstr(list, asked) != NULL;
}

unsigned line_reply(struct str line)
{
	const char *p = line.p;

	if (line.len < 3 || p[0] < '1' || p[0] > '6' || p[1] < '0' || p[1] > '9' || p[2] < '0' ||
	    p[2] > '9' || (line.len > 3 && p[3] != ' ' && p[3] != '-'))
		return 0;
	return (unsigned)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
}

void line_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;

	if (line_next(&c, &line))
		line_add(out, line);
}

void line_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;

	for (unsigned i = 0; i < LINES_MAX; i++) {
		uint32_t at = cursor_offset(&c);

		if (!line_next(&c, &line))
			return;
		view_text(v, "line", at, (uint32_t)line.len, line);
	}
}
