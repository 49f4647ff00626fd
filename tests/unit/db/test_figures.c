/* What the history costs, printed; only row counts are asserted. An argument is another number of connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"

#include "../../../db/catalog.h"
#include "../../../db/feed.h"
#include "../../../db/plan.h"
#include "../../../db/shard.h"
#include "../../../db/sql.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "journal/journal.h"

#define T0 INT64_C(1700000000000000000)
#define WEEK_NS (INT64_C(7) * 86400 * NS_PER_S)
#define ASKED 60 /* times each question is asked, of other hosts and ports */
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

static void connection_add(struct journal *j, uint64_t id, uint64_t *r)
{
	static const uint16_t ports[] = {443, 443, 443, 80, 53, 53, 22, 123, 8080, 445};
	const uint32_t in = crowded(r, 5000), out = crowded(r, 300000);
	const uint8_t a[4] = {10, (uint8_t)(in >> 16), (uint8_t)(in >> 8), (uint8_t)in};
	const uint8_t b[4] = {93, (uint8_t)(out >> 16), (uint8_t)(out >> 8), (uint8_t)out};
	const struct msg_j_connection m = {
		.id = id, .protocol = 6, .proto = str_of("tcp"), .addr_a = {(const char *)a, 4}, .addr_b = {(const char *)b, 4},
		.port_a = (uint16_t)(32768 + random_next(r) % 28000), .port_b = ports[random_next(r) % ARRAY_LEN(ports)],
		.start_ns = T0 + (int64_t)((double)WEEK_NS / (double)connections * (double)id), .duration_ns = random_next(r) % (20 * NS_PER_S),
		.packets_ab = random_next(r) % 200, .bytes_ab = random_next(r) % 20000, .packets_ba = random_next(r) % 200,
		.bytes_ba = random_next(r) % 200000, .payload_ab = random_next(r) % 20000, .payload_ba = random_next(r) % 200000,
		.state = str_of("SF"), .history = str_of("ShADadFf"), .initiator = str_of("a"), .app = str_of("tls"),
		.handshake_ns = random_next(r) % (50 * NS_PER_MS), .segment = 1, .offset = id * 900, .final = 1,
	};
	struct err e;

	assert_int_equal(journal_add_j_connection(j, &m, &e), 0);
}

static uint8_t *journal_make(uint64_t *bytes)
{
	const int fd = memfd_create("journal", 0);
	const struct msg_j_capture m = {.capture = str_of("c"), .started_ns = T0, .folder = str_of("/c")};
	uint64_t r = 1;
	struct err e;
	struct journal *j = journal_new(dup(fd), &e);
	struct stat st;
	uint8_t *p;

	assert_non_null(j);
	assert_int_equal(journal_add_j_capture(j, &m, &e), 0);
	for (uint64_t id = 1; id <= connections; id++)
		connection_add(j, id, &r);
	assert_int_equal(journal_sync(j, &e), 0);
	journal_close(j);
	assert_int_equal(fstat(fd, &st), 0);
	*bytes = (uint64_t)st.st_size;
	p = mmap(NULL, (size_t)*bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	return p;
}

static void fill(const char *folder)
{
	struct catalog *c;
	struct feeds *f;
	struct err e = {0};
	uint64_t bytes;
	uint8_t *p = journal_make(&bytes);
	int sealed;
	double begun = cpu_s();

	assert_int_equal(catalog_open(&c, folder, &e), 0);
	f = feeds_new(c, folder);
	for (uint64_t at = 0; at < bytes; at += PIECE)
		if (feeds_add(f, &(struct msg_feed){.host = str_of("h"), .journal = str_of("j"), .offset = at,
						    .bytes = {(const char *)p + at, bytes - at < PIECE ? bytes - at : PIECE}}, &e) != 0)
			fail_msg("%s", e.text);
	while ((sealed = feeds_seal(f, true, &e)) > 0)
		;
	assert_int_equal(sealed, 0);
	feeds_free(f);
	catalog_close(c);
	print_message("# %llu connections taken up: %.0f in a second of CPU\n", (unsigned long long)connections,
		      (double)connections / (cpu_s() - begun));
	(void)munmap(p, bytes);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static uint64_t ask(sqlite3 *db, const char *text, enum plan_shape shape)
{
	struct plan_scope scope = {.captures = "", .newer_ns = INT64_MIN};
	bool sealed = false;
	struct plan *plan = xmalloc(sizeof(*plan));
	struct question q;
	struct err e = {0};
	sqlite3_stmt *s;
	uint64_t rows = 0;

	assert_int_equal(shard_sealed(db, &sealed, &e), 0);
	scope.open = !sealed;
	if (question_parse(&q, str_of(text), T0 + WEEK_NS, &e) != 0 || plan_make(plan, &q, shape, &scope, &e) != 0 ||
	    !(s = plan_prepare(plan, db, &e)))
		fail_msg("'%s': %s", text, e.text);
	while (sqlite3_step(s) == SQLITE_ROW)
		rows++;
	sqlite3_finalize(s);
	plan_release(plan);
	free(plan);
	question_release(&q);
	return rows;
}

static void time_questions(sqlite3 *db, const char *what, const char *format, uint32_t below, enum plan_shape shape)
{
	double ms[ASKED];
	uint64_t r = 5, rows = 0;

	for (int i = 0; i < ASKED; i++) {
		const uint32_t n = crowded(&r, below);
		char text[256];
		double begun;

		if (shape == PLAN_TOP)
			(void)snprintf(text, sizeof(text), "%s", format);
		else if (below == 65536)
			(void)snprintf(text, sizeof(text), "port %d | limit 100", (int[]){443, 80, 53, 22, 123}[n % 5]);
		else
			(void)snprintf(text, sizeof(text), "%s 10.%u.%u.%u%s | limit 100", format, n >> 16, n >> 8 & 255,
				       *format == 'n' ? 0 : n & 255, *format == 'n' ? "/24" : "");
		begun = cpu_s();
		rows += ask(db, text, shape);
		ms[i] = (cpu_s() - begun) * 1e3;
		if (shape == PLAN_TOP && i == 2) {
			qsort(ms, 3, sizeof(*ms), by_size);
			print_message("# %s: %.1f ms of CPU\n", what, ms[1]);
			return;
		}
	}
	qsort(ms, ASKED, sizeof(*ms), by_size);
	assert_true(rows > 0);
	print_message("# %s: p50 %.3f ms, p99 %.3f ms of CPU\n", what, ms[ASKED / 2], ms[ASKED - 1]);
}

static void figures(void **state)
{
	const char *folder = *state;
	char *path;
	sqlite3 *db;
	struct stat st;
	struct err e;

	fill(folder);
	path = shard_path(folder, 1);
	assert_int_equal(stat(path, &st), 0);
	print_message("# %.0f bytes a connection\n", (double)st.st_size / (double)connections);
	assert_int_equal(sql_open(&db, path, SQL_READER, &e), 0);
	assert_int_equal(ask(db, "connections | limit 1000000", PLAN_ROWS), connections <= 1000000 ? connections : 1000001);
	time_questions(db, "newest 100 of a host", "host", 5000, PLAN_ROWS);
	time_questions(db, "newest 100 of a port", "port", 65536, PLAN_ROWS);
	time_questions(db, "newest 100 of a /24", "net", 5000, PLAN_ROWS);
	time_questions(db, "top 20 of the last 24 h", "last 24h | top 20 addr", 1, PLAN_TOP);
	time_questions(db, "top 20 of the last hour", "last 1h | top 20 addr", 1, PLAN_TOP);
	sql_close(db);
	free(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(figures, folder_setup, folder_teardown)};

	if (argc > 1)
		connections = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
