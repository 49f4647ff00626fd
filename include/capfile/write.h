/* Makes pcapng blocks and pcap records in memory; mends what a crash left. */
#ifndef CAPFILE_WRITE_H
#define CAPFILE_WRITE_H

#include "base/buf.h"
#include "base/err.h"
#include "capfile/packet.h"

/* Little-endian whatever the machine. All append whole blocks; -1 past the buffer's maximum. Texts may be NULL, and are cut
 * at BLOCKS_TEXT_MAX bytes. Counts of UINT64_MAX are not known and left out. Times before 1970 become 1970. */
int write_section(struct buf *out, const char *comment); /* comment may be NULL; application is named */
int write_interface(struct buf *out, const char *name, const char *filter, uint32_t link_type, uint32_t snaplen); /* ns */
/* What else an interface may say. Times of a block are in its ticks: write_ticks. */
struct write_interface {
	const char *name, *filter, *comment; /* NULL: not said */
	uint32_t link_type, snaplen;
	bool microseconds;
};
int write_interface_said(struct buf *out, const struct write_interface *said);
int64_t write_ticks(bool microseconds, int64_t ts_ns);
/* ts: ticks of the interface */
int write_statistics(struct buf *out, uint32_t interface, int64_t ts, uint64_t received, uint64_t dropped_kernel, uint64_t dropped_device);
/* Bytes of an enhanced packet block, and the block at dst (that many bytes). ts: ticks of the interface. */
#define WRITE_PACKET_OVERHEAD 36u
uint32_t write_packet_bytes(uint32_t captured);
void write_packet(uint8_t *dst, uint32_t interface, int64_t ts, uint32_t captured, uint32_t length, const uint8_t *data);
/* The same with a comment. */
uint32_t write_commented_bytes(uint32_t captured, const char *comment);
void write_commented(uint8_t *dst, uint32_t interface, int64_t ts, uint32_t captured, uint32_t length,
		     const uint8_t *data, const char *comment);
/* Classic pcap, nanoseconds or microseconds. */
int write_pcap_header(struct buf *out, uint32_t link_type, uint32_t snaplen, bool nanoseconds);
int write_pcap_packet(struct buf *out, bool nanoseconds, const struct packet *pk);

struct repair {
	uint64_t bytes, packets; /* whole ones that are there */
	uint64_t cut_bytes;	 /* that were not */
	uint64_t wire_bytes;	 /* lengths of the packets as they were on the wire */
	int64_t first_ns, last_ns; /* earliest and latest time; 0 where no packet has one */
};
/* What capfile_repair would leave of it; only looks, and syncs. */
int capfile_examine(int fd, struct repair *r, struct err *e);
/* Cuts the file (open for reading and writing; it stays the caller's) at the last whole record and syncs it. Damage
 * that sound records follow stays. -1: it is no capture file, or it could not be cut. */
int capfile_repair(int fd, struct repair *r, struct err *e);

#endif
