/* Files of the session, as the main thread sees them: when the next begins, what became of those
 * that are complete, what is missed while there is none. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "tap_private.h"

void segment_ask(struct tap *t)
{
	struct msg_tap_need need;

	if (!t->asked_segment) /* a save that is asked for meanwhile has another number */
		t->asked_segment = ++t->last_segment;
	need = (struct msg_tap_need){.number = t->asked_segment};
	if (t->control)
		channel_put_tap_need(t->control, 0, 0, &need);
}

static void journal_segment(struct tap *t, const struct output_segment *s,
			    const struct writer_news *n)
{
	struct msg_j_segment m = {.number = s->number,
				  .name = str_of(s->name),
				  .sealed = SEGMENT_OPENED,
				  .reason = str_of(s->reason),
				  .first_packet = s->first_packet,
				  .first_bytes = s->first_bytes};

	if (n) {
		m.sealed = n->fault == SEGMENT_NOT_SYNCED ? SEGMENT_UNCERTAIN : SEGMENT_COMPLETE;
		m.packets = n->packets;
		m.wire_bytes = s->wire_bytes;
		m.bytes = n->bytes;
		m.first_ns = s->first_ns;
		m.last_ns = s->last_ns;
	}
	(void)journal_add_j_segment(t->journal, &m, NULL);
	(void)journal_sync(t->journal, NULL);
}

void segment_begun(struct tap *t, const struct output_segment *s)
{
	journal_segment(t, s, NULL);
}

/* --- when the next one begins --- */

/* Nothing more is taken: what was counted is what was asked for. */
static void tap_full(struct tap *t)
{
	const struct msg_tap_stop m = {.reason = str_of("stop-after")};

	if (t->full)
		return;
	t->full = true;
	if (t->control)
		channel_put_tap_stop(t->control, 0, 0, &m);
	tap_stop(t, "stop-after");
}

void segment_limits(struct tap *t)
{
	uint64_t bytes;

	if (!t->stop_packets && !t->stop_bytes)
		return; /* usual, and asked twice a packet */
	bytes = t->record ? output_recorded(&t->output) : t->bytes;
	if ((t->stop_packets && t->packets >= t->stop_packets) ||
	    (t->stop_bytes && bytes >= t->stop_bytes))
		tap_full(t);
}

static void on_time(uv_timer_t *timer)
{
	struct tap *t = timer->data;

	if (rotation_due(&t->output.rotation, clock_now_ns(), clock_mono_ns()))
		segment_rotate(t, "time");
	segment_timer(t);
}

void segment_timer(struct tap *t)
{
	const int64_t wait_ns =
		rotation_wait_ns(&t->output.rotation, clock_now_ns(), clock_mono_ns());

	if (wait_ns < 0 || t->ended || t->output.segment.number == 0)
		return;
	/* What steps meanwhile is seen within a minute. */
	uv_timer_start(
		&t->rotate, on_time,
		(uint64_t)((wait_ns < 60 * NS_PER_S ? wait_ns : 60 * NS_PER_S) / NS_PER_MS + 1), 0);
}

void segment_rotate(struct tap *t, const char *reason)
{
	const struct msg_tap_need need = {.number = t->last_segment + 1};

	if (t->output.segment.number == 0 || t->stopping)
		return;
	if (t->stop_segments && t->segments >= t->stop_segments) {
		tap_full(t);
		return;
	}
	control_segment_news(t); /* many may end while one handle is read */
	if (output_rotate(&t->output, need.number, reason)) {
		t->crowded++;
		return;
	}
	t->last_segment = need.number;
	t->segments++;
	if (t->control)
		channel_put_tap_need(t->control, 0, 0, &need);
	segment_timer(t);
}

void segment_full(void *arg, const char *reason)
{
	segment_rotate(arg, reason);
}

/* --- what is missed --- */

void segment_lose(struct tap *t, const char *why)
{
	if (!t->lost_since_ns) {
		t->lost_since_ns = clock_now_ns();
		t->output.lost = 0;
	}
	free(t->lost_why);
	t->lost_why = xstrdup(why);
	t->output.losing = true;
}

void segment_lose_end(struct tap *t)
{
	struct msg_j_gap m = {.from_ns = t->lost_since_ns,
			      .to_ns = clock_now_ns(),
			      .where = str_of("disk"),
			      .why = str_of(t->lost_why ? t->lost_why : ""),
			      .lost = t->output.lost};

	t->output.losing = false;
	if (!t->lost_since_ns)
		return;
	(void)journal_add_j_gap(t->journal, &m, NULL);
	t->lost_since_ns = 0;
	t->output.lost = 0;
}

/* --- files that come --- */

int segment_take(struct tap *t, const struct msg_tap_segment *m, int fd, struct err *e)
{
	char *name = xstrndup(m->name.p, m->name.len);
	struct output_segment *s = output_give_segment(&t->output, m->number, name, fd);
	const bool asked = m->number == t->asked_segment;
	int rc = 0;

	if (asked)
		t->asked_segment = 0;
	if (!s && (!t->record || t->stopping || (m->number <= t->last_segment && !asked))) {
		close(fd);
		rc = err_set(e, ERR_CALL, "there is no use for a file of segment %u", m->number);
	} else if (!s) {
		control_segment_news(t);
		rc = output_begin_segment(&t->output, m->number, name, fd, "rotate", e);
		s = &t->output.segment;
		t->segments += rc == 0;
		if (rc == 0 && m->number > t->last_segment)
			t->last_segment = m->number;
	}
	free(name);
	if (rc)
		return -1;
	if (s == &t->output.segment)
		segment_lose_end(t);
	journal_segment(t, s, NULL);
	segment_timer(t);
	return 0;
}

/* What it holds is counted as lost when the writer has passed it over. */
void segment_absent(struct tap *t, uint32_t number)
{
	if (number == t->asked_segment) {
		t->last_segment -= number == t->last_segment;
		t->asked_segment = 0;
	}
	if (t->output.segment.number == number && t->output.segment.awaited) {
		segment_lose(t, "there was no file");
		output_seal(&t->output, "disk");
	}
	output_abandon_segment(&t->output, number, EIO);
}

/* --- files that are complete --- */

/* What the disk did not take is counted, and the segment is closed; control says how it goes on. */
static void segment_failed(struct tap *t, struct output_segment *s, const struct writer_news *n)
{
	const uint64_t lost = s->packets - n->packets;
	const bool current = s == &t->output.segment;

	s->failed = true;
	if (n->fault == SEGMENT_NOT_SYNCED)
		tap_event(t, "error", t->session,
			  "%s may not be wholly on the disk, as syncing it failed: %s", s->name,
			  n->why);
	else if (!n->never_had)
		tap_event(t, "error", t->session,
			  "%s cannot be written: %s; it ends with its last whole packet, counting "
			  "goes on",
			  s->name, n->why);
	if (current) {
		segment_lose(t, n->why);
		output_seal(&t->output, n->fault == SEGMENT_NOT_SYNCED ? "not synced" : "disk");
	}
	if (s->saved) { /* its packets are still held */
		snprintf(s->reason, sizeof(s->reason), "disk");
		return;
	}
	t->output.dropped_disk += lost;
	t->output.lost += lost;
}

static void segment_done(struct tap *t, const struct output_segment *s, const struct writer_news *n)
{
	const struct msg_tap_sealed m = {.number = s->number,
					 .name = str_of(s->name),
					 .packets = n->packets,
					 .bytes = n->bytes,
					 .first_ns = s->first_ns,
					 .last_ns = s->last_ns,
					 .reason = str_of(s->reason),
					 .failed = (uint8_t)n->fault,
					 .error = (uint32_t)n->error};

	journal_segment(t, s, n);
	if (t->control)
		channel_put_tap_sealed(t->control, 0, 0, &m);
}

/* What it had lies in the last one that has a file, which is told behind it. */
static void segment_joined(struct tap *t, const struct output_segment *s)
{
	struct output_segment *last = output_segment_before(&t->output, s->number);

	while (last && last->awaited)
		last = output_segment_before(&t->output, last->number);
	if (!last)
		return;
	if (last->packets == 0 || s->first_ns < last->first_ns)
		last->first_ns = s->first_ns;
	if (last->packets == 0 || s->last_ns > last->last_ns)
		last->last_ns = s->last_ns;
	last->packets += s->packets;
}

void control_segment_news(struct tap *t)
{
	struct writer_news n;

	while (t->output.writer && writer_news(t->output.writer, &n)) {
		struct output_segment *s = output_find_segment(&t->output, n.segment);

		if (!s)
			continue;
		if (n.kind == WRITER_FAILED) {
			segment_failed(t, s, &n);
			continue;
		}
		if (!n.never_had)
			segment_done(t, s, &n);
		else if (n.fault == SEGMENT_SOUND && s->packets)
			segment_joined(t, s);
		output_forget_segment(s);
	}
}
