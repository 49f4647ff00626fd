/* A connection's page: its two flows side by side as figures, its packets below. Enter on a packet opens it. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define FIGURE_LABEL 20 /* columns of a figure's name */
#define FIGURE_VALUE 12 /* and of its value */
#define FIGURE_CELL (FIGURE_LABEL + 2 * FIGURE_VALUE)
#define FACT_LINES_MAX 4
#define FACT_LINES_MIN 2 /* before anything is known: what comes moves nothing */

/* Those of its row that are said; rate and packets a second are of sessions that run. */
#define ROW_COLUMNS "proto,addr_a,port_a,addr_b,port_b,app,state,history,bps,pps,handshake_ms,start_s,duration_s,vlan,tunnel"
#define WHO_COLUMNS "process,pid,user,unit" /* asked for apart: hosts of older versions have none of them */

struct connection_pane {
	struct pane pane;
	struct list *packets;
	struct feed *flows; /* rows N.1 and N.2 of the table flows */
	struct feed *row;   /* its row of connections */
	struct feed *who;   /* whose it is here; NULL: of a file */
	char *filter;	    /* its packets alone */
};

static const struct list_column packet_columns[] = {
	{.name = "number", .title = "NO.", .width = 7},
	{.name = "rel_s", .title = "TIME", .width = 11},
	{.name = "delta_s", .title = "DELTA", .width = 10, .priority = 2},
	{.name = "direction", .title = "DIR", .width = 5},
	{.name = "length", .title = "LEN", .width = 6, .priority = 1},
	{.name = "info", .title = "INFO", .width = 24, .stretch = true},
};

/* Who sends is said by place and sign as well as by colour. */
static bool packet_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value direction = window_cell(w, row, window_column(w, "direction")), length = window_cell(w, row, window_column(w, "length"));
	const bool back = direction.type == VALUE_TEXT && str_is(direction.s, "ba");

	(void)arg;
	if (strcmp(column, "info") == 0) {
		*style = back ? STYLE_B : STYLE_A;
		return false;
	}
	if (strcmp(column, "length") == 0 && length.type == VALUE_INT) {
		(void)buf_printf(out, "%lld", (long long)length.i);
		return true;
	}
	if (strcmp(column, "direction") != 0 || direction.type != VALUE_TEXT)
		return false;
	*style = back ? STYLE_B : STYLE_A;
	(void)buf_add_str(out, back ? "A <-B" : "A-> B");
	return true;
}

static void feed_changed(void *arg, struct feed *f)
{
	(void)f;
	app_dirty(((struct connection_pane *)arg)->pane.app);
}

static int connection_open(struct pane *p, struct err *e)
{
	struct connection_pane *c = (struct connection_pane *)p;
	const uint32_t period_ms = pane_is_live(p) ? 1000 : 0;
	char *row;
	const struct list_spec spec = {
		.table = "packets", .column = packet_columns, .ncolumns = ARRAY_LEN(packet_columns), .also = "connection", .key = "number",
		.sort = "", .period_ms = 1000, .cell = packet_cell,
		.empty = "None of its packets is here any more: only what was recorded can be looked into.",
	};

	if (!p->argument || !*p->argument || p->argument[strspn(p->argument, "0123456789")])
		return err_set(e, ERR_CALL, "a connection is opened by its number");
	c->filter = xasprintf("connection == %s", p->argument);
	row = xasprintf("id == %s", p->argument);
	c->packets = list_new(p, &spec);
	list_set_filter(c->packets, c->filter);
	c->flows = feed_new(p->app, p->host, p->target, feed_changed, c);
	feed_ask(c->flows, &(struct feed_query){.table = "flows", .filter = c->filter, .count = 2, .period_ms = period_ms});
	c->row = feed_new(p->app, p->host, p->target, feed_changed, c);
	feed_ask(c->row, &(struct feed_query){.table = "connections", .filter = row, .columns = ROW_COLUMNS, .count = 1, .period_ms = period_ms});
	if (pane_is_live(p)) { /* a file's are nobody's of now */
		c->who = feed_new(p->app, p->host, p->target, feed_changed, c);
		feed_ask(c->who, &(struct feed_query){.table = "connections", .filter = row, .columns = WHO_COLUMNS, .count = 1, .period_ms = period_ms});
	}
	free(row);
	return 0;
}

static void connection_close(struct pane *p)
{
	struct connection_pane *c = (struct connection_pane *)p;

	list_free(c->packets);
	feed_free(c->flows);
	feed_free(c->row);
	feed_free(c->who);
	free(c->filter);
}

static void connection_update(struct pane *p)
{
	list_update(((struct connection_pane *)p)->packets);
}

static void label_print(const char *column, struct buf *out)
{
	for (; *column; column++)
		(void)buf_add_byte(out, *column == '_' ? ' ' : (uint8_t)*column);
}

static const struct window *fact_window(const struct connection_pane *c, const char *name)
{
	const struct window *who = c->who ? feed_window(c->who) : NULL;

	return who && window_column(who, name) >= 0 ? who : feed_window(c->row);
}

/* What is known of both ends together, name and value of each that is there. Lines that this takes, also where `a` has fewer. */
static int draw_facts(const struct connection_pane *c, struct area a)
{
	static const char *const facts[][2] = {{"proto", ""}, {"app", ""}, {"state", "state"}, {"history", "history"}, {"bps", "rate"},
					       {"pps", "packets/s"}, {"handshake_ms", "handshake"}, {"start_s", "began at"},
					       {"duration_s", "lasted"}, {"vlan", "vlan"}, {"tunnel", "tunnel"},
					       {"process", "process"}, {"pid", "pid"}, {"user", "user"}, {"unit", "unit"}};
	int x = 1, y = 0;

	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		const struct window *w = fact_window(c, facts[i][0]);
		const int column = window_column(w, facts[i][0]), label = (int)strlen(facts[i][1]);
		const struct value v = window_cell(w, 0, column);
		struct buf text;

		if (v.type == VALUE_NULL || column < 0 || w->rows == 0)
			continue;
		buf_init(&text, 512);
		value_print_text(&text, w->columns[column].kind, &v, TEXT_UTC);
		if (strcmp(facts[i][0], "start_s") == 0 || strcmp(facts[i][0], "duration_s") == 0)
			(void)buf_add_str(&text, " s");
		if (x > 1 && x + label + (int)text.len + 1 > a.width) {
			x = 1;
			y++;
		}
		if (label)
			area_text(a, x, y, STYLE_LABEL, facts[i][1]);
		x += label ? label + 1 : 0;
		area_text(a, x, y, label ? STYLE_NORMAL : STYLE_TITLE, buf_str(&text));
		x += canvas_columns(str_of(buf_str(&text))) + 3;
		buf_release(&text);
	}
	return y + 1;
}

static int facts_height(const struct connection_pane *c, struct area a)
{
	const int lines = draw_facts(c, area_part(a, 0, 0, a.width - 2, 0));

	return lines < FACT_LINES_MIN ? FACT_LINES_MIN : lines > FACT_LINES_MAX ? FACT_LINES_MAX : lines;
}

/* A figure that neither side has is left out, and so is what the page's title says already. */
static bool figure_is_shown(const struct window *w, unsigned column)
{
	static const char *const not_here[] = {"id", "connection", "src", "sport", "dst", "dport"};

	for (size_t i = 0; i < ARRAY_LEN(not_here); i++)
		if (strcmp(w->columns[column].name, not_here[i]) == 0)
			return false;
	return window_cell(w, 0, (int)column).type != VALUE_NULL || window_cell(w, 1, (int)column).type != VALUE_NULL;
}

static int figures_across(int width)
{
	return width / FIGURE_CELL > 0 ? width / FIGURE_CELL : 1;
}

/* Lines that the figures need, with their heads. */
static int figures_height(const struct window *w, int width)
{
	int shown = 0;

	for (unsigned column = 0; w->rows && column < w->ncolumns; column++)
		shown += figure_is_shown(w, column);
	return shown ? (shown + figures_across(width) - 1) / figures_across(width) + 1 : 0;
}

static void draw_figure(const struct window *w, unsigned column, struct area a)
{
	struct buf text;

	buf_init(&text, 256);
	label_print(w->columns[column].name, &text);
	area_text(area_part(a, 0, 0, FIGURE_LABEL, 1), 1, 0, STYLE_LABEL, buf_str(&text));
	for (uint32_t row = 0; row < 2; row++) {
		const struct value v = window_cell(w, row, (int)column);

		buf_clear(&text);
		value_print_text(&text, w->columns[column].kind, &v, TEXT_UTC);
		area_right(a, FIGURE_LABEL + (int)row * FIGURE_VALUE, 0, row ? STYLE_B : STYLE_A, v.type == VALUE_NULL ? "-" : buf_str(&text),
			   FIGURE_VALUE - 1);
	}
	buf_release(&text);
}

/* The figures of both flows, a line each, in as many columns as fit. */
static void draw_figures(const struct window *w, struct area a)
{
	const int across = figures_across(a.width);
	int shown = 0;

	for (int i = 0; w->rows && i < across; i++) {
		area_right(a, i * FIGURE_CELL + FIGURE_LABEL, 0, STYLE_A, "A > B", FIGURE_VALUE - 1);
		area_right(a, i * FIGURE_CELL + FIGURE_LABEL + FIGURE_VALUE, 0, STYLE_B, "B > A", FIGURE_VALUE - 1);
	}
	for (unsigned column = 0; w->rows && column < w->ncolumns; column++) {
		if (!figure_is_shown(w, column))
			continue;
		draw_figure(w, column, area_part(a, shown % across * FIGURE_CELL, 1 + shown / across, FIGURE_CELL, 1));
		shown++;
	}
}

static void connection_title(struct connection_pane *c, struct buf *out)
{
	const struct window *w = feed_window(c->row);
	struct value addr, port;

	(void)buf_printf(out, "%s", c->pane.argument);
	if (w->rows == 0)
		return;
	addr = window_cell(w, 0, window_column(w, "addr_a"));
	port = window_cell(w, 0, window_column(w, "port_a"));
	(void)buf_add_str(out, "  A ");
	pane_endpoint(out, &addr, &port);
	addr = window_cell(w, 0, window_column(w, "addr_b"));
	port = window_cell(w, 0, window_column(w, "port_b"));
	(void)buf_add_str(out, "  B ");
	pane_endpoint(out, &addr, &port);
}

static void connection_draw(struct pane *p, struct area a, bool focused)
{
	struct connection_pane *c = (struct connection_pane *)p;
	const struct window *flows = feed_window(c->flows);
	const int most = a.height >= 40 ? a.height / 2 : a.height - 10;
	const int facts = facts_height(c, a);
	int top = 2 + facts + figures_height(flows, a.width - 2), used;
	struct area inside;
	struct buf title;

	if (top > most)
		top = most < 4 + facts ? 2 + facts : most; /* no figures rather than their heads alone */
	buf_init(&title, 512);
	connection_title(c, &title);
	inside = area_frame(area_part(a, 0, 0, a.width, top), buf_str(&title), false);
	buf_release(&title);
	if (feed_state(c->row) == FEED_FAILED)
		area_lines(inside, STYLE_ERROR, feed_error(c->row)->text);
	used = draw_facts(c, area_part(inside, 0, 0, inside.width, inside.height < facts ? inside.height : facts));
	used = used < facts ? used : facts;
	if (inside.height - used > 1) /* their heads alone say nothing */
		draw_figures(flows, area_part(inside, 0, used, inside.width, inside.height - used));
	list_draw(c->packets, area_part(a, 0, top, a.width, a.height - top), focused);
}

static unsigned connection_command(struct pane *p, int count, char **word, struct err *e)
{
	struct connection_pane *c = (struct connection_pane *)p;

	if (strcmp(word[0], "select") == 0 && list_has_row(c->packets)) {
		char *number = list_text(c->packets, "number"), *argument = xasprintf("connection == %s packet %s", p->argument, number);
		int r = app_open(p->app, "packets", host_name(p->host), p->target, argument, e);

		free(number);
		free(argument);
		return r == 0 ? REACT_DRAW : REACT_DONE;
	}
	if (strcmp(word[0], "cancel") == 0)
		return pane_stop_reading(p, list_feed(c->packets));
	return list_command(c->packets, count, word, e);
}

static void connection_status(struct pane *p, struct buf *out)
{
	const struct connection_pane *c = (const struct connection_pane *)p;

	if (strcmp(list_filter(c->packets), c->filter) != 0)
		list_status(c->packets, out);
	else
		(void)buf_printf(out, "%llu packets here", (unsigned long long)feed_window(list_feed(c->packets))->total);
}

static void connection_name(struct pane *p, struct buf *out)
{
	(void)buf_printf(out, "connection %s", p->argument);
}

const struct pane_type pane_connection = {
	.name = "connection", .title = "Connection", .summary = "one connection of a session: figures of both flows, its packets", .tab = '3',
	.size = sizeof(struct connection_pane), .list = true, .open = connection_open, .close = connection_close, .update = connection_update,
	.draw = connection_draw, .command = connection_command, .status = connection_status, .name_of = connection_name,
};

const struct pane_type pane_capture_connection = {
	.name = "capture-connection", .title = "Connection", .summary = "one connection of an opened capture", .tab = '6',
	.size = sizeof(struct connection_pane), .list = true, .open = connection_open, .close = connection_close, .update = connection_update,
	.draw = connection_draw, .command = connection_command, .status = connection_status, .name_of = connection_name,
};
