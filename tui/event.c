/* The event log, and the toast: its newest line for some seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/clock.h"
#include "base/xalloc.h"

#define TOAST_NS (5 * NS_PER_S)

struct event {
	int64_t time_ns;
	enum severity severity;
	char *where, *sentence;
};

static const struct column event_columns[] = {
	{"number", KIND_COUNT, COLUMN_HIDDEN, "", "counts events since the console began"},
	{"time", KIND_TIME, 0, "", "when it happened"},
	{"severity", KIND_TEXT, 0, "", "error, warn or note"},
	{"where", KIND_TEXT, 0, "", "host, session or device"},
	{"sentence", KIND_TEXT, 0, "", "what happened"},
};

static const struct table_type event_type = {"events", "what happened", "", event_columns, ARRAY_LEN(event_columns)};
static const char *const severity_word[] = {"note", "warn", "error"};

void events_init(struct app *a)
{
	a->event = xcalloc(APP_EVENTS_MAX, sizeof(*a->event));
}

void events_release(struct app *a)
{
	for (size_t i = 0; i < APP_EVENTS_MAX; i++) {
		free(a->event[i].where);
		free(a->event[i].sentence);
	}
	free(a->event);
	free(a->toast);
	free(a->toast_text);
}

static const struct event *event_nth(const struct app *a, size_t n)
{
	return &a->event[(a->event_first + n) % APP_EVENTS_MAX];
}

static uint64_t events_rows(void *data)
{
	const struct app *a = data;

	return a->nevents;
}

static uint64_t events_version(void *data)
{
	const struct app *a = data;

	return a->events_dropped;
}

static struct value event_value(const struct app *a, size_t n, unsigned column)
{
	const struct event *e = event_nth(a, n);

	switch (column) {
	case 0:
		return value_count(a->events_dropped + n + 1);
	case 1:
		return value_int(e->time_ns);
	case 2:
		return value_text(severity_word[e->severity]);
	case 3:
		return value_text(e->where);
	default:
		return value_text(e->sentence);
	}
}

static struct value events_cell(void *data, uint64_t row, unsigned column)
{
	return event_value(data, (size_t)row, column);
}

struct table app_events(struct app *a)
{
	return (struct table){.type = &event_type, .data = a, .rows = events_rows, .version = events_version, .cell = events_cell};
}

bool app_event_at(struct app *a, size_t back, struct value column[4])
{
	if (back >= a->nevents)
		return false;
	for (unsigned c = 0; c < 4; c++)
		column[c] = event_value(a, a->nevents - 1 - back, c + 1);
	return true;
}

void app_event(struct app *a, int64_t time_ns, enum severity s, const char *where, const char *sentence)
{
	struct event *e;

	if (a->nevents == APP_EVENTS_MAX) {
		a->event_first = (a->event_first + 1) % APP_EVENTS_MAX;
		a->nevents--;
		a->events_dropped++;
	}
	e = &a->event[(a->event_first + a->nevents++) % APP_EVENTS_MAX];
	free(e->where);
	free(e->sentence);
	*e = (struct event){time_ns ? time_ns : app_now_ns(a), s, xstrdup(where), xstrdup(sentence)};
	app_dirty(a);
}

static void toast_show(struct app *a, enum severity s, const char *sentence, const char *text, int at)
{
	free(a->toast);
	free(a->toast_text);
	a->toast = xstrdup(sentence);
	a->toast_text = text && at >= 0 ? xstrdup(text) : NULL;
	a->toast_at = at;
	a->toast_severity = s;
	a->toast_until_ns = clock_mono_ns() + TOAST_NS;
	app_hurry(a);
}

static void toast_set(struct app *a, enum severity s, const char *sentence, const char *text, int at)
{
	toast_show(a, s, sentence, text, at);
	app_event(a, 0, s, "", sentence);
}

void app_event_told(struct app *a, int64_t time_ns, enum severity s, const char *where, const char *sentence)
{
	char *line = xasprintf("%s: %s", where, sentence);

	app_event(a, time_ns, s, where, sentence);
	if (s != SEVERITY_NOTE)
		toast_show(a, s, line, NULL, -1);
	free(line);
}

void app_toast(struct app *a, enum severity s, const char *fmt, ...)
{
	char sentence[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	toast_set(a, s, sentence, NULL, -1);
}

void app_toast_err(struct app *a, const struct err *e)
{
	toast_set(a, SEVERITY_ERROR, e->text, NULL, -1);
}

void app_toast_caret(struct app *a, const char *text, const struct err *e)
{
	toast_set(a, SEVERITY_ERROR, e->text, text, e->at);
}
