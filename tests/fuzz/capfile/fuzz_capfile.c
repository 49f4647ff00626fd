/* Records of pcap and pcapng, damage and resync included: in memory, where the first byte says how
 * many bytes are given at a time, and (that byte is odd) as a file. Who reads it again and knows
 * the holes sees the same packets, and each is at its place. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capfile/capfile.h"

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

/* The next packet; damage of any length is passed over at once. */
static int next(struct capfile *f, struct packet *pk)
{
	struct err e;
	int r;

	do
		r = capfile_next(f, pk, &e);
	while (r == CAPFILE_LATER);
	if (r < 0)
		abort();
	return r;
}

static void same_again(struct capfile *f, struct capfile *again, size_t size,
		       volatile uint32_t *sum)
{
	struct packet pk, other, at;
	uint64_t captured = 0;
	struct err e;

	while (next(f, &pk) == 1) {
		captured += pk.captured;
		*sum += touch(&pk);
		if (capfile_read_at(f, pk.offset, pk.interface, pk.number, &at, &e) ||
		    at.captured != pk.captured || at.length != pk.length)
			abort();
	}
	if (captured > size || capfile_done(f) != size)
		abort();
	capfile_learn(again, f);
	for (uint64_t n = 0; n < capfile_packets(f); n++)
		if (next(again, &other) != 1)
			abort();
	if (next(again, &other) != 0 ||
	    blocks_interfaces(capfile_blocks(f)) != blocks_interfaces(capfile_blocks(again)))
		abort();
}

static void as_file(const uint8_t *data, size_t size, volatile uint32_t *sum)
{
	struct capfile *f, *again;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct err e;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (capfile_open(&f, dup(fd), "fuzz", &e) == 0) {
		if (capfile_open(&again, dup(fd), "fuzz", &e))
			abort();
		capfile_end(f);
		capfile_end(again);
		same_again(f, again, size, sum);
		capfile_close(again);
		capfile_close(f);
	}
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blocks *b = blocks_new();
	volatile uint32_t sum = 0;
	size_t at = 0, used, window;

	if (size < 2)
		goto out;
	window = 64 + (size_t)data[0] * 64;
	if (data[0] % 2)
		as_file(data + 1, size - 1, &sum);
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
