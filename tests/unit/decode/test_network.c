/* What stands between IP and its transport, and transports that are rarer than TCP and UDP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "packets.h"

static const char *info(const struct made *m, const struct decoded *d, char *out, size_t size)
{
	struct buf b;

	buf_init(&b, 4096);
	decode_info(&b, d, m->bytes, m->len, NULL);
	assert_true(b.len < size);
	memcpy(out, b.data, b.len);
	out[b.len] = 0;
	buf_release(&b);
	return out;
}

static void test_every_extension(void **state)
{
	static const struct {
		uint8_t kind;
		const char *header; /* of 8, 16 or 24 bytes, UDP behind it */
		uint32_t length;
	} kinds[] = {
		{0, "\x11\0\1\4\0\0\0\0", 8},
		{60, "\x11\0\1\4\0\0\0\0", 8},
		{43, "\x11\2\0\0\0\0\0\0\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\x09", 24},
		{44, "\x11\0\0\0\0\0\0\7", 8},
		{51, "\x11\2\0\0\0\0\0\1\0\0\0\1\1\2\3\4", 16},
		{135, "\x11\0\0\0\0\0\0\0", 8},
		{139, "\x11\0\1\x20\0\0\0\0", 8},
		{140, "\x11\0\x80\0\0\0\0\0", 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_ip6(&m, kinds[i].kind, kinds[i].length + 8 + 2);
		put(&m, kinds[i].header, kinds[i].length);
		put_udp(&m, 5, 6, 2);
		put(&m, "hi", 2);
		made_decode(&m, &d, 101);
		assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
		assert_int_equal(d.ip_protocol, 17);
		assert_int_equal(d.dport, 6);
		assert_int_equal(d.payload_bytes, 2);
		assert_int_equal(d.ip_bytes, m.len);
		assert_int_equal(d.nlayers, 4);
	}
}

/* Mobility, HIP and shim6 are messages: with nothing behind them they are what the packet is. */
static void test_extensions_that_are_messages(void **state)
{
	static const uint8_t kinds[] = {135, 139, 140};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_ip6(&m, kinds[i], 16);
		put(&m, "\x3b\1\5\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
		made_decode(&m, &d, 101);
		assert_int_equal(d.flags, DECODE_IP);
		assert_int_equal(d.ip_protocol, kinds[i]);
	}
}

static void test_jumbogram(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip6(&m, 0, 0);
	put(&m, "\x06\0\xc2\4\0\1\x11\x70", 8); /* 70000 bytes */
	put_tcp(&m, 1, 2, 3, 4, TCP_ACK, 5);
	put(&m, "abc", 3);
	decode_packet(&d, &made_options, 101, m.bytes, m.len, 40 + 70000);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS | DECODE_TCP);
	assert_int_equal(d.ip_bytes, 40 + 70000);
	assert_int_equal(d.payload_bytes, 70000 - 8 - 20);
	assert_int_equal(d.payload_captured, 3);
	decode_packet(&d, &made_options, 101, m.bytes, m.len, 60000);
	assert_true(d.flags & DECODE_LONG);
	/* The wire held more than the packet: padding. */
	decode_packet(&d, &made_options, 101, m.bytes, m.len, 40 + 70010);
	assert_int_equal(d.payload_bytes, 70000 - 8 - 20);
}

static void test_ip4_options(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 17, 8, 0);
	m.bytes[0] = 0x47;
	m.bytes[3] = 36;
	put(&m, "\x94\4\0\0\1\1\1\0", 8); /* router alert, padding */
	put_udp(&m, 5, 6, 0);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.dport, 6);
	assert_int_equal(d.layer[0].length, 28);
}

static void test_dccp(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;
	char text[200];

	(void)state;
	put_ip4(&m, 33, 16 + 4 + 3, 0);
	put(&m, "\x13\x88\x13\x89\5\0\0\0\1\0\0\0\0\0\0\1svcs", 20);
	put(&m, "abc", 3);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.sport, 5000);
	assert_int_equal(d.dport, 5001);
	assert_int_equal(d.payload_bytes, 3);
	assert_string_equal(info(&m, &d, text, sizeof(text)), "5000 > 5001 request");
	m.bytes[24] = 2; /* a header of eight bytes */
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
	m.bytes[24] = 200;
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
}

static void test_udplite(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 136, 8 + 5, 0);
	put(&m, "\0\7\0\x09\0\x08\0\0", 8); /* the checksum covers the header alone */
	put(&m, "abcde", 5);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.dport, 9);
	assert_int_equal(d.payload_bytes, 5);
	assert_int_equal(d.layer[1].protocol, PROTO_UDPLITE);
}

static void test_sctp_chunks(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;
	char text[200];

	(void)state;
	put_ip4(&m, 132, 12 + 4 + 20, 0);
	put(&m, "\x0b\x80\x0b\x81\0\0\0\1\0\0\0\0", 12);
	put(&m, "\x0b\0\0\4", 4);
	put(&m, "\0\3\0\x12\0\0\0\1\0\0\0\0\0\0\0\x2ehi\0\0", 20);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_string_equal(info(&m, &d, text, sizeof(text)), "2944 > 2945 [COOKIE ACK] [DATA]");
}

static void test_routers(void **state)
{
	static const struct {
		uint8_t number, protocol;
		const char *bytes, *info;
	} routers[] = {
		{89, PROTO_OSPF, "\2\1\0\x2c\n\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		 "v2 hello, router 10.0.0.1, area 0.0.0.0"},
		{112, PROTO_VRRP, "\x21\7\x64\1\0\1\0\0\n\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0",
		 "v2 router 7 priority 100"},
		{103, PROTO_PIM, "\x20\0\0\0\0\1\0\2\0\x69\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		 "v2 hello"},
		{88, PROTO_EIGRP, "\2\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0",
		 "hello, system 1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(routers) / sizeof(routers[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;
		char text[200];

		put_ip4(&m, routers[i].number, 24, 0);
		put(&m, routers[i].bytes, 24);
		made_decode(&m, &d, 101);
		assert_int_equal(d.flags, DECODE_IP);
		assert_int_equal(d.layer[1].protocol, routers[i].protocol);
		assert_string_equal(info(&m, &d, text, sizeof(text)), routers[i].info);
	}
}

static void test_icmp6_names(void **state)
{
	static const struct {
		uint8_t type;
		const char *line;
	} types[] = {
		{139, "node information query"},      {144, "home agent request"},
		{147, "mobile prefix advertisement"}, {155, "RPL control"},
		{160, "extended echo request"},	      {200, "type 200 code 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;
		char line[256];

		put_ip6(&m, 58, 8);
		put8(&m, types[i].type);
		put(&m, "\2\0\0\0\1\0\2", 7);
		made_decode(&m, &d, 101);
		assert_string_equal(info(&m, &d, line, sizeof(line)), types[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_icmp6_names),
		cmocka_unit_test(test_every_extension),
		cmocka_unit_test(test_extensions_that_are_messages),
		cmocka_unit_test(test_jumbogram),
		cmocka_unit_test(test_ip4_options),
		cmocka_unit_test(test_dccp),
		cmocka_unit_test(test_udplite),
		cmocka_unit_test(test_sctp_chunks),
		cmocka_unit_test(test_routers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
