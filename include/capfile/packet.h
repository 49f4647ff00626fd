/* One packet, wherever it lies: borrowed from the buffer that was read. */
#ifndef CAPFILE_PACKET_H
#define CAPFILE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_BYTES_MAX (256u * 1024 * 1024) /* captured bytes that a record may claim */

struct packet {
	const uint8_t *data;
	uint32_t captured;  /* bytes at data */
	uint32_t length;    /* bytes on the wire, as the file says: in broken files less than captured */
	uint32_t interface; /* number within the file, over all its sections */
	uint32_t link_type; /* LINKTYPE_ value (1 EN10MB, 101 RAW, 113 LINUX_SLL, ...) */
	int64_t ts_ns;	    /* since the epoch; meaningless unless has_time */
	bool has_time;
	uint64_t number; /* 1, 2, 3 in the file's order */
	uint64_t offset; /* of its record in the file */
};

/* libpcap's name of a link type ("EN10MB", "LINUX_SLL"), "LINKTYPE_N" where there is none. */
const char *link_type_name(uint32_t link_type, char buffer[24]);

#endif
