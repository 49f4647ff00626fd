/* Segments that wait for their ACK, sorted by sequence number. An ACK gives a round-trip time when
 * it ends exactly where a segment does that was sent once (Karn, RFC 6298 3), with nothing before
 * it sent later. */
#include "sent.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "bulk.h"

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

/* How long it was on its way, as far as that is known. */
static int64_t sent_since(const struct sent_segment *had, int64_t ts_ns)
{
	return had->ts_ns == SENT_NO_TIME || ts_ns == SENT_NO_TIME || ts_ns < had->ts_ns
		       ? SENT_NO_TIME
		       : ts_ns - had->ts_ns;
}

static void again_note(struct repeats *r, struct figures *fg, struct sent_segment *had,
		       int64_t ts_ns)
{
	const int64_t after = sent_since(had, ts_ns);

	had->again++;
	if (had->again > r->most)
		r->most = had->again;
	if (after == SENT_NO_TIME)
		return;
	moments_add(&r->times, (uint64_t)after);
	bulk_area(fg, had->end - had->start, after);
}

void sent_again(struct flows *f, struct slot *s, unsigned direction, struct sent_segment copy)
{
	struct figures *fg = s->side[direction].figures;
	struct sent *t = fg->sent;

	for (uint32_t i = t ? t->count : 0; i-- > 0;) {
		struct sent_segment *had = &t->at[t->first + i];

		if (!before(copy.start, had->end))
			break;
		had->behind = true;
		if (!before(had->start, copy.end))
			continue;
		again_note(repeats_take(f, s, direction), fg, had, copy.ts_ns);
		had->ts_ns = copy.ts_ns;
	}
}

/* An ACK matches the end of this segment, `after` its latest copy. */
static void match_note(struct flows *f, struct slot *s, unsigned direction,
		       const struct sent_segment *had, int64_t after)
{
	struct repeats *r;

	if (!had->again && !had->behind) {
		if (after != SENT_NO_TIME)
			bulk_rtt(f, s->side[direction].figures, (uint64_t)after,
				 had->end - had->start);
		return;
	}
	r = repeats_take(f, s, direction);
	if (!had->again) {
		r->post_loss++;
		return;
	}
	r->ambiguous++;
	if (after != SENT_NO_TIME)
		moments_add(&r->last, (uint64_t)after);
}

void sent_acked(struct flows *f, struct slot *s, unsigned direction, uint32_t ack,
		const struct flow_place *p)
{
	struct figures *fg = s->side[direction].figures;
	struct sent *t = fg->sent;

	while (t && t->count && !before(ack, t->at[t->first].end)) {
		const struct sent_segment *had = &t->at[t->first];
		const int64_t after = sent_since(had, p->has_time ? p->ts_ns : SENT_NO_TIME);

		if (after > 0)
			bulk_area(fg, had->end - had->start, after);
		if (had->end != ack)
			bulk_cumulative(f, fg);
		else
			match_note(f, s, direction, had, after);
		t->first++;
		t->count--;
	}
	if (t && !t->count)
		sent_release(f, fg);
}
