/* Times of connections where captures have odd ones: 1970 and before, backwards, none at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "script.h"

static void test_a_time_of_1970(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.place.ts_ns = 0;
	tcp(&s, 0, END_A, TCP_ACK, 1000, 1, 10);
	assert_int_equal(conn(&s, 1)->start_ns, 0);
	assert_int_equal(conn(&s, 1)->last_ns, 0);
	assert_int_equal(conn(&s, 1)->flow[0].first_ns, 0);
	assert_true(conn(&s, 1)->flow[1].first_ns == NS_NONE);
	tcp(&s, -1000, END_B, TCP_ACK, 1, 1010, 10);
	assert_int_equal(conn(&s, 1)->start_ns, -1000 * MS);
	assert_int_equal(conn(&s, 1)->last_ns, 0);
	flows_free(s.f);
}

static void test_no_time(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.place.has_time = false;
	tcp(&s, 0, END_A, TCP_ACK, 1000, 1, 10);
	tcp(&s, 0, END_B, TCP_ACK, 1, 1010, 10);
	assert_true(conn(&s, 1)->start_ns == NS_NONE);
	assert_true(conn(&s, 1)->last_ns == NS_NONE);
	assert_true(conn(&s, 1)->flow[0].last_ns == NS_NONE);
	s.place.has_time = true;
	s.place.ts_ns = 7;
	tcp(&s, 0, END_B, TCP_ACK, 11, 1010, 10);
	assert_int_equal(conn(&s, 1)->start_ns, 7);
	assert_true(conn(&s, 1)->flow[0].first_ns == NS_NONE);
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_time_of_1970),
		cmocka_unit_test(test_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
