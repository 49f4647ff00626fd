/* Queries that are answered by turns: each keeps its own row, whatever others look at between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../backend/reader/tables.h"
#include "made_capture.h"

#define CONNECTIONS 100u

static struct value cell(struct ask *a, uint64_t row, const char *column)
{
	const int at = table_column(a->kind->type, str_of(column));

	assert_true(at >= 0);
	return a->kind->cell(a, row, (unsigned)at);
}

static void check_turns(const struct table_kind *kind, const char *column, uint64_t rows_each)
{
	struct capture c;

	made_capture(&c, CONNECTIONS);
	struct ask first = {.kind = kind, .capture = &c}, second = {.kind = kind, .capture = &c};

	assert_int_equal(cell(&first, 0, column).i, 1);
	for (uint64_t row = 0; row < CONNECTIONS * rows_each; row++)
		assert_int_equal(cell(&second, row, column).i, row / rows_each + 1);
	assert_int_equal(cell(&first, 0, column).i, 1);
	assert_int_equal(cell(&first, rows_each - 1, column).i, 1);
	capture_release(&c);
}

static void test_rows_by_turns(void **state)
{
	(void)state;
	check_turns(&table_connections, "id", 1);
	check_turns(&table_flows, "connection", 2);
}

static void test_a_time_of_1970_is_a_time(void **state)
{
	struct capture c;

	(void)state;
	made_capture(&c, CONNECTIONS);
	struct ask a = {.kind = &table_connections, .capture = &c};

	assert_int_equal(cell(&a, CONNECTIONS - 1, "start_time").type, VALUE_INT);
	assert_int_equal(cell(&a, CONNECTIONS - 1, "start_time").i, 0);
	assert_int_equal(cell(&a, CONNECTIONS - 1, "last_time").type, VALUE_INT);
	assert_int_equal(cell(&a, CONNECTIONS - 1, "duration_s").type, VALUE_INT);
	assert_int_equal(cell(&a, CONNECTIONS - 1, "start_s").i, 1 - (int64_t)CONNECTIONS);
	capture_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_by_turns),
		cmocka_unit_test(test_a_time_of_1970_is_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
