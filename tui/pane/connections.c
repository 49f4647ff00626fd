/* Connections: of a session while it runs (tab 3), of an opened capture (tab 6). The row's page is one Enter away. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define SAMPLE_NS (NS_PER_S / 2)
#define SAMPLES 60	 /* rates kept of each connection */
#define SPARK 12	 /* of them are shown */
#define TRACKS_MAX 4096u /* connections whose rates are kept: those that were on the screen */
#define DETAIL_LINES 5 /* of the selected connection, below the list where there is room */

static const struct list_column live_columns[] = {
	{.name = "id", .title = "#", .width = 5},
	{.name = "addr_a", .title = "A", .width = 20, .stretch = true},
	{.name = "addr_b", .title = "B", .width = 20, .stretch = true},
	{.name = "proto", .title = "PROTO", .width = 5, .priority = 5},
	{.name = "app", .title = "APP", .width = 6, .priority = 4},
	{.name = "state", .title = "STATE", .width = 6, .priority = 2},
	{.name = "bps", .title = "RATE", .width = 7},
	{.name = "pps", .title = "PPS", .width = 6, .priority = 7},
	{.name = "bytes", .title = "BYTES", .width = 8, .priority = 1},
	{.name = "handshake_ms", .title = "HSHAKE", .width = 8, .priority = 3},
	{.name = "retrans_ba", .title = "RETR", .width = 5, .priority = 3},
	{.name = "packets", .title = "PKTS", .width = 7, .priority = 8},
	{.name = "duration_s", .title = "LASTED", .width = 9, .priority = 9},
	{.name = "history", .title = "HISTORY", .width = 12, .priority = 10},
	{.name = "series", .title = "60 s", .width = 12, .priority = 6, .made = true},
};

static const struct list_column file_columns[] = {
	{.name = "id", .title = "#", .width = 6},
	{.name = "addr_a", .title = "A", .width = 20, .stretch = true},
	{.name = "addr_b", .title = "B", .width = 20, .stretch = true},
	{.name = "proto", .title = "PROTO", .width = 5, .priority = 4},
	{.name = "app", .title = "APP", .width = 6, .priority = 3},
	{.name = "state", .title = "STATE", .width = 6, .priority = 1},
	{.name = "packets", .title = "PKTS", .width = 7, .priority = 2},
	{.name = "bytes", .title = "BYTES", .width = 8, .priority = 1},
	{.name = "start_s", .title = "START", .width = 11, .priority = 5},
	{.name = "duration_s", .title = "LASTED", .width = 9, .priority = 3},
	{.name = "handshake_ms", .title = "HSHAKE", .width = 8, .priority = 6},
	{.name = "retrans_ba", .title = "RETR", .width = 5, .priority = 4},
	{.name = "history", .title = "HISTORY", .width = 12, .priority = 7},
};

/* --- the last minute of each connection that is seen: a sparkline --- */

struct track {
	float bps[SAMPLES]; /* the newest last; -1: the row was not seen then */
	int count;
	uint64_t turn; /* when the newest was taken */
};

struct connections_pane {
	struct list_pane lp;
	struct map *tracks; /* by number; NULL: a file, nothing moves */
	uint64_t serial;    /* of the window that was last taken up */
	uint64_t turn;	    /* counts windows that were taken up */
	int64_t taken_ns;   /* the last one, by the console's clock: in a script that stands */
};

static void track_push(struct track *t, float bps)
{
	if (t->count == SAMPLES) {
		memmove(t->bps, t->bps + 1, sizeof(t->bps[0]) * (SAMPLES - 1));
		t->count--;
	}
	t->bps[t->count++] = bps;
}

static void tracks_clear(struct map *tracks)
{
	const void *key;
	size_t iter = 0, len;
	void *track;

	while (map_next(tracks, &iter, &key, &len, &track))
		free(track);
}

static void track_add(struct connections_pane *c, int64_t id, double bps)
{
	struct track *t = map_get(c->tracks, &id, sizeof(id));

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->turn = c->turn - 1;
		if (map_put(c->tracks, &id, sizeof(id), t) < 0) { /* full: begin anew with those that are looked at now */
			free(t);
			tracks_clear(c->tracks);
			map_free(c->tracks);
			c->tracks = map_new(TRACKS_MAX);
			return;
		}
	}
	for (uint64_t i = 0; t->turn + 1 < c->turn && i < SAMPLES; i++, t->turn++)
		track_push(t, -1);
	t->turn = c->turn;
	track_push(t, (float)bps);
}

static void connections_changed(void *arg, struct list *l)
{
	struct connections_pane *c = arg;
	const struct window *w = feed_window(list_feed(l));
	const int64_t now_ns = app_now_ns(c->lp.pane.app);

	if (!c->tracks || feed_serial(list_feed(l)) == c->serial || (c->taken_ns && now_ns - c->taken_ns < SAMPLE_NS))
		return;
	c->serial = feed_serial(list_feed(l));
	c->taken_ns = now_ns;
	c->turn++;
	for (uint32_t row = 0; row < w->rows; row++) {
		const struct value id = window_cell(w, row, window_column(w, "id")), bps = window_cell(w, row, window_column(w, "bps"));

		if (id.type == VALUE_INT)
			track_add(c, id.i, bps.type == VALUE_REAL ? bps.r : 0);
	}
}

/* As blocks, scaled to its own largest. */
static void track_print(const struct track *t, struct buf *out)
{
	float max = 0;

	for (int i = t->count > SPARK ? t->count - SPARK : 0; i < t->count; i++)
		max = t->bps[i] > max ? t->bps[i] : max;
	for (int i = t->count > SPARK ? t->count - SPARK : 0; i < t->count; i++) {
		const int level = max > 0 ? (int)(t->bps[i] / max * 7.99f) : 0;

		if (t->bps[i] < 0)
			(void)buf_add_byte(out, ' ');
		else
			(void)buf_printf(out, "\xe2\x96%c", 0x81 + level); /* U+2581 to U+2588 */
	}
}

/* --- cells --- */

/* Both ends with their ports in one cell; retransmissions of both directions in one. */
static bool connections_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const bool a = strcmp(column, "addr_a") == 0, b = strcmp(column, "addr_b") == 0;
	struct value addr, port;
	int64_t retrans;

	if (strcmp(column, "series") == 0) {
		const struct connections_pane *c = arg;
		const struct value id = window_cell(w, row, window_column(w, "id"));
		const struct track *t = c->tracks && id.type == VALUE_INT ? map_get(c->tracks, &id.i, sizeof(id.i)) : NULL;

		*style = STYLE_GRAPH;
		if (t)
			track_print(t, out);
		return true;
	}
	if (a || b) {
		addr = window_cell(w, row, window_column(w, column));
		port = window_cell(w, row, window_column(w, a ? "port_a" : "port_b"));
		pane_endpoint(out, &addr, &port);
		*style = a ? STYLE_A : STYLE_B;
		return true;
	}
	if (strcmp(column, "duration_s") == 0) {
		const struct value lasted = window_cell(w, row, window_column(w, column));
		char text[TEXT_NUMBER_MAX];

		if (lasted.type == VALUE_INT)
			(void)buf_add_str(out, text_duration(lasted.i, text));
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
	struct connections_pane *c = (struct connections_pane *)p;
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
		.changed = connections_changed,
		.arg = c,
	};

	if (!*p->target)
		return err_set(e, ERR_CALL, "connections of what: open a session (tab 1) or a capture (tab 5 or :open capture FILE) first");
	c->tracks = live ? map_new(TRACKS_MAX) : NULL;
	c->lp.list = list_new(p, &spec);
	return 0;
}

static void connections_close(struct pane *p)
{
	struct connections_pane *c = (struct connections_pane *)p;

	list_pane_close(p);
	if (!c->tracks)
		return;
	tracks_clear(c->tracks);
	map_free(c->tracks);
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
	char *number = list_text(l, "id"), lasted[TEXT_NUMBER_MAX];
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
	if (v.type == VALUE_INT)
		(void)buf_add_str(&text, text_duration(v.i, lasted));
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
		return list_pane_command(p, count, word, e);
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
	pane_view_name(p, "connections", out);
}

static const struct pane_word words[] = {
	{"packets", "", "the packets of the selected connection"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_connections = {
	.name = "connections", .title = "Connections", .summary = "the connections of a session, as they live", .tab = '3',
	.size = sizeof(struct connections_pane), .list = true, .words = words, .open = connections_open, .close = connections_close,
	.update = list_pane_update, .draw = connections_draw, .command = connections_command, .status = list_pane_status,
	.name_of = connections_name,
};

const struct pane_type pane_capture_connections = {
	.name = "capture-connections", .title = "Connections", .summary = "the connections of an opened capture", .tab = '6',
	.size = sizeof(struct connections_pane), .list = true, .words = words, .open = connections_open, .close = connections_close,
	.update = list_pane_update, .draw = connections_draw, .command = connections_command, .status = list_pane_status,
	.name_of = connections_name,
};
