/* Inside of flow: what is kept of a connection: a slot that each has, figures of directions that go
 * on, and what only some need. */
#ifndef FLOW_SLOT_H
#define FLOW_SLOT_H

#include "flow/connection.h"

#define HISTORY_SHORT 12u /* letters of a history that stand in the slot */

/* Bytes of sequence space not seen yet below next_seq: [start, end). */
struct hole {
	uint32_t start, end;
	bool acked; /* the receiver has them: our loss, not the network's */
};

/* What only some directions need. */
struct more_flow {
	struct hole *hole; /* sorted by start; owned */
	uint32_t holes, holes_room;
	uint32_t rexmit, gaps, zero, bad; /* occurrences, for the letters t g w c; 0: few */
	uint32_t acked_unseen;		  /* the ACK that first covered bytes behind next_seq */
	bool has_acked_unseen;
	/* What does not fit into the narrow counts of struct side, in units of their range. */
	uint32_t packets_high, bytes_high, ip_high, payload_high;
	uint32_t syn_high, fin_high, rst_high;
	uint64_t repeated; /* payload bytes that were seen before */
	uint32_t retrans_packets, out_of_order, zero_window;
	uint32_t urg, ece, cwr, syn_again, fin_again;
	uint32_t keep_alives, probes;
	uint32_t sack_packets, sack_blocks, sack_max, dsack_packets;
	uint32_t cut_packets, duplicates;
	uint64_t cut_bytes;
	uint32_t dup_acks, dup_run, triple_dups;
	struct repeats *repeats; /* NULL: nothing was sent again; owned */
	int64_t ip_extra;	 /* bytes of IP headers less 20 or 40 a packet */
	uint64_t urg_bytes, window_sum_high;
	uint32_t push_empty, probe_bytes;
	/* What does not fit into the narrow counts of struct figures, in units of their range. */
	uint32_t acks_high, pure_acks_high, pushes_high, windows_high, updates_high;
};

struct more {
	struct more_flow flow[2];
	int64_t syn_ns;					      /* of the latest copy of the SYN */
	char history[CONNECTION_HISTORY_MAX - HISTORY_SHORT]; /* letters behind those of the slot */
};

struct sent;	/* sent.h */
struct bulk;	/* bulk.h */
struct repeats; /* bulk.h */

/* A direction's figures, from its second packet on: what its first one was is known from the slot.
 * What every packet changes stands in front. */
struct figures {
	int64_t last_ns;
	uint64_t idle_ns, arrival_ns; /* the longest and the shortest time between two packets */
	uint16_t acks, pure_acks, pushes, windows, updates; /* the rest in struct more_flow */
	bool timed : 1, data_timed : 1, gapped : 1;	    /* the times are set */
	bool has_bulk : 1; /* which of `of`; what is called few here is there then */
	unsigned char data_packets : 2, rtt_samples : 2, flights : 2, cumulative : 2; /* few */
	unsigned char initial_packets : 2, full : 2; /* few; which round trips are of full size */
	uint32_t window_sum;
	uint16_t window_max, window_min;
	uint32_t rst_seq;
	struct sent *sent; /* segments that are not acknowledged yet; NULL: none; owned */
	union {
		struct bulk *bulk; /* owned */
		uint32_t rtt_ns[2];
	} of;
	int64_t data_last_ns, data_first_ns;
	uint32_t initial_bytes, flight_max, flight_min; /* few */
	uint16_t segment_max, segment_min;		/* few */
	float flight_area;				/* few: bytes * ns */
	uint32_t fin_seq;
};
_Static_assert(sizeof(struct figures) <= 104, "with the slot, both directions take 400 bytes");

/* One direction, in one cache line less a word: what every connection has. */
struct side {
	uint32_t packets, bytes, ip_bytes, payload; /* the rest in struct more_flow */
	uint32_t next_seq, first_seq, last_ack;
	uint16_t window, mss;
	uint8_t seen, end, letters;
	uint8_t options;     /* of its SYN: scale + 1, enum side_option */
	uint8_t first_flags; /* of its first packet, when that had a TCP header */
	uint8_t syn, fin, rst;
	int64_t first_ns;
	struct figures *figures;
};

enum side_option { SIDE_SCALE = 15, SIDE_TIMESTAMPS = 16, SIDE_SACK = 32, SIDE_FIRST = 64 };
/* SIDE_FIRST: first_flags are set */

union ends {
	uint8_t ip4[2][4];
	uint8_t (*ip6)[16]; /* of both; owned */
};

struct slot {
	union ends ends;
	uint16_t port[2];
	uint8_t protocol, app, tunnel;
	uint8_t state : 4, ip6 : 1, has_ports : 1, closed : 1, app_by_content : 1;
	uint64_t number : 40, first_segment : 24;
	uint64_t first_packet : 40, vlan : 12;
	uint64_t last_packet : 40, part : 16, initiator : 8;
	uint64_t first_offset : 48, bad_a : 4, bad_b : 4; /* bad checksums, while they are few */
	uint64_t history; /* letters of 5 bits: enum letter's place + 1, 16 for small ones */
	int64_t handshake_ns;
	struct more *more; /* NULL for most */
	struct side side[2];
};
_Static_assert(sizeof(struct slot) <= 192, "a plain connection takes three cache lines");

/* Whether any packet of the direction was seen. */
static inline bool side_spoke(const struct side *fl)
{
	return fl->packets || fl->figures;
}

static inline const uint8_t *slot_end(const struct slot *s, unsigned end)
{
	return s->ip6 ? s->ends.ip6[end] : s->ends.ip4[end];
}

#endif
