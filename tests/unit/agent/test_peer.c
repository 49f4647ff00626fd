/* Clients that hold a place and say nothing, or ask and do not read: with the time as the test has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../backend/agent/peer.h"
#include "base/clock.h"
#include "base/fdio.h"

struct rig {
	uv_loop_t loop;
	struct control *control;
	struct peer *peer;
	int far; /* the client's end */
};

static void rig_make(struct rig *r, enum control_role role)
{
	const struct who who = {.uid = 64999, .pid = 1, .member = true};
	struct err e;
	int fd[2];

	setenv("XDG_STATE_HOME", "/nonexistent", 1);
	setenv("XDG_DATA_HOME", "/nonexistent", 1);
	uv_loop_init(&r->loop);
	r->control = control_new(&r->loop, role, &e);
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	assert_int_equal(fdio_set_nonblock(fd[0]), 0);
	r->peer = peer_new(r->control, fd[0], -1, &who);
	r->far = fd[1];
	assert_int_equal(r->control->npeers, 1);
}

static void rig_remove(struct rig *r)
{
	close(r->far);
	control_free(r->control);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&r->loop), 0);
}

/* Everything that was sent to the client holds this text. */
static bool told(struct rig *r, const char *text)
{
	static char all[1 << 20];
	ssize_t n = recv(r->far, all, sizeof(all), MSG_DONTWAIT);

	return n > 0 && memmem(all, (size_t)n, text, strlen(text)) != NULL;
}

static void test_silent(void **state)
{
	struct rig r;

	(void)state;
	rig_make(&r, CONTROL_DAEMON);
	peer_tick(r.peer, r.peer->since_ns + PEER_GREETS_NS);
	assert_int_equal(r.control->npeers, 1);
	peer_tick(r.peer, r.peer->since_ns + PEER_GREETS_NS + 1);
	assert_int_equal(r.control->npeers, 0);
	assert_true(told(&r, "no HELLO came within 30 seconds"));
	rig_remove(&r);
	rig_make(&r, CONTROL_DAEMON);
	r.peer->greeted = true; /* one that waits for what happens may be quiet for ever */
	peer_tick(r.peer, r.peer->since_ns + 1000 * PEER_GREETS_NS);
	assert_int_equal(r.control->npeers, 1);
	rig_remove(&r);
}

static void fill(struct peer *p)
{
	static const uint8_t block[64 * 1024];

	for (int i = 0; i < 100 && !channel_congested(p->channel); i++)
		assert_int_equal(channel_send(p->channel, MSG_DATA, 0, 0, block, sizeof(block)), 0);
	assert_true(channel_congested(p->channel));
}

static void test_does_not_read(void **state)
{
	const int64_t now_ns = clock_mono_ns();
	struct rig r;

	(void)state;
	rig_make(&r, CONTROL_DAEMON);
	r.peer->greeted = true;
	fill(r.peer);
	peer_tick(r.peer, now_ns);
	peer_tick(r.peer, now_ns + PEER_CONGESTED_NS - 1);
	assert_int_equal(r.control->npeers, 1);
	peer_tick(r.peer, now_ns + PEER_CONGESTED_NS);
	assert_int_equal(r.control->npeers, 0);
	rig_remove(&r);
	rig_make(&r, CONTROL_ATTACH); /* the one client of a process of its own may take its time */
	fill(r.peer);
	peer_tick(r.peer, now_ns);
	peer_tick(r.peer, now_ns + 1000 * PEER_CONGESTED_NS);
	assert_int_equal(r.control->npeers, 1);
	rig_remove(&r);
}

static void test_reads_again(void **state)
{
	const int64_t now_ns = clock_mono_ns();
	struct rig r;

	(void)state;
	rig_make(&r, CONTROL_DAEMON);
	r.peer->greeted = true;
	fill(r.peer);
	peer_tick(r.peer, now_ns);
	while (channel_queued(r.peer->channel)) {
		(void)told(&r, "");
		uv_run(&r.loop, UV_RUN_NOWAIT);
	}
	peer_tick(r.peer, now_ns + PEER_CONGESTED_NS);
	fill(r.peer);
	peer_tick(r.peer, now_ns + PEER_CONGESTED_NS + 1);
	peer_tick(r.peer, now_ns + 2 * PEER_CONGESTED_NS);
	assert_int_equal(r.control->npeers, 1); /* counted from when it stopped */
	rig_remove(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_does_not_read),
		cmocka_unit_test(test_reads_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
