/* The history as a console meets it: the real program, fed and asked over its descriptor, killed, left and lied to. */
#include "store_peer.h"

#include "../../../db/shard.h"
#include "../../../db/sql.h"

#define CONNECTIONS 2000

struct world {
	char folder[64];
	struct buf journal;
	struct store_peer peer;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	folder_make(w->folder);
	journal_make(&w->journal, "web-1", CONNECTIONS);
	peer_start(&w->peer, w->folder);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->peer.pid)
		(void)peer_end(&w->peer, 0);
	folder_remove(w->folder);
	buf_release(&w->journal);
	free(w);
	return 0;
}

static void feed_all(struct store_peer *p, const char *name, const struct buf *j)
{
	struct reply r;

	peer_feed(p, name, 0, j->data, j->len, &r);
	if (r.error.code || !r.ended)
		fail_msg("%s", r.error.text);
}

/* Every connection once, each with its last record's packets: id and packets have the same sum. */
static void whole(struct store_peer *p, uint64_t count)
{
	struct reply r;

	peer_ask(p, "connections | limit 100000", "id", &r);
	assert_int_equal(r.total, count);
	assert_int_equal(r.sum, (int64_t)(count * (count + 1) / 2));
	peer_ask(p, "connections | limit 100000", "packets_ab", &r);
	assert_int_equal(r.sum, (int64_t)(count * (count + 1) / 2));
}

static void tables_are_answered_in_windows(void **state)
{
	static const char *const words[] = {"port", "443", NULL};
	struct world *w = *state;
	struct msg_query *q = xmalloc(sizeof(*q));
	struct reply r;

	feed_all(&w->peer, "web-1/reader", &w->journal);
	whole(&w->peer, CONNECTIONS);
	*q = query_make("connections", words, "id");
	q->filter = str_of("id > 1000");
	q->sort = str_of("id");
	q->first = 10;
	q->count = 5;
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.total, 500);
	assert_int_equal(r.rows, 5);
	assert_string_equal(r.first, "1021");
	*q = query_make("captures", NULL, "session");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.total, 1);
	assert_string_equal(r.first, "web");
	*q = query_make("journals", NULL, "offset");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.sum, w->journal.len);
	*q = query_make("files", NULL, "");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.total, 0);
	*q = query_make("events", NULL, "");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.total, 0);
	assert_int_equal(peer_count(&w->peer, "10.0.0.7"), 1);
	free(q);
}

static void wrong_calls_are_told(void **state)
{
	static const char *const words[] = {"port", "443", "and", "prt", "80", NULL};
	struct world *w = *state;
	struct msg_query *q = xmalloc(sizeof(*q));
	struct reply r;

	peer_ask(&w->peer, "port 443 and lats 1d", "", &r);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_int_equal(r.error.at, 13);
	*q = query_make("connections", words, "");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.error.at, 13);
	peer_ask(&w->peer, "port 443 and host == edge", "", &r);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_int_equal(r.error.at, 13);
	*q = query_make("conections", NULL, "");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.error.code, ERR_ABSENT);
	*q = query_make("captures", NULL, "nothing");
	peer_query(&w->peer, q, &r);
	assert_int_equal(r.error.code, ERR_CALL);
	peer_feed(&w->peer, "web-1/reader", 77, "x", 1, &r);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_non_null(strstr(r.error.text, "goes on at 0"));
	peer_feed(&w->peer, "web-1/reader", 0, "no journal at all", 17, &r);
	assert_int_equal(peer_count(&w->peer, "connections"), 0);
	free(q);
}

static void new_rows_come_by_themselves(void **state)
{
	struct world *w = *state;
	static const char *const words[] = {"connections", NULL};
	struct msg_query *q = xmalloc(sizeof(*q));
	struct reply r = {0}, fed;
	const int64_t end = clock_mono_ns() + DEADLINE_NS;
	struct request *request;
	int64_t since;

	*q = query_make("history", words, "id");
	q->period_ms = 200;
	request = client_query(w->peer.client, 0, q, on_reply, &r);
	assert_true(peer_wait(&w->peer, &r.ended));
	assert_int_equal(r.total, 0);
	peer_feed(&w->peer, "web-1/reader", 0, w->journal.data, w->journal.len, &fed);
	since = clock_mono_ns();
	while (r.total < CONNECTIONS && clock_mono_ns() < end)
		peer_turn(&w->peer);
	assert_int_equal(r.total, CONNECTIONS);
	print_message("# new rows after %.1f s\n", (double)(clock_mono_ns() - since) / 1e9);
	client_cancel(request);
	free(q);
}

static void what_stands_behind_damage_is_kept(void **state)
{
	struct world *w = *state;
	struct reply r;
	const size_t at = w->journal.len / 2;
	uint64_t kept;

	memset(w->journal.data + at, 0x5a, 300);
	memset(w->journal.data + w->journal.len - 5000, 0xa5, 40);
	for (size_t from = 0; from < w->journal.len; from += 4096) {
		const size_t n = w->journal.len - from < 4096 ? w->journal.len - from : 4096;

		peer_feed(&w->peer, "web-1/reader", from, w->journal.data + from, n, &r);
		if (r.error.code)
			fail_msg("%s", r.error.text);
	}
	kept = peer_count(&w->peer, "connections");
	assert_in_range(kept, CONNECTIONS - 8, CONNECTIONS - 1);
	assert_int_equal(peer_count(&w->peer, "id == 2000"), 1);
	assert_int_equal(peer_count(&w->peer, "events"), 2);
	peer_feed(&w->peer, "web-1/reader", w->journal.len, "", 0, &r);
	assert_int_equal(peer_count(&w->peer, "events"), 2);
}

static void two_consoles_see_the_same(void **state)
{
	struct world *w = *state;
	struct store_peer other;
	int status;

	peer_start(&other, w->folder);
	feed_all(&other, "web-1/reader", &w->journal);
	whole(&other, CONNECTIONS);
	whole(&w->peer, CONNECTIONS);
	client_free(w->peer.client); /* the writer's own; it goes on for the other one */
	for (int i = 0; i < 5; i++)
		peer_turn(&w->peer);
	uv_run(&w->peer.loop, UV_RUN_DEFAULT); /* what is left is only closing */
	(void)uv_loop_close(&w->peer.loop);
	whole(&other, CONNECTIONS);
	(void)peer_end(&other, 0);
	assert_int_equal(waitpid(w->peer.pid, &status, 0), w->peer.pid);
	assert_int_equal(status, 0);
	peer_start(&w->peer, w->folder);
	whole(&w->peer, CONNECTIONS);
}

static uint64_t offset_of(struct store_peer *p)
{
	struct msg_query *q = xmalloc(sizeof(*q));
	struct reply r;

	*q = query_make("journals", NULL, "offset");
	peer_query(p, q, &r);
	free(q);
	return (uint64_t)r.sum;
}

/* 20 kills at random moments of feeding; what comes next begins where the store says. */
static void killed_writers_lose_nothing(void **state)
{
	struct world *w = *state;
	uint32_t seed = 99;
	uint64_t offset = 0;
	struct reply r;

	for (int kill_number = 0; kill_number < 20; kill_number++) {
		const size_t piece = w->journal.len / 25;
		const size_t n = w->journal.len - offset < piece ? w->journal.len - offset : piece;
		const struct msg_feed m = {.host = str_of("edge"), .journal = str_of("web-1/reader"), .offset = offset,
					   .bytes = {(const char *)w->journal.data + offset, n}};
		const int64_t until = clock_mono_ns() + (int64_t)((seed = seed * 1664525u + 1013904223u) >> 8) % (12 * NS_PER_MS);

		memset(&r, 0, sizeof(r));
		(void)client_feed(w->peer.client, &m, on_reply, &r);
		while (clock_mono_ns() < until)
			peer_turn(&w->peer);
		(void)peer_end(&w->peer, SIGKILL);
		peer_start(&w->peer, w->folder);
		if (r.ended && !r.error.code)
			assert_true(offset_of(&w->peer) + 4096 > offset + n); /* what was acknowledged, but for a begun record */
		assert_true(offset_of(&w->peer) >= offset || offset == 0);
		offset = offset_of(&w->peer);
	}
	peer_feed(&w->peer, "web-1/reader", offset, w->journal.data + offset, w->journal.len - offset, &r);
	assert_int_equal(r.error.code, ERR_NONE);
	whole(&w->peer, CONNECTIONS);
}

static bool is_sealed(const char *folder)
{
	char *path = xasprintf("%s/flows/000001.db", folder);
	bool sealed = false;
	sqlite3 *db = NULL;

	assert_int_equal(sql_open(&db, path, SQL_READER, NULL), 0);
	assert_int_equal(shard_sealed(db, &sealed, NULL), 0);
	sql_close(db);
	free(path);
	return sealed;
}

/* Enough rows for indexes, and a kill between any two of them: answers are the same before, meanwhile and after. */
static void a_store_that_rests_makes_indexes(void **state)
{
	struct world *w = *state;
	const int64_t end = clock_mono_ns() + DEADLINE_NS;
	const uint64_t count = 66000;
	struct buf big;
	struct reply r;

	journal_make(&big, "web-1", count);
	for (size_t at = 0; at < big.len; at += 3000000) {
		peer_feed(&w->peer, "web-1/reader", at, big.data + at, big.len - at < 3000000 ? big.len - at : 3000000, &r);
		assert_int_equal(r.error.code, ERR_NONE);
	}
	assert_false(is_sealed(w->folder));
	for (int kills = 0; kills < 4; kills++) {
		assert_int_equal(peer_count(&w->peer, "port 443 | limit 100000"), count / 2);
		for (int turns = 0; turns < 100 + 5 * kills; turns++)
			peer_turn(&w->peer);
		(void)peer_end(&w->peer, SIGKILL);
		peer_start(&w->peer, w->folder);
	}
	while (!is_sealed(w->folder) && clock_mono_ns() < end)
		peer_turn(&w->peer);
	assert_true(is_sealed(w->folder));
	assert_int_equal(peer_count(&w->peer, "port 443 | limit 100000"), count / 2);
	assert_int_equal(peer_count(&w->peer, "10.0.0.7"), 2);
	peer_ask(&w->peer, "connections | count", "packets", &r);
	assert_int_equal(r.sum, (int64_t)(count * (count + 1) / 2));
	peer_ask(&w->peer, "id > 65000", "id", &r);
	assert_int_equal(r.sum, (int64_t)(count * (count + 1) / 2 - UINT64_C(65000) * 65001 / 2));
	buf_release(&big);
}

/* A child that asks, found by its parent's number; 0: none. */
static pid_t child_of(pid_t parent)
{
	char path[64], line[256];
	FILE *f;
	int pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f))
		pid = (int)strtol(line, NULL, 10);
	fclose(f);
	return pid;
}

static void a_killed_question_is_told(void **state)
{
	struct world *w = *state;
	static const char *const words[] = {"app ~ (a|b)*c", NULL};
	struct msg_query *q = xmalloc(sizeof(*q));
	bool told = false;

	feed_all(&w->peer, "web-1/reader", &w->journal);
	*q = query_make("history", words, "");
	for (int i = 0; i < 50 && !told; i++) { /* some end before they can be killed */
		struct reply r = {0};
		pid_t child = 0;

		(void)client_query(w->peer.client, 0, q, on_reply, &r);
		while (!r.ended && (child = child_of(w->peer.pid)) == 0)
			peer_turn(&w->peer);
		if (child)
			(void)kill(child, SIGKILL);
		assert_true(peer_wait(&w->peer, &r.ended));
		told = r.state == WINDOW_PARTIAL && strstr(r.note, "before its answer") != NULL;
	}
	assert_true(told);
	whole(&w->peer, CONNECTIONS);
	free(q);
}

/* Clients that leave in the middle, or are none, end their own process only. */
static void others_may_leave_or_lie(void **state)
{
	struct world *w = *state;
	static const char garbage[] = "GET / HTTP/1.1\r\nHost: history\r\n\r\n................................";
	struct store_peer other;
	struct err e;
	char program[4096];
	const char *const argv[] = {program, "--folder", w->folder, NULL};
	struct spawn s = {.path = program, .argv = (char *const *)(uintptr_t)argv, .fd = {-1, -1, -1}, .nfd = 3};
	int fd[2], status;
	char byte;
	pid_t pid;

	peer_start(&other, w->folder);
	for (int i = 0; i < 3; i++) {
		const struct msg_feed m = {.host = str_of("edge"), .journal = str_of("web-1/reader"),
					   .bytes = {(const char *)w->journal.data, w->journal.len}};
		static struct reply lost[2];
		static const char *const words[] = {"connections", NULL};
		struct msg_query *q = xmalloc(sizeof(*q));

		*q = query_make("history", words, "");
		(void)client_feed(other.client, &m, on_reply, &lost[0]);
		(void)client_query(other.client, 0, q, on_reply, &lost[1]);
		free(q);
		(void)peer_end(&other, i == 1 ? SIGKILL : 0);
		peer_start(&other, w->folder);
	}
	(void)peer_end(&other, 0);
	store_program(program);
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	s.fd[0] = fd[1];
	pid = spawn_start(&s, &e);
	close(fd[1]);
	assert_int_equal(fdio_write_all(fd[0], garbage, sizeof(garbage)), 0);
	while (read(fd[0], &byte, 1) > 0)
		;
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	feed_all(&w->peer, "web-1/other", &w->journal);
	whole(&w->peer, CONNECTIONS);
}

/* Two captures whose connections have the same numbers stay apart. */
static void captures_stay_apart(void **state)
{
	struct world *w = *state;
	struct buf second;

	journal_make(&second, "web-2", 300);
	feed_all(&w->peer, "web-1/reader", &w->journal);
	feed_all(&w->peer, "web-2/reader", &second);
	assert_int_equal(peer_count(&w->peer, "capture 2"), 300);
	assert_int_equal(peer_count(&w->peer, "capture == 1"), CONNECTIONS);
	assert_int_equal(peer_count(&w->peer, "id == 7"), 2);
	assert_int_equal(peer_count(&w->peer, "id == 1999 | captures"), 1);
	buf_release(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tables_are_answered_in_windows, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_calls_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(new_rows_come_by_themselves, setup, teardown),
		cmocka_unit_test_setup_teardown(what_stands_behind_damage_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(two_consoles_see_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_writers_lose_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_store_that_rests_makes_indexes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_question_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(others_may_leave_or_lie, setup, teardown),
		cmocka_unit_test_setup_teardown(captures_stay_apart, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
