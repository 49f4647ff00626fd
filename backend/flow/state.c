/* State and history as Zeek gives them (conn_state and history of conn.log; its TCP session
 * adapter's transitions). */
#include <string.h>

#include "track.h"

static void end_set(struct flow *fl, unsigned state)
{
	if (end_state(fl) != state)
		fl->end = (uint8_t)((fl->end & (END_TIMED | END_FAR)) | state | end_state(fl) << 3);
}

/* The end that counts as the originator: who is known to have begun, else A. */
static unsigned originator(const struct connection *c)
{
	return c->initiator == 'b';
}

void state_letter(struct connection *c, unsigned direction, char capital)
{
	size_t len = strnlen(c->history, CONNECTION_HISTORY_MAX);

	if (len + 1 < CONNECTION_HISTORY_MAX)
		c->history[len] =
			direction == originator(c) ? capital : (char)(capital + ('a' - 'A'));
}

void state_scaled(struct connection *c, unsigned direction, char capital, uint32_t *count)
{
	uint32_t n = *count == UINT32_MAX ? 0 : ++*count;

	while (n && n % 10 == 0)
		n /= 10;
	if (n == 1)
		state_letter(c, direction, capital);
}

/* Once in a direction. true: it had been given before. */
static bool letter_once(struct connection *c, unsigned direction, uint8_t bit, char capital)
{
	struct flow *fl = &c->flow[direction];

	if (fl->letters & bit)
		return true;
	fl->letters |= bit;
	state_letter(c, direction, capital);
	return false;
}

static void letters_control(struct slot *s, unsigned direction, const struct decoded *d)
{
	struct connection *c = &s->c;
	struct flow *fl = &c->flow[direction];
	uint32_t seq = d->tcp.seq, fin = seq + d->payload_bytes;

	if (d->tcp.flags & TCP_SYN) {
		char code = d->tcp.flags & TCP_ACK ? 'H' : 'S';

		if (letter_once(c, direction, LETTER_SYN, code) && seq != fl->first_seq)
			state_letter(c, direction, code);
	} else if (d->tcp.flags & TCP_FIN) {
		if (letter_once(c, direction, LETTER_FIN, 'F') && fin != fl->fin_seq)
			state_letter(c, direction, 'F');
		fl->fin_seq = fin;
	} else {
		if (letter_once(c, direction, LETTER_RST, 'R') && seq != s->rst_seq[direction])
			state_letter(c, direction, 'R');
		s->rst_seq[direction] = seq;
	}
}

void state_letters(struct slot *s, unsigned direction, const struct decoded *d)
{
	unsigned control = d->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST);

	if (!control && d->payload_bytes)
		letter_once(&s->c, direction, LETTER_DATA, 'D');
	else if (!control && d->tcp.flags & TCP_ACK)
		letter_once(&s->c, direction, LETTER_ACK, 'A');
	else if (!control)
		return;
	else if ((control & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST))
		letter_once(&s->c, direction, LETTER_FIN_RST, 'I');
	else if (control & (control - 1))
		letter_once(&s->c, direction, LETTER_MULTI, 'Q');
	else
		letters_control(s, direction, d);
}

/* --- transitions, by the state of the sender's end --- */

static void inactive_syn(struct flow *end, struct flow *peer, bool is_originator, unsigned flags)
{
	if (is_originator) {
		end_set(end, flags & TCP_ACK ? END_SYN_ACK_SENT : END_SYN_SENT);
		return;
	}
	if (end_state(peer) == END_SYN_SENT ||
	    (end_state(peer) == END_SYN_ACK_SENT && !(flags & TCP_ACK)))
		end_set(peer, END_ESTABLISHED);
	end_set(end, END_ESTABLISHED);
}

static void inactive_advance(struct flow *end, struct flow *peer, bool is_originator,
			     unsigned flags, uint32_t payload)
{
	if (flags & TCP_SYN)
		inactive_syn(end, peer, is_originator, flags);
	if (flags & TCP_FIN)
		end_set(end, END_CLOSED);
	if (flags & TCP_RST)
		end_set(end, END_RESET);
	if (end_state(end) != END_INACTIVE)
		return;
	/* Some stacks acknowledge a SYN before they answer it. */
	if (!is_originator && !payload && end_state(peer) == END_SYN_SENT)
		return;
	end_set(end, flags & TCP_ACK && end_state(peer) == END_ESTABLISHED ? END_ESTABLISHED
									   : END_PARTIAL);
}

static void established_advance(struct flow *end, struct flow *peer, unsigned flags)
{
	if (flags & TCP_SYN && !(flags & TCP_ACK) && end_state(end) == END_PARTIAL &&
	    end_state(peer) == END_INACTIVE)
		end_set(end, END_SYN_SENT);
	if (flags & TCP_FIN && !(flags & TCP_RST)) {
		end_set(end, END_CLOSED);
		/* A FIN and then a RST was a normal end after all. */
		if (end_state(peer) == END_RESET && end_before(peer) == END_CLOSED)
			end_set(peer, END_CLOSED);
	}
	if (flags & TCP_RST)
		end_set(end, END_RESET);
}

void state_advance(struct connection *c, unsigned direction, const struct decoded *d)
{
	struct flow *end = &c->flow[direction], *peer = &c->flow[!direction];
	unsigned flags = d->tcp.flags;

	switch (end_state(end)) {
	case END_INACTIVE:
		inactive_advance(end, peer, direction == originator(c), flags, d->payload_bytes);
		break;
	case END_SYN_SENT:
	case END_SYN_ACK_SENT:
		if (flags & TCP_FIN)
			end_set(end, END_CLOSED);
		if (flags & TCP_RST)
			end_set(end, END_RESET);
		break;
	case END_PARTIAL:
	case END_ESTABLISHED:
		if (!(flags & (TCP_SYN | TCP_FIN | TCP_RST)))
			return;
		established_advance(end, peer, flags);
		break;
	case END_CLOSED:
		if (flags & TCP_RST && end_state(peer) != END_CLOSED)
			end_set(end, END_RESET);
		break;
	default:
		return;
	}
	state_set(c);
}

/* --- the word --- */

static bool inactive(unsigned state)
{
	return state == END_INACTIVE || state == END_PARTIAL;
}

static enum connection_state tcp_state(const struct connection *c)
{
	const struct flow *from = &c->flow[originator(c)], *to = &c->flow[!originator(c)];
	unsigned os = end_state(from), rs = end_state(to);

	if (rs == END_RESET) {
		if (os == END_SYN_SENT || os == END_SYN_ACK_SENT ||
		    (os == END_RESET && !from->unique && !to->unique))
			return CONN_REJ;
		return inactive(os) ? CONN_RSTRH : CONN_RSTR;
	}
	if (os == END_RESET)
		return inactive(rs) ? CONN_RSTOS0 : CONN_RSTO;
	if (rs == END_CLOSED && os == END_CLOSED)
		return CONN_SF;
	if (os == END_CLOSED)
		return inactive(rs) ? CONN_SH : CONN_S2;
	if (rs == END_CLOSED)
		return inactive(os) ? CONN_SHR : CONN_S3;
	if (os == END_SYN_SENT && rs == END_INACTIVE)
		return CONN_S0;
	return os == END_ESTABLISHED && rs == END_ESTABLISHED ? CONN_S1 : CONN_OTH;
}

void state_set(struct connection *c)
{
	c->state = (uint8_t)tcp_state(c);
	c->closed = (c->flow[0].seen & SEEN_FIN && c->flow[1].seen & SEEN_FIN) ||
		    (c->flow[0].seen | c->flow[1].seen) & SEEN_RST;
}

void state_initiator(struct connection *c, unsigned direction)
{
	if (c->initiator)
		return;
	c->initiator = direction ? 'b' : 'a';
	if (!direction)
		return;
	/* Letters were given as if A had begun. */
	for (char *p = c->history; *p; p++)
		*p = (char)(*p ^ ('a' - 'A'));
}

void state_restore(struct connection *c, uint8_t state)
{
	static const struct {
		uint8_t from, to;
	} ends[] = {
		[CONN_S0] = {END_SYN_SENT, END_INACTIVE},
		[CONN_S1] = {END_ESTABLISHED, END_ESTABLISHED},
		[CONN_SF] = {END_CLOSED, END_CLOSED},
		[CONN_REJ] = {END_SYN_SENT, END_RESET},
		[CONN_S2] = {END_CLOSED, END_ESTABLISHED},
		[CONN_S3] = {END_ESTABLISHED, END_CLOSED},
		[CONN_RSTO] = {END_RESET, END_ESTABLISHED},
		[CONN_RSTR] = {END_ESTABLISHED, END_RESET},
		[CONN_RSTOS0] = {END_RESET, END_INACTIVE},
		[CONN_RSTRH] = {END_INACTIVE, END_RESET},
		[CONN_SH] = {END_CLOSED, END_INACTIVE},
		[CONN_SHR] = {END_INACTIVE, END_CLOSED},
		[CONN_OTH] = {END_PARTIAL, END_PARTIAL},
	};

	if (c->protocol != 6)
		return;
	end_set(&c->flow[originator(c)], ends[state].from);
	end_set(&c->flow[!originator(c)], ends[state].to);
	c->state = state;
}

const char *connection_state_name(const struct connection *c)
{
	static const char *const names[] = {"",	    "S0",   "S1",     "SF",    "REJ", "S2",  "S3",
					    "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH",  "SHR", "OTH"};

	return c->state < sizeof(names) / sizeof(names[0]) ? names[c->state] : "";
}
