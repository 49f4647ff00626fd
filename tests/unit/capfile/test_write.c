/* What is written is read back by us, by tshark, capinfos and tcpdump; what a crash left is mended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/spawn.h"
#include "captures.h"
#include <sys/wait.h>

static void same_packets(const struct buf *file, bool classic)
{
	struct capfile *f;
	struct packet pk;
	struct err e;
	uint8_t data[200];

	assert_int_equal(capfile_open(&f, fd_of_bytes(file->data, file->len), "own", &e), 0);
	for (uint32_t i = 0; i < OWN_PACKETS; i++) {
		const struct packet want = own_packet(i, data);

		assert_int_equal(capfile_next(f, &pk, &e), 1);
		assert_int_equal(pk.captured, want.captured);
		assert_int_equal(pk.length, want.length);
		assert_int_equal(pk.ts_ns, want.ts_ns);
		assert_int_equal(pk.link_type, 1);
		assert_memory_equal(pk.data, want.data, want.captured);
	}
	assert_int_equal(capfile_next(f, &pk, &e), 0);
	assert_string_equal(blocks_format(capfile_blocks(f)), classic ? "pcap" : "pcapng");
	if (!classic) {
		const struct capture_interface *i = blocks_interface(capfile_blocks(f), 0);

		assert_string_equal(i->name, "eth0");
		assert_string_equal(i->filter, "tcp port 80");
		assert_int_equal(i->resolution, 9);
		assert_int_equal(i->snaplen, 262144);
		assert_int_equal(i->received, OWN_PACKETS);
		assert_int_equal(i->dropped, 7);
	}
	capfile_close(f);
}

static void what_is_written_is_read_back(void **state)
{
	struct buf own;

	(void)state;
	own_pcap(&own, OWN_PACKETS);
	same_packets(&own, true);
	buf_release(&own);
	own_pcapng(&own, OWN_PACKETS);
	same_packets(&own, false);
	buf_release(&own);
}

/* Every length of a packet around the padding, none included, and times outside of what a file can
 * say. */
static void lengths_and_times_at_their_bounds(void **state)
{
	uint8_t data[16] = "0123456789abcde", block[64];
	struct packet pk = {.data = data, .has_time = true, .ts_ns = -5};
	struct capfile *f;
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(write_section(&out, NULL), 0);
	assert_int_equal(write_interface(&out, NULL, NULL, 113, 0), 0);
	for (uint32_t len = 0; len < 9; len++) {
		memset(block, 0xee, sizeof(block));
		write_packet(block, 0, len ? INT64_MAX : -1, len, len + 1, data);
		for (size_t i = write_packet_bytes(len); i < sizeof(block); i++)
			assert_int_equal(block[i], 0xee);
		assert_int_equal(buf_add(&out, block, write_packet_bytes(len)), 0);
	}
	assert_int_equal(capfile_open(&f, fd_of_bytes(out.data, out.len), "bounds", &e), 0);
	for (uint32_t len = 0; len < 9; len++) {
		assert_int_equal(capfile_next(f, &pk, &e), 1);
		assert_int_equal(pk.captured, len);
		assert_int_equal(pk.length, len + 1);
		assert_int_equal(pk.ts_ns, len ? INT64_MAX : 0);
		assert_memory_equal(pk.data, data, len);
	}
	assert_null(blocks_interface(capfile_blocks(f), 0)->name);
	capfile_close(f);
	buf_clear(&out);
	assert_int_equal(write_pcap_header(&out, 1, 100, true), 0);
	pk = (struct packet){
		.data = data, .captured = 4, .length = 4, .has_time = true, .ts_ns = INT64_MAX};
	assert_int_equal(write_pcap_packet(&out, true, &pk), 0);
	assert_int_equal(capfile_open(&f, fd_of_bytes(out.data, out.len), "bounds", &e), 0);
	assert_int_equal(capfile_next(f, &pk, &e), 1);
	assert_int_equal(pk.ts_ns / 1000000000, UINT32_MAX);
	capfile_close(f);
	buf_release(&out);
}

/* The packet is the same, and the comment stands behind it as tests/live/merge.t has tshark read it. */
static void a_comment_changes_no_packet(void **state)
{
	static const char *const comments[] = {"late", "", "abc", "abcde"};
	uint8_t data[200], block[512];
	struct capfile *f;
	struct packet pk;
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 1u << 20);
	assert_int_equal(write_section(&out, NULL), 0);
	assert_int_equal(write_interface(&out, "eth0", NULL, 1, 262144), 0);
	for (uint32_t i = 0; i < 4; i++) {
		const struct packet want = own_packet(i, data);
		const uint32_t bytes = write_commented_bytes(want.captured, comments[i]);

		memset(block, 0xee, sizeof(block));
		write_commented(block, 0, want.ts_ns, want.captured, want.length, want.data,
				comments[i]);
		assert_int_equal(block[bytes], 0xee);
		assert_memory_equal(block + bytes - 4, block + 4, 4); /* both lengths */
		assert_memory_equal(block + write_packet_bytes(want.captured), comments[i],
				    strlen(comments[i]));
		assert_int_equal(buf_add(&out, block, bytes), 0);
	}
	assert_int_equal(capfile_open(&f, fd_of_bytes(out.data, out.len), "comments", &e), 0);
	for (uint32_t i = 0; i < 4; i++) {
		const struct packet want = own_packet(i, data);

		assert_int_equal(capfile_next(f, &pk, &e), 1);
		assert_int_equal(pk.captured, want.captured);
		assert_int_equal(pk.ts_ns, want.ts_ns);
		assert_memory_equal(pk.data, want.data, want.captured);
	}
	assert_int_equal(capfile_next(f, &pk, &e), 0);
	capfile_close(f);
	buf_release(&out);
}

static void a_full_buffer_stays_as_it_was(void **state)
{
	struct buf out;

	(void)state;
	for (size_t max = 0; max < 200; max++) {
		size_t before;

		buf_init(&out, max);
		if (write_section(&out, "comment") < 0)
			assert_int_equal(out.len, 0);
		before = out.len;
		if (write_interface(&out, "eth0", "udp", 1, 0) < 0)
			assert_int_equal(out.len, before);
		before = out.len;
		if (write_statistics(&out, 0, 0, 1, 2, 3) < 0)
			assert_int_equal(out.len, before);
		buf_release(&out);
	}
}

static void long_texts_are_cut_between_characters(void **state)
{
	char *text = xmalloc(3 * BLOCKS_TEXT_MAX + 1);
	struct capfile *f;
	struct buf out;
	struct err e;
	struct packet pk;

	(void)state;
	for (size_t i = 0; i < BLOCKS_TEXT_MAX; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	text[3 * BLOCKS_TEXT_MAX] = 0;
	buf_init(&out, 1u << 20);
	assert_int_equal(write_section(&out, text), 0);
	assert_int_equal(write_interface(&out, text, text, 1, 0), 0);
	assert_int_equal(capfile_open(&f, fd_of_bytes(out.data, out.len), "long", &e), 0);
	assert_int_equal(capfile_next(f, &pk, &e), 0);
	assert_int_equal(strlen(blocks_interface(capfile_blocks(f), 0)->name),
			 BLOCKS_TEXT_MAX / 3 * 3);
	assert_int_equal(strlen(blocks_interface(capfile_blocks(f), 0)->filter),
			 BLOCKS_TEXT_MAX / 3 * 3);
	capfile_close(f);
	buf_release(&out);
	free(text);
}

/* Ticks are those of the interface; what its comment says is there. */
static void an_interface_of_microseconds(void **state)
{
	const struct write_interface said = {
		.name = "eth0", .comment = "1 packet in 7", .link_type = 1, .microseconds = true};
	const int64_t ts_ns = INT64_C(1700000000123456789);
	const uint32_t bytes = write_packet_bytes(4);
	const struct capture_interface *i;
	struct capfile *f;
	struct packet pk;
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(write_section(&out, NULL), 0);
	assert_int_equal(write_interface_said(&out, &said), 0);
	write_packet(buf_reserve(&out, bytes), 0, write_ticks(true, ts_ns), 4, 4,
		     (const uint8_t *)"abcd");
	out.len += bytes;
	assert_int_equal(capfile_open(&f, fd_of_bytes(out.data, out.len), "micro", &e), 0);
	assert_int_equal(capfile_next(f, &pk, &e), 1);
	assert_int_equal(pk.ts_ns, ts_ns / 1000 * 1000);
	i = blocks_interface(capfile_blocks(f), 0);
	assert_int_equal(i->resolution, 6);
	assert_string_equal(i->comment, "1 packet in 7");
	assert_null(i->filter);
	capfile_close(f);
	buf_release(&out);
}

/* --- by programs that others made --- */

/* The output of a program (argv[0] is its path); NULL where it is not installed, which is said. */
static char *output_of(char *const *argv)
{
	int out[2];
	struct spawn s = {.path = argv[0], .argv = argv, .fd = {-1, -1, -1}, .nfd = 3};
	char *text = xcalloc(1, 65536);
	size_t len = 0;
	ssize_t n;
	struct err e;
	pid_t pid;
	int status;

	if (access(argv[0], X_OK) < 0) {
		print_message("%s is not installed: what is written is not shown to it\n", argv[0]);
		free(text);
		return NULL;
	}
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	s.fd[1] = out[1];
	pid = spawn_start(&s, &e);
	assert_true(pid > 0);
	close(out[1]);
	while (len < 65535 && (n = read(out[0], text + len, 65535 - len)) > 0)
		len += (size_t)n;
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return text;
}

static void check_capinfos(char *path)
{
	char *const argv[] = {(char[]){"/usr/bin/capinfos"},
			      (char[]){"-T"},
			      (char[]){"-r"},
			      (char[]){"-c"},
			      (char[]){"-d"},
			      path,
			      NULL};
	char *text = output_of(argv), wanted[64];
	uint64_t bytes = 0;
	uint8_t data[200];

	if (!text)
		return;
	for (uint32_t i = 0; i < OWN_PACKETS; i++)
		bytes += own_packet(i, data).length;
	(void)snprintf(wanted, sizeof(wanted), "\t%u\t%llu", OWN_PACKETS,
		       (unsigned long long)bytes);
	if (!strstr(text, wanted))
		fail_msg("capinfos says %s", text);
	free(text);
}

static void check_tshark(char *path)
{
	char *const argv[] = {(char[]){"/usr/bin/tshark"},
			      (char[]){"-n"},
			      (char[]){"-r"},
			      path,
			      (char[]){"-T"},
			      (char[]){"fields"},
			      (char[]){"-e"},
			      (char[]){"frame.time_epoch"},
			      (char[]){"-e"},
			      (char[]){"frame.len"},
			      (char[]){"-e"},
			      (char[]){"frame.cap_len"},
			      (char[]){"-e"},
			      (char[]){"frame.interface_name"},
			      NULL};
	char *text = output_of(argv), *at = text, wanted[128];
	uint8_t data[200];

	if (!text)
		return;
	for (uint32_t i = 0; i < OWN_PACKETS; i++) {
		const struct packet pk = own_packet(i, data);
		char *line = strsep(&at, "\n");

		(void)snprintf(wanted, sizeof(wanted), "%lld.%09lld\t%u\t%u\teth0",
			       (long long)(pk.ts_ns / 1000000000),
			       (long long)(pk.ts_ns % 1000000000), pk.length, pk.captured);
		assert_string_equal(line, wanted);
	}
	free(text);
}

static void check_tcpdump(char *path)
{
	char *const argv[] = {(char[]){"/usr/bin/tcpdump"},
			      (char[]){"-n"},
			      (char[]){"-tt"},
			      (char[]){"-r"},
			      path,
			      NULL};
	char *text = output_of(argv), *at = text, *line;
	uint32_t lines = 0;

	if (!text)
		return;
	while ((line = strsep(&at, "\n")) && *line)
		lines += strncmp(line, "17000000", 8) == 0;
	assert_int_equal(lines, OWN_PACKETS);
	free(text);
}

static void others_read_what_is_written(void **state)
{
	(void)state;
	for (int classic = 0; classic < 2; classic++) {
		char path[] = "/tmp/tapdeck-write-XXXXXX";
		int fd = mkstemp(path);
		struct buf own;

		assert_true(fd >= 0);
		(classic ? own_pcap : own_pcapng)(&own, OWN_PACKETS);
		assert_int_equal(fdio_write_all(fd, own.data, own.len), 0);
		close(fd);
		check_capinfos(path);
		if (!classic)
			check_tshark(path);
		check_tcpdump(path);
		assert_int_equal(unlink(path), 0);
		buf_release(&own);
	}
}

/* --- after a crash --- */

static void check_repaired(const struct buf *own, int fd, size_t cut)
{
	struct repair r, again;
	struct err e;
	uint64_t hole_bytes;
	struct stat st;

	if (capfile_repair(fd, &r, &e) < 0) {
		assert_true(cut < 100);
		return;
	}
	assert_int_equal(r.bytes + r.cut_bytes, cut);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, r.bytes);
	assert_int_equal(walk_any(dup(fd), &e, &hole_bytes), r.packets);
	assert_int_equal(hole_bytes, 0);
	if (r.packets > 0) {
		assert_int_equal(r.first_ns, OWN_FIRST_NS);
		assert_int_equal(r.last_ns, OWN_FIRST_NS + ((int64_t)r.packets - 1) * 1000000);
	}
	assert_int_equal(capfile_repair(fd, &again, &e), 0);
	assert_int_equal(again.cut_bytes, 0);
	assert_int_equal(again.packets, r.packets);
	if (cut == own->len)
		assert_int_equal(r.packets, OWN_PACKETS);
}

static void every_cut_is_mended(void **state)
{
	(void)state;
	for (int classic = 0; classic < 2; classic++) {
		struct buf own;
		int fd;

		(classic ? own_pcap : own_pcapng)(&own, OWN_PACKETS);
		for (size_t cut = 0; cut <= own.len; cut++) {
			fd = fd_of_bytes(own.data, cut);
			check_repaired(&own, fd, cut);
			close(fd);
		}
		buf_release(&own);
	}
}

static uint64_t own_wire_bytes(uint32_t packets)
{
	uint8_t data[200];
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < packets; i++)
		bytes += own_packet(i, data).length;
	return bytes;
}

/* A file system may leave zeros where the last blocks were to be written. */
static void zeros_at_the_end_are_cut(void **state)
{
	(void)state;
	for (int classic = 0; classic < 2; classic++) {
		struct buf own;
		struct repair r;
		struct err e;
		int fd;

		(classic ? own_pcap : own_pcapng)(&own, OWN_PACKETS);
		fd = fd_of_bytes(own.data, own.len);
		assert_int_equal(ftruncate(fd, (off_t)own.len + 3000000), 0);
		assert_int_equal(capfile_repair(fd, &r, &e), 0);
		assert_int_equal(r.bytes, own.len);
		assert_int_equal(r.packets, OWN_PACKETS);
		assert_int_equal(r.wire_bytes, own_wire_bytes(OWN_PACKETS));
		assert_int_equal(r.cut_bytes, 3000000);
		close(fd);
		buf_release(&own);
	}
}

static void what_cannot_be_cut_is_told(void **state)
{
	char path[] = "/tmp/tapdeck-write-XXXXXX";
	int fd = mkstemp(path), readonly;
	struct repair r;
	struct buf own;
	struct err e;

	(void)state;
	own_pcapng(&own, OWN_PACKETS);
	assert_int_equal(fdio_write_all(fd, own.data, own.len - 3), 0);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(capfile_repair(readonly, &r, &e), -1);
	assert_non_null(strstr(e.text, "cannot be cut at byte"));
	assert_int_equal(capfile_repair(1000, &r, &e), -1);
	assert_int_equal(unlink(path), 0);
	close(readonly);
	close(fd);
	buf_release(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(lengths_and_times_at_their_bounds),
		cmocka_unit_test(a_comment_changes_no_packet),
		cmocka_unit_test(a_full_buffer_stays_as_it_was),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(an_interface_of_microseconds),
		cmocka_unit_test(others_read_what_is_written),
		cmocka_unit_test(every_cut_is_mended),
		cmocka_unit_test(what_cannot_be_cut_is_told),
		cmocka_unit_test(zeros_at_the_end_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
