/* QUIC's Initial packets against the examples of RFC 9001 (appendix A) and RFC 9369 (appendix A).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/quic.h"
#include "decode/tls.h"

#define PACKET_MAX 256u

static const uint8_t client_id[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};

/* RFC 9001 A.3: what the server answers, an acknowledgement and its hello. */
static const char server_initial[] =
	"cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554"
	"780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b"
	"562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074e"
	"e";

static size_t unhex(const char *text, uint8_t out[PACKET_MAX])
{
	size_t n = strlen(text) / 2;

	assert_true(n <= PACKET_MAX);
	for (size_t i = 0; i < n; i++) {
		const char two[] = {text[2 * i], text[2 * i + 1], '\0'};

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static void is_hex(const uint8_t *bytes, const char *text)
{
	uint8_t expected[PACKET_MAX];
	size_t n = unhex(text, expected);

	assert_memory_equal(bytes, expected, n);
}

static void test_keys(void **state)
{
	struct quic_keys k;

	(void)state;
	assert_true(quic_keys_make(&k, 1, client_id, sizeof(client_id)));
	is_hex(k.key[0], "1f369613dd76d5467730efcbe3b1a22d");
	is_hex(k.iv[0], "fa044b2f42a3fd3b46fb255c");
	is_hex(k.header[0], "9f50449e04a0e810283a1e9933adedd2");
	is_hex(k.key[1], "cf3a5331653c364c88f0f379b6067e37");
	is_hex(k.iv[1], "0ac1493ca1905853b0bba03e");
	is_hex(k.header[1], "c206b8d9b9f0f37644430b490eeaa314");
	/* Anew from the id that lies in them, for another version. */
	assert_true(quic_keys_make(&k, 0x6b3343cf, k.id, k.id_length));
	is_hex(k.key[0], "8b1a0bc121284290a29e0971b5cd045d");
	is_hex(k.iv[0], "91f73e2351d8fa91660e909f");
	is_hex(k.header[0], "45b95e15235d6f45a6b19cbcb0294ba9");
	is_hex(k.key[1], "82db637861d55e1d011f19ea71d5d2a7");
	is_hex(k.iv[1], "dd13c276499c0249d3310652");
	is_hex(k.header[1], "edf6d05c83121201b436e16877593c3a");
	assert_false(quic_keys_make(&k, 0x51303433, client_id, sizeof(client_id)));
	assert_false(quic_keys_make(&k, 1, client_id, QUIC_ID_MAX + 1));
}

static void test_open(void **state)
{
	uint8_t packet[PACKET_MAX], plain[QUIC_INITIAL_MAX];
	size_t n = unhex(server_initial, packet);
	struct quic_packet q;
	struct quic_keys k;
	struct quic_frames f;
	struct quic_crypto c;
	struct tls_hello h;

	(void)state;
	assert_int_equal(quic_packet_read(&q, packet, n), n);
	assert_int_equal(q.kind, QUIC_INITIAL);
	assert_true(q.whole);
	assert_true(quic_keys_make(&k, 1, client_id, sizeof(client_id)));
	assert_true(quic_open(&k, true, &q, plain, &f));
	assert_true(quic_crypto_next(&f, &c));
	assert_int_equal(c.offset, 0);
	assert_int_equal(c.length, 90);
	tls_hello_read(&h, c.data + 4, c.length - 4, false);
	assert_int_equal(h.version, 0x0304);
	assert_int_equal(h.cipher, 0x1301);
	assert_false(quic_crypto_next(&f, &c));
	assert_false(quic_open(&k, false, &q, plain, &f));
}

/* Whatever is changed, or cut off: it is not opened. */
static void test_changed(void **state)
{
	uint8_t packet[PACKET_MAX], plain[QUIC_INITIAL_MAX];
	size_t n = unhex(server_initial, packet);
	struct quic_packet q;
	struct quic_keys k;
	struct quic_frames f;

	(void)state;
	assert_true(quic_keys_make(&k, 1, client_id, sizeof(client_id)));
	for (size_t i = 0; i < n * 8; i++) {
		packet[i / 8] ^= (uint8_t)(1u << i % 8);
		if (quic_packet_read(&q, packet, n))
			assert_false(quic_open(&k, true, &q, plain, &f));
		packet[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t *cut = malloc(i ? i : 1); /* of its own, so that one byte too far is seen */

		assert_non_null(cut);
		memcpy(cut, packet, i);
		if (quic_packet_read(&q, cut, i))
			assert_false(quic_open(&k, true, &q, plain, &f));
		free(cut);
	}
}

static void frames_are(const char *bytes, size_t n, unsigned pieces)
{
	uint8_t *own = malloc(n ? n : 1);
	struct quic_frames f = {own, n};
	struct quic_crypto c;
	unsigned found = 0;

	assert_non_null(own);
	memcpy(own, bytes, n);
	while (quic_crypto_next(&f, &c)) {
		assert_true(c.data >= own && c.data + c.length <= own + n);
		found++;
	}
	assert_int_equal(found, pieces);
	free(own);
}

#define FRAMES(bytes, pieces) frames_are(bytes, sizeof(bytes) - 1, pieces)

static void test_frames(void **state)
{
	(void)state;
	FRAMES("", 0);
	FRAMES("\0\0\1\6\0\2ab\0\0\6\2\1c\1", 2);
	FRAMES("\2\5\0\0\0\6\0\1a", 1);
	FRAMES("\2\x45\0\0\1\0\1\2\6\0\1a", 1); /* two ranges; a number of two bytes */
	FRAMES("\3\5\0\0\0\1\2\3\6\0\1a", 1);	/* with counts of marks */
	FRAMES("\6\0\3ab", 0);			/* longer than the packet */
	FRAMES("\6\0\xff\xff\xff\xff\xff\xff\xff\xff"
	       "ab",
	       0);
	FRAMES("\2\5\0\xff\xff\xff\xff\xff\xff\xff\xff\0\6\0\1a", 0);
	FRAMES("\x1c\0\0\0\6\0\1a", 0); /* the end of the connection */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
