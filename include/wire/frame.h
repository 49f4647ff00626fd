/* Frames: what every descriptor between our processes carries.
 *   u32 length of the payload | u16 type | u16 descriptors | u32 channel | u32 id      (big-endian, 16 bytes)
 * descriptors: how many come with it over a unix socket (the stream alone does not tell which frame they came with).
 * channel 0 is the process at the other end; others are bound by OPEN, and a control that passes a frame on
 * changes nothing but the channel. id: chosen by who asks, 1 and up; every answer carries it; 0 where nobody asked. */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define FRAME_HEADER_BYTES 16u

struct frame {
	uint16_t type;
	uint16_t nfd; /* at most FDIO_PASS_MAX */
	uint32_t channel, id;
	const uint8_t *payload; /* borrowed from the input */
	size_t len;
};

/* -1: too long, or past the buffer's maximum; the buffer then stays as it was. */
int frame_put(struct buf *out, uint16_t type, uint32_t channel, uint32_t id, const void *payload, size_t len);
int frame_put_fds(struct buf *out, uint16_t type, uint16_t nfd, uint32_t channel, uint32_t id,
		  const void *payload, size_t len);
/* 1: a whole frame, *used bytes of it; 0: more bytes are needed; -1: the stream is no stream of ours. */
int frame_get(const uint8_t *p, size_t len, struct frame *f, size_t *used, struct err *e);

#endif
