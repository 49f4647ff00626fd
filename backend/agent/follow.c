#include "follow.h"

#include <endian.h>
#include <string.h>

/* Blocks, draft-ietf-opsawg-pcapng 4; the tap writes little-endian ones. */
#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET 6u
#define BLOCK_MIN 12u

static uint32_t word_at(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return le32toh(word);
}

/* Interfaces keep their numbers from section to section of one session: those that were given out
 * need no telling again, and the sections become one. */
static bool block_wanted(struct follow *f, uint32_t type, uint32_t interface)
{
	switch (type) {
	case BLOCK_SECTION:
		f->in_section = 0;
		f->unsure = false;
		if (f->begun)
			return false;
		return f->begun = true;
	case BLOCK_INTERFACE:
		if (!f->begun || f->unsure || f->in_section++ < f->known)
			return false;
		f->known++;
		return true;
	case BLOCK_PACKET:
		f->number++;
		if (interface < f->known)
			return true;
		f->skipped++; /* its interface was told of in what was passed over */
		return false;
	case BLOCK_STATISTICS:
		return interface < f->known;
	default:
		return f->begun;
	}
}

/* What of these blocks is given out. */
static int64_t blocks_take(struct follow *f, const uint8_t *p, uint32_t len, uint8_t *to)
{
	int64_t given = 0;

	for (uint32_t at = 0, bytes; len - at >= BLOCK_MIN; at += bytes) {
		bytes = word_at(p + at + 4);
		if (bytes < BLOCK_MIN || bytes > len - at)
			break; /* what is published is whole: this is no block */
		if (!block_wanted(f, word_at(p + at), word_at(p + at + 8)))
			continue;
		memcpy(to + given, p + at, bytes);
		given += bytes;
	}
	return given;
}

/* The chunk is there no more: on, to one that will stay for a while. */
static void follow_skip(struct follow *f, uint64_t next)
{
	const uint64_t held = f->map.slots / 2;
	const uint64_t to = next > held ? next - held : 0;

	f->sequence = to > f->sequence ? to : f->sequence + 1;
	f->at = 0;
	f->unsure = true;
}

/* Bytes that are new in it are copied, and are good when it is still the same chunk behind that.
 * -1: it is not. */
static int64_t chunk_copy(struct follow *f, uint32_t *at)
{
	const struct chunk_entry *entry;
	const uint8_t *data;
	uint32_t length;

	entry = chunks_get(&f->map, f->sequence, &data, &length);
	if (!entry)
		return -1;
	if (f->at == 0 && entry->first_packet > f->number) {
		f->skipped += entry->first_packet - f->number;
		f->number = entry->first_packet;
	}
	*at = f->at;
	if (length <= f->at)
		return 0;
	memcpy(f->copy, data + f->at, length - f->at);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&entry->sequence, memory_order_relaxed) != f->sequence)
		return -1;
	return (int64_t)length - f->at;
}

int64_t follow_next(struct follow *f, uint8_t *to)
{
	for (;;) {
		const bool ended = atomic_load(&f->map.head->ended);
		const uint64_t next = atomic_load(&f->map.head->next);
		uint32_t at;
		int64_t n;

		if (f->sequence >= next)
			return ended ? -1 : 0;
		n = chunk_copy(f, &at);
		if (n < 0) {
			if (f->sequence + 1 >= next && !ended)
				return 0; /* it is just being taken */
			follow_skip(f, next);
			continue;
		}
		f->at = at + (uint32_t)n;
		/* Once there is one behind it, it grows no more: `next` was looked at before it. */
		if (n == 0 && f->sequence + 1 < next) {
			f->sequence++;
			f->at = 0;
			continue;
		}
		if (n == 0)
			return ended ? -1 : 0;
		n = blocks_take(f, f->copy, (uint32_t)n, to);
		if (n > 0)
			return n;
	}
}
