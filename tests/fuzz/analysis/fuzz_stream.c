/* Random segments: what comes out is what was sent, in order, holes told; bounds hold. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct out {
	uint32_t next;
};

/* The byte at a place of the stream. */
static uint8_t byte_at(uint32_t seq)
{
	return (uint8_t)(seq * 31u ^ seq >> 8);
}

static void on_piece(void *arg, const struct tcp_stream_piece *p)
{
	struct out *o = arg;

	o->next += p->gap;
	for (uint32_t i = 0; i < p->length; i++)
		assert(p->data[i] == byte_at(o->next + i));
	o->next += p->length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_stream s = {0};
	struct tcp_stream_pool pool = {0};
	struct out o = {.next = 0xffffff00u};
	uint8_t bytes[256];
	size_t each = 0; /* what a held piece takes besides its bytes */

	tcp_stream_start(&s, o.next);
	for (; size >= 4; data += 4, size -= 4) {
		uint32_t seq = 0xffffff00u + ((uint32_t)data[0] << 8 | data[1]);
		struct tcp_stream_segment g = {
			.seq = seq, .length = data[2], .captured = data[3], .data = bytes};

		for (uint32_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = byte_at(seq + i);
		tcp_stream_add(&s, &pool, &g, on_piece, &o);
		assert(s.next == o.next);
		assert(s.nheld <= TCP_STREAM_PIECES_MAX && s.held_bytes <= TCP_STREAM_HELD_MAX);
		if (s.nheld && !each)
			each = (pool.bytes - s.held_bytes) / s.nheld;
		assert(pool.bytes == s.held_bytes + s.nheld * each);
	}
	tcp_stream_end(&s, &pool, on_piece, &o);
	assert(s.nheld == 0 && pool.bytes == 0);
	return 0;
}
