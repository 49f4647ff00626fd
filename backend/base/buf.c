#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define BUF_FIRST_BYTES 64u

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes};
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = 0;
}

/* One byte more than cap is always held, for the 0 at the end. */
uint8_t *buf_reserve(struct buf *b, size_t len)
{
	size_t need, cap;

	if (len > b->max - b->len)
		return NULL;
	need = b->len + len;
	if (b->data && need <= b->cap)
		return b->data + b->len;
	cap = b->cap ? b->cap : BUF_FIRST_BYTES;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max)
		cap = b->max;
	b->data = xreallocarray(b->data, cap + 1, 1);
	b->cap = cap;
	b->data[b->len] = 0;
	return b->data + b->len;
}

int buf_add(struct buf *b, const void *p, size_t len)
{
	if ((!b->data || len > b->cap - b->len) && !buf_reserve(b, len))
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_add_byte(struct buf *b, uint8_t c)
{
	if ((!b->data || b->len == b->cap) && !buf_reserve(b, 1))
		return -1;
	b->data[b->len++] = c;
	b->data[b->len] = 0;
	return 0;
}

/* Into the room there is at first: mostly that is enough. */
int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	const size_t room = b->data ? b->cap - b->len + 1 : 0; /* with the 0 at the end */
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(b->data ? (char *)b->data + b->len : NULL, room, fmt, ap);
	if (n >= 0 && (size_t)n >= room)
		n = buf_reserve(b, (size_t)n)
			    ? vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again)
			    : -1;
	va_end(again);
	if (n > 0)
		b->len += (size_t)n;
	if (b->data)
		b->data[b->len] = 0;
	return n < 0 ? -1 : 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return rc;
}

void buf_consume(struct buf *b, size_t len)
{
	if (len >= b->len) {
		buf_clear(b);
		return;
	}
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
	b->data[b->len] = 0;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? (const char *)b->data : "";
}

int buf_add_u16(struct buf *b, uint16_t v)
{
	const uint8_t p[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	return buf_add(b, p, sizeof(p));
}

int buf_add_u32(struct buf *b, uint32_t v)
{
	const uint8_t p[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			      (uint8_t)v};

	return buf_add(b, p, sizeof(p));
}

int buf_add_u64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	for (unsigned i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
	return buf_add(b, p, sizeof(p));
}
