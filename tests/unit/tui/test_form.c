/* Forms and options: fields, what is said below them, the equivalent command; options go through text and back. */
#include "rig.h"

#include "../../../tui/form_private.h"

struct asked {
	unsigned changed, closed, submitted;
	bool refuse;
	char result[256];
};

static void on_changed(void *arg, struct form *f, size_t field)
{
	struct asked *k = arg;

	(void)field;
	k->changed++;
	if (strstr(form_text(f, "filter"), "prt"))
		form_say(f, "filter", STYLE_ERROR, 4, "syntax error near \"prt\"");
	else
		form_say(f, "filter", STYLE_GOOD, -1, "");
}

static void on_command(void *arg, const struct form *f, struct buf *out)
{
	(void)arg;
	buf_printf(out, "new %s device %s filter %s", form_text(f, "name"), form_text(f, "devices"), form_text(f, "filter"));
}

static int on_submitted(void *arg, struct form *f, struct err *e)
{
	struct asked *k = arg;

	k->submitted++;
	if (k->refuse)
		return err_set(e, ERR_CALL, "the name is taken");
	snprintf(k->result, sizeof(k->result), "%s|%s|%s|%s|%s", form_text(f, "name"), form_text(f, "devices"), form_text(f, "filter"),
		 form_text(f, "mode"), form_text(f, "tick"));
	return 0;
}

static void on_closed(void *arg)
{
	((struct asked *)arg)->closed++;
}

static const struct field fields[] = {
	{.name = "note", .label = "", .kind = FIELD_NOTE, .text = "New capture session"},
	{.name = "name", .label = "Name", .kind = FIELD_TEXT, .text = "web"},
	{.name = "devices", .label = "Device", .kind = FIELD_TICKS, .text = "eth0", .choices = "eth0\t10G up\neth1\t1G down\nlo"},
	{.name = "filter", .label = "Filter", .kind = FIELD_TEXT, .hint = "as tcpdump's"},
	{.name = "mode", .label = "Save", .kind = FIELD_CHOICE, .text = "count", .choices = "record\ncount"},
	{.name = "tick", .label = "Own", .kind = FIELD_TICK},
};

static struct form *form_start(struct rig *r, struct asked *k)
{
	const struct form_spec s = {.title = "New", .field = fields, .nfields = 6, .submit = "Start", .changed = on_changed,
				    .command = on_command, .submitted = on_submitted, .closed = on_closed, .arg = k};

	return app_form(r->app, &s);
}

static void type(struct app *a, const char *text)
{
	for (; *text; text++) {
		char key[2] = {*text, 0};
		app_key(a, *text == ' ' ? "space" : key);
	}
}

static bool seen(struct rig *r, const char *text)
{
	struct buf out;
	bool found;

	buf_init(&out, 1 << 20);
	app_compose(r->app);
	canvas_text(&r->app->canvas, &out);
	found = strstr(buf_str(&out), text) != NULL;
	buf_release(&out);
	return found;
}

static void test_fields(void **state)
{
	struct asked k = {0};
	struct rig r;

	(void)state;
	rig_start(&r, 0);
	form_start(&r, &k);
	assert_true(k.changed >= 5);
	type(r.app, "2");
	app_key(r.app, "tab");
	app_key(r.app, "down");
	app_key(r.app, "space"); /* eth1 too */
	app_key(r.app, "tab");
	type(r.app, "tcp prt");
	assert_true(seen(&r, "^ syntax error near \"prt\""));
	assert_true(seen(&r, "as a command: new web2 device eth0,eth1 filter tcp prt"));
	app_key(r.app, "ctrl-u");
	type(r.app, "tcp port 80");
	assert_false(seen(&r, "syntax error"));
	app_key(r.app, "tab");
	app_key(r.app, "left");
	app_key(r.app, "tab");
	app_key(r.app, "space");
	assert_true(seen(&r, "[x]"));
	k.refuse = true;
	app_key(r.app, "enter");
	assert_non_null(r.app->layer);
	assert_true(seen(&r, "the name is taken"));
	k.refuse = false;
	app_key(r.app, "enter");
	assert_null(r.app->layer);
	assert_string_equal(k.result, "web2|eth0,eth1|tcp port 80|record|yes");
	assert_int_equal(k.closed, 1);
	rig_stop(&r);
}

static void test_escape_and_sizes(void **state)
{
	static const int size[][2] = {{60, 15}, {80, 24}, {200, 60}, {20, 5}, {40, 10}, {1, 1}};
	struct asked k = {0};
	struct rig r;

	(void)state;
	rig_start(&r, 0);
	form_start(&r, &k);
	for (size_t i = 0; i < ARRAY_LEN(size); i++) {
		app_resize(r.app, size[i][0], size[i][1]);
		for (int n = 0; n < 6; n++) {
			app_compose(r.app);
			app_key(r.app, "tab");
		}
	}
	app_key(r.app, "escape");
	assert_null(r.app->layer);
	assert_int_equal(k.closed, 1);
	assert_int_equal(k.submitted, 0);
	rig_stop(&r);
}

static void test_choices_change(void **state)
{
	struct asked k = {0};
	struct form *f;
	struct rig r;

	(void)state;
	rig_start(&r, 0);
	f = form_start(&r, &k);
	form_set_choices(f, "devices", "lo\neth0\nwlan0"); /* what is ticked stays */
	assert_string_equal(form_text(f, "devices"), "eth0");
	form_set(f, "name", "other\033[2J");
	assert_string_equal(form_text(f, "name"), "other[2J");
	form_close(f);
	assert_int_equal(k.closed, 1);
	rig_stop(&r);
}

static bool confirmed;

static void on_yes(void *arg)
{
	(void)arg;
	confirmed = true;
}

static void test_confirm(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, 0);
	app_confirm(r.app, "Stop web?", on_yes, NULL);
	app_key(r.app, "enter"); /* the safe answer is the first */
	assert_false(confirmed);
	app_confirm(r.app, "Stop web?", on_yes, NULL);
	app_key(r.app, "y");
	assert_true(confirmed);
	assert_null(r.app->layer);
	rig_stop(&r);
}

static void test_options(void **state)
{
	struct options o, copy;
	struct err e = {.code = ERR_NONE};

	(void)state;
	options_init(&o);
	options_set(&o, "theme", "light", &e);
	options_set(&o, "period", "2k", &e);
	options_set(&o, "confirm", "off", &e);
	assert_int_equal(e.code, ERR_NONE);
	options_init(&copy);
	for (int id = 0; id < OPTION_COUNT; id++) {
		struct buf text;
		assert_true(option_table[id].summary[0] != 0);
		buf_init(&text, 64);
		options_print(&o, (enum option_id)id, &text);
		assert_int_equal(options_set(&copy, option_table[id].name, buf_str(&text), &e), 0);
		assert_int_equal(o.value[id], copy.value[id]);
		buf_release(&text);
	}
	assert_int_equal(o.value[OPTION_PERIOD], 2000);
	assert_int_equal(options_set(&o, "period", "5", &e), -1);
	assert_int_equal(options_set(&o, "theme", "pink", &e), -1);
	assert_int_equal(options_set(&o, "them", "dark", &e), -1);
	assert_non_null(strstr(e.text, "theme"));
	assert_int_equal(o.value[OPTION_PERIOD], 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),	cmocka_unit_test(test_escape_and_sizes), cmocka_unit_test(test_choices_change),
		cmocka_unit_test(test_confirm), cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
