/* Alerts: what is said, when they begin and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../backend/agent/alert.h"
#include "base/clock.h"
#include "base/xalloc.h"

static struct session *session_make(void)
{
	struct control *c = xcalloc(1, sizeof(*c));
	struct session *s = session_new(c, "web");

	s->state = SESSION_RUNNING;
	return s;
}

static void session_end(struct session *s)
{
	struct control *c = s->control;

	alerts_free(s);
	session_counters_release(s);
	free(s->history.at);
	free(s->name);
	free(s->owner);
	free(s->filter);
	free(s->capture);
	free(s->folder);
	free(s->devices);
	free(s);
	for (unsigned i = 0; i < CONTROL_EVENTS_MAX; i++) {
		free(c->event[i].where);
		free(c->event[i].sentence);
	}
	free(c);
}

static const char *last_event(const struct session *s)
{
	const struct control *c = s->control;

	return c->nevents ? c->event[(c->nevents - 1) % CONTROL_EVENTS_MAX].sentence : "";
}

/* Another second in which so many packets came. */
static void second(struct session *s, uint64_t packets)
{
	s->total.time_ns += NS_PER_S;
	s->total.packets += packets;
	s->total.bytes += packets * 100;
	history_add(&s->history, &(struct second){s->total.time_ns, s->total.packets,
						  s->total.bytes, s->total.dropped_kernel, 0});
	alerts_look(s);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *says;
		int at;
	} cases[] = {
		{"", "needs an expression", 0},
		{"pps >", "", 5},
		{"speed > 3", "no column \"speed\"", 0},
		{"pps > 3 for", "behind \"for\"", 11},
		{"pps > 3 for soon", "behind \"for\"", 12},
		{"pps > 3 for 10ms", "a second or more", 12},
		{"pps > 3 then", "behind \"then\"", 12},
		{"pps > 3 for 10s then sing", "behind \"then\"", 21},
		{"pps > 3 then stop, ,rotate", "behind \"then\"", 19},
		{"pps > 3 then rotate, save", "no past", 21},
		{"counter", "the name of a counter", 7},
		{"counter .x pps > 3", "the name of a counter", 8},
		{"counter x", "needs an expression", 9},
		{"counter x dropped_disk > 3", "no column \"dropped_disk\"", 10},
	};
	struct session *s = session_make();
	struct err e;

	(void)state;
	(void)session_counter_add(s, "x", "udp");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		e = (struct err){.at = -1};
		assert_int_equal(alerts_add(s, cases[i].text, &e), -1);
		if (e.code != ERR_CALL || !strstr(e.text, cases[i].says) || e.at != cases[i].at)
			fail_msg("%s: %s at %d", cases[i].text, e.text, e.at);
	}
	assert_int_equal(alerts_add(s, "counter y pps > 3", &e), -1);
	assert_int_equal(e.code, ERR_ABSENT);
	session_end(s);
}

static void test_right(void **state)
{
	static const char *const texts[] = {
		"pps > 1000",
		"  bps>1M and dropped_kernel > 0 for 10s then save , record on,rotate ",
		"filter ~ ' for ' then stop",
		"counter x pps > 3 for 1m",
		"file_bytes > 1G then record off",
	};
	struct session *s = session_make();
	struct err e;
	int64_t since_ns;

	(void)state;
	s->spec.past_bytes = 1;
	(void)session_counter_add(s, "x", "udp");
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		if (alerts_add(s, texts[i], &e))
			fail_msg("%s: %s", texts[i], e.text);
		assert_string_equal(alerts_at(s, i, &since_ns), texts[i]);
		assert_int_equal(since_ns, 0);
	}
	assert_int_equal(alerts_remove(s, str_of("pps > 1000"), &e), 0);
	assert_int_equal(alerts_remove(s, str_of("2"), &e), 0);
	assert_string_equal(alerts_at(s, 1, &since_ns), texts[3]);
	assert_int_equal(alerts_remove(s, str_of("4"), &e), -1);
	assert_int_equal(e.code, ERR_ABSENT);
	for (unsigned i = 3; i < SPEC_ALERTS_MAX; i++)
		assert_int_equal(alerts_add(s, "pps > 1", &e), 0);
	assert_int_equal(alerts_add(s, "pps > 1", &e), -1);
	assert_non_null(strstr(e.text, "at most"));
	session_end(s);
}

/* A disk that is full and a limit stand above an alert. */
static void test_stopped(void **state)
{
	struct session *s = session_make();
	struct err e;

	(void)state;
	s->spec.record = true;
	s->disk.stopped = true;
	assert_int_equal(alerts_add(s, "packets > 5 then record on", &e), 0);
	second(s, 10);
	assert_non_null(strstr(last_event(s), "an alert asks to record"));
	alerts_free(s);
	s->disk.stopped = false;
	s->disk.waits = true;
	assert_int_equal(alerts_add(s, "packets > 5 then record off", &e), 0);
	second(s, 10);
	assert_false(s->disk.waits);
	session_end(s);
}

static void test_begins_and_ends(void **state)
{
	struct session *s = session_make();
	int64_t since_ns;
	struct err e;

	(void)state;
	assert_int_equal(alerts_add(s, "pps > 1000", &e), 0);
	second(s, 5000);
	assert_null(alerts_now(s)); /* one second alone has no rate */
	second(s, 1000);
	assert_null(alerts_now(s));
	second(s, 1234567);
	assert_string_equal(alerts_now(s), "pps > 1000");
	(void)alerts_at(s, 0, &since_ns);
	assert_true(since_ns > 0);
	assert_string_equal(last_event(s), "alert: pps > 1000: 1,234,567 pps");
	assert_string_equal(s->control->event[0].severity, "warn");
	second(s, 2000);
	assert_int_equal(s->control->nevents, 1); /* it is told once */
	second(s, 12);
	assert_null(alerts_now(s));
	assert_string_equal(last_event(s), "alert is over: pps > 1000: 12 pps");
	second(s, 2000);
	assert_int_equal(s->control->nevents, 3); /* and again */
	s->state = SESSION_ENDED;
	assert_null(alerts_now(s));
	session_end(s);
}

/* True without a break for so long: a break begins it anew. */
static void test_for(void **state)
{
	struct session *s = session_make();
	int64_t broken_ns;
	struct err e;

	(void)state;
	assert_int_equal(alerts_add(s, "packets > 10 for 1s then rotate", &e), 0);
	second(s, 20);
	assert_null(alerts_now(s));
	usleep(700000);
	s->total.packets = 0;
	second(s, 5); /* the break */
	broken_ns = clock_mono_ns();
	second(s, 20);
	usleep(700000);
	second(s, 1);
	if (clock_mono_ns() - broken_ns < NS_PER_S) /* on a busy machine it may be later */
		assert_null(alerts_now(s));
	usleep(700000);
	second(s, 1);
	assert_int_equal(s->control->nevents, 1);
	assert_non_null(strstr(s->control->event[0].sentence, "alert: packets > 10 for 1s: 2"));
	session_end(s);
}

static void test_counter(void **state)
{
	struct session *s = session_make();
	struct counter *k = session_counter_add(s, "x", "udp");
	struct err e;

	(void)state;
	assert_int_equal(alerts_add(s, "counter x packets > 10", &e), 0);
	second(s, 100);
	assert_null(alerts_now(s));
	k->packets = 11;
	second(s, 100);
	assert_string_equal(last_event(s), "alert: counter x packets > 10: 11 packets");
	session_counter_remove(s, k);
	second(s, 100); /* what is not there is not true */
	assert_null(alerts_now(s));
	assert_string_equal(last_event(s), "alert is over: counter x packets > 10");
	session_end(s);
}

static void test_at_new(void **state)
{
	char text[] = "counter x pps > 1", wrong[] = "pps > 1 for x", name[] = "x";
	struct spec spec = {.name = name, .alert = {text}, .nalerts = 1};
	struct err e;

	(void)state;
	assert_int_equal(alerts_check(&spec, &e), -1);
	assert_int_equal(e.code, ERR_ABSENT);
	spec.counter[0].name = name;
	spec.ncounters = 1;
	assert_int_equal(alerts_check(&spec, &e), 0);
	spec.alert[0] = wrong;
	assert_int_equal(alerts_check(&spec, &e), -1);
	assert_non_null(strstr(e.text, "alert pps > 1 for x: behind"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),		cmocka_unit_test(test_right),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_begins_and_ends), cmocka_unit_test(test_for),
		cmocka_unit_test(test_counter),		cmocka_unit_test(test_at_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
