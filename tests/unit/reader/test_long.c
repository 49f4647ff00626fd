/* Recordings that last: thousands of segments, of which some or most are gone when the reader
 * looks. */
#include <dirent.h>

#include "journal/journal.h"
#include "tap_rig.h"

#define SEGMENTS 5000u
#define PACKETS 10u /* of a segment */
#define DESCRIPTORS_MAX 1100u

static void segment_send(struct rig *r, int fd, unsigned number, uint64_t first_packet)
{
	char name[32];
	struct msg_read_file m = {.first_packet = first_packet, .segment = number};
	struct buf out;

	(void)snprintf(name, sizeof(name), "s-%05u.pcapng", number);
	m.name = str_of(name);
	buf_init(&out, 65536);
	assert_int_equal(msg_put_read_file(&out, &m), 0);
	rig_send(r, MSG_READ_FILE, 0, ++r->id, &out, &fd, 1);
	buf_release(&out);
	close(fd);
	if (rig_answer(r, 0, r->id) < 0)
		fail_msg("%s", r->error.text);
}

static void segment_gone(struct rig *r, unsigned number)
{
	char name[32];
	struct msg_read_ended m = {.number = UINT32_MAX};
	struct buf out;

	(void)snprintf(name, sizeof(name), "s-%05u.pcapng", number);
	m.gone = str_of(name);
	buf_init(&out, 65536);
	assert_int_equal(msg_put_read_ended(&out, &m), 0);
	rig_send(r, MSG_READ_ENDED, 0, ++r->id, &out, NULL, 0);
	buf_release(&out);
	assert_int_equal(rig_answer(r, 0, r->id), 0);
}

/* A chunk that begins a segment, and the file of it. */
static int segment_make(struct tap *t, unsigned number)
{
	t->segment.len = 0;
	tap_begin(t, CHUNK_STARTS_SEGMENT);
	tap_entry(t)->segment = number;
	tap_header(t);
	for (unsigned i = 0; i < PACKETS; i++)
		tap_packet(t);
	t->sequence++;
	atomic_store(&t->map.head->written, t->sequence);
	tap_wake(t);
	return rig_temp(t->segment.data, t->segment.len);
}

static unsigned descriptors(const struct rig *r)
{
	char path[64];
	unsigned n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)r->pid);
	DIR *dir = opendir(path);

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* keep: so many files stay; 0: all do. */
static void run(unsigned keep)
{
	struct tap t;
	struct rig r;

	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, true);
	for (unsigned i = 1; i <= SEGMENTS; i++) {
		const uint64_t before = t.packets;
		const int fd = segment_make(&t, i);

		segment_send(&r, fd, i, before);
		if (keep && i > keep)
			segment_gone(&r, i - keep);
		if (i % 4 == 0)
			wait_packets(&r, (int64_t)t.packets);
	}
	wait_packets(&r, (int64_t)t.packets);
	assert_true(descriptors(&r) < (keep ? keep + 40 : DESCRIPTORS_MAX));
	ask_once(&r, "connections", "");
	assert_int_equal(r.window.total, 50);
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "connections", .filter = "id == 3"}), 0);
	rig_is(&r, 0, "packets_ab", "1000");
	ask_once(&r, "interfaces", "");
	assert_int_equal(r.window.total, 1);
	rig_is(&r, 0, "name", "veth0");
	/* what there is of packets is the newest, under their numbers, and can be read */
	ask_once(&r, "packets", "");
	const unsigned held = keep ? keep : 1024;
	const uint64_t first = t.packets - (uint64_t)r.window.total;

	assert_in_range(r.window.total, (held - 2) * PACKETS, (held + 8) * PACKETS);
	assert_int_equal(rig_int(&r, 0, "number"), first + 1);
	rig_is(&r, 0, "dst", "10.0.0.2");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets", .bpf = "udp"}), 0);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	assert_int_equal(r.window.total, t.packets - first);
	assert_non_null(strstr(r.window.note, "could not be looked at"));
	rig_stop(&r);
	tap_end(&t);
}

static void test_keep(void **state)
{
	(void)state;
	run(20);
}

static void test_all(void **state)
{
	(void)state;
	run(0);
}

static void journal_send(struct rig *r, int fd, const struct msg_read_journal *m)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(msg_put_read_journal(&out, m), 0);
	rig_send(r, MSG_READ_JOURNAL, 0, ++r->id, &out, &fd, 1);
	buf_release(&out);
	assert_int_equal(rig_answer(r, 0, r->id), 0);
}

/* A reader that comes when the oldest are gone says the segments by their own numbers. */
static void test_segments(void **state)
{
	const struct msg_read_journal m = {.name = str_of("test.journal")};
	int journal = memfd_create("journal", MFD_CLOEXEC);
	struct journal_record record;
	struct msg_j_connection c;
	struct tap t;
	struct rig r;
	struct buf b;
	unsigned seen = 0;
	struct err e;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	journal_send(&r, journal, &m);
	for (unsigned i = 1; i <= 9; i++) {
		const uint64_t before = t.packets;
		const int fd = segment_make(&t, i);

		if (i < 7)
			close(fd);
		else
			segment_send(&r, fd, i, before);
	}
	atomic_store(&t.map.release->released, UINT64_MAX);
	follow(&r, &t, true);
	wait_packets(&r, 3 * PACKETS);
	finish(&r);
	rig_stop(&r);
	const size_t bytes = (size_t)lseek(journal, 0, SEEK_END);

	buf_init(&b, 1u << 20);
	assert_non_null(buf_reserve(&b, bytes));
	assert_int_equal(fdio_pread(journal, b.data, bytes, 0), bytes);
	b.len = bytes;
	for (uint64_t at = 0; journal_get(b.data + at, b.len - at, at, &record, &e) == 1;
	     at = record.next) {
		if (record.type != MSG_J_CONNECTION)
			continue;
		assert_int_equal(msg_get_j_connection(record.payload, record.len, &c, &e), 0);
		assert_int_equal(c.segment, 7 + (c.id - 1) / PACKETS);
		seen++;
	}
	assert_int_equal(seen, 3 * PACKETS);
	buf_release(&b);
	close(journal);
	tap_end(&t);
}

/* A reader that comes when the oldest are gone, with the journal of the one before it: who began in
 * what is gone keeps its number, and new ones go on behind them. */
static void test_numbers(void **state)
{
	const struct msg_read_journal m = {.name = str_of("test.journal")},
				      former = {.name = str_of("test.journal"), .before = 7};
	int journal = memfd_create("journal", MFD_CLOEXEC);
	struct tap t;
	struct rig r;
	int fd[9];

	(void)state;
	tap_start(&t);
	rig_start(&r);
	journal_send(&r, journal, &m);
	for (unsigned i = 1; i <= 9; i++)
		fd[i - 1] = segment_make(&t, i);
	for (unsigned i = 1; i <= 9; i++)
		segment_send(&r, dup(fd[i - 1]), i, (i - 1) * PACKETS);
	atomic_store(&t.map.release->released, UINT64_MAX);
	follow(&r, &t, true);
	wait_packets(&r, 9 * PACKETS);
	finish(&r);
	rig_stop(&r);
	rig_start(&r);
	journal_send(&r, journal, &former);
	for (unsigned i = 7; i <= 9; i++)
		segment_send(&r, dup(fd[i - 1]), i, (i - 1) * PACKETS);
	atomic_store(&t.map.release->released, UINT64_MAX);
	follow(&r, &t, true);
	wait_packets(&r, 3 * PACKETS);
	ask_once(&r, "packets", "");
	assert_int_equal(r.window.total, 3 * PACKETS);
	for (uint32_t i = 0; i < 3 * PACKETS; i++) {
		assert_int_equal(rig_int(&r, i, "number"), 6 * PACKETS + i + 1);
		assert_int_equal(rig_int(&r, i, "connection"), (6 * PACKETS + i) % 50 + 1);
	}
	ask_once(&r, "connections", "id == 11");
	rig_is(&r, 0, "port_a", "1011");
	rig_stop(&r);
	for (unsigned i = 0; i < 9; i++)
		close(fd[i]);
	close(journal);
	tap_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
