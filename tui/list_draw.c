#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "list_private.h"

#define MARK_COLUMNS 2 /* the signs of selection and tag */
#define SERIES_MAX 256 /* samples of a sparkline */
#define STRETCH_MIN 6

static int kind_width(enum kind k)
{
	switch (k) {
	case KIND_PORT:
		return 5;
	case KIND_BOOL:
		return 3;
	case KIND_FLOW: case KIND_SHARE:
		return 7;
	case KIND_COUNT: case KIND_PPS: case KIND_REAL:
		return 8;
	case KIND_BYTES: case KIND_BPS: case KIND_MS:
		return 9;
	case KIND_SECONDS:
		return 10;
	case KIND_ADDR:
		return 15;
	case KIND_TIME:
		return 26;
	case KIND_TEXT: case KIND_SERIES:
		break;
	}
	return 14;
}

static bool kind_right(enum kind k)
{
	return k != KIND_TEXT && k != KIND_ADDR && k != KIND_TIME && k != KIND_SERIES && k != KIND_BOOL;
}

static const char *column_title(const struct list_column *c, char out[TABLE_NAME_MAX])
{
	size_t i;

	if (c->title)
		return c->title;
	for (i = 0; c->name[i] && i + 1 < TABLE_NAME_MAX; i++)
		out[i] = c->name[i] >= 'a' && c->name[i] <= 'z' ? (char)(c->name[i] - 32) : c->name[i];
	out[i] = 0;
	return out;
}

static int column_width(const struct list *l, const struct list_column *c)
{
	const struct window *w = feed_window(l->feed);
	int index = window_column(w, c->name);
	char title[TABLE_NAME_MAX];
	int head = (int)strlen(column_title(c, title)) + 1, width = c->width;

	if (width == 0)
		width = index >= 0 ? kind_width(w->columns[index].kind) : 10;
	return c->width == 0 && width < head ? head : width;
}

/* What a column must have where it is shown at all. */
static int column_least(const struct list *l, const struct list_column *c)
{
	if (!c->stretch)
		return column_width(l, c);
	return c->width > STRETCH_MIN ? c->width : STRETCH_MIN;
}

/* A host of another version has no such column. */
static bool column_missing(const struct list *l, const struct list_column *c)
{
	return l->spec.whole && !c->made && feed_serial(l->feed) > 0 && window_column(feed_window(l->feed), c->name) < 0;
}

/* Marks which columns fit: those of the highest priority number go first; scrolled sideways, those at the left. */
static void layout_choose(const struct list *l, int width, bool *in, size_t n)
{
	const struct list_column *column = list_columns(l, &n);
	int used = MARK_COLUMNS, left = l->skip;

	for (size_t i = 0; i < n; i++) {
		in[i] = !column_missing(l, &column[i]);
		if (!in[i])
			continue;
		if (column[i].priority > 0 && left > 0) {
			in[i] = false;
			left--;
			continue;
		}
		used += column_least(l, &column[i]) + 1;
	}
	while (used > width) {
		size_t worst = n;
		for (size_t i = 0; i < n; i++) {
			bool later = worst == n || (l->skip > 0 ? true : column[i].priority >= column[worst].priority);
			if (in[i] && column[i].priority > 0 && later)
				worst = i;
		}
		if (worst == n)
			return;
		in[worst] = false;
		used -= column_least(l, &column[worst]) + 1;
	}
}

/* The columns that stretch share `room`, the first ones get what is over. */
static void layout_stretch(struct list *l, int room, int stretches)
{
	int moved = 0;

	for (int i = 0; i < l->nshown && room > 0; i++) {
		struct list_shown *s = &l->shown[i];
		int more;

		s->x += moved;
		if (!s->column->stretch)
			continue;
		more = (room - moved + stretches - 1) / stretches;
		stretches--;
		s->width += more;
		moved += more;
	}
}

void list_layout(struct list *l, int width)
{
	const struct window *w = feed_window(l->feed);
	bool in[LIST_COLUMNS_MAX] = {false};
	size_t n;
	const struct list_column *column = list_columns(l, &n);
	int used = MARK_COLUMNS, stretches = 0;

	if (n > LIST_COLUMNS_MAX)
		n = LIST_COLUMNS_MAX;
	layout_choose(l, width, in, n);
	l->nshown = 0;
	for (size_t i = 0; i < n; i++) {
		struct list_shown *s = &l->shown[l->nshown];
		if (!in[i])
			continue;
		*s = (struct list_shown){.column = &column[i], .index = window_column(w, column[i].name), .x = used};
		s->width = column_least(l, &column[i]);
		s->right = s->index >= 0 && kind_right(w->columns[s->index].kind);
		stretches += column[i].stretch;
		used += s->width + 1;
		l->nshown++;
	}
	layout_stretch(l, width - used + 1, stretches);
}

static void draw_header(const struct list *l, struct area a)
{
	const char *sorted = l->sort + (l->sort[0] == '-');
	bool utf8 = a.canvas->utf8;

	for (int i = 0; i < l->nshown; i++) {
		const struct list_shown *s = &l->shown[i];
		char name[TABLE_NAME_MAX], text[TABLE_NAME_MAX + 8];
		bool is_sort = strcmp(sorted, s->column->name) == 0;
		const char *mark = !is_sort ? "" : l->sort[0] == '-' ? (utf8 ? "\u25be" : "v") : (utf8 ? "\u25b4" : "^");
		snprintf(text, sizeof(text), "%.*s%s", s->width > 1 && is_sort ? s->width - 1 : (int)TABLE_NAME_MAX - 1,
			 column_title(s->column, name), mark);
		if (s->right)
			area_right(a, s->x, 0, is_sort ? STYLE_SORT : STYLE_HEADER, text, s->width);
		else
			area_str(a, s->x, 0, is_sort ? STYLE_SORT : STYLE_HEADER, str_of(text), s->width);
	}
}

static void draw_series(struct area a, const struct list_shown *s, int y, struct str text)
{
	double sample[SERIES_MAX];
	char number[64];
	int n = 0;

	while (text.len > 0 && n < SERIES_MAX) {
		size_t len = 0;
		while (len < text.len && text.p[len] != ' ')
			len++;
		if (len > 0 && len < sizeof(number)) {
			memcpy(number, text.p, len);
			number[len] = 0;
			sample[n++] = strcmp(number, "-") == 0 ? -1 : strtod(number, NULL);
		}
		len += len < text.len;
		text.p += len;
		text.len -= len;
	}
	area_spark(a, s->x, y, s->width, sample, n, 0, STYLE_GRAPH);
}

static enum text_zone list_zone(const struct list *l)
{
	const struct options *o = app_options(l->app);

	return options_choice_is(o, OPTION_TIME, "local") ? TEXT_LOCAL : options_choice_is(o, OPTION_TIME, "epoch") ? TEXT_EPOCH : TEXT_UTC;
}

static void draw_cell(const struct list *l, struct area a, const struct list_shown *s, uint32_t row, int y, enum style style,
		      struct buf *text)
{
	const struct window *w = feed_window(l->feed);
	struct value v = window_cell(w, row, s->index);
	enum style own = style;
	enum kind kind = s->index >= 0 ? w->columns[s->index].kind : KIND_TEXT;
	bool given;

	buf_clear(text);
	given = l->spec.cell && l->spec.cell(l->spec.arg, w, row, s->column->name, text, &own);
	if (!given && kind == KIND_SERIES && v.type == VALUE_TEXT) {
		draw_series(a, s, y, v.s);
		return;
	}
	if (!given && v.type != VALUE_NULL)
		value_print_text(text, kind, &v, list_zone(l));
	if (style != STYLE_NORMAL)
		own = style;
	if (s->right && v.type == VALUE_NULL && !given)
		area_right(a, s->x, y, own, "-", s->width);
	else if (s->right)
		area_right(a, s->x, y, own, buf_str(text), s->width);
	else
		area_cut(a, s->x, y, own, (struct str){buf_str(text), text->len}, s->width);
}

static bool row_tagged(const struct list *l, uint32_t row)
{
	char *key;
	bool found = false;

	if (l->ntags == 0)
		return false;
	key = list_key_of(l, row);
	for (size_t i = 0; i < l->ntags && !found; i++)
		found = strcmp(l->tag[i], key) == 0;
	free(key);
	return found;
}

static void draw_row(const struct list *l, struct area a, uint64_t place, int y, bool focused, struct buf *text)
{
	int row = list_row_at(l, place);
	bool selected = place == l->cursor, tagged;
	enum style style = STYLE_NORMAL;
	size_t n;
	const struct list_column *column = list_columns(l, &n);

	if (row < 0) {
		area_text(a, MARK_COLUMNS, y, STYLE_DIM, l->frozen ? "(gone)" : "...");
		return;
	}
	tagged = row_tagged(l, (uint32_t)row);
	if (l->spec.row_style)
		style = l->spec.row_style(l->spec.arg, feed_window(l->feed), (uint32_t)row);
	if (tagged)
		style = STYLE_TAGGED;
	for (int i = 0; i < l->nshown; i++)
		draw_cell(l, a, &l->shown[i], (uint32_t)row, y, style, text);
	if (tagged)
		area_text(a, 1, y, STYLE_TAGGED, "*");
	if (!selected)
		return;
	area_text(a, 0, y, STYLE_NORMAL, ">");
	area_style(a, 0, y, a.width, focused ? STYLE_SELECTED : STYLE_SELECTED_IDLE);
	for (int i = 0; i < l->nshown; i++) {
		if (l->cell >= 0 && (size_t)l->cell < n && l->shown[i].column == &column[l->cell])
			area_style(a, l->shown[i].x, y, l->shown[i].width, STYLE_MATCH);
	}
}

static void draw_failure(const struct list *l, struct area body)
{
	const int y = area_lines(body, STYLE_ERROR, feed_error(l->feed)->text);

	if (!l->local && !l->link.up(l->link.arg))
		area_lines(area_part(body, 0, y, body.width, body.height - y), STYLE_DIM, "4, the hosts, says what to do about it.");
}

static void draw_nothing(const struct list *l, struct area a)
{
	enum feed_state state = feed_state(l->feed);
	const struct window *w = feed_window(l->feed);
	const int top = l->spec.headless || a.height < 2 ? 0 : 1;
	struct area body = area_part(a, 1, top, a.width - 1, a.height - top);

	if (state == FEED_FAILED || (state == FEED_STALE && feed_serial(l->feed) == 0))
		draw_failure(l, body);
	else if (state == FEED_STALE)
		area_text(body, 1, 0, STYLE_DIM, "the link is lost");
	else if (state == FEED_READY && w->state == WINDOW_READING && strncmp(l->target, "file:", 5) == 0)
		area_printf(body, 1, 0, STYLE_DIM, "reading: %d %% so far, no row yet", w->of ? (int)(100.0 * (double)w->done / (double)w->of) : 0);
	else if (list_awaits(l))
		area_text(body, 1, 0, STYLE_DIM, "waiting for the first rows ...");
	else if (l->filter[0] || l->bpf[0])
		area_lines(body, STYLE_DIM, "No row passes the filter: \\ changes it, an empty one takes it away.");
	else
		area_lines(body, STYLE_DIM, l->spec.empty ? l->spec.empty : "Nothing here.");
}

void list_draw(struct list *l, struct area a, bool focused)
{
	uint64_t total = list_total(l);
	struct buf text;
	const int head = l->spec.headless ? 0 : 1;
	int height = a.height - head;

	if (height < 1)
		return;
	if (height != l->height) {
		l->height = height;
		list_show(l);
	}
	if (l->follow && total > 0)
		l->cursor = total - 1;
	list_show(l);
	list_ask(l);
	list_layout(l, a.width);
	total = list_total(l);
	if (head)
		draw_header(l, a);
	if (total == 0) {
		draw_nothing(l, area_part(a, 0, head, a.width, height));
		return;
	}
	buf_init(&text, MSG_PAYLOAD_MAX);
	for (int y = 0; y < height && l->top + (uint64_t)y < total; y++)
		draw_row(l, a, l->top + (uint64_t)y, y + head, focused, &text);
	buf_release(&text);
}

static void status_number(struct buf *out, uint64_t n)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (int i = 0; i < len; i++) {
		buf_add_byte(out, (uint8_t)digits[i]);
		if (i + 1 < len && (len - i - 1) % 3 == 0)
			buf_add_byte(out, ',');
	}
}

static void status_state(const struct list *l, struct buf *out)
{
	const struct window *w = feed_window(l->feed);

	if (l->ntags)
		buf_printf(out, "  %zu tagged", l->ntags);
	if (l->search[0] && l->find.counted && l->find.matches)
		buf_printf(out, "  match %llu of %llu", (unsigned long long)l->find.at + 1, (unsigned long long)l->find.matches);
	if (l->find.step != FIND_NONE)
		buf_add_str(out, "  searching ...");
	if (l->frozen)
		buf_add_str(out, "  FROZEN (z)");
	if (l->follow)
		buf_add_str(out, "  FOLLOW");
	if (w->state == WINDOW_READING && w->of > 0)
		buf_printf(out, "  %d %% read", (int)(100.0 * (double)w->done / (double)w->of));
	/* A link that does not come back fails what is asked of it; the rows are still those from before. */
	if (feed_state(l->feed) == FEED_STALE || (feed_state(l->feed) == FEED_FAILED && feed_serial(l->feed) > 0))
		buf_printf(out, "  STALE: %s", feed_error(l->feed)->text);
	if (w->note && w->note[0])
		buf_printf(out, "  ! %s", w->note);
}

void list_status(const struct list *l, struct buf *out)
{
	uint64_t total = list_total(l);

	if (feed_serial(l->feed) > 0) {
		if (total > 0) {
			status_number(out, l->cursor + 1);
			buf_add_str(out, "/");
		}
		status_number(out, total);
	}
	if (l->filter[0])
		buf_printf(out, "  filter: %s", l->filter);
	if (l->bpf[0])
		buf_printf(out, "  packets: %s", l->bpf);
	status_state(l, out);
	if (l->sort[0]) /* the last: the header shows it too */
		buf_printf(out, "  sort: %s %s", l->sort + (l->sort[0] == '-'), l->sort[0] == '-' ? "down" : "up");
}
