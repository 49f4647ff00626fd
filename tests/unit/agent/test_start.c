/* A session that is ended while it begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../backend/agent/alert.h"
#include "../../../backend/agent/control.h"
#include "../../../backend/agent/outlet.h"
#include "../../../backend/agent/session.h"
#include "../../../backend/agent/session_unpack.h"
#include "base/clock.h"
#include "base/xalloc.h"

struct place {
	uv_loop_t loop;
	struct control *control;
	char folder[64];
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	struct err e;

	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/tapdeck-start-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	(void)uv_loop_init(&p->loop);
	p->control = control_new(&p->loop, CONTROL_DAEMON, &e);
	free(p->control->state);
	p->control->state = xstrdup(p->folder);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char *command = xasprintf("rm -rf -- %s", p->folder);

	control_free(p->control);
	(void)uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	assert_int_equal(system(command), 0);
	free(command);
	free(p);
	return 0;
}

/* As what begins a session does where a step of it fails. */
static void step(void *arg, const struct err *e)
{
	struct session *s = arg;

	assert_non_null(e);
	s->tap_error = *e;
	session_tap_gone(s, e);
}

static struct session *starting(struct place *p)
{
	struct session *s = session_new(p->control, "web");

	s->spec.words = xstrdup("");
	s->state = SESSION_STARTING;
	job_start(s, MSG_TAP_FILTER, "change", "", "tcp", step, s);
	assert_non_null(s->jobs);
	return s;
}

/* Its filter is still being compiled. */
static void test_stopped(void **state)
{
	struct place *p = *state;

	session_stop(starting(p), "stop");
	assert_null(p->control->sessions);
	assert_int_equal(p->control->nsessions, 0);
}

static void test_tap_died(void **state)
{
	struct place *p = *state;
	struct err e;

	err_set(&e, ERR_REFUSED, "killed");
	session_tap_gone(starting(p), &e);
	assert_null(p->control->sessions);
	assert_int_equal(p->control->nsessions, 0);
}

/* One that came back waits for its next try, once. */
static void test_came_back(void **state)
{
	struct place *p = *state;
	struct session *s = starting(p);

	s->spec.persist = s->persist.back = true;
	session_stop(s, "stop");
	assert_int_equal(p->control->nsessions, 1);
	assert_true(persist_waits(p->control->sessions));
}

/* Somebody ends it before it is back. */
static void test_over(void **state)
{
	struct place *p = *state;
	struct session *s = starting(p);

	s->spec.persist = s->persist.back = true;
	persist_over(s);
	session_stop(s, "stop");
	s = p->control->sessions;
	assert_non_null(s);
	assert_int_equal(s->state, SESSION_ENDED);
	assert_false(persist_waits(s));
	assert_string_equal(s->reason, "stop");
}

/* --- what comes back has what it had --- */

static struct spec spec_of(const char *const *word, size_t count)
{
	struct str at[16];
	struct spec spec;
	struct err e;

	for (size_t i = 0; i < count; i++)
		at[i] = str_of(word[i]);
	assert_int_equal(spec_parse(&spec, at, count, &e), 0);
	return spec;
}

static void has_all(const struct session *s)
{
	int64_t since_ns;

	assert_int_equal(s->ncounters, 2);
	assert_string_equal(s->counters->name, "dns");
	assert_string_equal(s->counters->next->filter, "tcp port 80");
	assert_string_equal(alerts_at(s, 0, &since_ns), "pps > 1000");
	assert_string_equal(alerts_at(s, 1, &since_ns), "counter dns pps > 3");
	assert_null(alerts_at(s, 2, &since_ns));
	assert_true(s->persist.recorded);
}

/* Its device is not there, and was not when it was tried the first time. */
static void test_comes_back_whole(void **state)
{
	static const char *const words[] = {"web",
					    "device",
					    "nosuch0",
					    "record",
					    "persist",
					    "counter",
					    "dns=port 53",
					    "counter",
					    "web=tcp port 80",
					    "alert",
					    "pps > 1000",
					    "alert",
					    "counter dns pps > 3"};
	struct place *p = *state;
	struct spec spec = spec_of(words, ARRAY_LEN(words));
	const struct who who = {.owner = true};
	const struct persist back = {.back = true, .gap_from_ns = 7, .gap_why = xstrdup("gone")};
	struct session *s;

	session_begin(p->control, &spec, &who, 0, &(struct reply){0}, &back);
	s = p->control->sessions;
	assert_true(persist_waits(s));
	has_all(s);
	assert_true(strstr(s->reason, "nosuch0") != NULL);
	/* An alert that was added, and the one of the words that was taken away; tried again. */
	assert_int_equal(alerts_remove(s, str_of("1"), NULL), 0);
	assert_int_equal(alerts_add(s, "bps > 9", NULL), 0);
	persist_tick(s, INT64_MAX);
	s = p->control->sessions;
	assert_true(persist_waits(s));
	assert_int_equal(s->ncounters, 2);
	assert_string_equal(alerts_at(s, 0, &(int64_t){0}), "counter dns pps > 3");
	assert_string_equal(alerts_at(s, 1, &(int64_t){0}), "bps > 9");
	assert_null(alerts_at(s, 2, &(int64_t){0}));
	assert_int_equal(s->persist.gap_from_ns, 7);
	assert_string_equal(s->persist.gap_why, "gone");
	spec_release(&spec);
}

/* The same, each few seconds, is told once. */
static void test_told_once(void **state)
{
	static const char *const words[] = {"web", "device", "nosuch0", "buffer", "64", "persist"};
	struct place *p = *state;
	struct spec spec = spec_of(words, ARRAY_LEN(words));
	const struct who who = {.owner = true};
	const struct persist back = {.back = true, .gap_from_ns = 7, .gap_why = xstrdup("gone")};
	uint64_t told;

	p->control->buffer_max_bytes = 1 << 20;
	session_begin(p->control, &spec, &who, 0, &(struct reply){0}, &back);
	told = p->control->nevents;
	for (int i = 0; i < 3; i++)
		persist_tick(p->control->sessions, INT64_MAX);
	assert_int_equal(p->control->nevents, told);
	spec_release(&spec);
}

/* --- nobody waits for ever --- */

static void test_one_too_many(void **state)
{
	struct place *p = *state;
	const struct who who = {.owner = true};
	struct waiting *w = xcalloc(1, sizeof(*w));
	char text[4096];
	struct peer *peer;
	ssize_t n;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	peer = peer_new(p->control, fd[0], -1, &who);
	for (uint32_t i = 0; i < SESSION_WAITING_MAX; i++)
		waiting_add(p->control, w, &(struct reply){peer->serial, 0, i + 1});
	(void)uv_run(&p->loop, UV_RUN_NOWAIT);
	(void)!read(fd[1], text, sizeof(text)); /* its greeting */
	assert_int_equal(w->count, SESSION_WAITING_MAX);
	waiting_add(p->control, w, &(struct reply){peer->serial, 0, 1000});
	(void)uv_run(&p->loop, UV_RUN_NOWAIT);
	n = read(fd[1], text, sizeof(text));
	assert_true(n > 0 && memmem(text, (size_t)n, "64 wait for this", 16) != NULL);
	assert_int_equal(w->count, SESSION_WAITING_MAX);
	close(fd[1]);
	free(w);
}

/* --- what is told stands in the journal --- */

static bool journal_has(const struct session *s, const char *sentence)
{
	char *path = xasprintf("%s/tap.journal", s->folder), *text = xcalloc(1, 65536);
	FILE *f = fopen(path, "re");
	const size_t n = f ? fread(text, 1, 65536, f) : 0;
	const bool has = memmem(text, n, sentence, strlen(sentence)) != NULL;

	if (f)
		(void)fclose(f);
	free(path);
	free(text);
	return has;
}

static void test_events(void **state)
{
	struct place *p = *state;
	struct session *s = session_new(p->control, "web");
	struct err e;

	free(p->control->captures);
	p->control->captures = xstrdup(p->folder);
	s->started_ns = clock_now_ns();
	s->uid = geteuid();
	s->state = SESSION_RUNNING;
	assert_int_equal(capture_create(s, &e), 0);
	session_event(s, "warn", "alert: %s", "pps > 1000");
	s->state = SESSION_FINISHING;
	salvage_journals(s);
	assert_true(journal_has(s, "alert: pps > 1000"));
	s->state = SESSION_ENDED;
	session_event(s, "warn", "announcing %s failed", "a.pcapng");
	assert_true(journal_has(s, "announcing a.pcapng failed"));
	assert_int_equal(p->control->nevents, 2);
	/* Nothing is made where nothing is. */
	capture_remove(s);
	session_event(s, "warn", "too late");
	assert_false(journal_has(s, "too late"));
}

/* --- files that go, and files that wait --- */

static struct session *recorded(struct place *p, const char *file)
{
	struct session *s = session_new(p->control, "web");
	char *command;
	struct err e;

	free(p->control->captures);
	p->control->captures = xstrdup(p->folder);
	s->started_ns = clock_now_ns();
	s->uid = geteuid();
	s->state = SESSION_RUNNING;
	assert_int_equal(capture_create(s, &e), 0);
	for (uint32_t i = 1; i <= 2; i++) {
		char *name = xasprintf("%u%s", i, file);
		struct segment *g = segment_add(s, i, name);

		g->sealed = true;
		command = xasprintf("head -c 4000000 /dev/zero | gzip >%s/%s", s->folder, name);
		assert_int_equal(system(command), 0);
		free(command);
		free(name);
	}
	return s;
}

/* `keep` takes a file away that is being unpacked for the reader: the next one has its turn. */
static void test_removed_while_unpacked(void **state)
{
	struct place *p = *state;
	struct session *s = recorded(p, ".pcapng.gz");

	s->segment[0].packed = s->segment[1].packed = true;
	assert_false(session_unpack_tell(s, &s->segment[0]));
	assert_true(session_unpacks(s));
	assert_false(session_unpack_tell(s, &s->segment[1])); /* not before */
	assert_int_equal(segment_remove(s, &s->segment[0], "past \"keep\": files"), 0);
	assert_false(session_unpacks(s));
	assert_false(session_unpack_tell(s, &s->segment[0]));
	assert_true(session_unpacks(s));
}

/* One that its tap left empty is in nobody's way. */
static void test_announced_behind_none(void **state)
{
	struct place *p = *state;
	struct session *s = recorded(p, ".pcapng");
	struct err e;

	s->spec.announce = xstrdup("/bin/true");
	if (outlets_start(s, &e))
		fail_msg("%s", e.text);
	outlets_sealed(s, &s->segment[1]);
	assert_int_equal(s->segment[1].way, SEGMENT_WAY_DONE);
	assert_true(outlets_busy(s)); /* by the command alone */
}

static void test_begins_again_before_outlets(void **state)
{
	struct place *p = *state;
	struct session *s = recorded(p, ".pcapng");
	bool told = false;
	struct err e;

	s->spec.announce = xstrdup("/bin/sleep 1000");
	s->spec.words = xstrdup("device nosuch0 persist");
	assert_int_equal(outlets_start(s, &e), 0);
	outlets_sealed(s, &s->segment[0]);
	s->state = SESSION_ENDED;
	s->spec.persist = true;
	persist_tick(s, INT64_MAX);
	for (uint64_t i = 0; i < p->control->nevents; i++)
		told = told || strstr(p->control->event[i].sentence, "stay as they are");
	assert_true(told);
}

/* --- answers, and who says what --- */

static void test_answer_to_nothing(void **state)
{
	struct place *p = *state;
	struct session *s = starting(p);

	job_answer(s, 0, NULL);
	assert_non_null(s->jobs);
}

static void ignored(void *arg, const struct err *e)
{
	(void)arg;
	(void)e;
}

/* Two commands at once, where no tap has said that it is too much; then a device joins. */
static void test_many_counters(void **state)
{
	struct place *p = *state;
	struct session *s = session_new(p->control, "web");

	s->state = SESSION_RUNNING;
	for (unsigned i = 0; i < 2 * SPEC_COUNTERS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "c%u", i);
		(void)session_counter_add(s, name, "tcp");
	}
	s->ndevices = 1;
	s->device[0] = (struct session_device){
		.session = s, .name = xstrdup("eth0"), .answered = true, .link_type = 1};
	job_counters_for(&s->device[0], ignored, NULL);
	assert_non_null(s->jobs);
}

/* A member leaves nothing out of what others capture. */
static void test_own_of_others(void **state)
{
	struct place *p = *state;
	const struct who who = {.uid = 1001, .member = true};
	struct session *s = session_new(p->control, "web");
	struct peer *peer;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	peer = peer_new(p->control, fd[0], -1, &who);
	assert_int_equal(own_set(&peer->own, "10.0.0.1", 22, "10.0.0.2", 5000, NULL), 0);
	s->state = SESSION_RUNNING;
	s->spec.own_out = true;
	s->uid = 1000;
	s->tap = (struct channel *)(void *)s; /* is not looked into */
	session_own_apply(s);
	assert_null(s->own);
	s->uid = 1001;
	session_own_apply(s);
	assert_non_null(s->own);
	s->tap = NULL;
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tap_died, setup, teardown),
		cmocka_unit_test_setup_teardown(test_came_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comes_back_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed_while_unpacked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_announced_behind_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begins_again_before_outlets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_to_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_counters, setup, teardown),
	};

	return cmocka_run_group_tests_name("agent/start", tests, NULL, NULL);
}
