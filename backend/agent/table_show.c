/* `show`: one row a fact. */
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "capfile/packet.h"
#include "alert.h"
#include "disk.h"
#include "reader_child.h"
#include "tables.h"

#define FACT_BYTES_MAX 65536u
/* A person reads this: of what may be thousands, so many are told, and how many more there are. */
#define SHOW_WORDS_BYTES 1024u
#define SHOW_COUNTERS 20u
#define SHOW_CHANGES 50u
#define SHOW_EVENTS 100u

void fact(struct rowset *rows, const char *name, const char *fmt, ...)
{
	struct value v[2];
	struct buf text;
	va_list ap;

	buf_init(&text, FACT_BYTES_MAX);
	va_start(ap, fmt);
	(void)buf_vprintf(&text, fmt, ap); /* what is too long stays empty */
	va_end(ap);
	v[0] = value_text(name);
	v[1] = text.len ? value_text(buf_str(&text)) : value_null();
	rowset_add(rows, v);
	buf_release(&text);
}

static void fact_time(struct rowset *rows, const char *name, int64_t ns)
{
	char text[TEXT_NUMBER_MAX];

	fact(rows, name, "%s", ns ? text_rfc3339(ns, text) : "");
}

static void fact_count(struct rowset *rows, const char *name, uint64_t n)
{
	fact(rows, name, "%llu", (unsigned long long)n);
}

static void show_totals(const struct session *s, struct rowset *rows)
{
	const struct msg_tap_stats *t = &s->total;

	fact_count(rows, "packets", t->packets);
	fact_count(rows, "bytes", t->bytes);
	fact_count(rows, "dropped_device", t->dropped_device);
	fact_count(rows, "dropped_kernel", t->dropped_kernel);
	fact_count(rows, "dropped_buffer", t->dropped_buffer);
	fact_count(rows, "dropped_disk", t->dropped_disk);
	fact_count(rows, "late_packets", t->late_packets);
	fact_count(rows, "files", s->nsegments);
	fact_count(rows, "files_removed", s->removed_files);
	fact_count(rows, "file_bytes", session_file_bytes(s));
	fact_time(rows, "safe_time", t->safe_ns);
}

static void show_drop_time(const char *name, const struct drop_time *t, struct rowset *rows)
{
	char first[TEXT_NUMBER_MAX], last[TEXT_NUMBER_MAX];

	if (t->first_ns)
		fact(rows, name, "from %s to %s", text_rfc3339(t->first_ns, first),
		     text_rfc3339(t->last_ns, last));
}

static void show_limits(const struct session *s, struct rowset *rows)
{
	const uint64_t bytes = disk_limit_bytes(s), recorded = disk_recorded(s);
	const int64_t ns = disk_limit_ns(s), left_ns = disk_limit_left_ns(s);
	char all[TEXT_NUMBER_MAX], left[TEXT_NUMBER_MAX];

	if (bytes)
		fact(rows, "limit_size", "%s a recording, of which %s are left",
		     text_bytes(bytes, all),
		     text_bytes(recorded < bytes ? bytes - recorded : 0, left));
	if (ns)
		fact(rows, "limit_time", "%s a recording, of which %s are left",
		     text_duration(ns, all), text_duration(left_ns, left));
}

static void show_disk(const struct control *c, const struct session *s, struct rowset *rows)
{
	static const char *const full[] = {"stop", "oldest", "wait"};
	char free_text[TEXT_NUMBER_MAX], total[TEXT_NUMBER_MAX], keep[TEXT_NUMBER_MAX];
	struct disk_room room;

	show_drop_time("dropped_buffer_time", &s->disk.dropped_buffer, rows);
	show_drop_time("dropped_disk_time", &s->disk.dropped_disk, rows);
	if (s->state != SESSION_RUNNING)
		return;
	if (disk_room(c, s->tap_journal_fd, &room) == 0) {
		fact_count(rows, "disk_free_bytes", room.free);
		fact(rows, "limit_free", "%s of %s are free, %s stay so",
		     text_bytes(room.free, free_text), text_bytes(room.total, total),
		     text_bytes(room.keep, keep));
	}
	if (!s->spec.record)
		return;
	fact(rows, "on_full", "%s%s", full[s->spec.on_full],
	     s->disk.waits ? "; waiting for room now" : "");
	show_limits(s, rows);
}

static void show_devices(const struct session *s, struct rowset *rows)
{
	for (unsigned i = 0; i < s->ndevices; i++) {
		const struct session_device *d = &s->device[i];
		char name[24];

		if (d->answered)
			fact(rows, "device", "%s: %s, snaplen %u, buffer %u bytes, %s%s%s", d->name,
			     link_type_name(d->link_type, name), d->snaplen, d->buffer_bytes,
			     d->nanoseconds ? "nanoseconds" : "microseconds",
			     d->stamp[0] ? ", stamps: " : "", d->stamp);
	}
}

static void show_usage(const struct session *s, struct rowset *rows)
{
	const struct usage_rate *u = &s->usage;

	if (s->tap_pid > 0)
		fact(rows, "tap_pid", "%ld", (long)s->tap_pid);
	if (s->reader && s->reader->pid > 0)
		fact(rows, "reader_pid", "%ld", (long)s->reader->pid);
	if (u->memory_bytes == 0)
		return; /* nothing of it runs */
	if (u->cpu_percent < 0)
		fact(rows, "cpu_percent", "%s", "");
	else
		fact(rows, "cpu_percent", "%.1f", u->cpu_percent);
	fact(rows, "cpu_s", "%.2f", (double)u->cpu_ns / (double)NS_PER_S);
	fact_count(rows, "memory_bytes", u->memory_bytes);
}

static void show_past(const struct session *s, struct rowset *rows)
{
	char span[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX], most[TEXT_NUMBER_MAX];

	if (s->spec.sample > 1)
		fact(rows, "sample", "1 packet in %u is kept, all are counted", s->spec.sample);
	if (s->spec.past_bytes && s->state == SESSION_RUNNING)
		fact(rows, "past", "%s, %s", text_duration(s->total.past_ns, span),
		     text_bytes(s->total.past_bytes, bytes));
	if (s->spec.past_bytes)
		fact(rows, "past_most", "%s%s%s",
		     s->spec.past_ns ? text_duration(s->spec.past_ns, span) : "",
		     s->spec.past_ns ? ", " : "", text_bytes(s->spec.past_bytes, most));
	if (s->spec.save_when)
		fact(rows, "save_when", "%s", s->spec.save_when);
	if (s->spec.stop_when)
		fact(rows, "stop_when", "%s", s->spec.stop_when);
}

static void show_alerts(const struct session *s, struct rowset *rows)
{
	char when[TEXT_NUMBER_MAX];
	const char *text;
	int64_t since_ns;

	for (unsigned i = 0; (text = alerts_at(s, i, &since_ns)); i++)
		fact(rows, "alert", "%u: %s: %s%s", i + 1, text,
		     since_ns ? "true since " : "not true",
		     since_ns ? text_rfc3339(since_ns, when) : "");
}

/* What its files go through. */
static void show_outlets(const struct session *s, struct rowset *rows)
{
	const struct {
		const char *name, *text;
	} words[] = {{"compress", s->spec.compress},
		     {"pipe", s->spec.pipe},
		     {"announce", s->spec.announce},
		     {"watch_file", s->spec.watch_file}};
	unsigned held = 0, waiting = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].text)
			fact(rows, words[i].name, "%s", words[i].text);
	for (unsigned i = 0; i < s->nsegments; i++) {
		held += s->segment[i].way == SEGMENT_WAY_HELD;
		waiting += s->segment[i].way == SEGMENT_WAY_PLAIN ||
			   s->segment[i].way == SEGMENT_WAY_PACKING;
	}
	if (s->spec.watch_file)
		fact_count(rows, "files_held", held);
	if (s->spec.compress)
		fact_count(rows, "files_to_compress", waiting);
}

static void show_own(const struct session *s, struct rowset *rows)
{
	char from[TEXT_NUMBER_MAX], to[TEXT_NUMBER_MAX];

	fact(rows, "own_traffic", "%s", s->spec.own_out ? "out" : "in");
	fact_count(rows, "own_packets", s->total.own_packets);
	fact_count(rows, "own_bytes", s->total.own_bytes);
	for (const struct own_use *u = s->own; u; u = u->next)
		fact(rows, "left_out", "%s from %s to %s", u->name, text_rfc3339(u->since_ns, from),
		     u->until_ns ? text_rfc3339(u->until_ns, to) : "now");
}

/* Whole words, as far as they go. */
static void show_words(const char *words, struct rowset *rows)
{
	const size_t len = strlen(words);
	size_t n = len;

	if (len > SHOW_WORDS_BYTES)
		for (n = SHOW_WORDS_BYTES; n > SHOW_WORDS_BYTES / 2 && words[n] != ' '; n--)
			;
	if (n < len)
		fact(rows, "words", "%.*s ... and %zu bytes more", (int)n, words, len - n);
	else
		fact(rows, "words", "%s", words);
}

static void show_counters(const struct session *s, struct rowset *rows)
{
	size_t n = 0;

	for (const struct counter *k = s->counters; k; k = k->next)
		if (n++ < SHOW_COUNTERS)
			fact(rows, "counter", "%s=%s", k->name, k->filter);
	if (n > SHOW_COUNTERS)
		fact(rows, "counters_more", "and %zu more: `counters %s` shows all of them",
		     n - SHOW_COUNTERS, s->name);
}

static void show_change(const struct filter_change *x, struct rowset *rows)
{
	char when[TEXT_NUMBER_MAX];

	fact(rows, "filter_change", "%s %s%s%s (at %llu packets, %llu bytes)",
	     text_rfc3339(x->time_ns, when), x->counter, x->counter[0] ? "=" : "",
	     x->filter[0] ? x->filter : "(everything)", (unsigned long long)x->packets,
	     (unsigned long long)x->bytes);
}

/* A session of that name may have been another's. */
static bool is_of(const struct event *x, const struct table_arguments *a, const struct session *s)
{
	return strcmp(x->where, s->name) == 0 && access_event(&a->who, x->owner);
}

static void show_events(const struct control *c, const struct table_arguments *a,
			const struct session *s, struct rowset *rows)
{
	const uint64_t first =
		c->nevents > CONTROL_EVENTS_MAX ? c->nevents - CONTROL_EVENTS_MAX : 0;
	char when[TEXT_NUMBER_MAX];
	uint64_t from = c->nevents, before = 0, told = 0;

	for (; from > first && told < SHOW_EVENTS; from--)
		told += is_of(&c->event[(from - 1) % CONTROL_EVENTS_MAX], a, s);
	for (uint64_t i = first; i < from; i++)
		before += is_of(&c->event[i % CONTROL_EVENTS_MAX], a, s);
	if (before)
		fact(rows, "events_before", "%llu earlier ones", (unsigned long long)before);
	for (uint64_t i = from; i < c->nevents; i++) {
		const struct event *x = &c->event[i % CONTROL_EVENTS_MAX];

		if (is_of(x, a, s))
			fact(rows, "event", "%s %s: %s", text_rfc3339(x->time_ns, when),
			     x->severity, x->sentence);
	}
}

static void show_history(struct control *c, const struct table_arguments *a,
			 const struct session *s, struct rowset *rows)
{
	const unsigned from = s->nchanges > SHOW_CHANGES ? s->nchanges - SHOW_CHANGES : 0;

	show_counters(s, rows);
	if (from)
		fact(rows, "filter_changes_before", "%u earlier ones", from);
	for (unsigned i = from; i < s->nchanges; i++)
		show_change(&s->change[i], rows);
	show_events(c, a, s, rows);
}

void show_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	const struct session *s = tables_session(c, a);

	if (!s)
		return;
	fact(rows, "name", "%s", s->name);
	fact(rows, "host", "%s", c->host);
	fact(rows, "owner", "%s", s->owner);
	fact(rows, "state", "%s", session_state_text(s));
	fact(rows, "reason", "%s", s->reason ? s->reason : "");
	show_words(s->spec.words ? s->spec.words : "", rows);
	fact(rows, "devices", "%s", s->devices);
	show_devices(s, rows);
	fact(rows, "filter", "%s", s->filter);
	fact(rows, "recording", "%s", s->recording ? "yes" : "no");
	fact(rows, "snaplen", "%u", s->spec.snaplen);
	fact(rows, "capture", "%s", s->capture);
	fact(rows, "folder", "%s", s->folder);
	fact(rows, "note", "%s", s->spec.note ? s->spec.note : "");
	fact_time(rows, "since_time", s->started_ns);
	fact_time(rows, "ended_time", s->ended_ns);
	show_past(s, rows);
	show_alerts(s, rows);
	show_totals(s, rows);
	show_usage(s, rows);
	show_disk(c, s, rows);
	show_outlets(s, rows);
	show_own(s, rows);
	show_history(c, a, s, rows);
}
