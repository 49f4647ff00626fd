/* The Internet checksum, RFC 1071. What offload leaves to the device (the pseudo-header's sum
 * alone) is no error. */
#include <string.h>

#include "walk.h"

static inline uint16_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff); /* three times 16 bits and the carries are left */
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + sum);
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* The last bytes, fewer than eight, as if a zero followed an odd one. */
static uint64_t tail_sum(const uint8_t *p, size_t length)
{
	uint64_t sum = 0;
	uint32_t word;
	uint16_t half;

	if (length & 4) {
		memcpy(&word, p, sizeof(word));
		sum += word;
		p += sizeof(word);
	}
	if (length & 2) {
		memcpy(&half, p, sizeof(half));
		sum += half;
		p += sizeof(half);
	}
	if (length & 1) {
		const uint8_t last[2] = {p[0], 0};

		memcpy(&half, last, sizeof(half));
		sum += half;
	}
	return sum;
}

/* In the machine's order, eight bytes at once, carries included (RFC 1071 section 2 B and C). Two
 * sums side by side do not wait for each other: every byte of every packet comes by here. */
static uint64_t words_sum(const uint8_t *p, size_t length)
{
	uint64_t a = 0, b = 0, carries = 0;

	for (; length >= 32; p += 32, length -= 32) {
		carries += __builtin_add_overflow(a, load64(p), &a);
		carries += __builtin_add_overflow(b, load64(p + 8), &b);
		carries += __builtin_add_overflow(a, load64(p + 16), &a);
		carries += __builtin_add_overflow(b, load64(p + 24), &b);
	}
	for (; length >= 8; p += 8, length -= 8)
		carries += __builtin_add_overflow(a, load64(p), &a);
	carries += __builtin_add_overflow(a, b, &a);
	return (a >> 32) + (a & 0xffffffff) + carries + tail_sum(p, length);
}

uint16_t checksum_sum(uint64_t sum, const uint8_t *p, size_t length)
{
	uint16_t words = fold(words_sum(p, length));

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	words = __builtin_bswap16(words);
#endif
	return fold(sum + words);
}

uint64_t checksum_pseudo(const struct decoded *d, const uint8_t *dst, uint8_t ip_protocol,
			 uint32_t length)
{
	const uint64_t rest = (uint64_t)ip_protocol + (length >> 16) + (length & 0xffff);

	if (!dst)
		dst = d->dst;
	if (d->family == 4)
		return rest + get16(d->src) + get16(d->src + 2) + get16(dst) + get16(dst + 2);
	return rest + checksum_sum(0, d->src, 16) + checksum_sum(0, dst, 16);
}

uint16_t checksum_right(uint16_t sum, uint16_t field)
{
	return (uint16_t)~fold((uint64_t)sum + (uint16_t)~field);
}

void checksum_ip4(struct walk *w, const uint8_t *p, uint32_t header)
{
	if (checksum_sum(0, p, header) == 0xffff)
		return;
	w->d->flags |= get16(p + 10) ? DECODE_CHECKSUM_BAD : DECODE_CHECKSUM_PARTIAL;
}

void checksum_transport(struct walk *w, const uint8_t *p, uint32_t length, uint32_t field)
{
	struct decoded *d = w->d;
	uint64_t pseudo = 0;

	if (d->flags & (DECODE_FRAGMENT | DECODE_LONG | DECODE_CUT) ||
	    length > (size_t)(w->c.tail - p))
		return;
	if (d->ip_protocol != 1)
		pseudo = checksum_pseudo(d, w->final_dst, d->ip_protocol, length);
	if (checksum_sum(pseudo, p, length) == 0xffff)
		return;
	if (d->ip_protocol != 1 && get16(p + field) == fold(pseudo))
		d->flags |= DECODE_CHECKSUM_PARTIAL;
	else
		d->flags |= DECODE_CHECKSUM_BAD;
}
