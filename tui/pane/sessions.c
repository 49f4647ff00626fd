/* Tab 1: the sessions of all hosts that are known, in one table; the selected one's graph and health below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "panes.h"
#include "session_facts.h"
#include "tui/app.h"
#include "tui/list.h"

#define SAMPLE_NS (NS_PER_S / 2) /* windows come each second, give or take */
#define SAMPLES 120	      /* seconds kept of each session's rate */
#define TRACKS_MAX 4096u      /* sessions whose rates are kept */
#define WINDOW_ROWS 1024u     /* sessions of one host */
#define DETAIL_ROWS 9	      /* frame included */
#define SPARK_TEXT_MAX 2048

enum { KEY, NAME, HOST, DEVICES, FILTER, STATE, BPS, PPS, DROPPED, PACKETS, BYTES, FILES, FILE_BYTES, SINCE, OWNER, RECORDING, SERIES, COLUMNS };

static const struct column column_table[COLUMNS] = {
	[KEY] = {"key", KIND_TEXT, COLUMN_HIDDEN, "", "HOST:NAME"},
	[NAME] = {"name", KIND_TEXT, 0, "", "of the session"},
	[HOST] = {"host", KIND_TEXT, 0, "", "where it runs"},
	[DEVICES] = {"devices", KIND_TEXT, 0, "", "that it captures"},
	[FILTER] = {"filter", KIND_TEXT, 0, "", "its capture filter"},
	[STATE] = {"state", KIND_TEXT, 0, "", "what it does now"},
	[BPS] = {"bps", KIND_BPS, 0, "bits a second", "of the last second"},
	[PPS] = {"pps", KIND_PPS, 0, "packets a second", "of the last second"},
	[DROPPED] = {"dropped", KIND_COUNT, 0, "packets", "lost for any cause"},
	[PACKETS] = {"packets", KIND_COUNT, 0, "", "since the start"},
	[BYTES] = {"bytes", KIND_BYTES, 0, "", "since the start"},
	[FILES] = {"files", KIND_COUNT, 0, "", "recorded"},
	[FILE_BYTES] = {"file_bytes", KIND_BYTES, 0, "", "of the files"},
	[SINCE] = {"since_time", KIND_TIME, 0, "", "when it began"},
	[OWNER] = {"owner", KIND_TEXT, 0, "", "who began it"},
	[RECORDING] = {"recording", KIND_BOOL, 0, "", "whether its packets go into a file now"},
	[SERIES] = {"series", KIND_SERIES, 0, "", "bits a second, the newest last"},
};

static const struct table_type table_type = {"sessions", "sessions of all hosts", "", column_table, COLUMNS};

static const struct list_column shown[] = {
	{.name = "name", .width = 12},
	{.name = "host", .width = 10, .priority = 1},
	{.name = "devices", .title = "DEVICE", .width = 10, .priority = 3},
	{.name = "filter", .stretch = true, .priority = 4},
	{.name = "state", .width = 10},
	{.name = "recording", .title = "REC", .width = 3, .priority = 2},
	{.name = "bps", .title = "RATE", .width = 9},
	{.name = "pps", .title = "PPS", .width = 7, .priority = 2},
	{.name = "dropped", .title = "DROP", .width = 6, .priority = 2},
	{.name = "file_bytes", .title = "SIZE", .width = 8, .priority = 5},
	{.name = "series", .title = "60 s", .width = 12, .priority = 6},
};

/* One host's question. */
struct asked {
	struct asked *next;
	struct sessions *sessions;
	struct host *host;
	struct feed *feed;
};

struct track {
	double sample[SAMPLES];
	int count;
	uint64_t serial; /* of the window that the last sample is of */
	int64_t sampled_ns; /* by the console's clock: where that stands, as in a script, there is one sample */
	struct sessions *sessions;
	struct feed *past; /* what was before this console looked; NULL: it came */
};

struct sessions {
	struct pane pane;
	struct list *list;
	struct rowset *rows;
	struct asked *asked;
	struct map *tracks; /* "HOST:NAME" to struct track */
	char *asked_about;  /* the session that a question is open about, by its key */
	struct session_facts *facts; /* of the selected one */
};

/* --- rates --- */

/* The newest second comes first. */
static void on_past(void *arg, struct feed *f)
{
	struct track *t = arg;
	const struct window *w = feed_window(f);
	int n = w->rows < SAMPLES ? (int)w->rows : SAMPLES;

	if (feed_state(f) == FEED_WAITING)
		return;
	for (int i = 0; i < n; i++) {
		struct value v = window_cell(w, (uint32_t)(n - 1 - i), 0);
		t->sample[i] = v.type == VALUE_REAL ? v.r : 0;
	}
	if (n > t->count)
		t->count = n;
	t->past = NULL;
	feed_free(f);
	list_again(t->sessions->list);
}

static struct track *track_of(struct sessions *s, struct host *h, const char *key)
{
	const char *const words[] = {key + strlen(host_name(h)) + 1};
	const struct feed_query q = {.table = "poll", .words = words, .nwords = 1, .columns = "bps", .sort = "-time", .count = SAMPLES};
	struct track *t = map_get(s->tracks, key, strlen(key));

	if (t)
		return t;
	t = xcalloc(1, sizeof(*t));
	if (map_put(s->tracks, key, strlen(key), t) < 0) {
		free(t);
		return NULL;
	}
	t->sessions = s;
	t->past = feed_new(s->pane.app, h, "", on_past, t);
	feed_ask(t->past, &q);
	return t;
}

static void track_add(struct track *t, double value, uint64_t serial)
{
	const int64_t now_ns = app_now_ns(t->sessions->pane.app);

	if (t->serial == serial || (t->sampled_ns && now_ns - t->sampled_ns < SAMPLE_NS))
		return;
	t->serial = serial;
	t->sampled_ns = now_ns;
	if (t->count == SAMPLES) {
		memmove(t->sample, t->sample + 1, sizeof(t->sample[0]) * (SAMPLES - 1));
		t->count--;
	}
	t->sample[t->count++] = value;
}

static void track_print(const struct track *t, struct buf *out)
{
	int first = t->count > 60 ? t->count - 60 : 0;

	for (int i = first; i < t->count; i++)
		buf_printf(out, "%s%.0f", i > first ? " " : "", t->sample[i]);
}

/* --- the table of all --- */

static struct value by_name(const struct window *w, uint32_t row, const char *name)
{
	return window_cell(w, row, window_column(w, name));
}

static uint64_t dropped_of(const struct window *w, uint32_t row)
{
	static const char *const cause[] = {"dropped_device", "dropped_kernel", "dropped_buffer", "dropped_disk"};
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(cause); i++) {
		struct value v = by_name(w, row, cause[i]);
		sum += v.type == VALUE_INT && v.i > 0 ? (uint64_t)v.i : 0;
	}
	return sum;
}

static void row_add(struct sessions *s, const struct asked *a, uint32_t row)
{
	static const char *const same[COLUMNS] = {[DEVICES] = "devices", [FILTER] = "filter", [STATE] = "state", [BPS] = "bps",
						  [PPS] = "pps", [PACKETS] = "packets", [BYTES] = "bytes", [FILES] = "files",
						  [FILE_BYTES] = "file_bytes", [SINCE] = "since_time", [OWNER] = "owner", [RECORDING] = "recording"};
	const struct window *w = feed_window(a->feed);
	struct value v[COLUMNS], name = by_name(w, row, "name");
	struct track *t;
	struct buf series;
	char *key;

	if (name.type != VALUE_TEXT)
		return;
	key = xasprintf("%s:%.*s", host_name(a->host), (int)name.s.len, name.s.p);
	t = track_of(s, a->host, key);
	buf_init(&series, SPARK_TEXT_MAX);
	for (int c = 0; c < COLUMNS; c++)
		v[c] = same[c] ? by_name(w, row, same[c]) : value_null();
	v[KEY] = value_text(key);
	v[NAME] = name;
	v[HOST] = value_text(host_name(a->host));
	v[DROPPED] = value_count(dropped_of(w, row));
	if (t) {
		track_add(t, v[BPS].type == VALUE_REAL ? v[BPS].r : v[BPS].type == VALUE_INT ? (double)v[BPS].i : 0, feed_serial(a->feed));
		track_print(t, &series);
		v[SERIES] = value_text(buf_str(&series));
	}
	rowset_add(s->rows, v);
	buf_release(&series);
	free(key);
}

/* A host without an answer is a row too: it says why. */
static void host_add(struct sessions *s, const struct asked *a)
{
	static const char *const word[] = {"idle", "connecting", "up", "retrying", "down"};
	enum host_state state = host_state(a->host);
	const struct err *why = state == HOST_UP ? feed_error(a->feed) : host_error(a->host);
	struct value v[COLUMNS];
	char *key;

	if (state == HOST_UP && feed_state(a->feed) != FEED_FAILED)
		return;
	key = xasprintf("%s:", host_name(a->host));
	for (int c = 0; c < COLUMNS; c++)
		v[c] = value_null();
	v[KEY] = value_text(key);
	v[NAME] = value_text("-");
	v[HOST] = value_text(host_name(a->host));
	v[STATE] = value_text(word[state]);
	v[FILTER] = value_text(why->code != ERR_NONE ? why->text : "");
	rowset_add(s->rows, v);
	free(key);
}

static void rows_make(struct sessions *s)
{
	rowset_clear(s->rows);
	for (const struct asked *a = s->asked; a; a = a->next) {
		for (uint32_t row = 0; row < feed_window(a->feed)->rows; row++)
			row_add(s, a, row);
		host_add(s, a);
	}
}

static void on_answer(void *arg, struct feed *f)
{
	struct asked *a = arg;

	(void)f;
	rows_make(a->sessions);
	list_again(a->sessions->list);
}

static void hosts_ask(struct sessions *s)
{
	const struct feed_query q = {.table = "sessions", .count = WINDOW_ROWS, .period_ms = 1000};
	struct hosts *all = app_hosts(s->pane.app);
	struct asked **end;

	for (struct host *h = hosts_next(all, NULL); h; h = hosts_next(all, h)) {
		struct asked *a;
		if (strcmp(host_name(h), "store") == 0)
			continue;
		for (end = &s->asked; *end && (*end)->host != h; end = &(*end)->next)
			;
		if (*end)
			continue;
		a = xcalloc(1, sizeof(*a));
		a->sessions = s;
		a->host = h;
		*end = a;
		a->feed = feed_new(s->pane.app, h, "", on_answer, a);
		feed_ask(a->feed, &q);
	}
}

/* --- drawing --- */

static enum style session_style(void *arg, const struct window *w, uint32_t row)
{
	struct value state = by_name(w, row, "state"), dropped = by_name(w, row, "dropped");

	(void)arg;
	if (state.type == VALUE_TEXT && (str_is(state.s, "failed") || str_is(state.s, "down")))
		return STYLE_ERROR;
	if (dropped.type == VALUE_INT && dropped.i > 0)
		return STYLE_WARN;
	return state.type == VALUE_TEXT && (str_is(state.s, "ended") || str_is(state.s, "stopped")) ? STYLE_DIM : STYLE_NORMAL;
}

static double number_of(struct value v)
{
	return v.type == VALUE_REAL ? v.r : v.type == VALUE_INT ? (double)v.i : 0;
}

static void totals_draw(struct sessions *s, struct area a)
{
	double bps = 0, pps = 0, packets = 0, dropped = 0;
	char rate[TEXT_NUMBER_MAX], per[TEXT_NUMBER_MAX];
	unsigned sessions = 0, hosts = 0;
	int x;

	for (const struct asked *q = s->asked; q; q = q->next)
		hosts++;
	for (uint64_t row = 0; row < rowset_rows(s->rows); row++) {
		sessions += rowset_cell(s->rows, row, PACKETS).type != VALUE_NULL;
		bps += number_of(rowset_cell(s->rows, row, BPS));
		pps += number_of(rowset_cell(s->rows, row, PPS));
		packets += number_of(rowset_cell(s->rows, row, PACKETS));
		dropped += number_of(rowset_cell(s->rows, row, DROPPED));
	}
	x = area_printf(a, 1, 0, STYLE_NORMAL, "%u session%s on %u host%s   %sbit/s   %s packets/s", sessions, sessions == 1 ? "" : "s", hosts,
			hosts == 1 ? "" : "s", text_rate(bps, rate), text_rate(pps, per));
	if (dropped > 0)
		area_printf(a, x + 4, 0, STYLE_WARN, "! lost %.0f packets (%.2g %%)", dropped, 100 * dropped / (packets + dropped));
	else
		area_text(a, x + 4, 0, STYLE_GOOD, "nothing lost");
}

static void facts_draw(struct sessions *s, struct area a, const char *host, const char *name)
{
	struct buf text;

	session_facts_of(s->facts, hosts_get(app_hosts(s->pane.app), host), name);
	buf_init(&text, 1024);
	session_facts_print(s->facts, &text);
	area_text(a, 1, 0, STYLE_NORMAL, buf_str(&text));
	buf_release(&text);
}

static void detail_draw(struct sessions *s, struct area a)
{
	char *key = list_text(s->list, "key"), *name = list_text(s->list, "name"), *host = list_text(s->list, "host");
	char *owner = list_text(s->list, "owner"), *filter = list_text(s->list, "filter"), since[TEXT_NUMBER_MAX];
	struct track *t = map_get(s->tracks, key, strlen(key));
	struct value began = list_value(s->list, "since_time"), dropped = list_value(s->list, "dropped");
	char *title = xasprintf("%s on %s", name, host);
	struct area in = area_frame(a, title, false);

	if (strcmp(name, "-") == 0)
		area_lines(in, STYLE_WARN, filter);
	else if (t)
		area_graph(area_part(in, 0, 0, in.width, in.height - 2), t->sample, t->count, "b/s", STYLE_GRAPH);
	if (began.type == VALUE_INT && in.height > 2) {
		text_time(began.i, TEXT_UTC, since);
		area_printf(in, 1, in.height - 2, STYLE_NORMAL, "since %.19s%s%s   %s%s", since, owner[0] ? " by " : "", owner,
			    filter[0] ? "filter " : "", filter);
	}
	if (dropped.type == VALUE_INT && dropped.i > 0)
		area_printf(in, 1, in.height - 1, STYLE_WARN, "! %lld packets were lost: `show %s` says where; a larger buffer helps against bursts",
			    (long long)dropped.i, name);
	else if (strcmp(name, "-") != 0)
		facts_draw(s, area_part(in, 0, in.height - 1, in.width, 1), host, name);
	free(key);
	free(name);
	free(host);
	free(owner);
	free(filter);
	free(title);
}

static void events_draw(struct sessions *s, struct area a)
{
	struct value v[4];

	for (int y = 0; y < a.height && app_event_at(s->pane.app, (size_t)y, v); y++) {
		char time[TEXT_NUMBER_MAX];
		bool bad = v[1].type == VALUE_TEXT && !str_is(v[1].s, "note");
		text_time(v[0].i, TEXT_UTC, time);
		area_printf(a, 1, y, bad ? STYLE_WARN : STYLE_DIM, "%.8s %.*s %.*s", strlen(time) > 19 ? time + 11 : time, (int)v[2].s.len, v[2].s.p,
			    (int)v[3].s.len, v[3].s.p);
	}
}

static void sessions_draw(struct pane *p, struct area a, bool focused)
{
	struct sessions *s = (struct sessions *)p;
	int detail = a.height >= 16 && list_has_row(s->list) ? DETAIL_ROWS : 0, events = a.height >= 22 ? 3 : 0;
	int rows = a.height - 1 - detail - events;
	int used = (int)rowset_rows(s->rows) + 2;

	if (detail && used < rows && used >= 6) { /* the graph takes what the table does not need */
		detail += rows - used > 8 ? 8 : rows - used;
		rows = a.height - 1 - detail - events;
	}
	totals_draw(s, area_part(a, 0, 0, a.width, 1));
	list_draw(s->list, area_part(a, 0, 1, a.width, rows), focused);
	if (detail)
		detail_draw(s, area_part(a, 0, 1 + rows, a.width, detail));
	if (events)
		events_draw(s, area_part(a, 0, a.height - events, a.width, events));
}

/* --- commands --- */

static void say_verb(struct sessions *s, const char *verb, const char *more)
{
	char *name = list_text(s->list, "name"), *host = list_text(s->list, "host");
	const char *const words[] = {verb, name, more};

	if (list_has_row(s->list) && strcmp(name, "-") != 0)
		app_verb(s->pane.app, &s->pane, hosts_get(app_hosts(s->pane.app), host), words, more ? 3 : 2, NULL, NULL);
	free(name);
	free(host);
}

/* The row may have moved since the question was asked: the name that it named is what is meant. */
static void say_asked(struct sessions *s, const char *verb, const char *more)
{
	char *colon = strrchr(s->asked_about, ':');
	const char *const words[] = {verb, colon + 1, more};

	*colon = 0;
	app_verb(s->pane.app, &s->pane, hosts_get(app_hosts(s->pane.app), s->asked_about), words, more ? 3 : 2, NULL, NULL);
}

static void stop_yes(void *arg)
{
	say_asked(arg, "stop", NULL);
}

static void record_off_yes(void *arg)
{
	say_asked(arg, "record", "off");
}

/* `what`: "Stop" */
static void session_ask(struct sessions *s, const char *what, void (*yes)(void *arg))
{
	char *name = list_text(s->list, "name"), *host = list_text(s->list, "host"), *question;

	if (list_has_row(s->list) && strcmp(name, "-") != 0) {
		free(s->asked_about);
		s->asked_about = list_text(s->list, "key");
		question = xasprintf("%s session %s on %s?", what, name, host);
		app_confirm(s->pane.app, question, yes, s);
		free(question);
	}
	free(name);
	free(host);
}

/* What begins can be ended again; what was not recorded meanwhile is gone for good. */
static void record_toggle(struct sessions *s)
{
	const struct value recording = list_value(s->list, "recording");

	if (recording.type == VALUE_INT && recording.i)
		session_ask(s, "End the recording of", record_off_yes);
	else
		say_verb(s, "record", "on");
}

static int session_open(struct sessions *s, const char *pane, struct err *e)
{
	char *name = list_text(s->list, "name"), *host = list_text(s->list, "host"), *target;
	int result = 0;

	if (list_has_row(s->list) && strcmp(name, "-") != 0) {
		target = xasprintf("session:%s", name);
		result = app_open(s->pane.app, pane, host, target, "", e);
		free(target);
	}
	free(name);
	free(host);
	return result;
}

static unsigned sessions_command(struct pane *p, int count, char **word, struct err *e)
{
	struct sessions *s = (struct sessions *)p;

	if (strcmp(word[0], "select") == 0)
		session_open(s, "connections", e);
	else if (strcmp(word[0], "counters") == 0)
		session_open(s, "counters", e);
	else if (strcmp(word[0], "stop-session") == 0)
		session_ask(s, "Stop", stop_yes);
	else if (strcmp(word[0], "dismiss-session") == 0)
		say_verb(s, "dismiss", NULL);
	else if (strcmp(word[0], "record-session") == 0)
		record_toggle(s);
	else if (strcmp(word[0], "rotate-session") == 0)
		say_verb(s, "rotate", NULL);
	else
		return list_command(s->list, count, word, e);
	return REACT_DRAW;
}

/* --- the pane --- */

static int sessions_open(struct pane *p, struct err *e)
{
	struct sessions *s = (struct sessions *)p;
	const struct list_spec spec = {
		.table = "sessions",
		.column = shown,
		.ncolumns = ARRAY_LEN(shown),
		.also = "since_time,owner,packets,bytes,files",
		.key = "key",
		.sort = "",
		.period_ms = 1000,
		.row_style = session_style,
		.empty = "No session yet: F5 starts one, `tapdeck FILE` opens a capture, 5 asks the history.",
		.arg = s,
	};
	struct table t;

	(void)e;
	s->rows = rowset_new(&table_type);
	s->tracks = map_new(TRACKS_MAX);
	s->facts = session_facts_new(p->app);
	t = rowset_table(s->rows, false);
	s->list = list_new_local(p, &spec, &t);
	hosts_ask(s);
	return 0;
}

static void sessions_close(struct pane *p)
{
	struct sessions *s = (struct sessions *)p;
	const void *key;
	size_t iter = 0, len;
	void *track;

	while (s->asked) {
		struct asked *a = s->asked;
		s->asked = a->next;
		feed_free(a->feed);
		free(a);
	}
	while (map_next(s->tracks, &iter, &key, &len, &track)) {
		feed_free(((struct track *)track)->past);
		free(track);
	}
	map_free(s->tracks);
	list_free(s->list);
	rowset_free(s->rows);
	free(s->asked_about);
	session_facts_free(s->facts);
}

static void sessions_update(struct pane *p)
{
	struct sessions *s = (struct sessions *)p;

	hosts_ask(s);
	rows_make(s);
	list_again(s->list);
}

static void sessions_status(struct pane *p, struct buf *out)
{
	list_status(((struct sessions *)p)->list, out);
}

static const struct pane_word words[] = {
	{"stop-session", "", "ends the session, after asking"},
	{"dismiss-session", "", "takes an ended session off the list"},
	{"record-session", "", "begins recording, or ends it after asking"},
	{"rotate-session", "", "begins a new file now"},
	{"counters", "", "the counters of the session"},
	{0},
};

const struct pane_type pane_sessions = {
	.name = "sessions",
	.title = "Sessions",
	.summary = "the sessions of all hosts, with rates and losses",
	.tab = '1',
	.size = sizeof(struct sessions),
	.root = true,
	.list = true,
	.words = words,
	.open = sessions_open,
	.close = sessions_close,
	.update = sessions_update,
	.draw = sessions_draw,
	.command = sessions_command,
	.status = sessions_status,
};
