/* UDP datagrams that came in fragments of IP, put together (RFC 791 3.2, RFC 8200 4.5). The first
 * that comes of a byte counts. */
#ifndef ANALYSIS_DATAGRAM_H
#define ANALYSIS_DATAGRAM_H

#include "analysis/analysis.h"

#define DATAGRAMS_MAX 64u /* that wait at once; past it the oldest is given up */
#define DATAGRAM_BYTES_MAX 65536u
#define DATAGRAM_BLOCK 8u /* bytes, the unit of fragments */

struct datagram {
	uint8_t src[16], dst[16], family;
	uint32_t id;
	bool used, has_first;
	uint8_t app;	 /* enum proto, of the first fragment's last layer */
	uint32_t length; /* of UDP's header and payload; 0: the last fragment has not come */
	uint32_t here;	 /* bytes that came */
	uint8_t *data;	 /* DATAGRAM_BYTES_MAX */
	uint8_t came[DATAGRAM_BYTES_MAX / DATAGRAM_BLOCK / 8]; /* a bit a block */
};

struct datagrams {
	struct datagram datagram[DATAGRAMS_MAX];
	uint32_t next;
};

/* Takes a fragment of UDP. The datagram when this makes it whole, borrowed until the next; else
 * NULL. */
const struct datagram *datagrams_add(struct datagrams *d, const struct analysis_packet *p);
void datagrams_release(struct datagrams *d);

#endif
