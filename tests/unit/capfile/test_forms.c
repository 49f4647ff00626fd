/* The forms of pcap and pcapng, made byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "captures.h"

/* --- bytes in either order --- */

struct maker {
	struct buf out;
	bool big;
};

static void put(struct maker *m, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		assert_int_equal(
			buf_add_byte(&m->out, (uint8_t)(v >> 8 * (m->big ? bytes - 1 - i : i))), 0);
}

static void put_pcap(struct maker *m, uint32_t magic, uint32_t network)
{
	put(m, magic, 4);
	put(m, 2, 2);
	put(m, 4, 2);
	put(m, 0, 8);
	put(m, 65535, 4);
	put(m, network, 4);
}

static void put_option(struct maker *m, uint16_t code, const void *value, uint16_t len)
{
	put(m, code, 2);
	put(m, len, 2);
	assert_int_equal(buf_add(&m->out, value, len), 0);
	while (m->out.len % 4)
		put(m, 0, 1);
}

/* Starts a block and returns where; block_close sets both lengths. */
static size_t block_open(struct maker *m, uint32_t type)
{
	const size_t start = m->out.len;

	put(m, type, 4);
	put(m, 0, 4);
	return start;
}

static void block_close(struct maker *m, size_t start)
{
	while (m->out.len % 4)
		put(m, 0, 1);
	const uint32_t total = (uint32_t)(m->out.len - start + 4);

	put(m, total, 4);
	for (unsigned i = 0; i < 4; i++)
		m->out.data[start + 4 + i] = m->out.data[m->out.len - 4 + i];
}

static void put_section(struct maker *m)
{
	const size_t at = block_open(m, 0x0a0d0d0a);

	put(m, 0x1a2b3c4d, 4);
	put(m, 1, 2);
	put(m, 0, 2);
	put(m, UINT64_MAX, 8);
	block_close(m, at);
}

static void put_interface(struct maker *m, uint16_t link_type, uint32_t snaplen, int resolution,
			  int64_t offset_s)
{
	const size_t at = block_open(m, 1);
	const uint8_t value = (uint8_t)resolution;

	put(m, link_type, 2);
	put(m, 0, 2);
	put(m, snaplen, 4);
	put_option(m, 2, "eth7", 4);
	if (resolution >= 0)
		put_option(m, 9, &value, 1);
	if (offset_s) {
		put(m, 14, 2);
		put(m, 8, 2);
		put(m, (uint64_t)offset_s, 8);
	}
	put(m, 0, 4);
	block_close(m, at);
}

static void put_enhanced(struct maker *m, uint32_t interface, uint64_t ticks)
{
	const size_t at = block_open(m, 6);

	put(m, interface, 4);
	put(m, ticks >> 32, 4);
	put(m, ticks & UINT32_MAX, 4);
	put(m, 5, 4);
	put(m, 60, 4);
	assert_int_equal(buf_add(&m->out, "hello", 5), 0);
	block_close(m, at);
}

static struct capfile *open_bytes(const struct buf *b)
{
	struct capfile *f;
	struct err e;

	if (capfile_open(&f, fd_of_bytes(b->data, b->len), "made", &e) < 0)
		fail_msg("%s", e.text);
	capfile_end(f);
	return f;
}

static void next_is(struct capfile *f, struct packet *pk)
{
	struct err e;

	assert_int_equal(capfile_next(f, pk, &e), 1);
}

static void at_the_end(struct capfile *f, uint32_t holes_wanted)
{
	const struct capfile_hole *hole;
	struct packet pk;
	struct err e;

	assert_int_equal(capfile_next(f, &pk, &e), 0);
	assert_int_equal(capfile_holes(f, &hole), holes_wanted);
	capfile_close(f);
}

/* --- pcap --- */

struct form {
	uint32_t magic;
	const char *name;
	int64_t ts_ns;
	unsigned extra; /* bytes of a record head beyond 16 */
};

static void each_magic_in_each_order(void **state)
{
	/* 4294967295 s and 999999 parts: the year 2106 */
	static const struct form forms[] = {
		{0xa1b2c3d4, "pcap", INT64_C(4294967295999999000), 0},
		{0xa1b23c4d, "nsecpcap", INT64_C(4294967295000999999), 0},
		{0xa1b2cd34, "modpcap", INT64_C(4294967295999999000), 8},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(forms); i++) {
		const struct form *form = &forms[i / 2];
		struct maker m = {.big = i % 2};
		struct capfile *f;
		struct packet pk;

		buf_init(&m.out, 4096);
		put_pcap(&m, form->magic, 0xf4000071); /* FCS bits above LINUX_SLL */
		for (unsigned n = 0; n < 2; n++) {
			put(&m, 4294967295, 4);
			put(&m, 999999, 4);
			put(&m, 5, 4);
			put(&m, 60, 4);
			put(&m, 0, form->extra);
			assert_int_equal(buf_add(&m.out, "hello", 5), 0);
		}
		f = open_bytes(&m.out);
		next_is(f, &pk);
		assert_int_equal(pk.ts_ns, form->ts_ns);
		assert_int_equal(pk.captured, 5);
		assert_int_equal(pk.length, 60);
		assert_int_equal(pk.link_type, 113);
		assert_memory_equal(pk.data, "hello", 5);
		next_is(f, &pk);
		assert_string_equal(blocks_format(capfile_blocks(f)), form->name);
		at_the_end(f, 0);
		buf_release(&m.out);
	}
}

/* Odd, but whole: the last record of a file, days after the one before; one cut to nothing. */
static void odd_records_count(void **state)
{
	static const uint32_t s[] = {100, 2000000000, 2000000001, 5};
	struct maker m = {.big = false};
	struct capfile *f;
	struct packet pk;

	(void)state;
	buf_init(&m.out, 4096);
	put_pcap(&m, 0xa1b2c3d4, 1);
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		put(&m, s[i], 4);
		put(&m, 1500000, 4); /* more than a second */
		put(&m, i == 1 ? 0 : 4, 4);
		put(&m, 4, 4);
		put(&m, 0x64636261, i == 1 ? 0 : 4);
	}
	f = open_bytes(&m.out);
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		next_is(f, &pk);
		assert_int_equal(pk.ts_ns, s[i] * INT64_C(1000000000) + 1500000000);
	}
	at_the_end(f, 0);
	buf_release(&m.out);
}

static void long_records_are_read_whole(void **state)
{
	const uint32_t len = 40u << 20;
	uint8_t *data = xcalloc(1, len);
	struct packet pk = {.data = data,
			    .captured = len,
			    .length = len,
			    .ts_ns = OWN_FIRST_NS,
			    .has_time = true},
		      got;
	struct capfile *f;
	struct buf out;
	struct err e;

	(void)state;
	memset(data, 0x5a, len);
	buf_init(&out, 256u << 20);
	assert_int_equal(write_pcap_header(&out, 1, PACKET_BYTES_MAX, true), 0);
	for (unsigned i = 0; i < 3; i++) {
		pk.captured = pk.length = i == 1 ? len : 60;
		assert_int_equal(write_pcap_packet(&out, true, &pk), 0);
	}
	f = open_bytes(&out);
	next_is(f, &got);
	next_is(f, &got);
	assert_int_equal(got.captured, len);
	assert_memory_equal(got.data, data, len);
	assert_int_equal(capfile_read_at(f, got.offset, 0, 2, &pk, &e), 0);
	assert_memory_equal(pk.data, data, len);
	next_is(f, &got);
	assert_int_equal(got.captured, 60);
	at_the_end(f, 0);
	buf_release(&out);
	free(data);
}

/* --- pcapng --- */

struct resolution {
	int resolution;
	int64_t offset_s;
	uint64_t ticks;
	bool has_time;
	int64_t ts_ns;
};

static void times_of_every_resolution(void **state)
{
	static const struct resolution rows[] = {
		{-1, 0, 1700000000123456, true, INT64_C(1700000000123456000)},
		{0, 0, 4323283200, true, INT64_C(4323283200000000000)},
		{3, 0, 1700000000123, true, INT64_C(1700000000123000000)},
		{9, 0, 1700000000123456789, true, INT64_C(1700000000123456789)},
		{12, 0, UINT64_C(17000000123456789999), true, INT64_C(17000000123456789)},
		{127, 0, UINT64_MAX, true, 0},
		{0x80 | 10, 0, 1700000000 * UINT64_C(1024) + 512, true,
		 INT64_C(1700000000500000000)},
		{0x80 | 32, 0, (UINT64_C(1700000000) << 32) + (1u << 30), true,
		 INT64_C(1700000000250000000)},
		{0xff, 0, UINT64_MAX, true, 0},
		{6, -3600, 1700000000123456, true, INT64_C(1699996400123456000)},
		{9, 1700000000, 5, true, INT64_C(1700000000000000005)},
		{6, 0, -UINT64_C(505425287), true, -INT64_C(505425287000)},
		{0, 0, UINT64_C(1) << 40, false, 0},
		{6, 0, UINT64_C(1) << 62, false, 0},
		{9, INT64_MAX, 5, false, 0},
		{9, INT64_C(9223372036), INT64_MAX, false, 0},
		{0x80, 0, UINT64_MAX, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const struct resolution *row = &rows[i / 2];
		struct maker m = {.big = i % 2};
		struct capfile *f;
		struct packet pk;

		buf_init(&m.out, 4096);
		put_section(&m);
		put_interface(&m, 1, 0, row->resolution, row->offset_s);
		put_enhanced(&m, 0, row->ticks);
		f = open_bytes(&m.out);
		next_is(f, &pk);
		assert_int_equal(pk.has_time, row->has_time);
		if (row->has_time)
			assert_int_equal(pk.ts_ns, row->ts_ns);
		at_the_end(f, 0);
		buf_release(&m.out);
	}
}

/* A little-endian section with two interfaces, then a big-endian one with one of another link type.
 */
static void sections_of_both_orders_follow_each_other(void **state)
{
	static const uint32_t links[] = {1, 113, 101};
	struct maker m = {.big = false};
	struct packet pk[3], at;
	struct capfile *f;
	struct err e;
	size_t block;

	(void)state;
	buf_init(&m.out, 4096);
	put_section(&m);
	put_interface(&m, 1, 0, 6, 0);
	put_interface(&m, 113, 0, 9, 0);
	put_enhanced(&m, 0, 1000000);
	put_enhanced(&m, 1, 1000000000);
	m.big = true;
	put_section(&m);
	put_interface(&m, 101, 3, 6, 0);
	block = block_open(&m, 3); /* simple: 3 bytes captured, by the snapshot length */
	put(&m, 60, 4);
	put(&m, 0x616263, 3);
	block_close(&m, block);
	f = open_bytes(&m.out);
	for (uint32_t i = 0; i < 3; i++) {
		next_is(f, &pk[i]);
		assert_int_equal(pk[i].interface, i);
		assert_int_equal(pk[i].link_type, links[i]);
		assert_int_equal(pk[i].has_time, i < 2);
		if (i < 2)
			assert_int_equal(pk[i].ts_ns, 1000000000);
	}
	assert_int_equal(pk[2].captured, 3);
	assert_int_equal(pk[2].length, 60);
	assert_int_equal(capfile_read_at(f, pk[2].offset, 2, 3, &at, &e), 0);
	assert_memory_equal(at.data, "abc", 3);
	assert_int_equal(capfile_read_at(f, pk[1].offset, 1, 2, &at, &e), 0);
	assert_memory_equal(at.data, "hello", 5);
	assert_int_equal(capfile_read_at(f, pk[1].offset, 0, 2, &at, &e), -1);
	assert_int_equal(capfile_read_at(f, pk[1].offset, 99, 2, &at, &e), -1);
	assert_int_equal(capfile_read_at(f, UINT64_MAX, 1, 2, &at, &e), -1);
	assert_int_equal(blocks_interface(capfile_blocks(f), 1)->packets, 1);
	assert_int_equal(blocks_interface(capfile_blocks(f), 1)->bytes, 60);
	assert_string_equal(blocks_interface(capfile_blocks(f), 2)->name, "eth7");
	assert_null(blocks_interface(capfile_blocks(f), 3));
	at_the_end(f, 0);
	buf_release(&m.out);
}

static void other_blocks_are_passed_over(void **state)
{
	static const uint32_t types[] = {4, 0xbad, 0x40000bad, 10, 0x7654321, 0x80000001};
	struct maker m = {.big = true};
	struct packet pk;
	struct capfile *f;
	size_t block;

	(void)state;
	buf_init(&m.out, 4096);
	put_section(&m);
	put_interface(&m, 1, 0, -1, 0);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		block = block_open(&m, types[i]);
		put(&m, 0x0123456789abcdef, 8);
		block_close(&m, block);
	}
	block = block_open(&m,
			   2); /* the obsolete packet block: 16 bits of interface, 16 of drops */
	put(&m, 0, 2);
	put(&m, 7, 2);
	put(&m, 0, 4);
	put(&m, 5000000, 4);
	put(&m, 4, 4);
	put(&m, 4, 4);
	put(&m, 0x61626364, 4);
	block_close(&m, block);
	block = block_open(&m,
			   5); /* statistics; an option whose length leaves the block ends them */
	put(&m, 0, 8);
	put(&m, 0, 4);
	put(&m, 0x00040008, 4);
	put(&m, 77, 8);
	put(&m, 0x00050008, 4);
	put(&m, 3, 8);
	put(&m, 0x00070008, 4);
	put(&m, 4, 8);
	put(&m, 0x0004ffff, 4);
	block_close(&m, block);
	f = open_bytes(&m.out);
	next_is(f, &pk);
	assert_int_equal(pk.ts_ns, 5000000000);
	assert_memory_equal(pk.data, "abcd", 4);
	at_the_end(f, 0);
	f = open_bytes(&m.out);
	next_is(f, &pk);
	assert_int_equal(capfile_next(f, &pk, NULL), 0);
	assert_int_equal(blocks_interface(capfile_blocks(f), 0)->received, 77);
	assert_int_equal(blocks_interface(capfile_blocks(f), 0)->dropped, 7);
	at_the_end(f, 0);
	buf_release(&m.out);
}

static void what_an_interface_says_is_kept(void **state)
{
	struct maker m = {.big = true};
	const struct capture_interface *i;
	struct capfile *f;
	struct packet pk;
	size_t at;

	(void)state;
	buf_init(&m.out, 4096);
	put_section(&m);
	at = block_open(&m, 1);
	put(&m, 1, 2);
	put(&m, 0, 2);
	put(&m, 96, 4);
	put_option(&m, 1, "a comment", 9);
	put_option(&m, 3, "an interface", 12);
	put_option(&m, 11, "\1\0\0\0", 4); /* a filter as a program: no text */
	put_option(&m, 9, "", 0);
	put_option(&m, 1, "another", 7);
	block_close(&m, at);
	at = block_open(&m, 5); /* statistics of an interface that is not there */
	put(&m, 7, 8);
	put(&m, 7, 8);
	block_close(&m, at);
	f = open_bytes(&m.out);
	assert_int_equal(capfile_next(f, &pk, NULL), 0);
	i = blocks_interface(capfile_blocks(f), 0);
	assert_string_equal(i->comment, "a comment");
	assert_string_equal(i->description, "an interface");
	assert_null(i->filter);
	assert_null(i->name);
	assert_int_equal(i->resolution, 6);
	assert_int_equal(i->snaplen, 96);
	assert_int_equal(i->dropped, UINT64_MAX);
	at_the_end(f, 0);
	buf_release(&m.out);
}

/* A section of a version or order that nobody knows, a description that is too short, a packet
 * block that is: holes, and what follows them is read. */
static void broken_blocks_are_holes(void **state)
{
	for (int kind = 0; kind < 4; kind++) {
		struct maker m = {.big = false};
		struct packet pk;
		struct capfile *f;
		size_t at;

		buf_init(&m.out, 4096);
		put_section(&m);
		put_interface(&m, 1, 0, -1, 0);
		put_enhanced(&m, 0, 1);
		at = block_open(&m, kind < 2 ? 0x0a0d0d0a : kind == 2 ? 1 : 6);
		if (kind < 2) {
			put(&m, kind == 0 ? 0x1a2b3c4d : 0x11223344, 4);
			put(&m, 9, 4);
			put(&m, UINT64_MAX, 8);
		}
		block_close(&m, at);
		put_enhanced(&m, 0, 2);
		put_enhanced(&m, 0, 3);
		f = open_bytes(&m.out);
		for (int i = 0; i < 3; i++)
			next_is(f, &pk);
		at_the_end(f, 1);
		buf_release(&m.out);
	}
	(void)state;
}

/* Writers that leave the padding out of both lengths, but not out of the block. */
static void padding_outside_of_the_length_is_passed_over(void **state)
{
	struct maker m = {.big = false};
	struct packet pk;
	struct capfile *f;
	size_t start;

	(void)state;
	buf_init(&m.out, 4096);
	put_section(&m);
	put_interface(&m, 1, 0, -1, 0);
	for (int i = 0; i < 2; i++) {
		start = m.out.len;
		put_enhanced(&m, 0, 7);
		m.out.data[start + 4] = (uint8_t)(m.out.data[start + 4] - 3);
		m.out.data[m.out.len - 4] = m.out.data[start + 4];
	}
	f = open_bytes(&m.out);
	for (int i = 0; i < 2; i++) {
		next_is(f, &pk);
		assert_memory_equal(pk.data, "hello", 5);
	}
	at_the_end(f, 0);
	buf_release(&m.out);
}

/* Packets of an interface that nothing describes are damage, and what follows is read. */
static void unknown_interfaces_are_damage(void **state)
{
	struct maker m = {.big = false};
	const struct capfile_hole *hole;
	struct packet pk;
	struct capfile *f;

	(void)state;
	buf_init(&m.out, 4096);
	put_section(&m);
	put_interface(&m, 1, 0, -1, 0);
	put_enhanced(&m, 0, 1);
	put_enhanced(&m, 1, 2);
	put_enhanced(&m, 0, 3);
	put_enhanced(&m, 0, 4);
	f = open_bytes(&m.out);
	for (int i = 0; i < 3; i++)
		next_is(f, &pk);
	assert_int_equal(capfile_holes(f, &hole), 1);
	assert_int_equal(hole->bytes, 40);
	assert_int_equal(hole->packet, 1);
	assert_non_null(strstr(hole->why, "interface 1"));
	at_the_end(f, 1);
	buf_release(&m.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_magic_in_each_order),
		cmocka_unit_test(odd_records_count),
		cmocka_unit_test(long_records_are_read_whole),
		cmocka_unit_test(times_of_every_resolution),
		cmocka_unit_test(sections_of_both_orders_follow_each_other),
		cmocka_unit_test(other_blocks_are_passed_over),
		cmocka_unit_test(what_an_interface_says_is_kept),
		cmocka_unit_test(broken_blocks_are_holes),
		cmocka_unit_test(padding_outside_of_the_length_is_passed_over),
		cmocka_unit_test(unknown_interfaces_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
