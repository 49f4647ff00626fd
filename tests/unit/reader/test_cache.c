/* What a reader remembers of a file gives the same tables the next time, and is never believed when
 * it is damaged. */
#include "rig.h"

#include <dirent.h>

#define PATH_BYTES 4096
#define CONNECTIONS 5000u /* several pieces of them */
#define PACKETS 70000u	  /* several pages of the index */
#define RECORD 58u	  /* head, Ethernet, IPv4, UDP */
#define FILES_MIN 40u

static const char *const tables[] = {"summary", "interfaces", "connections", "flows",
				     "packets", "endpoints",  "protocols"};

/* --- captures --- */

static void put_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Datagrams of `connections` in turn, from packet `first` on. */
static void add_packets(struct buf *b, uint32_t first, uint32_t count, uint32_t connections)
{
	for (uint32_t i = first; i < first + count; i++) {
		const uint32_t connection = i % connections;
		const uint32_t head[4] = {1700000000u + i / 1000, i % 1000 * 1000, RECORD - 16,
					  RECORD - 16};
		uint8_t p[RECORD - 16] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45};

		put_be16(p + 16, RECORD - 16 - 14);
		p[22] = 64;
		p[23] = 17;
		memcpy(p + 26, (const uint8_t[]){10, 0, 0, 1, 10, 0, (uint8_t)(connection >> 8), 7},
		       8);
		put_be16(p + 34, 1000 + connection);
		put_be16(p + 36, 9999);
		put_be16(p + 38, 8);
		assert_int_equal(buf_add(b, head, sizeof(head)), 0);
		assert_int_equal(buf_add(b, p, sizeof(p)), 0);
	}
}

static void make_capture(struct buf *b, uint32_t packets)
{
	static const uint32_t header[6] = {0xa1b2c3d4u, 4u << 16 | 2, 0, 0, 65535, 1};

	buf_init(b, 64u << 20);
	assert_int_equal(buf_add(b, header, sizeof(header)), 0);
	add_packets(b, 0, packets, CONNECTIONS);
}

/* --- readers --- */

static void give_cache(struct rig *r, int fd, bool filled)
{
	const struct msg_read_cache m = {.filled = filled};
	struct buf out;

	buf_init(&out, 64);
	assert_int_equal(msg_put_read_cache(&out, &m), 0);
	rig_send(r, MSG_READ_CACHE, 0, ++r->id, &out, &fd, 1);
	buf_release(&out);
	assert_int_equal(rig_answer(r, 0, r->id), 0);
}

static bool told_sound(struct rig *r)
{
	struct frame f;
	struct msg_cached m;
	struct err e;

	rig_wait(r, 0, 0, &f);
	assert_int_equal(f.type, MSG_CACHED);
	assert_int_equal(msg_get_cached(f.payload, f.len, &m, &e), 0);
	return m.sound;
}

static int twin(int fd)
{
	const int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	assert_true(other >= 0);
	return other;
}

/* A reader with the file and a cache, and what it remembered of it. */
static int remember(struct rig *r, int file, const char *name)
{
	const int cache = memfd_create("cache", MFD_CLOEXEC);

	rig_start(r);
	give_cache(r, cache, false);
	if (rig_file(r, twin(file), name, false, 0)) {
		close(cache);
		return -1;
	}
	assert_true(told_sound(r));
	return cache;
}

static void recall(struct rig *r, int file, const char *name, int cache)
{
	rig_start(r);
	give_cache(r, cache, true);
	assert_int_equal(rig_file(r, twin(file), name, false, 0), 0);
}

/* Every cell of both windows. */
static void same_windows(const struct rig *a, const struct rig *b, const char *what)
{
	if (a->window.rows != b->window.rows || a->window.total != b->window.total)
		fail_msg("%s: %u rows, then %u", what, a->window.rows, b->window.rows);
	assert_int_equal(a->window.ncolumns, b->window.ncolumns);
	assert_int_equal(a->window.state, b->window.state);
	for (uint32_t row = 0; row < a->window.rows; row++)
		for (unsigned k = 0; k < a->window.ncolumns; k++) {
			const char *column = a->window.columns[k].name;
			char *first = rig_text(a, row, column), *second = rig_text(b, row, column);

			if (strcmp(first, second) != 0)
				fail_msg("%s row %u %s: %s, then %s", what, row, column, first,
					 second);
			free(first);
			free(second);
		}
}

static void same_table(struct rig *a, struct rig *b, const struct rig_query *q, const char *name)
{
	char what[PATH_BYTES];

	(void)snprintf(what, sizeof(what), "%s of %s", q->table, name);
	assert_int_equal(rig_query(a, q), 0);
	assert_int_equal(rig_query(b, q), 0);
	same_windows(a, b, what);
}

static void same_tables(struct rig *a, struct rig *b, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		same_table(a, b, &(struct rig_query){.table = tables[i], .count = 3000}, name);
}

/* --- tests --- */

static bool compare_file(const char *folder, const char *name)
{
	char path[PATH_BYTES];
	struct rig first, second;
	int file, cache;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0);
	cache = remember(&first, file, name);
	if (cache >= 0) {
		recall(&second, file, name, cache);
		same_tables(&first, &second, name);
		rig_stop(&second);
		close(cache);
	}
	rig_stop(&first);
	close(file);
	return cache >= 0;
}

static void test_tables_are_the_same(void **state)
{
	const char *folder = rig_captures();
	DIR *d = folder ? opendir(folder) : NULL;
	const struct dirent *entry;
	unsigned files = 0;

	(void)state;
	while (d && (entry = readdir(d)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && (strcmp(dot, ".pcap") == 0 || strcmp(dot, ".pcapng") == 0))
			files += compare_file(folder, entry->d_name);
	}
	if (d)
		closedir(d);
	assert_true(!d || files >= FILES_MIN);
}

/* The same rows wherever one looks first, in any order, with a filter. */
static void test_pieces_come_when_they_are_looked_at(void **state)
{
	static const struct rig_query asked[] = {
		{.table = "packets", .first = 40000, .count = 3},
		{.table = "connections", .first = 4500, .count = 3},
		{.table = "packet", .word = "69999"},
		{.table = "connections", .sort = "-port_a", .count = 5},
		{.table = "packets", .filter = "connection == 4999", .count = 50},
		{.table = "packets", .bpf = "udp src port 3000", .count = 50},
		{.table = "flows", .first = 9990, .count = 10},
	};
	struct rig first, second;
	struct buf b;
	int file, cache;

	(void)state;
	make_capture(&b, PACKETS);
	file = rig_temp(b.data, b.len);
	cache = remember(&first, file, "made.pcap");
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		recall(&second, file, "made.pcap", cache); /* each first of all */
		same_table(&first, &second, &asked[i], "made.pcap");
		rig_stop(&second);
	}
	recall(&second, file, "made.pcap", cache);
	same_tables(&first, &second, "made.pcap");
	rig_stop(&second);
	rig_stop(&first);
	close(file);
	close(cache);
	buf_release(&b);
}

static void flip(int fd, uint64_t at)
{
	uint8_t byte;

	assert_int_equal(fdio_pread(fd, &byte, 1, at), 1);
	byte ^= 0x41;
	assert_int_equal(fdio_pwrite_all(fd, &byte, 1, at), 0);
}

static uint64_t size_of(int fd)
{
	const off_t end = lseek(fd, 0, SEEK_END);

	assert_true(end > 0);
	return (uint64_t)end;
}

/* Damage is seen at once, and the file read; or where it is looked at, and told. */
static void test_damage_is_never_believed(void **state)
{
	struct rig first, second;
	struct buf b;
	int file, cache;
	unsigned told = 0;

	(void)state;
	make_capture(&b, PACKETS);
	file = rig_temp(b.data, b.len);
	cache = remember(&first, file, "made.pcap");
	const uint64_t size = size_of(cache);

	for (uint64_t at = 0; at < size; at += size / 12) {
		flip(cache, at);
		recall(&second, file, "made.pcap", cache);
		assert_int_equal(rig_query(&first, &(struct rig_query){.table = "connections"}), 0);
		assert_int_equal(rig_query(&second, &(struct rig_query){.table = "connections"}),
				 0);
		assert_int_equal(
			rig_query(&second, &(struct rig_query){.table = "packets", .count = 65536}),
			0);
		assert_int_equal(rig_query(&second, &(struct rig_query){.table = "connections"}),
				 0);
		if (second.window.state == WINDOW_PARTIAL) {
			assert_non_null(strstr(second.window.note, "open it again"));
			told++;
		} else {
			same_windows(&first, &second, "connections");
		}
		rig_stop(&second);
		flip(cache, at);
	}
	assert_true(told > 0);
	rig_stop(&first);
	close(file);
	close(cache);
	buf_release(&b);
}

static void test_cut_or_foreign_is_read_anew(void **state)
{
	static const char foreign[5000] = "tapdeck\1 something else";
	struct rig first, second;
	struct buf b;
	int file, cache, other;

	(void)state;
	make_capture(&b, 3000);
	file = rig_temp(b.data, b.len);
	cache = remember(&first, file, "made.pcap");
	assert_int_equal(ftruncate(cache, (off_t)size_of(cache) - 1), 0);
	other = rig_temp(foreign, sizeof(foreign));
	for (unsigned i = 0; i < 2; i++) {
		recall(&second, file, "made.pcap", i ? other : cache);
		same_tables(&first, &second, "made.pcap");
		rig_stop(&second);
	}
	rig_stop(&first);
	close(file);
	close(cache);
	close(other);
	buf_release(&b);
}

/* The file grows behind what was remembered: it goes on under the same numbers. */
static void test_growth_goes_on(void **state)
{
	struct rig first, second;
	struct buf b;
	int file, cache;

	(void)state;
	make_capture(&b, 12000);
	file = rig_temp(b.data, b.len);
	cache = remember(&first, file, "made.pcap");
	rig_stop(&first);
	recall(&second, file, "made.pcap", cache);
	assert_int_equal(rig_table(&second, "connections"), 0);
	assert_int_equal(second.window.rows, CONNECTIONS);
	buf_clear(&b);
	add_packets(&b, 12000, 500, CONNECTIONS);
	add_packets(&b, 12500, 500, 6000); /* some that were, some that are new */
	assert_int_equal(fdio_pwrite_all(file, b.data, b.len, size_of(file)), 0);
	do {
		assert_int_equal(rig_table(&second, "summary"), 0);
		(void)poll(NULL, 0, 50);
	} while (rig_int(&second, 0, "packets") < 13000);
	rig_start(&first);
	assert_int_equal(rig_file(&first, twin(file), "made.pcap", false, 0), 0);
	same_tables(&first, &second, "made.pcap");
	rig_stop(&first);
	rig_stop(&second);
	close(file);
	close(cache);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_the_same),
		cmocka_unit_test(test_pieces_come_when_they_are_looked_at),
		cmocka_unit_test(test_damage_is_never_believed),
		cmocka_unit_test(test_cut_or_foreign_is_read_anew),
		cmocka_unit_test(test_growth_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
