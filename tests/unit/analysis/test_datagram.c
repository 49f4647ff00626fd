/* Messages in IP fragments: of any order, with a tunnel around them, never whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"

#define MORE 0x2000u

static const char request[] = "GET /a/target/that/lies/in/several/fragments HTTP/1.1\r\n"
			      "Host: a.example\r\n\r\n";

static void start(struct feed *f)
{
	feed_start(f, &analysis_http, &type_http);
	f->app = PROTO_HTTP;
}

/* A TCP segment with the request, or what of it comes behind its first bytes. */
static struct made segment(void)
{
	struct made m = {.len = 0};

	put_tcp(&m, CLIENT_PORT, 80, 1000, 5000, TCP_ACK | TCP_PSH, 5);
	put(&m, request, sizeof(request) - 1);
	return m;
}

static void send_piece(struct feed *f, const struct made *whole, unsigned protocol, uint32_t at,
		       uint32_t end)
{
	struct made m = {.len = 0};

	put_ip4(&m, protocol, end - at, (end < whole->len ? MORE : 0) | at / 8);
	put(&m, whole->bytes + at, end - at);
	feed_packet(f, &m, AB);
}

static void is(struct feed *f, const char *rows)
{
	assert_string_equal(feed_rows(f, 6), rows);
	feed_free(f);
}

static void test_order(void **state)
{
	struct made m = segment();
	struct feed f;

	(void)state;
	start(&f);
	send_piece(&f, &m, 6, 64, m.len);
	send_piece(&f, &m, 6, 32, 64);
	send_piece(&f, &m, 6, 0, 32);
	is(&f, "3|1|request|GET|a.example|/a/target/that/lies/in/several/fragments\n");
	start(&f);
	send_piece(&f, &m, 6, 0, 40);
	send_piece(&f, &m, 6, 24, 72); /* over what came */
	send_piece(&f, &m, 6, 72, m.len);
	is(&f, "3|1|request|GET|a.example|/a/target/that/lies/in/several/fragments\n");
}

/* A packet in GRE whose outer one came in two. */
static void test_tunnel(void **state)
{
	struct made inner = segment(), m = {.len = 0};
	struct feed f;

	(void)state;
	put(&m, "\0\0\x08\0", 4);
	put_ip4(&m, 6, inner.len, 0);
	put(&m, inner.bytes, inner.len);
	start(&f);
	send_piece(&f, &m, 47, 0, 56);
	send_piece(&f, &m, 47, 56, m.len);
	is(&f, "2|1|request|GET|a.example|/a/target/that/lies/in/several/fragments\n");
}

/* The last fragment does not come: what the first has of a segment is read with what follows. */
static void test_lost(void **state)
{
	struct made m = segment();
	struct feed f;

	(void)state;
	start(&f);
	f.seq[AB] = 1000 + sizeof(request) - 1;
	send_piece(&f, &m, 6, 0, 88);
	feed_tcp(&f, AB, "x", 1);
	feed_end(&f);
	is(&f, "1|1|request|GET||/a/target/that/lies/in/several/fragments\n");
}

/* What cannot be put together is left alone. */
static void test_wrong(void **state)
{
	struct made m = segment(), cut = {.len = 0};
	struct feed f;

	(void)state;
	start(&f);
	send_piece(&f, &m, 6, 32, m.len);
	put_ip4(&cut, 6, 32, MORE); /* says more than is here */
	put(&cut, m.bytes, 20);
	feed_packet(&f, &cut, AB);
	cut.len = 0;
	put_ip4(&cut, 6, 100, 0x1fff); /* ends past the largest datagram */
	put(&cut, m.bytes, 100);
	feed_packet(&f, &cut, AB);
	feed_end(&f);
	is(&f, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
