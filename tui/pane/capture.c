/* An opened capture: what it is, its interfaces, and the way to its connections and packets. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

struct capture_pane {
	struct pane pane;
	struct feed *summary;
	struct list *interfaces;
};

static const struct list_column interface_columns[] = {
	{"id", "#", 4, 0, false}, {"name", "INTERFACE", 14, 0, true}, {"link_type", "LINK TYPE", 12, 0, false}, {"snaplen", "SNAPLEN", 8, 3, false},
	{"packets", "PACKETS", 9, 0, false}, {"bytes", "BYTES", 9, 1, false}, {"dropped", "DROPPED", 8, 2, false}, {"filter", "FILTER", 16, 4, false},
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

static int draw_state(const struct capture_pane *c, const struct window *w, struct area a)
{
	char done[TEXT_NUMBER_MAX], of[TEXT_NUMBER_MAX];

	if (feed_state(c->summary) == FEED_FAILED) {
		area_text(a, 1, 0, STYLE_ERROR, feed_error(c->summary)->text);
		return 2;
	}
	if (w->state == WINDOW_READING && w->of > 0) {
		const double share = (double)w->done / (double)w->of;

		area_bar(a, 1, 0, a.width > 44 ? 20 : 10, share, STYLE_GRAPH);
		area_printf(a, a.width > 44 ? 22 : 12, 0, STYLE_LABEL, "%.0f %%  %s of %s  Esc stops, what was read stays", 100 * share,
			    text_bytes(w->done, done), text_bytes(w->of, of));
		return 2;
	}
	if (w->state != WINDOW_COMPLETE && w->note && *w->note) {
		area_text(a, 1, 0, STYLE_WARN, w->note);
		return 2;
	}
	return 0;
}

/* The summary's one row, a fact a line, in two columns where they fit. */
static int draw_summary(const struct window *w, struct area a)
{
	const int across = a.width >= 100 ? 2 : 1, width = a.width / across;
	int shown = 0;

	for (unsigned i = 0; w->rows && i < w->ncolumns; i++) {
		struct value v = window_cell(w, 0, (int)i);
		const int x = shown % across * width, y = shown / across;
		const bool bad = strcmp(w->columns[i].name, "damage") == 0;
		struct buf text;

		if (v.type == VALUE_NULL || y >= a.height)
			continue;
		buf_init(&text, 4096);
		value_print_text(&text, w->columns[i].kind, &v, TEXT_UTC);
		area_text(a, x + 1, y, STYLE_LABEL, w->columns[i].name);
		area_text(area_part(a, x + 18, y, width - 18, 1), 0, 0, bad ? STYLE_WARN : STYLE_NORMAL, buf_str(&text));
		buf_release(&text);
		shown++;
	}
	return (shown + across - 1) / across;
}

static void capture_draw(struct pane *p, struct area a, bool focused)
{
	struct capture_pane *c = (struct capture_pane *)p;
	const struct window *w = feed_window(c->summary);
	int y = draw_state(c, w, a);

	y += draw_summary(w, area_part(a, 0, y, a.width, a.height - y)) + 1;
	if (a.height - y >= 3)
		list_draw(c->interfaces, area_part(a, 0, y, a.width, a.height - y), focused);
}

static unsigned capture_command(struct pane *p, int count, char **word, struct err *e)
{
	struct capture_pane *c = (struct capture_pane *)p;

	if (strcmp(word[0], "select") == 0)
		return app_open(p->app, "capture-connections", host_name(p->host), p->target, "", e) == 0 ? REACT_DRAW : REACT_DONE;
	return list_command(c->interfaces, count, word, e);
}

static void capture_status(struct pane *p, struct buf *out)
{
	const char *path = strncmp(p->target, "file:", 5) == 0 ? p->target + 5 : p->target;

	(void)buf_printf(out, "%s%s%s", host_name(p->host), *host_name(p->host) ? ":" : "", path);
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
