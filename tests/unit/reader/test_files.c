/* Opened files: windows, sorts, filters, packets; files that are cut, grow, shrink, are many, are
 * stopped. */
#include "rig.h"

#define HEADER 24u

static void put_le32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
				  (uint8_t)(v >> 24)};

	assert_int_equal(buf_add(b, bytes, 4), 0);
}

static void add_header(struct buf *b)
{
	static const uint8_t head[HEADER] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
					     0,	   0,	 0,    0,    0, 0, 4, 0, 1, 0, 0, 0};

	assert_int_equal(buf_add(b, head, sizeof(head)), 0);
}

/* A UDP datagram from port 1000 + n to port 9, n seconds after the epoch plus a milliard, of 60 + n
 * % 40 bytes. */
#define RECORD(n) (16u + 60u + (n) % 40u)
static void add_packet(struct buf *b, unsigned n)
{
	uint8_t p[128] = {2,  0, 0, 0, 0, 2,  2,  0, 0, 0,  0, 1, 8, 0,	 0x45, 0, 0,
			  46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,    0, 2};
	unsigned len = 60 + n % 40;

	p[17] = (uint8_t)(len - 14);
	p[34] = (uint8_t)((1000 + n) >> 8);
	p[35] = (uint8_t)(1000 + n);
	p[37] = 9;
	p[39] = (uint8_t)(len - 34);
	put_le32(b, 1000000000 + n);
	put_le32(b, 0);
	put_le32(b, len);
	put_le32(b, len);
	assert_int_equal(buf_add(b, p, len), 0);
}

static void make_file(struct buf *b, unsigned packets)
{
	buf_init(b, 64u << 20);
	add_header(b);
	for (unsigned i = 1; i <= packets; i++)
		add_packet(b, i);
}

/* A file that is cut at any byte gives what is whole, and says what is missing, to the byte. */
static void test_cut_anywhere(void **state)
{
	struct buf b;
	size_t whole = HEADER;
	unsigned packets = 0;

	(void)state;
	make_file(&b, 4);
	for (size_t cut = HEADER; cut < b.len; cut += 7) {
		struct rig r;

		while (whole + RECORD(packets + 1) <= cut)
			whole += RECORD(++packets);
		rig_start(&r);
		assert_int_equal(rig_file(&r, rig_temp(b.data, cut), "cut.pcap", false, 0), 0);
		assert_int_equal(rig_table(&r, "packets"), 0);
		assert_int_equal(r.window.total, packets);
		assert_int_equal(r.window.state, cut == whole ? WINDOW_COMPLETE : WINDOW_PARTIAL);
		if (cut != whole) {
			char *place = xasprintf("at byte %zu, after packet %u", whole, packets);
			char *missing = xasprintf("; %zu bytes are missing", cut - whole);

			assert_non_null(strstr(r.window.note, place));
			assert_non_null(strstr(r.window.note, missing));
			free(place);
			free(missing);
		}
		rig_stop(&r);
	}
	buf_release(&b);
}

static void test_sort_and_filter(void **state)
{
	struct rig r;
	struct buf b;

	(void)state;
	make_file(&b, 1000);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "own.pcap", false, 0), 0);
	/* the middle of the table */
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "packets", .first = 500, .count = 3}),
		0);
	assert_int_equal(r.window.rows, 3);
	rig_is(&r, 0, "number", "501");
	rig_is(&r, 0, "rel_s", "500.000000000");
	rig_is(&r, 0, "delta_s", "1.000000000");
	rig_is(&r, 0, "connection", "501");
	rig_is(&r, 0, "direction", "ab");
	rig_is(&r, 0, "src", "10.0.0.1");
	rig_is(&r, 0, "proto", "udp");
	/* what is asked for by words, from behind; numbers are the same in every order */
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "packets",
						  .filter = "sport > 1990 and length < 100",
						  .sort = "-sport",
						  .columns = "number,sport,length"}),
		0);
	assert_int_equal(r.window.total, 10);
	assert_int_equal(r.window.ncolumns, 3);
	rig_is(&r, 0, "sport", "2000");
	rig_is(&r, 0, "number", "1000");
	rig_is(&r, 9, "number", "991");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "connections",
							   .sort = "-bytes_ab",
							   .count = 1}),
			 0);
	rig_is(&r, 0, "bytes_ab", "99");
	rig_is(&r, 0, "id", "39");
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "flows", .filter = "id == 39.1"}), 0);
	assert_int_equal(r.window.total, 1);
	rig_is(&r, 0, "payload_bytes", "57");
	/* what is wrong is said with its place */
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets",
							   .filter = "number > 1 and lenght > 3"}),
			 -1);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_int_equal(r.error.at, 15);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets", .sort = "size"}),
			 -1);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_int_equal(rig_table(&r, "conections"), -1);
	assert_int_equal(r.error.code, ERR_ABSENT);
	assert_non_null(strstr(r.error.text, "connections"));
	rig_stop(&r);
	buf_release(&b);
}

static void test_one_packet(void **state)
{
	struct rig r;
	struct buf b;

	(void)state;
	make_file(&b, 20);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "own.pcap", false, 0), 0);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "hex", .word = "20"}), 0);
	assert_int_equal(r.window.rows, 5);
	rig_is(&r, 0, "offset", "0");
	rig_is(&r, 0, "hex", "02 00 00 00 00 02 02 00 00 00 00 01 08 00 45 00");
	rig_is(&r, 0, "text", "..............E.");
	rig_is(&r, 4, "offset", "64");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packet",
							   .word = "20",
							   .filter = "name == sport"}),
			 0);
	rig_is(&r, 0, "depth", "1");
	rig_is(&r, 0, "offset", "34");
	rig_is(&r, 0, "length", "2");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packet", .word = "21"}), -1);
	assert_int_equal(r.error.code, ERR_ABSENT);
	assert_non_null(strstr(r.error.text, "20"));
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packet", .word = "x"}), -1);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_int_equal(rig_table(&r, "hex"), -1);
	assert_int_equal(r.error.code, ERR_CALL);
	rig_stop(&r);
	buf_release(&b);
}

/* Asks until a window says what is waited for. */
static void wait_rows(struct rig *r, const char *table, uint64_t rows)
{
	uint32_t id = rig_ask(r, &(struct rig_query){.table = table, .period_ms = 20});

	do {
		assert_int_equal(rig_window(r, id), 0);
	} while (r->window.total < rows);
	rig_cancel(r, id);
}

static void test_growing(void **state)
{
	struct rig r;
	struct buf b;
	int fd;

	(void)state;
	make_file(&b, 100);
	size_t half = b.len / 2;

	fd = rig_temp(b.data, half);
	rig_start(&r);
	assert_int_equal(rig_file(&r, dup(fd), "growing.pcap", true, 0), 0);
	wait_rows(&r, "packets", 40);
	assert_int_equal(r.window.state, WINDOW_READING);
	assert_int_equal(fdio_pwrite_all(fd, b.data + half, b.len - half, half), 0);
	wait_rows(&r, "packets", 100);
	assert_int_equal(r.window.total, 100);
	/* a finished one is complete */
	struct buf none;

	buf_init(&none, 16);
	rig_send(&r, MSG_READ_FINISH, 0, ++r.id, &none, NULL, 0);
	assert_int_equal(rig_answer(&r, 0, r.id), 0);
	assert_int_equal(rig_table(&r, "packets"), 0);
	assert_int_equal(r.window.state, WINDOW_COMPLETE);
	rig_stop(&r);
	close(fd);
	buf_release(&b);
}

/* The end of the file goes while it is open: what was read stays, what is gone is empty, nothing
 * falls. */
static void test_shrinking(void **state)
{
	struct rig r;
	struct buf b;
	int fd;

	(void)state;
	make_file(&b, 100);
	fd = rig_temp(b.data, b.len);
	rig_start(&r);
	assert_int_equal(rig_file(&r, dup(fd), "shrinking.pcap", true, 0), 0);
	wait_rows(&r, "packets", 100);
	assert_int_equal(ftruncate(fd, 1000), 0);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets",
							   .columns = "number,length,info,src",
							   .period_ms = 1000}),
			 0);
	assert_int_equal(r.window.total, 100);
	rig_is(&r, 99, "number", "100");
	rig_is(&r, 99, "length", "80");
	rig_is(&r, 99, "info", "");
	assert_int_equal(rig_cell(&r, 99, "src").type, VALUE_NULL);
	rig_is(&r, 1, "src", "10.0.0.1");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "hex", .word = "100"}), -1);
	assert_int_equal(r.error.code, ERR_PART);
	do {
		assert_int_equal(
			rig_query(&r, &(struct rig_query){.table = "summary", .period_ms = 1000}),
			0);
	} while (rig_cell(&r, 0, "damage").type == VALUE_NULL);
	rig_is(&r, 0, "packets", "100");
	rig_stop(&r);
	close(fd);
	buf_release(&b);
}

/* Segments of one recording are one capture: numbers go on, their interface is one. */
static void test_segments(void **state)
{
	struct rig r;
	struct buf b;

	(void)state;
	make_file(&b, 10);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "one.pcap", false, 0), 0);
	b.len = HEADER;
	for (unsigned i = 11; i <= 30; i++)
		add_packet(&b, i);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "two.pcap", false, 10), 0);
	wait_rows(&r, "packets", 30);
	assert_int_equal(rig_table(&r, "packets"), 0);
	assert_int_equal(r.window.total, 30);
	rig_is(&r, 29, "number", "30");
	rig_is(&r, 29, "src", "10.0.0.1");
	rig_is(&r, 29, "interface", "0");
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "packets", .filter = "dport == 9"}), 0);
	assert_int_equal(r.window.total, 30);
	assert_int_equal(rig_table(&r, "summary"), 0);
	rig_is(&r, 0, "interfaces", "1");
	rig_is(&r, 0, "file", "one.pcap two.pcap");
	rig_is(&r, 0, "packets", "30");
	rig_is(&r, 0, "connections", "30");
	rig_stop(&r);
	buf_release(&b);
}

/* A fragment of the datagram `id`, at `offset`. */
static void add_fragment(struct buf *b, unsigned second, uint8_t id, unsigned offset, bool more)
{
	uint8_t p[58] = {2,  0, 0,  0, 0, 2,  2,  0, 0, 0,  0, 1, 8, 0,	 0x45, 0, 0,
			 44, 0, id, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,    0, 2};

	p[20] = (uint8_t)((more ? 0x20 : 0) | offset / 8 >> 8);
	p[21] = (uint8_t)(offset / 8);
	if (offset == 0) {
		p[34] = 0x10;
		p[37] = 53;
		p[39] = 48;
	}
	put_le32(b, 1000000000 + second);
	put_le32(b, 0);
	put_le32(b, sizeof(p));
	put_le32(b, sizeof(p));
	assert_int_equal(buf_add(b, p, sizeof(p)), 0);
}

/* Fragments that come before their datagram's first belong to its connection all the same, and
 * those whose first never comes are counted somewhere too. */
static void test_fragments(void **state)
{
	struct rig r;
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	add_header(&b);
	add_fragment(&b, 1, 7, 24, false);
	add_packet(&b, 1);
	add_fragment(&b, 2, 7, 0, true);
	add_fragment(&b, 3, 9, 24, false);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "fragments.pcap", false, 0), 0);
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "summary",
						  .columns = "packets,other_packets,connections"}),
		0);
	rig_is(&r, 0, "packets", "4");
	rig_is(&r, 0, "other_packets", "0");
	rig_is(&r, 0, "connections", "3");
	assert_int_equal(rig_table(&r, "packets"), 0);
	int64_t whole = rig_int(&r, 2, "connection");

	assert_int_equal(rig_int(&r, 0, "connection"), whole);
	assert_int_not_equal(rig_int(&r, 3, "connection"), whole);
	char *filter = xasprintf("id == %lld", (long long)whole);

	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "connections", .filter = filter}), 0);
	rig_is(&r, 0, "packets_ab", "2");
	rig_is(&r, 0, "port_b", "53");
	free(filter);
	rig_stop(&r);
	buf_release(&b);
}

/* Cancelled: what was read stays and is asked for as before, and it says where it stopped. */
static void test_cancel(void **state)
{
	static const char *const words[] = {"cancel"};
	struct rig r;
	struct buf b, out;
	struct msg_command m;

	(void)state;
	make_file(&b, 100);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "long.pcap", true, 0), 0);
	wait_rows(&r, "packets", 100);
	buf_init(&out, 4096);
	assert_int_equal(msg_strs(&m.words, words, 1), 0);
	assert_int_equal(msg_put_command(&out, &m), 0);
	rig_send(&r, MSG_COMMAND, RIG_CHANNEL, ++r.id, &out, NULL, 0);
	assert_int_equal(rig_answer(&r, RIG_CHANNEL, r.id), 0);
	assert_int_equal(rig_table(&r, "packets"), 0);
	assert_int_equal(r.window.total, 100);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	assert_non_null(strstr(r.window.note, "stopped at byte"));
	assert_non_null(strstr(r.window.note, "packet 100"));
	rig_stop(&r);
	buf_release(&out);
	buf_release(&b);
}

/* Every column says what it is: the manual is made of it. */
static void test_columns(void **state)
{
	const struct table_type *const *t = reader_table_types();
	struct rig r;
	struct buf b;
	uint64_t count = 0;

	(void)state;
	for (; *t; t++)
		for (unsigned i = 0; i < (*t)->ncolumns; i++) {
			const char *s = (*t)->columns[i].summary;

			assert_true(strlen(s) > 8);
			assert_int_equal(s[strlen(s) - 1], '.');
			count++;
		}
	make_file(&b, 1);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "own.pcap", false, 0), 0);
	assert_int_equal(rig_table(&r, "columns"), 0);
	assert_int_equal(r.window.total, count);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "columns", .word = "hex"}), 0);
	assert_int_equal(r.window.total, 3);
	rig_stop(&r);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_sort_and_filter),
		cmocka_unit_test(test_one_packet),   cmocka_unit_test(test_growing),
		cmocka_unit_test(test_shrinking),    cmocka_unit_test(test_segments),
		cmocka_unit_test(test_fragments),    cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
