/* Files that are cut, flipped, lied in, growing, shrinking: no crash, and what was sound is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <sys/resource.h>

#include "captures.h"

#define SMALL_BYTES 6000u

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Runs each of the folder's captures (and the malformed ones) of at most `bytes` through `run`, and
 * our own two. */
static void each_file(size_t bytes, void (*run)(const char *name, uint8_t *p, size_t len))
{
	char *folder = captures_folder(), *dir_path, *path;
	struct dirent *d;
	struct buf own;
	size_t len;
	DIR *dir;

	own_pcap(&own, OWN_PACKETS);
	run("own.pcap", own.data, own.len);
	buf_release(&own);
	own_pcapng(&own, OWN_PACKETS);
	run("own.pcapng", own.data, own.len);
	buf_release(&own);
	for (int sub = 0; folder && sub < 2; sub++) {
		dir_path = xasprintf("%s%s", folder, sub ? "/malformed" : "");
		dir = opendir(dir_path);
		assert_non_null(dir);
		while ((d = readdir(dir))) {
			const char *end = strrchr(d->d_name, '.');

			if (!end || (strncmp(end, ".pcap", 5) != 0 && strcmp(end, ".bin") != 0))
				continue;
			path = xasprintf("%s/%s", dir_path, d->d_name);
			uint8_t *p = file_bytes(path, &len);

			if (len <= bytes)
				run(path, p, len);
			free(p);
			free(path);
		}
		closedir(dir);
		free(dir_path);
	}
	free(folder);
}

/* ends[i]: bytes of the file up to the end of packet i + 1 */
static uint64_t packet_ends(uint8_t *p, size_t len, uint64_t *ends)
{
	struct capfile *f;
	struct packet pk;
	struct err e;
	uint64_t n = 0;

	if (capfile_open(&f, fd_of_bytes(p, len), "whole", &e) < 0)
		return 0;
	while (capfile_next(f, &pk, &e) == 1)
		ends[n++] = capfile_done(f);
	capfile_close(f);
	return n;
}

static void cut_everywhere(const char *name, uint8_t *p, size_t len)
{
	uint64_t ends[SMALL_BYTES], packets = packet_ends(p, len, ends), expected = packets;
	int fd = fd_of_bytes(p, len);
	int64_t got;
	struct err e;

	for (size_t cut = len; cut-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		while (expected > 0 && ends[expected - 1] > cut)
			expected--;
		got = walk_any(dup(fd), &e, NULL);
		if (got >= 0 ? (uint64_t)got != expected : expected != 0)
			fail_msg("%s cut at %zu: %lld packets, not %llu", name, cut, (long long)got,
				 (unsigned long long)expected);
	}
	close(fd);
}

static void a_cut_at_every_byte_keeps_what_is_before_it(void **state)
{
	(void)state;
	each_file(SMALL_BYTES, cut_everywhere);
}

static void flip_often(const char *name, uint8_t *p, size_t len)
{
	uint64_t seed = 0x9e3779b97f4a7c15u ^ len;
	int fd = fd_of_bytes(p, len);
	struct err e;

	(void)name;
	for (int round = 0; round < 60; round++) {
		size_t at[4];
		uint8_t flipped;

		for (int i = 0; i < 4; i++) {
			at[i] = random_next(&seed) % len;
			flipped = (uint8_t)(p[at[i]] ^ (1u << random_next(&seed) % 8));
			assert_int_equal(fdio_pwrite_all(fd, &flipped, 1, at[i]), 0);
		}
		(void)walk_any(dup(fd), &e, NULL);
		for (int i = 0; i < 4; i++)
			assert_int_equal(fdio_pwrite_all(fd, p + at[i], 1, at[i]), 0);
	}
	close(fd);
}

static void flipped_bits_never_crash(void **state)
{
	(void)state;
	each_file(200000, flip_often);
}

static void malformed_walk(const char *name, uint8_t *p, size_t len)
{
	struct err e;

	(void)name;
	(void)walk_any(fd_of_bytes(p, len), &e, NULL);
}

static void every_file_is_walked_to_its_end(void **state)
{
	(void)state;
	each_file(SIZE_MAX, malformed_walk);
}

/* Overwrites a part in the middle: all packets that it does not touch must be found. */
static void check_overwritten(struct buf *own, const char *what, size_t from, size_t bytes,
			      const uint8_t *with)
{
	const uint32_t total = 2000;
	uint64_t *ends = xcalloc(total, sizeof(*ends)), hole_bytes;
	uint64_t packets = packet_ends(own->data, own->len, ends), touched = 0, begin = 0;
	struct err e;
	int64_t got;

	assert_int_equal(packets, total);
	for (uint64_t i = 0; i < packets; i++) {
		touched += ends[i] > from && begin < from + bytes;
		begin = ends[i];
	}
	memcpy(own->data + from, with, bytes);
	got = walk_any(fd_of_bytes(own->data, own->len), &e, &hole_bytes);
	if (got < (int64_t)(total - touched) || got > (int64_t)total)
		fail_msg("%s at %zu: %lld packets, %llu were touched", what, from, (long long)got,
			 (unsigned long long)touched);
	free(ends);
}

static void what_follows_damage_is_found(void **state)
{
	static const uint8_t zeros[200];
	uint8_t noise[200];
	uint64_t seed = 42;
	struct buf own;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)random_next(&seed);
	for (size_t from = 100000; from < 100250; from += 3) {
		own_pcap(&own, 2000);
		check_overwritten(&own, "pcap, zeros", from, sizeof(zeros), zeros);
		buf_release(&own);
		own_pcap(&own, 2000);
		check_overwritten(&own, "pcap, noise", from, sizeof(noise), noise);
		buf_release(&own);
		own_pcapng(&own, 2000);
		check_overwritten(&own, "pcapng, zeros", from, sizeof(zeros), zeros);
		buf_release(&own);
		own_pcapng(&own, 2000);
		check_overwritten(&own, "pcapng, noise", from, sizeof(noise), noise);
		buf_release(&own);
	}
}

/* Any one bit of a record's head: it, and at most those that it claims to hold, are lost. */
static void a_flipped_bit_in_a_head_costs_little(void **state)
{
	const uint32_t total = 2000;
	uint64_t *ends = xcalloc(total, sizeof(*ends));

	(void)state;
	for (unsigned bit = 0; bit < 2 * 28 * 8; bit++) {
		const bool ng = bit >= 28 * 8;
		struct buf own;
		struct err e;
		int64_t got;

		if (!ng && bit >= 16 * 8)
			continue; /* a head of pcap has 16 bytes only */
		(ng ? own_pcapng : own_pcap)(&own, total);
		assert_int_equal(packet_ends(own.data, own.len, ends), total);
		own.data[ends[999] + bit % (28 * 8) / 8] ^= (uint8_t)(1u << bit % 8);
		got = walk_any(fd_of_bytes(own.data, own.len), &e, NULL);
		if (got < total - (ng ? 1 : 10) || got > total)
			fail_msg("bit %u: %lld packets", bit, (long long)got);
		buf_release(&own);
	}
	free(ends);
}

/* 3 MB of noise between two halves of a file: read in more than one block. */
static void long_damage_is_passed_over(void **state)
{
	const size_t noise_bytes = 3u << 20;
	uint8_t *noise = xmalloc(noise_bytes);
	uint64_t seed = 7, hole_bytes;
	struct buf own, all;
	struct err e;

	(void)state;
	for (size_t i = 0; i < noise_bytes; i++)
		noise[i] = (uint8_t)random_next(&seed);
	for (int ng = 0; ng < 2; ng++) {
		uint64_t ends[OWN_PACKETS];

		(ng ? own_pcapng : own_pcap)(&own, OWN_PACKETS);
		assert_int_equal(packet_ends(own.data, own.len, ends), OWN_PACKETS);
		buf_init(&all, 8u << 20);
		assert_int_equal(buf_add(&all, own.data, ends[19]), 0);
		assert_int_equal(buf_add(&all, noise, noise_bytes), 0);
		assert_int_equal(buf_add(&all, own.data + ends[19], own.len - ends[19]), 0);
		assert_int_equal(walk_any(fd_of_bytes(all.data, all.len), &e, &hole_bytes),
				 OWN_PACKETS);
		assert_int_equal(hole_bytes, noise_bytes);
		buf_release(&all);
		buf_release(&own);
	}
	free(noise);
}

static void a_growing_file_is_followed(void **state)
{
	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		struct buf own;
		struct capfile *f;
		struct packet pk;
		struct err e;
		uint32_t packets = 0;
		const struct capfile_hole *hole;
		int fd;

		(ng ? own_pcapng : own_pcap)(&own, OWN_PACKETS);
		fd = fd_of_bytes(own.data, 200);
		assert_int_equal(capfile_open(&f, dup(fd), "growing", &e), 0);
		for (size_t at = 200; at < own.len; at++) {
			assert_int_equal(fdio_pwrite_all(fd, own.data + at, 1, at), 0);
			while (capfile_next(f, &pk, &e) == 1)
				packets++;
		}
		assert_int_equal(packets, OWN_PACKETS);
		capfile_end(f);
		assert_int_equal(capfile_holes(f, &hole), 0);
		capfile_close(f);
		close(fd);
		buf_release(&own);
	}
}

/* A file that grows and has damage: what follows it is there as soon as it is written. */
static void damage_in_a_growing_file_is_passed_over(void **state)
{
	const struct capfile_hole *hole;
	uint64_t ends[OWN_PACKETS];
	struct packet pk;
	struct capfile *f;
	struct err e;

	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		struct buf own;
		int fd;

		(ng ? own_pcapng : own_pcap)(&own, OWN_PACKETS);
		assert_int_equal(packet_ends(own.data, own.len, ends), OWN_PACKETS);
		memset(own.data + ends[9], 0xff, 20);
		fd = fd_of_bytes(own.data, ends[8]);
		assert_int_equal(capfile_open(&f, dup(fd), "growing", &e), 0);
		for (size_t at = ends[8]; at < own.len; at++) {
			assert_int_equal(fdio_pwrite_all(fd, own.data + at, 1, at), 0);
			while (capfile_next(f, &pk, &e) == 1)
				;
		}
		assert_int_equal(capfile_packets(f), OWN_PACKETS - 1);
		assert_int_equal(capfile_holes(f, &hole), 1);
		assert_int_equal(hole->offset, ends[9]);
		assert_int_equal(hole->bytes, ends[10] - ends[9]);
		capfile_close(f);
		close(fd);
		buf_release(&own);
	}
}

static void an_end_after_waiting_becomes_a_hole(void **state)
{
	const struct capfile_hole *hole;
	struct capfile *f;
	struct packet pk;
	struct buf own;
	struct err e;
	uint32_t packets = 0;

	(void)state;
	own_pcap(&own, OWN_PACKETS);
	assert_int_equal(capfile_open(&f, fd_of_bytes(own.data, own.len - 7), "cut", &e), 0);
	while (capfile_next(f, &pk, &e) == 1)
		packets++;
	assert_int_equal(packets, OWN_PACKETS - 1);
	assert_int_equal(capfile_holes(f, &hole), 0);
	capfile_end(f);
	assert_int_equal(capfile_holes(f, &hole), 1);
	assert_int_equal(hole->offset + hole->bytes, own.len - 7);
	assert_int_equal(hole->packet, OWN_PACKETS - 1);
	assert_non_null(strstr(hole->why, "cut short"));
	capfile_close(f);
	buf_release(&own);
}

static void a_shrinking_file_is_told(void **state)
{
	const struct capfile_hole *hole;
	struct capfile *f;
	struct packet pk, first;
	struct buf own;
	struct err e;
	uint64_t packets = 0;
	int fd;

	(void)state;
	own_pcap(&own, 20000);
	fd = fd_of_bytes(own.data, own.len);
	assert_int_equal(capfile_open(&f, dup(fd), "shrinking", &e), 0);
	assert_int_equal(capfile_next(f, &first, &e), 1);
	assert_int_equal(ftruncate(fd, 1000), 0);
	while (capfile_next(f, &pk, &e) == 1)
		packets++;
	capfile_end(f);
	assert_true(packets < 20000);
	assert_int_equal(capfile_holes(f, &hole), 2);
	assert_int_equal(hole[0].offset, 1000);
	assert_non_null(strstr(hole[0].why, "shorter"));
	assert_int_equal(capfile_read_at(f, first.offset, 0, 1, &pk, &e), 0);
	assert_int_equal(capfile_read_at(f, 2000, 0, 9, &pk, &e), -1);
	assert_non_null(strstr(e.text, "changed"));
	capfile_close(f);
	close(fd);
	buf_release(&own);
}

/* A disk that fails: said, and no end of the file. */
static void a_read_error_is_told(void **state)
{
	const struct capfile_hole *hole;
	int fd, unreadable = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct packet pk;
	struct capfile *f;
	struct buf own;
	struct err e;
	int r;

	(void)state;
	own_pcap(&own, 20000);
	fd = fd_of_bytes(own.data, own.len);
	assert_int_equal(capfile_open(&f, fd, "failing", &e), 0);
	assert_int_equal(capfile_next(f, &pk, &e), 1);
	assert_true(dup2(unreadable, fd) >= 0);
	while ((r = capfile_next(f, &pk, &e)) == 1)
		;
	assert_int_equal(r, -1);
	assert_non_null(strstr(e.text, "failing cannot be read at byte"));
	assert_int_equal(capfile_read_at(f, 24, 0, 1, &pk, &e), -1);
	assert_non_null(strstr(e.text, "cannot be read"));
	assert_int_equal(capfile_holes(f, &hole), 0);
	capfile_close(f);
	close(unreadable);
	buf_release(&own);
}

static long max_resident_kb(void)
{
	struct rusage use;

	assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
	return use.ru_maxrss;
}

/* Records that claim more than there is, up to what a length can say. */
static void claims_take_no_memory_that_the_file_does_not_hold(void **state)
{
	static const uint32_t claims[] = {0x7fffffff, 0xffffffff, 255u << 20, 200u << 20, 1u << 20};
	const long before = max_resident_kb();
	struct packet pk;
	struct capfile *f;
	struct buf own;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		uint8_t head[16] = {1, 2, 3, 4, 5, 0, 0, 0};
		const uint32_t claim = htole32(claims[i]);
		int fd;

		buf_init(&own, 1000);
		assert_int_equal(write_pcap_header(&own, 1, UINT32_MAX, false), 0);
		memcpy(head + 8, &claim, 4);
		memcpy(head + 12, &claim, 4);
		assert_int_equal(buf_add(&own, head, sizeof(head)), 0);
		assert_int_equal(buf_add(&own, "some bytes", 10), 0);
		fd = fd_of_bytes(own.data, own.len);
		assert_int_equal(capfile_open(&f, fd, "claims", &e), 0);
		assert_int_equal(capfile_next(f, &pk, &e), 0);
		capfile_end(f);
		assert_int_equal(capfile_next(f, &pk, &e), 0);
		capfile_close(f);
		buf_release(&own);
	}
	assert_true(max_resident_kb() - before < 16 * 1024);
}

/* Damage that is longer than what one call passes over, and a second look that knows its ends. */
static void damage_is_passed_over_in_turns(void **state)
{
	static const uint8_t block[65536];
	const size_t zeros = 40u << 20;
	const struct capfile_hole *hole;
	uint64_t ends[OWN_PACKETS], before;
	struct capfile *f, *again;
	struct packet pk;
	struct buf own;
	struct err e;
	int fd, r, turns;

	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		(ng ? own_pcapng : own_pcap)(&own, OWN_PACKETS);
		assert_int_equal(packet_ends(own.data, own.len, ends), OWN_PACKETS);
		fd = fd_of_bytes(own.data, ends[19]);
		for (size_t at = 0; at < zeros; at += sizeof(block))
			assert_int_equal(fdio_pwrite_all(fd, block, sizeof(block), ends[19] + at),
					 0);
		assert_int_equal(fdio_pwrite_all(fd, own.data + ends[19], own.len - ends[19],
						 ends[19] + zeros),
				 0);
		assert_int_equal(capfile_open(&f, dup(fd), "zeros", &e), 0);
		turns = 0;
		before = 0;
		while ((r = capfile_next(f, &pk, &e)) > 0) {
			turns += r == CAPFILE_LATER;
			assert_true(capfile_done(f) > before);
			before = capfile_done(f);
		}
		assert_int_equal(capfile_packets(f), OWN_PACKETS);
		assert_in_range(turns, 5, 10);
		assert_int_equal(capfile_holes(f, &hole), 1);
		assert_int_equal(hole->offset, ends[19]);
		assert_int_equal(hole->bytes, zeros);
		assert_int_equal(capfile_open(&again, dup(fd), "zeros", &e), 0);
		capfile_learn(again, f);
		for (turns = 0; (r = capfile_next(again, &pk, &e)) > 0;)
			turns += r == CAPFILE_LATER;
		assert_int_equal(capfile_packets(again), OWN_PACKETS);
		assert_true(turns <= 1);
		capfile_close(again);
		capfile_close(f);
		close(fd);
		buf_release(&own);
	}
}

/* A hole that the disk knows of is not read: 64 GB cost nothing. */
static void a_hole_in_the_file_itself_is_leapt_over(void **state)
{
	const uint64_t far = UINT64_C(64) << 30;
	char path[] = "/tmp/tapdeck-hole-XXXXXX";
	const struct capfile_hole *hole;
	uint64_t ends[OWN_PACKETS];
	struct capfile *f;
	struct packet pk;
	struct buf own;
	struct err e;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	own_pcapng(&own, OWN_PACKETS);
	assert_int_equal(packet_ends(own.data, own.len, ends), OWN_PACKETS);
	assert_int_equal(fdio_pwrite_all(fd, own.data, ends[9], 0), 0);
	assert_int_equal(fdio_pwrite_all(fd, own.data + ends[9], own.len - ends[9], far), 0);
	assert_int_equal(ftruncate(fd, (off_t)(far * 2)), 0);
	assert_int_equal(capfile_open(&f, fd, "sparse", &e), 0);
	while (next_packet(f, &pk, &e) == 1)
		;
	capfile_end(f);
	assert_int_equal(next_packet(f, &pk, &e), 0);
	assert_int_equal(capfile_packets(f), OWN_PACKETS);
	assert_int_equal(capfile_done(f), far * 2);
	assert_int_equal(capfile_holes(f, &hole), 2);
	assert_int_equal(hole[0].offset + hole[0].bytes, far);
	capfile_close(f);
	buf_release(&own);
}

static void a_file_with_a_long_empty_end_is_no_trouble(void **state)
{
	struct packet pk;
	struct capfile *f;
	struct buf own;
	struct err e;
	uint32_t packets = 0;
	int fd;

	(void)state;
	own_pcapng(&own, OWN_PACKETS);
	fd = fd_of_bytes(own.data, own.len);
	assert_int_equal(ftruncate(fd, INT64_C(256) << 20), 0);
	assert_int_equal(capfile_open(&f, fd, "sparse", &e), 0);
	while (next_packet(f, &pk, &e) == 1)
		packets++;
	assert_int_equal(packets, OWN_PACKETS);
	capfile_end(f);
	assert_int_equal(next_packet(f, &pk, &e), 0);
	assert_int_equal(capfile_done(f), capfile_size(f));
	capfile_close(f);
	buf_release(&own);
}

/* More holes than are remembered: the bytes of all are there. */
static void holes_are_bounded(void **state)
{
	const struct capfile_hole *hole;
	struct capfile *f;
	struct packet pk;
	struct buf own, all;
	struct err e;
	uint64_t ends[3], bytes = 0;
	const uint32_t rounds = CAPFILE_DAMAGE_MAX + 100;

	(void)state;
	own_pcap(&own, 3);
	assert_int_equal(packet_ends(own.data, own.len, ends), 3);
	buf_init(&all, 8u << 20);
	assert_int_equal(buf_add(&all, own.data, own.len), 0);
	for (uint32_t i = 0; i < rounds; i++) {
		assert_int_equal(
			buf_add(&all,
				"\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377",
				16),
			0);
		assert_int_equal(buf_add(&all, own.data + 24, own.len - 24), 0);
	}
	assert_int_equal(capfile_open(&f, fd_of_bytes(all.data, all.len), "holes", &e), 0);
	while (capfile_next(f, &pk, &e) == 1)
		;
	assert_int_equal(capfile_packets(f), 3 + rounds * 3);
	assert_int_equal(capfile_holes(f, &hole), CAPFILE_DAMAGE_MAX);
	for (uint32_t i = 0; i < CAPFILE_DAMAGE_MAX; i++)
		bytes += hole[i].bytes;
	assert_int_equal(bytes, rounds * 16);
	capfile_close(f);
	buf_release(&all);
	buf_release(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_take_no_memory_that_the_file_does_not_hold),
		cmocka_unit_test(a_cut_at_every_byte_keeps_what_is_before_it),
		cmocka_unit_test(flipped_bits_never_crash),
		cmocka_unit_test(every_file_is_walked_to_its_end),
		cmocka_unit_test(what_follows_damage_is_found),
		cmocka_unit_test(a_flipped_bit_in_a_head_costs_little),
		cmocka_unit_test(long_damage_is_passed_over),
		cmocka_unit_test(a_growing_file_is_followed),
		cmocka_unit_test(damage_in_a_growing_file_is_passed_over),
		cmocka_unit_test(an_end_after_waiting_becomes_a_hole),
		cmocka_unit_test(a_shrinking_file_is_told),
		cmocka_unit_test(a_read_error_is_told),
		cmocka_unit_test(a_file_with_a_long_empty_end_is_no_trouble),
		cmocka_unit_test(damage_is_passed_over_in_turns),
		cmocka_unit_test(a_hole_in_the_file_itself_is_leapt_over),
		cmocka_unit_test(holes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
