/* The history as its users ask it: journals go in, in pieces; questions are answered as a brute-force filter answers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "folder.h"

#include "../../../db/ask.h"
#include "../../../db/catalog.h"
#include "../../../db/feed.h"
#include "../../../db/plan.h"
#include "../../../db/shard.h"
#include "../../../db/sql.h"
#include "../../../db/tables.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "table/row.h"
#include "wire/frame.h"

#define T0 INT64_C(1700000000000000000)
#define CONNECTIONS 3000

struct history {
	char folder[64];
	struct catalog *catalog;
	struct feeds *feeds;
	struct buf journal[2]; /* of the tap, of the reader */
};

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void connection_make(struct msg_j_connection *m, uint8_t address[2][4], uint64_t id)
{
	static const char *const states[] = {"SF", "S0", "REJ", "S1", "RSTO"}, *const apps[] = {"", "tls", "dns", "http"};
	uint32_t r = (uint32_t)id * 2654435761u;
	const uint8_t a[4] = {10, 0, (uint8_t)(random_next(&r) % 3), (uint8_t)(random_next(&r) % 40)},
		      b[4] = {192, 168, (uint8_t)(random_next(&r) % 4), (uint8_t)(random_next(&r) % 10)};

	memcpy(address[0], a, 4);
	memcpy(address[1], b, 4);
	*m = (struct msg_j_connection){
		.id = id, .protocol = random_next(&r) % 3 ? 6 : 17, .addr_a = {(char *)address[0], 4}, .addr_b = {(char *)address[1], 4},
		.port_a = (uint16_t)(1024 + random_next(&r) % 5000), .port_b = random_next(&r) % 2 ? 443 : (uint16_t)(random_next(&r) % 100),
		.start_ns = T0 + (int64_t)id * 1000000000, .duration_ns = random_next(&r) % 5000000000u, .packets_ab = random_next(&r) % 1000,
		.bytes_ab = random_next(&r) % 1000000, .packets_ba = random_next(&r) % 1000, .bytes_ba = random_next(&r) % 1000000,
		.state = str_of(states[random_next(&r) % 5]), .history = str_of("ShADadFf"), .initiator = str_of("a"),
		.app = str_of(apps[random_next(&r) % 4]), .handshake_ns = random_next(&r) % 4 ? (int64_t)random_next(&r) * 100 : -1,
		.retrans_ab = random_next(&r) % 10 == 0, .segment = 1, .offset = 24, .final = 1,
	};
	m->proto = str_of(m->protocol == 6 ? "tcp" : "udp");
}

static void journal_bytes(int fd, struct buf *out)
{
	char piece[65536];
	ssize_t n;
	uint64_t at = 0;

	while ((n = fdio_pread(fd, piece, sizeof(piece), at)) > 0) {
		assert_int_equal(buf_add(out, piece, (size_t)n), 0);
		at += (uint64_t)n;
	}
}

/* A capture of two minutes; the counter dns was taken away half a minute later. */
static void totals_add(struct journal *tap)
{
	static const uint64_t packets[] = {6000, 9000}, drops[] = {2, 3}, dns[] = {100, 600};
	struct err e;

	for (int i = 0; i < 2; i++) {
		const int64_t time_ns = T0 + (i + 1) * 60 * NS_PER_S;

		assert_int_equal(journal_add_j_second(tap, &(struct msg_j_second){.time_ns = time_ns, .packets = packets[i], .bytes = packets[i] * 100,
			.dropped_kernel = drops[i], .period_s = 60}, &e), 0);
		assert_int_equal(journal_add_j_counter(tap, &(struct msg_j_counter){.time_ns = time_ns, .name = str_of("dns"), .packets = dns[i],
			.bytes = dns[i] * 100, .period_s = 60}, &e), 0);
		assert_int_equal(journal_add_j_counter(tap, &(struct msg_j_counter){.time_ns = time_ns, .name = str_of("dns"), .packets = dns[i],
			.bytes = dns[i] * 100}, &e), 0);
	}
	assert_int_equal(journal_add_j_second(tap, &(struct msg_j_second){.time_ns = T0 + 120 * NS_PER_S, .packets = 9000, .bytes = 900000,
		.dropped_kernel = 3, .period_s = 3600}, &e), 0);
	assert_int_equal(journal_add_j_counter(tap, &(struct msg_j_counter){.time_ns = T0 + 120 * NS_PER_S, .name = str_of("dns"), .packets = 600,
		.bytes = 60000, .period_s = 3600}, &e), 0);
	/* another of the same name began again at nothing */
	assert_int_equal(journal_add_j_counter(tap, &(struct msg_j_counter){.time_ns = T0 + 150 * NS_PER_S, .name = str_of("dns"),
		.packets = 50, .bytes = 5000, .period_s = 60}, &e), 0);
}

static const struct msg_j_capture capture = {.capture = {"web-1", 5}, .session = {"web", 3}, .host = {"edge", 4}, .devices = {"eth0", 4},
					     .filter = {"tcp", 3}, .started_ns = T0, .folder = {"/captures/web-1", 15}};

static void journals_make(struct history *h)
{
	struct err e = {0};
	int fd[2] = {memfd_create("tap", 0), memfd_create("reader", 0)};
	struct journal *tap = journal_new(dup(fd[0]), &e), *reader = journal_new(dup(fd[1]), &e);
	uint8_t address[2][4];
	struct msg_j_connection c;

	assert_int_equal(journal_add_j_capture(tap, &capture, &e), 0);
	assert_int_equal(journal_add_j_capture(reader, &capture, &e), 0);
	assert_int_equal(journal_add_j_segment(tap, &(struct msg_j_segment){.number = 1, .name = str_of("web-1-00001.pcapng"), .sealed = 1,
		.packets = 9000, .bytes = 1000000, .first_ns = T0, .last_ns = T0 + 5 * NS_PER_S, .reason = str_of("stop")}, &e), 0);
	for (uint8_t sealed = SEGMENT_OPENED; sealed <= SEGMENT_REMOVED; sealed++)
		assert_int_equal(journal_add_j_segment(tap, &(struct msg_j_segment){.number = 2, .name = str_of("web-1-00002.pcapng"),
			.sealed = sealed, .packets = 10, .bytes = 1000, .first_ns = T0, .last_ns = T0 + NS_PER_S,
			.reason = str_of("past \"keep\": files")}, &e), 0);
	assert_int_equal(journal_add_j_second(tap, &(struct msg_j_second){.time_ns = T0 + NS_PER_S, .packets = 9000, .bytes = 900000,
		.dropped_kernel = 3}, &e), 0);
	totals_add(tap);
	assert_int_equal(journal_add_j_own(tap, &(struct msg_j_own){.time_ns = T0, .op = str_of("add"), .connection = str_of("10.0.0.1:22")}, &e), 0);
	assert_int_equal(journal_add_j_end(tap, &(struct msg_j_end){.time_ns = T0 + 3100 * NS_PER_S, .reason = str_of("stopped")}, &e), 0);
	for (uint64_t id = 1; id <= CONNECTIONS; id++) {
		connection_make(&c, address, id);
		if (id == 7) { /* an early record of it first: the later one must replace it */
			c.final = 0;
			c.packets_ab = 1;
			c.state = str_of("S1");
			assert_int_equal(journal_add_j_connection(reader, &c, &e), 0);
			connection_make(&c, address, id);
		}
		assert_int_equal(journal_add_j_connection(reader, &c, &e), 0);
	}
	journal_close(tap);
	journal_close(reader);
	for (int i = 0; i < 2; i++) {
		buf_init(&h->journal[i], 64u << 20);
		journal_bytes(fd[i], &h->journal[i]);
		close(fd[i]);
	}
}

static int feed(struct history *h, const char *name, const struct buf *j, uint64_t from, uint64_t to, struct err *e)
{
	return feeds_add(h->feeds, &(struct msg_feed){.host = str_of("edge"), .journal = str_of(name), .offset = from,
						      .bytes = {(char *)j->data + from, to - from}}, e);
}

static int setup(void **state)
{
	struct history *h = xcalloc(1, sizeof(*h));
	struct err e = {0};

	folder_make(h->folder);
	assert_int_equal(catalog_open(&h->catalog, h->folder, &e), 0);
	h->feeds = feeds_new(h->catalog, h->folder);
	journals_make(h);
	assert_int_equal(feed(h, "web-1/tap", &h->journal[0], 0, h->journal[0].len, &e), 0);
	for (uint64_t at = 0; at < h->journal[1].len; at += 10007) { /* pieces that end inside records */
		uint64_t end = at + 10007 < h->journal[1].len ? at + 10007 : h->journal[1].len;
		if (feed(h, "web-1/reader", &h->journal[1], at, end, &e) != 0)
			fail_msg("%s", e.text);
	}
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct history *h = *state;

	feeds_free(h->feeds);
	catalog_close(h->catalog);
	buf_release(&h->journal[0]);
	buf_release(&h->journal[1]);
	folder_remove(h->folder);
	free(h);
	return 0;
}

/* What came back: rows, or an error. */
struct reply {
	struct rowset *rows;
	struct err error;
	char note[256];
	bool ended;
};

static void reply_frame(struct reply *r, const struct frame *f, const struct table_type *type)
{
	struct msg_window *m = xcalloc(1, sizeof(*m));
	struct window w = {0};
	struct msg_error error;
	struct msg_done done;
	struct err e = {0};

	if (f->type == MSG_WINDOW) {
		assert_int_equal(msg_get_window(f->payload, f->len, m, &e), 0);
		assert_int_equal(window_read(&w, m, &e), 0);
		assert_int_equal(w.ncolumns, type->ncolumns);
		for (uint32_t i = 0; i < w.rows; i++)
			rowset_add(r->rows, w.cells + (size_t)i * w.ncolumns);
		window_release(&w);
	} else if (f->type == MSG_ERROR) {
		assert_int_equal(msg_get_error(f->payload, f->len, &error, &e), 0);
		err_set(&r->error, (enum err_code)error.code, "%.*s", (int)error.sentence.len, error.sentence.p);
		r->error.at = (int)error.at;
		r->ended = true;
	} else {
		assert_int_equal(msg_get_done(f->payload, f->len, &done, &e), 0);
		(void)snprintf(r->note, sizeof(r->note), "%.*s", (int)done.note.len, done.note.p);
		r->ended = true;
	}
	free(m);
}

static void ask(const struct history *h, const char *question, const struct table_type *type, struct reply *r)
{
	const char *word[] = {question};
	struct msg_command *m = xcalloc(1, sizeof(*m));
	struct buf payload, frame, in;
	struct frame f;
	size_t used;
	struct err e = {0};
	int fd[2];
	pid_t pid;

	memset(r, 0, sizeof(*r));
	r->rows = rowset_new(type);
	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&frame, MSG_PAYLOAD_MAX);
	buf_init(&in, 64u << 20);
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], 0);
		close(fd[0]);
		_exit(ask_main(h->folder, false));
	}
	close(fd[1]);
	msg_strs(&m->words, word, 1);
	assert_int_equal(msg_put_command(&payload, m), 0);
	assert_int_equal(frame_put(&frame, MSG_COMMAND, 0, 1, payload.data, payload.len), 0);
	assert_int_equal(fdio_write_all(fd[0], frame.data, frame.len), 0);
	while (!r->ended) {
		int got = frame_get(in.data, in.len, &f, &used, &e);
		assert_true(got >= 0);
		if (got == 1) {
			reply_frame(r, &f, type);
			buf_consume(&in, used);
			continue;
		}
		uint8_t *room = buf_reserve(&in, 65536);
		ssize_t n = read(fd[0], room, 65536);
		assert_true(n > 0);
		in.len += (size_t)n;
	}
	close(fd[0]);
	waitpid(pid, NULL, 0);
	free(m);
	buf_release(&payload);
	buf_release(&frame);
	buf_release(&in);
}

static uint64_t ask_count(const struct history *h, const char *question, const struct table_type *type)
{
	struct reply r;
	uint64_t n;

	ask(h, question, type, &r);
	if (r.error.code)
		fail_msg("%s: %s", question, r.error.text);
	n = rowset_rows(r.rows);
	rowset_free(r.rows);
	return n;
}

static void captures_files_and_events_are_kept(void **state)
{
	struct history *h = *state;
	struct reply r;

	ask(h, "", &table_captures, &r);
	assert_int_equal(rowset_rows(r.rows), 1);
	assert_true(str_is(rowset_cell(r.rows, 0, 1).s, "edge"));
	assert_true(str_is(rowset_cell(r.rows, 0, 2).s, "web"));
	assert_int_equal(rowset_cell(r.rows, 0, 8).i, 9000);
	assert_int_equal(rowset_cell(r.rows, 0, 10).i, 3);
	assert_int_equal(rowset_cell(r.rows, 0, 11).i, CONNECTIONS);
	assert_int_equal(rowset_cell(r.rows, 0, 12).i, 1);
	rowset_free(r.rows);
	ask(h, "files", &table_files, &r);
	assert_int_equal(rowset_rows(r.rows), 2);
	assert_true(str_is(rowset_cell(r.rows, 0, 10).s, "/captures/web-1/web-1-00001.pcapng"));
	assert_true(str_is(rowset_cell(r.rows, 1, 9).s, "removed: past \"keep\": files"));
	assert_int_equal(rowset_cell(r.rows, 1, 10).type, VALUE_NULL);
	rowset_free(r.rows);
	assert_int_equal(ask_count(h, "events", &table_history_events), 1);
}

/* What each minute added, not what had been counted until then; drops stand beside it. */
static void minutes_and_hours(void **state)
{
	struct history *h = *state;
	struct reply r;

	ask(h, "session web counter dns", &table_history_minutes, &r);
	assert_int_equal(rowset_rows(r.rows), 3);
	for (uint64_t i = 0; i < 3; i++) {
		const int64_t time_ns = rowset_cell(r.rows, i, 4).i;
		const int minute = (int)((time_ns - T0 + 30 * NS_PER_S) / (60 * NS_PER_S));

		assert_true(str_is(rowset_cell(r.rows, i, 3).s, "dns"));
		assert_int_equal(rowset_cell(r.rows, i, 6).i, minute == 1 ? 100 : minute == 2 ? 500 : 50);
		assert_int_equal(rowset_cell(r.rows, i, 7).i, minute == 1 ? 10000 : minute == 2 ? 50000 : 5000);
		assert_int_equal(rowset_cell(r.rows, i, 5).i, minute == 3 ? 30 * NS_PER_S : 60 * NS_PER_S);
		assert_true(rowset_cell(r.rows, i, 8).r > (minute == 2 ? 8.3 : 1.6) && rowset_cell(r.rows, i, 8).r < (minute == 2 ? 8.4 : 1.7));
		if (minute < 3)
			assert_int_equal(rowset_cell(r.rows, i, 10).i, minute == 1 ? 2 : 1);
		else
			assert_int_equal(rowset_cell(r.rows, i, 10).type, VALUE_NULL);
	}
	rowset_free(r.rows);
	assert_int_equal(ask_count(h, "minutes", &table_history_minutes), 5);
	assert_int_equal(ask_count(h, "minutes session web", &table_history_minutes), 5);
	assert_int_equal(ask_count(h, "minutes session nobody", &table_history_minutes), 0);
	assert_int_equal(ask_count(h, "session web counter dns | hours", &table_history_hours), 1);
	assert_int_equal(ask_count(h, "session web | hours", &table_history_hours), 2);
	assert_int_equal(ask_count(h, "counter none", &table_history_minutes), 0);
	ask(h, "session web | hours | sort packets | limit 1", &table_history_hours, &r);
	assert_int_equal(rowset_cell(r.rows, 0, 6).i, 600);
	rowset_free(r.rows);
}

static void a_later_record_replaces_the_earlier(void **state)
{
	struct history *h = *state;
	struct reply r;

	ask(h, "id == 7", &table_history_connections, &r);
	assert_int_equal(rowset_rows(r.rows), 1);
	assert_int_not_equal(rowset_cell(r.rows, 0, 9).i, 1);
	rowset_free(r.rows);
	assert_int_equal(ask_count(h, "connections", &table_history_connections), CONNECTIONS);
}

static void a_journal_goes_on_where_it_stopped(void **state)
{
	struct history *h = *state;
	struct err e = {0};
	int64_t offset = 0, id = 0;

	assert_int_equal(catalog_journal(h->catalog, str_of("edge"), str_of("web-1/reader"), &offset, &id, &e), 0);
	assert_int_equal(offset, h->journal[1].len);
	assert_int_equal(feed(h, "web-1/reader", &h->journal[1], 12, 24, &e), -1);
	assert_int_equal(e.code, ERR_CALL);
	assert_int_equal(ask_count(h, "connections", &table_history_connections), CONNECTIONS);
}

/* Every question's answer against the filter itself over all rows. */
static void questions_are_answered_as_the_filter_says(void **state)
{
	static const char *const questions[] = {
		"10.0.1.7", "host 10.0.1.7", "net 10.0.2.0/24", "port 443", "tcp port 443", "src host 10.0.0.3", "not port 443",
		"10.0.1.7 port 443", "addr_a == 10.0.1.7 or port_b == 53", "host 10.0.0.1 or host 10.0.0.2", "bytes_ab > 500k",
		"state == REJ", "state != SF and udp", "state in [S0, REJ]", "app", "not app", "app == tls and handshake_ms > 100",
		"retrans_ab > 0", "app ~ ^t", "app !~ ^t", "portrange 10-60", "addr != 10.0.1.7", "addr == 192.168.1.0/24 and tcp",
		"duration_s > 2s", "port in [22, 53, 443]", "handshake_ms < 50", "(tcp or udp) and not (port 443 or port 22)",
	};
	struct history *h = *state;
	struct reply all, r;
	struct err e = {0};

	ask(h, "connections", &table_history_connections, &all);
	struct table t = rowset_table(all.rows, false);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		struct question q;
		uint64_t expected = 0;

		if (question_parse(&q, str_of(questions[i]), T0, &e) != 0)
			fail_msg("%s: %s", questions[i], e.text);
		for (uint64_t row = 0; row < rowset_rows(all.rows); row++)
			expected += filter_match(q.filter, &t, row);
		question_release(&q);
		ask(h, questions[i], &table_history_connections, &r);
		if (r.error.code || rowset_rows(r.rows) != expected)
			fail_msg("%s: %lu rows, the filter says %lu %s", questions[i], (unsigned long)rowset_rows(r.rows),
				 (unsigned long)expected, r.error.text);
		rowset_free(r.rows);
	}
	rowset_free(all.rows);
}

static void times_and_tails(void **state)
{
	struct history *h = *state;
	struct reply r;

	/* connection N starts N seconds after T0 = 2023-11-14 22:13:20 and lasts less than 5 s */
	assert_true(ask_count(h, "after 2023-11-14T23:03:20Z", &table_history_connections) >= 1);
	assert_true(ask_count(h, "after 2023-11-14T23:03:20Z", &table_history_connections) <= 6);
	assert_int_equal(ask_count(h, "before 2023-11-14T22:13:30Z", &table_history_connections), 10);
	assert_int_equal(ask_count(h, "connections between 2023-11-14T22:13:30Z and 2023-11-14T22:13:29Z", &table_history_connections), 0);
	assert_int_equal(ask_count(h, "10.0.1.7 | captures", &table_captures), 1);
	assert_int_equal(ask_count(h, "10.99.1.7 | captures", &table_captures), 0);
	assert_int_equal(ask_count(h, "on edge", &table_history_connections), CONNECTIONS);
	assert_int_equal(ask_count(h, "on nowhere", &table_history_connections), 0);
	assert_int_equal(ask_count(h, "session web and port 443 | limit 5", &table_history_connections), 5);
	ask(h, "port 443 | count", &table_history_count, &r);
	assert_int_equal(rowset_cell(r.rows, 0, 0).i, ask_count(h, "port 443", &table_history_connections));
	rowset_free(r.rows);
	ask(h, "connections | top 3 addr_b", &table_history_top, &r);
	assert_int_equal(rowset_rows(r.rows), 3);
	assert_true(rowset_cell(r.rows, 0, 1).i >= rowset_cell(r.rows, 1, 1).i);
	rowset_free(r.rows);
	assert_int_equal(ask_count(h, "connections | top 5 addr", &table_history_top), 5);
}

/* Each key's sum against the same question for that key alone. */
static void sums_are_those_of_their_rows(void **state)
{
	static const struct {
		const char *keys, *first, *second; /* what asks for the first key alone, and for the second */
		int ends;			   /* that a connection is counted for */
	} sums[] = {
		{"addr", "host", "", 2}, {"addr_b", "addr_b ==", "", 1}, {"app", "app ==", "", 1}, {"proto", "proto ==", "", 1},
		{"port_b", "port_b ==", "", 1}, {"addr,port_b", "host", "and port_b ==", 2}, {"state,proto", "state ==", "and proto ==", 1},
		{"vlan", "", "", 1}, {"capture", "capture ==", "", 1},
	};
	const struct history *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		char *question = xasprintf("connections | top 10000 %s", sums[i].keys);
		struct reply r, one;
		int64_t rows = 0;

		ask(h, question, &table_history_top, &r);
		if (r.error.code)
			fail_msg("%s: %s", question, r.error.text);
		for (uint64_t row = 0; row < rowset_rows(r.rows); row++) {
			const struct str key = rowset_cell(r.rows, row, 0).s;
			char first[64] = "", second[64] = "", text[256], *single;

			rows += rowset_cell(r.rows, row, 3).i;
			(void)snprintf(text, sizeof(text), "%.*s", (int)key.len, key.p);
			assert_true(sscanf(text, "%63s %63s", first, second) >= 1);
			if (row > 5 || strcmp(first, "-") == 0)
				continue;
			single = xasprintf("%s %s %s %s | count", sums[i].first, first, sums[i].second, second);
			ask(h, single, &table_history_count, &one);
			assert_int_equal(rowset_cell(one.rows, 0, 0).i, rowset_cell(r.rows, row, 3).i);
			assert_int_equal(rowset_cell(one.rows, 0, 1).i, rowset_cell(r.rows, row, 2).i);
			assert_int_equal(rowset_cell(one.rows, 0, 2).i, rowset_cell(r.rows, row, 1).i);
			rowset_free(one.rows);
			free(single);
		}
		assert_int_equal(rows, sums[i].ends * CONNECTIONS);
		rowset_free(r.rows);
		free(question);
	}
}

static void wrong_questions_have_a_place(void **state)
{
	static const struct {
		const char *text;
		int at;
	} wrong[] = {
		{"port 443 and prt 80", 13}, {"port 443 | capturs", 11}, {"last banana", 5}, {"between 10:00 port 5", 14}, {"capture x", 8},
		{"state == ", 9}, {"port 443 | top x addr", 15},
	};
	struct question q;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err e = {0};
		assert_int_equal(question_parse(&q, str_of(wrong[i].text), T0, &e), -1);
		assert_int_equal(e.code, ERR_CALL);
		if (e.at != wrong[i].at)
			fail_msg("'%s': place %d, not %d: %s", wrong[i].text, e.at, wrong[i].at, e.text);
	}
}

static void seal(const struct history *h)
{
	struct shard *s;
	struct err e = {0};
	int more;

	assert_int_equal(shard_open(&s, h->folder, 1, &e), 0);
	while ((more = shard_seal(s, &e)) > 0)
		;
	assert_int_equal(more, 0);
	shard_close(s);
}

/* The index that drives each shape: with statistics and without them. */
static void plans_are_pinned(void **state)
{
	static const struct {
		const char *question, *index;
	} shapes[] = {
		{"10.0.1.7", "connection_a"},	  {"10.0.1.7 port 443", "connection_b"},   {"port 443", "connection_pb"},
		{"net 10.0.0.0/16", "connection_a"}, {"addr_b == 10.0.1.7", "connection_b"}, {"state == REJ", "connection_t"},
		{"last 1d", "connection_t"},	  {"10.0.1.7 last 1d", "connection_a"},
		{"port in [22, 443]", "connection_pb"}, {"host 10.0.1.7 or host 10.0.1.8", "connection_t"},
		{"last 1d", "connection_long"}, {"10.0.1.7 <-> 192.168.0.1", "connection_a"},
	};
	static const struct plan_scope scope = {.captures = "", .newer_ns = INT64_MIN};
	struct history *h = *state;
	struct err e = {0};
	char *path = shard_path(h->folder, 1);
	sqlite3 *db;

	seal(h);
	for (int analyzed = 0; analyzed < 2; analyzed++) {
		assert_int_equal(sql_open(&db, path, SQL_WRITER, &e), 0);
		if (analyzed)
			assert_int_equal(sql_exec(db, "ANALYZE", &e), 0);
		for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
			struct question q;
			struct plan plan;
			struct buf sql, text;
			sqlite3_stmt *s;

			assert_int_equal(question_parse(&q, str_of(shapes[i].question), clock_now_ns(), &e), 0);
			assert_int_equal(plan_make(&plan, &q, PLAN_ROWS, &scope, &e), 0);
			s = plan_prepare(&plan, db, &e);
			if (!s)
				fail_msg("%s: %s", shapes[i].question, e.text);
			sqlite3_finalize(s);
			buf_init(&sql, 1u << 20);
			buf_init(&text, 1u << 20);
			(void)buf_printf(&sql, "EXPLAIN QUERY PLAN %s", buf_str(&plan.sql));
			s = sql_prepare(db, buf_str(&sql), &e);
			while (sqlite3_step(s) == SQLITE_ROW)
				(void)buf_printf(&text, "%s\n", (const char *)sqlite3_column_text(s, 3));
			sqlite3_finalize(s);
			if (!strstr(buf_str(&text), shapes[i].index) || strstr(buf_str(&text), "SCAN c USING") ||
			    strstr(buf_str(&text), "ANY("))
				fail_msg("%s:\n%s", shapes[i].question, buf_str(&text));
			buf_release(&sql);
			buf_release(&text);
			plan_release(&plan);
			question_release(&q);
		}
		sql_close(db);
	}
	free(path);
}

/* What a crash between the shard's commit and the catalog's leaves is taken up again, and changes nothing. */
static void taken_up_twice_is_once(void **state)
{
	struct history *h = *state;
	struct err e = {0};

	assert_int_equal(catalog_begin(h->catalog, &e), 0);
	assert_int_equal(catalog_put_journal(h->catalog, str_of("edge"), str_of("web-1/reader"), 0, 0, &e), 0);
	assert_int_equal(catalog_commit(h->catalog, &e), 0);
	feeds_free(h->feeds);
	h->feeds = feeds_new(h->catalog, h->folder);
	if (feed(h, "web-1/reader", &h->journal[1], 0, h->journal[1].len, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(ask_count(h, "connections", &table_history_connections), CONNECTIONS);
}

/* Times of a journal are what somebody wrote there: the rest of it is taken up all the same. */
static void times_are_hostile(void **state)
{
	static const int64_t times_ns[] = {INT64_MAX, INT64_MIN, -1, INT64_MAX - 1, T0};
	struct history *h = *state;
	struct msg_j_capture m = capture;
	struct err e = {0};
	const int fd = memfd_create("evil", 0);
	struct journal *j = journal_new(dup(fd), &e);
	struct buf bytes;

	m.capture = str_of("evil");
	m.started_ns = INT64_MIN;
	assert_int_equal(journal_add_j_capture(j, &m, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(times_ns); i++) {
		assert_int_equal(journal_add_j_second(j, &(struct msg_j_second){.time_ns = times_ns[i], .packets = UINT64_MAX,
			.dropped_kernel = UINT64_MAX, .period_s = 3600}, &e), 0);
		assert_int_equal(journal_add_j_counter(j, &(struct msg_j_counter){.time_ns = times_ns[i], .name = str_of("x"),
			.packets = UINT64_MAX, .period_s = 3600}, &e), 0);
	}
	journal_close(j);
	buf_init(&bytes, 1u << 20);
	journal_bytes(fd, &bytes);
	close(fd);
	if (feed(h, "evil/tap", &bytes, 0, bytes.len, &e) != 0)
		fail_msg("%s", e.text);
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_files_and_events_are_kept),
		cmocka_unit_test(minutes_and_hours),
		cmocka_unit_test(a_later_record_replaces_the_earlier),
		cmocka_unit_test(a_journal_goes_on_where_it_stopped),
		cmocka_unit_test(questions_are_answered_as_the_filter_says),
		cmocka_unit_test(times_and_tails),
		cmocka_unit_test(sums_are_those_of_their_rows),
		cmocka_unit_test(wrong_questions_have_a_place),
		cmocka_unit_test(plans_are_pinned),
		cmocka_unit_test(taken_up_twice_is_once),
		cmocka_unit_test(times_are_hostile),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
