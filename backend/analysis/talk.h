/* TCP connections whose messages are read: both directions put in order, messages cut out of them,
 * however they lie in segments. A protocol says which connections it wants and parses; what it has
 * not got whole waits in a bounded buffer. */
#ifndef ANALYSIS_TALK_H
#define ANALYSIS_TALK_H

#include "analysis/analysis.h"
#include "analysis/stream.h"
#include "base/buf.h"
#include "keyed.h"

#define TALK_REST_BYTES_MAX (64u << 20) /* of parts of messages, in all connections together */

/* What parse answers instead of a number of bytes. */
#define TALK_MORE UINT64_C(0)	   /* the message is not all here */
#define TALK_STOP UINT64_MAX	   /* nothing more of this direction is wanted */
#define TALK_REST (UINT64_MAX - 1) /* up to the end of the connection it is body */

struct talk_side {
	struct tcp_stream stream;
	struct buf rest;	      /* of a message that is not all here */
	struct tcp_stream_mark began; /* where the first byte of `rest` came */
	struct tcp_stream_mark last;  /* the packet that brought the latest byte */
	uint64_t skip;		      /* bytes that are passed over; TALK_REST: all */
	bool stopped, skipping, lost; /* lost: a gap came, the next message is to be found */
};

struct talk {
	uint64_t connection;
	struct talk_side side[2]; /* [0] from A to B */
	bool ended;
	/* what the protocol keeps of it lies behind */
	_Alignas(16) unsigned char own[];
};

/* Bytes at the head of what is not parsed yet. */
struct talk_bytes {
	const uint8_t *data;
	size_t length;
	unsigned direction;
	bool last; /* no more will come of it: a gap or the end is behind */
	bool lost; /* what came before is missing: these may begin anywhere */
	const struct tcp_stream_mark *began, *ended; /* of its first byte, of its last */
};

struct talk_type {
	size_t own_bytes;
	uint32_t message_max; /* bytes of one message; a longer one is passed over as a gap is */
	/* Whether the connection of this packet is to be followed, from this packet on. */
	bool (*wants)(const struct analysis_packet *p);
	/* One message, or a part that can be told apart: how many bytes it took (they may lie past
	 * the end: then so many are passed over), or one of the numbers above. */
	uint64_t (*parse)(void *state, struct talk *t, const struct talk_bytes *b);
	/* What was passed over is over, at this packet. May be NULL. */
	void (*skipped)(void *state, struct talk *t, unsigned direction,
			const struct tcp_stream_mark *m);
	/* The connection goes; own memory is given back. May be NULL. */
	void (*close)(void *state, struct talk *t);
};

struct talks {
	const struct talk_type *type;
	void *state;
	struct keyed all;    /* struct talk, with what the protocol keeps */
	uint64_t evicted;    /* that were still open */
	uint64_t rest_bytes; /* in all buffers for parts of messages */
	struct tcp_stream_pool pool;
};

void talks_init(struct talks *t, const struct talk_type *type, void *state);
void talks_release(struct talks *t);
/* A TCP packet; others are passed by. */
void talks_packet(struct talks *t, const struct analysis_packet *p);
/* No more packets will come. */
void talks_end(struct talks *t);
bool talks_lack(const struct talks *t, char note[ANALYSIS_NOTE_MAX]);

#endif
