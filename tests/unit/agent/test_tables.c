/* Whose a table is: a name may become another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../backend/agent/control.h"
#include "../../../backend/agent/session.h"
#include "../../../backend/agent/tables.h"
#include "base/xalloc.h"

#define ANNA 1000u
#define BEN 1001u

struct place {
	uv_loop_t loop;
	struct control *control;
	int fd[2];
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	struct err e;

	(void)uv_loop_init(&p->loop);
	p->control = control_new(&p->loop, CONTROL_DAEMON, &e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	close(p->fd[1]);
	control_free(p->control);
	(void)uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	free(p);
	return 0;
}

static struct session *session_of(struct place *p, uid_t uid)
{
	struct session *s = session_new(p->control, "web");

	s->uid = uid;
	s->state = SESSION_ENDED;
	(void)session_counter_add(s, "dns", "port 53");
	history_add(&s->history, &(struct second){.time_ns = 1});
	(void)segment_add(s, 1, "web-1.pcapng");
	return s;
}

static struct table asked(struct place *p, uid_t uid, const char *table)
{
	const struct who who = {.uid = uid, .member = true};
	const struct msg_query q = {
		.table = str_of(table), .words = {.count = 1, .at = {str_of("web")}}, .count = 10};
	struct table t;
	struct err e;

	if (!p->control->asking)
		p->control->asking = peer_new(p->control, p->fd[0], -1, &who);
	p->control->asking->who = who;
	if (tables_query(p->control, 0, &q, &t, &e))
		fail_msg("%s: %s", table, e.text);
	return t;
}

/* Anna looks at hers once a second; it goes, and Ben calls his own like it. */
static void test_name_of_another(void **state)
{
	static const char *const names[] = {"session", "poll", "counters", "files"};
	struct place *p = *state;
	struct table t[ARRAY_LEN(names)];
	struct session *s = session_of(p, ANNA);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		t[i] = asked(p, ANNA, names[i]);
		(void)t[i].version(t[i].data);
		assert_true(t[i].rows(t[i].data) > 0);
	}
	session_free(s);
	(void)session_of(p, BEN);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)t[i].version(t[i].data);
		if (t[i].rows(t[i].data))
			fail_msg("%s of another is shown", names[i]);
		t[i].release(t[i].data);
	}
}

/* Whether a cell of it begins so. */
static bool has(struct table *t, const char *text)
{
	(void)t->version(t->data);
	for (uint64_t i = 0; i < t->rows(t->data); i++) {
		const struct value v = t->cell(t->data, i, 1);

		if (v.type == VALUE_TEXT && memmem(v.s.p, v.s.len, text, strlen(text)))
			return true;
	}
	return false;
}

static void test_events_of_another(void **state)
{
	struct place *p = *state;
	struct session *s = session_of(p, ANNA);
	struct table t;

	control_event(p->control, "note", "web", "of Anna's");
	session_free(s);
	(void)session_of(p, BEN);
	control_event(p->control, "note", "web", "of Ben's");
	t = asked(p, BEN, "session");
	assert_true(has(&t, "of Ben's"));
	assert_false(has(&t, "of Anna's"));
	t.release(t.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_name_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_of_another, setup, teardown),
	};

	return cmocka_run_group_tests_name("agent/tables", tests, NULL, NULL);
}
