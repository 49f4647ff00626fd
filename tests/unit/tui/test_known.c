#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tui/known.h"

static char folder[] = "/tmp/test-known-XXXXXX";

static int group_start(void **state)
{
	(void)state;
	return mkdtemp(folder) && setenv("XDG_STATE_HOME", folder, 1) == 0 ? 0 : -1;
}

static int group_end(void **state)
{
	char *file = xasprintf("%s/tapdeck/hosts", folder), *inner = xasprintf("%s/tapdeck", folder);
	int r = unlink(file) || rmdir(inner) || rmdir(folder) ? -1 : 0;

	(void)state;
	free(file);
	free(inner);
	return r;
}

static void expect(const char *names)
{
	struct known k;
	struct err e = {0};
	char all[256] = "";

	assert_int_equal(known_load(&k, &e), 0);
	for (size_t i = 0; i < k.count; i++)
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "", k.name[i]);
	assert_string_equal(all, names);
	known_release(&k);
}

static void test_add_and_remove(void **state)
{
	struct err e = {0};

	(void)state;
	expect("");
	assert_int_equal(known_add("edge-01", &e), 0);
	assert_int_equal(known_add("me@10.0.0.2", &e), 0);
	assert_int_equal(known_add("edge-01", &e), 0);
	expect("edge-01 me@10.0.0.2");
	assert_int_equal(known_remove("edge-01", &e), 0);
	expect("me@10.0.0.2");
	assert_int_equal(known_remove("edge-01", &e), -1);
	assert_int_equal(e.code, ERR_ABSENT);
}

static void test_names_that_are_none(void **state)
{
	static const char *const names[] = {"", "-oProxyCommand=x", "a b", "a\nb", "a/b", "local", "store"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(known_add(names[i], &e), -1);
		assert_int_equal(e.code, ERR_CALL);
	}
}

static void test_edited_file(void **state)
{
	char *path = xasprintf("%s/tapdeck/hosts", folder);
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fputs("one\n\n-bad\ntwo words\n\x01\nlast", f);
	assert_int_equal(fclose(f), 0);
	expect("one last");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_and_remove),
		cmocka_unit_test(test_names_that_are_none),
		cmocka_unit_test(test_edited_file),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
