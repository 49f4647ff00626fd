#include "wire/frame.h"

#include "base/fdio.h"
#include "wire/msg.h"

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t read_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int frame_put_fds(struct buf *out, uint16_t type, uint16_t nfd, uint32_t channel, uint32_t id,
		  const void *payload, size_t len)
{
	if (len > MSG_PAYLOAD_MAX || nfd > FDIO_PASS_MAX)
		return -1;
	if (!buf_reserve(out, FRAME_HEADER_BYTES + len))
		return -1;
	if (buf_add_u32(out, (uint32_t)len) || buf_add_u16(out, type) || buf_add_u16(out, nfd) ||
	    buf_add_u32(out, channel) || buf_add_u32(out, id))
		return -1;
	return buf_add(out, payload, len);
}

int frame_put(struct buf *out, uint16_t type, uint32_t channel, uint32_t id, const void *payload,
	      size_t len)
{
	return frame_put_fds(out, type, 0, channel, id, payload, len);
}

int frame_get(const uint8_t *p, size_t len, struct frame *f, size_t *used, struct err *e)
{
	uint32_t payload;

	if (len < FRAME_HEADER_BYTES)
		return 0;
	payload = read_u32(p);
	*f = (struct frame){
		.type = read_u16(p + 4),
		.nfd = read_u16(p + 6),
		.channel = read_u32(p + 8),
		.id = read_u32(p + 12),
		.payload = p + FRAME_HEADER_BYTES,
		.len = payload,
	};
	if (payload > MSG_PAYLOAD_MAX || f->nfd > FDIO_PASS_MAX)
		return err_set(e, ERR_REFUSED,
			       "what comes is no message of tapdeck (a frame of %u bytes with %u "
			       "descriptors): "
			       "is it another program that answers?",
			       payload, f->nfd);
	if (len - FRAME_HEADER_BYTES < payload)
		return 0;
	*used = FRAME_HEADER_BYTES + payload;
	return 1;
}
