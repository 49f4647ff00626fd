/* One direction of a TCP connection put in order: bytes come out once, in the order that they were
 * sent. What comes early waits, within bounds; a hole that is not filled within them is passed over
 * and told. */
#ifndef ANALYSIS_STREAM_H
#define ANALYSIS_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#define TCP_STREAM_HELD_MAX (1u << 20)	      /* bytes that wait in one direction */
#define TCP_STREAM_PIECES_MAX 512u	      /* pieces that do */
#define TCP_STREAM_POOL_BYTES_MAX (64u << 20) /* bytes that wait in all streams of a pool */

/* What several streams share. Zeroed to begin with. */
struct tcp_stream_pool {
	uint64_t bytes;
	uint64_t gaps, gap_bytes; /* holes that were passed over */
};

/* The packet that brought a piece. */
struct tcp_stream_mark {
	uint64_t packet;
	int64_t ts_ns;
	bool has_time;
};

struct tcp_stream_held;

struct tcp_stream {
	struct tcp_stream_held *held; /* by sequence number */
	uint32_t nheld, held_bytes;
	uint32_t next; /* sequence number of the byte that is given out next */
	bool started;
};

/* What comes out: `gap` bytes that are missing, then `length` bytes, borrowed for the call. */
struct tcp_stream_piece {
	const uint8_t *data;
	uint32_t length, gap;
	const struct tcp_stream_mark *mark;
};
typedef void (*tcp_stream_fn)(void *arg, const struct tcp_stream_piece *p);

/* A zeroed struct tcp_stream begins with the first byte that is added, or where this says. */
void tcp_stream_start(struct tcp_stream *s, uint32_t seq);
/* A segment's payload: `length` bytes by its headers, of which `captured` are here; the others
 * count as missing. */
struct tcp_stream_segment {
	uint32_t seq, length, captured;
	const uint8_t *data;
	struct tcp_stream_mark mark;
};
void tcp_stream_add(struct tcp_stream *s, struct tcp_stream_pool *pool,
		    const struct tcp_stream_segment *g, tcp_stream_fn fn, void *arg);
/* Nothing more will come: what waits is given out, holes and all. */
void tcp_stream_end(struct tcp_stream *s, struct tcp_stream_pool *pool, tcp_stream_fn fn,
		    void *arg);
/* Forgets what waits. */
void tcp_stream_release(struct tcp_stream *s, struct tcp_stream_pool *pool);

#endif
