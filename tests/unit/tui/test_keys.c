/* The key table, what is bound over it, help and palette. */
#include "rig.h"

#include "../../../tui/menu.h"
#include "tui/command.h"

static void test_no_key_twice(void **state)
{
	(void)state;
	for (const struct key *a = key_table; a->key; a++) {
		assert_true(key_valid(a->key));
		for (const struct key *b = a + 1; b->key; b++) {
			if (strcmp(a->context, b->context) == 0 && strcmp(a->key, b->key) == 0)
				fail_msg("%s is bound twice in '%s'", a->key, a->context);
		}
	}
}

static bool word_of(const struct pane_word *w, const char *name)
{
	for (; w && w->name; w++) {
		if (strcmp(w->name, name) == 0)
			return true;
	}
	return false;
}

static bool command_exists(const struct key *k, const char *name)
{
	const struct pane_type *pane = pane_find(k->context);

	if (command_find(name, COMMAND_CONSOLE) || strcmp(name, "next-part") == 0 || strcmp(name, "previous-part") == 0)
		return true;
	if (strcmp(k->context, "list") == 0)
		return word_of(list_words, name);
	return pane && (word_of(pane->words, name) || (pane->list && word_of(list_words, name)));
}

static void test_every_command_exists(void **state)
{
	(void)state;
	for (const struct key *k = key_table; k->key; k++) {
		char name[64];
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(k->command, " "), k->command);
		if (k->context[0] && strcmp(k->context, "list") != 0)
			assert_non_null(pane_find(k->context));
		if (!command_exists(k, name))
			fail_msg("key %s of '%s' says '%s', which is no command there", k->key, k->context, k->command);
	}
}

static void test_contexts(void **state)
{
	struct keymap *m = keymap_new();
	struct err e = {.code = ERR_NONE};

	(void)state;
	assert_string_equal(keymap_key(m, "events", true, "j")->command, "down");
	assert_null(keymap_key(m, "events", false, "j"));
	assert_string_equal(keymap_key(m, "sessions", true, "1")->command, "tab 1");
	assert_int_equal(keymap_bind(m, "all", "f12", "open events", &e), 0);
	assert_string_equal(keymap_key(m, "sessions", true, "f12")->command, "open events");
	assert_int_equal(keymap_bind(m, "list", "j", "page-down", &e), 0);
	assert_string_equal(keymap_key(m, "events", true, "j")->command, "page-down");
	assert_int_equal(keymap_bind(m, "list", "j", "", &e), 0);
	assert_null(keymap_key(m, "events", true, "j"));
	assert_int_equal(keymap_bind(m, "list", "page-dwn", "down", &e), -1);
	assert_non_null(strstr(e.text, "page-down"));
	keymap_free(m);
}

static void test_labels(void **state)
{
	struct keymap *m = keymap_new();
	char text[64];

	(void)state;
	keymap_keys(m, "events", true, "search", text, sizeof(text));
	assert_string_equal(text, "F3 /");
	keymap_keys(m, "events", true, "page-down", text, sizeof(text));
	assert_string_equal(text, "PgDn Ctrl-F");
	keymap_free(m);
}

/* The rules of the interface: every function key has a letter too. */
static void test_function_keys_have_letters(void **state)
{
	(void)state;
	for (const struct key *k = key_table; k->key; k++) {
		bool other = false;
		if (k->key[0] != 'f' || !k->key[1] || strcmp(k->command, "set") == 0)
			continue;
		for (const struct key *o = key_table; o->key; o++)
			other = other || (o != k && strcmp(o->context, k->context) == 0 && strcmp(o->command, k->command) == 0);
		if (!other)
			fail_msg("%s of '%s' (%s) has no letter", k->key, k->context, k->command);
	}
}

static const struct menu_item *menu_find(const struct menu *m, const char *command)
{
	for (size_t i = 0; i < m->nitems; i++) {
		if (strcmp(m->item[i].command, command) == 0)
			return &m->item[i];
	}
	return NULL;
}

static void test_help_covers_all(void **state)
{
	struct rig r;
	struct said s;
	struct err e;

	(void)state;
	rig_start(&r, 0);
	assert_int_equal(app_open(r.app, "events", "", "", "", &e), 0);
	app_key(r.app, "?");
	assert_non_null(r.app->layer);
	for (size_t i = 0; app_said(r.app, i, &s); i++) {
		struct key k;
		bool bound = false;
		for (size_t n = 0; keymap_at(r.app->keymap, n, &k); n++)
			bound = bound || strncmp(k.command, s.name, strlen(s.name)) == 0;
		if (!menu_find((struct menu *)r.app->layer, s.name) && !bound)
			fail_msg("the help does not list '%s'", s.name);
		assert_true(s.summary[0] != 0);
	}
	app_key(r.app, "escape");
	assert_null(r.app->layer);
	rig_stop(&r);
}

static void type(struct app *a, const char *text)
{
	for (; *text; text++) {
		char key[2] = {*text, 0};
		app_key(a, *text == ' ' ? "space" : key);
	}
}

static void test_palette_runs(void **state)
{
	struct rig r;
	struct err e;

	(void)state;
	rig_start(&r, 0);
	assert_int_equal(app_open(r.app, "events", "", "", "", &e), 0);
	app_key(r.app, "ctrl-p");
	type(r.app, "paus");
	app_key(r.app, "enter");
	assert_null(r.app->layer);
	assert_true(app_paused(r.app));
	app_key(r.app, "p");
	assert_false(app_paused(r.app));
	app_key(r.app, "ctrl-p"); /* one that wants a word goes to the command line */
	type(r.app, "scrsh");
	app_key(r.app, "enter");
	assert_non_null(r.app->layer);
	app_key(r.app, "escape");
	app_key(r.app, "Q");
	assert_true(r.app->quit);
	rig_stop(&r);
}

static void test_prompt_keeps_what_is_wrong(void **state)
{
	struct rig r;
	struct err e;

	(void)state;
	rig_start(&r, 0);
	assert_int_equal(app_open(r.app, "events", "", "", "", &e), 0);
	app_key(r.app, ":");
	type(r.app, "theme drak");
	app_key(r.app, "enter");
	assert_non_null(r.app->layer);
	for (int i = 0; i < 4; i++)
		app_key(r.app, "backspace");
	type(r.app, "dark");
	app_key(r.app, "enter");
	assert_null(r.app->layer);
	assert_string_equal(r.app->theme->name, "dark");
	app_key(r.app, ":");
	app_key(r.app, "up"); /* history */
	app_key(r.app, "enter");
	assert_string_equal(r.app->theme->name, "dark");
	app_key(r.app, ":");
	type(r.app, "no-such-word");
	app_key(r.app, "enter");
	assert_non_null(r.app->layer);
	rig_stop(&r);
}

static void test_back_reaches_the_root(void **state)
{
	struct rig r;
	struct err e;

	(void)state;
	rig_start(&r, 0);
	app_open(r.app, "events", "", "", "", &e);
	app_key(r.app, "?");
	for (int i = 0; i < 10; i++)
		app_key(r.app, "escape");
	assert_null(r.app->layer);
	assert_non_null(app_pane(r.app));
	assert_null(app_pane(r.app)->below);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_key_twice),
		cmocka_unit_test(test_every_command_exists),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_function_keys_have_letters),
		cmocka_unit_test(test_help_covers_all),
		cmocka_unit_test(test_palette_runs),
		cmocka_unit_test(test_prompt_keeps_what_is_wrong),
		cmocka_unit_test(test_back_reaches_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
