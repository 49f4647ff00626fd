/* TLS where it is not carried by TCP: hellos in pieces, in any order, sent again, changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/tls.h"
#include "feed.h"
#include "initial.h"

#define COLUMNS 7u /* packet to cipher */

static int begin(void **state)
{
	struct feed *f = malloc(sizeof(*f));

	assert_non_null(f);
	feed_start(f, &analysis_tls, &type_tls);
	*state = f;
	return 0;
}

static int end(void **state)
{
	feed_free(*state);
	free(*state);
	return 0;
}

/* --- messages --- */

/* Of TLS with its header of four bytes, or only the body. */
static uint32_t client_hello(uint8_t *out, bool datagrams, uint32_t padding)
{
	struct made m = {.len = 0};
	uint32_t extensions = 18 + 9 + 7 + 4 + padding;

	put16(&m, datagrams ? 0xfefd : 0x0303);
	for (unsigned i = 0; i < 32; i++)
		put8(&m, i);
	put8(&m, 0); /* session */
	if (datagrams)
		put(&m, "\3abc", 4); /* cookie */
	put(&m, "\0\2\x13\x01\1\0", 6);
	put16(&m, extensions);
	put16(&m, 21); /* padding first, so that the name lies far behind */
	put16(&m, padding);
	for (uint32_t i = 0; i < padding; i++)
		put8(&m, 0);
	put(&m, "\0\0\0\16\0\14\0\0\11a.example", 18);
	put(&m, "\0\20\0\5\0\3\2h3", 9);
	put(&m, "\0\53\0\3\2", 5);
	put16(&m, datagrams ? 0xfefc : 0x0304);
	memcpy(out, m.bytes, m.len);
	return m.len;
}

/* The hello with its header; how long it is. */
static uint32_t quic_hello(uint8_t *out, uint32_t padding)
{
	uint32_t n = client_hello(out + 4, false, padding);

	out[0] = 1;
	out[1] = 0;
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	return n + 4;
}

static const uint8_t server_hello[] = "\2\0\0\x2e\3\3"
				      "0123456789abcdef0123456789abcdef"
				      "\0\x13\2\0\0\6\0\53\0\2\3\4";
#define SERVER_HELLO (sizeof(server_hello) - 1)

/* --- QUIC --- */

static void send_piece(struct feed *f, struct side *s, uint32_t offset, const uint8_t *p,
		       uint32_t length)
{
	struct made plain = {.len = 0}, m = {.len = 0};

	put_crypto(&plain, offset, p, length);
	put_initial(s, &m, &plain);
	feed_udp(f, s->server ? BA : AB, m.bytes, m.len);
}

static void test_quic_whole(void **state)
{
	struct feed *f = *state;
	uint8_t hello[1024];
	uint32_t n = quic_hello(hello, 10);
	struct side client, server;

	side_init(&client, "firstid1", false, "firstid1", "cl");
	side_init(&server, "firstid1", true, "cl", "server-id");
	send_piece(f, &client, 0, hello, n);
	send_piece(f, &server, 0, server_hello, SERVER_HELLO);
	/* Sent again: the handshake's bytes come once. */
	send_piece(f, &client, 0, hello, n);
	assert_string_equal(feed_rows(f, COLUMNS),
			    "1|1|client_hello|a.example|TLS 1.3|h3|\n"
			    "2|1|server_hello||TLS 1.3||TLS_AES_256_GCM_SHA384\n");
}

/* As browsers send them: pieces of several frames, shuffled, over two datagrams. */
static void test_quic_shuffled(void **state)
{
	struct feed *f = *state;
	uint8_t hello[2048];
	uint32_t n = quic_hello(hello, 1500);
	struct made plain = {.len = 0}, m = {.len = 0};
	struct side client;

	side_init(&client, "firstid1", false, "firstid1", "");
	put_crypto(&plain, 1000, hello + 1000, n - 1000);
	put(&plain, "\0\0\1", 3); /* padding, a ping */
	put_crypto(&plain, 50, hello + 50, 100);
	put_initial(&client, &m, &plain);
	feed_udp(f, AB, m.bytes, m.len);
	assert_string_equal(feed_rows(f, COLUMNS), "");
	/* The second datagram carries two packets. */
	plain.len = m.len = 0;
	put_crypto(&plain, 100, hello + 100, 900);
	put_initial(&client, &m, &plain);
	plain.len = 0;
	put_crypto(&plain, 0, hello, 60);
	put_initial(&client, &m, &plain);
	feed_udp(f, AB, m.bytes, m.len);
	assert_string_equal(feed_rows(f, COLUMNS), "2|1|client_hello|a.example|TLS 1.3|h3|\n");
}

/* After a Retry the client begins again, and the id that it was given makes the keys. */
static void test_quic_retry(void **state)
{
	struct feed *f = *state;
	uint8_t hello[1024];
	uint32_t n = quic_hello(hello, 0);
	struct side first, second, server;

	side_init(&first, "firstid1", false, "firstid1", "cl");
	side_init(&second, "retry-id", false, "retry-id", "cl");
	side_init(&server, "retry-id", true, "cl", "server-id");
	send_piece(f, &first, 0, hello, n);
	feed_udp(f, BA, "\xf0\0\0\0\1\2cl\10retry-idtoken0123456789abcdef", 37);
	send_piece(f, &second, 0, hello, n);
	send_piece(f, &server, 0, server_hello, SERVER_HELLO);
	assert_string_equal(feed_rows(f, 4), "1|1|client_hello|a.example\n"
					     "3|1|client_hello|a.example\n"
					     "4|1|server_hello|\n");
}

/* What is not whole, or not what was sent, says nothing; nor does a server whose client was not
 * seen. */
static void test_quic_silent(void **state)
{
	struct feed *f = *state;
	uint8_t hello[1024];
	uint32_t n = quic_hello(hello, 0);
	struct made plain = {.len = 0}, m = {.len = 0};
	struct side client, server;

	side_init(&client, "firstid1", false, "firstid1", "cl");
	side_init(&server, "firstid1", true, "cl", "server-id");
	send_piece(f, &server, 0, server_hello, SERVER_HELLO);
	put_crypto(&plain, 0, hello, n);
	put_initial(&client, &m, &plain);
	m.bytes[m.len - 1] ^= 1;
	feed_udp(f, AB, m.bytes, m.len);
	feed_udp(f, AB, m.bytes, m.len - 1);
	send_piece(f, &client, 0x3ff0, hello, 100); /* behind what is kept */
	assert_string_equal(feed_rows(f, COLUMNS), "");
}

/* --- DTLS --- */

static void put_record(struct made *m, unsigned type, unsigned epoch, const void *body,
		       uint32_t length)
{
	put8(m, type);
	put16(m, 0xfefd);
	put16(m, epoch);
	put(m, "\0\0\0\0\0\0", 6);
	put16(m, length);
	put(m, body, length);
}

static void put_piece(struct made *m, unsigned type, unsigned sequence, const uint8_t *body,
		      uint32_t whole, uint32_t at, uint32_t length)
{
	put8(m, type);
	put8(m, 0);
	put16(m, whole);
	put16(m, sequence);
	put8(m, 0);
	put16(m, at);
	put8(m, 0);
	put16(m, length);
	put(m, body + at, length);
}

static void send_dtls(struct feed *f, unsigned direction, const struct made *message)
{
	struct made m = {.len = 0};

	put_record(&m, 22, 0, message->bytes, message->len);
	feed_udp(f, direction, m.bytes, m.len);
}

static void send_dtls_piece(struct feed *f, unsigned sequence, const uint8_t *body, uint32_t whole,
			    uint32_t at, uint32_t length)
{
	struct made m = {.len = 0};

	put_piece(&m, 1, sequence, body, whole, at, length);
	send_dtls(f, AB, &m);
}

static void test_dtls_whole(void **state)
{
	struct feed *f = *state;
	uint8_t hello[512];
	uint32_t n = client_hello(hello, true, 0);
	struct made m = {.len = 0};

	send_dtls_piece(f, 0, hello, n, 0, n);
	put_piece(&m, 2, 0,
		  (const uint8_t *)"\xfe\xfd"
				   "0123456789abcdef0123456789abcdef\0\xc0\x2b",
		  37, 0, 37);
	put_piece(&m, 11, 1, (const uint8_t *)"\0\0\0", 3, 0, 3);
	send_dtls(f, BA, &m);
	m.len = 0;
	put_record(&m, 21, 0, "\2\50", 2);
	put_record(&m, 21, 1, "\2\50", 2); /* encrypted: not an alert that can be read */
	feed_udp(f, BA, m.bytes, m.len);
	send_dtls_piece(f, 0, hello, n, 0, n);
	assert_string_equal(feed_rows(f, COLUMNS),
			    "1|1|client_hello|a.example|DTLS 1.3|h3|\n"
			    "2|1|server_hello||DTLS 1.2||TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n"
			    "2|1|certificate||DTLS 1.2||\n"
			    "3|1|alert||DTLS 1.2||\n"
			    "4|1|client_hello|a.example|DTLS 1.3|h3|\n");
}

static void test_dtls_pieces(void **state)
{
	struct feed *f = *state;
	uint8_t hello[1024];
	uint32_t n = client_hello(hello, true, 400);

	send_dtls_piece(f, 0, hello, n, 300, n - 300);
	send_dtls_piece(f, 0, hello, n, 0, 200);
	send_dtls_piece(f, 0, hello, n, 100, 200); /* over what came */
	assert_string_equal(feed_rows(f, 4), "3|1|client_hello|a.example\n");
	/* The next message begins before this one is whole. */
	send_dtls_piece(f, 1, hello, n, 0, 200);
	send_dtls_piece(f, 2, hello, n, 200, n - 200);
	send_dtls_piece(f, 2, hello, n, 0, 200);
	assert_string_equal(feed_rows(f, 4), "3|1|client_hello|a.example\n"
					     "6|1|client_hello|a.example\n");
	/* A piece past its message's end, and one of a message that nobody sends. */
	send_dtls_piece(f, 3, hello, 100, 50, 100);
	send_dtls_piece(f, 4, hello, 0xffff, 0, 100);
	assert_int_equal(f->analysis->rows(f->state), 2);
}

/* --- the best of what a client offers --- */

static uint16_t best_of(unsigned legacy, const char *versions, unsigned count)
{
	struct made m = {.len = 0};
	struct tls_hello h;

	put16(&m, legacy);
	put(&m, "0123456789abcdef0123456789abcdef", 32);
	put(&m, legacy >> 8 == 3 ? "\0" : "\0\0", legacy >> 8 == 3 ? 1 : 2);
	put(&m, "\0\2\x13\1\1\0", 6);
	put16(&m, 5 + 2 * count);
	put16(&m, 43);
	put16(&m, 1 + 2 * count);
	put8(&m, 2 * count);
	put(&m, versions, 2 * count);
	tls_hello_read(&h, m.bytes, m.len, true);
	return h.version;
}

static void test_versions(void **state)
{
	(void)state;
	assert_int_equal(best_of(0x0303, "\x1a\x1a\3\4\3\3", 3), 0x0304);
	/* A draft comes before what became of it, and behind what was before. */
	assert_int_equal(best_of(0x0303, "\3\4\x7f\x1c\3\3", 3), 0x0304);
	assert_int_equal(best_of(0x0303, "\3\3\x7f\x12\x7f\x1c", 3), 0x7f1c);
	assert_int_equal(best_of(0xfefd, "\xfe\xfd\xfe\xfc", 2), 0xfefc);
	assert_int_equal(best_of(0xfefd, "\3\4", 1), 0xfefd);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS_TEST(test_quic_whole),	 TLS_TEST(test_quic_shuffled),
		TLS_TEST(test_quic_retry),	 TLS_TEST(test_quic_silent),
		TLS_TEST(test_dtls_whole),	 TLS_TEST(test_dtls_pieces),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
