/* The tap's own blocks, walked: how many packets, how much of them is whole, and the same as
 * records of pcap. */
#ifndef TAP_TRANSCODE_H
#define TAP_TRANSCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transcode;

struct transcode_piece {
	const uint8_t *p;
	size_t len;
};

struct transcode *transcode_new(bool microseconds);
void transcode_free(struct transcode *t); /* NULL is fine */
/* Turns whole blocks into whole records, borrowed until the next call; the file's header first
 * where it `starts`. */
int transcode_pcap(struct transcode *t, bool starts, struct transcode_piece *piece);
uint64_t transcode_packets(const uint8_t *blocks, size_t len);
/* Bytes of the whole block at p, 0 where there is none; *packet: it is one of a packet. */
size_t transcode_block(const uint8_t *p, size_t len, bool *packet);
int64_t transcode_ticks(const uint8_t *block); /* the time of a packet's block */
/* Of bytes that were written only in part: those of whole blocks (or records of pcap), and the
 * packets in them. */
size_t transcode_whole(bool pcap, bool starts, const uint8_t *p, size_t len, uint64_t *packets);

#define TRANSCODE_PCAP_HEADER 24u /* bytes of a pcap file's header */
#define TRANSCODE_PCAP_RECORD 16u /* bytes before a record's packet */

#endif
