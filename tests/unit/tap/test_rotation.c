/* When a file is full: with the times given, as no test may set a clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "../../../backend/tap/rotation.h"
#include "base/clock.h"

#define MINUTE (60 * NS_PER_S)
#define DAY (24 * 60 * MINUTE)
#define NOON INT64_C(1767268800000000000) /* 2026-01-01 12:00:00 UTC */

static void multiples(void **state)
{
	(void)state;
	assert_int_equal(rotation_next(MINUTE, NOON, 0), NOON + MINUTE);
	assert_int_equal(rotation_next(MINUTE, NOON + 1, 0), NOON + MINUTE);
	assert_int_equal(rotation_next(MINUTE, NOON - 1, 0), NOON);
	/* half an hour beside the others' hours */
	assert_int_equal(rotation_next(60 * MINUTE, NOON, 330 * MINUTE), NOON + 30 * MINUTE);
	assert_int_equal(rotation_next(DAY, NOON, -5 * 60 * MINUTE), NOON + 17 * 60 * MINUTE);
}

static void first_is_shorter(void **state)
{
	struct rotation r = {.every_ns = MINUTE, .clock = ROTATION_UTC};

	(void)state;
	rotation_begin(&r, NOON + 45 * NS_PER_S, 1000);
	assert_int_equal(r.due_ns, NOON + MINUTE);
	assert_false(rotation_due(&r, NOON + MINUTE - 1, 1000 + 15 * NS_PER_S));
	assert_false(rotation_due(&r, NOON + MINUTE, 1000 + 15 * NS_PER_S));
	assert_true(rotation_due(&r, NOON + MINUTE + ROTATION_LATE_NS,
				 1000 + 15 * NS_PER_S + ROTATION_LATE_NS));
	assert_int_equal(rotation_wait_ns(&r, NOON + 45 * NS_PER_S, 1000),
			 15 * NS_PER_S + ROTATION_LATE_NS);
	rotation_begin(&r, NOON + MINUTE + ROTATION_LATE_NS, 1000 + 16 * NS_PER_S);
	assert_int_equal(r.due_ns, NOON + 2 * MINUTE);
}

static void not_aligned(void **state)
{
	struct rotation r = {.every_ns = MINUTE};

	(void)state;
	rotation_begin(&r, NOON, 1000);
	assert_int_equal(rotation_wait_ns(&r, NOON, 1000), MINUTE);
	assert_true(rotation_due(&r, NOON - DAY, 1000 + MINUTE));
	assert_false(rotation_due(&r, NOON + DAY, 1000 + MINUTE - 1));
}

/* Neither a thousand files nor none. */
static void clock_is_set(void **state)
{
	struct rotation r = {.every_ns = MINUTE, .clock = ROTATION_UTC};

	(void)state;
	rotation_begin(&r, NOON, 0);
	/* a day ahead: one file, and the next in its time */
	assert_true(rotation_due(&r, NOON + DAY + 1, NS_PER_S));
	rotation_begin(&r, NOON + DAY + 1, NS_PER_S);
	assert_false(rotation_due(&r, NOON + DAY + 2, NS_PER_S + 1));
	assert_int_equal(r.due_ns, NOON + DAY + MINUTE);
	/* a day back: it ends all the same, by the other clock */
	assert_false(rotation_due(&r, NOON + NS_PER_S, 2 * NS_PER_S));
	assert_true(
		rotation_due(&r, NOON + MINUTE + NS_PER_S, NS_PER_S + MINUTE + ROTATION_SLACK_NS));
	rotation_begin(&r, NOON + MINUTE + NS_PER_S, 63 * NS_PER_S);
	assert_int_equal(r.due_ns, NOON + 2 * MINUTE);
}

/* Stamped a moment before our own look at the clock: the file that begins is the next one's. */
static void stamp_is_ahead(void **state)
{
	struct rotation r = {.every_ns = MINUTE, .clock = ROTATION_UTC};

	(void)state;
	rotation_begin(&r, NOON + NS_PER_S, 0);
	rotation_begin(&r, NOON + MINUTE - NS_PER_MS, 59 * NS_PER_S);
	assert_int_equal(r.due_ns, NOON + 2 * MINUTE);
	assert_false(rotation_due(&r, NOON + MINUTE + NS_PER_S, 60 * NS_PER_S));
}

static void summer_comes(void **state)
{
	struct rotation r = {.every_ns = DAY, .clock = ROTATION_LOCAL};
	const int64_t noon_ns = INT64_C(1774695600000000000); /* 2026-03-28 12:00 +01:00 */

	(void)state;
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	rotation_begin(&r, noon_ns, 0);
	assert_int_equal(r.due_ns, noon_ns + DAY / 2);
	rotation_begin(&r, noon_ns + DAY / 2, 0); /* a day of 23 hours */
	assert_int_equal(r.due_ns, noon_ns + DAY / 2 + 23 * 60 * MINUTE);
	(void)unsetenv("TZ");
	tzset();
}

static void by_what_is_in_it(void **state)
{
	struct rotation r = {.bytes = 10000, .packets = 7};

	(void)state;
	rotation_begin(&r, NOON, 0);
	assert_int_equal(rotation_wait_ns(&r, NOON, 0), -1);
	assert_null(rotation_before(&r, 3, 10000, NOON));
	assert_string_equal(rotation_before(&r, 3, 10001, NOON), "size");
	assert_null(rotation_before(&r, 0, 10001, NOON)); /* one that is larger alone */
	assert_null(rotation_behind(&r, 6));
	assert_string_equal(rotation_behind(&r, 7), "packets");
	assert_false(rotation_due(&r, NOON + DAY, DAY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multiples),	    cmocka_unit_test(first_is_shorter),
		cmocka_unit_test(not_aligned),	    cmocka_unit_test(clock_is_set),
		cmocka_unit_test(stamp_is_ahead),   cmocka_unit_test(summer_comes),
		cmocka_unit_test(by_what_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
