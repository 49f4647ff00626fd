/* Walks the records of pcap and pcapng in memory: a file read in blocks and a live chunk alike. Keeps what a
 * section said (byte order, interfaces); never reads past the bytes that it is given.
 * pcapng: draft-ietf-opsawg-pcapng; pcap: draft-ietf-opsawg-pcap (also nanosecond and modified magic). */
#ifndef CAPFILE_BLOCKS_H
#define CAPFILE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "capfile/packet.h"

#define BLOCKS_INTERFACES_MAX (1u << 20)
#define BLOCKS_TEXT_MAX 4096u /* bytes kept of a comment, name or filter */

struct capture_interface {
	char *name, *description, *filter, *comment; /* NULL where not said */
	uint32_t link_type, snaplen;
	uint8_t resolution;   /* as pcapng's if_tsresol: 6 micro, 9 nano, 0x80 | n: 2^-n */
	int64_t offset_s;     /* if_tsoffset */
	uint64_t packets, bytes; /* seen so far */
	uint32_t captured_max;	 /* bytes of the longest of them, beyond snaplen or not */
	uint64_t received, dropped; /* from statistics blocks; UINT64_MAX where not said */
};

struct blocks;

struct blocks *blocks_new(void);
void blocks_free(struct blocks *b);

enum blocks_result {
	BLOCKS_PACKET = 1, /* *pk is filled */
	BLOCKS_OTHER = 2,  /* some other block was passed over (and remembered where it matters) */
	BLOCKS_MORE = 0,   /* the record is not whole: give more bytes from the same place; *used = bytes needed in all */
	BLOCKS_BAD = -1,   /* what stands here is no record: *e says why */
};
/* One record at p (which lies at `offset` in the file). The first must be a file header or section header. */
enum blocks_result blocks_next(struct blocks *b, const uint8_t *p, size_t len, uint64_t offset, struct packet *pk,
			       size_t *used, struct err *e);
/* After damage: the next place at or behind p where sound records follow each other (or one that ends the file, when
 * `at_end`); of pcap those that are near in time to what was read before, rather than others a little in front of them.
 * Returns bytes to skip, or -1: none in these bytes (keep the last BLOCKS_RESYNC_KEEP). */
int64_t blocks_resync(struct blocks *b, const uint8_t *p, size_t len, int at_end);
#define BLOCKS_RESYNC_KEEP 65536u

uint32_t blocks_interfaces(const struct blocks *b);
const struct capture_interface *blocks_interface(const struct blocks *b, uint32_t number); /* borrowed; NULL past the end */
/* "pcap", "nsecpcap", "modpcap", "pcapng"; "" before the header. */
const char *blocks_format(const struct blocks *b);

#endif
