/* A growing buffer with a named maximum. Invariant: len <= cap <= max; data[len] is 0 when cap > 0. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len, cap, max;
};

void buf_init(struct buf *b, size_t max_bytes); /* takes no memory yet */
void buf_release(struct buf *b);		/* frees; the struct may be initialised again */
void buf_clear(struct buf *b);			/* len = 0, memory stays */
/* -1 when max would be passed; the buffer then stays as it was. */
int buf_add(struct buf *b, const void *p, size_t len);
int buf_add_str(struct buf *b, const char *s);
int buf_add_byte(struct buf *b, uint8_t c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for `len` more bytes at data + len, NULL past max; the caller then adds to len. */
uint8_t *buf_reserve(struct buf *b, size_t len);
void buf_consume(struct buf *b, size_t len); /* drops the first len bytes */
const char *buf_str(const struct buf *b);    /* never NULL; borrowed until the next change */

/* Big-endian writers and readers, for wire formats. */
int buf_add_u16(struct buf *b, uint16_t v);
int buf_add_u32(struct buf *b, uint32_t v);
int buf_add_u64(struct buf *b, uint64_t v);

#endif
