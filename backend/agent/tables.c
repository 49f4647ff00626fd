/* The tables of control: filled anew when something has changed since they were looked at. */
#include "tables.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "alert.h"
#include "devices.h"
#include "outlet.h"
#include "upstream.h"

#define COLUMNS(list) list, ARRAY_LEN(list)

/* A table as somebody asked for it. */
struct lazy {
	struct control *control;
	const struct control_table *table;
	struct rowset *rows;
	uint64_t seen, version;
	struct table_arguments arguments;
};

static const struct column sessions_columns[] = {
	{"name", KIND_TEXT, 0, "", "the session's name"},
	{"host", KIND_TEXT, 0, "", "the machine that it runs on"},
	{"owner", KIND_TEXT, 0, "", "who started it"},
	{"devices", KIND_TEXT, 0, "", "what it captures on"},
	{"filter", KIND_TEXT, 0, "", "its capture filter"},
	{"state", KIND_TEXT, 0, "", "starting running stopping ended failed interrupted"},
	{"since_time", KIND_TIME, 0, "", "when it was started"},
	{"packets", KIND_COUNT, 0, "", "packets since the start"},
	{"bytes", KIND_BYTES, 0, "bytes", "bytes on the wire since the start"},
	{"pps", KIND_PPS, 0, "packets a second", "rate of the last second"},
	{"bps", KIND_BPS, 0, "bits a second", "rate of the last second"},
	{"dropped_device", KIND_COUNT, 0, "", "packets that the device or its driver dropped"},
	{"dropped_kernel", KIND_COUNT, 0, "", "packets that the kernel's ring had no room for"},
	{"dropped_buffer", KIND_COUNT, 0, "", "packets that our memory had no room for"},
	{"dropped_disk", KIND_COUNT, 0, "", "packets that the disk did not take"},
	{"files", KIND_COUNT, 0, "", "segments that are there"},
	{"file_bytes", KIND_BYTES, 0, "bytes", "their bytes"},
	{"recording", KIND_BOOL, 0, "", "whether its packets go into a file now"},
	{"reason", KIND_TEXT, 0, "", "why it ended"},
	{"cpu_percent", KIND_REAL, 0, "%", "of a processor, by its processes, in the last second"},
	{"memory_bytes", KIND_BYTES, 0, "bytes",
	 "resident, of its processes; what they share once"},
	{"alert", KIND_TEXT, 0, "", "the first of its alerts that is true now"},
};
static const struct column session_columns[] = {
	{"name", KIND_TEXT, 0, "", "the fact's name"},
	{"value", KIND_TEXT, 0, "", "the fact"},
};
static const struct column poll_columns[] = {
	{"time", KIND_TIME, 0, "", "when it was counted"},
	{"packets", KIND_COUNT, 0, "", "packets since the start"},
	{"bytes", KIND_BYTES, 0, "bytes", "bytes on the wire since the start"},
	{"pps", KIND_PPS, 0, "packets a second", "rate since the row before"},
	{"bps", KIND_BPS, 0, "bits a second", "rate since the row before"},
	{"dropped_kernel", KIND_COUNT, 0, "",
	 "packets that the kernel's ring had no room for, since the start"},
};
static const struct column counters_columns[] = {
	{"name", KIND_TEXT, 0, "", "the counter's name"},
	{"filter", KIND_TEXT, 0, "", "what it counts"},
	{"packets", KIND_COUNT, 0, "", "packets since it was added"},
	{"bytes", KIND_BYTES, 0, "bytes", "bytes on the wire since it was added"},
	{"pps", KIND_PPS, 0, "packets a second", "rate of the last second"},
	{"bps", KIND_BPS, 0, "bits a second", "rate of the last second"},
	{"mean_bytes", KIND_REAL, 0, "bytes", "bytes by packet"},
	{"last_time", KIND_TIME, 0, "", "when the last one came"},
};
static const struct column files_columns[] = {
	{"number", KIND_COUNT, 0, "", "the segment's number"},
	{"name", KIND_TEXT, 0, "", "its file's name"},
	{"state", KIND_TEXT, 0, "", "writing held compressing sealed"},
	{"packets", KIND_COUNT, 0, "", "packets in it"},
	{"file_bytes", KIND_BYTES, 0, "bytes", "bytes of the file"},
	{"first_time", KIND_TIME, 0, "", "its first packet"},
	{"last_time", KIND_TIME, 0, "", "its last packet"},
	{"reason", KIND_TEXT, 0, "", "why it ended"},
	{"path", KIND_TEXT, 0, "", "where it lies on its machine"},
};
static const struct column events_columns[] = {
	{"time", KIND_TIME, 0, "", "when it happened"},
	{"severity", KIND_TEXT, 0, "", "error warn note"},
	{"where", KIND_TEXT, 0, "", "session, device or host"},
	{"sentence", KIND_TEXT, 0, "", "what happened"},
};
static const struct column journals_columns[] = {
	{"name", KIND_TEXT, 0, "", "folder and file, as the stream \"journal\" takes it"},
	{"size", KIND_BYTES, 0, "bytes", "its bytes"},
};

/* --- rates --- */

/* Between two rows; unknown without time between them. */
static struct rates rates_between(const struct second *a, const struct second *b)
{
	const int64_t ns = a && b ? history_between_ns(a, b) : 0;
	const double s = (double)ns / (double)NS_PER_S;

	if (ns <= 0 || b->packets < a->packets || b->bytes < a->bytes)
		return (struct rates){value_null(), value_null()};
	return (struct rates){value_real((double)(b->packets - a->packets) / s),
			      value_real((double)(b->bytes - a->bytes) * 8.0 / s)};
}

struct rates tables_rates_last(const struct history *h)
{
	return h->count < 2
		       ? (struct rates){value_null(), value_null()}
		       : rates_between(history_at(h, h->count - 2), history_at(h, h->count - 1));
}

static struct value time_value(int64_t ns)
{
	return ns ? value_int(ns) : value_null();
}

/* --- filling --- */

void tables_session_row(const struct session *s, struct rowset *rows)
{
	const struct rates r = s->state == SESSION_RUNNING
				       ? tables_rates_last(&s->history)
				       : (struct rates){value_null(), value_null()};
	const struct msg_tap_stats *t = &s->total;
	const struct value v[] = {
		value_text(s->name),
		value_text(s->control->host),
		value_text(s->owner),
		value_text(s->devices),
		value_text(s->filter),
		value_text(session_state_text(s)),
		time_value(s->started_ns),
		value_count(t->packets),
		value_count(t->bytes),
		r.pps,
		r.bps,
		value_count(t->dropped_device),
		value_count(t->dropped_kernel),
		value_count(t->dropped_buffer),
		value_count(t->dropped_disk),
		value_count(s->nsegments),
		value_count(session_file_bytes(s)),
		value_int(s->recording),
		value_text(s->reason),
		s->usage.memory_bytes && s->usage.cpu_percent >= 0
			? value_real(s->usage.cpu_percent)
			: value_null(),
		s->usage.memory_bytes ? value_count(s->usage.memory_bytes) : value_null(),
		value_text(alerts_now(s)),
	};

	rowset_add(rows, v);
}

static void sessions_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	(void)a;
	for (const struct session *s = c->sessions; s; s = s->next)
		tables_session_row(s, rows);
}

/* A name may be another's session by now. */
struct session *tables_session(struct control *c, const struct table_arguments *a)
{
	struct session *s = session_find(c, str_of(a->session));

	return s && access_check(&a->who, "session", s->uid, NULL) == 0 ? s : NULL;
}

static void poll_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	struct session *s = tables_session(c, a);
	const struct counter *k = s && a->counter ? session_counter(s, str_of(a->counter)) : NULL;
	const struct history *h = k ? &k->history : s ? &s->history : NULL;
	const struct second start = {.time_ns = s ? s->started_ns : 0};

	if (!h || (a->counter && !k))
		return;
	for (unsigned i = 0; i < h->count; i++) {
		const struct second *x = history_at(h, i);
		const bool first_ever = i == 0 && h->count < SESSION_SECONDS && !k;
		const struct rates r = rates_between(i		  ? history_at(h, i - 1)
						     : first_ever ? &start
								  : NULL,
						     x);
		const struct value v[] = {value_int(x->time_ns),
					  value_count(x->packets),
					  value_count(x->bytes),
					  r.pps,
					  r.bps,
					  k ? value_null() : value_count(x->dropped_kernel)};

		rowset_add(rows, v);
	}
}

void tables_counter_row(const struct counter *k, struct rowset *rows)
{
	const struct rates r = tables_rates_last(&k->history);
	const struct value v[] = {value_text(k->name),
				  value_text(k->filter),
				  value_count(k->packets),
				  value_count(k->bytes),
				  r.pps,
				  r.bps,
				  k->packets ? value_real((double)k->bytes / (double)k->packets)
					     : value_null(),
				  time_value(k->last_ns)};

	rowset_add(rows, v);
}

static void counters_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	const struct session *s = tables_session(c, a);

	for (const struct counter *k = s ? s->counters : NULL; k; k = k->next)
		tables_counter_row(k, rows);
}

static void files_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	struct session *s = tables_session(c, a);

	for (unsigned i = 0; s && i < s->nsegments; i++) {
		const struct segment *g = &s->segment[i];
		char *path = segment_path(s, g, segment_is_part(g));
		struct stat st;
		const bool there = stat(path, &st) == 0;
		const struct value v[] = {value_count(g->number),
					  value_text(g->name),
					  value_text(outlets_state(g)),
					  g->sealed ? value_count(g->packets) : value_null(),
					  there ? value_count((uint64_t)st.st_size) : value_null(),
					  time_value(g->first_ns),
					  time_value(g->last_ns),
					  g->reason[0] ? value_text(g->reason) : value_null(),
					  value_text(path)};

		rowset_add(rows, v);
		free(path);
	}
}

static void events_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	const uint64_t first =
		c->nevents > CONTROL_EVENTS_MAX ? c->nevents - CONTROL_EVENTS_MAX : 0;

	for (uint64_t i = first; i < c->nevents; i++) {
		const struct event *x = &c->event[i % CONTROL_EVENTS_MAX];
		const struct value v[] = {value_int(x->time_ns), value_text(x->severity),
					  value_text(x->where), value_text(x->sentence)};

		if (access_event(&a->who, x->owner))
			rowset_add(rows, v);
	}
}

static void journal_row(struct control *c, const char *folder, const char *file,
			struct rowset *rows)
{
	char *name = xasprintf("%s/%s", folder, file),
	     *path = xasprintf("%s/%s", c->captures, name);
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		const struct value v[] = {value_text(name), value_count((uint64_t)st.st_size)};

		rowset_add(rows, v);
	}
	free(name);
	free(path);
}

static void journals_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	DIR *dir = opendir(c->captures);
	const struct dirent *entry;

	(void)a;
	while (dir && (entry = readdir(dir)) != NULL) {
		if (!capture_name_ok(str_of(entry->d_name)))
			continue;
		journal_row(c, entry->d_name, "tap.journal", rows);
		journal_row(c, entry->d_name, "reader.journal", rows);
	}
	if (dir)
		closedir(dir);
}

const struct control_table control_tables[] = {
	{{"sessions", "sessions that run and that have ended", "", COLUMNS(sessions_columns)},
	 false,
	 sessions_fill},
	{{"session", "the facts of a session", "NAME", COLUMNS(session_columns)}, true, show_fill},
	{{"poll", "totals and rates of a session by the second", "NAME [counter C]",
	  COLUMNS(poll_columns)},
	 true,
	 poll_fill},
	{{"counters", "the counters of a session", "NAME", COLUMNS(counters_columns)},
	 true,
	 counters_fill},
	{{"files", "the segments of a session", "NAME", COLUMNS(files_columns)}, true, files_fill},
	{{"events", "what has happened", "", COLUMNS(events_columns)}, false, events_fill},
	{{"wall", "all counters of all sessions, with the sessions' totals", "", wall_columns,
	  WALL_COLUMNS},
	 false,
	 wall_fill},
	{{"daemon", "what the daemon is and holds", "", COLUMNS(session_columns)},
	 false,
	 daemon_fill},
	{{"journals", "the journals of this machine's captures", "", COLUMNS(journals_columns)},
	 false,
	 journals_fill},
};
const size_t control_ntables = ARRAY_LEN(control_tables);

const struct table_type *tables_type(const char *name)
{
	for (size_t i = 0; i < control_ntables; i++)
		if (strcmp(control_tables[i].type.name, name) == 0)
			return &control_tables[i].type;
	return NULL;
}

/* --- as a table --- */

static void lazy_fill(struct lazy *l)
{
	rowset_clear(l->rows);
	l->table->fill(l->control, &l->arguments, l->rows);
	l->seen = l->control->generation;
	l->version++;
}

static uint64_t lazy_version(void *data)
{
	struct lazy *l = data;

	if (l->seen != l->control->generation)
		lazy_fill(l);
	return l->version;
}

static uint64_t lazy_rows(void *data)
{
	return rowset_rows(((struct lazy *)data)->rows);
}

static struct value lazy_cell(void *data, uint64_t row, unsigned column)
{
	return rowset_cell(((struct lazy *)data)->rows, row, column);
}

static void lazy_release(void *data)
{
	struct lazy *l = data;

	rowset_free(l->rows);
	free(l->arguments.session);
	free(l->arguments.counter);
	free(l);
}

bool tables_of_session(struct str name)
{
	for (size_t i = 0; i < control_ntables; i++)
		if (control_tables[i].of_session && str_is(name, control_tables[i].type.name))
			return true;
	return false;
}

static const struct control_table *table_find(struct str name, struct err *e)
{
	const char *names[ARRAY_LEN(control_tables) + 1], *near;

	for (size_t i = 0; i < control_ntables; i++) {
		if (str_is(name, control_tables[i].type.name))
			return &control_tables[i];
		names[i] = control_tables[i].type.name;
	}
	names[control_ntables] = "devices";
	near = text_nearest(name, names, ARRAY_LEN(names));
	err_set(e, ERR_ABSENT, "there is no table \"%.*s\" here%s%s%s", (int)name.len, name.p,
		near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return NULL;
}

/* Words: [NAME] [counter C]; on a session's channel the name may be left out. */
static int arguments_take(struct control *c, const struct peer *p, uint32_t channel,
			  const struct msg_query *q, struct table_arguments *a, struct err *e)
{
	const struct binding *b =
		channel ? peer_binding((struct peer *)(uintptr_t)p, channel) : NULL;
	const struct strs *w = &q->words;
	struct session *s = b ? b->session : NULL;
	uint32_t next = 0;

	if (!s && w->count == 0)
		return err_set(e, ERR_CALL, "the table %.*s needs a session's name",
			       (int)q->table.len, q->table.p);
	if (!s || (w->count && !str_is(w->at[0], "counter") && !str_is(w->at[0], "--counter")))
		s = session_need(c, w->at[next++], e);
	if (!s || access_check(&p->who, "session", s->uid, e))
		return -1;
	a->session = xstrdup(s->name);
	if (next == w->count)
		return 0;
	if (next + 2 != w->count ||
	    !(str_is(w->at[next], "counter") || str_is(w->at[next], "--counter")))
		return err_set(e, ERR_CALL, "the words of %.*s are NAME [counter C]",
			       (int)q->table.len, q->table.p);
	if (!session_counter(s, w->at[next + 1]))
		return err_set(e, ERR_ABSENT, "the session %s has no counter \"%.*s\"", s->name,
			       (int)w->at[next + 1].len, w->at[next + 1].p);
	a->counter = xstrndup(w->at[next + 1].p, w->at[next + 1].len);
	return 0;
}

static int table_open(struct control *c, const struct peer *p, uint32_t channel,
		      const struct msg_query *q, struct table *t, struct err *e)
{
	const struct control_table *table;
	struct lazy *l;

	if (str_is(q->table, "devices"))
		return access_check(&p->who, "devices", p->who.uid, e)
			       ? -1
			       : devices_table(c->devices, t, e);
	table = table_find(q->table, e);
	if (!table ||
	    (!table->of_session && access_check(&p->who, table->type.name, p->who.uid, e)))
		return -1;
	l = xcalloc(1, sizeof(*l));
	l->control = c;
	l->table = table;
	l->arguments.who = p->who;
	l->rows = rowset_new(&table->type);
	if (table->of_session && arguments_take(c, p, channel, q, &l->arguments, e)) {
		lazy_release(l);
		return -1;
	}
	if (c->role == CONTROL_ATTACH)
		upstream_local_sessions(c);
	lazy_fill(l);
	*t = (struct table){.type = &table->type,
			    .data = l,
			    .rows = lazy_rows,
			    .version = lazy_version,
			    .cell = lazy_cell,
			    .release = lazy_release};
	return 0;
}

int tables_query(void *arg, uint32_t channel, const struct msg_query *q, struct table *t,
		 struct err *e)
{
	struct control *c = arg;
	const struct peer *p = c->asking;
	char *name;
	int r;

	if (!p)
		return err_set(e, ERR_REFUSED, "nobody asks");
	r = table_open(c, p, channel, q, t, e);
	if (r && e && e->code == ERR_REFUSED) {
		name = xstrndup(q->table.p, q->table.len);
		audit_denied(p, name, &q->words, e);
		free(name);
	}
	return r;
}

void tables_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s)
{
	const struct control *c = arg;

	(void)channel;
	s->state = devices_is(t) && !devices_ready(c->devices) ? WINDOW_READING : WINDOW_COMPLETE;
}
