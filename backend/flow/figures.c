/* What one packet changes in a direction's figures. A direction with one packet has none: they are
 * made from what the slot says of that packet, when a second one comes or its payload is
 * acknowledged. */
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "bulk.h"
#include "sent.h"
#include "track.h"

#define TWIN_SHIFT 20u
#define TWIN_WITHIN                                                                                \
	((uint32_t)(100 * NS_PER_MS >> TWIN_SHIFT)) /* as long as a mirror port takes              \
						     */
#define CONTROL (TCP_SYN | TCP_FIN | TCP_RST)

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void window_count(struct flows *f, struct slot *s, unsigned direction, uint16_t window)
{
	struct figures *fg = s->side[direction].figures;

	if (++fg->windows == 0)
		store_more(f, s)->flow[direction].windows_high++;
	fg->window_sum += window;
	if (fg->window_sum < window)
		store_more(f, s)->flow[direction].window_sum_high++;
	if (window > fg->window_max)
		fg->window_max = window;
	if (window && (!fg->window_min || window < fg->window_min))
		fg->window_min = window;
}

static void header_count(struct flows *f, struct slot *s, unsigned direction, unsigned flags,
			 uint32_t payload, uint16_t window)
{
	struct figures *fg = s->side[direction].figures;

	if (flags & TCP_ACK && ++fg->acks == 0)
		store_more(f, s)->flow[direction].acks_high++;
	if ((flags & (TCP_ACK | CONTROL)) == TCP_ACK && !payload && ++fg->pure_acks == 0)
		store_more(f, s)->flow[direction].pure_acks_high++;
	if (flags & TCP_PSH && ++fg->pushes == 0)
		store_more(f, s)->flow[direction].pushes_high++;
	if (!(flags & (TCP_SYN | TCP_RST)))
		window_count(f, s, direction, window);
}

static void data_time(struct figures *fg, int64_t ts_ns)
{
	if (!fg->data_timed || ts_ns < fg->data_first_ns)
		fg->data_first_ns = ts_ns;
	if (!fg->data_timed || ts_ns > fg->data_last_ns)
		fg->data_last_ns = ts_ns;
	fg->data_timed = true;
}

/* New payload: what is on its way now, and what was before anything was acknowledged. */
static void flight_count(struct flows *f, struct slot *s, unsigned direction, uint32_t payload)
{
	const struct side *fl = &s->side[direction], *peer = &s->side[!direction];
	const bool heard = peer->seen & SEEN_ACK;

	if (heard && before(peer->last_ack, fl->next_seq))
		bulk_flight(f, fl->figures, fl->next_seq - peer->last_ack);
	if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK) && !(fl->end & END_FAR) &&
	    !(heard && before(fl->first_seq + 1, peer->last_ack)))
		bulk_initial(f, fl->figures, payload);
}

/* The direction's first packet, as the slot remembers it. */
static void first_count(struct flows *f, struct slot *s, unsigned direction)
{
	struct side *fl = &s->side[direction];
	struct figures *fg = fl->figures;
	const unsigned flags = fl->first_flags;
	const bool timed = fl->end & END_TIMED;
	const uint32_t end = fl->next_seq - (flags & TCP_FIN ? 1 : 0);

	header_count(f, s, direction, flags, fl->payload, fl->window);
	if (flags & TCP_FIN)
		fg->fin_seq = end;
	if (flags & TCP_RST)
		fg->rst_seq = fl->first_seq;
	if (!fl->payload)
		return;
	bulk_data(f, fg, fl->payload);
	if (timed)
		data_time(fg, fl->first_ns);
	if (flags & TCP_RST)
		return;
	flight_count(f, s, direction, fl->payload);
	sent_add(f, fg,
		 (struct sent_segment){.start = end - fl->payload,
				       .end = end,
				       .ts_ns = timed ? fl->first_ns : SENT_NO_TIME});
}

void figures_first(struct flows *f, struct slot *s, unsigned direction)
{
	const struct side *fl = &s->side[direction];

	*fl->figures = (struct figures){0};
	if (fl->end & END_TIMED) {
		fl->figures->last_ns = fl->first_ns;
		fl->figures->timed = true;
	}
	if (fl->options & SIDE_FIRST)
		first_count(f, s, direction);
}

struct figures *figures_take(struct flows *f, struct slot *s, unsigned direction)
{
	struct side *fl = &s->side[direction];

	if (!fl->figures) {
		fl->figures = store_figures(f);
		figures_first(f, s, direction);
	}
	return fl->figures;
}

void figures_time(struct figures *fg, struct side *fl, int64_t ts_ns)
{
	const int64_t after = ts_ns - fg->last_ns;

	if (ts_ns < fl->first_ns)
		fl->first_ns = ts_ns;
	if (!fg->timed || after >= 0)
		fg->last_ns = ts_ns;
	if (fg->timed && after >= 0) {
		if ((uint64_t)after > fg->idle_ns)
			fg->idle_ns = (uint64_t)after;
		if (!fg->gapped || (uint64_t)after < fg->arrival_ns)
			fg->arrival_ns = (uint64_t)after;
		fg->gapped = true;
	}
	fg->timed = true;
}

/* --- what is rare --- */

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 2018 3, and RFC 2883 4 for the first block that tells of a duplicate. */
static void sack_count(struct more_flow *m, const uint8_t *option, uint32_t ack)
{
	const uint32_t blocks = (option[1] - 2u) / 8;
	const uint8_t *b = option + 2;

	if (!blocks)
		return;
	m->sack_packets++;
	m->sack_blocks += blocks;
	if (blocks > m->sack_max)
		m->sack_max = blocks;
	if (!before(ack, load32(b + 4)) || (blocks > 1 && !before(load32(b), load32(b + 8)) &&
					    !before(load32(b + 12), load32(b + 4))))
		m->dsack_packets++;
}

static void sack_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d)
{
	const uint8_t *at = d->tcp.options, *p;
	unsigned left = d->tcp.options_length;

	while ((p = tcp_option(&at, &left)) != NULL)
		if (*p == OPTION_SACK)
			sack_count(&store_more(f, s)->flow[direction], p, d->tcp.ack);
}

static void flags_note(struct flows *f, struct slot *s, unsigned direction, unsigned flags)
{
	struct more_flow *m;

	if (!(flags & (TCP_URG | TCP_ECE | TCP_CWR)))
		return;
	m = &store_more(f, s)->flow[direction];
	m->urg += (flags & TCP_URG) != 0;
	m->ece += (flags & TCP_ECE) != 0;
	m->cwr += (flags & TCP_CWR) != 0;
}

static uint64_t twin_mark(const struct slot *s, unsigned direction, const struct decoded *d)
{
	uint64_t mark = ((uint64_t)s->number << 1 | direction) * 0x9e3779b97f4a7c15u;

	mark ^= (uint64_t)d->ip_id << 48 ^ (uint64_t)d->tcp.flags << 40 ^ d->payload_bytes;
	mark = (mark ^ mark >> 29) * 0xbf58476d1ce4e5b9u;
	mark ^= (uint64_t)d->tcp.seq << 32 | d->tcp.ack;
	mark = (mark ^ mark >> 32) * 0x94d049bb133111ebu;
	return mark ^ mark >> 31;
}

/* A sender gives no two packets that are near one another the same identification. */
static void twin_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		      const struct flow_place *p)
{
	const uint32_t ts = (uint32_t)((uint64_t)p->ts_ns >> TWIN_SHIFT);
	uint64_t mark;
	struct twin *t;

	if (d->family != ADDR_IP4 || !d->ip_id || !p->has_time)
		return;
	if (!f->twins)
		f->twins = xcalloc(TWINS, sizeof(*f->twins));
	mark = twin_mark(s, direction, d);
	t = &f->twins[mark % TWINS];
	if (t->mark == mark >> 32 && ts - t->ts + TWIN_WITHIN <= 2 * TWIN_WITHIN) {
		store_more(f, s)->flow[direction].duplicates++;
		return;
	}
	*t = (struct twin){.mark = (uint32_t)(mark >> 32), .ts = ts};
}

/* --- segments that carry little or nothing --- */

/* At most a byte, around the next sequence number: a probe of a closed window, or a sign of life.
 */
static void probe_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		       const struct segment *g)
{
	const struct side *peer = &s->side[!direction];
	const bool last = d->tcp.seq == g->next_seq - 1,
		   next = d->tcp.seq == g->next_seq && d->payload_bytes;
	const bool closed = peer->seen & SEEN_ACK && !(peer->seen & SEEN_RST) && !peer->window;
	struct more_flow *m;

	if (s->side[direction].seen & SEEN_FIN || !(closed ? last || next : last))
		return;
	m = &store_more(f, s)->flow[direction];
	if (!closed) {
		m->keep_alives++;
		return;
	}
	m->probes++;
	m->probe_bytes += d->payload_bytes;
}

static void little_note(struct flows *f, struct slot *s, unsigned direction,
			const struct decoded *d, const struct segment *g)
{
	if (!g->known || d->tcp.flags & CONTROL || d->payload_bytes > 1)
		return;
	probe_note(f, s, direction, d, g);
	if (!d->payload_bytes && d->tcp.flags & TCP_ACK && d->tcp.window &&
	    d->tcp.window != g->window && d->tcp.ack == g->last_ack && d->tcp.seq == g->next_seq &&
	    ++s->side[direction].figures->updates == 0)
		store_more(f, s)->flow[direction].updates_high++;
}

/* --- a segment --- */

static void sent_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		      const struct flow_place *p, const struct segment *g)
{
	const uint32_t start = d->tcp.seq + (d->tcp.flags & TCP_SYN ? 1 : 0);
	struct sent_segment new = {.start = start,
				   .end = start + d->payload_bytes,
				   .ts_ns = p->has_time ? p->ts_ns : SENT_NO_TIME,
				   .behind = g->again};

	if (g->again)
		sent_again(f, s, direction, new);
	if (!g->fresh)
		return;
	if (!before(start, g->next_seq))
		flight_count(f, s, direction, d->payload_bytes);
	else if (g->again && before(g->next_seq, new.end))
		new.start = g->next_seq;
	sent_add(f, s->side[direction].figures, new);
}

void figures_headers_odd(struct flows *f, struct slot *s, unsigned direction, uint64_t packets,
			 uint64_t bytes)
{
	store_more(f, s)->flow[direction].ip_extra +=
		(int64_t)(bytes - packets * ip_header_bytes(s));
}

static void cut_note(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d)
{
	struct more_flow *m = &store_more(f, s)->flow[direction];

	m->cut_packets++;
	m->cut_bytes += d->payload_bytes - d->payload_captured;
}

/* The pointer is to the byte behind the urgent ones (RFC 6093 2.1). */
static void urgent_note(struct flows *f, struct slot *s, unsigned direction,
			const struct decoded *d)
{
	store_more(f, s)->flow[direction].urg_bytes +=
		d->tcp.urgent < d->payload_bytes ? d->tcp.urgent : d->payload_bytes;
}

void figures_segment(struct flows *f, struct slot *s, unsigned direction, const struct decoded *d,
		     const struct flow_place *p, const struct segment *g)
{
	struct figures *fg = s->side[direction].figures;

	if (d->payload_captured < d->payload_bytes)
		cut_note(f, s, direction, d);
	if (d->tcp.flags & TCP_URG && d->payload_bytes)
		urgent_note(f, s, direction, d);
	if (d->tcp.flags & TCP_PSH && !d->payload_bytes)
		store_more(f, s)->flow[direction].push_empty++;
	if (d->tcp.options_length && !(d->tcp.flags & TCP_SYN))
		sack_note(f, s, direction, d);
	twin_note(f, s, direction, d, p);
	if (!fg)
		return;
	header_count(f, s, direction, d->tcp.flags, d->payload_bytes, d->tcp.window);
	flags_note(f, s, direction, d->tcp.flags);
	little_note(f, s, direction, d, g);
	if (!d->payload_bytes)
		return;
	bulk_data(f, fg, d->payload_bytes);
	if (p->has_time)
		data_time(fg, p->ts_ns);
	if (!(d->tcp.flags & TCP_RST))
		sent_note(f, s, direction, d, p, g);
}
