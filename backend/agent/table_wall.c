/* All counters of all sessions, and each session's own total as one more: for who wants the highest
 * of them, whatever session they are of. */
#include <stdlib.h>

#include "base/xalloc.h"
#include "tables.h"

const struct column wall_columns[WALL_COLUMNS] = {
	{"key", KIND_TEXT, 0, "", "SESSION or SESSION/COUNTER"},
	{"session", KIND_TEXT, 0, "", "the session's name"},
	{"counter", KIND_TEXT, 0, "", "the counter's name; empty: the session itself"},
	{"filter", KIND_TEXT, 0, "", "what it counts"},
	{"packets", KIND_COUNT, 0, "", "packets since it was added"},
	{"bytes", KIND_BYTES, 0, "bytes", "bytes on the wire since it was added"},
	{"pps", KIND_PPS, 0, "packets a second", "rate of the last second"},
	{"bps", KIND_BPS, 0, "bits a second", "rate of the last second"},
	{"last_time", KIND_TIME, 0, "", "when the last one came; empty for a session"},
};

static void counter_row(const struct session *s, const struct counter *k, struct rowset *rows)
{
	const struct rates r = session_runs(s) ? tables_rates_last(&k->history)
					       : (struct rates){value_null(), value_null()};
	char *key = xasprintf("%s/%s", s->name, k->name);
	const struct value v[WALL_COLUMNS] = {
		value_text(key),
		value_text(s->name),
		value_text(k->name),
		value_text(k->filter),
		value_count(k->packets),
		value_count(k->bytes),
		r.pps,
		r.bps,
		k->last_ns ? value_int(k->last_ns) : value_null(),
	};

	rowset_add(rows, v);
	free(key);
}

static void session_row(const struct session *s, struct rowset *rows)
{
	const struct rates r = session_runs(s) ? tables_rates_last(&s->history)
					       : (struct rates){value_null(), value_null()};
	const struct value v[WALL_COLUMNS] = {
		value_text(s->name),
		value_text(s->name),
		value_null(),
		value_text(s->filter),
		value_count(s->total.packets),
		value_count(s->total.bytes),
		r.pps,
		r.bps,
		value_null(),
	};

	rowset_add(rows, v);
}

/* Of the sessions that who asks may ask for one by one. */
void wall_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	for (const struct session *s = c->sessions; s; s = s->next) {
		if (access_check(&a->who, "counters", s->uid, NULL))
			continue;
		session_row(s, rows);
		for (const struct counter *k = s->counters; k; k = k->next)
			counter_row(s, k, rows);
	}
}
