/* Totals by the second when the clock of the day is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../../../backend/agent/session.h"

#define DAY (86400 * NS_PER_S)

static struct history filled(int64_t start_ns, unsigned count)
{
	struct history h = {0};

	for (unsigned i = 0; i < count; i++)
		history_add(&h, &(struct second){.time_ns = start_ns + i * NS_PER_S,
						 .packets = i,
						 .mono_ns = (1 + i) * NS_PER_S});
	return h;
}

static void test_back(void **state)
{
	struct history h = filled(DAY, 10);
	const struct second after = {.time_ns = DAY - 3600 * NS_PER_S, .packets = 10, .mono_ns = 11 * NS_PER_S};

	(void)state;
	history_add(&h, &after);
	assert_int_equal(h.count, 1); /* an hour back: all of it would be later */
	assert_int_equal(history_at(&h, 0)->packets, 10);
	free(h.at);
	h = filled(DAY, 10);
	history_add(&h, &(struct second){.time_ns = DAY + 4 * NS_PER_S, .packets = 10, .mono_ns = 11 * NS_PER_S});
	assert_int_equal(h.count, 5); /* five seconds back */
	assert_int_equal(history_at(&h, 3)->packets, 3);
	assert_int_equal(history_at(&h, 4)->packets, 10);
	/* It took seven seconds, whatever the clock says. */
	assert_int_equal(history_between_ns(history_at(&h, 3), history_at(&h, 4)), 7 * NS_PER_S);
	free(h.at);
}

static void test_forward(void **state)
{
	struct history h = filled(DAY, 10);

	(void)state;
	history_add(&h, &(struct second){.time_ns = 3 * DAY, .packets = 10, .mono_ns = 11 * NS_PER_S});
	assert_int_equal(h.count, 11);
	assert_int_equal(history_between_ns(history_at(&h, 9), history_at(&h, 10)), NS_PER_S);
	free(h.at);
}

static void test_late(void **state)
{
	const struct second a = {.time_ns = DAY, .mono_ns = 1 * NS_PER_S},
			    b = {.time_ns = DAY + NS_PER_S, .mono_ns = 3 * NS_PER_S}, unknown = {.time_ns = DAY};

	(void)state;
	/* A message that was late says its own time. */
	assert_int_equal(history_between_ns(&a, &b), NS_PER_S);
	assert_int_equal(history_between_ns(&unknown, &b), NS_PER_S);
}

static void test_ring(void **state)
{
	struct history h = filled(DAY, SESSION_SECONDS + 5);

	(void)state;
	assert_int_equal(h.count, SESSION_SECONDS);
	assert_int_equal(history_at(&h, 0)->packets, 5);
	history_add(&h, &(struct second){.time_ns = DAY + 100 * NS_PER_S, .packets = 999, .mono_ns = 700 * NS_PER_S});
	assert_int_equal(h.count, 96);
	assert_int_equal(history_at(&h, 94)->packets, 99);
	assert_int_equal(history_at(&h, 95)->packets, 999);
	free(h.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
