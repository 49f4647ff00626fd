/* A session's page: its rate and on the same axis what happened to it; its files, events and facts; what can be done. */
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

#define FILES_SEEN 256u /* whose ends are marked on the axis */
#define MARK_TEXT 160
#define PART_ROWS 8 /* of a list, with its titles */
#define DISK_LOW 1000000000u /* bytes left that are worth a warning */

enum part { PART_FILES, PART_EVENTS, PART_FACTS, PARTS };

struct session_page {
	struct pane pane;
	const char *name; /* of the session: behind "session:" of the target */
	struct list *list[PARTS];
	enum part part;
	struct rate_graph *graph;
	struct session_facts *facts;
	struct session_act *act;
	struct feed *files;
	unsigned facts_seen;
	uint64_t files_seen;
};

static const char *const part_name[PARTS] = {"Files", "Events", "Facts"};

static const struct list_column files_columns[] = {
	{.name = "number", .title = "#", .width = 6},
	{.name = "name", .title = "FILE", .width = 20, .stretch = true},
	{.name = "state", .width = 8},
	{.name = "packets", .width = 9, .priority = 2},
	{.name = "file_bytes", .title = "SIZE", .width = 9},
	{.name = "first_time", .title = "FIRST", .width = 11, .priority = 3},
	{.name = "last_time", .title = "LAST", .width = 11, .priority = 1},
	{.name = "reason", .title = "ENDED BY", .width = 10, .priority = 4},
};
static const struct list_column events_columns[] = {
	{.name = "time", .width = 11},
	{.name = "severity", .title = "SEV", .width = 5},
	{.name = "sentence", .title = "WHAT", .width = 30, .stretch = true},
};
static const struct list_column facts_columns[] = {
	{.name = "name", .title = "FACT", .width = 16},
	{.name = "value", .width = 30, .stretch = true},
};

static enum style event_style(void *arg, const struct window *w, uint32_t row)
{
	const struct value v = window_cell(w, row, window_column(w, "severity"));

	(void)arg;
	if (v.type != VALUE_TEXT || str_is(v.s, "note"))
		return STYLE_NORMAL;
	return str_is(v.s, "error") ? STYLE_ERROR : STYLE_WARN;
}

static bool short_time(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value v = window_cell(w, row, window_column(w, column));
	const struct session_page *s = arg;
	char text[TEXT_NUMBER_MAX], now[TEXT_NUMBER_MAX];

	(void)style;
	if (v.type != VALUE_INT || (strcmp(column, "time") != 0 && strcmp(column, "first_time") != 0 && strcmp(column, "last_time") != 0))
		return false;
	(void)text_time(v.i, TEXT_UTC, text);
	(void)text_time(app_now_ns(s->pane.app), TEXT_UTC, now);
	/* Of today the time is enough. */
	(void)buf_printf(out, strncmp(text, now, 10) == 0 ? "%.8s" : "%.11s", strncmp(text, now, 10) == 0 ? text + 11 : text + 5);
	return true;
}

/* --- marks --- */

/* "2026-01-02T02:30:00.000000000Z rest": the time, and where the rest begins; -1: it is none. */
static int time_in_front(struct str text, int64_t *time_ns, struct str *rest)
{
	const char *blank = memchr(text.p, ' ', text.len);
	const struct str time = {text.p, blank ? (size_t)(blank - text.p) : text.len};

	if (!blank || text_parse_time(time, 0, time_ns, NULL) < 0)
		return -1;
	*rest = (struct str){blank + 1, text.len - time.len - 1};
	return 0;
}

static bool str_has(struct str text, const char *word)
{
	return memmem(text.p, text.len, word, strlen(word)) != NULL;
}

/* Bytes in front of it; all where it is not there. */
static size_t before(struct str text, const char *word)
{
	const char *at = memmem(text.p, text.len, word, strlen(word));

	return at ? (size_t)(at - text.p) : text.len;
}

static struct str behind(struct str text, const char *word)
{
	const size_t at = before(text, word), skip = at < text.len ? at + strlen(word) : 0;

	return (struct str){text.p + skip, text.len - skip};
}

static void mark_add(struct session_page *s, int64_t time_ns, char letter, struct str text)
{
	char said[MARK_TEXT];
	const size_t len = text.len < sizeof(said) - 1 ? text.len : sizeof(said) - 1;

	memcpy(said, text.p, len);
	said[len] = 0;
	rate_graph_mark(s->graph, time_ns, letter, said);
}

static void mark_fact(struct session_page *s, struct str name, struct str value)
{
	const bool filter = str_is(name, "filter_change");
	struct str rest;
	int64_t time_ns;

	if ((!filter && !str_is(name, "event")) || time_in_front(value, &time_ns, &rest) < 0)
		return;
	if (filter && !str_has(rest, "(at 0 packets")) /* that is the one that it began with */
		mark_add(s, time_ns, 'F', (struct str){rest.p, before(rest, " (at ")});
	else if (filter)
		return;
	else if (str_has(rest, "alert"))
		mark_add(s, time_ns, 'A', behind(rest, ": "));
	else if (rest.len > 4 && memcmp(rest.p, "note", 4) != 0)
		mark_add(s, time_ns, '!', behind(rest, ": "));
}

static void mark_files(struct session_page *s)
{
	const struct window *w = feed_window(s->files);

	for (uint32_t row = 0; row < w->rows; row++) {
		const struct value end = window_cell(w, row, window_column(w, "last_time"));
		const struct value state = window_cell(w, row, window_column(w, "state"));

		if (end.type == VALUE_INT && state.type == VALUE_TEXT && str_is(state.s, "sealed"))
			mark_add(s, end.i, 'R', str_of("new file"));
	}
}

/* Facts come oldest first, and the newest of a letter is the one that is said: so from the end. */
static void marks_make(struct session_page *s)
{
	struct str name, value;
	unsigned n = 0;

	if (s->facts_seen == session_facts_serial(s->facts) && s->files_seen == feed_serial(s->files))
		return;
	s->facts_seen = session_facts_serial(s->facts);
	s->files_seen = feed_serial(s->files);
	rate_graph_marks_clear(s->graph);
	mark_files(s);
	while (session_fact_at(s->facts, n, &name, &value))
		n++;
	while (n-- > 0)
		if (session_fact_at(s->facts, n, &name, &value))
			mark_fact(s, name, value);
}

static void files_changed(void *arg, struct feed *f)
{
	(void)f;
	app_dirty(((struct session_page *)arg)->pane.app);
}

/* --- drawing --- */

static int put_fact(const struct session_page *s, struct area a, int x, const char *before, const char *name, const char *after)
{
	const struct str v = session_fact(s->facts, name);

	if (!v.len)
		return 0;
	return area_printf(a, x, 0, STYLE_NORMAL, "%s%.*s%s", before, (int)v.len, v.p, after);
}

static uint64_t fact_number(const struct session_page *s, const char *name)
{
	const struct str v = session_fact(s->facts, name);
	uint64_t n = 0;

	return v.len && text_parse_count(v, &n, NULL) == 0 ? n : 0;
}

/* "running  212 Mbit/s  28.1k packets/s  recording  since 2026-01-02 02:11:05 by ana" */
static void state_draw(const struct session_page *s, struct area a)
{
	const struct str since = session_fact(s->facts, "since_time");
	const double bps = rate_graph_bps(s->graph), pps = rate_graph_pps(s->graph);
	const bool runs = str_is(session_fact(s->facts, "state"), "running");
	char rate[TEXT_NUMBER_MAX], per[TEXT_NUMBER_MAX];
	int x = 1;

	x += put_fact(s, a, x, "", "state", "  ");
	if (bps >= 0 && runs)
		x += area_printf(a, x, 0, STYLE_TITLE, "%sbit/s  %s packets/s", text_rate(bps, rate), text_rate(pps < 0 ? 0 : pps, per)) + 2;
	if (runs)
		x += area_text(a, x, 0, STYLE_NORMAL, str_is(session_fact(s->facts, "recording"), "yes") ? "recording  " : "counting  ");
	if (since.len >= 19 && a.width < 80)
		x += area_printf(a, x, 0, STYLE_DIM, "since %.8s", since.p + 11);
	else if (since.len >= 19)
		x += area_printf(a, x, 0, STYLE_DIM, "since %.10s %.8s", since.p, since.p + 11);
	if (x + 4 + (int)session_fact(s->facts, "owner").len <= a.width)
		put_fact(s, a, x, " by ", "owner", "");
}

/* limits, limit_size, limit_time ...: what holds of those that protect the host, as far as there is room; all are among the facts. */
static void limits_draw(const struct session_page *s, struct area a)
{
	struct str name, value;
	struct buf text;

	buf_init(&text, 4096);
	for (unsigned i = 0; session_fact_at(s->facts, i, &name, &value); i++)
		if (name.len >= 5 && memcmp(name.p, "limit", 5) == 0 && value.len)
			(void)buf_printf(&text, "%s%.*s", text.len ? "   " : "limits: ", (int)value.len, value.p); /* -1: more than a line */
	area_pieces(a, 0, 0, STYLE_DIM, buf_str(&text));
	buf_release(&text);
}

static void filter_draw(const struct session_page *s, struct area a)
{
	const uint64_t left = fact_number(s, "disk_free_bytes");
	char number[TEXT_NUMBER_MAX];
	int x = 1 + put_fact(s, a, 1, "", "devices", "  ");

	x += put_fact(s, a, x, "filter ", "filter", "  ");
	x += put_fact(s, a, x, "past held: ", "past", "  ");
	if (left)
		x += area_printf(a, x, 0, left < DISK_LOW ? STYLE_WARN : STYLE_NORMAL, "disk: %s left  ", text_bytes(left, number));
	x += put_fact(s, a, x, "note: ", "note", "  ");
	limits_draw(s, area_part(a, x, 0, a.width - x, 1));
}

static void totals_draw(const struct session_page *s, struct area a)
{
	static const char *const cause[][2] = {{"dropped_device", "device"}, {"dropped_kernel", "kernel"}, {"dropped_buffer", "buffer"}, {"dropped_disk", "disk"}};
	char number[TEXT_NUMBER_MAX], size[TEXT_NUMBER_MAX];
	const uint64_t late = fact_number(s, "late_packets"), files = fact_number(s, "files");
	bool lost = false;
	int x = 1;

	x += area_printf(a, x, 0, STYLE_NORMAL, "%s packets  %s  %llu file%s", text_count(fact_number(s, "packets"), number),
			 text_bytes(fact_number(s, "bytes"), size), (unsigned long long)files, files == 1 ? "" : "s");
	x += area_printf(a, x, 0, STYLE_NORMAL, " (%s)  ", text_bytes(fact_number(s, "file_bytes"), size));
	for (size_t i = 0; i < ARRAY_LEN(cause); i++) {
		const uint64_t n = fact_number(s, cause[i][0]);

		if (n)
			x += area_printf(a, x, 0, STYLE_WARN, "%s%s %llu  ", lost ? "" : "! lost by ", cause[i][1], (unsigned long long)n);
		lost = lost || n;
	}
	if (!lost)
		x += area_text(a, x, 0, STYLE_GOOD, "nothing lost") + 2;
	if (late)
		x += area_printf(a, x, 0, STYLE_WARN, "%llu came late  ", (unsigned long long)late);
	if (session_fact(s->facts, "reason").len)
		put_fact(s, a, x, "ended: ", "reason", "");
}

/* The first alert that is true now; empty: none is. */
static struct str alert_now(const struct session_page *s)
{
	struct str name, value;

	for (unsigned i = 0; session_fact_at(s->facts, i, &name, &value); i++)
		if (str_is(name, "alert") && str_has(value, ": true since "))
			return value;
	return str_of("");
}

static void alert_draw(const struct session_page *s, struct area a)
{
	const struct str alert = alert_now(s), since = behind(alert, ": true since ");

	/* "1: pps > 1000 for 10s, since 03:03:40" */
	area_printf(a, 1, 0, STYLE_ERROR, "! alert %.*s, since %.8s", (int)before(alert, ": true since "), alert.p,
		    since.len >= 19 ? since.p + 11 : "then");
}

static void parts_draw(const struct session_page *s, struct area a)
{
	int x = 1;

	area_fill(a, ' ', STYLE_HEADER);
	for (int i = 0; i < PARTS; i++)
		x += area_printf(a, x, 0, i == (int)s->part ? STYLE_TAB_ACTIVE : STYLE_HEADER, i == (int)s->part ? "[%s]" : " %s ", part_name[i]) + 1;
	area_text(a, x, 0, STYLE_HEADER, "Tab");
}

/* One below the other where all have room; else the one that has the keys. */
static void lists_draw(struct session_page *s, struct area a, bool focused)
{
	const int each = a.height / PARTS;

	if (each < PART_ROWS) {
		parts_draw(s, area_part(a, 0, 0, a.width, 1));
		list_draw(s->list[s->part], area_part(a, 0, 1, a.width, a.height - 1), focused);
		return;
	}
	for (int i = 0; i < PARTS; i++) {
		const bool here = i == (int)s->part;
		struct area part = area_part(a, 0, i * each, a.width, i + 1 < PARTS ? each : a.height - i * each);

		area_fill(area_part(part, 0, 0, part.width, 1), ' ', STYLE_HEADER);
		area_printf(part, 1, 0, here ? STYLE_TAB_ACTIVE : STYLE_HEADER, here ? "[%s] Tab" : " %s ", part_name[i]);
		list_draw(s->list[i], area_part(part, 0, 1, part.width, part.height - 1), focused && here);
	}
}

static void page_draw(struct pane *p, struct area a, bool focused)
{
	struct session_page *s = (struct session_page *)p;
	const bool low = a.height < 16, alert = alert_now(s).len > 0;
	const int head = (low ? 2 : 3) + alert, graph = low ? a.height / 2 - 1 : a.height >= 40 ? 16 : 10;
	int y = 0;

	session_facts_of(s->facts, p->host, s->name);
	marks_make(s);
	if (alert)
		alert_draw(s, area_part(a, 0, y++, a.width, 1));
	state_draw(s, area_part(a, 0, y++, a.width, 1));
	if (!low)
		filter_draw(s, area_part(a, 0, y++, a.width, 1));
	totals_draw(s, area_part(a, 0, y, a.width, 1));
	rate_graph_draw(s->graph, area_part(a, 0, head, a.width, graph));
	y = head + graph;
	lists_draw(s, area_part(a, 0, y, a.width, a.height - y), focused);
}

/* --- commands --- */

static bool page_act(struct session_page *s, const char *word, struct err *e)
{
	const struct str state = session_fact(s->facts, "state"), devices = session_fact(s->facts, "devices"), filter = session_fact(s->facts, "filter");
	char *names = xstrndup(devices.p ? devices.p : "", devices.len), *text = xstrndup(filter.p ? filter.p : "", filter.len);
	const char *host = host_name(s->pane.host);
	struct session_ref r = {.host = *host ? host : "local", .name = s->name, .devices = names, .filter = text,
				.running = str_is(state, "running"), .recording = str_is(session_fact(s->facts, "recording"), "yes"),
				.files = fact_number(s, "files"), .file_bytes = fact_number(s, "file_bytes")};
	struct buf alerts;
	bool ours;

	buf_init(&alerts, 4096);
	session_facts_alerts(s->facts, s->name, &alerts);
	r.alerts = buf_str(&alerts);
	ours = session_act_command(s->act, &r, word, e);
	buf_release(&alerts);
	free(names);
	free(text);
	return ours;
}

/* A file opens as a capture. */
static int file_open(struct session_page *s, struct err *e)
{
	char *path = list_text(s->list[PART_FILES], "path"), *target;
	int r = 0;

	if (list_ready(s->list[PART_FILES]) && *path) {
		target = xasprintf("file:%s", path);
		r = app_open(s->pane.app, "summary", host_name(s->pane.host), target, "", e);
		free(target);
	}
	free(path);
	return r;
}

static unsigned page_command(struct pane *p, int count, char **word, struct err *e)
{
	struct session_page *s = (struct session_page *)p;

	if (strcmp(word[0], "next-part") == 0)
		s->part = (s->part + 1) % PARTS;
	else if (strcmp(word[0], "previous-part") == 0)
		s->part = (s->part + PARTS - 1) % PARTS;
	else if (strcmp(word[0], "scale") == 0)
		rate_graph_scale(s->graph);
	else if (strcmp(word[0], "unit") == 0)
		rate_graph_unit(s->graph);
	else if (strcmp(word[0], "counters") == 0)
		(void)app_open(p->app, "wall", host_name(p->host), p->target, "", e); /* -1: *e says why */
	else if (strcmp(word[0], "select") == 0 && s->part == PART_FILES)
		(void)file_open(s, e);
	else if (strcmp(word[0], "select") != 0 && !page_act(s, word[0], e))
		return list_command(s->list[s->part], count, word, e);
	return REACT_DRAW;
}

/* --- the pane --- */

static int page_open(struct pane *p, struct err *e)
{
	struct session_page *s = (struct session_page *)p;
	struct buf filter;

	if (!pane_is_live(p))
		return err_set(e, ERR_CALL, "the page of what: choose a session first (tab 1)");
	s->name = p->target + strlen("session:");
	buf_init(&filter, FILTER_TEXT_MAX);
	(void)buf_add_str(&filter, "where == ");
	filter_quote(&filter, s->name);
	s->graph = rate_graph_new(p->app, p->host, s->name, "");
	s->facts = session_facts_new(p->app);
	s->act = session_act_new(p);
	session_facts_of(s->facts, p->host, s->name);
	s->files = feed_new(p->app, p->host, p->target, files_changed, s);
	feed_ask(s->files, &(struct feed_query){.table = "files", .columns = "state,last_time", .sort = "-number", .count = FILES_SEEN, .period_ms = 2000});
	s->list[PART_FILES] = list_new(p, &(struct list_spec){
		.table = "files", .column = files_columns, .ncolumns = ARRAY_LEN(files_columns), .also = "path", .key = "number", .sort = "-number",
		.period_ms = 1000, .cell = short_time, .empty = "No file: r begins a recording.", .arg = s});
	s->list[PART_EVENTS] = list_new_host(p, &(struct list_spec){
		.table = "events", .column = events_columns, .ncolumns = ARRAY_LEN(events_columns), .key = "time", .sort = "-time", .filter = buf_str(&filter),
		.period_ms = 1000, .cell = short_time, .row_style = event_style, .empty = "Nothing has happened to it.", .arg = s});
	s->list[PART_FACTS] = list_new(p, &(struct list_spec){
		.table = "session", .column = facts_columns, .ncolumns = ARRAY_LEN(facts_columns), .key = "name", .sort = "",
		.filter = "name != event", .period_ms = 2000, .empty = "This host says nothing of it.", .arg = s});
	buf_release(&filter);
	return 0;
}

static void page_close(struct pane *p)
{
	struct session_page *s = (struct session_page *)p;

	for (int i = 0; i < PARTS; i++)
		list_free(s->list[i]);
	rate_graph_free(s->graph);
	session_facts_free(s->facts);
	session_act_free(s->act);
	feed_free(s->files);
}

static void page_update(struct pane *p)
{
	struct session_page *s = (struct session_page *)p;

	for (int i = 0; i < PARTS; i++)
		list_update(s->list[i]);
}

static void page_status(struct pane *p, struct buf *out)
{
	struct session_page *s = (struct session_page *)p;

	list_status(s->list[s->part], out);
}

static void page_name(struct pane *p, struct buf *out)
{
	pane_target_name(p, out);
}

static const struct pane_word words[] = {
	SESSION_WORDS,
	{"counters", "", "the wall of the session's counters"},
	{"scale", "", "a column of the graph is a second, ten, a minute, an hour"},
	{"unit", "", "the graph shows bits or packets"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_session = {
	.name = "session", .title = "Session", .summary = "a session: its rate and what happened to it, files, events, facts", .tab = '1',
	.size = sizeof(struct session_page), .list = true, .words = words, .acts = SESSION_ACTS, .open = page_open, .close = page_close,
	.update = page_update, .draw = page_draw, .command = page_command, .status = page_status, .name_of = page_name,
};
