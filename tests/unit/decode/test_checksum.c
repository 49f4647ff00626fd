/* Transport checksums of every length, against RFC 1071's own loop of 16-bit words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/xalloc.h"
#include "decode/decode.h"

#define HEADERS 28u /* IPv4, UDP */
#define PAYLOAD_MAX 1600u
#define LINK_RAW 101u

static uint16_t rfc1071(uint32_t sum, const uint8_t *p, size_t length)
{
	for (; length > 1; p += 2, length -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (length)
		sum += (uint32_t)p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void store16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A datagram with right checksums at p; its length. */
static uint32_t datagram(uint8_t *p, uint32_t payload, uint8_t fill)
{
	const uint32_t length = HEADERS + payload;
	const uint8_t pseudo[12] = {10,
				    0,
				    0,
				    1,
				    10,
				    0,
				    0,
				    2,
				    0,
				    17,
				    (uint8_t)((payload + 8) >> 8),
				    (uint8_t)(payload + 8)};
	uint16_t sum;

	memset(p, 0, HEADERS);
	p[0] = 0x45;
	store16(p + 2, length);
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, pseudo, 8);
	store16(p + 10, rfc1071(0, p, 20));
	store16(p + 20, 4000);
	store16(p + 22, 4001);
	store16(p + 24, payload + 8);
	for (uint32_t i = 0; i < payload; i++)
		p[HEADERS + i] = fill == 0xff ? 0xff : (uint8_t)(i * 7 + fill);
	sum = rfc1071((uint16_t)~rfc1071(0, pseudo, sizeof(pseudo)), p + 20, payload + 8);
	store16(p + 26, sum ? sum : 0xffff); /* 0 says that there is none, RFC 768 */
	return length;
}

static unsigned flags_of(const uint8_t *p, uint32_t length)
{
	const struct decode_options o = {.checksums = true};
	struct decoded d;

	decode_packet(&d, &o, LINK_RAW, p, length, length);
	return d.flags & (DECODE_CHECKSUM_BAD | DECODE_CHECKSUM_PARTIAL);
}

static void test_every_length_is_summed_rightly(void **state)
{
	static const uint8_t fills[] = {0, 1, 0xff}; /* 0xff: as many carries as there can be */
	static uint8_t room[HEADERS + PAYLOAD_MAX + 8];

	(void)state;
	for (uint32_t payload = 1; payload <= PAYLOAD_MAX; payload++) {
		uint8_t *p = room + payload % 8; /* at every place in a word */
		const uint32_t length = datagram(p, payload, fills[payload % ARRAY_LEN(fills)]);

		assert_int_equal(flags_of(p, length), 0);
		p[HEADERS + payload / 3] ^= 0x10;
		assert_int_equal(flags_of(p, length), DECODE_CHECKSUM_BAD);
		p[HEADERS + payload / 3] ^= 0x10;
		p[length - 1] ^= 1;
		assert_int_equal(flags_of(p, length), DECODE_CHECKSUM_BAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_length_is_summed_rightly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
