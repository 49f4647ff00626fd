/* IP datagrams that came in fragments, put together (RFC 791 3.2, RFC 8200 4.5): what they carry, a
 * tunnel's packet too, is read as if it had come whole. The first that comes of a byte counts. */
#ifndef ANALYSIS_DATAGRAM_H
#define ANALYSIS_DATAGRAM_H

#include "analysis/analysis.h"

#define DATAGRAMS_MAX 64u /* that wait at once; past it the oldest is given up */
#define DATAGRAM_BYTES_MAX 65536u
#define DATAGRAM_BLOCK 8u   /* bytes, the unit of fragments */
#define DATAGRAM_HEADER 40u /* bytes of the longest header without options */

struct datagram {
	uint8_t src[16], dst[16], family, protocol;
	uint32_t id;
	bool used, has_first, tunnel; /* tunnel: the first fragment has a packet inside */
	uint8_t direction;	      /* of the first, as its connection */
	uint64_t connection;
	uint32_t length; /* behind the IP header; 0: the last fragment has not come */
	uint32_t here;	 /* bytes that came */
	uint8_t *data;	 /* a header, and DATAGRAM_BYTES_MAX */
	uint8_t came[DATAGRAM_BYTES_MAX / DATAGRAM_BLOCK / 8]; /* a bit a block */
};

struct datagrams {
	struct datagram datagram[DATAGRAMS_MAX];
	uint32_t next;
	/* what was answered last */
	struct decoded decoded;
	struct analysis_packet packet;
};

/* The packet itself when it is no fragment. Of fragments the datagram that this one makes whole, as
 * a packet, borrowed until the next call; before, of the first with TCP what is here of it; else
 * NULL. */
const struct analysis_packet *datagrams_whole(struct datagrams *d, const struct analysis_packet *p);
void datagrams_release(struct datagrams *d);

#endif
