#include "alert.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "past.h"
#include "table/filter.h"
#include "tables.h"

#define ALERT_TEXT_MAX 4096u
#define ALERT_ACTIONS_MAX 8u
#define NOWHERE SIZE_MAX

struct alert {
	char *text;		       /* as it was said */
	char *when;		       /* without what follows */
	char *counter;		       /* NULL: it is about the session */
	const struct table_type *type; /* that the filter is about */
	struct filter *filter;
	int64_t for_ns;
	const struct action *action[ALERT_ACTIONS_MAX];
	unsigned nactions;
	int64_t true_mono_ns; /* since when, without a break; 0: it is not */
	int64_t since_ns;     /* told; 0: it is not true, or not for long enough */
};

struct alerts {
	struct alert *at[SPEC_ALERTS_MAX];
	unsigned count;
};

/* --- what is done --- */

/* Never past what the disk or a limit has stopped: a person says that. What waits for room goes on
 * by itself. */
static void act_record(struct session *s)
{
	if (s->disk.stopped)
		session_event(s, "warn",
			      "an alert asks to record, which the disk or a limit has ended: "
			      "`record %s on` begins again",
			      s->name);
	else if (!s->disk.waits)
		session_record(s, true);
}

static void act_unrecord(struct session *s)
{
	s->disk.waits = false;
	session_record(s, false);
}

static void act_stop(struct session *s)
{
	session_stop(s, "alert");
}

static void act_save(struct session *s)
{
	struct err e;

	if (past_save(s, NULL, &e))
		session_event(s, "error", "the past is not saved: %s", e.text);
}

static const struct action {
	const char *name;
	void (*run)(struct session *s);
	bool needs_past;
} actions[] = {
	{"record on", act_record, false},  {"record off", act_unrecord, false},
	{"save", act_save, true},	   {"stop", act_stop, false},
	{"rotate", session_rotate, false},
};

/* --- what is said --- */

static struct str trimmed(struct str s)
{
	while (s.len && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

static size_t word_len(struct str text, size_t at)
{
	size_t len = 0;

	while (at + len < text.len && !isspace((unsigned char)text.p[at + len]))
		len++;
	return len;
}

/* Where a word stands that is in no quotes; NOWHERE. */
static size_t word_find(struct str text, const char *word)
{
	char quote = 0;

	for (size_t at = 0; at < text.len; at++) {
		const char c = text.p[at];

		if (quote || c == '"' || c == '\'') {
			quote = quote == c ? 0 : quote ? quote : c;
			continue;
		}
		if (at && isspace((unsigned char)text.p[at - 1]) &&
		    str_is((struct str){text.p + at, word_len(text, at)}, word))
			return at;
	}
	return NOWHERE;
}

/* Where in the user's text a part of it is wrong. */
static int wrong_at(struct err *e, const struct alert *a, const char *where, const char *what,
		    const char *how)
{
	err_set(e, ERR_CALL, "%s %s", what, how);
	if (e)
		e->at = (int)(where - a->text);
	return -1;
}

static int take_action(struct alert *a, struct str word, bool past, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (!str_is(word, actions[i].name))
			continue;
		if (actions[i].needs_past && !past)
			return wrong_at(e, a, word.p,
					"the session holds no past:", "say \"past 30s\" too");
		if (a->nactions == ALERT_ACTIONS_MAX)
			return wrong_at(e, a, word.p, "an alert does", "8 things at most");
		a->action[a->nactions++] = &actions[i];
		return 0;
	}
	return wrong_at(e, a, word.p, "behind \"then\" stands",
			"record on, record off, save, stop or rotate; several joined by commas");
}

static int take_actions(struct alert *a, struct str text, bool past, struct err *e)
{
	while (text.len) {
		const char *comma = memchr(text.p, ',', text.len);
		const size_t len = comma ? (size_t)(comma - text.p) : text.len;

		if (take_action(a, trimmed((struct str){text.p, len}), past, e))
			return -1;
		text.p += len + (comma != NULL);
		text.len -= len + (comma != NULL);
	}
	return a->nactions ? 0 : take_action(a, text, past, e);
}

static int take_time(struct alert *a, struct str text, struct err *e)
{
	text = trimmed(text);
	if (text.len == 0 || text_parse_duration(text, &a->for_ns, e) || a->for_ns < NS_PER_S)
		return wrong_at(e, a, text.p, "behind \"for\" stands a time of",
				"a second or more, such as 10s or 5m");
	return 0;
}

/* `counter NAME` in front; *text is what follows. */
static int take_counter_name(struct alert *a, struct str *text, struct err *e)
{
	size_t len = word_len(*text, 0);
	struct str name;

	a->type = tables_type("sessions");
	if (!str_is((struct str){text->p, len}, "counter"))
		return 0;
	name = trimmed((struct str){text->p + len, text->len - len});
	len = word_len(name, 0);
	if (spec_name_check((struct str){name.p, len}, "counter", e)) {
		if (e)
			e->at = (int)(name.p - a->text);
		return -1;
	}
	a->counter = xstrndup(name.p, len);
	a->type = tables_type("counters");
	*text = trimmed((struct str){name.p + len, name.len - len});
	return 0;
}

static int take_filter_text(struct alert *a, struct str text, struct err *e)
{
	text = trimmed(text);
	if (take_counter_name(a, &text, e))
		return -1;
	if (text.len == 0)
		return wrong_at(e, a, text.p, "an alert needs an expression,",
				"such as pps > 1000 for 10s then save");
	a->filter = filter_parse(a->type, text, e);
	if (a->filter)
		return 0;
	if (e && e->at >= 0)
		e->at += (int)(text.p - a->text);
	return -1;
}

static void alert_free(struct alert *a)
{
	filter_free(a->filter);
	free(a->counter);
	free(a->when);
	free(a->text);
	free(a);
}

/* `past`: there is one to save. NULL: *e. */
static struct alert *alert_parse(const char *said, bool past, struct err *e)
{
	struct alert *a = xcalloc(1, sizeof(*a));
	struct str text;
	size_t at;
	int r = 0;

	a->text = xstrdup(said);
	text = str_of(a->text);
	if (text.len > ALERT_TEXT_MAX)
		r = err_set(e, ERR_CALL, "an alert has at most %u bytes", ALERT_TEXT_MAX);
	at = word_find(text, "then");
	if (r == 0 && at != NOWHERE) {
		const size_t behind = at + strlen("then");

		r = take_actions(a, trimmed((struct str){text.p + behind, text.len - behind}), past,
				 e);
		text.len = at;
	}
	text = trimmed(text);
	a->when = xstrndup(text.len ? text.p : "", text.len);
	at = word_find(text, "for");
	if (r == 0 && at != NOWHERE) {
		const size_t behind = at + strlen("for");

		r = take_time(a, (struct str){text.p + behind, text.len - behind}, e);
		text.len = at;
	}
	if (r == 0)
		r = take_filter_text(a, text, e);
	if (r == 0)
		return a;
	alert_free(a);
	return NULL;
}

/* --- the list --- */

static int counter_unknown(const struct alert *a, const char *session, struct err *e)
{
	return err_set(e, ERR_ABSENT, "%s has no counter \"%s\": add it first", session,
		       a->counter);
}

static bool spec_has(const struct spec *spec, const char *counter)
{
	for (unsigned i = 0; i < spec->ncounters; i++)
		if (strcmp(spec->counter[i].name, counter) == 0)
			return true;
	return false;
}

int alerts_check(const struct spec *spec, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < spec->nalerts && r == 0; i++) {
		struct alert *a = alert_parse(spec->alert[i], spec->past_bytes > 0, e);

		if (!a) {
			e->at = -1; /* the user's text has more than this one */
			return err_wrap(e, "alert %s", spec->alert[i]);
		}
		if (a->counter && !spec_has(spec, a->counter))
			r = counter_unknown(a, spec->name, e);
		alert_free(a);
	}
	return r;
}

static void alerts_put(struct session *s, struct alert *a)
{
	if (!s->alerts)
		s->alerts = xcalloc(1, sizeof(*s->alerts));
	s->alerts->at[s->alerts->count++] = a;
}

int alerts_add(struct session *s, const char *text, struct err *e)
{
	struct alert *a;

	if (s->alerts && s->alerts->count == SPEC_ALERTS_MAX)
		return err_set(e, ERR_CALL, "a session has at most %u alerts", SPEC_ALERTS_MAX);
	a = alert_parse(text, s->spec.past_bytes > 0 || s->state != SESSION_RUNNING, e);
	if (!a)
		return -1;
	if (a->counter && s->state == SESSION_RUNNING && !session_counter(s, str_of(a->counter))) {
		counter_unknown(a, s->name, e);
		alert_free(a);
		return -1;
	}
	alerts_put(s, a);
	return 0;
}

void alerts_begin(struct session *s)
{
	struct err e;

	for (unsigned i = 0; i < s->spec.nalerts; i++)
		if (alerts_add(s, s->spec.alert[i],
			       &e)) /* they were checked: a past was too large */
			session_event(s, "error", "alert %s: %s", s->spec.alert[i], e.text);
}

int alerts_remove(struct session *s, struct str which, struct err *e)
{
	struct alerts *l = s->alerts;
	const unsigned count = l ? l->count : 0;
	uint64_t number = 0;
	unsigned i = 0;

	if (text_parse_count(which, &number, NULL))
		number = 0;
	while (i < count && i + 1 != number && !str_is(which, l->at[i]->text))
		i++;
	if (i == count)
		return err_set(e, ERR_ABSENT,
			       "the session %s has no alert %.*s; `show %s` lists them", s->name,
			       (int)which.len, which.p, s->name);
	alert_free(l->at[i]);
	l->count--;
	memmove(&l->at[i], &l->at[i + 1], (l->count - i) * sizeof(struct alert *));
	return 0;
}

void alerts_free(struct session *s)
{
	for (unsigned i = 0; s->alerts && i < s->alerts->count; i++)
		alert_free(s->alerts->at[i]);
	free(s->alerts);
	s->alerts = NULL;
}

const char *alerts_now(const struct session *s)
{
	for (unsigned i = 0; s->alerts && i < s->alerts->count; i++)
		if (s->state == SESSION_RUNNING && s->alerts->at[i]->since_ns)
			return s->alerts->at[i]->text;
	return NULL;
}

const char *alerts_at(const struct session *s, unsigned i, int64_t *since_ns)
{
	*since_ns = 0;
	if (s->state == SESSION_STARTING) /* alerts_begin comes */
		return i < s->spec.nalerts ? s->spec.alert[i] : NULL;
	if (!s->alerts || i >= s->alerts->count)
		return NULL;
	*since_ns = s->state == SESSION_RUNNING ? s->alerts->at[i]->since_ns : 0;
	return s->alerts->at[i]->text;
}

/* --- each second --- */

/* "1,234" */
static void add_thousands(struct buf *out, int64_t n)
{
	char text[TEXT_NUMBER_MAX];
	const char *p = text_integer(n, text);

	for (size_t left = strlen(p); left; left--, p++) {
		(void)buf_add_byte(out, (uint8_t)*p);
		if (left > 1 && left % 3 == 1 && *p != '-')
			(void)buf_add_byte(out, ',');
	}
}

/* The value that the expression asks for first, in words: "1,234 pps". */
static void add_value(struct buf *out, const struct alert *a, const struct table *row)
{
	const struct filter_node *n = filter_root(a->filter);
	struct value v = value_null();

	while (n && n->column < 0)
		n = n->left;
	if (!n)
		return;
	if (row->rows(row->data) > 0)
		v = row->cell(row->data, 0, (unsigned)n->column);
	if (v.type == VALUE_NULL)
		return;
	(void)buf_add_str(out, ": ");
	if (v.type == VALUE_REAL)
		add_thousands(out, (int64_t)(v.r + 0.5));
	else if (v.type == VALUE_INT)
		add_thousands(out, v.i);
	else
		value_print_text(out, a->type->columns[n->column].kind, &v, TEXT_UTC);
	(void)buf_printf(out, " %s", a->type->columns[n->column].name);
}

static void alert_tell(struct session *s, struct alert *a, const struct table *row)
{
	const bool begins = a->since_ns != 0;
	struct buf text;

	buf_init(&text, ERR_TEXT_MAX);
	add_value(&text, a, row); /* what is too long is left out */
	session_event(s, begins ? "warn" : "note", "%s: %s%s", begins ? "alert" : "alert is over",
		      a->when, buf_str(&text));
	buf_release(&text);
}

static void alert_look(struct session *s, struct alert *a, const struct table *row)
{
	const int64_t now_ns = clock_mono_ns();
	const bool holds = row->rows(row->data) > 0 && filter_match(a->filter, row, 0);

	if (!holds) {
		const bool was = a->since_ns != 0;

		a->true_mono_ns = a->since_ns = 0;
		if (was)
			alert_tell(s, a, row);
		return;
	}
	if (!a->true_mono_ns)
		a->true_mono_ns = now_ns;
	if (a->since_ns || now_ns - a->true_mono_ns < a->for_ns)
		return;
	a->since_ns = clock_now_ns();
	alert_tell(s, a, row);
	/* The past first: when the recording has begun, the next file is its own. */
	for (unsigned i = 0; i < a->nactions && s->state == SESSION_RUNNING; i++)
		if (a->action[i]->needs_past)
			a->action[i]->run(s);
	for (unsigned i = 0; i < a->nactions && s->state == SESSION_RUNNING; i++)
		if (!a->action[i]->needs_past)
			a->action[i]->run(s);
}

void alerts_look(struct session *s)
{
	for (unsigned i = 0; s->alerts && i < s->alerts->count && s->state == SESSION_RUNNING;
	     i++) {
		struct alert *a = s->alerts->at[i];
		struct rowset *rows = rowset_new(a->type);
		struct table row = rowset_table(rows, false);

		if (!a->counter)
			tables_session_row(s, rows);
		else if (session_counter(s, str_of(a->counter)))
			tables_counter_row(session_counter(s, str_of(a->counter)), rows);
		alert_look(s, a, &row);
		rowset_free(rows);
	}
}
