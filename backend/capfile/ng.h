/* One block of pcapng: what ng.c, resync.c and write.c share. */
#ifndef CAPFILE_NG_H
#define CAPFILE_NG_H

#include "blocks_private.h"

enum ng_type {
	NG_SECTION = 0x0a0d0d0a,
	NG_INTERFACE = 1,
	NG_OLD_PACKET = 2, /* obsolete */
	NG_SIMPLE = 3,
	NG_NAMES = 4,
	NG_STATISTICS = 5,
	NG_ENHANCED = 6,
};
enum option_code {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	IF_TSOFFSET = 14,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
	ISB_OSDROP = 7,
};

/* Damage is looked through for these: others are passed over where a walk meets them. */
static inline bool ng_type_known(uint32_t type)
{
	return type - 1u < 16 || type == NG_SECTION || type == 0xbad || type == 0x40000bad;
}

struct ng_frame {
	uint32_t type;
	bool big;
	size_t bytes; /* of the whole block */
};

/* The two lengths of a block. BLOCKS_OTHER: whole and sound; MORE: *used bytes are needed; BAD. */
enum blocks_result ng_frame(bool big, const uint8_t *p, size_t len, struct ng_frame *f,
			    size_t *used, struct err *e);
/* BLOCKS_PACKET where the block is a packet of this section, BLOCKS_OTHER where it is something
 * else, BAD. */
enum blocks_result ng_packet(const struct blocks *b, const struct section *s,
			     const struct ng_frame *f, const uint8_t *p, struct packet *pk,
			     struct err *e);
/* Does the block hold what it claims to be captured? True where it is no packet. */
bool ng_packet_fits(const struct ng_frame *f, const uint8_t *p);
enum blocks_result ng_step(struct blocks *b, const uint8_t *p, size_t len, struct packet *pk,
			   size_t *used, struct err *e);

#endif
