/* A connection's page: its two flows side by side as figures, its packets below. Enter on a packet opens it. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define FIGURE_WIDTH 22 /* of a figure's name */

struct connection_pane {
	struct pane pane;
	struct list *packets;
	struct feed *flows; /* rows N.1 and N.2 of the table flows */
	struct feed *row;   /* its row of connections */
};

static const struct list_column packet_columns[] = {
	{"number", "NO.", 8, 0, false}, {"rel_s", "TIME", 12, 0, false},   {"delta_s", "DELTA", 11, 3, false},
	{"direction", "DIR", 3, 0, false}, {"length", "LEN", 6, 1, false}, {"info", "INFO", 0, 0, true},
};

static void feed_changed(void *arg, struct feed *f)
{
	(void)f;
	app_dirty(((struct connection_pane *)arg)->pane.app);
}

static int connection_open(struct pane *p, struct err *e)
{
	struct connection_pane *c = (struct connection_pane *)p;
	const uint32_t period_ms = pane_is_live(p) ? 1000 : 0;
	char *filter, *packets, *row;
	const struct list_spec spec = {
		.table = "packets", .column = packet_columns, .ncolumns = ARRAY_LEN(packet_columns), .also = "connection", .key = "number",
		.sort = "", .period_ms = 1000, .empty = "None of its packets is here any more: only what was recorded can be looked into.",
	};

	if (!p->argument || !*p->argument || p->argument[strspn(p->argument, "0123456789")])
		return err_set(e, ERR_CALL, "a connection is opened by its number");
	filter = xasprintf("connection == %s", p->argument);
	row = xasprintf("id == %s", p->argument);
	packets = xstrdup(filter);
	c->packets = list_new(p, &spec);
	list_set_filter(c->packets, packets);
	c->flows = feed_new(p->app, p->host, p->target, feed_changed, c);
	feed_ask(c->flows, &(struct feed_query){.table = "flows", .filter = filter, .count = 2, .period_ms = period_ms});
	c->row = feed_new(p->app, p->host, p->target, feed_changed, c);
	feed_ask(c->row, &(struct feed_query){.table = "connections", .filter = row, .count = 1, .period_ms = period_ms});
	free(filter);
	free(packets);
	free(row);
	return 0;
}

static void connection_close(struct pane *p)
{
	struct connection_pane *c = (struct connection_pane *)p;

	list_free(c->packets);
	feed_free(c->flows);
	feed_free(c->row);
}

static void connection_update(struct pane *p)
{
	list_update(((struct connection_pane *)p)->packets);
}

/* One line of text from a row: name and value of each column that has one. */
static void draw_facts(const struct window *w, struct area a)
{
	static const char *const facts[] = {"proto", "app", "state", "history", "initiator", "handshake_ms", "start_s", "duration_s",
					    "vlan", "tunnel"};
	int x = 1, y = 0;

	for (size_t i = 0; w->rows && i < ARRAY_LEN(facts); i++) {
		const int column = window_column(w, facts[i]);
		struct value v = window_cell(w, 0, column);
		struct buf text;

		if (v.type == VALUE_NULL || column < 0)
			continue;
		buf_init(&text, 512);
		value_print_text(&text, w->columns[column].kind, &v, TEXT_UTC);
		if (x > 1 && x + (int)strlen(facts[i]) + (int)text.len + 3 > a.width) {
			x = 1;
			y++;
		}
		x += area_text(a, x, y, STYLE_LABEL, facts[i]) + 1;
		x += area_text(a, x, y, STYLE_NORMAL, buf_str(&text)) + 2;
		buf_release(&text);
	}
}

/* The figures of both flows, a line each, in as many columns as fit. */
static void draw_figures(const struct window *w, struct area a)
{
	const int cell = FIGURE_WIDTH + 2 * 12, across = a.width / cell > 0 ? a.width / cell : 1;
	int shown = 0;

	for (unsigned column = 0; column < w->ncolumns; column++) {
		static const char *const not_here[] = {"id", "connection", "src", "sport", "dst", "dport"};
		const int x = shown % across * cell, y = shown / across;
		bool skip = w->rows == 0 || y >= a.height;

		for (size_t i = 0; i < ARRAY_LEN(not_here); i++)
			skip = skip || strcmp(w->columns[column].name, not_here[i]) == 0;
		if (skip)
			continue;
		area_text(area_part(a, x, y, FIGURE_WIDTH, 1), 1, 0, STYLE_LABEL, w->columns[column].name);
		for (uint32_t row = 0; row < w->rows && row < 2; row++) {
			struct value v = window_cell(w, row, (int)column);
			struct buf text;

			buf_init(&text, 256);
			value_print_text(&text, w->columns[column].kind, &v, TEXT_UTC);
			area_right(a, x + FIGURE_WIDTH + (int)row * 12, y, row ? STYLE_B : STYLE_A, v.type == VALUE_NULL ? "-" : buf_str(&text), 11);
			buf_release(&text);
		}
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
	const int top = a.height >= 22 ? 12 : a.height >= 14 ? 7 : 3;
	struct area inside;
	struct buf title;

	buf_init(&title, 512);
	connection_title(c, &title);
	inside = area_frame(area_part(a, 0, 0, a.width, top), buf_str(&title), false);
	buf_release(&title);
	draw_facts(feed_window(c->row), area_part(inside, 0, 0, inside.width, top >= 7 ? 2 : 1));
	if (top >= 7)
		draw_figures(feed_window(c->flows), area_part(inside, 0, 2, inside.width, inside.height - 2));
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
	return list_command(c->packets, count, word, e);
}

static void connection_status(struct pane *p, struct buf *out)
{
	list_status(((struct connection_pane *)p)->packets, out);
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
