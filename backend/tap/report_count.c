/* What the tap says of its counters: to control the totals of those that counted since, to the
 * journal the same, and at the end of each minute and hour (by the clock) the totals of those that
 * counted in it, with the session's own beside them, so that what was dropped then is known as
 * well. */
#include "base/clock.h"
#include "tap_private.h"

static const uint32_t period_s[COUNTER_PERIODS] = {0, 60, 3600};

static void journal_counter(struct tap *t, struct counter *c, enum counter_period period,
			    int64_t time_ns)
{
	struct msg_j_counter j = {.time_ns = time_ns,
				  .name = str_of(c->name),
				  .packets = c->tally.packets,
				  .bytes = c->tally.bytes,
				  .period_s = period_s[period]};

	if (c->journaled[period] == c->tally.packets)
		return;
	c->journaled[period] = c->tally.packets;
	(void)journal_add_j_counter(t->journal, &j, NULL);
}

void report_counter_last(struct tap *t, struct counter *c)
{
	const int64_t now_ns = clock_now_ns();

	for (int period = 0; period < COUNTER_PERIODS; period++)
		journal_counter(t, c, period, now_ns);
}

static void journal_period(struct tap *t, const struct msg_tap_stats *m, enum counter_period period)
{
	struct msg_j_second s = {.time_ns = m->time_ns,
				 .packets = m->packets,
				 .bytes = m->bytes,
				 .dropped_device = m->dropped_device,
				 .dropped_kernel = m->dropped_kernel,
				 .dropped_buffer = m->dropped_buffer,
				 .dropped_disk = m->dropped_disk,
				 .own_packets = m->own_packets,
				 .period_s = period_s[period]};

	(void)journal_add_j_second(t->journal, &s, NULL);
	for (uint32_t i = 0; i < t->counters.top; i++)
		if (t->counters.list[i])
			journal_counter(t, t->counters.list[i], period, m->time_ns);
}

void report_journal_totals(struct tap *t, const struct msg_tap_stats *m)
{
	for (int period = 0; period < COUNTER_PERIODS; period++) {
		const int64_t now =
			period ? m->time_ns / ((int64_t)period_s[period] * NS_PER_S) : 0;
		const int64_t runs = t->counters.period[period];

		t->counters.period[period] = now;
		if (period == COUNTER_SECOND || m->ended || (runs && runs != now))
			journal_period(t, m, period);
	}
}

/* A counter's totals as one of a list. */
static int counts_add(struct buf *b, const struct counter *c)
{
	const struct msg_tap_count k = {.name = str_of(c->name),
					.packets = c->tally.packets,
					.bytes = c->tally.bytes,
					.last_ns = c->tally.last_ns};
	const size_t at = b->len;
	uint32_t len;

	if (buf_add_u32(b, 0) || msg_put_tap_count(b, &k))
		return -1;
	len = (uint32_t)(b->len - at - 4);
	for (unsigned i = 0; i < 4; i++)
		b->data[at + i] = (uint8_t)(len >> (24 - 8 * i));
	return 0;
}

void report_send_counts(struct tap *t, int64_t time_ns)
{
	struct msg_tap_counts m = {.time_ns = time_ns};
	struct buf b;

	buf_init(&b, MSG_PAYLOAD_MAX);
	for (uint32_t i = 0; i < t->counters.top; i++) {
		struct counter *c = t->counters.list[i];

		if (!c || c->told == c->tally.packets || counts_add(&b, c))
			continue;
		c->told = c->tally.packets;
	}
	m.counts = (struct str){(const char *)b.data, b.len};
	if (b.len > 0)
		channel_put_tap_counts(t->control, 0, 0, &m);
	buf_release(&b);
}
