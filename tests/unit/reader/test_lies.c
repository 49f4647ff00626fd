/* Captures that lie: lengths that point out of their record, headers nested without end, a hundred
 * thousand interfaces, times that cannot be. The reader answers all of its tables, both sides of
 * what is wrong are kept, and no figure says more than the bytes could hold. */
#include "rig.h"

#include "base/clock.h"
#include "capfile/write.h"

#define LINK_ETHERNET 1u
#define FILE_BYTES_MAX (64u << 20)
#define PACKET_ROOM 4096u
#define TREE_ROWS_MAX 20000
#ifdef __SANITIZE_ADDRESS__ /* there each growth of an array copies it */
#define INTERFACES 8000u
#else
#define INTERFACES 100000u
#endif

static void put(struct buf *b, const void *p, size_t len)
{
	assert_int_equal(buf_add(b, p, len), 0);
}

static void put_bytes(struct buf *b, unsigned count, ...)
{
	va_list ap;

	va_start(ap, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buf_add_byte(b, (uint8_t)va_arg(ap, int)), 0);
	va_end(ap);
}

static void put_be16(struct buf *b, unsigned v)
{
	put_bytes(b, 2, v >> 8 & 255, v & 255);
}

static void put_le32(struct buf *b, uint32_t v)
{
	put_bytes(b, 4, v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24);
}

/* --- packets --- */

static void put_eth(struct buf *b, unsigned type)
{
	put_bytes(b, 12, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1);
	put_be16(b, type);
}

/* `bytes`: what the header says of its length in all. */
static void put_ip4(struct buf *b, unsigned protocol, unsigned bytes)
{
	put_bytes(b, 2, 0x45, 0);
	put_be16(b, bytes);
	put_bytes(b, 8, 0, 1, 0, 0, 64, protocol, 0, 0);
	put_bytes(b, 8, 10, 0, 0, 1, 10, 0, 0, 2);
}

static void put_ip6(struct buf *b, unsigned next, unsigned bytes)
{
	put_bytes(b, 4, 0x60, 0, 0, 0);
	put_be16(b, bytes);
	put_bytes(b, 2, next, 64);
	for (unsigned i = 0; i < 2; i++) {
		put_bytes(b, 8, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0);
		put_bytes(b, 8, 0, 0, 0, 0, 0, 0, 0, 1 + i);
	}
}

static void put_udp(struct buf *b, unsigned dport, unsigned bytes)
{
	put_be16(b, 40000);
	put_be16(b, dport);
	put_be16(b, bytes);
	put_be16(b, 0);
}

static void vlans(struct buf *b)
{
	put_eth(b, 0x8100);
	for (unsigned i = 0; i < 300; i++)
		put_bytes(b, 4, 0, 1, 0x81, 0);
}

static void labels(struct buf *b)
{
	put_eth(b, 0x8847);
	for (unsigned i = 0; i < 300; i++)
		put_bytes(b, 4, 0, 1, 0, 64);
}

static void ip_in_ip(struct buf *b)
{
	put_eth(b, 0x0800);
	for (unsigned i = 0; i < 100; i++)
		put_ip4(b, 4, (100 - i) * 20);
}

static void gre_in_gre(struct buf *b)
{
	put_eth(b, 0x0800);
	for (unsigned i = 0; i < 80; i++) {
		put_ip4(b, 47, (80 - i) * 24);
		put_bytes(b, 4, 0, 0, 8, 0);
	}
}

static void ethernet_in_gre(struct buf *b)
{
	for (unsigned i = 0; i < 50; i++) {
		put_eth(b, 0x0800);
		put_ip4(b, 47, (50 - i) * 38);
		put_bytes(b, 4, 0, 0, 0x65, 0x58);
	}
}

static void vxlan_in_vxlan(struct buf *b)
{
	for (unsigned i = 0; i < 40; i++) {
		const unsigned bytes = (40 - i) * 50 - 14;

		put_eth(b, 0x0800);
		put_ip4(b, 17, bytes);
		put_udp(b, 4789, bytes - 20);
		put_bytes(b, 8, 8, 0, 0, 0, 0, 0, 1, 0);
	}
}

static void extensions(struct buf *b)
{
	put_eth(b, 0x86dd);
	put_ip6(b, 60, 300 * 8);
	for (unsigned i = 0; i < 300; i++)
		put_bytes(b, 8, 60, 0, 1, 4, 0, 0, 0, 0);
}

static void quotes(struct buf *b)
{
	put_eth(b, 0x0800);
	for (unsigned i = 0; i < 100; i++) {
		put_ip4(b, 1, (100 - i) * 28);
		put_bytes(b, 8, 3, 1, 0, 0, 0, 0, 0, 0);
	}
}

/* A name that points to itself, and one that points on and on. */
static void names(struct buf *b)
{
	put_eth(b, 0x0800);
	put_ip4(b, 17, 20 + 8 + 12 + 600);
	put_udp(b, 53, 8 + 12 + 600);
	put_bytes(b, 12, 0, 1, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255);
	put_bytes(b, 6, 0xc0, 12, 0, 1, 0, 1);
	for (unsigned i = 0; i < 297; i++)
		put_be16(b, 0xc000u + 12 + i % 290 * 2);
}

static void ip_bytes_lie(struct buf *b)
{
	put_eth(b, 0x0800);
	put_ip4(b, 17, 65535);
	put_udp(b, 53, 65535);
}

static void udp_bytes_lie(struct buf *b)
{
	put_eth(b, 0x0800);
	put_ip4(b, 17, 28);
	put_udp(b, 53, 3);
}

/* Options that say they are longer than the header. */
static void options_lie(struct buf *b)
{
	put_eth(b, 0x0800);
	put_ip4(b, 6, 60);
	put_bytes(b, 8, 0x9c, 0x40, 0, 80, 0, 0, 0, 1);
	put_bytes(b, 12, 0, 0, 0, 0, 0xa0, 2, 0xff, 0xff, 0, 0, 0, 0);
	put_bytes(b, 8, 5, 250, 3, 0, 2, 1, 8, 255);
	put_bytes(b, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

/* A record of a handshake that says it holds 16 MB. */
static void tls_lies(struct buf *b)
{
	put_eth(b, 0x0800);
	put_ip4(b, 6, 40 + 64);
	put_bytes(b, 8, 0x9c, 0x40, 1, 0xbb, 0, 0, 0, 1);
	put_bytes(b, 12, 0, 0, 0, 0, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0);
	put_bytes(b, 11, 22, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff, 3, 3);
	for (unsigned i = 0; i < 53; i++)
		put_bytes(b, 1, 255);
}

static const struct {
	const char *name;
	void (*make)(struct buf *b);
} lies[] = {
	{"300 VLAN tags", vlans},
	{"300 labels of MPLS", labels},
	{"IP in IP", ip_in_ip},
	{"GRE in GRE", gre_in_gre},
	{"Ethernet in GRE", ethernet_in_gre},
	{"VXLAN in VXLAN", vxlan_in_vxlan},
	{"300 extension headers", extensions},
	{"errors that quote errors", quotes},
	{"names that point to themselves", names},
	{"an IP length beyond the frame", ip_bytes_lie},
	{"a UDP length below its header", udp_bytes_lie},
	{"TCP options beyond their header", options_lie},
	{"a TLS record of 16 MB", tls_lies},
};

static void put_packet(struct buf *file, int64_t ts_ns, const struct buf *bytes)
{
	const struct packet pk = {.data = bytes->data,
				  .captured = (uint32_t)bytes->len,
				  .length = (uint32_t)bytes->len,
				  .link_type = LINK_ETHERNET,
				  .ts_ns = ts_ns,
				  .has_time = true};

	assert_int_equal(write_pcap_packet(file, false, &pk), 0);
}

static void ask_packet(struct rig *r, const char *table, unsigned number, const char *name)
{
	char word[16];

	(void)snprintf(word, sizeof(word), "%u", number);
	if (rig_query(r, &(struct rig_query){.table = table, .word = word}) < 0)
		fail_msg("%s: %s", name, r->error.text);
	if (r->window.total > TREE_ROWS_MAX)
		fail_msg("%s: %llu rows of %s", name, (unsigned long long)r->window.total, table);
}

static void ask_tables(struct rig *r)
{
	static const char *const tables[] = {"summary", "interfaces", "connections", "flows",
					     "packets"};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (uint32_t flags = 0; flags <= QUERY_OUTER; flags++)
			if (rig_query(r, &(struct rig_query){.table = tables[i], .flags = flags}) <
			    0)
				fail_msg("%s: %s", tables[i], r->error.text);
}

static void test_nested(void **state)
{
	struct buf file, bytes;
	struct rig r;

	(void)state;
	buf_init(&file, FILE_BYTES_MAX);
	buf_init(&bytes, PACKET_ROOM);
	assert_int_equal(write_pcap_header(&file, LINK_ETHERNET, 65535, false), 0);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		buf_consume(&bytes, bytes.len);
		lies[i].make(&bytes);
		put_packet(&file, (int64_t)(i + 1) * NS_PER_S, &bytes);
	}
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "lies", false, 0), 0);
	ask_tables(&r);
	assert_int_equal(r.window.total, ARRAY_LEN(lies));
	for (unsigned i = 0; i < ARRAY_LEN(lies); i++) {
		ask_packet(&r, "packet", i + 1, lies[i].name);
		ask_packet(&r, "hex", i + 1, lies[i].name);
	}
	rig_stop(&r);
	buf_release(&file);
	buf_release(&bytes);
}

/* --- records --- */

static void put_block(struct buf *file, uint32_t interface)
{
	static const uint8_t data[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	uint8_t block[128];

	write_packet(block, interface, INT64_C(1700000000) * NS_PER_S, sizeof(data), sizeof(data),
		     data);
	put(file, block, write_packet_bytes(sizeof(data)));
}

/* Blocks whose words are not so: type, length, the words inside, length again. */
static const struct {
	const char *name;
	uint32_t word[8];
	unsigned words;
} blocks[] = {
	{"no length", {6, 0, 0, 0}, 4},
	{"a length below a block's", {6, 8, 8}, 3},
	{"a length that is not even", {6, 33, 0, 0, 0, 0, 0, 33}, 8},
	{"a length of 4 GB", {6, 0xfffffffc, 0, 0, 0, 0, 0, 0xfffffffc}, 8},
	{"a length beyond the file", {6, 1u << 20, 0, 0, 0, 0, 0, 1u << 20}, 8},
	{"two lengths", {6, 32, 0, 0, 0, 0, 0, 36}, 8},
	{"a packet longer than its block", {6, 32, 0, 0, 0, 1000, 1000, 32}, 8},
	{"an interface that is not there", {6, 32, 77, 0, 0, 0, 0, 32}, 8},
	{"a simple packet longer than its block", {3, 16, 70000, 16}, 4},
	{"an option beyond its block", {5, 24, 0, 0, 0xffff0001, 24}, 6},
	{"a section of another kind", {0x0a0d0d0a, 28, 0x12345678, 1, 0, 0, 28}, 7},
	{"an interface without room", {1, 12, 12}, 3},
};

static void check_block(size_t i)
{
	struct buf file;
	struct rig r;

	buf_init(&file, FILE_BYTES_MAX);
	assert_int_equal(write_section(&file, NULL), 0);
	assert_int_equal(write_interface(&file, "eth0", NULL, LINK_ETHERNET, 65535), 0);
	put_block(&file, 0);
	for (unsigned k = 0; k < blocks[i].words; k++)
		put_le32(&file, blocks[i].word[k]);
	for (unsigned k = 0; k < 3; k++)
		put_block(&file, 0);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "lies", false, 0), 0);
	ask_tables(&r);
	assert_int_equal(rig_table(&r, "summary"), 0);
	/* The one before and the three behind; the block itself may pass for one. */
	if (rig_int(&r, 0, "packets") != 4 && rig_int(&r, 0, "packets") != 5)
		fail_msg("%s: %d packets", blocks[i].name, (int)rig_int(&r, 0, "packets"));
	rig_stop(&r);
	buf_release(&file);
}

static void test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		check_block(i);
}

/* Classic records: sec, usec, captured, length. */
static void test_records(void **state)
{
	static const uint32_t head[][4] = {
		{1700000000, 0, 0xffffffff, 60}, {1700000000, 0, 1u << 28, 60},
		{1700000000, 0, 1u << 20, 60},	 {1700000000, 2000000000, 60, 60},
		{1700000000, 0, 60, 0},		 {0, 0, 0, 0},
	};
	static const uint8_t zero[60];
	const struct buf sound = {.data = (uint8_t *)(uintptr_t)zero, .len = sizeof(zero)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(head); i++) {
		struct buf file;
		struct rig r;

		buf_init(&file, FILE_BYTES_MAX);
		assert_int_equal(write_pcap_header(&file, LINK_ETHERNET, 65535, false), 0);
		put_packet(&file, INT64_C(1700000000) * NS_PER_S, &sound);
		for (unsigned k = 0; k < 4; k++)
			put_le32(&file, head[i][k]);
		put(&file, zero, head[i][2] ? sizeof(zero) : 0);
		for (unsigned k = 0; k < 4; k++)
			put_packet(&file, INT64_C(1700000001) * NS_PER_S, &sound);
		rig_start(&r);
		assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "lies", false, 0), 0);
		assert_int_equal(rig_table(&r, "summary"), 0);
		if (rig_int(&r, 0, "packets") < 5 || rig_int(&r, 0, "packets") > 6)
			fail_msg("record %zu: %d packets", i, (int)rig_int(&r, 0, "packets"));
		rig_stop(&r);
		buf_release(&file);
	}
}

/* --- many interfaces --- */

static void put_interfaces(struct buf *file, unsigned count, char letter)
{
	assert_int_equal(write_section(file, NULL), 0);
	for (unsigned i = 0; i < count; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%c%u", letter, i);
		assert_int_equal(write_interface(file, name, NULL, LINK_ETHERNET, 65535), 0);
	}
	put_block(file, count - 1);
	put_block(file, count - 1);
}

/* Sections that describe the interfaces whose names begin with these letters. */
static void check_interfaces(const char *letters)
{
	const unsigned sections = (unsigned)strlen(letters), each = INTERFACES / sections;
	struct buf file;
	struct rig r;

	buf_init(&file, FILE_BYTES_MAX);
	for (unsigned i = 0; i < sections; i++)
		put_interfaces(&file, each, letters[i]);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "many", false, 0), 0);
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(rig_int(&r, 0, "packets"), 2 * sections);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "interfaces",
							   .sort = "-packets",
							   .count = 2}),
			 0);
	assert_true(r.window.total >= each);
	assert_true(rig_int(&r, 0, "packets") >= 2);
	ask_packet(&r, "packet", 1, "many interfaces");
	rig_stop(&r);
	buf_release(&file);
}

static void test_interfaces(void **state)
{
	(void)state;
	check_interfaces("a");
	check_interfaces("aa");
	check_interfaces("ab");
}

/* --- times --- */

static void put_timed(struct buf *file, uint32_t seconds)
{
	struct buf bytes;

	buf_init(&bytes, PACKET_ROOM);
	put_eth(&bytes, 0x0800);
	put_ip4(&bytes, 17, 28);
	put_udp(&bytes, 9, 8);
	put_packet(file, (int64_t)seconds * NS_PER_S, &bytes);
	buf_release(&bytes);
}

/* The epoch, the ends of 31 and of 32 bits, and back. */
static void test_times(void **state)
{
	static const uint32_t seconds[] = {0x80000000u, 0, UINT32_MAX, 0x7fffffffu, 1};
	struct buf file;
	struct rig r;

	(void)state;
	buf_init(&file, FILE_BYTES_MAX);
	assert_int_equal(write_pcap_header(&file, LINK_ETHERNET, 65535, false), 0);
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++)
		put_timed(&file, seconds[i]);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "times", false, 0), 0);
	assert_int_equal(rig_table(&r, "summary"), 0);
	rig_is(&r, 0, "packets", "5");
	rig_is(&r, 0, "first_time", "1970-01-01T00:00:00.000000000Z");
	rig_is(&r, 0, "last_time", "2106-02-07T06:28:15.000000000Z");
	rig_is(&r, 0, "duration_s", "4294967295.000000000");
	rig_is(&r, 0, "in_order", "no");
	assert_int_equal(rig_table(&r, "connections"), 0);
	assert_int_equal(r.window.rows, 1);
	rig_is(&r, 0, "duration_s", "4294967295.000000000");
	rig_is(&r, 0, "start_s", "-2147483648.000000000");
	assert_int_equal(rig_table(&r, "endpoints"), 0);
	rig_is(&r, 0, "first_time", "1970-01-01T00:00:00.000000000Z");
	rig_is(&r, 0, "last_time", "2106-02-07T06:28:15.000000000Z");
	assert_int_equal(rig_table(&r, "packets"), 0);
	rig_is(&r, 1, "time", "1970-01-01T00:00:00.000000000Z");
	rig_is(&r, 2, "time", "2106-02-07T06:28:15.000000000Z");
	rig_is(&r, 3, "time", "2038-01-19T03:14:07.000000000Z");
	rig_stop(&r);
	buf_release(&file);
}

/* Captures made by programs often have no other time than the epoch's. */
static void test_epoch_is_a_time(void **state)
{
	struct buf file;
	struct rig r;

	(void)state;
	buf_init(&file, FILE_BYTES_MAX);
	assert_int_equal(write_pcap_header(&file, LINK_ETHERNET, 65535, false), 0);
	put_timed(&file, 0);
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "epoch", false, 0), 0);
	assert_int_equal(rig_table(&r, "connections"), 0);
	rig_is(&r, 0, "start_s", "0.000000000");
	rig_is(&r, 0, "duration_s", "0.000000000");
	assert_int_equal(rig_table(&r, "flows"), 0);
	rig_is(&r, 0, "duration_s", "0.000000000");
	rig_stop(&r);
	buf_release(&file);
}

/* What is not IP has the name of the last header that was read. */
static void test_innermost(void **state)
{
	static const struct {
		uint16_t type;
		const char *rest, *proto;
	} frames[] = {
		{0x88f7, "........", "eth"},
		{0x8863, "\x11\x09\0\0\0\2..", "pppoe"},
		{0x8864, "\x11\0\0\1\0\2\xc0\x21", "ppp"},
		{8, "\xaa\xaa\3\0\0\x0c\x20\0", "llc"},
	};
	struct buf file;
	struct rig r;

	(void)state;
	buf_init(&file, FILE_BYTES_MAX);
	assert_int_equal(write_pcap_header(&file, LINK_ETHERNET, 65535, false), 0);
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct buf bytes;

		buf_init(&bytes, PACKET_ROOM);
		put_eth(&bytes, frames[i].type);
		buf_add(&bytes, frames[i].rest, 8);
		put_packet(&file, NS_PER_S, &bytes);
		buf_release(&bytes);
	}
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(file.data, file.len), "innermost", false, 0), 0);
	assert_int_equal(rig_table(&r, "packets"), 0);
	for (uint32_t i = 0; i < ARRAY_LEN(frames); i++)
		rig_is(&r, i, "proto", frames[i].proto);
	rig_stop(&r);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),	   cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_records),	   cmocka_unit_test(test_times),
		cmocka_unit_test(test_interfaces), cmocka_unit_test(test_epoch_is_a_time),
		cmocka_unit_test(test_innermost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
