/* State and history as Zeek gives them (conn_state and history of conn.log; its TCP session
 * adapter's transitions). */
#include <string.h>

#include "track.h"

#define BAD_FEW 9u /* the tenth is told again */

static void end_set(struct side *fl, unsigned state)
{
	if (end_state(fl) != state)
		fl->end = (uint8_t)((fl->end & (END_TIMED | END_FAR)) | state | end_state(fl) << 3);
}

/* The end that counts as the originator: who is known to have begun, else A. */
static unsigned originator(const struct slot *s)
{
	return s->initiator == 'b';
}

#define LETTERS "SHADFRCGTWIQ"
#define LETTER_BITS 5u
#define LETTER_SMALL 16u

static char letter_text(unsigned code)
{
	char capital = LETTERS[(code & (LETTER_SMALL - 1)) - 1];

	return code & LETTER_SMALL ? (char)(capital + ('a' - 'A')) : capital;
}

void state_history(const struct slot *s, char history[CONNECTION_HISTORY_MAX])
{
	unsigned n = 0;

	for (uint64_t h = s->history; h; h >>= LETTER_BITS)
		history[n++] = letter_text(h & ((1u << LETTER_BITS) - 1));
	history[n] = '\0';
	if (n == HISTORY_SHORT && s->more)
		memcpy(history + n, s->more->history, sizeof(s->more->history));
}

void state_letter(struct flows *f, struct slot *s, unsigned direction, char capital)
{
	const uint64_t small = direction == originator(s) ? 0 : LETTER_SMALL;
	const unsigned code = (unsigned)(strchr(LETTERS, capital) - LETTERS) + 1;
	unsigned at =
		s->history ? (63u - (unsigned)__builtin_clzll(s->history)) / LETTER_BITS + 1 : 0;
	char *more;
	size_t len;

	if (at < HISTORY_SHORT) {
		s->history |= (code | small) << at * LETTER_BITS;
		return;
	}
	more = store_more(f, s)->history;
	len = strnlen(more, sizeof(s->more->history));
	if (len + 1 < sizeof(s->more->history))
		more[len] = letter_text(code | (unsigned)small);
}

void state_scaled(struct flows *f, struct slot *s, unsigned direction, char capital,
		  uint32_t *count)
{
	uint32_t n = *count == UINT32_MAX ? 0 : ++*count;

	while (n && n % 10 == 0)
		n /= 10;
	if (n == 1)
		state_letter(f, s, direction, capital);
}

/* Where nobody computes checksums (a generator, an anonymiser) every packet of every connection is
 * bad: the first of them fit into the slot. */
void state_bad(struct flows *f, struct slot *s, unsigned direction)
{
	const unsigned few = direction ? s->bad_b : s->bad_a;
	uint32_t *many;

	if (few < BAD_FEW) {
		if (direction)
			s->bad_b = (few + 1) & 15u;
		else
			s->bad_a = (few + 1) & 15u;
		if (!few)
			state_letter(f, s, direction, 'C');
		return;
	}
	many = &store_more(f, s)->flow[direction].bad;
	if (!*many)
		*many = BAD_FEW;
	state_scaled(f, s, direction, 'C', many);
}

/* Once in a direction. true: it had been given before. */
static bool letter_once(struct flows *f, struct slot *s, unsigned direction, uint8_t bit,
			char capital)
{
	struct side *fl = &s->side[direction];

	if (fl->letters & bit)
		return true;
	fl->letters |= bit;
	state_letter(f, s, direction, capital);
	return false;
}

static void letters_control(struct flows *f, struct slot *s, unsigned direction,
			    const struct decoded *d)
{
	struct side *fl = &s->side[direction];
	uint32_t seq = d->tcp.seq, fin = seq + d->payload_bytes;

	/* Whose letter was given before has figures: this is not its first packet. */
	if (d->tcp.flags & TCP_SYN) {
		char code = d->tcp.flags & TCP_ACK ? 'H' : 'S';

		if (letter_once(f, s, direction, LETTER_SYN, code) && seq != fl->first_seq)
			state_letter(f, s, direction, code);
	} else if (d->tcp.flags & TCP_FIN) {
		if (letter_once(f, s, direction, LETTER_FIN, 'F') && fin != fl->figures->fin_seq)
			state_letter(f, s, direction, 'F');
	} else if (letter_once(f, s, direction, LETTER_RST, 'R') && seq != fl->figures->rst_seq) {
		state_letter(f, s, direction, 'R');
	}
}

void state_letters(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d)
{
	unsigned control = d->tcp.flags & (TCP_SYN | TCP_FIN | TCP_RST);

	if (!control && d->payload_bytes)
		letter_once(f, s, direction, LETTER_DATA, 'D');
	else if (!control && d->tcp.flags & TCP_ACK)
		letter_once(f, s, direction, LETTER_ACK, 'A');
	else if (!control)
		return;
	else if ((control & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST))
		letter_once(f, s, direction, LETTER_FIN_RST, 'I');
	else if (control & (control - 1))
		letter_once(f, s, direction, LETTER_MULTI, 'Q');
	else
		letters_control(f, s, direction, d);
}

/* --- transitions, by the state of the sender's end --- */

static void inactive_syn(struct side *end, struct side *peer, bool is_originator, unsigned flags)
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

static void inactive_advance(struct side *end, struct side *peer, bool is_originator,
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

static void established_advance(struct side *end, struct side *peer, unsigned flags)
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

void state_advance(struct slot *s, unsigned direction, const struct decoded *d)
{
	struct side *end = &s->side[direction], *peer = &s->side[!direction];
	unsigned flags = d->tcp.flags;

	switch (end_state(end)) {
	case END_INACTIVE:
		inactive_advance(end, peer, direction == originator(s), flags, d->payload_bytes);
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
	state_set(s);
}

static bool end_clean(const struct side *fl)
{
	return end_state(fl) == END_ESTABLISHED ||
	       (end_state(fl) == END_CLOSED && end_before(fl) == END_ESTABLISHED);
}

bool state_clean(const struct slot *s)
{
	return end_clean(&s->side[0]) && end_clean(&s->side[1]);
}

/* --- the word --- */

static bool inactive(unsigned state)
{
	return state == END_INACTIVE || state == END_PARTIAL;
}

static enum connection_state tcp_state(const struct slot *s)
{
	const struct side *from = &s->side[originator(s)], *to = &s->side[!originator(s)];
	unsigned os = end_state(from), rs = end_state(to);

	if (rs == END_RESET) {
		if (os == END_SYN_SENT || os == END_SYN_ACK_SENT ||
		    (os == END_RESET && !view_unique(s, 0) && !view_unique(s, 1)))
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

void state_set(struct slot *s)
{
	const unsigned a = s->side[0].seen, b = s->side[1].seen;

	s->state = tcp_state(s) & 15u;
	s->closed = (a & b & SEEN_FIN) || ((a | b) & SEEN_RST);
}

void state_initiator(struct slot *s, unsigned direction)
{
	if (s->initiator)
		return;
	s->initiator = direction ? 'b' : 'a';
	if (!direction)
		return;
	/* Letters were given as if A had begun. */
	for (unsigned at = 0; s->history >> at * LETTER_BITS; at++)
		s->history ^= (uint64_t)LETTER_SMALL << at * LETTER_BITS;
	for (char *p = s->more ? s->more->history : NULL; p && *p; p++)
		*p = (char)(*p ^ ('a' - 'A'));
}

void state_restore(struct slot *s, uint8_t state)
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

	if (s->protocol != 6)
		return;
	end_set(&s->side[originator(s)], ends[state].from);
	end_set(&s->side[!originator(s)], ends[state].to);
	s->state = state & 15u;
}

const char *connection_state_name(const struct connection *c)
{
	static const char *const names[] = {"",	    "S0",   "S1",     "SF",    "REJ", "S2",  "S3",
					    "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH",  "SHR", "OTH"};

	return c->state < sizeof(names) / sizeof(names[0]) ? names[c->state] : "";
}
