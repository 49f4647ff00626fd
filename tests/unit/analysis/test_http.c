/* Requests of HTTP/1 that are not as they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"

#define COLUMNS 7u /* packet to status */

static void say(struct feed *f, unsigned direction, const char *text)
{
	feed_tcp(f, direction, text, (uint32_t)strlen(text));
}

static void start(struct feed *f)
{
	feed_start(f, &analysis_http, &type_http);
	f->app = PROTO_HTTP;
}

static void is(struct feed *f, const char *rows)
{
	feed_end(f);
	assert_string_equal(feed_rows(f, COLUMNS), rows);
	feed_free(f);
}

/* Without a version: the server's answer shows that it was one. */
static void test_bare(void **state)
{
	struct feed f;

	(void)state;
	start(&f);
	say(&f, AB, "OPTIONS / HTTP/1.\r\nHost: a.example\r\n\r\n");
	say(&f, BA, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	say(&f, AB, "POST HTTP/1.1\r\n\r\n");
	say(&f, AB, "GET ");
	say(&f, AB, "/old\r\n\r\n");
	say(&f, BA, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	is(&f, "1|1|request|OPTIONS|a.example|/|\n"
	       "2|1|response||||400\n"
	       "3|1|request|POST||HTTP/1.1|\n"
	       "5|1|request|GET||/old|\n"
	       "6|1|response||||200\n");
	start(&f); /* version 0.9 has no headers either */
	say(&f, AB, "GET /older\r\n");
	is(&f, "1|1|request|GET||/older|\n");
}

/* Where no message has to begin, or with words that are none, nothing is believed. */
static void test_not_bare(void **state)
{
	struct feed f;

	(void)state;
	start(&f);
	say(&f, AB, "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n");
	f.seq[AB] += 100;
	say(&f, AB, "GET /b\r\nPUT c\r\n");
	is(&f, "1|1|request|GET|a.example|/a|\n");
	start(&f);
	say(&f, AB, "MAKE /b\r\n\r\nGET the answer\r\n\r\nGET \r\n\r\n");
	is(&f, "");
}

/* A header line whose end is missing says nothing. */
static void test_cut(void **state)
{
	struct feed f;

	(void)state;
	start(&f);
	say(&f, AB, "GET /a HTTP/1.1\r\nHost: a.exam");
	is(&f, "1|1|request|GET||/a|\n");
	start(&f);
	say(&f, AB, "GET /all/of/it HTT");
	say(&f, BA, "HTTP/1.1 200");
	is(&f, "1|1|request|GET||/all/of/it|\n"
	       "2|1|response||||200\n");
	start(&f);
	say(&f, AB, "GET /not/all/of/i");
	say(&f, BA, "HTTP/1.1 20");
	is(&f, "");
}

/* Of SSDP (UPnP Device Architecture 2.0, 1.2) each datagram is one. */
static void test_datagram(void **state)
{
	static const char asks[] = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
	static const char answers[] = "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\r\n";
	struct feed f;

	(void)state;
	feed_start(&f, &analysis_http, &type_http);
	feed_udp(&f, AB, asks, sizeof(asks) - 1);
	feed_udp(&f, BA, answers, sizeof(answers) - 1);
	is(&f, "1|1|request|M-SEARCH|239.255.255.250:1900|*|\n"
	       "2|1|response||||200\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_not_bare),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
