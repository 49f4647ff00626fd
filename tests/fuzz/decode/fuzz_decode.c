/* Any bytes as a packet of any link type: decoding, its line and its tree stay inside the bytes and
 * within the lengths. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct extent {
	uint32_t captured;
	size_t sum;
};

static void field(void *arg, unsigned depth, const char *name, struct str value, uint32_t offset,
		  uint32_t length)
{
	struct extent *x = arg;

	assert(depth < 16 && name[0] && offset <= x->captured && length <= x->captured - offset);
	for (size_t i = 0; i < value.len; i++)
		x->sum += (uint8_t)value.p[i];
	x->sum += length;
}

static void check(const struct decoded *d, uint32_t captured)
{
	assert(d->nlayers <= DECODE_LAYERS_MAX);
	for (unsigned i = 0; i < d->nlayers; i++)
		assert(d->layer[i].protocol < PROTO_COUNT &&
		       d->layer[i].offset + d->layer[i].length <= captured);
	assert(d->payload_captured <= d->payload_bytes || !(d->flags & DECODE_IP));
	assert(!d->payload_captured || d->payload_offset + d->payload_captured <= captured);
	assert(!(d->flags & DECODE_BAD) || d->why);
	assert(!(d->flags & DECODE_IP) || d->family == 4 || d->family == 6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t links[] = {0,   1,   9,	12,   101, 105, 108, 113, 127, 228,
					 229, 253, 276, 9999, 50,  51,	100, 104, 107, 109,
					 117, 119, 163, 166,  182, 192, 204, 206, 239, 258};
	struct decode_options o;
	struct decoded d;
	struct extent x;
	struct buf line;
	uint8_t *copy;
	uint32_t link, length;

	if (size < 3)
		return 0;
	link = links[data[0] % (sizeof(links) / sizeof(links[0]))];
	o = (struct decode_options){data[1] & 1, data[1] & 2, data[1] & 4};
	x = (struct extent){(uint32_t)size - 3, 0};
	length = x.captured + (data[1] & 8 ? data[2] * 7u : 0);
	/* A copy of its own, so that one byte too far is seen. */
	copy = malloc(x.captured + !x.captured);
	if (!copy)
		abort();
	memcpy(copy, data + 3, x.captured);
	memset(&d, 0xaa, sizeof(d)); /* it is reused from packet to packet */
	decode_packet(&d, &o, link, copy, x.captured, length);
	check(&d, x.captured);
	buf_init(&line, 4096);
	decode_info(&line, &d, copy, x.captured, NULL);
	decode_fields(&d, copy, x.captured, length, field, &x);
	buf_release(&line);
	free(copy);
	return 0;
}
