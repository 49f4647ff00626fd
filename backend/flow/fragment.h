/* Inside of flow: the datagrams of which only fragments were seen. */
#ifndef FLOW_FRAGMENT_H
#define FLOW_FRAGMENT_H

#include "table.h"

struct held {
	uint64_t packets, bytes, ip_bytes, payload;
	int64_t first_ns, last_ns;
	struct flow_place place; /* of the first */
	uint64_t last_number;	 /* of the last packet */
};
struct fragments *fragments_new(void);
void fragments_free(struct fragments *x);
/* A later fragment: its datagram's ports into the key, or, when the first has not been seen, it is
 * held (true). `carried`: the key is of the packet inside its datagram, whose own headers have told
 * its lengths; it borrows addresses until the next packet. */
bool fragments_later(struct flows *f, struct key *k, const struct decoded *d,
		     const struct flow_place *p, bool *carried);
/* A first fragment: remembers the ports; fills *held with what came before it. */
void fragments_first(struct flows *f, const struct key *k, const struct decoded *d,
		     const struct flow_place *p, struct held *held);
/* The next held datagram whose first fragment will not come (all of them at the end); its key,
 * without ports. */
bool fragments_expired(struct flows *f, int64_t now_ns, bool all, struct key *k, struct held *held,
		       uint8_t src[16], uint8_t dst[16]);
bool fragments_known(const struct flows *f, struct key *k, const struct decoded *d);

#endif
