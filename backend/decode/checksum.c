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

/* Every byte of every packet comes by here: in the machine's order (RFC 1071 section 2 B), with the
 * widest registers that there are. */
#if defined(__x86_64__)
#define WIDE_BYTES 256u /* shorter ones are done before wide registers are of use */

typedef uint64_t wide __attribute__((vector_size(32), aligned(1), may_alias));

/* The bytes from p to end, a multiple of 64 of them: halves of eight bytes apart, which cannot
 * overflow. */
__attribute__((target("avx2"))) static uint64_t wide_sum(const uint8_t *p, const uint8_t *end)
{
	wide low = {0}, high = {0}, low2 = {0}, high2 = {0};

	for (; p < end; p += 64) {
		const wide a = *(const wide *)p, b = *(const wide *)(p + 32);

		low += a & 0xffffffff;
		high += a >> 32;
		low2 += b & 0xffffffff;
		high2 += b >> 32;
	}
	low += high + low2 + high2;
	return low[0] + low[1] + low[2] + low[3];
}

static size_t wide_bytes(size_t length)
{
	return length >= WIDE_BYTES && __builtin_cpu_supports("avx2") ? length & ~(size_t)63 : 0;
}
#else
static uint64_t wide_sum(const uint8_t *p, const uint8_t *end)
{
	(void)p;
	(void)end;
	return 0;
}

static size_t wide_bytes(size_t length)
{
	(void)length;
	return 0;
}
#endif

/* Eight bytes at once, carries included (RFC 1071 section 2 C). Two sums side by side do not wait
 * for each other. */
static uint64_t words_sum(const uint8_t *p, size_t length)
{
	const size_t first = wide_bytes(length);
	uint64_t a = first ? wide_sum(p, p + first) : 0, b = 0, carries = 0;

	p += first;
	length -= first;
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
