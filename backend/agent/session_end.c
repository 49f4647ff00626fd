/* How a session ends: asked to, by its tap's death, or before it began. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "outlet.h"
#include "past.h"
#include "reader_child.h"
#include "session.h"
#include "session_unpack.h"

/* It never ran: nothing stays of it. */
static void session_abort(struct session *s)
{
	struct control *c = s->control;
	const struct reply who = s->started;
	struct err e = s->tap_error;

	if (e.code == ERR_NONE)
		err_set(&e, ERR_REFUSED,
			"the process that captures ended before it began; the log of tapdeckd may "
			"say why");
	if (s->tap_pid > 0)
		(void)kill(s->tap_pid, SIGKILL); /* it may be gone already: then it is not reaped
						    yet, or this says so */
	outlets_free(s);
	capture_remove(s);
	waiting_done(c, &s->stops, "");
	if (s->persist.back) {
		persist_failed(s, &e);
		return;
	}
	state_forget(s);
	session_free(s);
	reply_error(c, &who, &e);
}

void session_stopping(struct session *s, const char *reason)
{
	if (s->state != SESSION_RUNNING)
		return;
	s->state = SESSION_STOPPING;
	free(s->reason);
	s->reason = xstrdup(reason);
	s->deadline_ns = clock_mono_ns() + SESSION_STOP_NS;
	control_changed(s->control);
}

void session_stop(struct session *s, const char *reason)
{
	const struct msg_tap_stop m = {.reason = str_of(reason)};

	if (s->state == SESSION_STARTING) {
		err_set(&s->tap_error, ERR_REFUSED, "the session %s was stopped before it began",
			s->name);
		session_abort(s);
		return;
	}
	if (s->state != SESSION_RUNNING)
		return;
	session_stopping(s, reason);
	(void)channel_put_tap_stop(s->tap, 0, 0, &m); /* -1: `gone` will come */
}

static void tap_died(struct session *s, const struct err *why)
{
	const char *cause = s->tap_error.code  ? s->tap_error.text
			    : why && why->code ? why->text
					       : "it was killed, or crashed";

	free(s->reason);
	s->reason = xasprintf("tap died: %s", cause);
	s->failed = true;
	salvage_tap(s, s->reason);
	session_event(s, "error",
		      "the process that captured is gone (%s); what it had published is kept",
		      cause);
}

/* Its tap ended in order and left a file: what it was asked for too late. */
static bool segments_unsealed(const struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++)
		if (!s->segment[i].sealed)
			return true;
	return false;
}

void session_tap_gone(struct session *s, const struct err *why)
{
	struct err e, ended;

	if (s->state == SESSION_STARTING) {
		session_abort(s);
		return;
	}
	if (s->state > SESSION_STOPPING)
		return;
	err_set(&e, ERR_REFUSED, "the session %s has ended", s->name);
	job_fail_all(s, &e);
	s->tap_pid = 0;
	if (!s->tap_ended)
		tap_died(s, why);
	else if (segments_unsealed(s))
		salvage_tap(s, "stop");
	if (!s->reason) { /* it ended of itself, and in order */
		s->reason = xstrdup(s->tap_error.code ? s->tap_error.text : "the source ended");
		s->failed = s->tap_error.code != ERR_NONE;
	}
	waiting_done(s->control, &s->seals, "");
	err_set(&ended, ERR_PART, "the session %s ended before its recording began", s->name);
	waiting_error(s->control, &s->opens, &ended);
	past_over(s);
	s->recording = false;
	outlets_ended(s);
	s->state = SESSION_FINISHING;
	state_save(s);
	if (s->nmending == 0)
		session_mended(s);
}

void session_mended(struct session *s)
{
	const struct msg_read_finish m = {0};

	s->state = SESSION_FINISHING;
	s->deadline_ns = clock_mono_ns() + SESSION_FINISH_NS;
	if (!s->reader || !s->reader->channel) {
		session_finish(s);
		return;
	}
	if (session_unpacks(s))
		return; /* it reads the files first: session_reader_segments comes back here */
	s->reader->finish_id = ++s->reader->last_id;
	(void)channel_put_read_finish(s->reader->channel, 0, s->reader->finish_id,
				      &m); /* -1: `gone` will come */
}

void session_reader_finished(struct session *s)
{
	if (s->state == SESSION_FINISHING && s->nmending == 0)
		session_finish(s);
}

void session_finish(struct session *s)
{
	struct control *c = s->control;

	salvage_journals(s);
	persist_ended(s);
	s->state = SESSION_ENDED;
	s->ended_ns = clock_now_ns();
	state_save(s);
	if (s->chunks.head)
		chunks_unmap(&s->chunks);
	s->chunks = (struct chunks){0};
	control_event(c, s->failed ? "error" : "note", s->name, "ended: %s",
		      s->reason ? s->reason : "stopped");
	waiting_done(c, &s->stops, "");
	session_unbound(s);
	control_changed(c);
}

/* Whoever it was started for alone is gone, perhaps without a word: it goes too. */
static bool session_orphan(struct session *s)
{
	if (!s->spec.ephemeral || peer_of(s->control, s->started.peer))
		return false;
	if (s->state == SESSION_ENDED) {
		state_forget(s);
		session_free(s);
		return true;
	}
	if (s->state != SESSION_STARTING && s->state != SESSION_RUNNING)
		return false;
	session_stop(s, "its client is gone");
	return true;
}

/* Only what runs costs anything. */
static void session_usage(struct session *s, int64_t now_ns)
{
	const pid_t pid[] = {s->tap_pid, s->reader ? s->reader->pid : 0};

	usage_look(&s->usage, pid, ARRAY_LEN(pid), now_ns);
}

void session_tick(struct session *s, int64_t now_ns)
{
	if (session_orphan(s))
		return;
	session_usage(s, now_ns);
	switch (s->state) {
	case SESSION_RUNNING:
		session_reader_segments(s);
		segment_watch(s);
		segments_expire(s);
		join_tick(s);
		if (s->tap_ended && now_ns > s->deadline_ns && s->tap_pid > 0)
			(void)kill(s->tap_pid, SIGKILL); /* `gone` will come */
		break;
	case SESSION_STARTING:
	case SESSION_STOPPING:
		if (now_ns <= s->deadline_ns || s->tap_pid <= 0)
			break;
		log_error("session %s: its tap did not answer in time and is killed", s->name);
		if (!s->tap_error.code)
			err_set(&s->tap_error, ERR_REFUSED,
				"the process that captures did not answer in time");
		(void)kill(s->tap_pid, SIGKILL); /* `gone` will come */
		break;
	case SESSION_FINISHING:
		if (s->nmending == 0 && now_ns > s->deadline_ns) {
			log_error("session %s: its reader did not finish in time", s->name);
			session_finish(s);
		}
		break;
	case SESSION_INTERRUPTED:
		if (s->nmending == 0 && salvage_session(s) == 0 && s->nmending == 0)
			session_mended(s);
		break;
	case SESSION_ENDED:
		persist_tick(s, now_ns);
		break;
	}
}
