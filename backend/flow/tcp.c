/* TCP: what one segment changes in its connection. */
#include "base/clock.h"
#include "sent.h"
#include "track.h"

#define REUSE_AFTER_NS                                                                             \
	(2 * NS_PER_S) /* a closed connection's SYN again after this is a new one                  \
			*/
#define SYN_REORDER_BYTES                                                                          \
	65536u /* a SYN captured after this much of its own data is still that data's SYN */

enum { SCALE_MAX = 14 }; /* RFC 7323 2.3 */

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

bool tcp_is_reuse(const struct slot *s, unsigned direction, const struct decoded *d,
		  const struct flow_place *p)
{
	const struct side *fl = &s->side[direction];
	int64_t last_ns;
	bool late;

	if ((d->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	last_ns = view_last_ns(s);
	late = p->has_time && last_ns != NS_NONE && p->ts_ns - last_ns > REUSE_AFTER_NS;
	if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK))
		return d->tcp.seq != fl->first_seq || (s->closed && late);
	if (!(fl->letters & SEQ_KNOWN))
		return s->closed && late;
	return fl->first_seq - d->tcp.seq - 1 >= SYN_REORDER_BYTES;
}

static void syn_option(struct side *fl, const uint8_t *p)
{
	unsigned scale;

	switch (p[0] << 8 | p[1]) {
	case OPTION_MSS << 8 | 4:
		fl->mss = (uint16_t)(p[2] << 8 | p[3]);
		break;
	case OPTION_SCALE << 8 | 3:
		scale = p[2] > SCALE_MAX ? SCALE_MAX : p[2];
		fl->options = (uint8_t)((fl->options & ~SIDE_SCALE) | (scale + 1));
		break;
	case OPTION_SACK_PERMITTED << 8 | 2:
		fl->options |= SIDE_SACK;
		break;
	case OPTION_TIMESTAMPS << 8 | 10:
		fl->options |= SIDE_TIMESTAMPS;
		break;
	default:
		break;
	}
}

const uint8_t *tcp_option(const uint8_t **at, unsigned *left)
{
	const uint8_t *p = *at;

	while (*left && *p == OPTION_NOP) {
		p++;
		--*left;
	}
	if (*left < 2 || *p == OPTION_END || p[1] < 2 || p[1] > *left)
		return NULL;
	*left -= p[1];
	*at = p + p[1];
	return p;
}

static void syn_options(struct side *fl, const struct decoded *d)
{
	const uint8_t *at = d->tcp.options, *p;
	unsigned left = d->tcp.options_length;

	while ((p = tcp_option(&at, &left)) != NULL)
		syn_option(fl, p);
}

/* The initial sequence number, and data that was captured before its SYN. */
static void syn_sequence(struct flows *f, struct slot *s, unsigned direction, uint32_t isn)
{
	struct side *fl = &s->side[direction];

	if (!(fl->letters & SEQ_KNOWN)) {
		fl->first_seq = isn;
		fl->next_seq = isn + 1;
		fl->letters |= SEQ_KNOWN;
	} else if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK)) {
		if (isn == fl->first_seq)
			store_more(f, s)->flow[direction].syn_again++;
		if (isn == fl->first_seq || view_unique(s, direction))
			return;
		fl->first_seq = isn;
		fl->next_seq = isn + 1;
		range_reset(f, s, direction);
	} else {
		struct range_result r;

		/* Nothing was there before the first byte seen, or it is missing: a hole as for any
		 * other. */
		if (before(isn + 1, fl->first_seq))
			range_add(f, s, direction, isn + 1, 0, &r);
		fl->first_seq = isn;
	}
}

static void syn_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		     const struct flow_place *p)
{
	struct side *fl = &s->side[direction];
	bool answer = d->tcp.flags & TCP_ACK;

	syn_sequence(f, s, direction, d->tcp.seq);
	if (!answer && fl->seen & SEEN_SYN && p->has_time)
		store_more(f, s)->syn_ns = p->ts_ns;
	fl->seen |= answer ? SEEN_SYN_ACK : SEEN_SYN;
	if (++fl->syn == 0)
		store_more(f, s)->flow[direction].syn_high++;
	syn_options(fl, d);
}

static void window_note(struct flows *f, struct slot *s, unsigned direction,
			const struct decoded *d)
{
	struct side *fl = &s->side[direction];

	fl->window = d->tcp.window;
	if (d->tcp.window || d->tcp.flags & TCP_RST)
		return;
	if (!(d->tcp.flags & (TCP_SYN | TCP_FIN))) {
		store_more(f, s)->flow[direction].zero_window++;
		fl->seen |= SEEN_ZERO_WINDOW;
	}
	if (end_state(&s->side[!direction]) != END_CLOSED && end_state(fl) != END_RESET)
		state_scaled(f, s, direction, 'W', &store_more(f, s)->flow[direction].zero);
}

static void data_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		      struct segment *g, struct flow_note *note)
{
	struct side *fl = &s->side[direction];
	uint32_t seq = d->tcp.seq + (d->tcp.flags & TCP_SYN ? 1 : 0);
	struct range_result r;
	struct more_flow *m;

	fl->seen |= SEEN_DATA;
	/* What a RST carries is a message to people, no part of the stream. */
	if (d->tcp.flags & TCP_RST)
		return;
	if (!before(fl->next_seq, seq + d->payload_bytes) && end_state(fl) != END_RESET)
		state_scaled(f, s, direction, 'T', &store_more(f, s)->flow[direction].rexmit);
	range_add(f, s, direction, seq, d->payload_bytes, &r);
	note->gap = r.gap;
	g->fresh = r.fresh > 0;
	g->again = r.fresh < d->payload_bytes;
	if (r.filled) {
		store_more(f, s)->flow[direction].out_of_order++;
		note->out_of_order = 1;
	}
	if (g->again) {
		m = &store_more(f, s)->flow[direction];
		m->repeated += d->payload_bytes - r.fresh;
		m->retrans_packets++;
		note->retransmission = 1;
	}
}

static void fin_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d)
{
	struct side *fl = &s->side[direction];
	uint32_t fin = d->tcp.seq + d->payload_bytes + (d->tcp.flags & TCP_SYN ? 1 : 0);
	struct range_result r;

	fl->seen |= SEEN_FIN;
	if (++fl->fin == 0)
		store_more(f, s)->flow[direction].fin_high++;
	range_add(f, s, direction, fin, 1, &r);
	if (!r.fresh)
		store_more(f, s)->flow[direction].fin_again++;
	if (fl->figures)
		fl->figures->fin_seq = fin;
}

static void rst_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d)
{
	struct side *fl = &s->side[direction];

	fl->seen |= SEEN_RST;
	if (++fl->rst == 0)
		store_more(f, s)->flow[direction].rst_high++;
	if (fl->figures)
		fl->figures->rst_seq = d->tcp.seq;
	else if (!(fl->letters & SEQ_KNOWN))
		fl->first_seq = d->tcp.seq;
}

/* The receiver has what we have not seen. */
static void gap_note(struct flows *f, struct slot *s, unsigned direction, struct more_flow *m)
{
	if (state_clean(s))
		state_scaled(f, s, direction, 'G', &m->gaps);
}

/* Holes of this direction that an ACK covers. */
static void ack_holes(struct flows *f, struct slot *s, unsigned direction, uint32_t ack)
{
	struct side *fl = &s->side[direction];
	struct more_flow *m;

	if (!(fl->letters & SEQ_KNOWN))
		return;
	if (before(fl->next_seq, ack)) {
		m = &store_more(f, s)->flow[direction];
		if (!m->has_acked_unseen || !before(fl->next_seq, m->acked_unseen))
			gap_note(f, s, direction, m);
		m->acked_unseen = ack;
		m->has_acked_unseen = true;
	}
	if (!s->more)
		return;
	m = &s->more->flow[direction];
	for (uint32_t i = 0; i < m->holes && !before(ack, m->hole[i].end); i++) {
		if (!m->hole[i].acked)
			gap_note(f, s, direction, m);
		m->hole[i].acked = true;
	}
}

static void ack_duplicate(struct flows *f, struct slot *s, unsigned direction)
{
	struct more_flow *m = &store_more(f, s)->flow[direction];

	m->dup_acks++;
	if (++m->dup_run == 3)
		m->triple_dups++;
}

/* What an ACK says of the other direction's data. */
static void ack_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		     const struct flow_place *p, const struct segment *g, struct flow_note *note)
{
	struct side *fl = &s->side[direction], *peer = &s->side[!direction];
	uint32_t ack = d->tcp.ack;
	bool plain = !(d->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST)) && !d->payload_bytes;

	if (plain && fl->seen & SEEN_ACK && ack == fl->last_ack && d->tcp.window &&
	    d->tcp.window == g->window && peer->letters & SEQ_KNOWN &&
	    before(ack, peer->next_seq)) {
		note->duplicate_ack = 1;
		ack_duplicate(f, s, !direction);
	}
	if (d->tcp.flags & TCP_RST)
		return;
	if (peer->figures || peer->seen & SEEN_DATA) {
		(void)figures_take(f, s, !direction);
		sent_acked(f, s, !direction, ack, p);
	}
	if (!(fl->seen & SEEN_ACK) || before(fl->last_ack, ack)) {
		fl->last_ack = ack;
		if (s->more)
			s->more->flow[!direction].dup_run = 0;
	}
	fl->seen |= SEEN_ACK;
	ack_holes(f, s, !direction, ack);
}

/* Whether an ACK ends the handshake that `from` began: its own, once the other end has answered (or
 * where only this direction was captured: who acknowledges has been answered), or a refusal. */
static bool handshake_ends(const struct slot *s, unsigned direction, unsigned from, unsigned flags)
{
	const struct side *syn = &s->side[from], *answer = &s->side[!from];

	if (!(syn->seen & SEEN_SYN))
		return false;
	if (direction == from)
		return answer->seen & SEEN_SYN_ACK || (!(flags & TCP_RST) && !side_spoke(answer));
	return flags & TCP_RST && !(answer->seen & (SEEN_SYN | SEEN_SYN_ACK));
}

/* From the latest copy of the SYN on, as tshark's initial_rtt. */
static void handshake_note(struct slot *s, unsigned direction, const struct decoded *d,
			   const struct flow_place *p)
{
	const unsigned flags = d->tcp.flags;
	unsigned from = direction;

	if ((flags & (TCP_SYN | TCP_ACK)) != TCP_ACK || !p->has_time)
		return;
	if (!handshake_ends(s, direction, from, flags)) {
		from = !direction;
		if (!handshake_ends(s, direction, from, flags))
			return;
	}
	s->handshake_ns =
		p->ts_ns - (s->more && s->more->syn_ns ? s->more->syn_ns : s->side[from].first_ns);
}

static void initiator_note(struct slot *s, unsigned direction, unsigned flags)
{
	if (flags & TCP_RST || !(flags & TCP_SYN))
		return;
	state_initiator(s, flags & TCP_ACK ? !direction : direction);
}

static void first_note(struct side *fl, const struct decoded *d)
{
	fl->first_flags = d->tcp.flags;
	fl->options |= SIDE_FIRST;
}

void tcp_segment(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		 const struct flow_place *p, struct flow_note *note)
{
	struct side *fl = &s->side[direction];
	unsigned flags = d->tcp.flags;
	struct segment g = {.next_seq = fl->next_seq,
			    .last_ack = fl->last_ack,
			    .window = fl->window,
			    .known = fl->seen & SEEN_ACK && fl->letters & SEQ_KNOWN};

	if (!fl->figures)
		first_note(fl, d);
	if (!s->initiator)
		initiator_note(s, direction, flags);
	state_letters(f, s, direction, d);
	window_note(f, s, direction, d);
	if (flags & TCP_SYN) {
		syn_note(f, s, direction, d, p);
	} else if (!(fl->letters & SEQ_KNOWN) && !(flags & TCP_RST)) {
		fl->first_seq = fl->next_seq = d->tcp.seq;
		fl->letters |= SEQ_KNOWN;
	}
	if (d->payload_bytes)
		data_note(f, s, direction, d, &g, note);
	if (flags & TCP_RST)
		rst_note(f, s, direction, d);
	else if (flags & TCP_FIN)
		fin_note(f, s, direction, d);
	state_advance(s, direction, d);
	figures_segment(f, s, direction, d, p, &g);
	if (flags & TCP_ACK)
		ack_note(f, s, direction, d, p, &g, note);
	if (s->handshake_ns < 0)
		handshake_note(s, direction, d, p);
}
