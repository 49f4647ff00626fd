/* Live sessions: a tap of the test's own fills chunks; the reader follows, lags, lets go, writes
 * its journal. */
#include "journal/journal.h"
#include "tap_rig.h"

static int journal_file(struct rig *r)
{
	const struct msg_read_journal m = {.name = str_of("test.journal")};
	int fd = memfd_create("journal", MFD_CLOEXEC);
	struct buf out;

	assert_true(fd >= 0);
	buf_init(&out, 4096);
	assert_int_equal(msg_put_read_journal(&out, &m), 0);
	rig_send(r, MSG_READ_JOURNAL, 0, ++r->id, &out, &fd, 1);
	buf_release(&out);
	assert_int_equal(rig_answer(r, 0, r->id), 0);
	return fd;
}

static void test_follow(void **state)
{
	struct tap t;
	struct rig r;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, false);
	/* nothing has come yet: that is an answer, with a filter too */
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets", .bpf = "udp"}), 0);
	assert_int_equal(r.window.total, 0);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets", .bpf = "udpx"}), -1);
	tap_begin(&t, CHUNK_STARTS_SEGMENT);
	tap_header(&t);
	tap_packet(&t);
	tap_wake(&t);
	wait_packets(&r, 1);
	/* the same chunk grows */
	for (unsigned i = 0; i < 99; i++)
		tap_packet(&t);
	tap_wake(&t);
	wait_packets(&r, 100);
	/* one answer from a session that runs on: what there is now */
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "connections", .filter = "id == 3"}), 0);
	assert_int_equal(r.window.state, WINDOW_COMPLETE);
	rig_is(&r, 0, "port_a", "1003");
	rig_is(&r, 0, "packets_ab", "2");
	rig_is(&r, 0, "start_s", "0.002000000");
	ask_once(&r, "interfaces", "");
	rig_is(&r, 0, "name", "veth0");
	rig_is(&r, 0, "packets", "100");
	ask_once(&r, "packets", "number == 77");
	rig_is(&r, 0, "dst", "10.0.0.2");
	rig_is(&r, 0, "connection", "27");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "hex", .word = "100"}), 0);
	assert_int_equal(r.window.rows, 4);
	/* one that has not come yet is not waited for */
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packet", .word = "101"}), -1);
	assert_int_equal(r.error.code, ERR_ABSENT);
	atomic_store(&t.map.head->ended, 1);
	finish(&r);
	assert_int_equal(rig_table(&r, "connections"), 0);
	assert_int_equal(r.window.state, WINDOW_COMPLETE);
	assert_int_equal(r.window.total, 50);
	rig_stop(&r);
	/* a reader that ends says that there is none */
	assert_true(atomic_load(&t.map.release->released) == UINT64_MAX);
	tap_end(&t);
}

/* What was read goes free at once, but for the last quarter, whose packets can still be looked at.
 */
static void test_release(void **state)
{
	struct tap t;
	struct rig r;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, false);
	for (unsigned i = 0; i < 20; i++) {
		tap_chunk(&t, i == 0 ? CHUNK_STARTS_SEGMENT : 0, 100);
		tap_wake(&t);
		wait_packets(&r, 100 * (i + 1));
	}
	uint64_t released = atomic_load(&t.map.release->released);

	assert_in_range(released, 20 - SLOTS / 4 - 1, 20 - SLOTS / 4);
	ask_once(&r, "packets", "");
	assert_int_equal(r.window.total, (20 - released) * 100);
	assert_int_equal(rig_int(&r, 0, "number"), released * 100 + 1);
	assert_int_equal(rig_int(&r, r.window.rows - 1, "number"), 2000);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packet", .word = "1999"}), 0);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packet", .word = "5"}), -1);
	assert_int_equal(r.error.code, ERR_ABSENT);
	assert_non_null(strstr(r.error.text, "memory"));
	rig_stop(&r);
	tap_end(&t);
}

static const struct journal_record *journal_at(const struct buf *b, uint64_t *offset,
					       struct journal_record *record)
{
	struct err e;
	int got = journal_get(b->data + *offset, b->len - *offset, *offset, record, &e);

	assert_true(got >= 0);
	if (got == 0)
		return NULL;
	*offset = record->next;
	return record;
}

static void journal_load(int fd, struct buf *b)
{
	off_t len = lseek(fd, 0, SEEK_END);

	buf_init(b, 64u << 20);
	uint8_t *room = buf_reserve(b, (size_t)len + 1);

	assert_int_equal(fdio_pread(fd, room, (size_t)len, 0), len);
	b->len = (size_t)len;
}

/* Chunks that were not kept for the reader are a gap: told in words, counted, journaled; the rest
 * goes on. */
static void test_gap(void **state)
{
	struct tap t;
	struct rig r;
	struct buf b;
	struct journal_record record;
	uint64_t offset = 0, connections = 0, gaps = 0, ends = 0;
	struct err e;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	int journal = journal_file(&r);

	follow(&r, &t, false);
	tap_chunk(&t, CHUNK_STARTS_SEGMENT, 100);
	tap_chunk(&t, CHUNK_NOT_FOR_READER, 70);
	tap_chunk(&t, 0, 100);
	tap_wake(&t);
	wait_packets(&r, 200);
	ask_once(&r, "packets", "number == 171");
	assert_int_equal(r.window.total, 1);
	rig_is(&r, 0, "connection", "21");
	assert_non_null(strstr(r.window.note, "70 packets were missed"));
	finish(&r);
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	rig_stop(&r);
	journal_load(journal, &b);
	while (journal_at(&b, &offset, &record)) {
		struct msg_j_gap gap;
		struct msg_j_end end;

		connections += record.type == MSG_J_CONNECTION;
		if (record.type == MSG_J_GAP) {
			assert_int_equal(msg_get_j_gap(record.payload, record.len, &gap, &e), 0);
			assert_int_equal(gap.lost, 70);
			assert_true(gap.from_ns == START_NS + 100 * INT64_C(1000000));
			assert_true(gap.to_ns == START_NS + 171 * INT64_C(1000000));
			gaps++;
		}
		if (record.type == MSG_J_END) {
			assert_int_equal(msg_get_j_end(record.payload, record.len, &end, &e), 0);
			assert_int_equal(end.packets, 200);
			assert_int_equal(end.dropped, 70);
			assert_int_equal(end.connections, 50);
			ends++;
		}
	}
	assert_int_equal(offset, b.len);
	assert_int_equal(gaps, 1);
	assert_int_equal(ends, 1);
	assert_int_equal(connections, 50);
	buf_release(&b);
	close(journal);
	tap_end(&t);
}

/* What the reader missed it takes from the segment: nothing is lost, and numbers are those of a
 * reader that was in time. */
static void test_catch_up(void **state)
{
	struct tap t;
	struct rig r;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, true);
	tap_chunk(&t, CHUNK_STARTS_SEGMENT, 100);
	tap_wake(&t);
	wait_packets(&r, 100);
	tap_chunk(&t, CHUNK_NOT_FOR_READER, 70);
	tap_chunk(&t, CHUNK_NOT_FOR_READER, 30);
	tap_chunk(&t, 0, 100);
	int file = rig_temp(t.segment.data, t.segment.len);

	atomic_store(&t.map.head->written, t.sequence);
	assert_int_equal(rig_file(&r, dup(file), "test.pcapng", true, 0), 0);
	tap_wake(&t);
	wait_packets(&r, 300);
	ask_once(&r, "packets", "");
	assert_string_equal(r.window.note, "");
	assert_int_equal(r.window.total, 300);
	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(rig_int(&r, i, "number"), i + 1);
		assert_int_equal(rig_int(&r, i, "connection"), i % 50 + 1);
		assert_int_equal(rig_int(&r, i, "interface"), 0);
	}
	/* packets that have left the chunks are read from the segment */
	for (unsigned i = 0; i < 20; i++)
		tap_chunk(&t, 0, 10);
	assert_int_equal(fdio_pwrite_all(file, t.segment.data, t.segment.len, 0), 0);
	atomic_store(&t.map.head->written, t.sequence);
	tap_wake(&t);
	wait_packets(&r, 500);
	ask_once(&r, "packets", "number == 99 or number == 120 or number == 250 or number == 499");
	assert_int_equal(r.window.total, 4);
	for (uint32_t i = 0; i < 4; i++)
		rig_is(&r, i, "dst", "10.0.0.2");
	finish(&r);
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(r.window.state, WINDOW_COMPLETE);
	rig_is(&r, 0, "interfaces", "1");
	rig_stop(&r);
	close(file);
	tap_end(&t);
}

/* A reader that was killed comes back: from the segments it has the same packets and numbers. */
static void test_killed(void **state)
{
	struct tap t;
	struct rig r;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, true);
	tap_chunk(&t, CHUNK_STARTS_SEGMENT, 100);
	tap_chunk(&t, 0, 50);
	tap_wake(&t);
	wait_packets(&r, 150);
	rig_kill(&r);
	for (unsigned i = 0; i < 12; i++)
		tap_chunk(&t, 0, 10);
	int file = rig_temp(t.segment.data, t.segment.len);

	atomic_store(&t.map.release->released, UINT64_MAX);
	atomic_store(&t.map.head->written, t.sequence);
	rig_start(&r);
	assert_int_equal(rig_file(&r, dup(file), "test.pcapng", true, 0), 0);
	follow(&r, &t, true);
	wait_packets(&r, 270);
	tap_chunk(&t, 0, 30);
	tap_wake(&t);
	wait_packets(&r, 300);
	ask_once(&r, "connections", "id == 7");
	rig_is(&r, 0, "packets_ab", "6");
	rig_is(&r, 0, "port_a", "1007");
	assert_string_equal(r.window.note, "");
	rig_stop(&r);
	close(file);
	tap_end(&t);
}

/* A connection's rate is that of the last whole second; it is known live only. */
static void test_rates(void **state)
{
	struct tap t;
	struct rig r;
	double pps = 0, bps = 0;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, false);
	tap_chunk(&t, CHUNK_STARTS_SEGMENT, 1);
	tap_begin(&t, 0);
	uint32_t id = rig_ask(&r, &(struct rig_query){.table = "connections",
						      .columns = "id,pps,bps",
						      .filter = "id == 1",
						      .period_ms = 20});

	while (pps <= 0 && t.packets < 100000) {
		for (unsigned i = 0; i < 50; i++)
			tap_packet(&t);
		tap_wake(&t);
		assert_int_equal(rig_window(&r, id), 0);
		if (r.window.rows == 1) {
			pps = rig_cell(&r, 0, "pps").r;
			bps = rig_cell(&r, 0, "bps").r;
		}
		if (atomic_load(&tap_entry(&t)->length) > CHUNK_BYTES - 8192) {
			t.sequence++;
			tap_begin(&t, 0);
		}
	}
	assert_true(pps >= 1);
	assert_true(bps == pps * 60 * 8);
	rig_stop(&r);
	tap_end(&t);
}

/* A filter on a running session counts what is held and what comes; packets that had gone are told.
 */
static void test_filter(void **state)
{
	struct tap t;
	struct rig r;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, false);
	tap_chunk(&t, CHUNK_STARTS_SEGMENT, 100);
	tap_wake(&t);
	wait_packets(&r, 100);
	uint32_t id = rig_ask(&r, &(struct rig_query){.table = "connections",
						      .bpf = "udp src port 1007",
						      .period_ms = 20});

	do {
		assert_int_equal(rig_window(&r, id), 0);
	} while (r.window.total == 0 || rig_int(&r, 0, "packets_ab") < 2);
	tap_chunk(&t, 0, 100);
	tap_wake(&t);
	do {
		assert_int_equal(rig_window(&r, id), 0);
	} while (rig_int(&r, 0, "packets_ab") < 4);
	assert_int_equal(r.window.total, 1);
	rig_is(&r, 0, "id", "7");
	assert_string_equal(r.window.note, "");
	for (unsigned i = 0; i < 10; i++) {
		tap_chunk(&t, 0, 50);
		tap_wake(&t);
		wait_packets(&r, 250 + 50 * i);
	}
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "packets", .bpf = "udp src port 1008"}),
		0);
	assert_in_range(r.window.total, 2, 4);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	assert_non_null(strstr(r.window.note, "could not be looked at"));
	rig_stop(&r);
	tap_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow), cmocka_unit_test(test_release),
		cmocka_unit_test(test_gap),    cmocka_unit_test(test_catch_up),
		cmocka_unit_test(test_killed), cmocka_unit_test(test_rates),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
