/* Several files as one capture, files that are still being unpacked, and what is missing of them.
 */
#include "rig.h"

#include "capfile/write.h"

#define BASE_NS INT64_C(1700000000000000000)

/* A pcap of one-second steps: packet i at BASE + at[i] seconds, its length 60 + i. */
static void make_pcap(struct buf *out, const int *at, size_t count, uint32_t link_type)
{
	const uint8_t data[200] = {0};

	buf_init(out, 1u << 20);
	assert_int_equal(write_pcap_header(out, link_type, 65535, false), 0);
	for (size_t i = 0; i < count; i++) {
		const struct packet pk = {.data = data,
					  .captured = 60 + (uint32_t)i,
					  .length = 60 + (uint32_t)i,
					  .ts_ns = BASE_NS + at[i] * INT64_C(1000000000),
					  .has_time = true};

		assert_int_equal(write_pcap_packet(out, false, &pk), 0);
	}
}

static int give(struct rig *r, int fd, const struct msg_read_file *m)
{
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(msg_put_read_file(&out, m), 0);
	rig_send(r, MSG_READ_FILE, 0, ++r->id, &out, &fd, 1);
	buf_release(&out);
	close(fd);
	return rig_answer(r, 0, r->id);
}

static void ended(struct rig *r, uint32_t number, const char *why)
{
	const struct msg_read_ended m = {.number = number, .why = str_of(why)};
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(msg_put_read_ended(&out, &m), 0);
	rig_send(r, MSG_READ_ENDED, 0, ++r->id, &out, NULL, 0);
	buf_release(&out);
	(void)rig_answer(r, 0, r->id);
}

static void files_are_merged_by_time(void **state)
{
	static const int one[] = {0, 2, 4, 9}, two[] = {1, 3, 5}, three[] = {6, 2, 7};
	/* As mergecap: a file whose time runs backwards keeps its order; of equals the later file.
	 */
	static const int expected[] = {0, 1, 2, 3, 4, 5, 6, 2, 7, 9};
	static const int from[] = {0, 1, 0, 1, 0, 1, 2, 2, 2, 0};
	const struct rig_query ask = {.table = "packets", .columns = "number,time,interface"};
	struct buf file[3];
	struct rig r;

	(void)state;
	make_pcap(&file[0], one, 4, 1);
	make_pcap(&file[1], two, 3, 1);
	make_pcap(&file[2], three, 3, 101);
	rig_start(&r);
	for (int i = 0; i < 3; i++) {
		const struct msg_read_file m = {.name = str_of("a file"), .merge = 3};

		assert_int_equal(give(&r, rig_temp(file[i].data, file[i].len), &m), 0);
		buf_release(&file[i]);
	}
	assert_int_equal(rig_query(&r, &ask), 0);
	assert_int_equal(r.window.rows, ARRAY_LEN(expected));
	for (uint32_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(rig_int(&r, i, "number"), i + 1);
		assert_int_equal(rig_int(&r, i, "time"),
				 BASE_NS + expected[i] * INT64_C(1000000000));
		assert_int_equal(rig_int(&r, i, "interface"), from[i]);
	}
	assert_int_equal(rig_table(&r, "interfaces"), 0);
	assert_int_equal(r.window.rows, 3);
	rig_is(&r, 0, "packets", "4");
	rig_is(&r, 2, "link_type", "RAW");
	assert_int_equal(rig_table(&r, "summary"), 0);
	rig_is(&r, 0, "in_order", "no");
	rig_stop(&r);
}

static void equal_times_are_as_in_mergecap(void **state)
{
	static const int at[] = {0, 1};
	const struct rig_query ask = {.table = "packets", .columns = "number,interface"};
	struct buf file;
	struct rig r;

	(void)state;
	make_pcap(&file, at, 2, 1);
	rig_start(&r);
	for (int i = 0; i < 2; i++) {
		const struct msg_read_file m = {.name = str_of("a file"), .merge = 2};

		assert_int_equal(give(&r, rig_temp(file.data, file.len), &m), 0);
	}
	assert_int_equal(rig_query(&r, &ask), 0);
	rig_is(&r, 0, "interface", "1");
	rig_is(&r, 1, "interface", "0");
	buf_release(&file);
	rig_stop(&r);
}

/* One that is no capture: there is no merged one. */
static void all_or_none_are_merged(void **state)
{
	static const int at[] = {0};
	const struct msg_read_file m = {.name = str_of("a file"), .merge = 2};
	struct buf file;
	struct rig r;

	(void)state;
	make_pcap(&file, at, 1, 1);
	rig_start(&r);
	assert_int_equal(give(&r, rig_temp(file.data, file.len), &m), 0);
	assert_int_equal(give(&r, rig_temp("nonsense, this", 14), &m), -1);
	assert_int_equal(rig_table(&r, "summary"), -1);
	assert_int_equal(r.error.code, ERR_REFUSED);
	assert_non_null(strstr(r.error.text, "is text"));
	buf_release(&file);
	rig_stop(&r);
}

/* The rows that are there come at once; the rest when it was unpacked; its size is the file's. */
static void a_file_that_is_unpacked_is_read_meanwhile(void **state)
{
	static const int at[] = {0, 1, 2, 3, 4, 5};
	const struct msg_read_file m = {
		.name = str_of("x.gz"), .growing = true, .file_bytes = 123, .grows_to = 1u << 30};
	const struct rig_query ask = {
		.table = "summary", .columns = "packets,file_bytes,damage", .period_ms = 20};
	struct buf file;
	struct rig r;
	uint32_t id;
	int fd, spool;

	(void)state;
	make_pcap(&file, at, 6, 1);
	spool = rig_temp(file.data, 24 + 2 * 16 + 60 + 61 + 5);
	fd = dup(spool);
	rig_start(&r);
	assert_int_equal(give(&r, fd, &m), 0);
	id = rig_ask(&r, &ask);
	do
		assert_int_equal(rig_window(&r, id), 0);
	while (rig_int(&r, 0, "packets") < 2);
	assert_int_equal(r.window.state, WINDOW_READING);
	rig_is(&r, 0, "file_bytes", "123");
	assert_int_equal(fdio_pwrite_all(spool, file.data, file.len - 7, 0), 0);
	do
		assert_int_equal(rig_window(&r, id), 0);
	while (rig_int(&r, 0, "packets") < 5);
	rig_cancel(&r, id);
	ended(&r, 0, "x.gz is not whole, gzip says: unexpected end of file");
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	rig_is(&r, 0, "packets", "5");
	assert_non_null(
		strstr(r.window.note, "unexpected end of file; what there was of it ends at"));
	assert_non_null(strstr(r.window.note, "after packet 5"));
	close(spool);
	buf_release(&file);
	rig_stop(&r);
}

static void what_never_came_is_told(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	ended(&r, 0, "x.gz is not whole, gzip says: invalid magic");
	assert_int_equal(rig_table(&r, "packets"), -1);
	assert_int_equal(r.error.code, ERR_REFUSED);
	assert_non_null(strstr(r.error.text, "invalid magic"));
	rig_stop(&r);
}

/* A merge waits for the file that is still unpacked: what is earlier there comes first. */
static void a_merge_waits_for_what_is_unpacked(void **state)
{
	static const int one[] = {0, 5}, two[] = {1, 2};
	struct msg_read_file m = {.name = str_of("a file"), .merge = 2};
	const struct rig_query ask = {.table = "packets", .columns = "number,interface"};
	struct buf a, b;
	struct rig r;
	int spool;

	(void)state;
	make_pcap(&a, one, 2, 1);
	make_pcap(&b, two, 2, 1);
	rig_start(&r);
	assert_int_equal(give(&r, rig_temp(a.data, a.len), &m), 0);
	m.growing = true;
	m.grows_to = 1u << 30;
	spool = rig_temp(b.data, 24);
	assert_int_equal(give(&r, dup(spool), &m), 0);
	assert_int_equal(fdio_pwrite_all(spool, b.data, b.len, 0), 0);
	ended(&r, 1, "");
	assert_int_equal(rig_query(&r, &ask), 0);
	assert_int_equal(r.window.rows, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(rig_int(&r, i, "interface"), i == 1 || i == 2);
	assert_int_equal(r.window.state, WINDOW_COMPLETE);
	close(spool);
	buf_release(&a);
	buf_release(&b);
	rig_stop(&r);
}

/* Merged packets again, place by place and in a second pass: each is the one that was counted. */
static void merged_packets_are_found_again(void **state)
{
	const struct rig_query packets = {
		.table = "packets", .columns = "number,length", .bpf = "less 100000"};
	int even[100], odd[100];
	struct buf a, b;
	struct rig r;

	(void)state;
	for (int i = 0; i < 100; i++) {
		even[i] = i * 2;
		odd[i] = i * 2 + 1;
	}
	make_pcap(&a, even, 100, 1);
	make_pcap(&b, odd, 100, 1);
	rig_start(&r);
	for (int i = 0; i < 2; i++) {
		const struct msg_read_file m = {.name = str_of("a file"), .merge = 2};
		const struct buf *f = i ? &b : &a;

		assert_int_equal(give(&r, rig_temp(f->data, f->len), &m), 0);
	}
	assert_int_equal(rig_query(&r, &packets), 0);
	assert_int_equal(r.window.rows, 200);
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(rig_int(&r, i, "length"), 60 + i / 2);
	assert_int_equal(
		rig_query(&r,
			  &(struct rig_query){.table = "hex", .word = "151", .columns = "offset"}),
		0);
	assert_int_equal(r.window.rows, (60 + 75 + 15) / 16);
	buf_release(&a);
	buf_release(&b);
	rig_stop(&r);
}

/* Esc in a long stretch of damage, of a file that goes on: it is left, and what was read stays. */
static void damage_can_be_left(void **state)
{
	static const int at[] = {0, 1};
	const struct rig_query ask = {.table = "summary", .columns = "packets", .period_ms = 5};
	const size_t junk_bytes = 64u << 20;
	uint8_t *junk = xmalloc(junk_bytes);
	const char *word = "cancel";
	struct msg_command cancel = {0};
	struct buf file, out;
	struct rig r;
	uint32_t id;
	int fd;

	(void)state;
	make_pcap(&file, at, 2, 1);
	memset(junk, 0xf7, junk_bytes);
	fd = rig_temp(file.data, file.len);
	assert_int_equal(fdio_write_all(fd, junk, junk_bytes), 0);
	rig_start(&r);
	assert_int_equal(rig_file(&r, fd, "damaged", true, 0), 0);
	id = rig_ask(&r, &ask);
	assert_int_equal(rig_window(&r, id), 0);
	assert_int_equal(r.window.state, WINDOW_READING);
	assert_int_equal(msg_strs(&cancel.words, &word, 1), 0);
	buf_init(&out, 65536);
	assert_int_equal(msg_put_command(&out, &cancel), 0);
	rig_send(&r, MSG_COMMAND, RIG_CHANNEL, ++r.id, &out, NULL, 0);
	assert_int_equal(rig_answer(&r, RIG_CHANNEL, r.id), 0);
	rig_cancel(&r, id);
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	rig_is(&r, 0, "packets", "2");
	assert_non_null(strstr(r.window.note, "stopped at byte"));
	buf_release(&out);
	buf_release(&file);
	free(junk);
	rig_stop(&r);
}

/* A recording that somebody else still writes: what was cut short is whole a moment later. */
static void a_file_that_goes_on_is_followed(void **state)
{
	static const int at[] = {0, 1, 2, 3};
	const struct rig_query ask = {
		.table = "summary", .columns = "packets,damage", .period_ms = 20};
	struct buf file;
	struct rig r;
	uint32_t id;
	int fd;

	(void)state;
	make_pcap(&file, at, 4, 1);
	fd = rig_temp(file.data, 24 + 2 * 16 + 60 + 61 + 30);
	rig_start(&r);
	assert_int_equal(rig_file(&r, dup(fd), "theirs.pcap", false, 0), 0);
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(r.window.state, WINDOW_PARTIAL);
	rig_is(&r, 0, "packets", "2");
	assert_non_null(strstr(r.window.note, "cut short"));
	id = rig_ask(&r, &ask);
	assert_int_equal(rig_window(&r, id), 0);
	assert_int_equal(fdio_pwrite_all(fd, file.data, file.len, 0), 0);
	do
		assert_int_equal(rig_window(&r, id), 0);
	while (r.window.state != WINDOW_COMPLETE);
	rig_is(&r, 0, "packets", "4");
	rig_is(&r, 0, "damage", "");
	rig_cancel(&r, id);
	close(fd);
	buf_release(&file);
	rig_stop(&r);
}

/* What the files are besides each other: each word once, in the order of the files. */
static void formats_of_all_are_named(void **state)
{
	static const char *const expected[] = {"pcap", "pcap nsecpcap", "pcap nsecpcap",
					       "pcap nsecpcap pcapng"};
	static const int at[] = {0, 1};
	struct buf file[4];
	struct rig r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		if (i == 1) {
			buf_init(&file[i], 4096);
			assert_int_equal(write_pcap_header(&file[i], 1, 65535, true), 0);
		} else {
			make_pcap(&file[i], at, 2, 1);
		}
	}
	buf_init(&file[3], 4096);
	assert_int_equal(write_section(&file[3], NULL), 0);
	assert_int_equal(write_interface(&file[3], "eth0", NULL, 1, 0), 0);
	for (uint32_t count = 1; count <= ARRAY_LEN(file); count++) {
		rig_start(&r);
		for (uint32_t i = 0; i < count; i++) {
			const struct msg_read_file m = {.name = str_of("a file"),
							.merge = count > 1 ? count : 0};

			assert_int_equal(give(&r, rig_temp(file[i].data, file[i].len), &m), 0);
		}
		assert_int_equal(rig_table(&r, "summary"), 0);
		rig_is(&r, 0, "format", expected[count - 1]);
		rig_stop(&r);
	}
	for (size_t i = 0; i < ARRAY_LEN(file); i++)
		buf_release(&file[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_merged_by_time),
		cmocka_unit_test(equal_times_are_as_in_mergecap),
		cmocka_unit_test(all_or_none_are_merged),
		cmocka_unit_test(a_file_that_is_unpacked_is_read_meanwhile),
		cmocka_unit_test(what_never_came_is_told),
		cmocka_unit_test(a_merge_waits_for_what_is_unpacked),
		cmocka_unit_test(merged_packets_are_found_again),
		cmocka_unit_test(formats_of_all_are_named),
		cmocka_unit_test(damage_can_be_left),
		cmocka_unit_test(a_file_that_goes_on_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
