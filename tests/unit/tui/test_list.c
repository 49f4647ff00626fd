/* The list widget over a far table: paging, sorting, filters, search, freezing, tags, a link that is lost. */
#include "rig.h"

static const struct list_column columns[] = {
	{.name = "number", .width = 8},
	{.name = "size", .width = 10, .priority = 1},
	{.name = "info", .stretch = true},
};

static struct list *list_start(struct rig *r, uint32_t period_ms)
{
	const struct list_spec spec = {.table = "things", .column = columns, .ncolumns = 3, .key = "number", .sort = "",
				       .period_ms = period_ms, .empty = "nothing"};

	return list_new_on(r->app, &spec, &r->link, "");
}

static void draw(struct rig *r, struct list *l)
{
	canvas_clear(&r->app->canvas);
	list_draw(l, canvas_area(&r->app->canvas), true);
}

static void settle(struct rig *r, struct list *l)
{
	draw(r, l);
	rig_settle(r, l);
	draw(r, l);
	rig_settle(r, l);
}

static void say(struct list *l, const char *a, const char *b)
{
	char first[64], second[64];
	char *word[] = {first, second, NULL};
	struct err e = {.code = ERR_NONE};

	snprintf(first, sizeof(first), "%s", a);
	snprintf(second, sizeof(second), "%s", b ? b : "");
	assert_int_not_equal(list_command(l, b ? 2 : 1, word, &e), REACT_NONE);
	assert_int_equal(e.code, ERR_NONE);
}

static bool seen(struct rig *r, const char *text)
{
	struct buf out;
	bool found;

	buf_init(&out, 1 << 20);
	canvas_text(&r->app->canvas, &out);
	found = strstr(buf_str(&out), text) != NULL;
	buf_release(&out);
	return found;
}

static void assert_row(struct list *l, const char *number)
{
	char *text = list_text(l, "number");

	assert_string_equal(text, number);
	free(text);
}

static void test_paging(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 1000000);
	l = list_start(&r, 0);
	settle(&r, l);
	assert_int_equal(list_total(l), 1000000);
	assert_row(l, "1");
	assert_true(seen(&r, "hay 1"));
	say(l, "last", NULL);
	settle(&r, l);
	assert_row(l, "1000000");
	assert_true(seen(&r, "needle 1000000"));
	assert_true(feed_window(l->feed)->rows <= LIST_WINDOW_ROWS);
	list_goto(l, 500000);
	settle(&r, l);
	assert_row(l, "500001");
	say(l, "page-down", NULL);
	say(l, "up", NULL);
	settle(&r, l);
	assert_row(l, "500022");
	list_free(l);
	rig_stop(&r);
}

static void test_select_far_row(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 200000);
	l = list_start(&r, 0);
	settle(&r, l);
	list_select(l, "123456");
	settle(&r, l);
	assert_row(l, "123456");
	say(l, "sort", "-size");
	settle(&r, l);
	list_select(l, "77");
	settle(&r, l);
	assert_row(l, "77");
	list_select(l, "999999999");
	settle(&r, l);
	assert_non_null(strstr(r.app->toast, "not among"));
	list_free(l);
	rig_stop(&r);
}

static void test_search(void **state)
{
	struct rig r;
	struct list *l;
	struct buf out;

	(void)state;
	rig_start(&r, 100000);
	l = list_start(&r, 0);
	settle(&r, l);
	say(l, "search", "needle");
	settle(&r, l);
	assert_row(l, "1000");
	say(l, "search-next", NULL);
	settle(&r, l);
	assert_row(l, "2000");
	say(l, "search-previous", NULL);
	settle(&r, l);
	say(l, "search-previous", NULL);
	settle(&r, l);
	assert_row(l, "100000");
	buf_init(&out, 4096);
	list_status(l, &out);
	assert_non_null(strstr(buf_str(&out), "match 100 of 100"));
	buf_release(&out);
	say(l, "search", "no such thing");
	settle(&r, l);
	assert_row(l, "100000");
	list_free(l);
	rig_stop(&r);
}

static void test_filter(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 100000);
	l = list_start(&r, 0);
	settle(&r, l);
	list_set_filter(l, "info ~ needle");
	settle(&r, l);
	assert_int_equal(list_total(l), 100);
	assert_row(l, "1000");
	say(l, "exclude-cell", NULL); /* the key's cell */
	settle(&r, l);
	assert_int_equal(list_total(l), 99);
	list_set_filter(l, "infoo == 3"); /* refused: the former one stays */
	settle(&r, l);
	assert_int_equal(list_total(l), 99);
	assert_non_null(strstr(r.app->toast, "infoo"));
	assert_string_equal(r.app->toast_text, "infoo == 3");
	assert_int_equal(r.app->toast_at, 0);
	list_set_filter(l, "");
	settle(&r, l);
	assert_int_equal(list_total(l), 100000);
	list_free(l);
	rig_stop(&r);
}

static bool screen_has(struct rig *r, const char *text)
{
	app_compose(r->app);
	return seen(r, text);
}

static void type_key(struct rig *r, const char *key)
{
	app_key(r->app, key);
	for (int i = 0; i < 1000 && !hub_settled(&r->app->hub); i++)
		uv_run(&r->app->loop, UV_RUN_ONCE);
}

static void type_text(struct rig *r, const char *text)
{
	for (; *text; text++) {
		char key[2] = {*text, 0};
		type_key(r, *text == ' ' ? "space" : key);
	}
}

/* While it is typed the far side says what is wrong and where; what is in force stays so until Enter. */
static void test_filter_typed(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 1000);
	l = list_start(&r, 0);
	settle(&r, l);
	say(l, "filter", NULL);
	type_text(&r, "sizee");
	assert_true(screen_has(&r, "filter: sizee"));
	assert_true(screen_has(&r, "did you mean \"size\"?"));
	assert_true(screen_has(&r, "         ^ "));
	type_key(&r, "backspace");
	type_text(&r, " > ");
	assert_false(screen_has(&r, "did you mean"));
	assert_true(screen_has(&r, "^"));
	type_text(&r, "5");
	assert_false(screen_has(&r, "^"));
	assert_true(screen_has(&r, " ok "));
	assert_int_equal(list_total(l), 1000);
	type_key(&r, "ctrl-u");
	assert_false(screen_has(&r, " ok "));
	type_text(&r, "number == 7");
	type_key(&r, "enter");
	settle(&r, l);
	assert_null(r.app->layer);
	assert_int_equal(list_total(l), 1);
	say(l, "filter", NULL);
	type_text(&r, "x");
	list_free(l); /* with the question and the prompt open */
	assert_null(r.app->layer);
	rig_stop(&r);
}

/* The selection stays with its row when the order moves under it. */
static void test_selection_follows(void **state)
{
	struct rig r;
	struct list *l;
	char *before;

	(void)state;
	rig_start(&r, 50);
	l = list_start(&r, 200);
	settle(&r, l);
	say(l, "sort", "-size");
	settle(&r, l);
	say(l, "down", NULL);
	say(l, "down", NULL);
	before = list_text(l, "number");
	r.salt = 31337;
	r.version++;
	feed_again(l->feed);
	settle(&r, l);
	assert_row(l, before);
	free(before);
	list_free(l);
	rig_stop(&r);
}

static void test_freeze(void **state)
{
	struct rig r;
	struct list *l;
	char *first;

	(void)state;
	rig_start(&r, 5000);
	l = list_start(&r, 200);
	settle(&r, l);
	say(l, "sort", "-size");
	settle(&r, l);
	first = list_text(l, "number");
	say(l, "freeze", NULL);
	settle(&r, l);
	r.salt = 50000;
	r.version++;
	feed_again(l->feed);
	settle(&r, l);
	list_move(l, 0);
	assert_row(l, first); /* in its place, with its new value */
	assert_int_equal(list_value(l, "size").i, ((strtoull(first, NULL, 10) - 1) * 7919 + 50000) % 100003);
	say(l, "freeze", NULL);
	settle(&r, l);
	assert_int_equal(list_total(l), 5000);
	free(first);
	list_free(l);
	rig_stop(&r);
}

static void test_tags(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 50);
	l = list_start(&r, 0);
	settle(&r, l);
	say(l, "tag", NULL);
	say(l, "tag", NULL);
	assert_int_equal(list_tagged(l), 2);
	assert_string_equal(list_tag(l, 1), "2");
	list_move(l, 0);
	say(l, "tag", NULL);
	assert_int_equal(list_tagged(l), 1);
	say(l, "untag", NULL);
	assert_int_equal(list_tagged(l), 0);
	list_free(l);
	rig_stop(&r);
}

static void test_pause(void **state)
{
	struct rig r;
	struct list *l;
	uint64_t serial;

	(void)state;
	rig_start(&r, 50);
	l = list_start(&r, 200);
	settle(&r, l);
	app_set_pause(r.app, true);
	serial = feed_serial(l->feed);
	for (int64_t until = clock_mono_ns() + 5 * NS_PER_S; feed_held(l->feed) < 2 && clock_mono_ns() < until;)
		uv_run(&r.app->loop, UV_RUN_ONCE);
	assert_true(feed_held(l->feed) >= 2);
	assert_int_equal(feed_serial(l->feed), serial);
	app_set_pause(r.app, false);
	settle(&r, l);
	assert_true(feed_serial(l->feed) > serial);
	list_free(l);
	rig_stop(&r);
}

/* What was known stays to be seen, and the question is asked again on the next link. */
static void test_lost_link(void **state)
{
	struct rig r;
	struct list *l;
	struct err e;

	(void)state;
	rig_start(&r, 50);
	l = list_start(&r, 200);
	settle(&r, l);
	rig_break(&r);
	draw(&r, l);
	assert_int_equal(feed_state(l->feed), FEED_STALE);
	assert_int_equal(list_total(l), 50);
	assert_true(seen(&r, "hay 1"));
	r.rows = 60;
	assert_non_null(rig_client(&r, &e));
	hub_link_changed(&r.app->hub, &r);
	settle(&r, l);
	assert_int_equal(list_total(l), 60);
	list_free(l);
	rig_stop(&r);
}

/* An answer that is still being made has no row yet: that is not "nothing", and its rows do not wait for the period. */
static void test_first_rows(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 0);
	r.reading = true;
	l = list_start(&r, 3600000);
	settle(&r, l);
	assert_false(seen(&r, "nothing"));
	assert_true(seen(&r, "waiting for the first rows"));
	assert_false(list_ready(l));
	assert_non_null(strstr(r.app->toast, "still on their way"));
	r.rows = 3;
	for (int64_t until = clock_mono_ns() + 5 * NS_PER_S; !list_has_row(l) && clock_mono_ns() < until;)
		uv_run(&r.app->loop, UV_RUN_ONCE);
	settle(&r, l);
	assert_row(l, "1");
	assert_true(list_ready(l));
	r.reading = false;
	r.queries = 0;
	settle(&r, l);
	assert_int_equal(r.queries, 0); /* the same question, however often it was asked for */
	list_free(l);
	rig_stop(&r);
}

static void test_narrow(void **state)
{
	struct rig r;
	struct list *l;

	(void)state;
	rig_start(&r, 50);
	l = list_start(&r, 0);
	app_resize(r.app, 24, 10);
	settle(&r, l);
	assert_false(seen(&r, "SIZE"));
	assert_true(seen(&r, "NUMBER"));
	app_resize(r.app, 80, 24);
	settle(&r, l);
	assert_true(seen(&r, "SIZE"));
	list_free(l);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paging),
		cmocka_unit_test(test_select_far_row),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_typed),
		cmocka_unit_test(test_selection_follows),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_lost_link),
		cmocka_unit_test(test_first_rows),
		cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
