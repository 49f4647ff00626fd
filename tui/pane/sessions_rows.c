/* The sessions of all hosts in one table: each host is asked each second, rates are kept by session. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "sessions_private.h"

#define SAMPLE_NS (NS_PER_S / 2) /* windows come each second, give or take */
#define WINDOW_ROWS 1024u	 /* sessions of one host */
#define SPARK_TEXT_MAX 2048
#define RANK_OVER 1

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
	[ALERT] = {"alert", KIND_TEXT, 0, "", "the alert that is true now"},
	[REASON] = {"reason", KIND_TEXT, 0, "", "why it ended"},
	[CPU] = {"cpu_percent", KIND_REAL, 0, "", "what it takes of a processor"},
	[MEMORY] = {"memory_bytes", KIND_BYTES, 0, "", "what it takes of the memory"},
};

const struct table_type sessions_type = {"sessions", "sessions of all hosts", "", column_table, COLUMNS};

/* --- rates --- */

/* The newest second comes first. */
static void on_past(void *arg, struct feed *f)
{
	struct track *t = arg;
	const struct window *w = feed_window(f);
	int n = w->rows < SESSIONS_SAMPLES ? (int)w->rows : SESSIONS_SAMPLES;

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
	sessions_rows_make(t->sessions);
	list_again(t->sessions->list);
}

static struct track *track_of(struct sessions *s, struct host *h, const char *key)
{
	const char *const words[] = {key + strlen(host_name(h)) + 1};
	const struct feed_query q = {.table = "poll", .words = words, .nwords = 1, .columns = "bps", .sort = "-time", .count = SESSIONS_SAMPLES};
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
	if (t->count == SESSIONS_SAMPLES) {
		memmove(t->sample, t->sample + 1, sizeof(t->sample[0]) * (SESSIONS_SAMPLES - 1));
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
						  [FILE_BYTES] = "file_bytes", [SINCE] = "since_time", [OWNER] = "owner", [RECORDING] = "recording",
						  [ALERT] = "alert", [REASON] = "reason", [CPU] = "cpu_percent", [MEMORY] = "memory_bytes"};
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

/* What works now comes first, then what should and does not, then what is over. */
static int rank_of(const struct window *w, uint32_t row)
{
	const struct value state = by_name(w, row, "state");

	return state.type == VALUE_TEXT && (str_is(state.s, "ended") || str_is(state.s, "stopped") || str_is(state.s, "failed")) ? RANK_OVER : 0;
}

static void rows_of_rank(struct sessions *s, int rank)
{
	for (const struct asked *a = s->asked; a; a = a->next) {
		const struct window *w = feed_window(a->feed);

		for (uint32_t row = 0; row < w->rows; row++) {
			const struct value name = by_name(w, row, "name");

			if (rank_of(w, row) != rank)
				continue;
			row_add(s, a, row);
			if (rank == RANK_OVER && name.type == VALUE_TEXT)
				app_session_ended(s->pane.app, a->host, name.s);
		}
	}
}

void sessions_rows_make(struct sessions *s)
{
	rowset_clear(s->rows);
	rows_of_rank(s, 0);
	for (const struct asked *a = s->asked; a; a = a->next)
		host_add(s, a);
	rows_of_rank(s, RANK_OVER);
}

static void on_answer(void *arg, struct feed *f)
{
	struct asked *a = arg;

	(void)f;
	sessions_rows_make(a->sessions);
	list_again(a->sessions->list);
}

void sessions_ask(struct sessions *s)
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

void sessions_rows_release(struct sessions *s)
{
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
	rowset_free(s->rows);
}
