/* A bounded reader of a packet's bytes: head <= data <= tail always. What is here (captured) and
 * what was on the wire are told apart: `end` may lie behind `tail` when the capture or the frame
 * holds less than a header claims. */
#ifndef DECODE_CURSOR_H
#define DECODE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *head; /* the packet's first byte */
	const uint8_t *data; /* the next byte */
	const uint8_t *tail; /* behind the last byte that is here and belongs to the layer */
	uint32_t end;	     /* offset from head where the layer ends on the wire */
};

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static inline uint32_t cursor_offset(const struct cursor *c)
{
	return (uint32_t)(c->data - c->head);
}

/* Bytes that are here. */
static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->tail - c->data);
}

/* Bytes that were on the wire. */
static inline uint32_t cursor_wire(const struct cursor *c)
{
	uint32_t at = cursor_offset(c);

	return c->end > at ? c->end - at : 0;
}

/* The next n bytes, NULL (and nothing moves) when they are not here. */
static inline const uint8_t *cursor_peek(const struct cursor *c, size_t n)
{
	return n <= cursor_left(c) ? c->data : NULL;
}

static inline const uint8_t *cursor_pull(struct cursor *c, size_t n)
{
	const uint8_t *p = c->data;

	if (n > cursor_left(c))
		return NULL;
	c->data += n;
	return p;
}

/* The layer ends after `bytes` more on the wire, whatever was believed before. */
static inline void cursor_limit(struct cursor *c, uint32_t bytes)
{
	c->end = cursor_offset(c) + bytes;
	if (bytes < cursor_left(c))
		c->tail = c->data + bytes;
}

/* A cursor over bytes that are all here. */
static inline struct cursor cursor_over(const uint8_t *head, uint32_t offset, size_t length)
{
	return (struct cursor){head, head + offset, head + offset + length,
			       (uint32_t)(offset + length)};
}

#endif
