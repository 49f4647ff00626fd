/* Frames: whatever comes, a frame lies within what came, and is what writing it again gives. */
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0, used = 0;
	struct frame f;
	struct err e;
	struct buf again;

	buf_init(&again, FRAME_HEADER_BYTES + MSG_PAYLOAD_MAX);
	while (frame_get(data + at, size - at, &f, &used, &e) == 1) {
		if (used > size - at || f.len > used)
			abort();
		buf_clear(&again);
		if (frame_put_fds(&again, f.type, f.nfd, f.channel, f.id, f.payload, f.len) ||
		    again.len != used || memcmp(again.data, data + at, used) != 0)
			abort();
		at += used;
	}
	buf_release(&again);
	return 0;
}
