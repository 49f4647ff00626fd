/* Profiles: words of `new` under a name; tapdeck.conf keeps everything else as it is. */
#include "rig.h"

#include <sys/stat.h>

#include "base/words.h"
#include "tui/profile.h"

static char path[64];

static void config_write(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static char *config_text(void)
{
	FILE *f = fopen(path, "r");
	char *text = xcalloc(1, 65536);

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) < 65535);
	assert_int_equal(fclose(f), 0);
	return text;
}

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/tapdeck-profile-%ld", (long)getpid());
	return setenv("TAPDECK_CONFIG", path, 1);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* The words with their profiles replaced, joined by |; NULL with the sentence in *e. */
static const char *expanded(const struct profiles *p, const char *line, char out[512], struct err *e)
{
	struct words w = {0};
	char **list;
	int count;

	assert_int_equal(words_parse(&w, line, e), 0);
	count = w.count;
	list = profile_expand(p, &count, w.word, e);
	words_release(&w);
	out[0] = 0;
	for (int i = 0; list && i < count; i++) {
		const size_t len = strlen(out);

		snprintf(out + len, 512 - len, "%s%s", i ? "|" : "", list[i]);
	}
	profile_words_free(list);
	return list ? out : NULL;
}

static void test_expand(void **state)
{
	struct profiles *p = profiles_new();
	struct err e = {.at = -1};
	char text[512];

	(void)state;
	assert_int_equal(profiles_set(p, "night", "record every 60s note 'all of it'", &e), 0);
	assert_string_equal(expanded(p, "new web filter icmp", text, &e), "new|web|filter|icmp");
	assert_string_equal(expanded(p, "new web profile night filter 'tcp port 80'", text, &e),
			    "new|web|record|every|60s|note|all of it|filter|tcp port 80");
	assert_string_equal(expanded(p, "new web note profile record", text, &e), "new|web|note|profile|record"); /* a value, whatever it is */
	assert_null(expanded(p, "new web profile nigth", text, &e));
	assert_non_null(strstr(e.text, "did you mean 'night'"));
	assert_null(expanded(p, "new profile profile", text, &e)); /* a session may be called so, and a name is missing */
	profiles_free(p);
}

static void test_what_is_refused(void **state)
{
	struct profiles *p = profiles_new();
	struct err e = {.at = -1};

	(void)state;
	assert_int_equal(profiles_set(p, "", "record", &e), -1);
	assert_int_equal(profiles_set(p, "a b", "record", &e), -1);
	assert_int_equal(profiles_set(p, "x", "", &e), -1);
	assert_int_equal(profiles_set(p, "x", "recrod", &e), -1);
	assert_non_null(strstr(e.text, "recrod"));
	assert_int_equal(profiles_set(p, "x", "note 'open", &e), -1);
	assert_int_equal(profiles_set(p, "x", "note \"a\nset theme mono\"", &e), -1); /* one line in the file */
	assert_null(profiles_find(p, "x"));
	profiles_free(p);
}

static void test_the_file_keeps_the_rest(void **state)
{
	struct profiles *p = profiles_new();
	struct err e = {.at = -1};
	char *text;

	(void)state;
	config_write("# mine\nset theme dark\nprofile night count\n\nbind list ctrl-f filter # why\nprofile day record");
	assert_int_equal(profiles_save("night", "record every 60s", &e), 0);
	text = config_text();
	assert_string_equal(text, "# mine\nset theme dark\nprofile night record every 60s\n\nbind list ctrl-f filter # why\nprofile day record\n");
	free(text);
	assert_int_equal(profiles_save("dusk", "count note 'a b'", &e), 0);
	assert_int_equal(profiles_load(p, &e), 0);
	assert_string_equal(profiles_find(p, "night"), "record every 60s");
	assert_string_equal(profiles_find(p, "day"), "record");
	assert_string_equal(profiles_find(p, "dusk"), "count note 'a b'");
	profiles_free(p);
}

static void test_a_link_stays_one(void **state)
{
	struct err e = {.at = -1};
	char real[80], *text;
	struct stat st;

	(void)state;
	snprintf(real, sizeof(real), "%s.real", path);
	config_write("");
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
	assert_int_equal(profiles_save("night", "record", &e), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	text = config_text();
	assert_string_equal(text, "profile night record\n");
	free(text);
	assert_int_equal(unlink(real), 0);
}

/* In the console: known at once; out of the file, not written again. */
static void test_console(void **state)
{
	const struct console_options o = {.script = ""};
	struct err e = {.at = -1};
	struct app *a;
	char *text;

	(void)state;
	assert_true(unlink(path) == 0);
	config_write("profile night record\nprofile bad nonsense\n");
	a = app_new(&o, &e);
	assert_string_equal(profiles_find(a->profiles, "night"), "record");
	assert_null(profiles_find(a->profiles, "bad"));
	assert_non_null(strstr(a->toast, "line 2"));
	assert_int_equal(app_run(a, "profile day count note 'x y'"), 0);
	text = config_text();
	assert_string_equal(text, "profile night record\nprofile bad nonsense\nprofile day count note 'x y'\n");
	free(text);
	app_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),	       cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_the_file_keeps_the_rest),
		cmocka_unit_test(test_a_link_stays_one), cmocka_unit_test(test_console),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
