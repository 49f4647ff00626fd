/* The table of a capture's connections: fed packet by packet, asked by number. One pass; a plain connection stays under 400
 * bytes; sequence holes are kept only while they are open. */
#ifndef FLOW_FLOWS_H
#define FLOW_FLOWS_H

#include "base/str.h"
#include "decode/decode.h"
#include "flow/connection.h"

#define FLOWS_HOLES_MAX 64u	      /* open holes of a flow kept apart; past it the oldest are closed as lost */
#define FLOWS_KEYS_MAX (16u << 20)    /* keys remembered of connections that left memory */

struct flows;

struct flows_options {
	uint64_t memory_bytes; /* budget of connections in memory; 0: no limit (files) */
	uint64_t base;	       /* connections numbered before (a later segment) */
	/* A connection leaves memory for good or for now (final: it is closed or the capture ends): write it down. */
	void (*leave)(void *arg, const struct connection *c, bool final);
	void *arg;
};

/* What flows_packet found out about this packet, for the packet's own row. */
struct flow_note {
	uint64_t number;   /* connection; 0: none, or a fragment that waits for its datagram's first
			    * (30 s at most; then flows_find knows, and the counts have moved) */
	uint8_t direction; /* 0: A to B, 1: B to A */
	uint8_t retransmission, out_of_order, duplicate_ack, new_connection, gap; /* booleans */
};

struct flows *flows_new(const struct flows_options *o);
void flows_free(struct flows *f); /* calls leave for nothing */
/* Counts the packet for its connection. `ts_ns`, `length`: of the packet on the wire; `place`: number, offset, segment. */
struct flow_place {
	uint64_t number, offset;
	uint32_t segment;
	int64_t ts_ns;
	bool has_time;
	uint32_t length;
};
void flows_packet(struct flows *f, const struct decoded *d, const struct flow_place *p, struct flow_note *note);
/* Three looks at a packet that will be counted soon, some packets apart, so that what it needs is in the cache by then.
 * The first gives what the others want; of *d it reads flags, ends and protocol. */
uint64_t flows_look_far(const struct flows *f, const struct decoded *d);
void flows_look(const struct flows *f, uint64_t hash);
void flows_look_near(const struct flows *f, uint64_t hash);
/* The connection that a key belongs to now, without counting: for quotes in ICMP errors and for second looks. */
uint64_t flows_find(const struct flows *f, const struct decoded *d, uint8_t *direction);
uint64_t flows_count(const struct flows *f);	   /* numbers given, base included */
uint64_t flows_in_memory(const struct flows *f);
uint64_t flows_memory_bytes(const struct flows *f);
/* By place among those in memory, in the order of numbers: 0 .. flows_in_memory - 1. Borrowed until the next packet. */
const struct connection *flows_at(const struct flows *f, uint64_t place);
const struct connection *flows_number(const struct flows *f, uint64_t number); /* NULL: not in memory */
/* Calls leave for those that changed since the last call (final false), at most `max`: the journal's heartbeat. */
uint64_t flows_checkpoint(struct flows *f, uint64_t max);
/* The capture ends: leave(final) for all that are in memory; they stay readable. */
void flows_finish(struct flows *f);
/* A connection that was numbered before this table was: as if it had left memory. Only with a budget, and before the first
 * packet, in the order of numbers or not; of those with one key the last stays. The next new one is behind the highest. */
struct flows_known {
	uint64_t number;
	struct str addr_a, addr_b; /* 4 or 16 bytes */
	struct str state, initiator; /* as the journal says them */
	uint16_t port_a, port_b;
	uint8_t protocol;
};
void flows_know(struct flows *f, const struct flows_known *k);
uint64_t flows_version(const struct flows *f); /* changes when places change (something left memory) */

#endif
