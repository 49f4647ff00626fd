/* A reader as control has it: a child on a socketpair, spoken to in messages. Compiles filters when
 * it is asked to. */
#ifndef TESTS_READER_RIG_H
#define TESTS_READER_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "bpf/program.h"
#include "reader/reader.h"
#include "table/row.h"
#include "wire/frame.h"
#include "wire/msg.h"

#define RIG_TIMEOUT_MS 30000
#define RIG_CHANNEL 7u /* the client's, as control would have chosen it */
#define RIG_UNUSED __attribute__((unused))

struct rig {
	pid_t pid;
	int fd;
	struct buf in;
	size_t used; /* of `in`, by the frame that was given out last */
	uint32_t id;
	struct window window;
	struct err error;  /* of the last ERROR */
	struct buf events; /* sentences of EVENTs */
};

struct rig_query {
	const char *table, *word, *columns, *filter, *bpf, *sort;
	uint64_t first;
	uint32_t count, period_ms, flags;
};

static RIG_UNUSED void rig_start(struct rig *r)
{
	int fd[2];
	struct err e;

	memset(r, 0, sizeof(*r));
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	(void)fflush(NULL);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		close(fd[0]);
		exit(reader_main(fd[1])); /* not _exit: a sanitizer looks for leaks at the end */
	}
	close(fd[1]);
	r->fd = fd[0];
	buf_init(&r->in, 64u << 20);
	buf_init(&r->events, 1u << 20);
}

static RIG_UNUSED void rig_release(struct rig *r)
{
	buf_release(&r->in);
	buf_release(&r->events);
	window_release(&r->window);
}

static RIG_UNUSED void rig_kill(struct rig *r)
{
	assert_int_equal(kill(r->pid, SIGKILL), 0);
	assert_int_equal(waitpid(r->pid, NULL, 0), r->pid);
	close(r->fd);
	rig_release(r);
}

/* Hangs up; the reader must end by itself, with 0. */
static RIG_UNUSED void rig_stop(struct rig *r)
{
	int status = 0;

	close(r->fd);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	rig_release(r);
}

static RIG_UNUSED void rig_send(struct rig *r, uint16_t type, uint32_t channel, uint32_t id,
				const struct buf *payload, const int *fd, size_t nfd)
{
	struct buf out;
	size_t sent = 0;

	buf_init(&out, 16u << 20);
	assert_int_equal(
		frame_put_fds(&out, type, (uint16_t)nfd, channel, id, payload->data, payload->len),
		0);
	while (sent < out.len) {
		ssize_t n = fdio_send(r->fd, out.data + sent, out.len - sent, sent ? NULL : fd,
				      sent ? 0 : nfd);

		assert_true(n > 0);
		sent += (size_t)n;
	}
	buf_release(&out);
}

/* The next frame, borrowed until the next call; fails the test when none comes. */
static RIG_UNUSED void rig_next(struct rig *r, struct frame *f)
{
	struct err e;

	buf_consume(&r->in, r->used);
	r->used = 0;
	for (;;) {
		int whole = frame_get(r->in.data, r->in.len, f, &r->used, &e);

		assert_true(whole >= 0);
		if (whole > 0)
			return;
		r->used = 0;
		struct pollfd p = {.fd = r->fd, .events = POLLIN};

		assert_int_equal(poll(&p, 1, RIG_TIMEOUT_MS), 1);
		uint8_t *room = buf_reserve(&r->in, 65536);
		size_t nfd = 0;
		ssize_t n = fdio_recv(r->fd, room, 65536, NULL, &nfd);

		if (n <= 0)
			fail_msg("the reader hung up");
		r->in.len += (size_t)n;
	}
}

static RIG_UNUSED void rig_compile(struct rig *r, const struct frame *f)
{
	struct msg_compile m;
	struct err e = {.at = -1};
	struct buf blob, out;

	buf_init(&blob, 1u << 20);
	buf_init(&out, 1u << 20);
	assert_int_equal(msg_get_compile(f->payload, f->len, &m, &e), 0);
	if (bpf_compile_text(m.link_type, m.snaplen, m.text, false, &blob, &e) == 0) {
		const struct msg_program p = {.program = {(const char *)blob.data, blob.len}};

		assert_int_equal(msg_put_program(&out, &p), 0);
		rig_send(r, MSG_PROGRAM, 0, f->id, &out, NULL, 0);
	} else {
		const struct msg_error p = {.code = e.code, .at = e.at, .sentence = str_of(e.text)};

		assert_int_equal(msg_put_error(&out, &p), 0);
		rig_send(r, MSG_ERROR, 0, f->id, &out, NULL, 0);
	}
	buf_release(&blob);
	buf_release(&out);
}

/* The next frame for channel and id; COMPILE and EVENT are dealt with on the way. */
static RIG_UNUSED void rig_wait(struct rig *r, uint32_t channel, uint32_t id, struct frame *f)
{
	for (;;) {
		rig_next(r, f);
		if (f->type == MSG_COMPILE)
			rig_compile(r, f);
		else if (f->type == MSG_EVENT)
			buf_add_str(&r->events, "event\n");
		else if (f->channel == channel && f->id == id)
			return;
	}
}

/* 0 for DONE, -1 for ERROR (r->error). */
static RIG_UNUSED int rig_answer(struct rig *r, uint32_t channel, uint32_t id)
{
	struct frame f;
	struct msg_error m;
	struct err e;

	rig_wait(r, channel, id, &f);
	if (f.type == MSG_DONE)
		return 0;
	assert_int_equal(f.type, MSG_ERROR);
	assert_int_equal(msg_get_error(f.payload, f.len, &m, &e), 0);
	err_set(&r->error, (enum err_code)m.code, "%.*s", (int)m.sentence.len, m.sentence.p);
	return -1;
}

/* Hands over an open descriptor (closed here). 0, or -1 with r->error. */
static RIG_UNUSED int rig_file(struct rig *r, int fd, const char *name, bool growing,
			       uint64_t first_packet)
{
	const struct msg_read_file m = {
		.name = str_of(name), .growing = growing, .first_packet = first_packet};
	struct buf out;

	assert_true(fd >= 0);
	buf_init(&out, 65536);
	assert_int_equal(msg_put_read_file(&out, &m), 0);
	rig_send(r, MSG_READ_FILE, 0, ++r->id, &out, &fd, 1);
	buf_release(&out);
	close(fd);
	return rig_answer(r, 0, r->id);
}

static RIG_UNUSED int rig_open(struct rig *r, const char *path)
{
	return rig_file(r, open(path, O_RDONLY | O_CLOEXEC), path, false, 0);
}

static RIG_UNUSED uint32_t rig_ask(struct rig *r, const struct rig_query *q)
{
	struct msg_query m = {.table = str_of(q->table),
			      .columns = str_of(q->columns),
			      .filter = str_of(q->filter),
			      .bpf = str_of(q->bpf),
			      .sort = str_of(q->sort),
			      .first = q->first,
			      .count = q->count ? q->count : 65536,
			      .period_ms = q->period_ms,
			      .flags = q->flags};
	struct buf out;

	if (q->word)
		assert_int_equal(msg_strs(&m.words, &q->word, 1), 0);
	buf_init(&out, 1u << 20);
	assert_int_equal(msg_put_query(&out, &m), 0);
	rig_send(r, MSG_QUERY, RIG_CHANNEL, ++r->id, &out, NULL, 0);
	buf_release(&out);
	return r->id;
}

/* The next WINDOW of a query into r->window: 0, or -1 with r->error. */
static RIG_UNUSED int rig_window(struct rig *r, uint32_t id)
{
	struct frame f;
	struct msg_window m;
	struct msg_error error;
	struct err e;

	rig_wait(r, RIG_CHANNEL, id, &f);
	if (f.type == MSG_ERROR) {
		assert_int_equal(msg_get_error(f.payload, f.len, &error, &e), 0);
		err_set(&r->error, (enum err_code)error.code, "%.*s", (int)error.sentence.len,
			error.sentence.p);
		r->error.at = (int)error.at;
		return -1;
	}
	assert_int_equal(f.type, MSG_WINDOW);
	assert_int_equal(msg_get_window(f.payload, f.len, &m, &e), 0);
	assert_int_equal(window_read(&r->window, &m, &e), 0);
	return 0;
}

static RIG_UNUSED int rig_query(struct rig *r, const struct rig_query *q)
{
	return rig_window(r, rig_ask(r, q));
}

static RIG_UNUSED int rig_table(struct rig *r, const char *table)
{
	return rig_query(r, &(struct rig_query){.table = table});
}

static RIG_UNUSED void rig_cancel(struct rig *r, uint32_t id)
{
	struct buf none;

	buf_init(&none, 16);
	rig_send(r, MSG_CANCEL, RIG_CHANNEL, id, &none, NULL, 0);
}

/* --- cells of r->window --- */

static RIG_UNUSED struct value rig_cell(const struct rig *r, uint32_t row, const char *column)
{
	int c = window_column(&r->window, column);

	if (c < 0)
		fail_msg("no column %s", column);
	return window_cell(&r->window, row, c);
}

/* As the command line would print it raw; the caller frees. */
static RIG_UNUSED char *rig_text(const struct rig *r, uint32_t row, const char *column)
{
	int c = window_column(&r->window, column);
	struct value v = rig_cell(r, row, column);
	struct buf out;

	buf_init(&out, 1u << 20);
	value_print_raw(&out, r->window.columns[c].kind, &v);
	char *text = xstrdup(buf_str(&out));

	buf_release(&out);
	return text;
}

static RIG_UNUSED int64_t rig_int(const struct rig *r, uint32_t row, const char *column)
{
	struct value v = rig_cell(r, row, column);

	assert_int_equal(v.type, VALUE_INT);
	return v.i;
}

#define rig_is(r, row, column, expected) rig_is_at(r, row, column, expected, __FILE__, __LINE__)
static RIG_UNUSED void rig_is_at(const struct rig *r, uint32_t row, const char *column,
				 const char *expected, const char *file, int line)
{
	char *text = rig_text(r, row, column);

	_assert_string_equal(text, expected, file, line);
	free(text);
}

/* --- captures --- */

/* The folder of shared captures; NULL, said in one line, when there is none. */
static RIG_UNUSED const char *rig_captures(void)
{
	const char *folder = getenv("TAPDECK_CAPTURES");
	char probe[4096];

	if (!folder)
		folder = "../shared/captures";
	(void)snprintf(probe, sizeof(probe), "%s/truth.tsv", folder);
	if (access(probe, R_OK) == 0)
		return folder;
	print_message("no shared captures at %s: their truth is not tested\n", folder);
	return NULL;
}

/* An open file that has no name, with these bytes. */
static RIG_UNUSED int rig_temp(const void *bytes, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fdio_write_all(fd, bytes, len), 0);
	return fd;
}

static RIG_UNUSED void rig_load(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	buf_init(b, 256u << 20);
	do {
		uint8_t *room = buf_reserve(b, 65536);

		n = read(fd, room, 65536);
		assert_true(n >= 0);
		b->len += (size_t)n;
	} while (n > 0);
	close(fd);
}

#endif
