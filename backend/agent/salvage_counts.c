#include "salvage_counts.h"

#include <stdlib.h>

#include "base/xalloc.h"

#define COUNTERS_MAX 65536u /* names in one journal; it is data, and may say anything */
#define PERIODS 2u

static const uint32_t period_s[PERIODS] = {60, 3600};

struct counted {
	uint64_t packets, bytes;
	uint64_t said[PERIODS]; /* packets, in the last record of that period */
};

void counts_note(struct map **counts, const struct journal_record *r)
{
	struct msg_j_counter m;
	struct counted *c;

	if (r->type != MSG_J_COUNTER || msg_get_j_counter(r->payload, r->len, &m, NULL))
		return;
	if (!*counts)
		*counts = map_new(COUNTERS_MAX);
	c = map_get(*counts, m.name.p, m.name.len);
	if (!c) {
		c = xcalloc(1, sizeof(*c));
		if (map_put(*counts, m.name.p, m.name.len, c)) {
			free(c);
			return;
		}
	}
	c->packets = m.packets;
	c->bytes = m.bytes;
	for (unsigned i = 0; i < PERIODS; i++)
		if (m.period_s == period_s[i])
			c->said[i] = m.packets;
}

static int counters_add(struct journal *j, const struct map *counts, unsigned period,
			int64_t time_ns, struct err *e)
{
	size_t iter = 0, len;
	const void *name;
	void *value;

	while (counts && map_next(counts, &iter, &name, &len, &value)) {
		const struct counted *c = value;
		const struct msg_j_counter m = {.time_ns = time_ns,
						.name = {name, len},
						.packets = c->packets,
						.bytes = c->bytes,
						.period_s = period_s[period]};

		if (c->packets != c->said[period] && journal_add_j_counter(j, &m, e))
			return -1;
	}
	return 0;
}

int counts_add(struct journal *j, const struct map *counts, const struct msg_j_second *last,
	       struct err *e)
{
	for (unsigned i = 0; i < PERIODS; i++) {
		struct msg_j_second m = *last;

		m.period_s = period_s[i];
		if (journal_add_j_second(j, &m, e) || counters_add(j, counts, i, last->time_ns, e))
			return -1;
	}
	return 0;
}

void counts_free(struct map *counts)
{
	size_t iter = 0;
	void *value;

	while (counts && map_next(counts, &iter, NULL, NULL, &value))
		free(value);
	map_free(counts);
}
