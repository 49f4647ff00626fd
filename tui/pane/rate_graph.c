#include "rate_graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "tui/app.h"

#define SCALE_COLUMNS 8	 /* what area_graph takes at the left */
#define COLUMNS_MAX 512	 /* of the plot */
#define SECONDS_MAX 4096 /* asked for at once */
#define LABEL_COLUMNS 20 /* from one time on the axis to the next */
#define LEGEND_ROWS_FROM 8
#define LETTERS 8
#define FILL_NS (5 * NS_PER_S) /* what the history may be behind */
#define LEGEND_COLUMNS 36 /* of what a mark means */

struct mark {
	int64_t time_ns;
	char letter;
	char *text;
};

struct rate_graph {
	struct app *app;
	struct feed *feed;
	struct feed *past;  /* of the history, where a column is a minute or more; NULL: not asked */
	bool here;	    /* it is this machine's: the history needs no host's name */
	struct feed *drops; /* of a counter's session: `poll` of a counter has none; else the same feed */
	char *session, *counter, *host;
	int scale;	/* index of scales */
	bool packets;
	uint32_t asked; /* seconds */
	int asked_scale;
	struct mark mark[RATE_MARKS_MAX];
	size_t marks;
};

/* Seconds a column stands for, how often it is asked then, and the history's table of them: what a host holds in memory goes
 * back for minutes only. */
static const struct {
	int seconds;
	uint32_t period_ms;
	const char *name, *table;
} scales[] = {{1, 1000, "1 s", NULL}, {10, 2000, "10 s", NULL}, {60, 5000, "1 min", "minutes"}, {3600, 60000, "1 h", "hours"}};

/* What is drawn: columns of time up to the newest second. */
struct plot {
	int width;
	int64_t end_ns, column_ns;
	double value[COLUMNS_MAX];
	char letter[COLUMNS_MAX];
};

static void graph_changed(void *arg, struct feed *f)
{
	(void)f;
	app_dirty(((struct rate_graph *)arg)->app);
}

struct rate_graph *rate_graph_new(struct app *a, struct host *h, const char *session, const char *counter)
{
	struct rate_graph *g = xcalloc(1, sizeof(*g));

	g->app = a;
	g->session = xstrdup(session);
	g->counter = xstrdup(counter);
	g->feed = feed_new(a, h, "", graph_changed, g);
	g->here = !*host_name(h) || strcmp(host_name(h), "local") == 0;
	g->host = xstrdup(host_name(h));
	g->drops = *counter ? feed_new(a, h, "", graph_changed, g) : g->feed;
	return g;
}

void rate_graph_marks_clear(struct rate_graph *g)
{
	for (size_t i = 0; i < g->marks; i++)
		free(g->mark[i].text);
	g->marks = 0;
}

void rate_graph_free(struct rate_graph *g)
{
	if (!g)
		return;
	rate_graph_marks_clear(g);
	if (g->drops != g->feed)
		feed_free(g->drops);
	feed_free(g->feed);
	feed_free(g->past);
	free(g->session);
	free(g->counter);
	free(g->host);
	free(g);
}

void rate_graph_mark(struct rate_graph *g, int64_t time_ns, char letter, const char *text)
{
	if (g->marks < RATE_MARKS_MAX)
		g->mark[g->marks++] = (struct mark){time_ns, letter, xstrdup(text)};
}

void rate_graph_scale(struct rate_graph *g)
{
	g->scale = (g->scale + 1) % (int)ARRAY_LEN(scales);
}

void rate_graph_unit(struct rate_graph *g)
{
	g->packets = !g->packets;
}

/* "session web counter dns last 6000s | minutes" */
static void past_ask(struct rate_graph *g, int width)
{
	const char *table = scales[g->scale].table;
	const int64_t seconds = (int64_t)width * scales[g->scale].seconds;
	struct buf question;

	feed_free(g->past);
	g->past = NULL;
	if (!table)
		return;
	app_fill(g->app, FILL_NS);
	buf_init(&question, 4096);
	(void)buf_printf(&question, "session %s%s%s%s%s last %llds | %s", g->session, *g->counter ? " counter " : "", g->counter, g->here ? "" : " on ",
			 g->here ? "" : g->host, (long long)seconds, table);
	g->past = feed_new(g->app, hosts_get(app_hosts(g->app), "store"), "", graph_changed, g);
	feed_ask(g->past, &(struct feed_query){.table = table, .words = (const char *const[]){buf_str(&question)}, .nwords = 1,
					       .columns = "time,pps,bps,dropped", .filter = *g->counter ? "" : "not counter", .sort = "-time",
					       .count = (uint32_t)width, .period_ms = scales[g->scale].period_ms});
	buf_release(&question);
}

static void graph_ask(struct rate_graph *g, int width)
{
	const uint32_t wanted = (uint32_t)(width * scales[g->scale].seconds), count = wanted < SECONDS_MAX ? wanted : SECONDS_MAX;
	const char *const words[] = {g->session, "counter", g->counter};

	if (g->asked == count && g->asked_scale == g->scale)
		return;
	if (g->asked_scale != g->scale || !g->asked)
		past_ask(g, width);
	g->asked = count;
	g->asked_scale = g->scale;
	feed_ask(g->feed, &(struct feed_query){.table = "poll", .words = words, .nwords = *g->counter ? 3 : 1,
					       .columns = "time,pps,bps,dropped_kernel", .sort = "-time", .count = count,
					       .period_ms = scales[g->scale].period_ms});
	if (g->drops != g->feed)
		feed_ask(g->drops, &(struct feed_query){.table = "poll", .words = words, .nwords = 1, .columns = "time,dropped_kernel", .sort = "-time",
							.count = count, .period_ms = scales[g->scale].period_ms});
}

static double number(const struct feed *f, uint32_t row, const char *column)
{
	const struct window *w = feed_window(f);
	const struct value v = window_cell(w, row, window_column(w, column));

	return v.type == VALUE_REAL ? v.r : v.type == VALUE_INT ? (double)v.i : -1;
}

static int64_t time_of(const struct feed *f, uint32_t row)
{
	const struct window *w = feed_window(f);
	const struct value v = window_cell(w, row, window_column(w, "time"));

	return v.type == VALUE_INT ? v.i : 0;
}

double rate_graph_bps(const struct rate_graph *g)
{
	return number(g->feed, 0, "bps");
}

double rate_graph_pps(const struct rate_graph *g)
{
	return number(g->feed, 0, "pps");
}

/* -1: it is not on the plot. */
static int column_of(const struct plot *p, int64_t time_ns)
{
	/* Seconds are told when they are over, give or take: half of one is no reason for a gap. */
	const int64_t back = time_ns > p->end_ns ? 0 : (p->end_ns - time_ns + NS_PER_S / 2) / p->column_ns;

	return back < p->width ? p->width - 1 - (int)back : -1;
}

static void letter_put(struct plot *p, int64_t time_ns, char letter)
{
	const int x = column_of(p, time_ns);

	if (x >= 0)
		p->letter[x] = p->letter[x] && p->letter[x] != letter ? '*' : letter;
}

/* The highest of what falls into a column: a burst must be seen. */
static void values_put(const struct rate_graph *g, struct plot *p, const struct feed *f)
{
	const struct window *w = feed_window(f);

	for (uint32_t row = 0; row < w->rows; row++) {
		const int x = column_of(p, time_of(f, row));
		const double v = number(f, row, g->packets ? "pps" : "bps");

		if (x >= 0 && v > p->value[x])
			p->value[x] = v;
	}
}

/* The host counts drops since the start, rows newest first; the history by the period. */
static void drops_put(const struct rate_graph *g, struct plot *p)
{
	for (uint32_t row = 0; row + 1 < feed_window(g->drops)->rows; row++)
		if (number(g->drops, row, "dropped_kernel") > number(g->drops, row + 1, "dropped_kernel"))
			letter_put(p, time_of(g->drops, row), 'D');
	for (uint32_t row = 0; g->past && row < feed_window(g->past)->rows; row++)
		if (number(g->past, row, "dropped") > 0)
			letter_put(p, time_of(g->past, row), 'D');
}

static void plot_make(const struct rate_graph *g, struct plot *p)
{
	const bool past = g->past && feed_window(g->past)->rows > 0;

	p->column_ns = scales[g->scale].seconds * NS_PER_S;
	p->end_ns = feed_window(g->feed)->rows ? time_of(g->feed, 0) : past ? time_of(g->past, 0) : app_now_ns(g->app);
	for (int x = 0; x < p->width; x++)
		p->value[x] = -1;
	if (past)
		values_put(g, p, g->past);
	else
		values_put(g, p, g->feed);
	drops_put(g, p);
	for (size_t i = 0; i < g->marks; i++)
		letter_put(p, g->mark[i].time_ns, g->mark[i].letter);
}

static void axis_draw(const struct rate_graph *g, const struct plot *p, struct area a, int y)
{
	const bool utf8 = a.canvas->utf8;
	char time[TEXT_NUMBER_MAX];

	for (int x = 0; x < p->width; x++) {
		const bool tick = (p->width - 1 - x) % LABEL_COLUMNS == 0;

		area_text(a, SCALE_COLUMNS + x, y, STYLE_DIM, utf8 ? (tick ? "\u253c" : "\u2500") : tick ? "+" : "-");
	}
	for (int x = p->width - 1; x >= 8; x -= LABEL_COLUMNS) {
		text_time(p->end_ns - (p->width - 1 - x) * p->column_ns, TEXT_UTC, time);
		if (strlen(time) > 19)
			area_printf(a, SCALE_COLUMNS + x - 8, y, STYLE_DIM, "%.8s", time + 11);
	}
	area_right(a, 0, y, STYLE_DIM, scales[g->scale].name, SCALE_COLUMNS - 1);
}

static enum style letter_style(char letter)
{
	return letter == 'D' || letter == '!' ? STYLE_ERROR : letter == 'A' || letter == '*' ? STYLE_WARN : STYLE_KEY;
}

/* The newest mark of each letter that is on the plot, in words. */
static void legend_draw(const struct rate_graph *g, const struct plot *p, struct area a, int y)
{
	char done[LETTERS + 1] = "";
	size_t n = 0;
	int x = 1;

	for (int c = 0; c < p->width && n == 0; c++)
		n = p->letter[c] == 'D' ? 1 : 0;
	if (n)
		x += area_text(a, x, y, STYLE_ERROR, "D packets were lost") + 2;
	for (n = 0; n < g->marks && strlen(done) < LETTERS; n++) {
		const struct mark *m = &g->mark[n];
		const size_t len = strlen(done);
		char time[TEXT_NUMBER_MAX];

		if (strchr(done, m->letter) || column_of(p, m->time_ns) < 0)
			continue;
		done[len] = m->letter;
		done[len + 1] = 0;
		text_time(m->time_ns, TEXT_UTC, time);
		x += area_printf(a, x, y, letter_style(m->letter), "%c ", m->letter);
		x += area_printf(a, x, y, STYLE_DIM, "%.8s %.*s", strlen(time) > 19 ? time + 11 : time, LEGEND_COLUMNS, m->text) + 2;
	}
}

void rate_graph_draw(struct rate_graph *g, struct area a)
{
	const int legend = a.height >= LEGEND_ROWS_FROM ? 1 : 0, rows = a.height - 2 - legend;
	struct plot *p;

	if (rows < 1 || a.width < SCALE_COLUMNS + 8)
		return;
	p = xcalloc(1, sizeof(*p));
	p->width = a.width - SCALE_COLUMNS < COLUMNS_MAX ? a.width - SCALE_COLUMNS : COLUMNS_MAX;
	graph_ask(g, p->width);
	plot_make(g, p);
	area_graph(area_part(a, 0, 0, SCALE_COLUMNS + p->width, rows), p->value, p->width, g->packets ? "p/s" : "b/s", STYLE_GRAPH);
	if (feed_state(g->feed) == FEED_FAILED)
		area_lines(area_part(a, SCALE_COLUMNS, 0, a.width - SCALE_COLUMNS, rows), STYLE_WARN, feed_error(g->feed)->text);
	axis_draw(g, p, a, rows);
	for (int x = 0; x < p->width; x++) {
		const char text[2] = {p->letter[x], 0};

		if (p->letter[x])
			area_text(a, SCALE_COLUMNS + x, rows + 1, letter_style(p->letter[x]), text);
	}
	if (legend)
		legend_draw(g, p, a, rows + 2);
	free(p);
}
