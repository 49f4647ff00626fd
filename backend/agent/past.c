#include "past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

#define MEMINFO_LINE 256u

/* Who waits: for the save that runs, for the one behind it. */
struct saves {
	bool running, again;
	struct waiting now, next;
};

/* --- how much --- */

/* Bytes that can be had without swapping, as the kernel says; 0: it does not. */
static uint64_t memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[MEMINFO_LINE];
	unsigned long long kib = 0;

	while (f && !kib && fgets(line, sizeof(line), f))
		(void)sscanf(line, "MemAvailable: %llu", &kib);
	if (f)
		fclose(f);
	return (uint64_t)kib * 1024;
}

/* What may still be asked for: a quarter of what there is, for all sessions together. What they
 * hold already is no longer available, and is theirs. */
static uint64_t memory_left(const struct session *s)
{
	const uint64_t available = memory_available();
	uint64_t held = 0, promised = 0, most;

	for (const struct session *x = s->control->sessions; x; x = x->next) {
		if (x == s || !x->spec.past_bytes || !session_runs(x))
			continue;
		held += x->total.past_bytes;
		promised += x->spec.past_bytes;
	}
	if (!available)
		return UINT64_MAX;
	most = (available + held) / PAST_MEMORY_SHARE;
	return most > promised ? most - promised : 0;
}

/* As much as may be: what was said, or less where no size was said. */
static int past_bound(struct session *s, struct err *e)
{
	const uint64_t most = memory_left(s);
	char asked[TEXT_NUMBER_MAX], text[TEXT_NUMBER_MAX];

	if (s->spec.past_bytes <= most)
		return 0;
	if (!s->spec.past_ns || s->spec.past_bytes != SPEC_PAST_USUAL_BYTES || most < CHUNK_BYTES)
		return err_set(e, ERR_CALL,
			       "\"past\" may ask for a quarter of the memory that is available "
			       "here, all sessions together: %s more now, not %s",
			       text_bytes(most, text), text_bytes(s->spec.past_bytes, asked));
	s->spec.past_bytes = most;
	session_event(s, "warn",
		      "the past holds %s at most, so that all of them are a quarter of the memory "
		      "that is available",
		      text_bytes(most, text));
	return 0;
}

int past_chunks(struct session *s, uint32_t *slots, struct err *e)
{
	uint64_t chunks;

	*slots = s->spec.record ? SESSION_CHUNKS_RECORD : SESSION_CHUNKS_COUNT;
	if (!s->spec.past_bytes)
		return 0;
	if (past_bound(s, e))
		return -1;
	/* one more: the first and the last are held in part */
	chunks = (s->spec.past_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES + 1 + PAST_SPARE_CHUNKS;
	*slots = chunks > CHUNK_SLOTS_MAX ? CHUNK_SLOTS_MAX : (uint32_t)chunks;
	return 0;
}

/* --- saving --- */

static struct saves *saves_of(struct session *s)
{
	if (!s->saves)
		s->saves = xcalloc(1, sizeof(*s->saves));
	return s->saves;
}

int past_save(struct session *s, const struct reply *r, struct err *e)
{
	const struct msg_tap_save m = {0};
	struct saves *x = saves_of(s);

	if (!s->spec.past_bytes)
		return err_set(e, ERR_CALL,
			       "the session %s holds no past: `new` it with \"past 30s\"", s->name);
	if (s->state != SESSION_RUNNING || !s->tap)
		return err_set(e, ERR_CALL, "the session %s is %s: its past is gone", s->name,
			       session_state_text(s));
	if (x->running) {
		if (r && x->next.count == SESSION_WAITING_MAX)
			return err_set(e, ERR_REFUSED,
				       "%u wait for the next save of %s already: ask again later",
				       SESSION_WAITING_MAX, s->name);
		x->again = true;
		if (r)
			waiting_add(s->control, &x->next, r);
		return 0;
	}
	(void)channel_put_tap_save(s->tap, 0, 0, &m); /* -1: `gone` will come */
	x->running = true;
	if (r)
		waiting_add(s->control, &x->now, r);
	control_changed(s->control);
	return 0;
}

void past_begun(struct session *s, const struct msg_tap_saved *m)
{
	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (g->number != m->number || !g->saved)
			continue;
		g->first_packet = m->first_packet;
		g->begun = true;
	}
	state_save(s);
}

/* The one that was asked for meanwhile. */
static void saves_next(struct session *s)
{
	struct saves *x = s->saves;
	struct err e;

	x->running = false;
	x->now = x->next;
	x->next.count = 0;
	if (!x->again)
		return;
	x->again = false;
	if (past_save(s, NULL, &e))
		waiting_error(s->control, &x->now, &e);
}

void past_failed(struct session *s, const struct err *e)
{
	waiting_error(s->control, &saves_of(s)->now, e);
	session_event(s, "error", "the past is not saved: %s", e->text);
	saves_next(s);
}

void past_sealed(struct session *s, const struct segment *g)
{
	struct saves *x = saves_of(s);
	char bytes[TEXT_NUMBER_MAX], span[TEXT_NUMBER_MAX];
	struct err e;

	if (g->bytes == 0 || strcmp(g->reason, "disk") == 0) {
		err_set(&e, ERR_PART, "%s could not be written: it has %llu packets of the past",
			g->name, (unsigned long long)g->packets);
		waiting_error(s->control, &x->now, &e);
		session_event(s, "error", "%s", e.text);
	} else {
		session_event(s, "note", "saved %llu packets, %s, %s as %s",
			      (unsigned long long)g->packets,
			      text_duration(g->last_ns - g->first_ns, span),
			      text_bytes(g->bytes, bytes), g->name);
		waiting_done(s->control, &x->now, "");
	}
	saves_next(s);
}

void past_matched(struct session *s, const struct msg_tap_matched *m)
{
	const bool stop = str_is(m->op, "stop");
	struct err e;

	if (s->state != SESSION_RUNNING)
		return;
	session_event(s, "note", "a packet matches %s %s", stop ? "stop-when" : "save-when",
		      stop ? s->spec.stop_when : s->spec.save_when);
	if (stop)
		session_stop(s, "stop-when");
	else if (past_save(s, NULL, &e))
		session_event(s, "error", "the past is not saved: %s", e.text);
}

void past_over(struct session *s)
{
	struct err e;

	if (!s->saves)
		return;
	err_set(&e, ERR_PART, "the session %s ended before its past was saved", s->name);
	waiting_error(s->control, &s->saves->now, &e);
	waiting_error(s->control, &s->saves->next, &e);
	s->saves->running = s->saves->again = false;
}

void past_free(struct session *s)
{
	past_over(s);
	free(s->saves);
	s->saves = NULL;
}
