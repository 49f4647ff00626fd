/* `announce`: a command for each file that is complete and has its last name, one after another in
 * their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "outlet_private.h"

static void dropped_tell(struct outlets *o)
{
	struct session *s = o->session;

	if (o->dropped == o->dropped_told)
		return;
	session_event(s, "warn",
		      "%llu files were not announced: the command is slower than they come (%u "
		      "wait at most), or they were removed before",
		      (unsigned long long)(o->dropped - o->dropped_told), OUTLETS_ANNOUNCE_MAX);
	o->dropped_told = o->dropped;
}

static void on_announced(void *arg, int status, const char *last)
{
	struct outlets *o = arg;
	struct session *s = o->session;
	const struct segment *g = outlet_segment(o, o->announcing);
	const bool late = o->announce.late;
	char how[64];

	errand_free(o->announce.errand);
	o->announce.errand = NULL;
	if (!late && (!WIFEXITED(status) || WEXITSTATUS(status)))
		session_event(s, "warn", "announcing %s: the command %s%s%s",
			      g ? g->name : "a file", errand_status(status, how, sizeof(how)),
			      last[0] ? ": " : "", last);
	dropped_tell(o);
	outlet_step(o);
}

static int announce_run(struct outlets *o, const struct segment *g, struct err *e)
{
	struct session *s = o->session;
	char *path = segment_path(s, g, false);
	char *env[] = {
		xasprintf("TAPDECK_FILE=%s", path),
		xasprintf("TAPDECK_NAME=%s", g->name),
		xasprintf("TAPDECK_CAPTURE=%s", s->capture),
		xasprintf("TAPDECK_SEGMENT=%u", g->number),
		xasprintf("TAPDECK_PACKETS=%llu", (unsigned long long)g->packets),
		xasprintf("TAPDECK_BYTES=%llu", (unsigned long long)g->bytes),
		xasprintf("TAPDECK_REASON=%s", g->reason),
		NULL,
	};
	const int r = outlet_run(o, &o->announce, "announce", s->spec.announce, path, env, -1,
				 on_announced, e);

	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	free(path);
	if (r)
		return -1;
	o->announce.limit_ns = clock_mono_ns() + OUTLETS_COMMAND_NS;
	o->announcing = g->number;
	return 0;
}

/* Nothing is to come of it: it was, or what its tap left was no file. */
static bool is_over(const struct segment *g)
{
	return g->way == SEGMENT_WAY_DONE ||
	       (g->way == SEGMENT_WAY_NONE && g->sealed && !g->mending);
}

/* Those in front that are ready: a file never overtakes another. */
static unsigned ready_in_front(const struct session *s, unsigned *first)
{
	unsigned i = 0, n = 0;

	while (i < s->nsegments && is_over(&s->segment[i]))
		i++;
	*first = i;
	for (; i < s->nsegments; i++) {
		if (s->segment[i].way == SEGMENT_WAY_READY)
			n++;
		else if (!is_over(&s->segment[i]))
			break;
	}
	return n;
}

static void ready_done(struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].way == SEGMENT_WAY_READY)
			s->segment[i].way = SEGMENT_WAY_DONE;
}

void outlet_announce_step(struct outlets *o)
{
	struct session *s = o->session;
	unsigned first, ready;
	struct err e;

	if (!s->spec.announce) {
		ready_done(s);
		return;
	}
	while ((ready = ready_in_front(s, &first)) > OUTLETS_ANNOUNCE_MAX) {
		s->segment[first].way = SEGMENT_WAY_DONE;
		if (o->dropped++ == 0) /* more are told of when its command has ended */
			dropped_tell(o);
	}
	if (!ready || o->announce.errand)
		return;
	s->segment[first].way = SEGMENT_WAY_DONE;
	if (announce_run(o, &s->segment[first], &e) == 0)
		return;
	session_event(s, "warn", "%s was not announced: %s", s->segment[first].name, e.text);
}
