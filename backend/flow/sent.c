/* Segments that wait for their ACK, sorted by sequence number. An ACK gives a round-trip time when
 * it ends exactly where a segment does that was sent once (Karn, RFC 6298 3), with nothing before
 * it sent later. */
#include "sent.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static size_t sent_bytes(uint32_t room)
{
	return sizeof(struct sent) + room * sizeof(struct sent_segment);
}

static struct sent *sent_new(struct flows *f, uint32_t room)
{
	struct sent *t = room == SENT_ROOM_FIRST ? f->free_sent : NULL;

	if (t)
		f->free_sent = t->next;
	else
		t = xmalloc(sent_bytes(room));
	f->more_bytes += sent_bytes(room);
	t->first = t->count = 0;
	t->room = room;
	return t;
}

static void sent_free(struct flows *f, struct sent *t)
{
	f->more_bytes -= sent_bytes(t->room);
	if (t->room == SENT_ROOM_FIRST) {
		t->next = f->free_sent;
		f->free_sent = t;
		return;
	}
	free(t);
}

void sent_release(struct flows *f, struct figures *fg)
{
	if (fg->sent)
		sent_free(f, fg->sent);
	fg->sent = NULL;
}

/* Room for one more at the end. */
static struct sent *sent_room(struct flows *f, struct figures *fg)
{
	struct sent *t = fg->sent, *bigger;

	if (!t)
		return fg->sent = sent_new(f, SENT_ROOM_FIRST);
	if (t->first + t->count < t->room)
		return t;
	if (t->room == SENT_ROOM_MAX && t->count > SENT_ROOM_MAX / 2) {
		t->first += t->count - SENT_ROOM_MAX / 2;
		t->count = SENT_ROOM_MAX / 2;
	}
	if (t->first >= t->room / 2) {
		memmove(t->at, t->at + t->first, t->count * sizeof(*t->at));
		t->first = 0;
		return t;
	}
	bigger = sent_new(f, t->room * 2);
	memcpy(bigger->at, t->at + t->first, t->count * sizeof(*t->at));
	bigger->count = t->count;
	sent_free(f, t);
	return fg->sent = bigger;
}

void sent_add(struct flows *f, struct figures *fg, struct sent_segment new)
{
	struct sent *t = sent_room(f, fg);
	struct sent_segment *at = t->at + t->first;
	uint32_t i = t->count;

	for (; i > 0 && before(new.start, at[i - 1].start); i--)
		at[i - 1].behind = true;
	memmove(at + i + 1, at + i, (t->count - i) * sizeof(*at));
	at[i] = new;
	t->count++;
}

static void again_note(struct more_flow *m, struct sent_segment *had, int64_t ts_ns)
{
	int64_t after;

	had->again++;
	if (had->again > m->again_most)
		m->again_most = had->again;
	if (had->ts_ns == SENT_NO_TIME || ts_ns == SENT_NO_TIME || ts_ns < had->ts_ns)
		return;
	after = ts_ns - had->ts_ns;
	if (!m->again_times || after < m->again_min_ns)
		m->again_min_ns = after;
	if (!m->again_times || after > m->again_max_ns)
		m->again_max_ns = after;
	m->again_sum_ns += (uint64_t)after;
	m->again_times++;
}

void sent_again(struct flows *f, struct slot *s, unsigned direction, struct sent_segment copy)
{
	struct sent *t = s->side[direction].figures->sent;

	for (uint32_t i = t ? t->count : 0; i-- > 0;) {
		struct sent_segment *had = &t->at[t->first + i];

		if (!before(copy.start, had->end))
			break;
		had->behind = true;
		if (!before(had->start, copy.end))
			continue;
		again_note(&store_more(f, s)->flow[direction], had, copy.ts_ns);
		had->ts_ns = copy.ts_ns;
	}
}

static void rtt_note(struct figures *fg, uint64_t ns)
{
	double before_mean = fg->rtt_samples ? (double)fg->rtt_sum_ns / fg->rtt_samples : 0;

	if (!fg->rtt_samples || ns < fg->rtt_min_ns)
		fg->rtt_min_ns = ns;
	if (ns > fg->rtt_max_ns)
		fg->rtt_max_ns = ns;
	fg->rtt_samples++;
	fg->rtt_sum_ns += ns;
	fg->rtt_squares += ((double)ns - before_mean) *
			   ((double)ns - (double)fg->rtt_sum_ns / fg->rtt_samples);
}

void sent_acked(struct flows *f, struct figures *fg, uint32_t ack, const struct flow_place *p)
{
	struct sent *t = fg->sent;

	while (t && t->count && !before(ack, t->at[t->first].end)) {
		const struct sent_segment *had = &t->at[t->first];

		if (had->end != ack)
			fg->cumulative++;
		else if (!had->again && !had->behind && p->has_time && had->ts_ns != SENT_NO_TIME &&
			 p->ts_ns >= had->ts_ns)
			rtt_note(fg, (uint64_t)(p->ts_ns - had->ts_ns));
		t->first++;
		t->count--;
	}
	if (t && !t->count)
		sent_release(f, fg);
}
