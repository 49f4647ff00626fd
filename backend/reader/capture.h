/* What is known of a capture's packets by one way of counting them (innermost or outermost
 * headers): totals, connections, and each packet's connection. */
#ifndef READER_CAPTURE_H
#define READER_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "capfile/packet.h"
#include "decode/decode.h"
#include "flow/flows.h"
#include "pages.h"

struct interface_count {
	uint64_t packets, bytes;
};

/* Sums over packets. */
struct totals {
	uint64_t packets, wire_bytes, captured_bytes;
	uint64_t other_packets, other_bytes; /* of no connection */
	uint64_t undecoded; /* packets with something behind the last header that has no decoder */
	int64_t first_ns, last_ns; /* the earliest and the latest, when has_time */
	int64_t previous_ns;
	bool has_time, disordered;
	struct interface_count *interface; /* by the source's number of it */
	uint32_t ninterfaces;
};

void totals_release(struct totals *t);
/* `other`: it belongs to no connection. `interface`: as it is shown. */
void totals_add(struct totals *t, const struct packet *pk, uint32_t interface, bool other);

/* A packet's connection, and what it was there: 4 bytes of the 24 by packet. */
enum tag_bit { TAG_B_TO_A = 1, TAG_RETRANSMISSION = 2 };
#define TAG_NUMBER_SHIFT 2u
#define TAG_NUMBER_MAX (UINT32_MAX >> TAG_NUMBER_SHIFT)

/* Packets and bytes of a connection in the last seconds, for rates. */
struct pulse {
	uint32_t second;	       /* of the monotonic clock, the newest that counted */
	uint32_t packets[2], bytes[2]; /* [0] of that second, [1] of the one before */
};

#define CAPTURE_WAITING_MAX                                                                        \
	4096u /* fragments whose datagram's first has not come; further ones stay without a number \
	       */

struct capture {
	struct decode_options decode;
	struct flows *flows;
	struct totals totals;
	struct pages tags;   /* by row of the index */
	struct pages pulses; /* by connection number, live only */
	bool live;
	uint32_t now_second; /* of the monotonic clock; the pipeline keeps it when live */
	uint64_t base;	     /* connections numbered before */
	int64_t start_ns;    /* time of the first packet that has one: what rel_s counts from */
	bool has_start;
	uint64_t *waiting; /* rows of such fragments */
	uint32_t nwaiting;
	uint64_t settled;	/* of them that got their number after all */
	uint64_t ended_packets; /* packets when capture_end was called last */
};

void capture_init(struct capture *c, const struct flows_options *options, bool outer, bool live);
void capture_release(struct capture *c);
/* Counts a packet that was decoded. `tagged`: the index has a row for it. Of its bytes it reads
 * what d->src, d->dst and d->tcp.options point to, and nothing else. */
void capture_count(struct capture *c, const struct decoded *d, const struct packet *pk,
		   uint32_t interface, uint32_t segment, bool tagged);
/* Decodes and counts it. */
void capture_add(struct capture *c, const struct packet *pk, uint32_t interface, uint32_t segment,
		 bool tagged);
/* Looks again at fragments that waited: their connection may be known now. `read` gives a row's
 * packet, -1: it cannot. */
typedef int (*capture_read_fn)(void *arg, uint64_t row, struct packet *pk);
void capture_settle(struct capture *c, capture_read_fn read, void *arg);
/* No more packets will come (or none for now): fragments stop waiting. */
void capture_end(struct capture *c, capture_read_fn read, void *arg);
/* The connection of a row, 0 none; *tag: enum tag_bit. */
uint64_t capture_connection(const struct capture *c, uint64_t row, unsigned *tag);
/* Packets and bytes of the last whole second. false: not live. */
bool capture_rate(const struct capture *c, uint64_t connection, uint32_t *packets, uint32_t *bytes);
/* Forgets pulses of connections that were silent. */
void capture_rest(struct capture *c);

#endif
