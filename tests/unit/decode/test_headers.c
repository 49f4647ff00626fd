/* What the headers of made packets say: link types, IP, fragments, transports, and headers that
 * lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packets.h"

static void assert_layers(const struct decoded *d, const uint8_t *protocols, unsigned n)
{
	assert_int_equal(d->nlayers, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(d->layer[i].protocol, protocols[i]);
}

static void test_tcp_over_ethernet(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x0800);
	put_ip4(&m, 6, 24 + 5, 0x4000);
	put_tcp(&m, 443, 51234, 1000, 2000, TCP_SYN | TCP_ACK, 6);
	put(&m, "\2\4\5\xb4", 4);
	put(&m, "hello", 5);
	put(&m, "\0\0\0\0\0", 5); /* Ethernet's padding is no payload */
	made_decode(&m, &d, 1);
	assert_layers(&d, (const uint8_t[]){PROTO_ETH, PROTO_IP, PROTO_TCP, PROTO_DATA}, 4);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS | DECODE_TCP);
	assert_int_equal(d.sport, 443);
	assert_int_equal(d.dport, 51234);
	assert_int_equal(d.ip_bytes, 49);
	assert_int_equal(d.payload_offset, 14 + 20 + 24);
	assert_int_equal(d.payload_bytes, 5);
	assert_int_equal(d.payload_captured, 5);
	assert_int_equal(d.tcp.seq, 1000);
	assert_int_equal(d.tcp.ack, 2000);
	assert_int_equal(d.tcp.options_length, 4);
	assert_ptr_equal(d.src, m.bytes + 26);
}

static void test_vlan_tags(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x88a8);
	put16(&m, 100);
	put16(&m, 0x8100);
	put16(&m, 0x6000 | 42);
	put16(&m, 0x0800);
	put_ip4(&m, 17, 8 + 3, 0);
	put_udp(&m, 1000, 2000, 3);
	put(&m, "abc", 3);
	made_decode(&m, &d, 1);
	assert_layers(&d,
		      (const uint8_t[]){PROTO_ETH, PROTO_VLAN, PROTO_VLAN, PROTO_IP, PROTO_UDP,
					PROTO_DATA},
		      6);
	assert_int_equal(d.vlan, 42);
	assert_int_equal(d.vlan_count, 2);
	assert_ptr_equal(d.vlan_first, m.bytes + 14);
	assert_int_equal(d.payload_bytes, 3);
}

static void test_too_many_tags(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x8100);
	for (int i = 0; i < 100; i++) {
		put16(&m, 1);
		put16(&m, 0x8100);
	}
	made_decode(&m, &d, 1);
	assert_true(d.flags & DECODE_BAD);
	assert_true(d.nlayers <= DECODE_LAYERS_MAX);
}

static void test_link_types(void **state)
{
	static const struct {
		uint32_t link;
		const char *header;
		uint32_t length;
		uint8_t protocol;
	} links[] = {
		{0, "\2\0\0\0", 4, PROTO_NULL_LOOP},
		{0, "\0\0\0\2", 4, PROTO_NULL_LOOP},
		{108, "\0\0\0\2", 4, PROTO_NULL_LOOP},
		{12, "", 0, PROTO_IP},
		{14, "", 0, PROTO_IP},
		{101, "", 0, PROTO_IP},
		{228, "", 0, PROTO_IP},
		{113, "\0\4\0\1\0\6\2\0\0\0\0\1\0\0\x08\0", 16, PROTO_SLL},
		{276, "\x08\0\0\0\0\0\0\2\0\1\4\6\2\0\0\0\0\1\0\0", 20, PROTO_SLL2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put(&m, links[i].header, links[i].length);
		put_ip4(&m, 17, 8, 0);
		put_udp(&m, 1, 2, 0);
		made_decode(&m, &d, links[i].link);
		assert_int_equal(d.layer[0].protocol, links[i].protocol);
		assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
		assert_int_equal(d.dport, 2);
	}
}

static void test_ip6_extensions(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip6(&m, 0, 8 + 16 + 8 + 2);
	put(&m, "\x3c\0\1\4\0\0\0\0", 8); /* hop by hop, then destination options */
	put(&m, "\x11\1\1\14\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	put_udp(&m, 5, 6, 2);
	put(&m, "hi", 2);
	made_decode(&m, &d, 229);
	assert_layers(
		&d,
		(const uint8_t[]){PROTO_IP6, PROTO_IP6_EXT, PROTO_IP6_EXT, PROTO_UDP, PROTO_DATA},
		5);
	assert_int_equal(d.ip_protocol, 17);
	assert_int_equal(d.payload_bytes, 2);
	assert_int_equal(d.ip_bytes, m.len);
}

static void test_ip4_fragments(void **state)
{
	struct made first = {.len = 0}, later = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&first, 17, 8 + 16, 0x2000);
	put_udp(&first, 7, 8, 1000);
	put(&first, "0123456789abcdef", 16);
	made_decode(&first, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS | DECODE_FRAGMENT);
	assert_int_equal(d.payload_bytes, 16);
	assert_true(d.more_fragments);
	put_ip4(&later, 17, 16, 3);
	put(&later, "\0\7\0\x08zzzzzzzzzzzz", 16);
	made_decode(&later, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_FRAGMENT);
	assert_int_equal(d.fragment_id, 0x1234);
	assert_int_equal(d.fragment_offset, 24);
	assert_int_equal(d.payload_bytes, 16);
	assert_false(d.more_fragments);
}

static void test_ip6_fragment(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip6(&m, 44, 8 + 8);
	put(&m, "\x11\0\0\x08\0\0\0\x63", 8);
	put(&m, "12345678", 8);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_FRAGMENT);
	assert_int_equal(d.fragment_id, 99);
	assert_int_equal(d.fragment_offset, 8);
	assert_int_equal(d.ip_protocol, 17);
	assert_int_equal(d.payload_bytes, 8);
}

static void test_cut_counts_by_ip_length(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x0800);
	put_ip4(&m, 6, 32 + 1000, 0);
	put_tcp(&m, 1, 2, 3, 4, TCP_ACK, 8);
	put(&m, "\1\1", 2); /* the snaplen cuts in the options */
	decode_packet(&d, &made_options, 1, m.bytes, m.len, 14 + 20 + 1032);
	assert_true(d.flags & DECODE_CUT);
	assert_true(d.flags & DECODE_TCP);
	assert_false(d.flags & DECODE_BAD);
	assert_int_equal(d.payload_bytes, 1000);
	assert_int_equal(d.payload_captured, 0);
	assert_int_equal(d.tcp.options_length, 2);
}

static void test_longer_than_its_frame(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x0800);
	put_ip4(&m, 6, 20 + 100, 0);
	put_tcp(&m, 1, 2, 3, 4, TCP_ACK, 5);
	put(&m, "abc", 3);
	made_decode(&m, &d, 1);
	assert_true(d.flags & DECODE_LONG);
	assert_int_equal(d.payload_bytes, 100);
	assert_int_equal(d.payload_captured, 3);
}

static void test_total_length_zero(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x0800);
	put_ip4(&m, 6, 20, 0);
	m.bytes[16] = m.bytes[17] = 0;
	put_tcp(&m, 1, 2, 3, 4, TCP_ACK, 5);
	put(&m, "abcdefgh", 8);
	made_decode(&m, &d, 1);
	assert_int_equal(d.ip_bytes, 48);
	assert_int_equal(d.payload_bytes, 8);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS | DECODE_TCP);
}

static void test_lying_headers(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 6, 20, 0);
	put_tcp(&m, 1, 2, 3, 4, TCP_ACK, 4); /* a header of 16 bytes */
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
	assert_false(d.flags & DECODE_TCP);
	assert_int_equal(d.sport, 1);
	assert_int_equal(d.payload_bytes, 0);
	m.bytes[32] = 0xf0; /* 60, and only 20 are there */
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
	m.bytes[0] = 0x44; /* an IP header of 16 bytes */
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
	assert_int_equal(d.payload_bytes, 0);
	m.bytes[0] = 0x45;
	m.bytes[2] = 0;
	m.bytes[3] = 19;
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
}

static void test_icmp_echo_and_error(void **state)
{
	struct made m = {.len = 0}, error = {.len = 0};
	struct decode_options o = {0};
	struct decoded d, quote;

	(void)state;
	put_ip4(&m, 1, 8, 0);
	put(&m, "\x08\0\0\0\0\x09\0\x03", 8);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.sport, 9);
	assert_int_equal(d.dport, 9);
	put_ip4(&error, 1, 8 + 28, 0);
	put(&error, "\3\3\0\0\0\0\0\0", 8);
	put_ip4(&error, 17, 8 + 50, 0);
	put_udp(&error, 53, 1234, 50);
	made_decode(&error, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_ICMP_ERROR);
	assert_int_equal(d.icmp_type, 3);
	assert_int_equal(d.quote_offset, 28);
	decode_ip(&quote, &o, error.bytes + d.quote_offset, error.len - d.quote_offset,
		  error.len - d.quote_offset);
	assert_int_equal(quote.sport, 53);
	assert_int_equal(quote.payload_bytes, 50);
}

/* The ones' complement sum by the book, for packets that must be right. */
static unsigned sum16(const uint8_t *p, unsigned length, unsigned sum)
{
	for (unsigned i = 0; i < length; i++)
		sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_checksums(void **state)
{
	static const struct decode_options o = {.checksums = true};
	struct made m = {.len = 0};
	struct decoded d;
	unsigned pseudo, sum;

	(void)state;
	put_ip4(&m, 6, 20 + 3, 0);
	sum = ~sum16(m.bytes, 20, 0) & 0xffff;
	m.bytes[10] = (uint8_t)(sum >> 8);
	m.bytes[11] = (uint8_t)sum;
	put_tcp(&m, 1, 2, 3, 4, TCP_ACK, 5);
	put(&m, "abc", 3);
	pseudo = sum16(m.bytes + 12, 8, 6 + 23);
	sum = ~sum16(m.bytes + 20, 23, pseudo) & 0xffff;
	m.bytes[36] = (uint8_t)(sum >> 8);
	m.bytes[37] = (uint8_t)sum;
	decode_packet(&d, &o, 101, m.bytes, m.len, m.len);
	assert_int_equal(d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL), 0);
	m.bytes[42] ^= 1;
	decode_packet(&d, &o, 101, m.bytes, m.len, m.len);
	assert_int_equal(d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL),
			 DECODE_CHECKSUM_BAD);
	m.bytes[36] = (uint8_t)(pseudo >> 8);
	m.bytes[37] = (uint8_t)pseudo;
	decode_packet(&d, &o, 101, m.bytes, m.len, m.len);
	assert_int_equal(d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL),
			 DECODE_CHECKSUM_PARTIAL);
	/* What was not captured is not judged. */
	decode_packet(&d, &o, 101, m.bytes, m.len - 1, m.len);
	assert_int_equal(d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL), 0);
}

/* Every length has its own way through the sum: whole words, and what is left of one. */
static void test_checksums_of_every_length(void **state)
{
	static const struct decode_options o = {.checksums = true};
	uint8_t payload[100];

	(void)state;
	for (unsigned n = 0; n <= sizeof(payload); n++) {
		struct made m = {.len = 0};
		struct decoded d;
		unsigned sum;

		for (unsigned i = 0; i < n; i++)
			payload[i] = (uint8_t)(n % 3 ? 255 - i * n : 255);
		put_ip4(&m, 6, (uint16_t)(20 + n), 0);
		sum = ~sum16(m.bytes, 20, 0) & 0xffff;
		m.bytes[10] = (uint8_t)(sum >> 8);
		m.bytes[11] = (uint8_t)sum;
		put_tcp(&m, 1, 2, 0xffffffff, 0xffffffff, TCP_ACK, 5);
		put(&m, payload, n);
		sum = sum16(m.bytes + 12, 8, 6 + 20 + n);
		sum = ~sum16(m.bytes + 20, 20 + n, sum) & 0xffff;
		m.bytes[36] = (uint8_t)(sum >> 8);
		m.bytes[37] = (uint8_t)sum;
		decode_packet(&d, &o, 101, m.bytes, m.len, m.len);
		assert_int_equal(d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL), 0);
		m.bytes[m.len - 1] ^= 0x10;
		decode_packet(&d, &o, 101, m.bytes, m.len, m.len);
		assert_int_equal(d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL),
				 DECODE_CHECKSUM_BAD);
	}
}

static void test_unknown_is_called_so(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x1234);
	put(&m, "abcdef", 6);
	made_decode(&m, &d, 1);
	assert_layers(&d, (const uint8_t[]){PROTO_ETH, PROTO_DATA}, 2);
	assert_int_equal(d.flags, DECODE_UNKNOWN);
	made_decode(&m, &d, 4711);
	assert_layers(&d, (const uint8_t[]){PROTO_DATA}, 1);
	assert_int_equal(d.flags, DECODE_UNKNOWN);
	m.len = 0;
	put_ip4(&m, 46, 4, 0);
	put32(&m, 0x0800);
	made_decode(&m, &d, 101);
	assert_layers(&d, (const uint8_t[]){PROTO_IP, PROTO_DATA}, 2);
	assert_int_equal(d.flags, DECODE_IP | DECODE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_over_ethernet),
		cmocka_unit_test(test_vlan_tags),
		cmocka_unit_test(test_too_many_tags),
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_ip6_extensions),
		cmocka_unit_test(test_ip4_fragments),
		cmocka_unit_test(test_ip6_fragment),
		cmocka_unit_test(test_cut_counts_by_ip_length),
		cmocka_unit_test(test_longer_than_its_frame),
		cmocka_unit_test(test_total_length_zero),
		cmocka_unit_test(test_lying_headers),
		cmocka_unit_test(test_icmp_echo_and_error),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_checksums_of_every_length),
		cmocka_unit_test(test_unknown_is_called_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
