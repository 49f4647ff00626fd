#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../../tui/cli.h"
#include "tui/command.h"

static void test_walk_meets_each_once(void **state)
{
	size_t walked = 0, rows = 0;

	(void)state;
	for (const struct command *c = command_next(NULL); c; c = command_next(c))
		walked++;
	for (const struct command *c = shell_commands; c->name; c++)
		rows++;
	for (const struct command *c = console_commands; c->name; c++)
		rows++;
	assert_int_equal(walked, rows);
}

static void test_rows_are_whole(void **state)
{
	(void)state;
	for (const struct command *c = command_next(NULL); c; c = command_next(c)) {
		assert_non_null(c->words);
		assert_non_null(c->summary);
		assert_true(strlen(c->summary) > 5);
		assert_true(c->run || c->shell);
		assert_true(!c->shell == !(c->contexts & COMMAND_SHELL));
	}
}

static void test_shell_verbs_are_unique(void **state)
{
	(void)state;
	for (const struct command *c = shell_commands; c->name; c++) {
		assert_ptr_equal(command_find(c->name, COMMAND_SHELL), c);
		assert_null(capture_table_find(c->name));
	}
}

/* CONTRACT: the verbs that scripts rely on. */
static void test_promised_verbs(void **state)
{
	static const char *const verbs[] = {
		"devices", "new",     "modify", "stop",	  "dismiss", "list",  "show",  "poll",
		"watch",   "counter", "record", "rotate", "save",    "alert", "files", "fetch",
		"cat",	   "analyze", "hosts",	"host",	  "history", "help"};
	static const char *const tables[] = {"summary", "interfaces", "connections", "flows", "endpoints", "protocols", "packets",
					     "packet", "hex", "findings", "dns", "tls", "http", "icmp", "series", "ladder", "stream",
					     "counters"};

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		assert_non_null(command_find(verbs[i], COMMAND_SHELL));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		assert_non_null(capture_table_find(tables[i]));
	assert_null(command_find("nonsense", COMMAND_SHELL | COMMAND_CONSOLE | COMMAND_CONFIG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_meets_each_once),
		cmocka_unit_test(test_rows_are_whole),
		cmocka_unit_test(test_shell_verbs_are_unique),
		cmocka_unit_test(test_promised_verbs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
