/* The chunk: the one form that packets have inside. A memfd holds a head and slots of CHUNK_BYTES; a chunk is a slot filled
 * with whole pcapng blocks, with a published length. Control makes and holds the memfd, the tap writes it, the reader
 * maps it read-only. Sequence numbers 0, 1, 2 name chunks in their order. A second, small memfd is the reader's to write:
 * what it has let go. So nobody waits for anybody:
 *   - the tap takes a slot again only when its chunk is written (if recording; and if it is being saved) and released or not for
 *     the reader;
 *   - where the reader holds too many, new chunks are marked CHUNK_NOT_FOR_READER: it finds a gap and says so;
 *   - when the tap is killed, control writes every published chunk from `written` on at its file offset. */
#ifndef CAPFILE_CHUNK_H
#define CAPFILE_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CHUNK_BYTES (1u << 20)
#define CHUNK_SLOTS_MAX 512u
#define CHUNK_ENTRIES 1024u /* power of two, more than the slots: entry of sequence s is s % CHUNK_ENTRIES */
#define CHUNK_MAGIC 0x74646331u
#define CHUNK_PACKET_MAX (CHUNK_BYTES - 4096u) /* bytes of one block: longer packets are cut to fit, counted */

enum chunk_flag {
	CHUNK_NOT_FOR_READER = 1,
	CHUNK_STARTS_SEGMENT = 2, /* begins with section and interface blocks */
};

struct chunk_entry {
	_Atomic uint64_t sequence; /* written last; UINT64_MAX: none, also while the place is taken anew */
	uint32_t slot, flags;
	uint32_t segment;	/* 1, 2, ...; 0: not recorded */
	uint32_t pad;
	uint64_t file_offset;	/* of the chunk's first byte in its segment */
	uint64_t first_packet;	/* packets of the session before it */
	_Atomic uint32_t length; /* published bytes: whole blocks, only grows */
	_Atomic uint32_t packets; /* published */
};

struct chunk_head {
	uint32_t magic, slots, slots_offset, pad;
	_Atomic uint64_t next;	  /* sequences below it exist */
	_Atomic uint64_t written; /* chunks below it are completely in their files (meaningless when not recording) */
	_Atomic uint64_t low_ns;  /* no later packet will be older than this (watermark); 0 unknown */
	_Atomic uint32_t ended;	  /* the tap is done; nothing more will be published */
	uint32_t pad2;
	struct chunk_entry entry[CHUNK_ENTRIES];
};

struct chunk_release {
	_Atomic uint64_t released; /* the reader needs no chunk below it; UINT64_MAX: there is no reader */
};

/* A mapping of both. */
struct chunks {
	struct chunk_head *head; /* read-only in the reader */
	uint8_t *slot_base;
	struct chunk_release *release; /* read-only in the tap */
	uint32_t slots;
	uint64_t map_bytes;
};

/* Makes both memfds, `slots` chunks (2 to CHUNK_SLOTS_MAX); sealed against shrinking and growing. The caller closes them.
 * `released` is UINT64_MAX, no reader: who starts one stores there the first sequence that it is to have. */
int chunks_create(uint32_t slots, int *chunks_fd, int *release_fd, struct err *e);
/* The same memory through a descriptor that can neither write it nor map it so: the chunks' for the reader, the
 * release's for the tap. The caller closes it. -1: *e. */
int chunks_readonly_fd(int fd, struct err *e);
/* ASIDE: looks on, lets nothing go, writes neither; bytes that it takes are good when their chunk is still there behind. */
enum chunks_who { CHUNKS_TAP, CHUNKS_READER, CHUNKS_CONTROL, CHUNKS_ASIDE };
/* Maps with the rights of who asks; checks sizes and head (they come from another process). */
int chunks_map(struct chunks *c, int chunks_fd, int release_fd, enum chunks_who who, struct err *e);
void chunks_unmap(struct chunks *c);
/* The entry of a sequence; NULL when it was never there or is there no more (its place was taken). The slot
 * number and length are checked. Bytes at *data; up to *length are published. */
const struct chunk_entry *chunks_get(const struct chunks *c, uint64_t sequence, const uint8_t **data, uint32_t *length);

#endif
