#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../../tui/cli.h"

#define WORDS_ROOM 32

/* Takes the options of a line; what stays is joined again. The options' texts point into `line`. */
static int take(struct cli *c, char *line, char *rest, size_t size, struct err *e)
{
	char *word[WORDS_ROOM], *state = NULL;
	int count = 0, r;

	*c = (struct cli){.out = stdout, .opt = {.limit = UINT64_MAX, .print = {.header = true}}};
	for (char *w = strtok_r(line, "|", &state); w; w = strtok_r(NULL, "|", &state))
		word[count++] = w;
	r = cli_options_take(c, &count, word, e);
	rest[0] = 0;
	for (int i = 0; r == 0 && i < count; i++)
		(void)snprintf(rest + strlen(rest), size - strlen(rest), "%s%s", i ? "|" : "", word[i]);
	return r;
}

static void refused(const char *words, int at)
{
	struct cli c;
	struct err e = {0};
	char rest[256], line[256];

	(void)snprintf(line, sizeof(line), "%s", words);
	assert_int_equal(take(&c, line, rest, sizeof(rest), &e), -1);
	assert_int_equal(e.code, ERR_CALL);
	if (at >= 0) {
		assert_int_equal(e.at, at);
		assert_non_null(c.fault);
	}
}

static void test_anywhere(void **state)
{
	struct cli c;
	struct err e = {0};
	char line[] = "packets|--limit|10k|a.pcap|--filter|port == 80|--format=json|--no-header";
	char rest[256];

	(void)state;
	assert_int_equal(take(&c, line, rest, sizeof(rest), &e), 0);
	assert_string_equal(rest, "packets|a.pcap");
	assert_int_equal(c.opt.limit, 10000);
	assert_string_equal(c.opt.filter, "port == 80");
	assert_int_equal(c.opt.print.format, PRINT_JSON);
	assert_false(c.opt.print.header);
}

static void test_end_of_options(void **state)
{
	struct cli c;
	struct err e = {0};
	char line[] = "new|web|--|--limit|-|-x";
	char rest[256];

	(void)state;
	assert_int_equal(take(&c, line, rest, sizeof(rest), &e), 0);
	assert_string_equal(rest, "new|web|--limit|-|-x");
	assert_true(c.opt.limit == UINT64_MAX);
}

static void test_values(void **state)
{
	struct cli c;
	struct err e = {0};
	char line[] = "x|--for|250ms|--count|5|--time|epoch|--outer";
	char rest[256];

	(void)state;
	assert_int_equal(take(&c, line, rest, sizeof(rest), &e), 0);
	assert_int_equal(c.opt.for_ns, 250000000);
	assert_int_equal(c.opt.count, 5);
	assert_int_equal(c.opt.print.zone, TEXT_EPOCH);
	assert_true(c.opt.outer);
}

static void test_wrong(void **state)
{
	(void)state;
	refused("x|--limt|3", 0);
	refused("x|--limit", -1);
	refused("x|--limit|many", 0);
	refused("x|--count|0", 0);
	refused("x|--for|0s", 0);
	refused("x|--time|mars", 0);
	refused("x|--format|xml", 0);
	refused("x|--outer=yes", -1);
	refused("x|--names=yes", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anywhere),
		cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
