#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "alert.h"
#include "mend.h"
#include "netns.h"
#include "outlet.h"
#include "past.h"
#include "reader_child.h"
#include "session_unpack.h"

#define CLOCK_SET_NS (2 * NS_PER_S) /* by more than messages are late: it was set */

/* --- totals by the second --- */

static unsigned history_room(const struct history *h)
{
	return h->room ? h->room : SESSION_SECONDS;
}

int64_t history_between_ns(const struct second *a, const struct second *b)
{
	const int64_t day = b->time_ns - a->time_ns, mono = b->mono_ns - a->mono_ns;

	if (!a->mono_ns || !b->mono_ns)
		return day;
	return day > mono - CLOCK_SET_NS && day < mono + CLOCK_SET_NS ? day : mono;
}

void history_add(struct history *h, const struct second *x)
{
	const unsigned room = history_room(h);
	struct second *added;

	if (!h->at)
		h->at = xcalloc(room, sizeof(*h->at));
	while (h->count && history_at(h, h->count - 1)->time_ns >= x->time_ns)
		h->count--;
	added = &h->at[(h->first + h->count) % room];
	*added = *x;
	if (!added->mono_ns)
		added->mono_ns = clock_mono_ns();
	if (h->count < room)
		h->count++;
	else
		h->first = (h->first + 1) % room;
}

void history_limit(struct history *h, unsigned rows)
{
	struct second *at;
	unsigned kept = h->count < rows ? h->count : rows;

	if (rows == history_room(h))
		return;
	at = h->at ? xcalloc(rows, sizeof(*at)) : NULL;
	for (unsigned i = 0; i < kept; i++)
		at[i] = *history_at(h, h->count - kept + i);
	free(h->at);
	*h = (struct history){.at = at, .count = kept, .room = rows};
}

const struct second *history_at(const struct history *h, unsigned i)
{
	return i < h->count ? &h->at[(h->first + i) % history_room(h)] : NULL;
}

/* --- clients that wait --- */

void waiting_add(struct control *c, struct waiting *w, const struct reply *r)
{
	struct err e;

	if (w->count < SESSION_WAITING_MAX) {
		w->reply[w->count++] = *r;
		return;
	}
	err_set(&e, ERR_REFUSED,
		"%u wait for this already, who are told when it is done: look at the session, or ask "
		"again later",
		SESSION_WAITING_MAX);
	reply_error(c, r, &e);
}

void waiting_done(struct control *c, struct waiting *w, const char *note)
{
	for (unsigned i = 0; i < w->count; i++)
		reply_done(c, &w->reply[i], note);
	w->count = 0;
}

void waiting_error(struct control *c, struct waiting *w, const struct err *e)
{
	for (unsigned i = 0; i < w->count; i++)
		reply_error(c, &w->reply[i], e);
	w->count = 0;
}

/* --- filters --- */

/* A quarter goes, the oldest; those of the capture's own filter only where nothing else is there. */
static void changes_thin(struct session *s)
{
	for (int own = 0; own < 2 && s->nchanges == SESSION_CHANGES_MAX; own++) {
		unsigned kept = 0, gone = 0;

		for (unsigned i = 0; i < s->nchanges; i++) {
			if (gone < SESSION_CHANGES_MAX / 4 && (own || s->change[i].counter[0])) {
				free(s->change[i].counter);
				free(s->change[i].filter);
				gone++;
			} else {
				s->change[kept++] = s->change[i];
			}
		}
		s->nchanges = kept;
	}
}

void session_note_filter(struct session *s, const char *counter, const char *filter,
			 uint64_t packets, uint64_t bytes)
{
	changes_thin(s);
	s->change = xreallocarray(s->change, s->nchanges + 1, sizeof(*s->change));
	s->change[s->nchanges++] = (struct filter_change){.time_ns = clock_now_ns(),
							  .counter = xstrdup(counter),
							  .filter = xstrdup(filter),
							  .packets = packets,
							  .bytes = bytes};
}

/* --- the list --- */

struct session *session_new(struct control *c, const char *name)
{
	struct session *s = xcalloc(1, sizeof(*s)), **at = &c->sessions;

	s->control = c;
	s->name = xstrdup(name);
	s->filter = xstrdup("");
	s->owner = xstrdup("");
	s->capture = xstrdup("");
	s->folder = xstrdup("");
	s->devices = xstrdup("");
	s->chunks_fd = s->release_fd = s->wake_fd = s->tap_journal_fd = s->reader_journal_fd = -1;
	while (*at)
		at = &(*at)->next;
	*at = s;
	c->nsessions++;
	control_changed(c);
	return s;
}

static void close_if(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void session_release_lists(struct session *s)
{
	session_counters_release(s);
	for (unsigned i = 0; i < s->ndevices; i++)
		free(s->device[i].name);
	for (unsigned i = 0; i < s->nsegments; i++) {
		close_if(&s->segment[i].fd);
		free(s->segment[i].name);
	}
	for (unsigned i = 0; i < s->nchanges; i++) {
		free(s->change[i].counter);
		free(s->change[i].filter);
	}
	while (s->own) {
		struct own_use *u = s->own;

		s->own = u->next;
		free(u->name);
		free(u->filter);
		free(u);
	}
	session_notes_forget(s);
	free(s->segment);
	free(s->change);
	free(s->history.at);
}

/* Channels that are bound to it stay, and lead nowhere. */
static void session_unbind(struct session *s)
{
	for (struct peer *p = s->control->peers; p; p = p->next) {
		size_t iter = 0;
		void *value;

		while (map_next(p->bindings, &iter, NULL, NULL, &value)) {
			struct binding *b = value;

			if (b->session == s)
				b->session = NULL;
		}
	}
}

void session_free(struct session *s)
{
	struct control *c = s->control;
	struct err e;

	err_set(&e, ERR_ABSENT, "the session %s was dismissed", s->name);
	for (struct session **at = &c->sessions; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	c->nsessions--;
	s->state = SESSION_ENDED; /* whoever is told of the end below begins none of their own */
	session_unbind(s);
	mend_forget(c->mender, s);
	job_fail_all(s, &e);
	waiting_error(c, &s->stops, &e);
	waiting_error(c, &s->seals, &e);
	waiting_error(c, &s->opens, &e);
	past_free(s);
	alerts_free(s);
	if (s->tap)
		channel_close(s->tap);
	children_forget(c->children, s);
	if (s->reader) {
		struct reader_child *r = s->reader;

		s->reader = NULL;
		reader_child_move(r, NULL, &e);
		reader_child_free(r);
	}
	outlets_free(s);
	session_unpack_drop(s);
	session_notes_forget(s);
	session_release_lists(s);
	if (s->chunks.head)
		chunks_unmap(&s->chunks);
	close_if(&s->chunks_fd);
	close_if(&s->release_fd);
	close_if(&s->wake_fd);
	close_if(&s->tap_journal_fd);
	close_if(&s->reader_journal_fd);
	netns_free(s->netns);
	free(s->sockets);
	spec_release(&s->spec);
	persist_release(&s->persist);
	free(s->name);
	free(s->owner);
	free(s->filter);
	free(s->reason);
	free(s->capture);
	free(s->folder);
	free(s->devices);
	free(s);
	control_changed(c);
}

struct session *session_find(struct control *c, struct str name)
{
	for (struct session *s = c->sessions; s; s = s->next)
		if (str_is(name, s->name))
			return s;
	return NULL;
}

struct session *session_need(struct control *c, struct str name, struct err *e)
{
	struct session *s = session_find(c, name);
	const char *names[CONTROL_SESSIONS_MAX] = {0}, *near;
	size_t count = 0;

	if (s)
		return s;
	for (s = c->sessions; s && count < CONTROL_SESSIONS_MAX; s = s->next)
		names[count++] = s->name;
	near = text_nearest(name, names, count);
	err_set(e, ERR_ABSENT, "no session is called \"%.*s\"%s%s%s", (int)name.len, name.p,
		near ? ": did you mean \"" : "", near ? near : "",
		near	? "\"?"
		: count ? "; `list` shows those that there are"
			: "; there is none: `new NAME` starts one");
	return NULL;
}

const char *session_state_text(const struct session *s)
{
	static const char *const text[] = {"starting", "running",     "stopping",
					   "stopping", "interrupted", "ended"};

	return s->state == SESSION_ENDED && s->failed ? "failed" : text[s->state];
}

bool session_runs(const struct session *s)
{
	return s->state != SESSION_ENDED;
}

uint64_t session_file_bytes(const struct session *s)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].sealed)
			bytes += s->segment[i].bytes;
	if (s->spec.compress) /* what was written is more than what is there */
		return bytes;
	return bytes > s->total.written_bytes ? bytes
	       : s->removed_files	      ? bytes
					      : s->total.written_bytes;
}
