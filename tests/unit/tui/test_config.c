/* tapdeck.conf, the event log, scripts: what comes from files. */
#include "rig.h"

static char folder[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/tapdeck-tui.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	static const char *const name[] = {"tapdeck.conf", "script", "shot", "history"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		char *path = xasprintf("%s/%s", folder, name[i]);
		unlink(path);
		free(path);
	}
	return rmdir(folder);
}

static char *file_make(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static struct app *app_make(bool config)
{
	const struct console_options o = {.script = "test", .fixed_clock = true, .no_config = !config, .charset = "utf8"};
	struct err e;
	struct app *a = app_new(&o, &e);

	assert_non_null(a);
	return a;
}

static void test_config(void **state)
{
	char *path = file_make("tapdeck.conf", "# mine\n\nset period 2000 # slower\ntheme light\nbind list J page-down\n"
					      "bind f12 'open events'\nset no-such thing\nquit\nbind x\n");
	struct value v[4];
	struct app *a;

	(void)state;
	setenv("TAPDECK_CONFIG", path, 1);
	a = app_make(true);
	assert_int_equal(a->options.value[OPTION_PERIOD], 2000);
	assert_string_equal(a->theme->name, "light");
	assert_string_equal(keymap_key(a->keymap, "events", true, "J")->command, "page-down");
	assert_string_equal(keymap_key(a->keymap, "events", true, "f12")->command, "open events");
	assert_false(a->quit); /* no command of the file */
	assert_true(app_event_at(a, 0, v));
	assert_non_null(strstr(v[3].s.p, "line 9"));
	assert_true(app_event_at(a, 2, v));
	assert_non_null(strstr(v[3].s.p, "line 7"));
	assert_false(app_event_at(a, 3, v));
	app_free(a);
	unsetenv("TAPDECK_CONFIG");
	free(path);
}

static void test_events_are_bounded(void **state)
{
	struct app *a = app_make(false);
	struct table t = app_events(a);
	struct value v[4];

	(void)state;
	for (unsigned i = 0; i < APP_EVENTS_MAX + 10; i++) {
		char text[32];
		snprintf(text, sizeof(text), "event %u", i);
		app_event(a, i + 1, SEVERITY_WARN, "db-02:web", text);
	}
	assert_int_equal(t.rows(t.data), APP_EVENTS_MAX);
	assert_true(app_event_at(a, 0, v));
	assert_string_equal(v[3].s.p, "event 2009");
	assert_string_equal(t.cell(t.data, 0, 4).s.p, "event 10");
	assert_int_equal(t.cell(t.data, 0, 0).i, 11);
	app_free(a);
}

static void test_script(void **state)
{
	char *shot = xasprintf("%s/shot", folder);
	char *text = xasprintf("# a script\nsize 60x15\nO\n:set time local\nwait Events 5\nscreenshot %s\n:quit\nno such line\n", shot);
	char *path = file_make("script", text), seen[4096] = "";
	struct console_options o = {.script = path, .fixed_clock = true, .no_config = true, .charset = "ascii"};
	struct err e;
	FILE *f;

	(void)state;
	assert_int_equal(console_run(&o, &e), 0);
	f = fopen(shot, "r");
	assert_non_null(f);
	assert_true(fread(seen, 1, sizeof(seen) - 1, f) > 0);
	fclose(f);
	assert_non_null(strstr(seen, "Sessions > Events"));
	assert_non_null(strstr(seen, "03:04"));
	for (const char *p = seen; *p; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
	free(path);
	path = file_make("script", "nonsense here\n");
	o.script = path;
	assert_int_equal(console_run(&o, &e), -1);
	assert_non_null(strstr(e.text, "line 1"));
	free(path);
	free(text);
	free(shot);
}

static void test_history_is_kept(void **state)
{
	char *path = xasprintf("%s/history", folder);
	struct history *h = history_open(path);

	(void)state;
	history_add(h, "tcp port 80");
	history_add(h, "tcp port 80");
	history_add(h, "udp");
	history_free(h);
	h = history_open(path);
	assert_string_equal(history_at(h, 1), "udp");
	assert_string_equal(history_at(h, 2), "tcp port 80");
	assert_null(history_at(h, 3));
	for (int i = 0; i < HISTORY_ENTRIES_MAX + 5; i++) {
		char line[16];
		snprintf(line, sizeof(line), "%d", i);
		history_add(h, line);
	}
	assert_null(history_at(h, HISTORY_ENTRIES_MAX + 1));
	history_free(h);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_events_are_bounded),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_history_is_kept),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
