/* The event log of this console: what hosts and sessions told, what went wrong here. */
#include "panes.h"
#include "tui/app.h"
#include "tui/list.h"

struct events {
	struct pane pane;
	struct list *list;
	uint64_t last; /* number of the newest event that was drawn */
};

static const struct list_column columns[] = {
	{.name = "time", .width = 26, .priority = 2},
	{.name = "severity", .title = "SEV", .width = 5},
	{.name = "where", .width = 16, .priority = 1},
	{.name = "sentence", .title = "WHAT", .width = 44, .stretch = true},
};

static enum style event_style(void *arg, const struct window *w, uint32_t row)
{
	struct value v = window_cell(w, row, window_column(w, "severity"));

	(void)arg;
	if (v.type != VALUE_TEXT)
		return STYLE_NORMAL;
	return str_is(v.s, "error") ? STYLE_ERROR : str_is(v.s, "warn") ? STYLE_WARN : STYLE_NORMAL;
}

static int events_open(struct pane *p, struct err *e)
{
	struct events *v = (struct events *)p;
	const struct list_spec spec = {
		.table = "events",
		.column = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0]),
		.key = "number",
		.sort = "",
		.period_ms = 1000,
		.follow = true,
		.row_style = event_style,
		.empty = "Nothing has happened yet.",
		.arg = v,
	};
	const struct table t = app_events(p->app);

	(void)e;
	v->list = list_new_local(p, &spec, &t);
	return 0;
}

static void events_close(struct pane *p)
{
	list_free(((struct events *)p)->list);
}

static void events_update(struct pane *p)
{
	list_update(((struct events *)p)->list);
}

static void events_draw(struct pane *p, struct area a, bool focused)
{
	struct events *v = (struct events *)p;
	const struct table t = app_events(p->app);
	uint64_t last = t.rows(t.data) + t.version(t.data);

	if (last != v->last && !app_paused(p->app))
		list_again(v->list);
	v->last = last;
	list_draw(v->list, a, focused);
}

static unsigned events_command(struct pane *p, int count, char **word, struct err *e)
{
	return list_command(((struct events *)p)->list, count, word, e);
}

static void events_status(struct pane *p, struct buf *out)
{
	list_status(((struct events *)p)->list, out);
}

const struct pane_type pane_events = {
	.name = "events",
	.title = "Events",
	.summary = "what happened, here and on the hosts",
	.tab = '1',
	.size = sizeof(struct events),
	.list = true,
	.open = events_open,
	.close = events_close,
	.update = events_update,
	.draw = events_draw,
	.command = events_command,
	.status = events_status,
};
