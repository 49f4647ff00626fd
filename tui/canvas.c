#include "tui/canvas.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/xalloc.h"

#define CANVAS_SIDE_MAX 2000 /* columns or rows: a terminal that says more is not believed */
#define PRINTF_MAX 1024

int canvas_init(struct canvas *c, int width, int height, bool utf8)
{
	width = width < 1 ? 1 : width > CANVAS_SIDE_MAX ? CANVAS_SIDE_MAX : width;
	height = height < 1 ? 1 : height > CANVAS_SIDE_MAX ? CANVAS_SIDE_MAX : height;
	c->width = width;
	c->height = height;
	c->utf8 = utf8;
	c->cell = xcalloc((size_t)width * (size_t)height, sizeof(*c->cell));
	canvas_clear(c);
	return 0;
}

void canvas_release(struct canvas *c)
{
	free(c->cell);
	*c = (struct canvas){0};
}

void canvas_clear(struct canvas *c)
{
	size_t n = (size_t)c->width * (size_t)c->height;

	for (size_t i = 0; i < n; i++)
		c->cell[i] = (struct cell){.ch = ' ', .style = STYLE_NORMAL};
}

struct area canvas_area(struct canvas *c)
{
	return (struct area){.canvas = c, .width = c->width, .height = c->height};
}

struct area area_part(struct area a, int x, int y, int width, int height)
{
	struct area p = {.canvas = a.canvas};

	if (x < 0) {
		width += x;
		x = 0;
	}
	if (y < 0) {
		height += y;
		y = 0;
	}
	if (width > a.width - x)
		width = a.width - x;
	if (height > a.height - y)
		height = a.height - y;
	p.x = a.x + x;
	p.y = a.y + y;
	p.width = width > 0 ? width : 0;
	p.height = height > 0 ? height : 0;
	return p;
}

/* What stands for a sign of ours where only ASCII can be shown. Foreign text becomes '?'. */
static int32_t sign_ascii(int32_t ch)
{
	static const char level[] = ".:-=+*#@";

	if (ch < 0x80)
		return ch;
	if (ch >= 0x2581 && ch <= 0x2588)
		return level[ch - 0x2581];
	if (ch >= 0x2589 && ch <= 0x258f)
		return ch <= 0x258c ? '#' : '-';
	switch (ch) {
	case 0x2500:
		return '-';
	case 0x2502:
		return '|';
	case 0x250c: case 0x2510: case 0x2514: case 0x2518: case 0x251c: case 0x2524: case 0x252c: case 0x2534: case 0x253c:
		return '+';
	case 0x25b4: case 0x2191:
		return '^';
	case 0x25be: case 0x2193:
		return 'v';
	case 0x2192: case 0x25b8:
		return '>';
	case 0x2190: case 0x25c2:
		return '<';
	case 0x2026:
		return '~';
	default:
		return '?';
	}
}

static struct cell *cell_at(struct area a, int x, int y)
{
	return &a.canvas->cell[(size_t)(a.y + y) * (size_t)a.canvas->width + (size_t)(a.x + x)];
}

/* Half of a wide character that is written over would leave the other half behind. */
static void cell_mend(struct area a, int x, int y)
{
	struct cell *c = cell_at(a, x, y);

	if (c->ch == 0 && a.x + x > 0)
		c[-1].ch = ' ';
	if (a.x + x + 1 < a.canvas->width && c[1].ch == 0)
		c[1].ch = ' ';
}

/* Returns columns taken, 0 where it does not fit. */
static int area_put(struct area a, int x, int y, int32_t ch, int columns, enum style style)
{
	if (x < 0 || y < 0 || y >= a.height || x + columns > a.width)
		return 0;
	if (!a.canvas->utf8) {
		int32_t sign = sign_ascii(ch);
		for (int i = 0; i < columns; i++) {
			cell_mend(a, x + i, y);
			*cell_at(a, x + i, y) = (struct cell){.ch = sign, .style = (uint8_t)style};
		}
		return columns;
	}
	for (int i = 0; i < columns; i++) {
		cell_mend(a, x + i, y);
		*cell_at(a, x + i, y) = (struct cell){.ch = i ? 0 : ch, .style = (uint8_t)style};
	}
	return columns;
}

void area_fill(struct area a, int32_t ch, enum style style)
{
	for (int y = 0; y < a.height; y++) {
		for (int x = 0; x < a.width; x++)
			area_put(a, x, y, ch, 1, style);
	}
}

/* One code point of foreign text (or the byte that is none) at x: columns taken, -1 when the room is used up. */
static int area_foreign(struct area a, int x, int y, enum style style, int32_t ch, uint8_t byte, int room)
{
	char hex[8];
	int columns = ch < 0 ? -1 : text_width(ch);

	if (columns == 0)
		return 0;
	if (columns > 0) {
		if (columns > room)
			return -1;
		area_put(a, x, y, ch, columns, style);
		return columns;
	}
	if (ch > 0xff) {
		if (room < 1)
			return -1;
		area_put(a, x, y, '.', 1, style);
		return 1;
	}
	if (room < 4)
		return -1;
	snprintf(hex, sizeof(hex), "\\x%02x", ch < 0 ? byte : (unsigned)ch);
	for (int i = 0; i < 4; i++)
		area_put(a, x + i, y, hex[i], 1, style);
	return 4;
}

int area_str(struct area a, int x, int y, enum style style, struct str text, int width)
{
	int used = 0;

	if (y < 0 || y >= a.height || x >= a.width)
		return 0;
	if (width > a.width - x)
		width = a.width - x;
	while (text.len > 0) {
		uint8_t byte = (uint8_t)text.p[0];
		int32_t ch = text_utf8_next(&text);
		int n = area_foreign(a, x + used, y, style, ch, byte, width - used);
		if (n < 0)
			break;
		used += n;
	}
	return used;
}

int area_text(struct area a, int x, int y, enum style style, const char *text)
{
	return area_str(a, x, y, style, str_of(text), a.width - x);
}

int area_printf(struct area a, int x, int y, enum style style, const char *fmt, ...)
{
	char line[PRINTF_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return area_text(a, x, y, style, line);
}

int canvas_columns(struct str text)
{
	int n = 0;

	while (text.len > 0) {
		int32_t ch = text_utf8_next(&text);
		int columns = ch < 0 ? -1 : text_width(ch);
		n += columns >= 0 ? columns : ch > 0xff ? 1 : 4;
	}
	return n;
}

void area_cut(struct area a, int x, int y, enum style style, struct str text, int width)
{
	bool cut;

	if (width > a.width - x)
		width = a.width - x;
	cut = canvas_columns(text) > width;
	area_str(a, x, y, style, text, cut ? width - 1 : width);
	if (cut && width > 0)
		area_put(a, x + width - 1, y, 0x2026, 1, style);
}

void area_right(struct area a, int x, int y, enum style style, const char *text, int width)
{
	struct str rest = str_of(text);
	int columns = canvas_columns(rest);

	if (width <= 0)
		return;
	if (columns <= width) {
		area_str(a, x + width - columns, y, style, rest, columns);
		return;
	}
	while (rest.len > 0 && canvas_columns(rest) > width - 1)
		text_utf8_next(&rest);
	area_put(a, x, y, '<', 1, style);
	columns = canvas_columns(rest);
	area_str(a, x + width - columns, y, style, rest, columns);
}

int area_lines(struct area a, enum style style, const char *text)
{
	int room = a.width - 2, y = 0;

	while (*text && y < a.height && room > 0) {
		size_t len = strlen(text), cut;
		if (len > (size_t)room) {
			for (cut = (size_t)room; cut > 0 && text[cut] != ' '; cut--)
				;
			len = cut ? cut : (size_t)room;
		}
		area_str(a, 1, y++, style, (struct str){text, len}, room);
		text += len;
		text += *text == ' ';
	}
	return y;
}

int area_pieces(struct area a, int x, int y, enum style style, const char *text)
{
	const int room = a.width - x;
	struct str fits = str_of(text);

	while (canvas_columns(fits) > room) {
		size_t at = fits.len;

		while (at > 3 && memcmp(text + at - 3, "   ", 3) != 0)
			at--;
		if (at <= 3)
			return area_str(a, x, y, style, str_of(text), room); /* the first one is so long */
		fits.len = at - 3;
	}
	return area_str(a, x, y, style, fits, room);
}

void area_style(struct area a, int x, int y, int width, enum style style)
{
	struct area part = area_part(a, x, y, width, 1);

	for (int i = 0; part.height > 0 && i < part.width; i++)
		cell_at(part, i, 0)->style = (uint8_t)style;
}

struct area area_frame(struct area a, const char *title, bool active)
{
	enum style style = active ? STYLE_FRAME_ACTIVE : STYLE_FRAME;
	int right = a.width - 1, bottom = a.height - 1;

	if (a.width < 2 || a.height < 2)
		return area_part(a, 0, 0, 0, 0);
	for (int x = 1; x < right; x++) {
		area_put(a, x, 0, 0x2500, 1, style);
		area_put(a, x, bottom, 0x2500, 1, style);
	}
	for (int y = 1; y < bottom; y++) {
		area_put(a, 0, y, 0x2502, 1, style);
		area_put(a, right, y, 0x2502, 1, style);
	}
	area_put(a, 0, 0, 0x250c, 1, style);
	area_put(a, right, 0, 0x2510, 1, style);
	area_put(a, 0, bottom, 0x2514, 1, style);
	area_put(a, right, bottom, 0x2518, 1, style);
	if (title && title[0] && a.width > 6) {
		int n = area_str(a, 2, 0, active ? STYLE_TITLE : style, str_of(title), a.width - 5);
		area_put(a, 1, 0, ' ', 1, style);
		area_put(a, 2 + n, 0, ' ', 1, style);
	}
	return area_part(a, 1, 1, a.width - 2, a.height - 2);
}

static int utf8_put(char out[4], int32_t ch)
{
	if (ch < 0x80) {
		out[0] = (char)ch;
		return 1;
	}
	if (ch < 0x800) {
		out[0] = (char)(0xc0 | (ch >> 6));
		out[1] = (char)(0x80 | (ch & 0x3f));
		return 2;
	}
	if (ch < 0x10000) {
		out[0] = (char)(0xe0 | (ch >> 12));
		out[1] = (char)(0x80 | ((ch >> 6) & 0x3f));
		out[2] = (char)(0x80 | (ch & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (ch >> 18));
	out[1] = (char)(0x80 | ((ch >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((ch >> 6) & 0x3f));
	out[3] = (char)(0x80 | (ch & 0x3f));
	return 4;
}

void canvas_text(const struct canvas *c, struct buf *out)
{
	for (int y = 0; y < c->height; y++) {
		const struct cell *row = &c->cell[(size_t)y * (size_t)c->width];
		int end = c->width;
		while (end > 0 && row[end - 1].ch == ' ')
			end--;
		for (int x = 0; x < end; x++) {
			char bytes[4];
			if (row[x].ch != 0)
				buf_add(out, bytes, (size_t)utf8_put(bytes, row[x].ch));
		}
		buf_add_byte(out, '\n');
	}
}

void canvas_styles(const struct canvas *c, struct buf *out)
{
	for (int y = 0; y < c->height; y++) {
		const struct cell *row = &c->cell[(size_t)y * (size_t)c->width];
		for (int x = 0; x < c->width; x++)
			buf_add_byte(out, (uint8_t)(row[x].style == STYLE_NORMAL ? '.' : 'a' + row[x].style - 1));
		buf_add_byte(out, '\n');
	}
}
