/* What the history costs, printed; only that it answers is asserted. An argument is another number of connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"

#include "../../../db/ask.h"
#include "../../../db/catalog.h"
#include "../../../db/feed.h"
#include "../../../db/shard.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "wire/frame.h"

#define T0 INT64_C(1700000000000000000)
#define WEEK_NS (INT64_C(7) * 86400 * NS_PER_S)
#define ASKED 60 /* times each question is asked, of other hosts and ports */
#define CAPTURE 1000000u /* connections of one */
#define PIECE (1u << 20)

static uint64_t connections = 60000;

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Few are met often, as in real traffic: the product of two random numbers crowds at the low ones. */
static uint32_t crowded(uint64_t *r, uint32_t below)
{
	const uint64_t x = (uint64_t)(random_next(r) % below) * (random_next(r) % below) / below;

	return (uint32_t)(x * (random_next(r) % below) / below);
}

/* `place`: of all of them, in the order of time. */
static void connection_add(struct journal *j, uint64_t id, uint64_t place, uint64_t *r)
{
	static const uint16_t ports[] = {443, 443, 443, 80, 53, 53, 22, 123, 8080, 445};
	const uint32_t in = crowded(r, 5000), out = crowded(r, 300000);
	const uint8_t a[4] = {10, (uint8_t)(in >> 16), (uint8_t)(in >> 8), (uint8_t)in};
	const uint8_t b[4] = {93, (uint8_t)(out >> 16), (uint8_t)(out >> 8), (uint8_t)out};
	const struct msg_j_connection m = {
		.id = id, .protocol = 6, .proto = str_of("tcp"), .addr_a = {(const char *)a, 4}, .addr_b = {(const char *)b, 4},
		.port_a = (uint16_t)(32768 + random_next(r) % 28000), .port_b = ports[random_next(r) % ARRAY_LEN(ports)],
		.start_ns = T0 + (int64_t)((double)WEEK_NS / (double)connections * (double)place), .duration_ns = random_next(r) % (20 * NS_PER_S),
		.packets_ab = random_next(r) % 200, .bytes_ab = random_next(r) % 20000, .packets_ba = random_next(r) % 200,
		.bytes_ba = random_next(r) % 200000, .payload_ab = random_next(r) % 20000, .payload_ba = random_next(r) % 200000,
		.state = str_of("SF"), .history = str_of("ShADadFf"), .initiator = str_of("a"), .app = str_of("tls"),
		.handshake_ns = random_next(r) % (50 * NS_PER_MS), .segment = 1, .offset = id * 900, .final = 1,
	};
	struct err e;

	assert_int_equal(journal_add_j_connection(j, &m, &e), 0);
}

/* One capture's journal, of the connections behind `first`. */
static uint8_t *journal_make(uint64_t first, uint64_t count, uint64_t *r, uint64_t *bytes)
{
	const int fd = memfd_create("journal", 0);
	char name[32];
	struct msg_j_capture m = {.started_ns = T0, .folder = str_of("/c")};
	struct err e;
	struct journal *j = journal_new(dup(fd), &e);
	struct stat st;
	uint8_t *p;

	assert_non_null(j);
	(void)snprintf(name, sizeof(name), "c%llu", (unsigned long long)first);
	m.capture = str_of(name);
	assert_int_equal(journal_add_j_capture(j, &m, &e), 0);
	for (uint64_t id = 1; id <= count; id++)
		connection_add(j, id, first + id, r);
	assert_int_equal(journal_sync(j, &e), 0);
	journal_close(j);
	assert_int_equal(fstat(fd, &st), 0);
	*bytes = (uint64_t)st.st_size;
	p = mmap(NULL, (size_t)*bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	return p;
}

static void feed(struct feeds *f, uint64_t number, const uint8_t *p, uint64_t bytes)
{
	struct err e = {0};
	char name[32];
	int more;

	(void)snprintf(name, sizeof(name), "j%llu", (unsigned long long)number);
	for (uint64_t at = 0; at < bytes; at += PIECE) {
		if (feeds_add(f, &(struct msg_feed){.host = str_of("h"), .journal = str_of(name), .offset = at,
						    .bytes = {(const char *)p + at, bytes - at < PIECE ? bytes - at : PIECE}}, &e) != 0)
			fail_msg("%s", e.text);
		while ((more = feeds_seal(f, false, &e)) > 0)
			;
		assert_int_equal(more, 0);
	}
}

/* The time is of taking up and of all indexes, not of making journals. */
static void fill(const char *folder)
{
	struct catalog *c;
	struct feeds *f;
	struct err e = {0};
	uint64_t bytes, r = 1;
	double spent = 0, begun;
	int more;

	assert_int_equal(catalog_open(&c, folder, &e), 0);
	f = feeds_new(c, folder);
	for (uint64_t first = 0; first < connections; first += CAPTURE) {
		const uint64_t count = connections - first < CAPTURE ? connections - first : CAPTURE;
		uint8_t *p = journal_make(first, count, &r, &bytes);

		begun = cpu_s();
		feed(f, first, p, bytes);
		spent += cpu_s() - begun;
		(void)munmap(p, bytes);
	}
	begun = cpu_s();
	while ((more = feeds_seal(f, true, &e)) > 0)
		;
	assert_int_equal(more, 0);
	feeds_free(f);
	catalog_close(c);
	spent += cpu_s() - begun;
	print_message("# %llu connections taken up: %.0f in a second of CPU\n", (unsigned long long)connections,
		      (double)connections / spent);
}

static double folder_bytes(const char *folder)
{
	double bytes = 0;
	struct stat st;

	for (int64_t shard = 1;; shard++) {
		char *path = shard_path(folder, shard);
		const int r = stat(path, &st);

		free(path);
		if (r != 0)
			return bytes;
		bytes += (double)st.st_size;
	}
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Drains the answer; true: it ended with DONE. */
static bool answered(int fd)
{
	struct buf in;
	struct frame f = {0};
	size_t used;
	bool done = false;

	buf_init(&in, 64u << 20);
	for (;;) {
		uint8_t *room = buf_reserve(&in, 65536);
		const ssize_t n = read(fd, room, 65536);

		if (n <= 0)
			break;
		in.len += (size_t)n;
		while (frame_get(in.data, in.len, &f, &used, NULL) == 1) {
			done = f.type == MSG_DONE;
			buf_consume(&in, used);
		}
	}
	buf_release(&in);
	return done;
}

/* As a user's question is answered, in a process of its own over all shards; its CPU time. */
static double ask_ms(const char *folder, const char *text)
{
	struct msg_command *m = xcalloc(1, sizeof(*m));
	struct buf payload, frame;
	struct rusage used;
	struct err e = {0};
	int fd[2];
	pid_t pid;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&frame, MSG_PAYLOAD_MAX);
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], 0);
		close(fd[0]);
		close(fd[1]);
		_exit(ask_main(folder, false));
	}
	close(fd[1]);
	msg_strs(&m->words, &text, 1);
	assert_int_equal(msg_put_command(&payload, m), 0);
	assert_int_equal(frame_put(&frame, MSG_COMMAND, 0, 1, payload.data, payload.len), 0);
	assert_int_equal(fdio_write_all(fd[0], frame.data, frame.len), 0);
	if (!answered(fd[0]))
		fail_msg("'%s' was not answered", text);
	close(fd[0]);
	assert_int_equal(wait4(pid, NULL, 0, &used), pid);
	buf_release(&payload);
	buf_release(&frame);
	free(m);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

enum subject { HOST, NET, PORT, NONE };

static void subject_text(char text[256], enum subject subject, const char *tail, uint64_t *r)
{
	static const int ports[] = {443, 80, 53, 22, 123};
	const uint32_t n = crowded(r, 5000);

	switch (subject) {
	case HOST:
		(void)snprintf(text, 256, "host 10.%u.%u.%u %s", n >> 16, n >> 8 & 255, n & 255, tail);
		break;
	case NET:
		(void)snprintf(text, 256, "net 10.%u.%u.0/24 %s", n >> 16, n >> 8 & 255, tail);
		break;
	case PORT:
		(void)snprintf(text, 256, "port %d %s", ports[n % ARRAY_LEN(ports)], tail);
		break;
	case NONE:
		(void)snprintf(text, 256, "%s", tail);
		break;
	}
}

static const struct {
	const char *what;
	enum subject subject;
	const char *tail;
	int asked;
} questions[] = {
	{"a process that asks nothing", NONE, "captures", 5},
	{"newest 100 of a host", HOST, "| limit 100", ASKED},
	{"a host in an hour", HOST, "between 2023-11-20T20:00:00Z and 2023-11-20T21:00:00Z", ASKED},
	{"newest 100 of a port", PORT, "| limit 100", ASKED},
	{"newest 100 of a /24", NET, "| limit 100", ASKED},
	{"newest 100 of a capture", NONE, "capture 1 | limit 100", 5},
	{"top 20 of a day", NONE, "between 2023-11-20T21:00:00Z and 2023-11-21T21:00:00Z | top 20 addr", 3},
	{"top 20 of an hour", NONE, "between 2023-11-20T20:00:00Z and 2023-11-20T21:00:00Z | top 20 addr", 3},
	{"sums over everything", NONE, "bytes_ab > 10 | count", 3},
};

static void figures(void **state)
{
	const char *folder = *state;
	uint64_t r = 5;

	fill(folder);
	print_message("# %.0f bytes a connection\n", folder_bytes(folder) / (double)connections);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		const int asked = questions[i].asked;
		double ms[ASKED];

		for (int n = 0; n < asked; n++) {
			char text[256];

			subject_text(text, questions[i].subject, questions[i].tail, &r);
			ms[n] = ask_ms(folder, text);
		}
		qsort(ms, (size_t)asked, sizeof(*ms), by_size);
		print_message("# %s: p50 %.2f ms, p99 %.2f ms of CPU\n", questions[i].what, ms[asked / 2], ms[asked - 1]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(figures, folder_setup, folder_teardown)};

	if (argc > 1)
		connections = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
