/* What stands round the list of sessions: sums on top; below it the selected one, and the newest events. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "sessions_private.h"

#define DETAIL_ROWS 9 /* frame included */
#define DETAIL_TEXT 2 /* of them, below the graph */
#define BRIEF_COLUMNS 90
#define LEAST_COLUMNS 72

static struct value by_name(const struct window *w, uint32_t row, const char *name)
{
	return window_cell(w, row, window_column(w, name));
}

static bool positive(struct value v)
{
	return v.type == VALUE_INT && v.i > 0;
}

static bool said(struct value v)
{
	return v.type == VALUE_TEXT && v.s.len > 0;
}

enum style sessions_style(void *arg, const struct window *w, uint32_t row)
{
	const struct value state = by_name(w, row, "state");

	(void)arg;
	if (state.type == VALUE_TEXT && (str_is(state.s, "failed") || str_is(state.s, "down")))
		return STYLE_ERROR;
	if (said(by_name(w, row, "alert")))
		return STYLE_ERROR;
	if (positive(by_name(w, row, "dropped")))
		return STYLE_WARN;
	return state.type == VALUE_TEXT && (str_is(state.s, "ended") || str_is(state.s, "stopped")) ? STYLE_DIM : STYLE_NORMAL;
}

/* Signs that carry the meaning where there is no colour. */
bool sessions_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value v = by_name(w, row, column);
	char number[TEXT_NUMBER_MAX];

	(void)arg;
	(void)style;
	if (strcmp(column, "dropped") == 0 && positive(v)) {
		(void)buf_printf(out, "%s!", v.i < 100000 ? text_integer(v.i, number) : text_count((uint64_t)v.i, number));
		return true;
	}
	if (strcmp(column, "name") != 0 || !said(by_name(w, row, "alert")))
		return false;
	(void)buf_add_byte(out, '!');
	value_print_text(out, KIND_TEXT, &v, TEXT_UTC);
	return true;
}

static double number_of(struct value v)
{
	return v.type == VALUE_REAL ? v.r : v.type == VALUE_INT ? (double)v.i : 0;
}

struct totals {
	double bps, pps, packets, dropped;
	unsigned sessions, running, recording, alerts, hosts;
};

static void totals_add(struct sessions *s, struct totals *t, uint64_t row)
{
	const struct value state = rowset_cell(s->rows, row, STATE);

	t->running += state.type == VALUE_TEXT && str_is(state.s, "running");
	t->sessions += rowset_cell(s->rows, row, PACKETS).type != VALUE_NULL;
	t->recording += positive(rowset_cell(s->rows, row, RECORDING));
	t->alerts += said(rowset_cell(s->rows, row, ALERT));
	t->bps += number_of(rowset_cell(s->rows, row, BPS));
	t->pps += number_of(rowset_cell(s->rows, row, PPS));
	t->packets += number_of(rowset_cell(s->rows, row, PACKETS));
	t->dropped += number_of(rowset_cell(s->rows, row, DROPPED));
}

static void totals_draw(struct sessions *s, struct area a)
{
	const bool brief = a.width < BRIEF_COLUMNS;
	struct totals t = {0};
	char rate[TEXT_NUMBER_MAX], per[TEXT_NUMBER_MAX];
	int x = 1;

	for (const struct asked *q = s->asked; q; q = q->next)
		t.hosts++;
	for (uint64_t row = 0; row < rowset_rows(s->rows); row++)
		totals_add(s, &t, row);
	x += area_printf(a, x, 0, STYLE_NORMAL, brief ? "%u run" : "%u of %u session%s run", t.running, t.sessions, t.sessions == 1 ? "" : "s");
	x += area_printf(a, x, 0, STYLE_NORMAL, " on %u host%s", t.hosts, t.hosts == 1 ? "" : "s");
	if (!brief && t.recording)
		x += area_printf(a, x, 0, STYLE_NORMAL, ", %u record%s", t.recording, t.recording == 1 ? "s" : "");
	x += area_printf(a, x + 2, 0, STYLE_NORMAL, a.width < LEAST_COLUMNS ? "%sbit/s  %s pps" : "%sbit/s  %s packets/s", text_rate(t.bps, rate),
			 text_rate(t.pps, per)) + 2;
	if (t.alerts)
		x += area_printf(a, x + 2, 0, STYLE_ERROR, "! %u alert%s", t.alerts, t.alerts == 1 ? "" : "s") + 2;
	if (t.dropped > 0)
		area_printf(a, x + 2, 0, STYLE_WARN, brief ? "! lost %.0f" : "! lost %.0f packets (%.2g %%)", t.dropped,
			    100 * t.dropped / (t.packets + t.dropped));
	else
		area_text(a, x + 2, 0, STYLE_GOOD, "nothing lost");
}

/* The line of what the host says beside the row, or of what is wrong: that comes first. */
static void health_draw(struct sessions *s, struct area a, const char *host, const char *name)
{
	const struct value dropped = list_value(s->list, "dropped"), alert = list_value(s->list, "alert");
	const struct value cpu = list_value(s->list, "cpu_percent"), memory = list_value(s->list, "memory_bytes");
	char number[TEXT_NUMBER_MAX];
	struct buf text;

	session_facts_of(s->facts, hosts_get(app_hosts(s->pane.app), host), name);
	if (said(alert)) {
		area_printf(a, 1, 0, STYLE_ERROR, "! alert: %.*s", (int)alert.s.len, alert.s.p);
		return;
	}
	if (positive(dropped)) {
		area_printf(a, 1, 0, STYLE_WARN, "! %lld packets were lost: S says where and when; a larger buffer helps against bursts",
			    (long long)dropped.i);
		return;
	}
	buf_init(&text, 1024);
	session_facts_print(s->facts, &text);
	if (cpu.type == VALUE_REAL)
		(void)buf_printf(&text, "   cpu %.1f %%", cpu.r);
	if (positive(memory))
		(void)buf_printf(&text, "   memory %s", text_bytes((uint64_t)memory.i, number));
	area_pieces(a, 1, 0, STYLE_NORMAL, buf_str(&text));
	buf_release(&text);
}

/* "ended: the disk is full   since 2026-01-01 22:00:00 by ana   88.0M packets, 10.2 GB   filter ..." */
static void began_draw(struct sessions *s, struct area a)
{
	char *owner = list_text(s->list, "owner"), *filter = list_text(s->list, "filter"), *reason = list_text(s->list, "reason");
	const struct value began = list_value(s->list, "since_time");
	const double packets = number_of(list_value(s->list, "packets")), bytes = number_of(list_value(s->list, "bytes"));
	char since[TEXT_NUMBER_MAX], count[TEXT_NUMBER_MAX], size[TEXT_NUMBER_MAX];
	int x = 1;

	if (*reason)
		x += 3 + area_printf(a, x, 0, STYLE_NORMAL, "ended: %s", reason);
	if (began.type == VALUE_INT) {
		text_time(began.i, TEXT_UTC, since);
		x += area_printf(a, x, 0, STYLE_NORMAL, "since %.19s%s%s", since, *owner ? " by " : "", owner);
	}
	x += area_printf(a, x + 3, 0, STYLE_NORMAL, "%s packets, %s", text_count((uint64_t)packets, count), text_bytes((uint64_t)bytes, size)) + 3;
	if (*filter)
		area_printf(a, x + 3, 0, STYLE_NORMAL, "filter %s", filter);
	free(owner);
	free(filter);
	free(reason);
}

static void detail_draw(struct sessions *s, struct area a)
{
	char *key = list_text(s->list, "key"), *name = list_text(s->list, "name"), *host = list_text(s->list, "host");
	char *title = xasprintf("%s on %s", name, host), *why;
	const struct track *t = map_get(s->tracks, key, strlen(key));
	struct area in = area_frame(a, title, false);

	if (strcmp(name, "-") == 0) {
		why = list_text(s->list, "filter");
		area_lines(in, STYLE_WARN, why);
		free(why);
	} else {
		if (t)
			area_graph(area_part(in, 0, 0, in.width, in.height - DETAIL_TEXT), t->sample, t->count, "b/s", STYLE_GRAPH);
		if (in.height > DETAIL_TEXT)
			began_draw(s, area_part(in, 0, in.height - DETAIL_TEXT, in.width, 1));
		health_draw(s, area_part(in, 0, in.height - 1, in.width, 1), host, name);
	}
	free(key);
	free(name);
	free(host);
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

void sessions_draw(struct pane *p, struct area a, bool focused)
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
