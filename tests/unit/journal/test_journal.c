/* Journals: what is added is read, whatever a crash or a full disk leaves of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "journal/journal.h"

#define RECORDS 30u

static struct msg_j_second second_of(uint32_t i)
{
	return (struct msg_j_second){
		.time_ns = 1700000000 + i, .packets = i * 10, .bytes = i * 1000};
}

/* A file in memory with a capture, RECORDS seconds and an end. */
static int journal_fd(void)
{
	int fd = memfd_create("journal", MFD_CLOEXEC);
	const struct msg_j_capture capture = {
		.capture = str_of("web-1"), .session = str_of("web"), .snaplen = 262144};
	const struct msg_j_end end = {.time_ns = 1700000100, .reason = str_of("stop")};
	struct journal *j;
	struct err e;

	assert_true(fd >= 0);
	j = journal_new(dup(fd), &e);
	assert_non_null(j);
	assert_int_equal(journal_add_j_capture(j, &capture, &e), 0);
	for (uint32_t i = 0; i < RECORDS; i++) {
		const struct msg_j_second m = second_of(i);

		assert_int_equal(journal_add_j_second(j, &m, &e), 0);
	}
	assert_int_equal(journal_add_j_end(j, &end, &e), 0);
	assert_int_equal(journal_sync(j, &e), 0);
	journal_close(j);
	return fd;
}

/* The caller frees them. */
static uint8_t *bytes_of(int fd, size_t *len)
{
	struct stat st;
	uint8_t *p;

	assert_int_equal(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	p = xmalloc(*len + 1);
	assert_int_equal(fdio_pread(fd, p, *len, 0), (ssize_t)*len);
	return p;
}

struct seen {
	uint32_t records, seconds, damage;
	uint64_t end; /* behind the last whole record */
};

/* Reads all, over damage, from bytes of just their size. ends: where each record ends, or NULL. */
static struct seen read_all(const uint8_t *bytes, size_t len, uint64_t *ends)
{
	uint8_t *p = xmalloc(len + 1);
	struct seen seen = {0};
	struct journal_record r;
	uint64_t at = 0, from;
	struct err e;
	int got;

	p = xreallocarray(p, len ? len : 1, 1);
	memcpy(p, bytes, len);
	for (;;) {
		got = journal_get(p + at, len - at, at, &r, &e);
		from = at ? at : JOURNAL_MAGIC_BYTES;
		if (got == 0 && from < len)
			r.next = journal_resync(p + from, len - from, from);
		if (got <= 0 && r.next == 0)
			break;
		assert_true(r.next > at && r.next <= len);
		at = r.next;
		if (got <= 0) {
			seen.damage++;
			continue;
		}
		seen.end = at;
		if (ends)
			ends[seen.records] = at;
		seen.records++;
		seen.seconds += r.type == MSG_J_SECOND;
	}
	free(p);
	return seen;
}

static void what_is_added_is_read(void **state)
{
	int fd = journal_fd();
	struct journal_record r;
	struct msg_j_second second;
	struct msg_j_capture capture;
	uint64_t at = 0;
	struct err e;
	size_t len;
	uint8_t *p = bytes_of(fd, &len);

	(void)state;
	assert_memory_equal(p, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
	assert_int_equal(journal_get(p, len, 0, &r, &e), 1);
	assert_int_equal(r.type, MSG_J_CAPTURE);
	assert_int_equal(msg_get_j_capture(r.payload, r.len, &capture, &e), 0);
	assert_true(str_is(capture.session, "web"));
	for (uint32_t i = 0; i < RECORDS; i++) {
		at = r.next;
		assert_int_equal(journal_get(p + at, len - at, at, &r, &e), 1);
		assert_int_equal(msg_get_j_second(r.payload, r.len, &second, &e), 0);
		assert_int_equal(second.time_ns, second_of(i).time_ns);
		assert_int_equal(second.bytes, second_of(i).bytes);
	}
	at = r.next;
	assert_int_equal(journal_get(p + at, len - at, at, &r, &e), 1);
	assert_int_equal(r.type, MSG_J_END);
	assert_int_equal(r.next, len);
	assert_int_equal(journal_get(p + len, 0, len, &r, &e), 0);
	free(p);
	close(fd);
}

/* The bytes on disk are a promise: this record must be read, and look so, for ever. */
static void the_bytes_are_those_of_the_manual(void **state)
{
	static const uint8_t wanted[] = {
		'T', 'D', 'J', 'R', 'N',  'L',	'1',  '\n', 0,	 0,   0,   3,
		0,   131, 0,   0,   0xc5, 0xa5, 0x8a, 0xac, 'a', 'b', 'c',
	};
	int fd = memfd_create("journal", MFD_CLOEXEC);
	struct buf payload;
	struct journal *j;
	struct err e;
	size_t len;
	uint8_t *p;

	(void)state;
	buf_init(&payload, 16);
	assert_int_equal(buf_add(&payload, "abc", 3), 0);
	j = journal_new(dup(fd), &e);
	assert_int_equal(journal_add(j, MSG_J_SECOND, &payload, &e), 0);
	journal_close(j);
	p = bytes_of(fd, &len);
	assert_int_equal(len, sizeof(wanted));
	assert_memory_equal(p, wanted, len);
	free(p);
	buf_release(&payload);
	close(fd);
}

static void every_cut_is_read_to_its_last_whole_record(void **state)
{
	int fd = journal_fd(), cut_fd;
	uint64_t ends[RECORDS + 2], end, wanted_end;
	uint32_t wanted = RECORDS + 2;
	size_t len;
	uint8_t *p = bytes_of(fd, &len);
	struct err e;

	(void)state;
	assert_int_equal(read_all(p, len, ends).records, RECORDS + 2);
	for (size_t cut = len + 1; cut-- > 0;) {
		while (wanted > 0 && ends[wanted - 1] > cut)
			wanted--;
		assert_int_equal(read_all(p, cut, NULL).records, wanted);
		cut_fd = memfd_create("cut", MFD_CLOEXEC);
		assert_int_equal(fdio_pwrite_all(cut_fd, p, cut, 0), 0);
		assert_int_equal(journal_repair(cut_fd, &end, &e), 0);
		wanted_end = wanted			 ? ends[wanted - 1]
			     : cut < JOURNAL_MAGIC_BYTES ? 0
							 : JOURNAL_MAGIC_BYTES;
		assert_int_equal(end, wanted_end);
		assert_int_equal(lseek(cut_fd, 0, SEEK_END), wanted_end);
		close(cut_fd);
	}
	free(p);
	close(fd);
}

/* One flipped bit costs one record, wherever it is; nothing before or behind. */
static void a_flipped_bit_costs_one_record(void **state)
{
	int fd = journal_fd();
	size_t len;
	uint8_t *p = bytes_of(fd, &len);
	struct seen seen;

	(void)state;
	for (size_t bit = JOURNAL_MAGIC_BYTES * 8; bit < len * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		seen = read_all(p, len, NULL);
		assert_int_equal(seen.records, RECORDS + 1);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(p);
	close(fd);
}

/* Damage in the middle is no reason to cut what follows it. */
static void repair_keeps_what_follows_damage(void **state)
{
	int fd = journal_fd();
	size_t len;
	uint8_t *p = bytes_of(fd, &len);
	uint64_t end;
	struct err e;

	(void)state;
	assert_int_equal(fdio_pwrite_all(fd, "\0\7", 2, 100), 0);
	assert_int_equal(fdio_pwrite_all(fd, "torn tail", 9, len), 0);
	assert_int_equal(journal_repair(fd, &end, &e), 0);
	assert_int_equal(end, len);
	assert_int_equal(lseek(fd, 0, SEEK_END), len);
	assert_int_equal(fdio_pwrite_all(fd, "X", 1, 0), 0);
	assert_int_equal(journal_repair(fd, &end, &e), -1);
	assert_int_equal(lseek(fd, 0, SEEK_END), len);
	assert_null(journal_new(dup(fd), &e));
	free(p);
	close(fd);
}

/* Records of up to the longest, many megabytes of them, and damage of megabytes between them. */
static void long_journals_are_mended(void **state)
{
	int fd = memfd_create("journal", MFD_CLOEXEC);
	uint8_t *noise = xmalloc(5u << 20);
	uint64_t seed = 3, end;
	struct buf payload;
	struct journal *j;
	struct err e;
	off_t whole;

	(void)state;
	for (size_t i = 0; i < 5u << 20; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		noise[i] = (uint8_t)(seed >> 56);
	}
	buf_init(&payload, JOURNAL_RECORD_MAX + 1);
	assert_int_equal(buf_add(&payload, noise, JOURNAL_RECORD_MAX), 0);
	for (int part = 0; part < 2; part++) {
		j = journal_new(dup(fd), &e);
		assert_non_null(j);
		for (int i = 0; i < 5; i++)
			assert_int_equal(journal_add(j, MSG_J_EVENT, &payload, &e), 0);
		journal_close(j);
		whole = lseek(fd, 0, SEEK_END);
		assert_int_equal(fdio_write_all(fd, noise, 5u << 20), 0);
	}
	assert_int_equal(journal_repair(fd, &end, &e), 0);
	assert_int_equal(end, whole);
	assert_int_equal(buf_add_byte(&payload, 0), 0);
	j = journal_new(dup(fd), &e);
	assert_int_equal(journal_add(j, MSG_J_EVENT, &payload, &e), -1);
	journal_close(j);
	assert_int_equal(lseek(fd, 0, SEEK_END), whole);
	buf_release(&payload);
	free(noise);
	close(fd);
}

/* The file cannot grow (sealed, as a disk that is full): what is buffered waits, the record that
 * has no room is refused, and nothing is lost when there is room again. */
static void a_full_disk_loses_nothing_that_was_taken(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC),
	    fd = memfd_create("journal", MFD_CLOEXEC), own = dup(fd);
	struct journal *j;
	struct err e;
	uint32_t taken = 0;
	struct seen seen;
	size_t len;
	uint8_t *p;

	(void)state;
	assert_true(full >= 0);
	j = journal_new(own, &e);
	assert_non_null(j);
	assert_true(dup2(full, own) >= 0); /* the disk is full now */
	for (;;) {
		const struct msg_j_second m = second_of(taken);

		if (journal_add_j_second(j, &m, &e) < 0)
			break;
		taken++;
	}
	assert_true(taken > 10000);
	assert_non_null(strstr(e.text, "No space left"));
	assert_int_equal(journal_sync(j, &e), -1);
	assert_true(dup2(fd, own) >= 0);
	assert_int_equal(journal_sync(j, &e), 0);
	journal_close(j);
	p = bytes_of(fd, &len);
	seen = read_all(p, len, NULL);
	assert_int_equal(seen.seconds, taken);
	assert_int_equal(seen.end, len);
	free(p);
	close(full);
	close(fd);
}

static void an_old_journal_is_added_to(void **state)
{
	int fd = journal_fd();
	const struct msg_j_event event = {.severity = str_of("note"), .sentence = str_of("again")};
	struct journal *j;
	struct err e;
	size_t len;
	uint8_t *p;

	(void)state;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	j = journal_new(dup(fd), &e);
	assert_non_null(j);
	assert_int_equal(journal_add_j_event(j, &event, &e), 0);
	journal_close(j);
	p = bytes_of(fd, &len);
	assert_int_equal(read_all(p, len, NULL).records, RECORDS + 3);
	free(p);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_read),
		cmocka_unit_test(the_bytes_are_those_of_the_manual),
		cmocka_unit_test(every_cut_is_read_to_its_last_whole_record),
		cmocka_unit_test(a_flipped_bit_costs_one_record),
		cmocka_unit_test(repair_keeps_what_follows_damage),
		cmocka_unit_test(long_journals_are_mended),
		cmocka_unit_test(a_full_disk_loses_nothing_that_was_taken),
		cmocka_unit_test(an_old_journal_is_added_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
