/* The real program over a socketpair, and a journal to feed it, for the tests of the store. Everything waits for a condition,
 * with a deadline. */
#ifndef TESTS_UNIT_DB_STORE_PEER_H
#define TESTS_UNIT_DB_STORE_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"

#include "base/clock.h"
#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "table/row.h"
#include "wire/client.h"

#define T0 INT64_C(1700000000000000000)
#define DEADLINE_NS (20 * NS_PER_S)

struct store_peer {
	uv_loop_t loop;
	struct client *client;
	pid_t pid;
	bool ready, gone;
	struct err why;
};

/* What came back to one request. */
struct reply {
	bool ended; /* error, done, or a window */
	unsigned windows;
	struct err error;
	uint64_t total;
	uint32_t rows;
	uint8_t state;
	char note[1024];
	char first[256]; /* first row's first cell, raw */
	int64_t sum;	 /* of the first column */
};

static inline void store_program(char path[4096])
{
	const char *b = getenv("B");
	ssize_t n;

	if (b) {
		(void)snprintf(path, 4096, "%s/bin/tapdeck-store", b);
		if (access(path, X_OK) == 0)
			return;
	}
	n = readlink("/proc/self/exe", path, 3000);
	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 4; i++)
		*strrchr(path, '/') = '\0';
	memcpy(path + strlen(path), "/bin/tapdeck-store", sizeof("/bin/tapdeck-store"));
}

static inline void peer_ready(void *arg, struct client *c, const struct msg_hello *hello)
{
	(void)c;
	assert_true(str_is(hello->program, "tapdeck-store"));
	((struct store_peer *)arg)->ready = true;
}

static inline void peer_gone(void *arg, struct client *c, const struct err *e)
{
	struct store_peer *p = arg;

	(void)c;
	p->gone = true;
	p->why = *e;
}

static inline void peer_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* One turn of the loop, 10 ms at most. */
static inline void peer_turn(struct store_peer *p)
{
	uv_timer_t *tick = xcalloc(1, sizeof(*tick));

	uv_timer_init(&p->loop, tick);
	uv_timer_start(tick, peer_tick, 10, 0);
	uv_run(&p->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)tick, (uv_close_cb)free);
}

static inline bool peer_wait(struct store_peer *p, const bool *until)
{
	const int64_t end = clock_mono_ns() + DEADLINE_NS;

	while (!*until && !p->gone && clock_mono_ns() < end)
		peer_turn(p);
	return *until;
}

/* `uid` 0: as it is; else the program runs as this user. */
static inline void peer_start_as(struct store_peer *p, const char *folder, uid_t uid)
{
	static const struct client_ops ops = {.ready = peer_ready, .gone = peer_gone};
	char program[4096], mapped[32];
	const char *const argv[] = {program, "--folder", folder, NULL};
	const char *const mapping[] = {"setpriv", "--reuid", mapped, "--clear-groups", program, "--folder", folder, NULL};
	struct spawn s = {.path = uid ? "setpriv" : program, .argv = (char *const *)(uintptr_t)(uid ? mapping : argv), .nfd = 3,
			  .die_with_parent = true};
	struct err e = {0};
	int fd[2];

	store_program(program);
	(void)snprintf(mapped, sizeof(mapped), "%u", (unsigned)uid);
	memset(p, 0, sizeof(*p));
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	s.fd[0] = fd[1];
	s.fd[1] = -1;
	s.fd[2] = -1;
	p->pid = spawn_start(&s, &e);
	if (p->pid < 0)
		fail_msg("%s", e.text);
	close(fd[1]);
	uv_loop_init(&p->loop);
	p->client = client_new(&p->loop, fd[0], "test", &ops, p);
}

static inline void peer_start(struct store_peer *p, const char *folder)
{
	peer_start_as(p, folder, 0);
	if (!peer_wait(p, &p->ready))
		fail_msg("no HELLO: %s", p->why.text);
}

static inline int peer_end(struct store_peer *p, int signal_number)
{
	int status = -1;

	if (signal_number)
		(void)kill(p->pid, signal_number);
	client_free(p->client);
	for (int i = 0; i < 5; i++)
		peer_turn(p);
	uv_run(&p->loop, UV_RUN_DEFAULT); /* what is left is only closing */
	(void)uv_loop_close(&p->loop);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return status;
}

static inline void on_reply(void *arg, struct request *request, const struct answer *a)
{
	struct reply *r = arg;
	struct window w = {0};
	struct buf text;

	(void)request;
	if (a->error)
		r->error = *a->error;
	if (a->window) {
		assert_int_equal(window_read(&w, a->window, NULL), 0);
		r->windows++;
		r->total = w.total;
		r->rows = w.rows;
		r->state = w.state;
		(void)snprintf(r->note, sizeof(r->note), "%s", w.note ? w.note : "");
		r->sum = 0;
		for (uint32_t i = 0; i < w.rows; i++)
			r->sum += window_cell(&w, i, 0).type == VALUE_INT ? window_cell(&w, i, 0).i : 0;
		buf_init(&text, 65536);
		if (w.rows) {
			const struct value v = window_cell(&w, 0, 0);

			value_print_raw(&text, w.columns[0].kind, &v);
		}
		(void)snprintf(r->first, sizeof(r->first), "%s", buf_str(&text));
		buf_release(&text);
		window_release(&w);
	}
	r->ended = true;
}

static inline struct msg_query query_make(const char *table, const char *const words[], const char *columns)
{
	struct msg_query q = {.table = str_of(table), .columns = str_of(columns), .count = 100000};

	for (size_t i = 0; words && words[i]; i++)
		q.words.at[q.words.count++] = str_of(words[i]);
	return q;
}

static inline void peer_query(struct store_peer *p, const struct msg_query *q, struct reply *r)
{
	memset(r, 0, sizeof(*r));
	(void)client_query(p->client, 0, q, on_reply, r);
	if (!peer_wait(p, &r->ended) && !p->gone)
		fail_msg("no answer to %.*s", (int)q->table.len, q->table.p);
}

static inline void peer_ask(struct store_peer *p, const char *question, const char *columns, struct reply *r)
{
	const char *const words[] = {question, NULL};
	struct msg_query *q = xmalloc(sizeof(*q));

	*q = query_make("history", words, columns);
	peer_query(p, q, r);
	free(q);
}

static inline uint64_t peer_count(struct store_peer *p, const char *question)
{
	struct reply r;

	peer_ask(p, question, "", &r);
	if (r.error.code || r.state == WINDOW_PARTIAL)
		fail_msg("'%s': %s%s", question, r.error.text, r.note);
	return r.total;
}

static inline void peer_feed(struct store_peer *p, const char *journal, uint64_t offset, const void *bytes, size_t len,
			     struct reply *r)
{
	const struct msg_feed m = {.host = str_of("edge"), .journal = str_of(journal), .offset = offset, .bytes = {bytes, len}};

	memset(r, 0, sizeof(*r));
	(void)client_feed(p->client, &m, on_reply, r);
	(void)peer_wait(p, &r->ended);
}

/* --- a journal --- */

/* `stay`: 0, or how often it had left memory before. */
static inline void journal_stay(struct journal *j, uint64_t id, uint64_t packets, int stay)
{
	const uint8_t a[4] = {10, 0, (uint8_t)(id / 250 % 250), (uint8_t)(id % 250)}, b[4] = {192, 168, 0, (uint8_t)(id % 7)};
	struct msg_j_connection m = {.id = id, .protocol = 6, .proto = str_of("tcp"), .addr_a = {(const char *)a, 4},
				     .addr_b = {(const char *)b, 4}, .port_a = (uint16_t)(30000 + id % 20000), .port_b = id % 2 ? 443 : 80,
				     .start_ns = T0 + (int64_t)id * NS_PER_MS + stay * NS_PER_S, .duration_ns = NS_PER_MS, .packets_ab = packets,
				     .handshake_ns = -1, .segment = 1, .state = str_of("SF"), .final = 1};
	struct err e;

	assert_int_equal(journal_add_j_connection(j, &m, &e), 0);
}

static inline void journal_bytes(int fd, struct buf *out)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	buf_init(out, 256u << 20);
	if (st.st_size == 0)
		return;
	assert_non_null(buf_reserve(out, (size_t)st.st_size));
	assert_int_equal(fdio_pread(fd, out->data, (size_t)st.st_size, 0), st.st_size);
	out->len = (size_t)st.st_size;
}

static inline void journal_connection(struct journal *j, uint64_t id, uint64_t packets)
{
	journal_stay(j, id, packets, 0);
}

/* A reader's journal: the capture, connections 1 to count, of as many packets as the number says. Every tenth is told twice,
 * with other packets first; every seventh comes back at the end, for one packet more. */
static inline void journal_make(struct buf *out, const char *capture, uint64_t count)
{
	const int fd = memfd_create("journal", 0);
	struct err e;
	struct journal *j = journal_new(dup(fd), &e);
	const struct msg_j_capture m = {.capture = str_of(capture), .session = str_of("web"), .host = str_of("edge"),
					.devices = str_of("eth0"), .started_ns = T0, .folder = str_of("/captures")};

	assert_non_null(j);
	assert_int_equal(journal_add_j_capture(j, &m, &e), 0);
	for (uint64_t id = 1; id <= count; id++) {
		if (id % 10 == 0)
			journal_connection(j, id, 1000000);
		journal_connection(j, id, id % 7 ? id : id - 1);
	}
	for (uint64_t id = 7; id <= count; id += 7)
		journal_stay(j, id, 1, 1);
	assert_int_equal(journal_sync(j, &e), 0);
	journal_close(j);
	journal_bytes(fd, out);
	close(fd);
}

static inline void run(const char *const argv[])
{
	const pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

#endif
