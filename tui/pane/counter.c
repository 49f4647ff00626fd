/* A counter's page: its rate by the second, ten seconds or the minute, with the session's drops and its own changes of filter. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"
#include "rate_graph.h"
#include "session_act.h"
#include "session_facts.h"
#include "table/filter.h"

struct counter_page {
	struct pane pane;
	const char *session; /* the pane's argument is the counter */
	struct rate_graph *graph;
	struct session_facts *facts;
	struct session_act *act;
	struct feed *row;
	unsigned facts_seen;
};

static void row_changed(void *arg, struct feed *f)
{
	(void)f;
	app_dirty(((struct counter_page *)arg)->pane.app);
}

static struct value cell(const struct counter_page *c, const char *column)
{
	const struct window *w = feed_window(c->row);

	return window_cell(w, 0, window_column(w, column));
}

static char *cell_text(const struct counter_page *c, const char *column)
{
	const struct value v = cell(c, column);

	return v.type == VALUE_TEXT ? xstrndup(v.s.p, v.s.len) : xstrdup("");
}

/* "2026-01-02T02:30:00Z dns=udp port 53 (at ...)": those of this counter. */
static void marks_make(struct counter_page *c)
{
	const char *name = c->pane.argument;
	struct str fact, value;
	unsigned n = 0;

	if (c->facts_seen == session_facts_serial(c->facts))
		return;
	c->facts_seen = session_facts_serial(c->facts);
	rate_graph_marks_clear(c->graph);
	while (session_fact_at(c->facts, n, &fact, &value))
		n++;
	while (n-- > 0) {
		char *text, *blank;
		int64_t time_ns;

		if (!session_fact_at(c->facts, n, &fact, &value) || !str_is(fact, "filter_change"))
			continue;
		text = xstrndup(value.p, value.len);
		blank = strchr(text, ' ');
		if (strstr(text, " (at "))
			*strstr(text, " (at ") = 0;
		if (blank && strncmp(blank + 1, name, strlen(name)) == 0 && blank[1 + strlen(name)] == '=' &&
		    text_parse_time((struct str){text, (size_t)(blank - text)}, 0, &time_ns, NULL) == 0)
			rate_graph_mark(c->graph, time_ns, 'F', blank + 2 + strlen(name));
		free(text);
	}
}

static void rates_draw(const struct counter_page *c, struct area a)
{
	const struct value packets = cell(c, "packets"), bytes = cell(c, "bytes"), mean = cell(c, "mean_bytes"), last = cell(c, "last_time");
	char number[TEXT_NUMBER_MAX], size[TEXT_NUMBER_MAX];
	const double bps = rate_graph_bps(c->graph), pps = rate_graph_pps(c->graph);
	int x = 1;

	if (bps >= 0)
		x += area_printf(a, x, 0, STYLE_TITLE, "%s packets/s  %sbit/s", text_rate(pps, number), text_rate(bps, size)) + 2;
	if (packets.type == VALUE_INT && bytes.type == VALUE_INT)
		x += area_printf(a, x, 0, STYLE_NORMAL, "%lld packets  %s", (long long)packets.i, text_bytes((uint64_t)bytes.i, size)) + 2;
	if (mean.type == VALUE_REAL)
		x += area_printf(a, x, 0, STYLE_NORMAL, "mean %.0f B", mean.r) + 2;
	if (last.type == VALUE_INT)
		area_printf(a, x, 0, STYLE_NORMAL, "last %.19s", text_time(last.i, TEXT_UTC, number));
}

static void counter_draw(struct pane *p, struct area a, bool focused)
{
	struct counter_page *c = (struct counter_page *)p;
	char *filter = cell_text(c, "filter");

	(void)focused;
	marks_make(c);
	if (feed_state(c->row) == FEED_FAILED)
		area_lines(area_part(a, 0, 0, a.width, 1), STYLE_WARN, feed_error(c->row)->text);
	else
		rates_draw(c, area_part(a, 0, 0, a.width, 1));
	area_printf(a, 1, 1, STYLE_NORMAL, "counts %s", filter);
	rate_graph_draw(c->graph, area_part(a, 0, 2, a.width, a.height - 2));
	free(filter);
}

static unsigned counter_command(struct pane *p, int count, char **word, struct err *e)
{
	struct counter_page *c = (struct counter_page *)p;
	const struct value packets = cell(c, "packets");
	const char *host = host_name(p->host);
	const struct session_ref r = {.host = *host ? host : "local", .name = c->session, .devices = "", .filter = "", .running = true};
	char *filter = cell_text(c, "filter");
	unsigned react = REACT_DRAW;

	(void)count;
	(void)e;
	if (strcmp(word[0], "scale") == 0)
		rate_graph_scale(c->graph);
	else if (strcmp(word[0], "unit") == 0)
		rate_graph_unit(c->graph);
	else if (strcmp(word[0], "counter-change") == 0)
		session_form(p, &r, SESSION_FORM_COUNTER_CHANGE, p->argument, filter);
	else if (strcmp(word[0], "counter-remove") == 0)
		session_act_counter_remove(c->act, &r, p->argument, packets.type == VALUE_INT ? (uint64_t)packets.i : 0);
	else
		react = REACT_NONE;
	free(filter);
	return react;
}

static int counter_open(struct pane *p, struct err *e)
{
	struct counter_page *c = (struct counter_page *)p;
	struct buf filter;

	if (!pane_is_live(p) || !*p->argument)
		return err_set(e, ERR_CALL, "which counter: choose one on the wall (B)");
	c->session = p->target + strlen("session:");
	c->graph = rate_graph_new(p->app, p->host, c->session, p->argument);
	rate_graph_unit(c->graph); /* counters are about packets first */
	c->facts = session_facts_new(p->app);
	session_facts_of(c->facts, p->host, c->session);
	c->act = session_act_new(p);
	c->row = feed_new(p->app, p->host, p->target, row_changed, c);
	buf_init(&filter, FILTER_TEXT_MAX);
	(void)buf_add_str(&filter, "name == ");
	filter_quote(&filter, p->argument);
	feed_ask(c->row, &(struct feed_query){.table = "counters", .filter = buf_str(&filter), .count = 1, .period_ms = 1000});
	buf_release(&filter);
	return 0;
}

static void counter_close(struct pane *p)
{
	struct counter_page *c = (struct counter_page *)p;

	rate_graph_free(c->graph);
	session_facts_free(c->facts);
	session_act_free(c->act);
	feed_free(c->row);
}

static void counter_name(struct pane *p, struct buf *out)
{
	pane_view_name(p, p->argument, out);
}

static const struct pane_word words[] = {
	{"counter-change", "", "a form for another filter of the counter"},
	{"counter-remove", "", "takes the counter away, after asking"},
	{"scale", "", "a column of the graph is a second, ten, a minute, an hour"},
	{"unit", "", "the graph shows bits or packets"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_counter = {
	.name = "counter", .title = "Counter", .summary = "a counter: its rate over time, with drops and changes of its filter", .tab = '2',
	.size = sizeof(struct counter_page), .words = words, .acts = "counter-change counter-remove", .open = counter_open, .close = counter_close,
	.draw = counter_draw, .command = counter_command, .name_of = counter_name,
};
