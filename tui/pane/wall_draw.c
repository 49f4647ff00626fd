/* The cells: a counter's name and rate, below them its last minute and what it has counted so far. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "wall_private.h"

#define CELL_COLUMNS 29 /* the least of a cell */
#define CELL_MOST 44
#define TOTAL_COLUMNS 8
#define DETAIL_FROM 10 /* rows of the pane from which the selected one has a line of its own */

static double number(struct value v)
{
	return v.type == VALUE_REAL ? v.r : v.type == VALUE_INT ? (double)v.i : 0;
}

static struct str text_of(const struct wall_cell *c, const char *column)
{
	const struct value v = wall_value(c, column);

	return v.type == VALUE_TEXT ? v.s : str_of("");
}

/* On the wall of one session its counters go by their own names. */
static void name_print(const struct wall *w, const struct wall_cell *c, struct buf *out)
{
	const struct str session = text_of(c, "session"), counter = text_of(c, "counter");

	if (w->asks->next)
		(void)buf_printf(out, "%s:", host_name(c->ask->host));
	if (!*w->session || !counter.len)
		(void)buf_add(out, session.p, session.len);
	if (!*w->session && counter.len)
		(void)buf_add_str(out, "/");
	(void)buf_add(out, counter.p, counter.len);
	if (*w->session && !counter.len)
		(void)buf_add_str(out, " (all of it)");
}

static void cell_draw(struct wall *w, const struct wall_cell *c, struct area a, bool selected, bool focused)
{
	const struct wall_track *t = wall_track(w, c);
	const struct value rate = wall_value(c, w->bits ? "bps" : "pps");
	char number_text[TEXT_NUMBER_MAX], text[TEXT_NUMBER_MAX + 8] = "-";
	const int spark = a.width - TOTAL_COLUMNS - 4;
	struct buf name;
	int width;

	buf_init(&name, 1024);
	name_print(w, c, &name);
	if (rate.type != VALUE_NULL)
		(void)snprintf(text, sizeof(text), "%s%s", text_rate(number(rate), number_text), w->bits ? "b/s" : "/s");
	width = (int)strlen(text);
	area_text(a, 0, 0, STYLE_NORMAL, selected ? ">" : " ");
	area_cut(a, 1, 0, STYLE_NORMAL, (struct str){buf_str(&name), name.len}, a.width - width - 4);
	area_right(a, a.width - 2 - width, 0, number(rate) > 0 ? STYLE_TITLE : STYLE_DIM, text, width);
	if (selected)
		area_style(a, 0, 0, a.width - 1, focused ? STYLE_SELECTED : STYLE_SELECTED_IDLE);
	if (a.height > 1 && t)
		area_spark(a, 1, 1, spark, w->bits ? t->bps : t->pps, t->count, 0, STYLE_GRAPH);
	if (a.height > 1)
		area_right(a, a.width - 2 - TOTAL_COLUMNS, 1, STYLE_DIM,
			   w->bits ? text_bytes((uint64_t)number(wall_value(c, "bytes")), number_text) :
				     text_count((uint64_t)number(wall_value(c, "packets")), number_text), TOTAL_COLUMNS);
	buf_release(&name);
}

/* What the selected one counts. */
static void detail_draw(const struct wall *w, const struct wall_cell *c, struct area a)
{
	const struct str filter = text_of(c, "filter");
	const double packets = number(wall_value(c, "packets")), bytes = number(wall_value(c, "bytes"));
	const struct value last = wall_value(c, "last_time");
	char size[TEXT_NUMBER_MAX], count[TEXT_NUMBER_MAX], time[TEXT_NUMBER_MAX];
	int x = 1;

	(void)w;
	x += area_printf(a, x, 0, STYLE_LABEL, "%s packets  %s", text_count((uint64_t)packets, count), text_bytes((uint64_t)bytes, size)) + 2;
	if (packets > 0)
		x += area_printf(a, x, 0, STYLE_LABEL, "mean %.0f B", bytes / packets) + 2;
	if (last.type == VALUE_INT) {
		text_time(last.i, TEXT_UTC, time);
		x += area_printf(a, x, 0, STYLE_LABEL, "last %.8s", strlen(time) > 19 ? time + 11 : time) + 2;
	}
	area_printf(a, x, 0, STYLE_NORMAL, "%.*s", (int)filter.len, filter.len ? filter.p : "");
}

/* Nothing is here: why. */
static void nothing_draw(const struct wall *w, struct area a)
{
	int y = 0;

	for (const struct wall_ask *q = w->asks; q; q = q->next) {
		const struct err *e = host_state(q->host) == HOST_UP ? feed_error(q->feed) : host_error(q->host);

		if (e->code != ERR_NONE)
			y += area_lines(area_part(a, 0, y, a.width, a.height - y), STYLE_WARN, e->text);
		else if (feed_state(q->feed) == FEED_WAITING || feed_state(q->feed) == FEED_IDLE)
			y += area_lines(area_part(a, 0, y, a.width, a.height - y), STYLE_DIM, "waiting for the first rows ...");
	}
	if (y == 0 && *w->filter)
		area_lines(a, STYLE_DIM, "No counter passes the filter: \\ changes it, an empty one takes it away.");
	else if (y == 0)
		area_lines(a, STYLE_DIM, *w->session ? "No counter: + adds one." : "No session counts anything: F5 starts one.");
}

/* Cells as wide as that the screen is full, three rows each where all have room. */
static int layout(struct wall *w, struct area a)
{
	const int most = a.width / CELL_MOST, least = a.width / CELL_COLUMNS;
	uint64_t lines;
	int high = 2;

	w->across = least < 1 ? 1 : least > most + 1 ? most + 1 : least;
	lines = (w->total + (uint64_t)w->across - 1) / (uint64_t)w->across;
	if (lines * 3 <= (uint64_t)a.height)
		high = 3;
	w->down = a.height / high > 0 ? a.height / high : 1;
	return high;
}

static void scroll(struct wall *w)
{
	const uint64_t across = (uint64_t)w->across, page = across * (uint64_t)w->down;

	w->top -= w->top % across;
	if (w->cursor < w->top)
		w->top = w->cursor - w->cursor % across;
	if (w->cursor >= w->top + page)
		w->top = w->cursor - w->cursor % across - page + across;
}

void wall_draw(struct pane *p, struct area a, bool focused)
{
	struct wall *w = (struct wall *)p;
	const int detail = a.height >= DETAIL_FROM ? 1 : 0, high = layout(w, area_part(a, 0, 0, a.width, a.height - detail));
	const int width = a.width / w->across;

	scroll(w);
	wall_ask(w);
	if (w->total == 0) {
		nothing_draw(w, a);
		return;
	}
	for (int i = 0; i < w->across * w->down; i++) {
		const uint64_t place = w->top + (uint64_t)i;
		const struct wall_cell *c = wall_at(w, place);
		struct area box = area_part(a, i % w->across * width, i / w->across * high, width, high);

		if (c)
			cell_draw(w, c, box, place == w->cursor, focused);
		else if (place < w->total)
			area_text(box, 1, 0, STYLE_DIM, "...");
	}
	if (detail && wall_at(w, w->cursor))
		detail_draw(w, wall_at(w, w->cursor), area_part(a, 0, a.height - 1, a.width, 1));
}
