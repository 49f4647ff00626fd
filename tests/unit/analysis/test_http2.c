/* HTTP/2 in clear: blocks that libnghttp2's own deflater made, in frames and segments of any form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "feed.h"

#define COLUMNS 9u /* packet to last_packet */
#define NAMES_MAX 8u

enum { DATA, HEADERS, SETTINGS = 4, PUSH = 5, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct talk {
	struct feed feed;
	nghttp2_hd_deflater *deflater[2];
};

static int begin(void **state)
{
	struct talk *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	feed_start(&t->feed, &analysis_http, &type_http);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(nghttp2_hd_deflate_new(&t->deflater[i], 4096), 0);
	*state = t;
	return 0;
}

static int end(void **state)
{
	struct talk *t = *state;

	for (unsigned i = 0; i < 2; i++)
		nghttp2_hd_deflate_del(t->deflater[i]);
	feed_free(&t->feed);
	free(t);
	return 0;
}

static void put_frame(struct made *m, unsigned type, unsigned flags, uint32_t stream,
		      const void *body, uint32_t length)
{
	put8(m, 0);
	put16(m, length);
	put8(m, type);
	put8(m, flags);
	put32(m, stream);
	put(m, body, length);
}

/* "name=value ..." as a block of this side. */
static uint32_t deflate_words(struct talk *t, unsigned side, const char *words, uint8_t out[512])
{
	char own[512], *rest = own;
	nghttp2_nv nv[NAMES_MAX];
	size_t n = 0;

	(void)snprintf(own, sizeof(own), "%s", words);
	for (char *w = strsep(&rest, " "); w && n < NAMES_MAX; w = strsep(&rest, " ")) {
		char *value = strchr(w, '=');

		*value++ = '\0';
		nv[n++] = (nghttp2_nv){(uint8_t *)w, (uint8_t *)value, strlen(w), strlen(value), 0};
	}
	ssize_t length = nghttp2_hd_deflate_hd(t->deflater[side], out, 512, nv, n);

	assert_true(length > 0);
	return (uint32_t)length;
}

static void put_headers(struct talk *t, struct made *m, unsigned side, uint32_t stream,
			unsigned flags, const char *words)
{
	uint8_t block[512];
	uint32_t n = deflate_words(t, side, words, block);

	put_frame(m, HEADERS, flags | END_HEADERS, stream, block, n);
}

static void send_headers(struct talk *t, unsigned side, uint32_t stream, unsigned flags,
			 const char *words)
{
	struct made m = {.len = 0};

	put_headers(t, &m, side, stream, flags, words);
	feed_tcp(&t->feed, side, m.bytes, m.len);
}

#define ASKS ":method=GET :scheme=http :authority=a.example :path="

static void send_preface(struct talk *t)
{
	struct made m = {.len = 0};

	put(&m, preface, 24);
	put_frame(&m, SETTINGS, 0, 0, "", 0);
	feed_tcp(&t->feed, AB, m.bytes, m.len);
}

static void test_plain(void **state)
{
	struct talk *t = *state;
	struct made m = {.len = 0};

	put_frame(&m, SETTINGS, 0, 0, "\0\3\0\0\0\144", 6);
	feed_tcp(&t->feed, BA, m.bytes, m.len); /* a server may speak first */
	send_preface(t);
	m.len = 0;
	put_headers(t, &m, AB, 1, END_STREAM, ASKS "/one");
	put_headers(t, &m, AB, 3, 0, ":method=POST :scheme=http :path=/two host=b.example");
	feed_tcp(&t->feed, AB, m.bytes, m.len);
	m.len = 0;
	put_frame(&m, DATA, END_STREAM, 3, "body", 4);
	feed_tcp(&t->feed, AB, m.bytes, m.len);
	send_headers(t, BA, 3, 0, ":status=100");
	send_headers(t, BA, 1, 0, ":status=200 server=x");
	m.len = 0;
	put_headers(t, &m, BA, 3, END_STREAM, ":status=404 server=x");
	put_frame(&m, DATA, 0, 1, "0123456789", 10);
	feed_tcp(&t->feed, BA, m.bytes, m.len);
	send_headers(t, BA, 1, END_STREAM, "grpc-status=0"); /* what follows a body is no message */
	assert_string_equal(feed_rows(&t->feed, COLUMNS), "3|1|request|GET|a.example|/one|||3\n"
							  "3|1|request|POST|b.example|/two|||4\n"
							  "5|1|response||||100|2000000|\n"
							  "6|1|response||||200|3000000|8\n"
							  "7|1|response||||404|4000000|7\n");
}

/* Padding, priority, a block over three frames and a segment for each byte. */
static void test_pieces(void **state)
{
	struct talk *t = *state;
	struct made m = {.len = 0}, body = {.len = 0};
	uint8_t block[512];
	uint32_t n = deflate_words(t, AB, ASKS "/long/enough/for/three/frames", block);

	send_preface(t);
	put(&body, "\3\0\0\0\0\20", 6);
	put(&body, block, 5);
	put(&body, "\0\0\0", 3);
	put_frame(&m, HEADERS, PADDED | PRIORITY | END_STREAM, 1, body.bytes, body.len);
	put_frame(&m, CONTINUATION, 0, 1, block + 5, 3);
	put_frame(&m, CONTINUATION, END_HEADERS, 1, block + 8, n - 8);
	for (uint32_t i = 0; i < m.len; i++)
		feed_tcp(&t->feed, AB, m.bytes + i, 1);
	(void)snprintf((char *)block, sizeof(block),
		       "%u|1|request|GET|a.example|/long/enough/for/three/frames|||%u\n", m.len + 1,
		       m.len + 1);
	assert_string_equal(feed_rows(&t->feed, COLUMNS), (char *)block);
}

static void test_push(void **state)
{
	struct talk *t = *state;
	struct made m = {.len = 0}, body = {.len = 0};
	uint8_t block[512];
	uint32_t n = deflate_words(t, BA, ASKS "/pushed", block);

	send_preface(t);
	put32(&body, 2);
	put(&body, block, n);
	put_frame(&m, PUSH, END_HEADERS, 1, body.bytes, body.len);
	feed_tcp(&t->feed, BA, m.bytes, m.len);
	send_headers(t, BA, 2, END_STREAM, ":status=200");
	assert_string_equal(feed_rows(&t->feed, COLUMNS), "2|1|request|GET|a.example|/pushed|||2\n"
							  "3|1|response||||200|1000000|3\n");
}

/* RFC 7540 3.2: the request of HTTP/1 is the first stream. */
static void test_upgrade(void **state)
{
	static const char asks[] = "GET /up HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n\r\n";
	static const char answers[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";
	struct talk *t = *state;
	struct made m = {.len = 0};

	feed_tcp(&t->feed, AB, asks, sizeof(asks) - 1);
	put(&m, answers, sizeof(answers) - 1);
	put_frame(&m, SETTINGS, 0, 0, "", 0);
	feed_tcp(&t->feed, BA, m.bytes, m.len);
	send_preface(t);
	send_headers(t, BA, 1, END_STREAM, ":status=204");
	send_headers(t, AB, 3, END_STREAM, ASKS "/next");
	assert_string_equal(feed_rows(&t->feed, COLUMNS), "1|1|request|GET|a.example|/up|||1\n"
							  "2|1|response||||101|1000000|2\n"
							  "4|1|response||||204|3000000|4\n"
							  "5|1|request|GET|a.example|/next|||5\n");
}

/* What blocks refer to was said before: cells are empty, and what follows is right again. */
static void test_middle(void **state)
{
	struct talk *t = *state;
	struct made unseen = {.len = 0};

	put_headers(t, &unseen, AB, 1, END_STREAM, ASKS "/one x=first");
	put_headers(t, &unseen, BA, 1, END_STREAM, ":status=201 x=first");
	send_headers(t, AB, 3, END_STREAM, ASKS "/two x=second");
	send_headers(t, BA, 3, END_STREAM, ":status=201 x=second"); /* all of it unseen */
	send_headers(t, AB, 5, END_STREAM, ASKS "/two x=second");
	send_headers(t, BA, 5, END_STREAM, ":status=200 x=second");
	assert_string_equal(feed_rows(&t->feed, COLUMNS), "1|1|request|GET||||"
							  "|1\n"
							  "2|1|response|||||1000000|2\n"
							  "3|1|request|GET||||"
							  "|3\n"
							  "4|1|response||||200|1000000|4\n");
}

/* A segment is missing: frames are found again, and nothing is made up. */
static void test_gap(void **state)
{
	struct talk *t = *state;
	uint8_t block[512];

	send_preface(t);
	send_headers(t, AB, 1, END_STREAM, ASKS "/one x=first");
	t->feed.seq[AB] += 9 + deflate_words(t, AB, ASKS "/two x=second", block);
	send_headers(t, AB, 5, END_STREAM, ASKS "/two x=second");
	feed_end(&t->feed);
	assert_string_equal(feed_rows(&t->feed, 6), "2|1|request|GET|a.example|/one\n"
						    "3|1|request|GET||\n");
}

/* Frames that break the rules take no memory and make no rows. */
static void test_wrong(void **state)
{
	struct talk *t = *state;
	struct made m = {.len = 0};

	send_preface(t);
	put_frame(&m, CONTINUATION, END_HEADERS, 1, "\x82", 1); /* of no block */
	put_frame(&m, HEADERS, PADDED | END_HEADERS, 3, "\x7f\x82", 2);
	put_frame(&m, HEADERS, PADDED | END_HEADERS, 5, "", 0);
	put_frame(&m, PUSH, END_HEADERS, 5, "\0\0", 2);
	put(&m, "\xff\xff\xff\1\4\0\0\0\7", 9); /* as long as a frame may be */
	feed_tcp(&t->feed, AB, m.bytes, m.len);
	assert_string_equal(feed_rows(&t->feed, COLUMNS), "");
}

#define HTTP2_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP2_TEST(test_plain),	  HTTP2_TEST(test_pieces), HTTP2_TEST(test_push),
		HTTP2_TEST(test_upgrade), HTTP2_TEST(test_middle), HTTP2_TEST(test_gap),
		HTTP2_TEST(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
