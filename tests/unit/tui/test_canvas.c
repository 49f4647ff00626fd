/* Cells, hostile text, wide characters, bars and graphs, the styles of all themes. */
#include "rig.h"

static char *text_of(const struct canvas *c)
{
	struct buf out;
	char *text;

	buf_init(&out, 1 << 20);
	canvas_text(c, &out);
	text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

static void assert_line(const struct canvas *c, const char *line)
{
	char *text = text_of(c);

	text[strcspn(text, "\n")] = 0;
	assert_string_equal(text, line);
	free(text);
}

static void drawn(const char *text, bool utf8, const char *line)
{
	struct canvas c;

	canvas_init(&c, 20, 2, utf8);
	area_text(canvas_area(&c), 0, 0, STYLE_NORMAL, text);
	assert_line(&c, line);
	canvas_release(&c);
}

static void test_hostile(void **state)
{
	(void)state;
	drawn("a\033[2Jb", true, "a\\x1b[2Jb");
	drawn("\x9b" "31m", true, "\\x9b31m");       /* a C1 byte is no UTF-8 */
	drawn("\xc2\x9b" "31m", true, "\\x9b31m");    /* C1 as UTF-8 */
	drawn("x\xe2\x80\xae" "y", true, "x.y");      /* right-to-left override */
	drawn("\xff\xfe", true, "\\xff\\xfe");
	drawn("tab\tnl\n", true, "tab\\x09nl\\x0a");
	drawn("e\xcc\x81", true, "e");		      /* combining: left out */
	drawn("\xc3\xa9", false, "?");
}

static void test_wide(void **state)
{
	struct canvas c;
	struct area a;

	(void)state;
	canvas_init(&c, 5, 1, true);
	a = canvas_area(&c);
	assert_int_equal(area_text(a, 0, 0, STYLE_NORMAL, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), 4); /* the third has half the room */
	assert_line(&c, "\xe6\x97\xa5\xe6\x9c\xac");
	area_text(a, 1, 0, STYLE_NORMAL, "x"); /* over the right half: the left one goes too */
	assert_line(&c, " x\xe6\x9c\xac");
	canvas_release(&c);
}

static void test_cutting(void **state)
{
	struct canvas c;
	struct area a;

	(void)state;
	canvas_init(&c, 10, 3, true);
	a = area_part(canvas_area(&c), 2, 0, 4, 1);
	area_text(a, 0, 0, STYLE_NORMAL, "abcdefgh");
	assert_line(&c, "  abcd");
	area_right(a, 0, 0, STYLE_NORMAL, "1234567", 4);
	assert_line(&c, "  <567");
	area_text(a, 0, 5, STYLE_NORMAL, "outside");
	area_text(a, -3, 0, STYLE_NORMAL, "outside");
	area_part(canvas_area(&c), 50, 50, 10, 10);
	area_fill(area_part(canvas_area(&c), -5, -5, 100, 100), '.', STYLE_DIM);
	assert_line(&c, "..........");
	canvas_release(&c);
}

static void test_frame(void **state)
{
	struct canvas c;
	char *text;

	(void)state;
	canvas_init(&c, 12, 3, false);
	area_text(area_frame(canvas_area(&c), "ab", true), 0, 0, STYLE_NORMAL, "in");
	text = text_of(&c);
	assert_string_equal(text, "+ ab ------+\n|in        |\n+----------+\n");
	free(text);
	canvas_release(&c);
}

static void test_charts(void **state)
{
	static const double sample[] = {0, 1, 4, 8, -1, 8};
	struct canvas c;
	struct area a;

	(void)state;
	canvas_init(&c, 8, 4, true);
	a = canvas_area(&c);
	area_spark(a, 0, 0, 6, sample, 6, 0, STYLE_GRAPH);
	assert_line(&c, "\u2581\u2581\u2584\u2588 \u2588"); /* zero is a block, a gap is blank */
	area_fill(a, ' ', STYLE_NORMAL);
	area_bar(a, 0, 0, 4, 0.5, STYLE_GRAPH);
	assert_line(&c, "\u2588\u2588");
	area_graph(a, sample, 6, "b/s", STYLE_GRAPH);
	area_graph(a, sample, 0, "b/s", STYLE_GRAPH);
	canvas_release(&c);
	canvas_init(&c, 8, 1, false);
	area_spark(canvas_area(&c), 0, 0, 4, sample, 4, 0, STYLE_GRAPH);
	assert_line(&c, "..=@");
	canvas_release(&c);
}

static void test_styles(void **state)
{
	struct canvas c;
	struct buf out;

	(void)state;
	canvas_init(&c, 4, 1, true);
	area_style(canvas_area(&c), 1, 0, 2, STYLE_TITLE);
	buf_init(&out, 64);
	canvas_styles(&c, &out);
	assert_string_equal(buf_str(&out), ".aa.\n");
	buf_release(&out);
	canvas_release(&c);
}

/* Selection, errors and warnings differ from ordinary text in every theme, and never by blue on black. */
static void test_themes(void **state)
{
	static const enum style must[] = {STYLE_SELECTED, STYLE_ERROR, STYLE_WARN, STYLE_MATCH, STYLE_BADGE, STYLE_TAB};

	(void)state;
	for (size_t i = 0; theme_table[i]; i++) {
		const struct theme *t = theme_table[i];
		for (size_t m = 0; m < ARRAY_LEN(must); m++)
			assert_memory_not_equal(&t->style[must[m]], &t->style[STYLE_NORMAL], sizeof(t->style[0]));
		for (int s = 0; s < STYLE_COUNT; s++)
			assert_false(t->style[s].fg == 4 && t->style[s].bg <= 0);
		assert_ptr_equal(theme_find(t->name), t);
	}
	for (int s = 0; s < STYLE_COUNT; s++) {
		const struct theme_style *m = &theme_find("mono")->style[s];
		assert_true(m->fg == -1 && m->bg == -1 && m->fg256 == -1 && m->bg256 == -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_wide),	cmocka_unit_test(test_cutting), cmocka_unit_test(test_frame),
		cmocka_unit_test(test_charts),	cmocka_unit_test(test_styles), cmocka_unit_test(test_themes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
