/* Channels over a pair of sockets and over pipes: frames in any pieces, descriptors, peers that
 * stop reading or go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "wire/channel.h"

/* What one end heard. */
struct heard {
	unsigned messages, gones, writables, fds;
	uint32_t last_id;
	size_t bytes;
	unsigned pause_at, close_at; /* after so many messages; 0 never */
	bool in_order;
	struct err why;
	ino_t pipe[64];
};

static void on_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct heard *h = arg;
	struct stat st;

	h->messages++;
	h->in_order = h->in_order && f->id == h->last_id + 1;
	h->last_id = f->id;
	h->bytes += f->len;
	for (size_t i = 0; i < nfd; i++) {
		assert_int_equal(fstat(fd[i], &st), 0);
		if (h->fds < ARRAY_LEN(h->pipe))
			h->pipe[h->fds] = st.st_ino;
		h->fds++;
		close(fd[i]);
	}
	if (h->messages == h->pause_at)
		channel_pause(c, true);
	if (h->messages == h->close_at)
		channel_close(c);
}

static void on_gone(void *arg, struct channel *c, const struct err *e)
{
	struct heard *h = arg;

	(void)c;
	h->gones++;
	h->why = *e;
}

static void on_writable(void *arg, struct channel *c)
{
	struct heard *h = arg;

	(void)c;
	h->writables++;
}

static const struct channel_ops ops = {
	.message = on_message, .gone = on_gone, .writable = on_writable};

struct pair {
	uv_loop_t loop;
	int fd[2];
	struct channel *c[2];
	struct heard heard[2];
};

static void pair_open(struct pair *p, int channels)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(uv_loop_init(&p->loop), 0);
	assert_int_equal(fdio_socketpair(p->fd, NULL), 0);
	for (int i = 0; i < 2; i++)
		p->heard[i].in_order = true;
	for (int i = 0; i < channels; i++)
		p->c[i] = channel_new(&p->loop, p->fd[i], -1, &ops, &p->heard[i]);
}

static void pair_close(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		if (p->c[i])
			channel_close(p->c[i]);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
}

/* Runs the loop until *count is at least `want`; a test that hangs is ended by alarm. */
static void run_until(struct pair *p, const unsigned *count, unsigned want)
{
	alarm(60);
	while (*count < want)
		uv_run(&p->loop, UV_RUN_ONCE);
	alarm(0);
}

static void test_both_ways(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 2);
	for (uint32_t i = 1; i <= 1000; i++) {
		assert_int_equal(channel_send(p.c[0], MSG_DONE, 0, i, "payload", 7), 0);
		assert_int_equal(channel_send(p.c[1], 999, 0, i, NULL, 0),
				 0); /* unknown and empty: passed on */
	}
	run_until(&p, &p.heard[0].messages, 1000);
	run_until(&p, &p.heard[1].messages, 1000);
	assert_true(p.heard[0].in_order && p.heard[1].in_order);
	assert_int_equal(p.heard[1].bytes, 7000);
	assert_int_equal(channel_queued(p.c[0]), 0);
	pair_close(&p);
}

static void test_byte_by_byte(void **state)
{
	struct pair p;
	struct buf b;

	(void)state;
	pair_open(&p, 1);
	buf_init(&b, 1024);
	assert_int_equal(frame_put(&b, MSG_DONE, 1, 1, "abc", 3), 0);
	assert_int_equal(frame_put(&b, MSG_DONE, 1, 2, NULL, 0), 0);
	assert_int_equal(frame_put(&b, MSG_DONE, 1, 3, "d", 1), 0);
	for (size_t i = 0; i < b.len; i++) {
		assert_int_equal(write(p.fd[1], b.data + i, 1), 1);
		uv_run(&p.loop, UV_RUN_NOWAIT);
	}
	run_until(&p, &p.heard[0].messages, 3);
	assert_true(p.heard[0].in_order);
	buf_release(&b);
	close(p.fd[1]);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].why.code, ERR_NONE);
	pair_close(&p);
}

static void test_end_within_a_frame(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 1);
	assert_int_equal(write(p.fd[1], "\0\0\0\5\0\3\0\0", 8), 8);
	close(p.fd[1]);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].why.code, ERR_PART);
	assert_int_equal(p.heard[0].messages, 0);
	pair_close(&p);
}

static void test_no_stream_of_ours(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 1);
	assert_int_equal(write(p.fd[1], "HTTP/1.1 400 Bad Request\r\n", 26), 26);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].why.code, ERR_REFUSED);
	for (int i = 0; i < 5; i++)
		uv_run(&p.loop, UV_RUN_NOWAIT);
	assert_int_equal(p.heard[0].gones, 1);
	close(p.fd[1]);
	pair_close(&p);
}

/* Each descriptor comes with its own frame, in a flood of frames that have none. */
static void test_descriptors(void **state)
{
	struct pair p;
	ino_t sent[20];
	unsigned n = 0;

	(void)state;
	pair_open(&p, 2);
	for (uint32_t i = 1; i <= 100; i++) {
		int fd[2];
		struct stat st;

		if (i % 5) {
			assert_int_equal(channel_send(p.c[0], MSG_DONE, 0, i, "x", 1), 0);
			continue;
		}
		assert_int_equal(pipe(fd), 0);
		assert_int_equal(fstat(fd[0], &st), 0);
		sent[n++] = st.st_ino;
		assert_int_equal(channel_send_fds(p.c[0], MSG_READ_FILE, 0, i, "f", 1, fd, 1), 0);
		close(fd[0]);
		close(fd[1]);
	}
	run_until(&p, &p.heard[1].messages, 100);
	assert_true(p.heard[1].in_order);
	assert_int_equal(p.heard[1].fds, 20);
	assert_memory_equal(p.heard[1].pipe, sent, sizeof(sent));
	pair_close(&p);
}

static void test_descriptors_that_nobody_announced(void **state)
{
	struct pair p;
	struct buf b;
	int fd[2];

	(void)state;
	pair_open(&p, 1);
	assert_int_equal(pipe(fd), 0);
	buf_init(&b, 256);
	assert_int_equal(frame_put(&b, MSG_DONE, 0, 1, NULL, 0), 0);
	assert_int_equal(fdio_send(p.fd[1], b.data, b.len, fd, 2), (ssize_t)b.len);
	run_until(&p, &p.heard[0].messages, 1);
	assert_int_equal(p.heard[0].fds, 0); /* held, and closed with the channel */
	buf_clear(&b);
	assert_int_equal(frame_put_fds(&b, MSG_DONE, 3, 0, 2, NULL, 0), 0);
	assert_int_equal(write(p.fd[1], b.data, b.len), (ssize_t)b.len);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].why.code, ERR_REFUSED);
	buf_release(&b);
	close(fd[0]);
	close(fd[1]);
	close(p.fd[1]);
	pair_close(&p);
}

static void test_peer_stops_reading(void **state)
{
	struct pair p;
	char *big = xcalloc(1, 1024 * 1024);
	uint32_t sent = 0;

	(void)state;
	pair_open(&p, 1);
	while (!channel_congested(p.c[0]))
		assert_int_equal(channel_send(p.c[0], MSG_DATA, 0, ++sent, big, 10000), 0);
	assert_true(channel_queued(p.c[0]) >= CHANNEL_CONGESTED);
	p.c[1] = channel_new(&p.loop, p.fd[1], -1, &ops, &p.heard[1]);
	run_until(&p, &p.heard[1].messages, sent);
	assert_true(p.heard[1].in_order);
	assert_int_equal(p.heard[0].writables, 1);
	assert_int_equal(channel_queued(p.c[0]), 0);
	channel_pause(p.c[1], true);
	while (channel_send(p.c[0], MSG_DATA, 0, ++sent, big, 1024 * 1024) == 0)
		assert_true(channel_queued(p.c[0]) <= CHANNEL_QUEUE_MAX);
	assert_int_equal(channel_send(p.c[0], MSG_DATA, 0, 1, NULL, 0), -1);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].why.code, ERR_PART);
	free(big);
	pair_close(&p);
}

static void test_big_frames(void **state)
{
	struct pair p;
	char *big = xcalloc(1, MSG_PAYLOAD_MAX);

	(void)state;
	pair_open(&p, 2);
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(channel_send(p.c[0], MSG_DATA, 0, i, big, MSG_PAYLOAD_MAX), 0);
	run_until(&p, &p.heard[1].messages, 4);
	assert_int_equal(p.heard[1].bytes, 4 * (size_t)MSG_PAYLOAD_MAX);
	free(big);
	pair_close(&p);
}

static void test_pause_and_close_inside(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 2);
	p.heard[1].pause_at = 3;
	for (uint32_t i = 1; i <= 10; i++)
		assert_int_equal(channel_send(p.c[0], MSG_DONE, 0, i, "x", 1), 0);
	run_until(&p, &p.heard[1].messages, 3);
	for (int i = 0; i < 5; i++)
		uv_run(&p.loop, UV_RUN_NOWAIT);
	assert_int_equal(p.heard[1].messages, 3);
	p.heard[1].close_at = 7;
	channel_pause(p.c[1], false);
	run_until(&p, &p.heard[1].messages, 7);
	p.c[1] = NULL; /* closed itself */
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[1].messages, 7);
	assert_int_equal(p.heard[1].gones, 0);
	assert_int_equal(p.heard[0].why.code, ERR_NONE);
	pair_close(&p);
}

/* What the peer had said before it went is heard, although we could not send to it any more. */
static void test_last_words(void **state)
{
	struct pair p;
	struct buf b;

	(void)state;
	pair_open(&p, 1);
	buf_init(&b, 256);
	assert_int_equal(frame_put(&b, MSG_ERROR, 0, 1, NULL, 0), 0);
	assert_int_equal(write(p.fd[1], b.data, b.len), (ssize_t)b.len);
	close(p.fd[1]);
	assert_int_equal(channel_send(p.c[0], MSG_DONE, 0, 1, NULL, 0), -1);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].messages, 1);
	assert_int_equal(p.heard[0].why.code, ERR_NONE);
	buf_release(&b);
	pair_close(&p);
}

static void test_close_tries_once(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 2);
	assert_int_equal(channel_send(p.c[0], MSG_DONE, 0, 1, "bye", 3), 0);
	channel_close(p.c[0]);
	p.c[0] = NULL;
	run_until(&p, &p.heard[1].gones, 1);
	assert_int_equal(p.heard[1].messages, 1);
	pair_close(&p);
}

static void test_pipes(void **state)
{
	struct pair p;
	struct buf b;
	int in[2], out[2];
	char back[64];

	(void)state;
	pair_open(&p, 0);
	close(p.fd[0]);
	close(p.fd[1]);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	p.c[0] = channel_new(&p.loop, in[0], out[1], &ops, &p.heard[0]);
	buf_init(&b, 256);
	assert_int_equal(frame_put(&b, MSG_PING, 0, 1, "12345678", 8), 0);
	assert_int_equal(write(in[1], b.data, b.len), (ssize_t)b.len);
	run_until(&p, &p.heard[0].messages, 1);
	assert_int_equal(channel_send(p.c[0], MSG_PING, 0, 1, "12345678", 8), 0);
	assert_int_equal(read(out[0], back, sizeof(back)), (ssize_t)b.len);
	assert_memory_equal(back, b.data, b.len);
	assert_int_equal(channel_send_fds(p.c[0], MSG_PING, 0, 1, NULL, 0, in, 1),
			 -1); /* a pipe passes none */
	run_until(&p, &p.heard[0].gones, 1);
	buf_release(&b);
	close(in[1]);
	close(out[0]);
	pair_close(&p);
}

static void test_file_cannot_be_polled(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, 0);
	close(p.fd[0]);
	close(p.fd[1]);
	p.c[0] = channel_new(&p.loop, open("/proc/self/exe", O_RDONLY), -1, &ops, &p.heard[0]);
	run_until(&p, &p.heard[0].gones, 1);
	assert_int_equal(p.heard[0].why.code, ERR_REFUSED);
	pair_close(&p);
}

static void test_put(void **state)
{
	const struct err e = {.code = ERR_CALL, .at = 3, .text = "wrong"};
	struct pair p;

	(void)state;
	pair_open(&p, 2);
	assert_int_equal(channel_send_error(p.c[0], 0, 1, &e), 0);
	assert_int_equal(channel_send_done(p.c[0], 0, 2, NULL), 0);
	run_until(&p, &p.heard[1].messages, 2);
	assert_true(p.heard[1].in_order);
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_end_within_a_frame),
		cmocka_unit_test(test_no_stream_of_ours),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_descriptors_that_nobody_announced),
		cmocka_unit_test(test_peer_stops_reading),
		cmocka_unit_test(test_big_frames),
		cmocka_unit_test(test_pause_and_close_inside),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_close_tries_once),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_file_cannot_be_polled),
		cmocka_unit_test(test_put),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
