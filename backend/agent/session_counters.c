/* The counters of a session, and what the tap tells of them. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "session.h"

struct counter *session_counter(struct session *s, struct str name)
{
	return s->counter_names ? map_get(s->counter_names, name.p, name.len) : NULL;
}

struct counter *session_counter_add(struct session *s, const char *name, const char *filter)
{
	struct counter *k = xcalloc(1, sizeof(*k));

	if (!s->counter_names) {
		s->counter_names = map_new(SPEC_COUNTERS_MAX);
		s->counters_end = &s->counters;
	}
	k->name = xstrdup(name);
	k->filter = xstrdup(filter);
	*s->counters_end = k;
	s->counters_end = &k->next;
	s->ncounters++;
	/* More than there may be are in a state that somebody else wrote: not found by name. */
	(void)map_put(s->counter_names, name, strlen(name), k);
	return k;
}

void session_counter_remove(struct session *s, struct counter *counter)
{
	for (struct counter **at = &s->counters; *at; at = &(*at)->next)
		if (*at == counter) {
			*at = counter->next;
			if (s->counters_end == &counter->next)
				s->counters_end = at;
			break;
		}
	s->ncounters--;
	(void)map_remove(s->counter_names, counter->name, strlen(counter->name));
	free(counter->name);
	free(counter->filter);
	free(counter->history.at);
	free(counter);
}

void session_counters_release(struct session *s)
{
	while (s->counters)
		session_counter_remove(s, s->counters);
	map_free(s->counter_names);
	s->counter_names = NULL;
}

static void count_take(struct session *s, const struct msg_tap_count *m)
{
	struct counter *k = session_counter(s, m->name);

	if (!k)
		return; /* removed meanwhile */
	k->packets = m->packets;
	k->bytes = m->bytes;
	k->last_ns = m->last_ns;
}

void session_counts(struct session *s, const struct msg_tap_counts *m)
{
	const uint8_t *p = (const uint8_t *)m->counts.p;
	size_t left = m->counts.len;

	while (left >= 4) {
		const size_t len =
			(size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		struct msg_tap_count count;

		if (len > left - 4 || msg_get_tap_count(p + 4, len, &count, NULL)) {
			log_warn("session %s: its tap told of a counter that is none", s->name);
			return;
		}
		count_take(s, &count);
		p += 4 + len;
		left -= 4 + len;
	}
}

void session_counters_second(struct session *s, int64_t time_ns)
{
	const size_t all = COUNTERS_HISTORY_BYTES / sizeof(struct second),
		     each = s->ncounters ? all / s->ncounters : 0;

	for (struct counter *k = s->counters; k; k = k->next) {
		history_limit(&k->history,
			      each < SESSION_SECONDS ? (unsigned)each : SESSION_SECONDS);
		history_add(&k->history, &(struct second){time_ns, k->packets, k->bytes, 0, 0});
	}
}
