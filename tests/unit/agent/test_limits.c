/* What stays free of a disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../backend/agent/limits.h"

#define MB UINT64_C(1000000)
#define GB (1000 * MB)

static void reserve(void **state)
{
	(void)state;
	assert_int_equal(limits_reserve(4 * MB), LIMITS_RESERVE_LEAST);
	assert_int_equal(limits_reserve(GB), 10 * MB);
	assert_int_equal(limits_reserve(1000 * GB), LIMITS_RESERVE_MOST);
}

static void stays_free(void **state)
{
	struct limits l = limits_usual();

	(void)state;
	assert_int_equal(limits_free(&l, 4 * MB), LIMITS_RESERVE_LEAST);
	assert_int_equal(limits_free(&l, 10 * GB), 500 * MB);
	assert_int_equal(limits_free(&l, 100 * GB), 5 * GB);
	assert_int_equal(limits_free(&l, 4000 * GB), LIMITS_FREE_MOST_BYTES);
	l.free_percent = 1;
	assert_int_equal(limits_free(&l, 100 * GB), GB);      /* the number is more */
	assert_int_equal(limits_free(&l, 10 * GB), 100 * MB); /* and all of a small disk */
	l.free_percent = 0;
	l.free_bytes = 0;
	assert_int_equal(limits_free(&l, 100 * GB), LIMITS_RESERVE_MOST); /* whatever is said */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserve),
		cmocka_unit_test(stays_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
