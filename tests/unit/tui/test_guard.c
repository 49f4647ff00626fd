/* A read-only console acts on nothing; what loses something is asked for, and says what. */
#include "rig.h"

#include "../../../tui/guard.h"
#include "tui/command.h"

static bool screen_has(struct app *a, const char *text)
{
	struct buf out;
	bool has;

	buf_init(&out, 1u << 20);
	app_compose(a);
	canvas_text(&a->canvas, &out);
	has = strstr(buf_str(&out), text) != NULL;
	buf_release(&out);
	return has;
}

static void test_readonly_runs_nothing_that_acts(void **state)
{
	static const char *const acting[] = {"new", "new web record", "stop web", "modify web icmp", "record web on", "counter web remove dns",
					     "alert web x", "dismiss web", "rotate web", "save web", "stop-session", "modify-session", "counter-session"};
	struct rig r;

	(void)state;
	rig_start(&r, 0);
	app_tab(r.app, '1');
	assert_int_equal(app_run(r.app, "set readonly on"), 0);
	for (size_t i = 0; i < ARRAY_LEN(acting); i++) {
		assert_int_equal(app_run(r.app, acting[i]), -1);
		assert_non_null(strstr(r.app->toast, "read-only"));
		assert_null(r.app->verbs);
		assert_null(r.app->layer);
	}
	assert_true(screen_has(r.app, "READ-ONLY"));
	assert_false(screen_has(r.app, "Stop")); /* nor is it offered */
	assert_int_equal(app_run(r.app, "help"), 0); /* what only shows goes on */
	assert_false(screen_has(r.app, "record-session"));
	app_key(r.app, "escape");
	assert_int_equal(app_run(r.app, "set readonly off"), 0);
	assert_int_equal(app_run(r.app, "new"), 0);
	assert_non_null(r.app->layer);
	rig_stop(&r);
}

/* Every command of the console that is a verb of hosts is marked, whoever adds one. */
static void test_verbs_are_marked(void **state)
{
	(void)state;
	for (const struct command *c = console_commands; c->name; c++) {
		const struct command *shell = command_find(c->name, COMMAND_SHELL);

		if (shell && strcmp(c->name, "help") != 0)
			assert_true(c->contexts & COMMAND_ACTS);
	}
}

/* Every word of a pane that is said to act is one of its words. */
static void test_panes_name_their_own(void **state)
{
	(void)state;
	for (size_t i = 0; pane_types[i]; i++) {
		const char *at = pane_types[i]->acts;

		while (at && *at) {
			const size_t len = strcspn(at, " ");
			const struct pane_word *w = pane_types[i]->words;

			while (w->name && (strlen(w->name) != len || strncmp(w->name, at, len) != 0))
				w++;
			assert_non_null(w->name);
			at += len;
			at += strspn(at, " ");
		}
	}
}

static void test_fixed_readonly_stays(void **state)
{
	const struct console_options o = {.script = "", .no_config = true, .readonly = true};
	struct err e = {.at = -1};
	struct app *a = app_new(&o, &e);

	(void)state;
	assert_true(app_readonly(a));
	assert_int_equal(app_run(a, "set readonly off"), -1);
	assert_true(app_readonly(a));
	app_free(a);
}

static unsigned confirmed;

static void on_yes(void *arg)
{
	(void)arg;
	confirmed++;
}

static void test_loss_is_said(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, 0);
	confirmed = 0;
	app_confirm_loss(r.app, "Stop web?", "What was not recorded is gone for good, and a long sentence is broken over lines.", on_yes, NULL);
	assert_true(screen_has(r.app, "gone for good"));
	assert_true(screen_has(r.app, "lines."));
	app_key(r.app, "n");
	assert_int_equal(confirmed, 0);
	assert_int_equal(app_run(r.app, "set confirm off"), 0);
	app_confirm_loss(r.app, "Stop web?", "All of it.", on_yes, NULL);
	assert_int_equal(confirmed, 1);
	rig_stop(&r);
}

static void test_quit_asks_for_what_goes_with_it(void **state)
{
	struct rig r;
	struct host *h;

	(void)state;
	rig_start(&r, 0);
	h = hosts_get(app_hosts(r.app), "");
	guard_began(r.app, h, "mine");
	app_run(r.app, "quit");
	assert_false(r.app->quit);
	assert_true(screen_has(r.app, "mine ends with this console"));
	app_key(r.app, "n");
	assert_false(r.app->quit);
	guard_ended(r.app, h, "mine");
	app_run(r.app, "quit");
	assert_true(r.app->quit);
	rig_stop(&r);
}

/* What a host tells is in the log once; a warning is on every screen too. */
static void test_warnings_are_seen(void **state)
{
	struct rig r;
	struct value v[4];

	(void)state;
	rig_start(&r, 0);
	app_event_told(r.app, 5, SEVERITY_NOTE, "edge-01:web", "rotated");
	assert_null(r.app->toast);
	app_event_told(r.app, 6, SEVERITY_WARN, "edge-01:web", "alert: pps > 1000");
	assert_true(screen_has(r.app, "! edge-01:web: alert: pps > 1000"));
	assert_true(app_event_at(r.app, 0, v));
	assert_int_equal(v[0].i, 6);
	assert_true(app_event_at(r.app, 1, v));
	assert_false(app_event_at(r.app, 2, v));
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readonly_runs_nothing_that_acts), cmocka_unit_test(test_verbs_are_marked),
		cmocka_unit_test(test_panes_name_their_own),		cmocka_unit_test(test_fixed_readonly_stays),
		cmocka_unit_test(test_warnings_are_seen), cmocka_unit_test(test_loss_is_said),			cmocka_unit_test(test_quit_asks_for_what_goes_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
