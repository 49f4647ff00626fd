/* Records of pcap and pcapng in memory, damage and resync included. The first byte says how many
 * bytes are given at a time. */
#include <stdlib.h>
#include <string.h>

#include "capfile/blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t touch(const struct packet *pk)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < pk->captured; i++)
		sum += pk->data[i];
	return sum;
}

/* One step at p; how far it goes, 0 for the end. The bytes lie in memory of just their size, so
 * that a byte too many is seen. */
static size_t step(struct blocks *b, const uint8_t *p, size_t len, uint64_t offset,
		   volatile uint32_t *sum)
{
	uint8_t *own = malloc(len);
	struct packet pk;
	struct err e;
	size_t used = 0;
	int64_t skip;

	memcpy(own, p, len);
	switch (blocks_next(b, own, len, offset, &pk, &used, &e)) {
	case BLOCKS_PACKET:
		*sum += touch(&pk);
		if (used > len || pk.data + pk.captured > own + used)
			abort();
		break;
	case BLOCKS_OTHER:
		if (used > len)
			abort();
		break;
	case BLOCKS_MORE:
		if (used <= len)
			abort();
		used = 0;
		break;
	case BLOCKS_BAD:
		skip = len > 1 ? blocks_resync(b, own + 1, len - 1, 1) : -1;
		if (skip >= (int64_t)len)
			abort();
		used = skip < 0 ? 0 : (size_t)skip + 1;
		break;
	}
	free(own);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blocks *b = blocks_new();
	volatile uint32_t sum = 0;
	size_t at = 0, used, window;

	if (size < 2)
		goto out;
	window = 64 + (size_t)data[0] * 64;
	data++;
	size--;
	while (at < size) {
		const size_t rest = size - at;

		used = step(b, data + at, rest < window ? rest : window, at, &sum);
		if (used == 0 && rest > window)
			used = step(b, data + at, rest, at, &sum);
		if (used == 0)
			break;
		at += used;
	}
	for (uint32_t i = 0; i < blocks_interfaces(b); i++)
		sum += blocks_interface(b, i)->link_type;
out:
	blocks_free(b);
	return 0;
}
