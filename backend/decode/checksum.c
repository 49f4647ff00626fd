/* The Internet checksum, RFC 1071. What offload leaves to the device (the pseudo-header's sum
 * alone) is no error. */
#include <string.h>

#include "walk.h"

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t checksum_sum(uint64_t sum, const uint8_t *p, size_t length)
{
	uint64_t words = 0;

	/* Summed in the machine's order, four bytes at once, and turned round at the end (RFC 1071
	 * section 2). */
	for (; length >= 4; p += 4, length -= 4) {
		uint32_t word;

		memcpy(&word, p, 4);
		words += word;
	}
	words = (words & 0xffffffff) + (words >> 32);
	words = fold(words);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	words = __builtin_bswap16((uint16_t)words);
#endif
	sum += words;
	if (length >= 2)
		sum += get16(p);
	if (length & 1)
		sum += (uint64_t)p[length - 1] << 8;
	return fold(sum);
}

uint64_t checksum_pseudo(const struct decoded *d, const uint8_t *dst, uint8_t ip_protocol,
			 uint32_t length)
{
	size_t bytes = d->family == 4 ? 4 : 16;
	uint64_t sum = checksum_sum(0, d->src, bytes);

	sum += checksum_sum(0, dst ? dst : d->dst, bytes);
	return sum + ip_protocol + (length >> 16) + (length & 0xffff);
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
