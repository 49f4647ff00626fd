/* Link types: what each puts before a packet, and what must not be opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packets.h"

#define LLC_IP4 "\xaa\xaa\3\0\0\0\x08\0"
#define WLAN_DATA "\x08\1\0\0\2\0\0\0\0\1\2\0\0\0\0\2\2\0\0\0\0\3\x10\0"
#define WLAN_QOS "\x88\1\0\0\2\0\0\0\0\1\2\0\0\0\0\2\2\0\0\0\0\3\x10\0\0\0"
#define WLAN_SEVERAL "\x88\1\0\0\2\0\0\0\0\1\2\0\0\0\0\2\2\0\0\0\0\3\x10\0\x80\0"
#define MACS "\2\0\0\0\0\2\2\0\0\0\0\1"
#define WLAN_FOUR "\x88\3\0\0\2\0\0\0\0\1\2\0\0\0\0\2\2\0\0\0\0\3\x10\0\2\0\0\0\0\4\0\0"
#define PACKET_BYTES 33u

/* IPv4 and UDP from 7 to 9 with "inner". */
static void put_packet(struct made *m)
{
	put_ip4(m, 17, 8 + 5, 0);
	put_udp(m, 7, 9, 5);
	put(m, "inner", 5);
}

struct link {
	uint32_t type;
	const char *header;
	uint32_t length;
	uint32_t tail; /* bytes behind the packet that are none of it */
	uint8_t first; /* layer */
};

static const struct link links[] = {
	{105, WLAN_DATA LLC_IP4, 32, 0, PROTO_IEEE80211},
	{105, WLAN_QOS LLC_IP4, 34, 0, PROTO_IEEE80211},
	{105, WLAN_FOUR LLC_IP4, 40, 0, PROTO_IEEE80211},
	{127, "\0\0\x08\0\0\0\0\0" WLAN_DATA LLC_IP4, 40, 0, PROTO_RADIOTAP},
	{127, "\0\0\x09\0\2\0\0\0\x10" WLAN_DATA LLC_IP4, 41, 4, PROTO_RADIOTAP},
	{127, "\0\0\x11\0\3\0\0\0\0\0\0\0\0\0\0\0\x30" WLAN_QOS "\0\0" LLC_IP4, 53, 4,
	 PROTO_RADIOTAP},
	{127, "\0\0\x0d\0\2\0\0\x80\0\0\0\0\x10" WLAN_DATA LLC_IP4, 45, 4, PROTO_RADIOTAP},
	{192, "\0\0\x08\0\x69\0\0\0" WLAN_DATA LLC_IP4, 40, 0, PROTO_PPI},
	{192,
	 "\0\0\x20\0\x69\0\0\0\2\0\x14\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0" WLAN_DATA LLC_IP4,
	 64, 4, PROTO_PPI},
	{192, "\0\0\x08\0\1\0\0\0\2\0\0\0\0\1\2\0\0\0\0\2\x08\0", 22, 0, PROTO_PPI},
	{163,
	 "\x80\x21\x10\1\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" WLAN_DATA LLC_IP4,
	 96, 0, PROTO_AVS},
	{239, "\2\0\0\5\x08\0\1\0\0\0\0\0\x25\0\x09\0", 16, 0, PROTO_NFLOG},
	{239, "\2\0\0\5\0\x08\0\1\0\0\0\0\0\x25\0\x09", 16, 3, PROTO_NFLOG},
	{258, "\x0c\0\0\0\1\0\0\0\x0c\0\0\0", 12, 0, PROTO_PKTAP},
	{258, "\x10\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\1\2\0\0\0\0\2\x08\0", 30, 0,
	 PROTO_PKTAP},
	{107, "\x18\x41\3\xcc", 4, 0, PROTO_FRELAY},
	{107, "\x18\x41\3\0\x80\0\0\0\x08\0", 10, 0, PROTO_FRELAY},
	{107, "\x18\x41\x08\0", 4, 0, PROTO_FRELAY},
	{107, "\x18\x40\0\1\3\xcc", 6, 0, PROTO_FRELAY},
	{206, "\1\x18\x41\3\xcc", 5, 0, PROTO_FRELAY},
	{182, "\xc0\1\x18\x41\3\xcc", 6, 0, PROTO_MFR},
	{104, "\x0f\0\x08\0", 4, 0, PROTO_CHDLC},
	{50, "\x8f\0\x08\0", 4, 0, PROTO_CHDLC},
	{50, "\xff\3\0\x21", 4, 0, PROTO_PPP},
	{9, "\0\x21", 2, 0, PROTO_PPP},
	{9, "\x21", 1, 0, PROTO_PPP},
	{166, "\1\3\0\x21", 4, 0, PROTO_PPP},
	{204, "\1\xff\3\0\x21", 5, 0, PROTO_PPP},
	{51, "\x11\0\0\1\0\x23\0\x21", 8, 6, PROTO_PPPOE},
	{100, LLC_IP4, 8, 0, PROTO_LLC},
	{117,
	 "\x3d\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	 64, 0, PROTO_PFLOG},
	{109, "\2\0\0\0\0\0\0\1\0\0\0\0", 12, 0, PROTO_ENC},
	{105, WLAN_SEVERAL "\2\0\0\0\0\1\2\0\0\0\0\2\0\x29" LLC_IP4, 48, 3, PROTO_IEEE80211},
	{10, "\x50\2\0\0\0\0\1\2\0\0\0\0\2" LLC_IP4, 21, 0, PROTO_FDDI},
	{242,
	 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	 "\x08\0\0\0",
	 44, 0, PROTO_IPOIB},
	{281, MACS "\x2c\0\0\x80\x08\0", 18, 0, PROTO_DSA},
	{284, MACS "\xc0\x0a\0\0\x08\0", 18, 0, PROTO_DSA},
	{285, MACS "\xda\xda\0\0\xc0\0\0\0\x08\0", 22, 0, PROTO_EDSA},
	{282, "\0\0\x20\5" MACS "\x08\0", 18, 0, PROTO_DSA_BEFORE},
	{149, "\x0c\0\0\0\1\0\0\0\x0c\0\0\0", 12, 0, PROTO_PKTAP},
	{0, "\2\0\0\0", 4, 0, PROTO_NULL_LOOP},
	{0, "\x0f\0\x08\0", 4, 0, PROTO_NULL_LOOP},
	{1, MACS "\x88\xe7\0\0\1\2" MACS "\x08\0", 32, 0, PROTO_ETH},
	{1, MACS "\x89\3\0\x40" MACS "\x08\0", 30, 0, PROTO_ETH},
	{1, MACS "\x89\x26\0\0\0\x33\x08\0", 20, 0, PROTO_ETH},
	{1, MACS "\x88\xe5\x20\x23\0\0\0\1\0\0\0\0\0\0\0\0\x08\0", 30, 6, PROTO_ETH},
	{1, MACS "\x88\xe5\0\x23\0\0\0\1\x08\0", 22, 6, PROTO_ETH},
	{1, MACS "\x89\x09\1\1\0\1\0\x2a\x08\0", 22, 0, PROTO_ETH},
	{105, WLAN_DATA "\xaa\xaa\3\0\0\xf8\x08\0", 32, 0, PROTO_IEEE80211},
	{1, MACS "\x89\x4f\0\2\1\1\0\0\1\xff", 22, 0, PROTO_ETH},
};

static void test_every_link(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put(&m, links[i].header, links[i].length);
		put_packet(&m);
		put(&m, "tails!", links[i].tail);
		made_decode(&m, &d, links[i].type);
		assert_int_equal(d.layer[0].protocol, links[i].first);
		assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
		assert_int_equal(d.dport, 9);
		assert_int_equal(d.ip_bytes, PACKET_BYTES);
		assert_int_equal(d.payload_bytes, 5);
		assert_int_equal(d.tunnel, PROTO_NONE);
		assert_memory_equal(m.bytes + d.payload_offset, "inner", 5);
	}
}

static void test_every_link_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put(&m, links[i].header, links[i].length);
		put_packet(&m);
		for (uint32_t n = 0; n < m.len; n++) {
			decode_packet(&d, &made_options, links[i].type, m.bytes, n, m.len);
			assert_true(d.payload_captured <= n);
			assert_true(d.nlayers <= DECODE_LAYERS_MAX);
		}
	}
}

/* Encrypted, several frames of which none can be, a later fragment, no data, management: named, not
 * opened. */
static void test_wlan_that_is_closed(void **state)
{
	static const struct {
		uint32_t at;
		uint8_t value, layers;
	} changes[] = {
		{1, 0x41, 2},  {24, 0x80, 2}, /* a subframe that cannot be */
		{22, 0x11, 2}, {0, 0xc8, 1},  {0, 0x80, 1}, {0, 0xd4, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put(&m, WLAN_QOS LLC_IP4, 34);
		put_packet(&m);
		m.bytes[changes[i].at] = changes[i].value;
		made_decode(&m, &d, 105);
		assert_int_equal(d.flags, 0);
		assert_int_equal(d.nlayers, changes[i].layers);
		assert_int_equal(d.layer[0].protocol, PROTO_IEEE80211);
	}
}

static void test_named_links(void **state)
{
	static const struct {
		uint32_t type;
		uint8_t protocol;
	} names[] = {{253, PROTO_NETLINK}, {189, PROTO_USB}, {220, PROTO_USB}, {249, PROTO_USB}};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_packet(&m);
		made_decode(&m, &d, names[i].type);
		assert_int_equal(d.nlayers, 1);
		assert_int_equal(d.layer[0].protocol, names[i].protocol);
		assert_false(d.flags & DECODE_IP);
	}
}

/* What switches say to each other: in the line by its name. */
static void test_llc_names(void **state)
{
	static const struct {
		const char *bytes, *line;
	} talks[] = {
		{"\xaa\xaa\3\0\0\x0c\x20\0....", "Cisco 0x2000 CDP"},
		{"\xaa\xaa\3\0\0\x0c\x20\3....", "Cisco 0x2003 VTP"},
		{"\xaa\xaa\3\0\x80\xc2\0\7....", "organisation 0x0080c2 type 0x0007 unknown"},
		{"\xfe\xfe\3\x83........", "dsap 0xfe ssap 0xfe control 0x03 OSI"},
		{"\2\2\3.........", "dsap 0x02 ssap 0x02 control 0x03"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;
		struct buf line;

		put_eth(&m, 12);
		put(&m, talks[i].bytes, 12);
		made_decode(&m, &d, 1);
		buf_init(&line, 4096);
		decode_info(&line, &d, m.bytes, m.len, NULL);
		buf_add(&line, "", 1);
		assert_string_equal((const char *)line.data, talks[i].line);
		buf_release(&line);
	}
}

/* The neighbour's name and port, and the tree's root. */
static void test_neighbours(void **state)
{
	static const struct {
		uint16_t type, length;
		const char *bytes, *line;
	} talks[] = {
		{0x88cc, 37,
		 "\2\7\4\2\0\0\0\0\1\4\5\5eth1\6\2\0\x78\x0a\3sw1\x0c\2L2\x0e\4\0\4\0\4\0\0",
		 "chassis 02:00:00:00:00:01 port eth1 ttl 120 system sw1"},
		{0x88cc, 12, "\2\6\5\1\x0a\0\0\1\4\x7f\1x", "chassis 10.0.0.1"},
		{38, 38,
		 "\x42\x42\3\0\0\2\2\x3c\x80\0\2\0\0\0\0\1\0\0\0\4\x80\1\2\0\0\0\0\2\x80\3"
		 "\1\0\x14\0\2\0\x0f\0",
		 "rapid configuration root 32768/02:00:00:00:00:01 cost 4 bridge "
		 "32769/02:00:00:00:00:02 port 0x8003"},
		{7, 7, "\x42\x42\3\0\0\0\x80", "topology change"},
		{12, 12, "\xaa\xaa\3\0\0\x0c\x01\x0b\0\0\0\x80", "topology change"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;
		struct buf line;

		put_eth(&m, talks[i].type);
		put(&m, talks[i].bytes, talks[i].length);
		made_decode(&m, &d, 1);
		assert_int_equal(d.flags, 0);
		buf_init(&line, 4096);
		decode_info(&line, &d, m.bytes, m.len, NULL);
		buf_add(&line, "", 1);
		assert_string_equal((const char *)line.data, talks[i].line);
		buf_release(&line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_link),	    cmocka_unit_test(test_every_link_cut),
		cmocka_unit_test(test_wlan_that_is_closed), cmocka_unit_test(test_named_links),
		cmocka_unit_test(test_llc_names),	    cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
