/* Tab 1: the sessions of all hosts that are known, in one table; the selected one's graph and health below. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "panes.h"
#include "sessions_private.h"

static const struct list_column shown[] = {
	{.name = "name", .width = 12},
	{.name = "host", .width = 10, .priority = 1},
	{.name = "owner", .width = 8, .priority = 7},
	{.name = "devices", .title = "DEVICE", .width = 10, .priority = 3},
	{.name = "filter", .stretch = true, .priority = 4},
	{.name = "state", .width = 10},
	{.name = "recording", .title = "REC", .width = 3, .priority = 2},
	{.name = "bps", .title = "RATE", .width = 9},
	{.name = "pps", .title = "PPS", .width = 7, .priority = 3},
	{.name = "dropped", .title = "DROP", .width = 7, .priority = 1},
	{.name = "file_bytes", .title = "SIZE", .width = 8, .priority = 5},
	{.name = "series", .title = "60 s", .width = 12, .priority = 6},
	{.name = "reason", .title = "ENDED BECAUSE", .width = 24, .priority = 8},
};

/* --- commands --- */

/* 1: opened; 0: there is no session. */
static int session_open(struct sessions *s, const char *pane, struct err *e)
{
	char *name = list_text(s->list, "name"), *host = list_text(s->list, "host"), *target;
	int result = 0;

	if (list_has_row(s->list) && strcmp(name, "-") != 0) {
		target = xasprintf("session:%s", name);
		result = app_open(s->pane.app, pane, host, target, "", e) < 0 ? -1 : 1;
		free(target);
	}
	free(name);
	free(host);
	return result;
}

static uint64_t count_of(const struct sessions *s, const char *column)
{
	const struct value v = list_value(s->list, column);

	return v.type == VALUE_INT && v.i > 0 ? (uint64_t)v.i : 0;
}

/* true: the word was one of acting on a session. */
static bool session_act(struct sessions *s, const char *word, struct err *e)
{
	char *name = list_text(s->list, "name"), *host = list_text(s->list, "host"), *state = list_text(s->list, "state");
	char *devices = list_text(s->list, "devices"), *filter = list_text(s->list, "filter");
	struct buf alerts;
	struct session_ref r = {.host = host, .name = name, .devices = devices, .filter = filter,
				      .running = strcmp(state, "running") == 0, .recording = count_of(s, "recording") > 0,
				      .files = count_of(s, "files"), .file_bytes = count_of(s, "file_bytes")};
	bool ours = strlen(word) > 8 && strcmp(word + strlen(word) - 8, "-session") == 0;

	buf_init(&alerts, 4096);
	session_facts_alerts(s->facts, name, &alerts);
	r.alerts = buf_str(&alerts);
	if (ours && list_has_row(s->list) && strcmp(name, "-") != 0)
		ours = session_act_command(s->act, &r, word, e);
	buf_release(&alerts);
	free(name);
	free(host);
	free(state);
	free(devices);
	free(filter);
	return ours;
}

/* By host, by owner, as they come: rows that are alike stay in that order, so what runs is first in each. */
static void group(struct sessions *s)
{
	static const char *const by[] = {"", "host", "owner"};
	size_t i = 0;

	while (i < ARRAY_LEN(by) && strcmp(list_sort(s->list), by[i]) != 0)
		i++;
	list_set_sort(s->list, by[(i + 1) % ARRAY_LEN(by)]);
}

static unsigned sessions_command(struct pane *p, int count, char **word, struct err *e)
{
	struct sessions *s = (struct sessions *)p;

	if (strcmp(word[0], "select") == 0)
		session_open(s, "connections", e);
	else if (strcmp(word[0], "session") == 0)
		session_open(s, "session", e);
	else if (strcmp(word[0], "group") == 0)
		group(s);
	else if (strcmp(word[0], "counters") == 0)
		session_open(s, "wall", e);
	else if (!session_act(s, word[0], e))
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
		.also = "since_time,packets,bytes,files,alert,cpu_percent,memory_bytes",
		.key = "key",
		.sort = "",
		.period_ms = 1000,
		.row_style = sessions_style,
		.cell = sessions_cell,
		.empty = "No session yet: F5 starts one, `tapdeck FILE` opens a capture, 5 asks the history.",
		.arg = s,
	};
	struct table t;

	(void)e;
	s->rows = rowset_new(&sessions_type);
	s->tracks = map_new(SESSIONS_TRACKS_MAX);
	s->facts = session_facts_new(p->app);
	s->act = session_act_new(p);
	t = rowset_table(s->rows, false);
	s->list = list_new_local(p, &spec, &t);
	sessions_ask(s);
	return 0;
}

static void sessions_close(struct pane *p)
{
	struct sessions *s = (struct sessions *)p;

	list_free(s->list);
	sessions_rows_release(s);
	session_act_free(s->act);
	session_facts_free(s->facts);
}

static void sessions_update(struct pane *p)
{
	struct sessions *s = (struct sessions *)p;

	sessions_ask(s);
	sessions_rows_make(s);
	list_again(s->list);
}

static void sessions_status(struct pane *p, struct buf *out)
{
	list_status(((struct sessions *)p)->list, out);
}

static int sessions_view(struct pane *p, const char *pane, struct err *e)
{
	return session_open((struct sessions *)p, pane, e);
}

static const struct pane_word words[] = {
	SESSION_WORDS,
	{"session", "", "the session's page: its rate with what happened to it, files, events, facts"},
	{"counters", "", "the wall of the session's counters"},
	{"group", "", "by host, by owner, or what runs first"},
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
	.acts = SESSION_ACTS,
	.open = sessions_open,
	.close = sessions_close,
	.update = sessions_update,
	.draw = sessions_draw,
	.command = sessions_command,
	.status = sessions_status,
	.view_row = sessions_view,
};
