/* Inside of flow: what a segment changes: sequence space, state, history. */
#ifndef FLOW_TRACK_H
#define FLOW_TRACK_H

#include "table.h"

/* --- tcp.c: one segment of the connection --- */
void tcp_segment(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		 const struct flow_place *p, struct flow_note *note);
/* Whether a bare SYN begins another connection on the same five values. */
bool tcp_is_reuse(const struct slot *s, unsigned direction, const struct decoded *d,
		  const struct flow_place *p);

/* The next option with a length, or NULL: kind, length, value. */
enum tcp_option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8
};
const uint8_t *tcp_option(const uint8_t **at, unsigned *left);

/* --- range.c: sequence space --- */
struct range_result {
	uint32_t fresh; /* bytes not seen before */
	bool filled;	/* some of them in a hole */
	bool gap;	/* it begins behind what was seen */
};
void range_add(struct flows *f, struct slot *s, unsigned direction, uint32_t seq, uint32_t length,
	       struct range_result *r);
void range_reset(struct flows *f, struct slot *s, unsigned direction);

/* --- state.c: Zeek's state and history --- */
enum end_state {
	END_INACTIVE,
	END_SYN_SENT,
	END_SYN_ACK_SENT,
	END_PARTIAL,
	END_ESTABLISHED,
	END_CLOSED,
	END_RESET
};
/* side.end, beside the two states: */
#define END_TIMED 0x40u /* its times are set */
#define END_FAR 0x80u	/* next_seq is so far from first_seq that they cannot be compared */

static inline unsigned end_state(const struct side *fl)
{
	return fl->end & 7;
}
static inline unsigned end_before(const struct side *fl)
{
	return fl->end >> 3 & 7;
}
void state_letters(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d);
void state_advance(struct slot *s, unsigned direction, const struct decoded *d);
/* Whether both ends are established, or have ended from there with a FIN. */
bool state_clean(const struct slot *s);
void state_set(struct slot *s);
void state_restore(struct slot *s, uint8_t state);	  /* after it had left memory */
void state_initiator(struct slot *s, unsigned direction); /* this direction's sender began it */
void state_letter(struct flows *f, struct slot *s, unsigned direction, char capital);
/* Adds it at the 1st, 10th, 100th ... occurrence. */
void state_scaled(struct flows *f, struct slot *s, unsigned direction, char capital,
		  uint32_t *count);
/* One more bad checksum. */
void state_bad(struct flows *f, struct slot *s, unsigned direction);
void state_history(const struct slot *s, char history[CONNECTION_HISTORY_MAX]);

/* --- figures.c --- */
/* The figures of a direction with one packet. */
void figures_first(struct flows *f, struct slot *s, unsigned direction);
/* The time of a packet that is not the direction's first. */
void figures_time(struct figures *fg, struct side *fl, int64_t ts_ns);
/* A direction's figures, made from its first packet where it has none. */
struct figures *figures_take(struct flows *f, struct slot *s, unsigned direction);
/* Of an IP header without options. */
static inline uint32_t ip_header_bytes(const struct slot *s)
{
	return s->ip6 ? 40 : 20;
}

/* IP headers of so many packets that are not as long as most are. */
void figures_headers_odd(struct flows *f, struct slot *s, unsigned direction, uint64_t packets,
			 uint64_t bytes);
static inline void figures_headers(struct flows *f, struct slot *s, unsigned direction,
				   uint64_t packets, uint64_t bytes)
{
	if (bytes != packets * ip_header_bytes(s))
		figures_headers_odd(f, s, direction, packets, bytes);
}
/* What a segment meets, and what it was. */
struct segment {
	uint32_t next_seq, last_ack; /* as they were before it */
	uint16_t window;
	bool known;	   /* what the three are compared with */
	bool fresh, again; /* it has new payload; some that was seen */
};
void figures_segment(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		     const struct flow_place *p, const struct segment *g);

/* side.letters */
enum letter_seen {
	LETTER_SYN = 1,
	LETTER_FIN = 2,
	LETTER_RST = 4,
	LETTER_DATA = 8,
	LETTER_ACK = 16,
	LETTER_FIN_RST = 32,
	LETTER_MULTI = 64,
	SEQ_KNOWN = 128,
};

#endif
