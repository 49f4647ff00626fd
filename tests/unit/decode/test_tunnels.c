/* Packets within packets: which one is described, and what is no tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packets.h"

#define INNER_PAYLOAD 5u
#define WLAN_IP4 "\x08\1\0\0\2\0\0\0\0\1\2\0\0\0\0\2\2\0\0\0\0\3\x10\0\xaa\xaa\3\0\0\0\x08\0"
#define INNER_BYTES (20u + 8 + INNER_PAYLOAD)

/* IPv4 with its own addresses, UDP from 7 to 9 and "inner" in it. */
static void put_inner4(struct made *m)
{
	put_ip4(m, 17, 8 + INNER_PAYLOAD, 0);
	m->bytes[m->len - 8] = 172; /* 172.0.0.1 to 172.0.0.2 */
	m->bytes[m->len - 4] = 172;
	put_udp(m, 7, 9, INNER_PAYLOAD);
	put(m, "inner", INNER_PAYLOAD);
}

static void put_inner6(struct made *m)
{
	put_ip6(m, 17, 8 + INNER_PAYLOAD);
	put_udp(m, 7, 9, INNER_PAYLOAD);
	put(m, "inner", INNER_PAYLOAD);
}

static void put_frame4(struct made *m)
{
	put_eth(m, 0x0800);
	put_inner4(m);
}

enum inside { INSIDE_IP4, INSIDE_IP6, INSIDE_FRAME, INSIDE_PPP };

static void put_inside(struct made *m, enum inside inside)
{
	if (inside == INSIDE_IP6)
		put_inner6(m);
	else if (inside == INSIDE_FRAME)
		put_frame4(m);
	else if (inside == INSIDE_PPP)
		put(m, "\xff\3\0\x21", 4);
	if (inside == INSIDE_IP4 || inside == INSIDE_PPP)
		put_inner4(m);
}

/* What stands between the outer IP (or UDP) header and the inside. */
struct way {
	uint8_t protocol; /* of IP; 17: `port` too */
	uint16_t port;
	const char *header;
	uint32_t length;
	enum inside inside;
	uint8_t tunnel;
};

static const struct way ways[] = {
	{4, 0, "", 0, INSIDE_IP4, PROTO_IPIP},
	{41, 0, "", 0, INSIDE_IP6, PROTO_SIXIN4},
	{97, 0, "\x30\0", 2, INSIDE_FRAME, PROTO_ETHERIP},
	{103, 0, "\x21\0\xde\xff\0\0\0\0", 8, INSIDE_IP4, PROTO_PIM},
	{143, 0, "", 0, INSIDE_FRAME, PROTO_ETH_IN_IP},
	{137, 0, "\0\1\1\x40", 4, INSIDE_IP4, PROTO_MPLS},
	{47, 0, "\0\0\x08\0", 4, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\xb0\0\x86\xdd\1\2\0\0\0\0\0\1\0\0\0\2", 16, INSIDE_IP6, PROTO_GRE},
	{47, 0, "\x40\0\x08\0\0\0\0\0\x08\0\0\4\1\2\3\4\0\0\0\0", 20, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\0\0\x65\x58", 4, INSIDE_FRAME, PROTO_GRE},
	{47, 0, "\0\0\x82\0" WLAN_IP4, 36, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\0\0\x83\x70" WLAN_IP4, 36, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\0\0\x88\x47\0\1\1\x40", 8, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\x30\x81\x88\x0b\0\x25\0\1\0\0\0\5\0\0\0\4", 16, INSIDE_PPP, PROTO_GRE},
	{47, 0, "\0\0\x88\x3e", 4, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\0\0\x88\x3e\0\1\2\3", 8, INSIDE_IP4, PROTO_GRE},
	{47, 0, "\0\0\x88\xbe", 4, INSIDE_FRAME, PROTO_ERSPAN},
	{47, 0, "\x10\0\x88\xbe\0\0\0\1\x10\5\0\7\0\0\0\0", 16, INSIDE_FRAME, PROTO_ERSPAN},
	{47, 0, "\x10\0\x22\xeb\0\0\0\1\x20\5\0\7\0\0\0\0\0\0\0\0", 20, INSIDE_FRAME, PROTO_ERSPAN},
	{47, 0, "\x10\0\x22\xeb\0\0\0\1\x20\5\0\7\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 28,
	 INSIDE_FRAME, PROTO_ERSPAN},
	{17, 4789, "\x08\0\0\0\0\0\x2a\0", 8, INSIDE_FRAME, PROTO_VXLAN},
	{17, 8472, "\x08\0\0\0\0\0\x2a\0", 8, INSIDE_FRAME, PROTO_VXLAN},
	{17, 4790, "\x0c\0\0\1\0\0\x2a\0", 8, INSIDE_IP4, PROTO_VXLAN},
	{17, 6081, "\0\0\x65\x58\0\0\x2a\0", 8, INSIDE_FRAME, PROTO_GENEVE},
	{17, 6081, "\2\0\x08\0\0\0\x2a\0\1\2\3\1\0\0\0\0", 16, INSIDE_IP4, PROTO_GENEVE},
	{17, 2152, "\x30\xff\0\x21\0\0\0\1", 8, INSIDE_IP4, PROTO_GTPU},
	{17, 2152, "\x36\xff\0\x2d\0\0\0\1\0\1\0\x85\1\0\0\x40\1\x10\0\0", 20, INSIDE_IP4,
	 PROTO_GTPU},
	{17, 3544, "", 0, INSIDE_IP6, PROTO_TEREDO},
	{17, 3544, "\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\x12\x34\xf5\xff\xff\xfe", 21, INSIDE_IP6,
	 PROTO_TEREDO},
	{17, 1701, "\x40\2\0\x2d\0\1\0\2", 8, INSIDE_PPP, PROTO_L2TP},
	{17, 1701, "\x0a\2\0\1\0\2\0\3\0\4\0\2\0\0", 14, INSIDE_PPP, PROTO_L2TP},
	{17, 4754, "\0\0\x08\0", 4, INSIDE_IP4, PROTO_GRE},
	{17, 4754, "\x20\0\x65\x58\0\0\0\1", 8, INSIDE_FRAME, PROTO_GRE},
	{17, 4790, "\x0c\0\0\4\0\0\x2a\0\0\2\1\1\0\0\1\xff", 16, INSIDE_IP4, PROTO_VXLAN},
	{17, 6635, "\0\x10\1\x40", 4, INSIDE_IP4, PROTO_MPLS},
};

static void put_way(struct made *m, const struct way *w)
{
	struct made inside = {.len = 0};

	put(&inside, w->header, w->length);
	put_inside(&inside, w->inside);
	if (w->protocol == 17) {
		put_ip4(m, 17, 8 + inside.len, 0);
		put_udp(m, 40000, w->port, inside.len);
	} else {
		put_ip4(m, w->protocol, inside.len, 0);
	}
	put(m, inside.bytes, inside.len);
}

static void assert_inner(const struct decoded *d, const struct way *w)
{
	const bool ip6 = w->inside == INSIDE_IP6;

	assert_int_equal(d->flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d->family, ip6 ? 6 : 4);
	assert_int_equal(d->src[0], ip6 ? 0x20 : 172);
	assert_int_equal(d->ip_protocol, 17);
	assert_int_equal(d->sport, 7);
	assert_int_equal(d->dport, 9);
	assert_int_equal(d->payload_bytes, INNER_PAYLOAD);
	assert_int_equal(d->payload_captured, INNER_PAYLOAD);
	assert_int_equal(d->ip_bytes, ip6 ? INNER_BYTES + 20 : INNER_BYTES);
	assert_int_equal(d->tunnel, w->tunnel);
}

static void test_every_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_way(&m, &ways[i]);
		made_decode(&m, &d, 101);
		assert_inner(&d, &ways[i]);
		assert_memory_equal(m.bytes + d.payload_offset, "inner", INNER_PAYLOAD);
	}
}

static void test_outer_when_asked(void **state)
{
	static const struct decode_options outer = {.outer = true, .app = true};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_way(&m, &ways[i]);
		memset(&d, 0xaa, sizeof(d));
		decode_packet(&d, &outer, 101, m.bytes, m.len, m.len);
		assert_int_equal(d.family, 4);
		assert_int_equal(d.src[0], 10);
		assert_int_equal(d.ip_protocol, ways[i].protocol);
		assert_int_equal(d.ip_bytes, m.len);
		assert_int_equal(d.tunnel, PROTO_NONE);
		assert_int_equal(d.dport, ways[i].port);
		assert_int_equal(d.payload_bytes, m.len - 20 - (ways[i].port ? 8 : 0));
	}
}

/* Cut at each byte, lied to about each length, each packet is the inner one or the outer one. */
static void test_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_way(&m, &ways[i]);
		for (uint32_t n = 20; n < m.len; n++) {
			decode_packet(&d, &made_options, 101, m.bytes, n, m.len);
			assert_true(d.flags & DECODE_IP);
			assert_true(d.tunnel || d.src[0] == 10);
			assert_true(d.payload_captured <= n);
		}
	}
}

/* A tunnel's number proves nothing: what does not look like one is what its ports say. */
static void test_noise_on_tunnel_ports(void **state)
{
	static const uint16_t ports[] = {1701, 2152, 3544, 4789, 8472, 4790, 6081, 6635};
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct made m = {.len = 0};
		struct decoded d;

		put_ip4(&m, 17, 8 + 64, 0);
		put_udp(&m, 40000, ports[i % 8], 64);
		for (unsigned j = 0; j < 64; j++) {
			seed = seed * 1664525 + 1013904223;
			put8(&m, seed >> 24);
		}
		made_decode(&m, &d, 101);
		assert_int_equal(d.tunnel, PROTO_NONE);
		assert_int_equal(d.dport, ports[i % 8]);
		assert_int_equal(d.payload_bytes, 64);
		assert_int_equal(d.flags & (DECODE_IP | DECODE_PORTS), DECODE_IP | DECODE_PORTS);
	}
}

static void test_inside_that_is_no_ip(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 17, 8 + 8 + 14 + 28, 0);
	put_udp(&m, 40000, 4789, 8 + 14 + 28);
	put(&m, "\x08\0\0\0\0\0\x2a\0", 8);
	put_eth(&m, 0x0806);
	put(&m, "\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\n\0\0\1\0\0\0\0\0\0\n\0\0\2", 28);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.tunnel, PROTO_NONE); /* what is counted is the tunnel's own packet */
	assert_int_equal(d.dport, 4789);
	assert_int_equal(d.payload_bytes, 50);
	assert_int_equal(d.layer[d.nlayers - 1].protocol, PROTO_ARP);
	m.len = 0;
	put_ip4(&m, 17, 8 + 8, 0);
	put_udp(&m, 2152, 2152, 8);
	put(&m, "\x30\1\0\0\0\0\0\0", 8); /* an echo request */
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.app, PROTO_GTPU);
	m.len = 0;
	put_ip4(&m, 4, 20, 0);
	put_ip4(&m, 6, 0, 0);
	m.bytes[20] = 0x44; /* an inner header of 16 bytes */
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP);
	assert_int_equal(d.ip_protocol, 4);
	assert_int_equal(d.payload_bytes, 20);
}

static void test_depth(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		put_ip4(&m, 4, (29 - i) * 20 + 20, 0);
	put_ip4(&m, 59, 0, 0);
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_IP);
	assert_int_equal(d.tunnel, PROTO_IPIP);
	assert_ptr_equal(d.src, m.bytes + 8 * 20 + 12); /* the eighth inside is the last entered */
	assert_true(d.nlayers <= DECODE_LAYERS_MAX);
}

/* The array of layers ends within a tunnel of UDP, at each place of it. */
static void test_layers_run_out(void **state)
{
	(void)state;
	for (unsigned tags = 0; tags < DECODE_LAYERS_MAX; tags++) {
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			struct made m = {.len = 0}, inner = {.len = 0};
			struct decoded d;

			put_way(&inner, &ways[i]);
			inner.bytes[inner.len - 1] = 0;
			put_eth(&m, tags ? 0x8100 : 0x0800);
			for (unsigned j = 1; j <= tags; j++) {
				put16(&m, j);
				put16(&m, j < tags ? 0x8100 : 0x0800);
			}
			put(&m, inner.bytes, inner.len);
			made_decode(&m, &d, 1);
			assert_true(d.nlayers <= DECODE_LAYERS_MAX);
			m.len -= 20; /* an inside that does not decode */
			made_decode(&m, &d, 1);
			assert_true(d.nlayers <= DECODE_LAYERS_MAX);
		}
	}
}

/* GRE in VXLAN: the tunnel is the innermost. */
static void test_tunnel_in_tunnel(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 17, 8 + 8 + 14 + 20 + 4 + INNER_BYTES, 0);
	put_udp(&m, 40000, 4789, 8 + 14 + 20 + 4 + INNER_BYTES);
	put(&m, "\x08\0\0\0\0\0\x2a\0", 8);
	put_eth(&m, 0x8100);
	m.bytes[20 + 8 + 8 + 12] = 0x08; /* no tag after all */
	m.bytes[20 + 8 + 8 + 13] = 0;
	put_ip4(&m, 47, 4 + INNER_BYTES, 0);
	put32(&m, 0x0800);
	put_inner4(&m);
	made_decode(&m, &d, 101);
	assert_int_equal(d.tunnel, PROTO_GRE);
	assert_int_equal(d.src[0], 172);
}

/* What IPv6 carries is named by both versions. */
static void test_over_ip6(void **state)
{
	static const struct {
		uint8_t next, tunnel;
		enum inside inside;
	} kinds[] = {{4, PROTO_FOURIN6, INSIDE_IP4}, {41, PROTO_SIXIN6, INSIDE_IP6}};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const bool ip6 = kinds[i].inside == INSIDE_IP6;
		struct made m = {.len = 0};
		struct decoded d;

		put_ip6(&m, kinds[i].next, ip6 ? INNER_BYTES + 20 : INNER_BYTES);
		put_inside(&m, kinds[i].inside);
		made_decode(&m, &d, 101);
		assert_int_equal(d.tunnel, kinds[i].tunnel);
		assert_int_equal(d.family, ip6 ? 6 : 4);
		assert_ptr_equal(d.src, m.bytes + 40 + (ip6 ? 8 : 12));
		assert_int_equal(d.dport, 9);
	}
}

static void test_authentication_header(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 51, 16 + 8 + 2, 0);
	put(&m, "\x11\2\0\0\0\0\0\1\0\0\0\2\1\2\3\4", 16);
	put_udp(&m, 5, 6, 2);
	put(&m, "hi", 2);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.ip_protocol, 17);
	assert_int_equal(d.dport, 6);
	assert_int_equal(d.payload_bytes, 2);
	m.bytes[21] = 0; /* a header of eight bytes */
	made_decode(&m, &d, 101);
	assert_true(d.flags & DECODE_BAD);
}

static void test_esp_is_named(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_ip4(&m, 50, 24, 0);
	put(&m, "\0\0\1\0\0\0\0\1abcdefghijklmnop", 24);
	made_decode(&m, &d, 101);
	assert_int_equal(d.flags, DECODE_IP);
	assert_int_equal(d.ip_protocol, 50);
	assert_int_equal(d.layer[1].protocol, PROTO_ESP);
	assert_int_equal(d.payload_bytes, 24);
}

/* Labels that Ethernet carries are a link, not a tunnel; a pseudowire's frame is opened. */
static void test_pseudowire(void **state)
{
	struct made m = {.len = 0};
	struct decoded d;

	(void)state;
	put_eth(&m, 0x8847);
	put(&m, "\0\1\1\x40\0\0\0\0", 8);
	put_frame4(&m);
	made_decode(&m, &d, 1);
	assert_int_equal(d.flags, DECODE_IP | DECODE_PORTS);
	assert_int_equal(d.src[0], 172);
	assert_int_equal(d.tunnel, PROTO_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_way),
		cmocka_unit_test(test_outer_when_asked),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_noise_on_tunnel_ports),
		cmocka_unit_test(test_inside_that_is_no_ip),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_layers_run_out),
		cmocka_unit_test(test_tunnel_in_tunnel),
		cmocka_unit_test(test_over_ip6),
		cmocka_unit_test(test_authentication_header),
		cmocka_unit_test(test_esp_is_named),
		cmocka_unit_test(test_pseudowire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
