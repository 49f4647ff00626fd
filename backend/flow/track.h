/* Inside of flow: what a segment changes: sequence space, state, history. */
#ifndef FLOW_TRACK_H
#define FLOW_TRACK_H

#include "table.h"

/* --- tcp.c: one segment of the connection --- */
void tcp_segment(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		 const struct flow_place *p, struct flow_note *note);
/* Whether a bare SYN begins another connection on the same five values. */
bool tcp_is_reuse(const struct connection *c, unsigned direction, const struct decoded *d,
		  const struct flow_place *p);

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
/* flow.end, beside the two states: */
#define END_TIMED 0x40u /* its times are set */
#define END_FAR 0x80u	/* next_seq is so far from first_seq that they cannot be compared */

static inline unsigned end_state(const struct flow *fl)
{
	return fl->end & 7;
}
static inline unsigned end_before(const struct flow *fl)
{
	return fl->end >> 3 & 7;
}
void state_letters(struct slot *s, unsigned direction, const struct decoded *d);
void state_advance(struct connection *c, unsigned direction, const struct decoded *d);
void state_set(struct connection *c);
void state_restore(struct connection *c, uint8_t state); /* after it had left memory */
void state_initiator(struct connection *c,
		     unsigned direction); /* this direction's sender began it */
void state_letter(struct connection *c, unsigned direction, char capital);
/* Adds it at the 1st, 10th, 100th ... occurrence. */
void state_scaled(struct connection *c, unsigned direction, char capital, uint32_t *count);

/* flow.letters */
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
