/* Connections: of a session while it runs (tab 3), of an opened capture (tab 6). The row's page is one Enter away. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define DETAIL_LINES 5 /* of the selected connection, below the list where there is room */

static const struct list_column live_columns[] = {
	{"id", "#", 6, 0, false},	{"addr_a", "A", 21, 0, false},	   {"addr_b", "B", 21, 0, true},
	{"proto", "PROTO", 5, 4, false}, {"app", "APP", 6, 3, false},	   {"state", "STATE", 5, 1, false},
	{"bps", "RATE", 7, 1, false},	{"pps", "PPS", 6, 5, false},	   {"bytes", "BYTES", 8, 0, false},
	{"handshake_ms", "HSHAKE", 8, 2, false}, {"retrans_ba", "RETR", 6, 3, false}, {"packets", "PKTS", 7, 6, false},
};

static const struct list_column file_columns[] = {
	{"id", "#", 6, 0, false},	{"addr_a", "A", 21, 0, false},	   {"addr_b", "B", 21, 0, true},
	{"proto", "PROTO", 5, 4, false}, {"app", "APP", 6, 3, false},	   {"state", "STATE", 5, 1, false},
	{"packets", "PKTS", 7, 1, false}, {"bytes", "BYTES", 8, 0, false}, {"start_s", "START", 11, 3, false},
	{"duration_s", "LASTED", 9, 2, false}, {"handshake_ms", "HSHAKE", 8, 3, false}, {"retrans_ba", "RETR", 6, 4, false},
	{"history", "HISTORY", 10, 6, false},
};

/* Both ends with their ports in one cell; retransmissions of both directions in one. */
static bool connections_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const bool a = strcmp(column, "addr_a") == 0, b = strcmp(column, "addr_b") == 0;
	struct value addr, port;
	int64_t retrans;

	(void)arg;
	if (a || b) {
		addr = window_cell(w, row, window_column(w, column));
		port = window_cell(w, row, window_column(w, a ? "port_a" : "port_b"));
		pane_endpoint(out, &addr, &port);
		*style = a ? STYLE_A : STYLE_B;
		return true;
	}
	if (strcmp(column, "retrans_ba") != 0)
		return false;
	retrans = window_cell(w, row, window_column(w, "retrans_ab")).i + window_cell(w, row, window_column(w, "retrans_ba")).i;
	(void)buf_printf(out, "%lld%s", (long long)retrans, retrans ? "!" : "");
	if (retrans)
		*style = STYLE_WARN;
	return true;
}

static enum style connections_style(void *arg, const struct window *w, uint32_t row)
{
	const struct value state = window_cell(w, row, window_column(w, "state"));
	static const char *const bad[] = {"REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH"};

	(void)arg;
	for (size_t i = 0; state.type == VALUE_TEXT && i < ARRAY_LEN(bad); i++)
		if (str_is(state.s, bad[i]))
			return STYLE_WARN;
	if (window_cell(w, row, window_column(w, "closed")).i == 1)
		return STYLE_DIM;
	return STYLE_NORMAL;
}

static int connections_open(struct pane *p, struct err *e)
{
	struct list_pane *lp = (struct list_pane *)p;
	const bool live = pane_is_live(p);
	const struct list_spec spec = {
		.table = "connections",
		.column = live ? live_columns : file_columns,
		.ncolumns = live ? ARRAY_LEN(live_columns) : ARRAY_LEN(file_columns),
		.also = "port_a,port_b,retrans_ab,retrans_ba,closed,packets_ab,bytes_ab,packets_ba,bytes_ba,history,initiator,start_s,duration_s,"
			"payload_ab,payload_ba,vlan,tunnel",
		.key = "id",
		.sort = live ? "-bps" : "id",
		.period_ms = 1000,
		.empty = live ? "No connection yet: packets that pass the session's filter make them." : "No connection in this capture.",
		.filter = p->argument && *p->argument ? p->argument : NULL,
		.row_style = connections_style,
		.cell = connections_cell,
	};

	if (!*p->target)
		return err_set(e, ERR_CALL, "connections of what: open a session (tab 1) or a capture (tab 5 or :open capture FILE) first");
	lp->list = list_new(p, &spec);
	return 0;
}

static struct value at(struct list *l, const char *column)
{
	return list_value(l, column);
}

static void detail_flow(struct list *l, struct area a, int y, bool ab)
{
	struct buf text;
	struct value v;
	const char *const column[] = {ab ? "packets_ab" : "packets_ba", ab ? "bytes_ab" : "bytes_ba", ab ? "payload_ab" : "payload_ba",
				      ab ? "retrans_ab" : "retrans_ba"};
	static const char *const label[] = {" packets  ", " on the wire  ", " payload  ", " retransmitted"};
	static const enum kind kind[] = {KIND_COUNT, KIND_BYTES, KIND_BYTES, KIND_COUNT};

	buf_init(&text, 1024);
	(void)buf_add_str(&text, ab ? "A > B  " : "B > A  ");
	for (size_t i = 0; i < ARRAY_LEN(column); i++) {
		v = at(l, column[i]);
		value_print_text(&text, kind[i], &v, TEXT_UTC);
		(void)buf_add_str(&text, label[i]);
	}
	area_text(a, 1, y, ab ? STYLE_A : STYLE_B, buf_str(&text));
	buf_release(&text);
}

static void detail_draw(struct list *l, struct area a)
{
	struct buf text;
	struct value addr = at(l, "addr_a"), port = at(l, "port_a"), v;
	char *number = list_text(l, "id");
	struct area inside;

	buf_init(&text, 1024);
	(void)buf_printf(&text, "%s  ", number);
	pane_endpoint(&text, &addr, &port);
	(void)buf_add_str(&text, "  <->  ");
	addr = at(l, "addr_b");
	port = at(l, "port_b");
	pane_endpoint(&text, &addr, &port);
	inside = area_frame(a, buf_str(&text), false);
	detail_flow(l, inside, 0, true);
	detail_flow(l, inside, 1, false);
	buf_clear(&text);
	(void)buf_add_str(&text, "state ");
	v = at(l, "state");
	value_print_text(&text, KIND_TEXT, &v, TEXT_UTC);
	(void)buf_add_str(&text, "  history ");
	v = at(l, "history");
	value_print_text(&text, KIND_TEXT, &v, TEXT_UTC);
	(void)buf_add_str(&text, "  handshake ");
	v = at(l, "handshake_ms");
	value_print_text(&text, KIND_MS, &v, TEXT_UTC);
	(void)buf_add_str(&text, v.type == VALUE_NULL ? "not seen  lasted " : "  lasted ");
	v = at(l, "duration_s");
	value_print_text(&text, KIND_SECONDS, &v, TEXT_UTC);
	area_text(inside, 1, 2, STYLE_NORMAL, buf_str(&text));
	buf_release(&text);
	free(number);
}

static void connections_draw(struct pane *p, struct area a, bool focused)
{
	struct list *l = ((struct list_pane *)p)->list;
	const int detail = a.height >= 14 && list_has_row(l) ? DETAIL_LINES : 0;

	list_draw(l, area_part(a, 0, 0, a.width, a.height - detail), focused);
	if (detail)
		detail_draw(l, area_part(a, 0, a.height - detail, a.width, detail));
}

static unsigned connections_command(struct pane *p, int count, char **word, struct err *e)
{
	struct list *l = ((struct list_pane *)p)->list;
	const bool file = p->type->tab == '6';
	char *number, *filter;
	unsigned r;

	if (strcmp(word[0], "select") == 0)
		return list_pane_open(p, l, file ? "capture-connection" : "connection", "id", e);
	if (strcmp(word[0], "packets") != 0)
		return list_command(l, count, word, e);
	if (!list_has_row(l))
		return REACT_DONE;
	number = list_text(l, "id");
	filter = xasprintf("connection == %s", number);
	r = app_open(p->app, "packets", host_name(p->host), p->target, filter, e) == 0 ? REACT_DRAW : REACT_DONE;
	free(number);
	free(filter);
	return r;
}

static void connections_name(struct pane *p, struct buf *out)
{
	pane_target_name(p, out);
	(void)buf_add_str(out, " connections");
}

static const struct pane_word words[] = {
	{"packets", "", "the packets of the selected connection"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_connections = {
	.name = "connections", .title = "Connections", .summary = "the connections of a session, as they live", .tab = '3',
	.size = sizeof(struct list_pane), .list = true, .words = words, .open = connections_open, .close = list_pane_close,
	.update = list_pane_update, .draw = connections_draw, .command = connections_command, .status = list_pane_status,
	.name_of = connections_name,
};

const struct pane_type pane_capture_connections = {
	.name = "capture-connections", .title = "Connections", .summary = "the connections of an opened capture", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .words = words, .open = connections_open, .close = list_pane_close,
	.update = list_pane_update, .draw = connections_draw, .command = connections_command, .status = list_pane_status,
	.name_of = connections_name,
};
