/* An opened capture: what it is, its interfaces, and the way to its connections and packets. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define FACT_LABEL 13 /* columns of a fact's name */

struct capture_pane {
	struct pane pane;
	struct feed *summary;
	struct list *interfaces;
};

static const struct list_column interface_columns[] = {
	{.name = "id", .title = "#", .width = 4},
	{.name = "name", .title = "INTERFACE", .width = 14, .stretch = true},
	{.name = "link_type", .title = "LINK TYPE", .width = 12},
	{.name = "snaplen", .title = "SNAPLEN", .width = 8, .priority = 3},
	{.name = "packets", .title = "PACKETS", .width = 9},
	{.name = "bytes", .title = "BYTES", .width = 9, .priority = 1},
	{.name = "dropped", .title = "DROPPED", .width = 8, .priority = 2},
	{.name = "filter", .title = "FILTER", .width = 16, .priority = 4},
};

static void summary_changed(void *arg, struct feed *f)
{
	(void)f;
	app_dirty(((struct capture_pane *)arg)->pane.app);
}

static int capture_open(struct pane *p, struct err *e)
{
	struct capture_pane *c = (struct capture_pane *)p;

	if (!*p->target)
		return err_set(e, ERR_CALL, "no capture is open: choose one in the history (5), or :open capture FILE");
	c->summary = feed_new(p->app, p->host, p->target, summary_changed, c);
	feed_ask(c->summary, &(struct feed_query){.table = "summary", .count = 1, .period_ms = 500});
	c->interfaces = list_new(p, &(struct list_spec){
		.table = "interfaces", .column = interface_columns, .ncolumns = ARRAY_LEN(interface_columns), .key = "id", .sort = "",
		.period_ms = 1000, .empty = "No interface yet.", .arg = c});
	return 0;
}

static void capture_close(struct pane *p)
{
	struct capture_pane *c = (struct capture_pane *)p;

	feed_free(c->summary);
	list_free(c->interfaces);
}

static void capture_update(struct pane *p)
{
	list_update(((struct capture_pane *)p)->interfaces);
}

/* Reading, with progress; a refusal; or how sound what was read is. Lines drawn. */
static int draw_state(const struct capture_pane *c, const struct window *w, struct area a)
{
	char done[TEXT_NUMBER_MAX], of[TEXT_NUMBER_MAX];

	if (feed_state(c->summary) == FEED_FAILED)
		return area_lines(area_part(a, 0, 0, a.width, 4), STYLE_ERROR, feed_error(c->summary)->text);
	if (w->rows == 0) {
		area_text(a, 1, 0, STYLE_DIM, "opening the capture ...");
		return 1;
	}
	if (w->state == WINDOW_READING && w->of > 0) {
		const double share = (double)w->done / (double)w->of;
		const int bar = a.width > 60 ? 20 : 8;

		area_bar(a, 1, 0, bar, share, STYLE_GRAPH);
		area_printf(a, bar + 2, 0, STYLE_LABEL, "%.0f %%  %s of %s  Esc stops%s", 100 * share,
			    text_bytes(w->done, done), text_bytes(w->of, of), a.width > 64 ? ", what was read stays" : "");
		return 1;
	}
	return 0;
}

/* What a person must know before he trusts the figures. */
static int draw_quality(const struct window *w, struct area a)
{
	const struct value damage = window_cell(w, 0, window_column(w, "damage")), order = window_cell(w, 0, window_column(w, "in_order"));
	const struct value captured = window_cell(w, 0, window_column(w, "captured_bytes")), wire = window_cell(w, 0, window_column(w, "wire_bytes"));
	const bool cut = captured.type == VALUE_INT && wire.type == VALUE_INT && captured.i < wire.i;
	const bool back = order.type == VALUE_INT && order.i == 0;
	int y = 0;

	if (damage.type == VALUE_TEXT && damage.s.len > 0) {
		char *text = xasprintf("! damaged: %.*s", (int)damage.s.len, damage.s.p);

		y += area_lines(area_part(a, 0, y, a.width, 4), STYLE_WARN, text);
		free(text);
	} else if (w->note && *w->note) {
		y += area_lines(area_part(a, 0, y, a.width, 4), STYLE_WARN, w->note);
	}
	if (back)
		y += area_lines(area_part(a, 0, y, a.width, 2), STYLE_WARN, "! times go backwards in places: rates and durations may mislead");
	if (cut)
		area_printf(a, 1, y++, STYLE_WARN, "! packets were cut: %.1f %% of their bytes are here", 100.0 * (double)captured.i / (double)wire.i);
	if (y == 0 && w->state == WINDOW_COMPLETE)
		area_text(a, 1, y++, STYLE_GOOD, "sound: read to the end, every packet whole, times in order");
	return y;
}

static int draw_fact(const struct window *w, const char *label, const char *column, struct area a)
{
	const int index = window_column(w, column);
	const struct value v = window_cell(w, 0, index);
	struct buf text;

	if (index < 0 || v.type == VALUE_NULL || a.height < 1)
		return 0;
	buf_init(&text, 8192);
	value_print_text(&text, w->columns[index].kind, &v, TEXT_UTC);
	area_text(area_part(a, 0, 0, FACT_LABEL - 1, 1), 1, 0, STYLE_LABEL, label);
	if (canvas_columns((struct str){buf_str(&text), text.len}) > a.width - FACT_LABEL) /* of a long path the end tells more */
		area_right(a, FACT_LABEL, 0, STYLE_NORMAL, buf_str(&text), a.width - FACT_LABEL);
	else
		area_text(a, FACT_LABEL, 0, STYLE_NORMAL, buf_str(&text));
	buf_release(&text);
	return 1;
}

/* Facts that may be long have a line of their own; the others stand two or three abreast. */
static int draw_facts(const struct window *w, struct area a)
{
	static const char *const wide[][2] = {{"file", "file"}, {"link types", "link_types"}};
	static const char *const fact[][2] = {
		{"packets", "packets"},	      {"connections", "connections"}, {"lasted", "duration_s"},	  {"first", "first_time"},
		{"last", "last_time"},	      {"on the wire", "wire_bytes"},  {"captured", "captured_bytes"}, {"file size", "file_bytes"},
		{"format", "format"},	      {"precision", "precision"},     {"snaplen", "snaplen"},
	};
	const int across = a.width >= 126 ? 3 : a.width >= 84 ? 2 : 1, width = a.width / across;
	int y = 0, shown = 0;

	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		y += draw_fact(w, wide[i][0], wide[i][1], area_part(a, 0, y, a.width, 1));
	for (size_t i = 0; i < ARRAY_LEN(fact) && y + shown / across < a.height; i++)
		shown += draw_fact(w, fact[i][0], fact[i][1], area_part(a, shown % across * width, y + shown / across, width, 1));
	return y + (shown + across - 1) / across;
}

static void capture_draw(struct pane *p, struct area a, bool focused)
{
	struct capture_pane *c = (struct capture_pane *)p;
	const struct window *w = feed_window(c->summary);
	const int list = a.height >= 20 ? 6 : a.height >= 16 ? 4 : 0;
	int y = draw_state(c, w, a);

	if (w->rows == 0)
		return;
	y += draw_quality(w, area_part(a, 0, y, a.width, a.height - y));
	y += a.height >= 14;
	y += draw_facts(w, area_part(a, 0, y, a.width, a.height - y - 1 - list)) + (a.height >= 14);
	if (list)
		list_draw(c->interfaces, area_part(a, 0, y, a.width, a.height - y - 2), focused);
	area_text(a, 1, a.height - 1, STYLE_LABEL, "Enter or C connections   P packets   F flows   V all views");
}

static unsigned capture_command(struct pane *p, int count, char **word, struct err *e)
{
	struct capture_pane *c = (struct capture_pane *)p;

	if (strcmp(word[0], "select") == 0)
		return app_open(p->app, "capture-connections", host_name(p->host), p->target, "", e) == 0 ? REACT_DRAW : REACT_DONE;
	if (strcmp(word[0], "cancel") == 0)
		return pane_stop_reading(p, c->summary);
	return list_command(c->interfaces, count, word, e);
}

static void capture_status(struct pane *p, struct buf *out)
{
	const bool here = !*host_name(p->host) || strcmp(host_name(p->host), "local") == 0;

	(void)buf_printf(out, "on %s", here ? "this host" : host_name(p->host));
}

static void capture_name(struct pane *p, struct buf *out)
{
	pane_target_name(p, out);
}

const struct pane_type pane_capture = {
	.name = "summary", .title = "Summary", .summary = "an opened capture: what it is and how sound", .tab = '6',
	.size = sizeof(struct capture_pane), .list = true, .open = capture_open, .close = capture_close, .update = capture_update,
	.draw = capture_draw, .command = capture_command, .status = capture_status, .name_of = capture_name,
};
