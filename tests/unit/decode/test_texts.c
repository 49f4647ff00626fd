/* The line and the tree of made packets, as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "packets.h"

static void assert_line(struct made *m, uint32_t link, const struct info_context *c,
			const char *want)
{
	struct decoded d;
	struct buf line;

	made_decode(m, &d, link);
	buf_init(&line, 4096);
	decode_info(&line, &d, m->bytes, m->len, c);
	assert_string_equal(buf_str(&line), want);
	buf_release(&line);
}

/* The tree as "depth name value @offset+length" lines. */
static void tree_add(void *arg, unsigned depth, const char *name, struct str value, uint32_t offset,
		     uint32_t length)
{
	buf_printf(arg, "%u %s %.*s @%u+%u\n", depth, name, (int)value.len, value.p, offset,
		   length);
}

static void assert_tree(struct made *m, uint32_t link, const char *const *wanted)
{
	struct decoded d;
	struct buf tree;

	made_decode(m, &d, link);
	buf_init(&tree, 65536);
	decode_fields(&d, m->bytes, m->len, m->len, tree_add, &tree);
	for (; *wanted; wanted++) {
		if (!strstr(buf_str(&tree), *wanted))
			fail_msg("no '%s' in\n%s", *wanted, buf_str(&tree));
	}
	buf_release(&tree);
}

static void make_syn(struct made *m)
{
	m->len = 0;
	put_ip4(m, 6, 32, 0x4000);
	put_tcp(m, 443, 51234, 1000, 0, TCP_SYN, 8);
	put(m, "\2\4\5\xb4\4\2\1\1\3\3\7\0", 12);
}

static void test_tcp(void **state)
{
	static const struct info_context relative = {
		.base_seq = 1000, .base_ack = 90, .relative = true, .scale = 7};
	struct made m = {.len = 0};

	(void)state;
	make_syn(&m);
	assert_line(&m, 101, &relative,
		    "443 > 51234 [SYN] seq 0 win 64240 len 0 mss 1460 sack-ok ws 7");
	m.bytes[33] = TCP_ACK | TCP_PSH;
	m.bytes[31] = 100;
	assert_line(&m, 101, &relative,
		    "443 > 51234 [PSH ACK] seq 0 ack 10 win 8222720 len 0 mss 1460 ws 7");
	assert_tree(&m, 101,
		    (const char *const[]){
			    "0 ip Internet Protocol version 4: 10.0.0.1 > 10.0.0.2 tcp ttl 64 "
			    "length 52 @0+20\n",
			    "1 flags DF set @6+1\n", "1 src 10.0.0.1 @12+4\n", "1 ttl 64 @8+1\n",
			    "0 tcp Transmission Control Protocol: 443 > 51234 [PSH ACK] seq 1000",
			    "1 sport 443 @20+2\n", "1 seq 1000 @24+4\n", "1 flags PSH ACK @33+1\n",
			    "1 option mss 1460 @40+4\n",
			    "1 option window scale 7 (times 128) @48+3\n", NULL});
}

static void test_arp(void **state)
{
	struct made m = {.len = 0};

	(void)state;
	put_eth(&m, 0x0806);
	put(&m, "\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\2\0\0\0\0\0\0\x0a\0\0\1", 28);
	put(&m, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
	assert_line(&m, 1, NULL, "who has 10.0.0.1? tell 10.0.0.2");
	assert_tree(&m, 1,
		    (const char *const[]){"1 sender_mac 02:00:00:00:00:01 @22+6\n",
					  "1 target 10.0.0.1 @38+4\n", NULL});
	m.bytes[21] = 2;
	assert_line(&m, 1, NULL, "10.0.0.2 is at 02:00:00:00:00:01");
}

static void test_icmp(void **state)
{
	struct made m = {.len = 0};

	(void)state;
	put_ip4(&m, 1, 8, 0);
	put(&m, "\x08\0\0\0\0\1\0\2", 8);
	assert_line(&m, 101, NULL, "echo request id 1 seq 2");
	m.len = 0;
	put_ip4(&m, 1, 8 + 28, 0);
	put(&m, "\3\3\0\0\0\0\0\0", 8);
	put_ip4(&m, 17, 8, 0);
	put_udp(&m, 53, 1234, 0);
	assert_line(&m, 101, NULL,
		    "destination unreachable (port) for udp 10.0.0.1:53 > 10.0.0.2:1234");
	assert_tree(&m, 101,
		    (const char *const[]){"1 code 3 port @21+1\n",
					  "2 udp User Datagram Protocol: 53 > 1234",
					  "3 dport 1234 @50+2\n", NULL});
}

static void put_dns(struct made *m, const void *message, unsigned len)
{
	m->len = 0;
	put_ip4(m, 17, 8 + len, 0);
	put_udp(m, 40000, 53, len);
	put(m, message, len);
}

static void test_dns(void **state)
{
	struct made m = {.len = 0};

	(void)state;
	put_dns(&m, "\x1a\x2b\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1", 29);
	assert_line(&m, 101, NULL, "query 0x1a2b A example.org");
	put_dns(&m, "\x1a\x2b\x81\x83\0\1\0\0\0\0\0\0\7example\3org\0\0\x1c\0\1", 29);
	assert_line(&m, 101, NULL, "response 0x1a2b NXDOMAIN AAAA example.org");
	put_dns(&m,
		"\x1a\x2b\x81\x80\0\1\0\1\0\0\0\0\7example\3org\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c"
		"\0\4\xc0\0\2\1",
		45);
	assert_line(&m, 101, NULL, "response 0x1a2b A example.org A 192.0.2.1");
	assert_tree(
		&m, 101,
		(const char *const[]){"1 id 0x1a2b @28+2\n", "1 question A example.org @40+17\n",
				      "1 answer A example.org ttl 60 192.0.2.1 @57+16\n", NULL});
}

static void test_dns_pointer_loop(void **state)
{
	struct made m = {.len = 0};

	(void)state;
	put_dns(&m, "\x1a\x2b\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18);
	assert_line(&m, 101, NULL, "query 0x1a2b");
	assert_tree(&m, 101, (const char *const[]){"1 question broken or cut", NULL});
}

static void test_http_is_escaped(void **state)
{
	struct made m = {.len = 0};
	static const char request[] = "GET /a\x1b[31m HTTP/1.1\r\nHost: example.org\r\n\r\nbody";

	(void)state;
	put_ip4(&m, 6, 20 + sizeof(request) - 1, 0);
	put_tcp(&m, 1, 80, 1, 1, TCP_ACK, 5);
	put(&m, request, sizeof(request) - 1);
	assert_line(&m, 101, NULL, "GET /a\\x1b[31m HTTP/1.1 host example.org");
	assert_tree(&m, 101,
		    (const char *const[]){"0 http Hypertext Transfer Protocol: GET /a",
					  "1 header Host: example.org @62+17\n",
					  "1 body 4 bytes here @83+4\n", NULL});
}

static void test_tls(void **state)
{
	static const char hello[] = "\x16\3\1\0\x43\1\0\0\x3f\3\3"
				    "0123456789abcdef0123456789abcdef"
				    "\0\0\2\x13\1\1\0"
				    "\0\x14\0\0\0\x10\0\x0e\0\0\x0b"
				    "example.org";
	struct made m = {.len = 0};

	(void)state;
	put_ip4(&m, 6, 20 + sizeof(hello) - 1, 0);
	put_tcp(&m, 1, 443, 1, 1, TCP_ACK, 5);
	put(&m, hello, sizeof(hello) - 1);
	assert_line(&m, 101, NULL, "ClientHello sni=example.org TLS 1.2");
	assert_tree(&m, 101,
		    (const char *const[]){"1 record TLS 1.0 handshake length 67",
					  "2 handshake ClientHello length 63",
					  "3 server_name example.org @", NULL});
}

static void test_fragment_line(void **state)
{
	struct made m = {.len = 0};

	(void)state;
	put_ip4(&m, 17, 16, 3);
	put(&m, "0123456789abcdef", 16);
	assert_line(&m, 101, NULL,
		    "10.0.0.1 > 10.0.0.2 udp ttl 64 length 36 fragment 0x1234 offset 24 last");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(ip_protocol_name(6), "tcp");
	assert_string_equal(ip_protocol_name(58), "icmp6");
	for (int i = 0; i < 256; i++)
		assert_true(ip_protocol_name((uint8_t)i)[0] >= 'a' ||
			    ip_protocol_name((uint8_t)i)[0] == '3');
	assert_int_equal(app_by_port(6, 22), PROTO_SSH);
	assert_int_equal(app_by_port(17, 22), PROTO_NONE);
	assert_int_equal(app_by_port(17, 51820), PROTO_WIREGUARD);
	assert_int_equal(app_by_port(6, 21), PROTO_FTP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_dns_pointer_loop),
		cmocka_unit_test(test_http_is_escaped),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_fragment_line),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
