/* A connection: bidirectional, numbered 1, 2, 3 in the order of first packets; its flows are N.1 (from whoever sent the
 * first packet seen: A) and N.2. What counts as one: CONTRACT "What is a connection", analysis 1.1 ("ours"). */
#ifndef FLOW_CONNECTION_H
#define FLOW_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define CONNECTION_HISTORY_MAX 32u /* letters kept, with the end */

/* Zeek's conn_state. */
enum connection_state {
	CONN_NONE, /* UDP has S0 (one way) and SF (both ways), what is neither TCP nor UDP has OTH, as Zeek says */
	CONN_S0, CONN_S1, CONN_SF, CONN_REJ, CONN_S2, CONN_S3, CONN_RSTO, CONN_RSTR, CONN_RSTOS0, CONN_RSTRH,
	CONN_SH, CONN_SHR, CONN_OTH,
};

enum tcp_seen { SEEN_SYN = 1, SEEN_SYN_ACK = 2, SEEN_FIN = 4, SEEN_RST = 8, SEEN_DATA = 16, SEEN_ACK = 32, SEEN_ZERO_WINDOW = 64, SEEN_PARTIAL_ACK = 128 };

/* One direction. Everything here is known for every connection; what only some need is in `more`. */
struct flow {
	uint64_t packets, bytes;	/* bytes on the wire (frames) */
	uint64_t ip_bytes, payload;	/* by IP length; payload by the headers, retransmitted bytes included */
	uint64_t unique;		/* payload bytes of sequence space seen once or more (TCP), else payload */
	uint32_t retrans_packets;	/* segments with payload that overlap what was seen */
	uint32_t out_of_order;		/* segments that start before the highest seen and fill a hole */
	uint32_t next_seq;		/* highest sequence seen + 1 */
	uint32_t first_seq;		/* initial sequence number (SYN), or of the first byte seen */
	uint32_t last_ack;
	uint32_t fin_seq;		/* of the FIN itself, when SEEN_FIN */
	uint16_t window, mss;		/* last advertised, not scaled; from SYN, 0 none */
	int8_t scale;			/* from SYN; -1: not offered or not seen */
	uint8_t seen;			/* enum tcp_seen */
	uint8_t end, letters;		/* flow's own: state of this end, letters of the history given */
	int64_t first_ns, last_ns;	/* NS_NONE: none of its packets had a time; so below */
	uint32_t syn_packets, fin_packets, rst_packets, zero_window; /* zero_window: times */
};

struct connection {
	uint64_t number;
	struct addr addr_a, addr_b;	/* A sent the first packet seen */
	uint16_t port_a, port_b;	/* echo: the identifier in both */
	bool has_ports;
	uint8_t protocol;		/* IP protocol number */
	uint8_t app;			/* enum proto, 0 unknown */
	uint8_t tunnel;			/* enum proto of the tunnel around it, 0 none */
	uint8_t state;			/* enum connection_state */
	char initiator;			/* 'a', 'b', 0 unknown */
	bool closed;			/* nothing more is expected */
	uint16_t vlan;			/* innermost id, 0 none */
	struct flow flow[2];		/* [0] from A to B */
	int64_t start_ns, last_ns;
	int64_t handshake_ns;		/* SYN to the ACK that completes or refuses it (tshark's initial_rtt); -1 unknown */
	uint64_t first_packet, last_packet; /* numbers */
	uint64_t first_offset;		/* of the first packet's record in its segment */
	uint32_t first_segment;		/* 0: a plain file */
	char history[CONNECTION_HISTORY_MAX]; /* Zeek's letters; capitals: the initiator's, or A's */
	uint16_t part;			/* times it had left memory before: figures count from its return, parts add up */
	bool app_by_content;		/* else `app` is only what the port suggests */
};

const char *connection_state_name(const struct connection *c); /* "SF", "" if none */

#endif
