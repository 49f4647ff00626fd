/* `watch-file`: the first complete file is shown, each next one when the sign is there. */
#include <string.h>

#include "base/clock.h"
#include "outlet_private.h"

#define WATCH_NS NS_PER_S

void outlet_show(struct outlets *o, struct segment *g)
{
	struct session *s = o->session;
	struct err e;

	if (segment_name(s, g, &e)) {
		session_event(s, "error", "a complete file keeps its name .part: %s", e.text);
		g->way = SEGMENT_WAY_DONE;
		return;
	}
	g->part = false;
	g->way = o->compressor ? SEGMENT_WAY_PLAIN : SEGMENT_WAY_READY;
}

static struct segment *held(struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].way == SEGMENT_WAY_HELD)
			return &s->segment[i];
	return NULL;
}

/* Nobody gives a sign any more for what has ended: nothing of it stays hidden. */
static void show_all(struct outlets *o)
{
	struct session *s = o->session;
	struct segment *g;
	unsigned n = 0;

	for (; (g = held(s)) != NULL; n++)
		outlet_show(o, g);
	if (!n)
		return;
	session_event(s, "note", "%u files that waited for %s are shown, as the session has ended",
		      n, s->spec.watch_file);
	state_save(s);
	control_changed(s->control);
}

static void watch_lost(struct outlets *o, const char *why)
{
	struct session *s = o->session;

	watch_free(o->watch);
	o->watch = NULL;
	o->watch_asked = false;
	if (!o->watch_told)
		session_event(s, "warn", "%s cannot be watched for: %s", s->spec.watch_file, why);
	o->watch_told = true;
}

static void sign_seen(struct outlets *o, int seen, const char *why)
{
	struct session *s = o->session;
	struct segment *g = held(s);

	if (seen == WATCH_STUCK && !o->stuck_told)
		session_event(s, "warn",
			      "%s is there and cannot be removed (%s), so that it is no sign for "
			      "the next file: its folder must be writable for the session's owner",
			      s->spec.watch_file, why);
	o->stuck_told = seen == WATCH_STUCK;
	if (seen != WATCH_TAKEN || !g)
		return;
	outlet_show(o, g);
	state_save(s);
	control_changed(s->control);
}

/* true: a look is under way, whose answer may have come. */
static bool sign_ask(struct outlets *o)
{
	struct session *s = o->session;
	const int64_t now_ns = clock_mono_ns();
	struct err e;

	if (o->watch_asked)
		return true;
	if (now_ns - o->watch_ns < WATCH_NS)
		return false;
	o->watch_ns = now_ns;
	if (!o->watch && watch_start(&o->watch, s->control, &o->account, s->spec.watch_file, &e)) {
		watch_lost(o, e.text);
		return false;
	}
	o->watch_asked = true;
	if (watch_ask(o->watch) == 0)
		return true;
	watch_lost(o, "the process that looks for it died; another one is started");
	return false;
}

void outlet_hold_step(struct outlets *o)
{
	const char *why = "";
	int seen;

	if (!o->session->spec.watch_file || !held(o->session))
		return;
	if (o->ended) {
		show_all(o);
		return;
	}
	if (!sign_ask(o))
		return;
	seen = watch_answer(o->watch, &why);
	if (seen == WATCH_WAITS)
		return;
	o->watch_asked = false;
	if (seen < 0)
		watch_lost(o, "the process that looks for it died; another one is started");
	else
		sign_seen(o, seen, why);
}
