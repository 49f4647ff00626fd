/* The merge against its promise, on a clock of the test's own: in order but for what is marked,
 * nothing lost, nobody held longer than said. And how a clock that was set is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../backend/tap/epoch.h"
#include "../../../backend/tap/merge.h"
#include "base/clock.h"
#include "base/xalloc.h"

#define SOURCES 5u
#define PACKETS_MAX 200000u
#define ROUND_NS (5 * NS_PER_MS)
#define WAIT_NS (250 * NS_PER_MS)
#define START_NS (INT64_C(1700000000) * NS_PER_S)

/* What a packet carries. */
struct mark {
	uint32_t number;
	int64_t added_ns;
};

struct bench {
	struct merge *merge;
	int64_t now_ns, last_ns, waited_ns;
	uint32_t added, out, late, disordered, refuse;
	uint8_t seen[PACKETS_MAX];
	bool any_length;
	uint64_t random;
};

static uint32_t dice(struct bench *b, uint32_t sides)
{
	b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(b->random >> 33) % sides;
}

static int take(void *arg, uint32_t source, const struct source_packet *p, bool must)
{
	struct bench *b = arg;
	struct mark m;

	assert_true(source < MERGE_SOURCES_MAX);
	if (b->refuse > 0 && !must) {
		b->refuse--;
		return -1;
	}
	assert_true(b->any_length || p->captured == sizeof(m) + source);
	memcpy(&m, p->data, sizeof(m));
	assert_true(m.number < b->added);
	b->seen[m.number]++;
	b->out++;
	if (b->now_ns - m.added_ns > b->waited_ns)
		b->waited_ns = b->now_ns - m.added_ns;
	b->late += p->late;
	if (p->ts_ns < b->last_ns)
		b->disordered += !p->late;
	else
		b->last_ns = p->ts_ns;
	return 0;
}

static void add(struct bench *b, uint32_t source, int64_t ts_ns)
{
	uint8_t bytes[sizeof(struct mark) + MERGE_SOURCES_MAX] = {0};
	struct mark m = {.number = b->added++, .added_ns = b->now_ns};
	struct source_packet p = {
		.ts_ns = ts_ns, .captured = (uint32_t)sizeof(m) + source, .data = bytes};

	assert_true(b->added <= PACKETS_MAX);
	memcpy(bytes, &m, sizeof(m));
	merge_add(b->merge, source, &p, b->now_ns);
}

static struct bench *bench_new(uint64_t seed)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->random = seed;
	b->now_ns = START_NS;
	b->merge = merge_new(WAIT_NS, take, b);
	for (uint32_t i = 0; i < SOURCES; i++)
		merge_set_live(b->merge, i, true);
	return b;
}

static void all_once(struct bench *b)
{
	merge_flush(b->merge);
	assert_int_equal(b->out, b->added);
	for (uint32_t i = 0; i < b->added; i++) {
		if (b->seen[i] != 1)
			fail_msg("packet %u left %u times", i, b->seen[i]);
	}
	assert_int_equal(b->disordered, 0);
	assert_int_equal(merge_late(b->merge), b->late);
	merge_free(b->merge);
	free(b);
}

/* A round on each source: what was stamped since the round before, shown up to the kernel's time
 * later. behind_ns: a source that is so much behind. */
static void round_all(struct bench *b, int64_t behind_ns, uint32_t who)
{
	b->now_ns += ROUND_NS;
	for (uint32_t i = 0; i < SOURCES; i++) {
		int64_t late_ns = i == who ? behind_ns : 0;
		uint32_t n = i == 1 ? 0 : dice(b, 30); /* one is idle */
		int64_t ts_ns = b->now_ns - late_ns - MERGE_RETIRE_NS + 1;

		for (uint32_t k = 0; k < n; k++)
			add(b, i, ts_ns + dice(b, ROUND_NS - MERGE_DISORDER_NS));
		merge_looked(b->merge, i, b->now_ns);
		if (i != who)
			merge_idle(b->merge, i, b->now_ns);
	}
	merge_run(b->merge);
}

/* Packets of a round are not in order among themselves: the stamps of a device may be by
 * MERGE_DISORDER_NS apart, so the test takes rounds of that length. */
static void round_ordered(struct bench *b, int64_t behind_ns, uint32_t who)
{
	b->now_ns += MERGE_DISORDER_NS;
	for (uint32_t i = 0; i < SOURCES; i++) {
		int64_t from_ns = b->now_ns - MERGE_RETIRE_NS - (i == who ? behind_ns : 0);
		uint32_t n = i == 1 ? 0 : dice(b, 20);

		for (uint32_t k = 0; k < n; k++)
			add(b, i, from_ns + dice(b, MERGE_DISORDER_NS));
		merge_looked(b->merge, i, b->now_ns);
		if (i != who)
			merge_idle(b->merge, i, b->now_ns);
	}
	merge_run(b->merge);
}

static void kept_promises_give_perfect_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct bench *b = bench_new(seed);

		for (int i = 0; i < 500; i++)
			round_ordered(b, 0, SOURCES);
		assert_int_equal(b->late, 0);
		assert_true(b->out > b->added / 2);
		assert_true(b->waited_ns <= WAIT_NS);
		all_once(b);
	}
}

/* Whatever comes: marked, never lost, never held longer. */
static void broken_promises_are_marked(void **state)
{
	uint32_t late = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct bench *b = bench_new(seed);

		for (int i = 0; i < 300; i++)
			round_all(b, dice(b, 2) * (400 * NS_PER_MS), 3);
		late += b->late;
		assert_true(b->waited_ns <= WAIT_NS + ROUND_NS);
		all_once(b);
	}
	assert_true(late > 0);
}

static void who_lags_is_passed_over_until_it_has_caught_up(void **state)
{
	struct bench *b = bench_new(7);

	(void)state;
	for (int i = 0; i < 400; i++)
		round_ordered(b, 600 * NS_PER_MS, 2);
	assert_true(merge_lags(b->merge, 2));
	assert_false(merge_lags(b->merge, 0));
	assert_true(b->late > 0);
	assert_true(b->waited_ns <= WAIT_NS + MERGE_DISORDER_NS);
	b->now_ns += 700 * NS_PER_MS;
	merge_idle(b->merge, 2, b->now_ns);
	assert_false(merge_lags(b->merge, 2));
	all_once(b);
}

static void silent_and_absent_ones_hold_up_nobody(void **state)
{
	struct bench *b = bench_new(1);

	(void)state;
	merge_set_live(b->merge, 4, false);
	add(b, 0, b->now_ns);
	merge_looked(b->merge, 0, b->now_ns);
	merge_run(b->merge);
	assert_int_equal(b->out, 0); /* the others have not said anything */
	for (uint32_t i = 0; i < SOURCES; i++)
		merge_idle(b->merge, i, b->now_ns + MERGE_RETIRE_NS + MERGE_DISORDER_NS);
	merge_run(b->merge);
	assert_int_equal(b->out, 1);
	assert_int_equal(b->late, 0);
	all_once(b);
}

/* Asleep for a second: the rings of the others are read before anybody has waited too long. */
static void our_own_delay_makes_nobody_late(void **state)
{
	struct bench *b = bench_new(1);

	(void)state;
	add(b, 0, b->now_ns);
	for (uint32_t i = 0; i < SOURCES; i++)
		merge_looked(b->merge, i, b->now_ns);
	b->now_ns += NS_PER_S;
	merge_looked(b->merge, 0, b->now_ns);
	merge_idle(b->merge, 0, b->now_ns);
	merge_run(b->merge);
	assert_int_equal(b->out, 0);
	for (uint32_t i = 1; i < SOURCES; i++) {
		add(b, i, b->now_ns - NS_PER_S - i);
		merge_looked(b->merge, i, b->now_ns);
		merge_idle(b->merge, i, b->now_ns);
	}
	merge_run(b->merge);
	assert_int_equal(b->out, SOURCES);
	assert_int_equal(b->late, 0);
	all_once(b);
}

static void no_room_below_is_waited_for(void **state)
{
	struct bench *b = bench_new(3);

	(void)state;
	for (int i = 0; i < 300; i++) {
		b->refuse = dice(b, 3);
		round_ordered(b, 0, SOURCES);
	}
	assert_int_equal(b->late, 0);
	all_once(b);
}

/* Short of memory the oldest go without waiting, and nothing is lost. */
static void memory_is_bounded(void **state)
{
	static uint8_t data[60000];
	struct bench *b = bench_new(3);
	uint64_t given = 0;

	(void)state;
	b->any_length = true;
	for (uint32_t i = 0; i < 3000; i++) {
		struct mark m = {.number = b->added++, .added_ns = b->now_ns};
		struct source_packet p = {
			.ts_ns = b->now_ns + i, .captured = sizeof(data), .data = data};

		memcpy(data, &m, sizeof(m));
		merge_add(b->merge, i % SOURCES, &p, b->now_ns);
		given += sizeof(data);
		if (given > MERGE_BYTES_MAX)
			assert_true((b->added - b->out) * sizeof(data) <= MERGE_BYTES_MAX);
		if (i % 2 && merge_full(b->merge)) {
			merge_run(b->merge);
			assert_false(merge_full(b->merge));
		}
	}
	assert_true(b->out > 0);
	assert_int_equal(b->late, 0);
	all_once(b);
}

static void new_epoch_begins_anew(void **state)
{
	struct bench *b = bench_new(3);

	(void)state;
	for (int i = 0; i < 100; i++)
		round_ordered(b, 0, SOURCES);
	b->now_ns -= 3600 * NS_PER_S;
	merge_new_epoch(b->merge);
	assert_int_equal(b->out, b->added);
	b->last_ns = 0;
	for (int i = 0; i < 300; i++)
		round_ordered(b, 0, SOURCES);
	assert_int_equal(b->late, 0);
	assert_true(b->out > b->added / 2);
	all_once(b);
}

static void steps_of_the_clock_are_seen(void **state)
{
	struct epoch ep = {0};
	int64_t mono = 5 * NS_PER_S, now = START_NS, by;

	(void)state;
	assert_false(epoch_look(&ep, mono, now, mono + 50, &by)); /* the first look */
	for (int i = 0; i < 1000; i++) { /* half a second in a thousand: as fast as it is slewed */
		mono += NS_PER_S;
		now += NS_PER_S + NS_PER_MS / 2;
		assert_false(epoch_look(&ep, mono, now, mono + 50, &by));
	}
	assert_false(epoch_look(&ep, mono, now + 30 * NS_PER_MS, mono + 30 * NS_PER_MS, &by));
	assert_false(epoch_look(&ep, mono, now, mono + 50, &by)); /* it was an interruption */
	now += 3 * NS_PER_S;
	assert_true(epoch_look(&ep, mono, now, mono + 50, &by));
	assert_int_equal(by, 3 * NS_PER_S);
	assert_false(epoch_look(&ep, mono, now, mono + 50, &by));
	now -= 20 * NS_PER_MS;
	assert_true(epoch_look(&ep, mono, now, mono + 50, &by));
	assert_int_equal(by, -20 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_promises_give_perfect_order),
		cmocka_unit_test(broken_promises_are_marked),
		cmocka_unit_test(who_lags_is_passed_over_until_it_has_caught_up),
		cmocka_unit_test(silent_and_absent_ones_hold_up_nobody),
		cmocka_unit_test(our_own_delay_makes_nobody_late),
		cmocka_unit_test(no_room_below_is_waited_for),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(new_epoch_begins_anew),
		cmocka_unit_test(steps_of_the_clock_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
