/* The form for a new session holds every word of `new`, and gives back the words that it was given. */
#include "rig.h"

#include "../../../tui/form_private.h"
#include "../../../tui/new_fields.h"
#include "base/words.h"
#include "tui/new_session.h"
#include "tui/new_word.h"

static struct form *form_open(struct rig *r)
{
	struct err e = {.at = -1};

	assert_int_equal(new_session_form(r->app, "", "", &e), 0);
	return (struct form *)r->app->layer;
}

static bool has_field(const char *word)
{
	static const char *const basic[] = {"filter", "device", "on", "record", "count"};

	for (size_t i = 0; i < ARRAY_LEN(basic); i++)
		if (strcmp(basic[i], word) == 0)
			return true;
	for (size_t i = 0; new_field_at(i); i++)
		if (strcmp(new_field_at(i)->word, word) == 0)
			return true;
	return false;
}

static void test_every_word_has_a_field(void **state)
{
	size_t fields = 0;

	(void)state;
	for (size_t i = 0; new_word_at(i); i++)
		if (!has_field(new_word_at(i)->name))
			fail_msg("the form has no field for the word \"%s\"", new_word_at(i)->name);
	for (; new_field_at(fields); fields++) {
		assert_non_null(new_word_find(new_field_at(fields)->word));
		assert_non_null(strstr(NEW_SECTIONS, new_field_at(fields)->section));
	}
	assert_true(fields + 8 <= FORM_FIELDS_MAX);
}

static char *words_of(const struct form *f)
{
	struct new_words w = {0};
	struct buf out;
	char *text;

	new_words_make(f, true, &w);
	buf_init(&out, 65536);
	for (size_t i = 2; i < w.count; i++) {
		if (i > 2)
			(void)buf_add_byte(&out, ' ');
		words_quote(&out, w.word[i]);
	}
	text = xstrdup(buf_str(&out));
	buf_release(&out);
	new_words_release(&w);
	return text;
}

static void shown(struct form *f, const char *line)
{
	struct words w = {0};
	char *text;

	assert_int_equal(words_parse(&w, line, NULL), 0);
	new_words_show(f, w.count, w.word);
	words_release(&w);
	text = words_of(f);
	assert_string_equal(text, line);
	free(text);
}

static void test_words_come_back(void **state)
{
	struct rig r;
	struct form *f;

	(void)state;
	rig_start(&r, 0);
	f = form_open(&r);
	shown(f, "filter 'tcp port 80' record every 60s aligned size 100MB packets 1000 keep 20 keep 10G keep 7d format pcap names %Y-%N utc "
		 "compress zstd:6 on-full oldest stop-after 10m stop-after 2G stop-when icmp persist snaplen 96 buffer 32 promiscuous direction in "
		 "sample 10 stamp host precision us wait-ms 100 own-traffic in counter 'syn=tcp[13] & 2 != 0' counter 'dns=port 53' "
		 "alert 'pps > 1000 for 10s then save' alert 'bps > 1G' past 30s save-when icmp note 'all of it' user ana pipe 'cat -' announce ls "
		 "watch-file /tmp/x");
	shown(f, "count own-traffic out"); /* and what was there before is gone */
	shown(f, "count ephemeral own-traffic out");
	rig_stop(&r);
}

/* A filter without quotes, as somebody writes it into the file by hand. */
static void test_rest_is_joined(void **state)
{
	struct words w = {0};
	struct rig r;
	struct form *f;
	char *text;

	(void)state;
	rig_start(&r, 0);
	f = form_open(&r);
	assert_int_equal(words_parse(&w, "filter tcp port 80 count counter a=port 1 counter 'b=port 2'", NULL), 0);
	new_words_show(f, w.count, w.word);
	words_release(&w);
	assert_string_equal(form_text(f, "filter"), "tcp port 80");
	assert_string_equal(form_text(f, "counter"), "a=port 1; b=port 2");
	text = words_of(f);
	assert_string_equal(text, "filter 'tcp port 80' count own-traffic out counter 'a=port 1' counter 'b=port 2'");
	free(text);
	rig_stop(&r);
}

/* What several values are divided by may stand at the ends, and twice. */
static void test_several_are_told_apart(void **state)
{
	struct rig r;
	struct form *f;
	char *text;

	(void)state;
	rig_start(&r, 0);
	f = form_open(&r);
	form_set(f, "mode", "count");
	form_set(f, "counter", " ;; a=icmp ;b=port 2;");
	form_set(f, "stop-after", "  10m   2G ");
	text = words_of(f);
	assert_string_equal(text, "count stop-after 10m stop-after 2G own-traffic out counter a=icmp counter 'b=port 2'");
	free(text);
	rig_stop(&r);
}

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

static void test_sections_and_profiles(void **state)
{
	struct rig r;
	struct err e = {.at = -1};
	struct form *f;

	(void)state;
	rig_start(&r, 0);
	assert_int_equal(app_profile(r.app, "night", "filter icmp count counter x=icmp", &e), 0);
	f = form_open(&r);
	assert_true(screen_has(r.app, "Profile"));
	assert_false(screen_has(r.app, "New file"));
	while (strcmp(f->field[f->focus].spec.name, "profile") != 0)
		app_key(r.app, "tab");
	app_key(r.app, "space");
	assert_string_equal(form_text(f, "filter"), "icmp");
	assert_string_equal(form_text(f, "mode"), "count");
	assert_string_equal(form_text(f, "counter"), "x=icmp");
	app_key(r.app, "tab");
	app_key(r.app, "space");
	assert_true(screen_has(r.app, "New file"));
	app_key(r.app, "tab");
	assert_string_equal(f->field[f->focus].spec.name, "every");
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word_has_a_field), cmocka_unit_test(test_words_come_back),
		cmocka_unit_test(test_rest_is_joined),	       cmocka_unit_test(test_several_are_told_apart),
		cmocka_unit_test(test_sections_and_profiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
