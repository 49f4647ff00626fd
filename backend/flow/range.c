/* Sequence space of one direction: what was seen is everything below next_seq but for the holes.
 * Arithmetic is modulo 2^32: a before b means that b - a is below 2^31. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sent.h"
#include "track.h"

#define RANGE_FAR (UINT32_C(1) << 30) /* no window is larger (RFC 7323 2.3) */

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t first_of(uint32_t a, uint32_t b)
{
	return before(a, b) ? a : b;
}

static uint32_t last_of(uint32_t a, uint32_t b)
{
	return before(a, b) ? b : a;
}

/* Puts a hole at place i; at the limit the oldest is given up as lost first. */
static void hole_insert(struct flows *f, struct more_flow *m, uint32_t i, struct hole h)
{
	if (m->holes == FLOWS_HOLES_MAX) {
		memmove(m->hole, m->hole + 1, (m->holes - 1) * sizeof(*m->hole));
		m->holes--;
		i -= i > 0;
	}
	if (m->holes == m->holes_room) {
		uint32_t room = m->holes_room ? m->holes_room * 2 : 4;

		m->hole = xreallocarray(m->hole, room, sizeof(*m->hole));
		f->more_bytes += (room - m->holes_room) * sizeof(*m->hole);
		m->holes_room = room;
	}
	memmove(m->hole + i + 1, m->hole + i, (m->holes - i) * sizeof(*m->hole));
	m->hole[i] = h;
	m->holes++;
}

static void hole_remove(struct more_flow *m, uint32_t i)
{
	m->holes--;
	memmove(m->hole + i, m->hole + i + 1, (m->holes - i) * sizeof(*m->hole));
}

/* What [seq, end) fills of the holes. */
static uint32_t holes_fill(struct flows *f, struct more_flow *m, uint32_t seq, uint32_t end)
{
	uint32_t filled = 0;

	for (uint32_t i = 0; i < m->holes;) {
		struct hole *h = &m->hole[i], behind;
		uint32_t start = last_of(seq, h->start), stop = first_of(end, h->end);

		if (!before(start, stop)) {
			i++;
			continue;
		}
		filled += stop - start;
		behind = (struct hole){stop, h->end, h->acked};
		if (h->start == start && h->end == stop) {
			hole_remove(m, i);
			continue;
		}
		if (h->start == start) {
			h->start = stop;
		} else {
			h->end = start;
			if (before(behind.start, behind.end))
				hole_insert(f, m, i + 1, behind);
		}
		i++;
	}
	return filled;
}

/* Data before the first byte seen, where no SYN said that nothing can be there. */
static uint32_t range_earlier(struct flows *f, struct slot *s, unsigned direction, uint32_t seq,
			      uint32_t end)
{
	struct side *fl = &s->side[direction];
	uint32_t first = fl->first_seq, stop = first_of(end, first);

	fl->first_seq = seq;
	if (before(stop, first)) {
		struct more *more = store_more(f, s);

		hole_insert(f, &more->flow[direction], 0, (struct hole){stop, first, false});
	}
	return stop - seq;
}

static void range_behind(struct flows *f, struct slot *s, unsigned direction, uint32_t seq)
{
	struct side *fl = &s->side[direction];
	struct more_flow *m = &store_more(f, s)->flow[direction];
	bool acked = m->has_acked_unseen && !before(m->acked_unseen, seq);

	hole_insert(f, m, m->holes, (struct hole){fl->next_seq, seq, acked});
}

/* Holes so far back that the comparison modulo 2^32 would go wrong are given up as lost. */
static void holes_age(struct more_flow *m, uint32_t next_seq)
{
	while (m->holes && next_seq - m->hole[0].start > RANGE_FAR)
		hole_remove(m, 0);
}

static void range_advance(struct slot *s, unsigned direction, uint32_t end)
{
	struct side *fl = &s->side[direction];

	fl->next_seq = end;
	if (end - fl->first_seq > RANGE_FAR)
		fl->end |= END_FAR;
	if (s->more)
		holes_age(&s->more->flow[direction], end);
}

/* Data that lies where it has been, in holes, or before the first byte. */
static void range_back(struct flows *f, struct slot *s, unsigned direction, uint32_t seq,
		       uint32_t end, struct range_result *r)
{
	struct side *fl = &s->side[direction];

	r->fresh = 0;
	if (!(fl->seen & (SEEN_SYN | SEEN_SYN_ACK)) && !(fl->end & END_FAR) &&
	    before(seq, fl->first_seq)) {
		r->fresh = range_earlier(f, s, direction, seq, end);
		r->filled = true;
		seq += r->fresh;
	}
	if (before(seq, end) && s->more && s->more->flow[direction].holes) {
		uint32_t filled = holes_fill(f, &s->more->flow[direction], seq, end);

		r->fresh += filled;
		r->filled |= filled > 0;
	}
	if (before(fl->next_seq, end)) {
		r->fresh += end - fl->next_seq;
		range_advance(s, direction, end);
	}
}

void range_add(struct flows *f, struct slot *s, unsigned direction, uint32_t seq, uint32_t length,
	       struct range_result *r)
{
	struct side *fl = &s->side[direction];
	uint32_t ahead = seq - fl->next_seq, behind = fl->next_seq - seq, end = seq + length;

	*r = (struct range_result){.fresh = length};
	if (ahead <= RANGE_FAR) {
		if (ahead) {
			r->gap = true;
			range_behind(f, s, direction, seq);
		}
		range_advance(s, direction, end);
	} else if (behind <= RANGE_FAR) {
		range_back(f, s, direction, seq, end, r);
	} else {
		/* No window reaches so far: another stream's segment, or a capture with a gap of
		 * gigabytes. It is followed from here on. */
		r->gap = true;
		range_reset(f, s, direction);
		fl->end |= END_FAR;
		fl->next_seq = end;
	}
}

void range_reset(struct flows *f, struct slot *s, unsigned direction)
{
	if (s->side[direction].figures)
		sent_release(f, s->side[direction].figures);
	if (s->more) {
		s->more->flow[direction].holes = 0;
		s->more->flow[direction].has_acked_unseen = false;
	}
}
