/* Names for people: what the system knows is put, what it does not stays a number, in bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netdb.h>

#include <cmocka.h>

#include "../../../tui/names.h"
#include "base/clock.h"

#define ROWS 3u
#define COLUMNS 3u

static struct value address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_of(text), &a, NULL), 0);
	return value_addr(&a);
}

static void test_names(void **state)
{
	struct column columns[COLUMNS] = {
		{.name = "addr_a", .kind = KIND_ADDR}, {.name = "port_a", .kind = KIND_PORT}, {.name = "packets", .kind = KIND_COUNT}};
	struct value cells[ROWS * COLUMNS] = {
		address("127.0.0.1"), value_int(22), value_int(22),
		address("192.0.2.77"), value_int(1), value_null(), /* for documentation (RFC 5737): nobody has it */
		value_null(), value_null(), value_int(7)};
	struct window w = {.ncolumns = COLUMNS, .columns = columns, .rows = ROWS, .cells = cells};
	struct names *n = names_new();
	const int64_t began = clock_mono_ns();
	const bool services = getservbyport(22 << 8, "tcp") != NULL; /* not every machine has the list */

	(void)state;
	names_window(n, &w);
	assert_true(clock_mono_ns() - began < 2 * (int64_t)NAMES_WAIT_MS * NS_PER_MS);
	assert_int_equal(cells[0].type, VALUE_TEXT);
	assert_int_equal(cells[1].type, services ? VALUE_TEXT : VALUE_INT);
	assert_true(!services || str_is(cells[1].s, "ssh"));
	assert_int_equal(cells[2].type, VALUE_INT); /* a number that is no port */
	assert_int_equal(cells[3].type, VALUE_ADDR);
	assert_int_equal(cells[6].type, VALUE_NULL);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
