/* TCP: what one segment changes in its connection. */
#include "base/clock.h"
#include "track.h"

#define REUSE_AFTER_NS                                                                             \
	(2 * NS_PER_S) /* a closed connection's SYN again after this is a new one                  \
			*/
#define SYN_REORDER_BYTES                                                                          \
	65536u /* a SYN captured after this much of its own data is still that data's SYN */

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3, SCALE_MAX = 14 };

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

bool tcp_is_reuse(const struct connection *c, unsigned direction, const struct decoded *d,
		  const struct flow_place *p)
{
	const struct flow *fl = &c->flow[direction];
	bool late = p->has_time && p->ts_ns - c->last_ns > REUSE_AFTER_NS;

	if ((d->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK))
		return d->tcp.seq != fl->first_seq || (c->closed && late);
	if (!(fl->letters & SEQ_KNOWN))
		return c->closed && late;
	return fl->first_seq - d->tcp.seq - 1 >= SYN_REORDER_BYTES;
}

static void syn_options(struct flow *fl, const struct decoded *d)
{
	const uint8_t *p = d->tcp.options;
	unsigned left = d->tcp.options_length;

	while (left && *p != OPTION_END) {
		unsigned length = *p == OPTION_NOP ? 1 : left > 1 ? p[1] : 0;

		if (length < 1 || length > left || (length < 2 && *p != OPTION_NOP))
			return;
		if (*p == OPTION_MSS && length == 4)
			fl->mss = (uint16_t)(p[2] << 8 | p[3]);
		else if (*p == OPTION_SCALE && length == 3)
			fl->scale = (int8_t)(p[2] > SCALE_MAX ? SCALE_MAX : p[2]);
		p += length;
		left -= length;
	}
}

/* The initial sequence number, and data that was captured before its SYN. */
static void syn_sequence(struct flows *f, struct slot *s, unsigned direction, uint32_t isn)
{
	struct flow *fl = &s->c.flow[direction];

	if (!(fl->letters & SEQ_KNOWN)) {
		fl->first_seq = isn;
		fl->next_seq = isn + 1;
		fl->letters |= SEQ_KNOWN;
	} else if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK)) {
		if (isn == fl->first_seq || fl->unique)
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
	struct flow *fl = &s->c.flow[direction];
	bool answer = d->tcp.flags & TCP_ACK;

	syn_sequence(f, s, direction, d->tcp.seq);
	if (!answer && fl->seen & SEEN_SYN && p->has_time)
		store_more(f, s)->syn_ns = p->ts_ns;
	fl->seen |= answer ? SEEN_SYN_ACK : SEEN_SYN;
	fl->syn_packets++;
	syn_options(fl, d);
}

static void window_note(struct flows *f, struct slot *s, unsigned direction,
			const struct decoded *d)
{
	struct connection *c = &s->c;
	struct flow *fl = &c->flow[direction];

	fl->window = d->tcp.window;
	if (d->tcp.window || d->tcp.flags & TCP_RST)
		return;
	if (!(d->tcp.flags & (TCP_SYN | TCP_FIN))) {
		fl->zero_window++;
		fl->seen |= SEEN_ZERO_WINDOW;
	}
	if (end_state(&c->flow[!direction]) != END_CLOSED && end_state(fl) != END_RESET)
		state_scaled(c, direction, 'W', &store_more(f, s)->flow[direction].zero);
}

static void data_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		      struct flow_note *note)
{
	struct flow *fl = &s->c.flow[direction];
	uint32_t seq = d->tcp.seq + (d->tcp.flags & TCP_SYN ? 1 : 0);
	struct range_result r;

	fl->seen |= SEEN_DATA;
	/* What a RST carries is a message to people, no part of the stream. */
	if (d->tcp.flags & TCP_RST) {
		fl->unique += d->payload_bytes;
		return;
	}
	if (!before(fl->next_seq, seq + d->payload_bytes) && end_state(fl) != END_RESET)
		state_scaled(&s->c, direction, 'T', &store_more(f, s)->flow[direction].rexmit);
	range_add(f, s, direction, seq, d->payload_bytes, &r);
	fl->unique += r.fresh;
	note->gap = r.gap;
	if (r.filled) {
		fl->out_of_order++;
		note->out_of_order = 1;
	}
	if (r.fresh < d->payload_bytes) {
		fl->retrans_packets++;
		note->retransmission = 1;
	}
}

static void fin_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d)
{
	struct range_result r;

	s->c.flow[direction].seen |= SEEN_FIN;
	s->c.flow[direction].fin_packets++;
	range_add(f, s, direction, d->tcp.seq + d->payload_bytes, 1, &r);
}

/* Holes of the peer that this ACK covers: the receiver has what we have not seen. */
static void ack_holes(struct flows *f, struct slot *s, unsigned direction, uint32_t ack)
{
	struct connection *c = &s->c;
	struct flow *peer = &c->flow[!direction];
	struct more_flow *m;
	bool ended = end_state(peer) >= END_CLOSED || end_state(&c->flow[direction]) >= END_CLOSED;

	if (!(peer->letters & SEQ_KNOWN))
		return;
	if (before(peer->next_seq, ack)) {
		m = &store_more(f, s)->flow[!direction];
		if (!m->has_acked_unseen || !before(peer->next_seq, m->acked_unseen)) {
			if (!ended)
				state_scaled(c, !direction, 'G', &m->gaps);
		}
		m->acked_unseen = ack;
		m->has_acked_unseen = true;
	}
	if (!s->more)
		return;
	m = &s->more->flow[!direction];
	for (uint32_t i = 0; i < m->holes && !before(ack, m->hole[i].end); i++) {
		if (!m->hole[i].acked && !ended)
			state_scaled(c, !direction, 'G', &m->gaps);
		m->hole[i].acked = true;
	}
}

static void ack_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		     uint16_t window_before, struct flow_note *note)
{
	struct flow *fl = &s->c.flow[direction], *peer = &s->c.flow[!direction];
	uint32_t ack = d->tcp.ack;
	bool plain = !(d->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST)) && !d->payload_bytes;

	if (plain && fl->seen & SEEN_ACK && ack == fl->last_ack && d->tcp.window &&
	    d->tcp.window == window_before && peer->letters & SEQ_KNOWN &&
	    before(ack, peer->next_seq))
		note->duplicate_ack = 1;
	if (!(d->tcp.flags & TCP_RST)) {
		if (!(fl->seen & SEEN_ACK) || before(fl->last_ack, ack))
			fl->last_ack = ack;
		fl->seen |= SEEN_ACK;
		ack_holes(f, s, direction, ack);
	}
}

/* From the latest copy of the SYN to the first ACK of whoever sent it, once the other end has
 * answered (or where only this direction was captured: who acknowledges has been answered). */
static void handshake_note(struct slot *s, unsigned direction, const struct decoded *d,
			   const struct flow_place *p)
{
	struct connection *c = &s->c;
	const struct flow *fl = &c->flow[direction], *peer = &c->flow[!direction];

	if ((d->tcp.flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK || !p->has_time)
		return;
	if (!(fl->seen & SEEN_SYN) || (peer->packets && !(peer->seen & SEEN_SYN_ACK)))
		return;
	c->handshake_ns = p->ts_ns - (s->more && s->more->syn_ns ? s->more->syn_ns : fl->first_ns);
}

static void initiator_note(struct connection *c, unsigned direction, unsigned flags)
{
	if (flags & TCP_RST || !(flags & TCP_SYN))
		return;
	state_initiator(c, flags & TCP_ACK ? !direction : direction);
}

void tcp_segment(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		 const struct flow_place *p, struct flow_note *note)
{
	struct connection *c = &s->c;
	struct flow *fl = &c->flow[direction];
	unsigned flags = d->tcp.flags;
	uint16_t window_before = fl->window;

	if (!c->initiator)
		initiator_note(c, direction, flags);
	state_letters(s, direction, d);
	window_note(f, s, direction, d);
	if (flags & TCP_SYN) {
		syn_note(f, s, direction, d, p);
	} else if (!(fl->letters & SEQ_KNOWN) && !(flags & TCP_RST)) {
		fl->first_seq = fl->next_seq = d->tcp.seq;
		fl->letters |= SEQ_KNOWN;
	}
	if (d->payload_bytes)
		data_note(f, s, direction, d, note);
	if (flags & TCP_RST) {
		fl->seen |= SEEN_RST;
		fl->rst_packets++;
	} else if (flags & TCP_FIN) {
		fin_note(f, s, direction, d);
	}
	state_advance(c, direction, d);
	if (flags & TCP_ACK)
		ack_note(f, s, direction, d, window_before, note);
	if (c->handshake_ns < 0)
		handshake_note(s, direction, d, p);
}
