/* `new`: from words to a running session. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "disk.h"
#include "outlet.h"
#include "session.h"

static char *user_name(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? xstrdup(pw->pw_name) : xasprintf("%lu", (unsigned long)uid);
}

static int name_free(struct control *c, const char *name, struct err *e)
{
	const struct session *s = session_find(c, str_of(name));

	if (c->stopping)
		return err_set(e, ERR_REFUSED, "this daemon is about to end: try again");
	if (s && session_runs(s))
		return err_set(e, ERR_CALL,
			       "a session is called \"%s\" already: take another name, or stop and "
			       "dismiss that one",
			       name);
	if (s)
		return err_set(e, ERR_CALL,
			       "a session called \"%s\" has ended and is still listed: take "
			       "another name, or `dismiss %s`",
			       name, name);
	if (c->nsessions >= c->sessions_max)
		return err_set(e, ERR_REFUSED,
			       "there are %u sessions already, which is the most: dismiss some",
			       c->sessions_max);
	return 0;
}

int session_try(struct control *c, struct session *s, struct err *e)
{
	return name_free(c, s->spec.name, e) || join_resolve(s, e) ? -1 : 0;
}

void session_start(struct control *c, struct spec *spec, const struct peer *p,
		   const struct reply *r)
{
	uid_t uid = p->who.uid;
	struct err e;

	if (name_free(c, spec->name, &e) ||
	    (spec->user && account_named(spec->user, p->who.uid, &uid, &e)))
		reply_error(c, r, &e);
	else
		session_begin(c, spec, &p->who, uid, r, NULL);
}

void session_begin(struct control *c, struct spec *spec, const struct who *who, uid_t uid,
		   const struct reply *r, const struct persist *back)
{
	const bool less = spec->buffer_bytes > c->buffer_max_bytes;
	struct session *s;
	struct err e;

	s = session_new(c, spec->name);
	s->spec = *spec;
	*spec = (struct spec){0};
	if (back)
		s->persist = *back;
	s->who = *who;
	s->uid = uid;
	s->by_root = who->owner;
	free(s->owner);
	s->owner = user_name(s->uid);
	free(s->filter);
	s->filter = xstrdup(s->spec.filter);
	s->started = *r;
	s->started_ns = clock_now_ns();
	/* What it is to have is kept with it from the first: it may come back before it began. */
	s->persist.recorded = s->spec.record;
	for (unsigned i = 0; i < s->spec.ncounters; i++)
		(void)session_counter_add(s, s->spec.counter[i].name, s->spec.counter[i].filter);
	if (less)
		s->spec.buffer_bytes = (uint32_t)c->buffer_max_bytes;
	s->deadline_ns = clock_mono_ns() + SESSION_STOP_NS;
	if (join_resolve(s, &e) || capture_create(s, &e) || persist_journal(s, &e) ||
	    disk_begin(s, &e) || tap_child_start(s, &e) || outlets_start(s, &e)) {
		s->tap_error = e;
		session_tap_gone(s, &e);
		return;
	}
	if (less)
		session_event(
			s, "note",
			"its ring is %u bytes a device, which is the most here (limit buffer)",
			s->spec.buffer_bytes);
	/* A session without a reader counts and records all the same. */
	if (session_reader_start(s, &e))
		session_event(s, "warn", "no connections for now: %s", e.text);
}
