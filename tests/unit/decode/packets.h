/* Packets made by hand for the tests of decode. */
#ifndef TESTS_DECODE_PACKETS_H
#define TESTS_DECODE_PACKETS_H

#include <string.h>

#include "decode/decode.h"

#define MADE_MAX 2048u

struct made {
	uint8_t bytes[MADE_MAX];
	uint32_t len;
};

static inline void put(struct made *m, const void *p, uint32_t len)
{
	memcpy(m->bytes + m->len, p, len);
	m->len += len;
}

static inline void put8(struct made *m, unsigned v)
{
	m->bytes[m->len++] = (uint8_t)v;
}

static inline void put16(struct made *m, unsigned v)
{
	put8(m, v >> 8);
	put8(m, v);
}

static inline void put32(struct made *m, uint32_t v)
{
	put16(m, v >> 16);
	put16(m, v & 0xffff);
}

static inline void put_eth(struct made *m, unsigned type)
{
	put(m, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	put16(m, type);
}

/* IPv4 from 10.0.0.1 to 10.0.0.2; `fragment` is the field with flags and offset. */
static inline void put_ip4(struct made *m, unsigned protocol, unsigned payload, unsigned fragment)
{
	put16(m, 0x4500);
	put16(m, 20 + payload);
	put16(m, 0x1234);
	put16(m, fragment);
	put8(m, 64);
	put8(m, protocol);
	put16(m, 0);
	put32(m, 0x0a000001);
	put32(m, 0x0a000002);
}

static inline void put_ip6(struct made *m, unsigned next, unsigned payload)
{
	put32(m, 0x60000000);
	put16(m, payload);
	put8(m, next);
	put8(m, 64);
	put(m, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	put(m, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

/* A header of `words` 32-bit words without options behind it. */
static inline void put_tcp(struct made *m, unsigned sport, unsigned dport, uint32_t seq,
			   uint32_t ack, unsigned flags, unsigned words)
{
	put16(m, sport);
	put16(m, dport);
	put32(m, seq);
	put32(m, ack);
	put16(m, words << 12 | flags);
	put16(m, 64240);
	put32(m, 0);
}

static inline void put_udp(struct made *m, unsigned sport, unsigned dport, unsigned payload)
{
	put16(m, sport);
	put16(m, dport);
	put16(m, 8 + payload);
	put16(m, 0);
}

static const struct decode_options made_options = {.app = true};

static inline void made_decode(struct made *m, struct decoded *d, uint32_t link)
{
	memset(d, 0xaa, sizeof(*d));
	decode_packet(d, &made_options, link, m->bytes, m->len, m->len);
}

#endif
