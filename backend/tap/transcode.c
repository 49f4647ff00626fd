#include "transcode.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "capfile/chunk.h"
#include "capfile/write.h"

#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BLOCK_MIN 12u
#define PACKET_HEAD 28u /* type, length, interface, time (2), captured, length */

struct transcode {
	struct buf out;
	uint32_t link_type, snaplen; /* of the first interface: pcap has one */
	bool has_interface, microseconds;
};

struct transcode *transcode_new(bool microseconds)
{
	struct transcode *t = xcalloc(1, sizeof(*t));

	t->microseconds = microseconds;
	/* a record is never longer than its block, and the header comes once */
	buf_init(&t->out, CHUNK_BYTES + TRANSCODE_PCAP_HEADER);
	return t;
}

void transcode_free(struct transcode *t)
{
	if (!t)
		return;
	buf_release(&t->out);
	free(t);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* Bytes of the block at p, 0 where no whole one is. */
static size_t block_bytes(const uint8_t *p, size_t len)
{
	size_t bytes = len >= BLOCK_MIN ? get32(p + 4) : 0;

	return bytes >= BLOCK_MIN && bytes <= len ? bytes : 0;
}

size_t transcode_block(const uint8_t *p, size_t len, bool *packet)
{
	const size_t bytes = block_bytes(p, len);

	*packet = bytes >= PACKET_HEAD && get32(p) == BLOCK_PACKET;
	return bytes;
}

int64_t transcode_ticks(const uint8_t *block)
{
	return (int64_t)((uint64_t)get32(block + 12) << 32 | get32(block + 16));
}

uint64_t transcode_packets(const uint8_t *blocks, size_t len)
{
	uint64_t packets = 0;
	size_t n;

	for (size_t at = 0; (n = block_bytes(blocks + at, len - at)) > 0; at += n)
		packets += get32(blocks + at) == BLOCK_PACKET;
	return packets;
}

static int add_record(struct transcode *t, const uint8_t *block)
{
	struct packet pk = {
		.ts_ns = transcode_ticks(block) * (t->microseconds ? 1000 : 1),
		.captured = get32(block + 20),
		.length = get32(block + 24),
		.data = block + PACKET_HEAD,
		.has_time = true,
	};

	return write_pcap_packet(&t->out, !t->microseconds, &pk);
}

static int add_interface(struct transcode *t, const uint8_t *block, bool starts)
{
	if (t->has_interface && !starts)
		return 0;
	if (!t->has_interface) {
		t->link_type = get32(block + 8) & 0xffff;
		t->snaplen = get32(block + 12);
		t->has_interface = true;
	}
	return t->out.len == 0
		       ? write_pcap_header(&t->out, t->link_type, t->snaplen, !t->microseconds)
		       : 0;
}

int transcode_pcap(struct transcode *t, bool starts, struct transcode_piece *piece)
{
	int bad = 0;
	size_t n;

	buf_clear(&t->out);
	for (size_t at = 0; !bad && (n = block_bytes(piece->p + at, piece->len - at)) > 0;
	     at += n) {
		uint32_t type = get32(piece->p + at);

		if (type == BLOCK_INTERFACE && starts)
			bad = add_interface(t, piece->p + at, starts);
		else if (type == BLOCK_PACKET)
			bad = add_record(t, piece->p + at);
	}
	piece->p = t->out.data;
	piece->len = t->out.len;
	return bad;
}

static size_t pcap_whole(bool starts, const uint8_t *p, size_t len, uint64_t *packets)
{
	size_t at = starts ? TRANSCODE_PCAP_HEADER : 0;

	if (at > len)
		return 0;
	while (len - at >= TRANSCODE_PCAP_RECORD &&
	       len - at - TRANSCODE_PCAP_RECORD >= get32(p + at + 8)) {
		at += TRANSCODE_PCAP_RECORD + get32(p + at + 8);
		++*packets;
	}
	return at;
}

size_t transcode_whole(bool pcap, bool starts, const uint8_t *p, size_t len, uint64_t *packets)
{
	size_t at = 0, n;

	*packets = 0;
	if (pcap)
		return pcap_whole(starts, p, len, packets);
	for (; (n = block_bytes(p + at, len - at)) > 0; at += n)
		*packets += get32(p + at) == BLOCK_PACKET;
	return at;
}
