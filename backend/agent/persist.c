#include "persist.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "alert.h"
#include "journal/journal.h"
#include "outlet.h"
#include "session.h"

void persist_release(struct persist *x)
{
	free(x->gap_why);
	*x = (struct persist){0};
}

bool persist_waits(const struct session *s)
{
	return s->state == SESSION_ENDED && s->spec.persist && !s->control->stopping &&
	       s->control->role == CONTROL_DAEMON;
}

void persist_ended(struct session *s)
{
	if (!s->failed && !s->control->stopping)
		s->spec.persist = false;
}

void persist_over(struct session *s)
{
	if (!s->spec.persist)
		return;
	s->spec.persist = false;
	state_save(s); /* now: its end may never come */
}

/* --- what is kept of a run --- */

struct kept {
	struct control *control;
	char *name, *owner, *words, *filter, *devices;
	struct who who;
	uid_t uid;
	struct spec_counter *counter;
	unsigned ncounters;
	char *alert[SPEC_ALERTS_MAX];
	unsigned nalerts;
	struct persist persist;
	bool over; /* somebody wants it to be */
};

/* When something was last seen of it. */
static int64_t seen_ns(const struct session *s)
{
	int64_t last = s->total.time_ns > s->started_ns ? s->total.time_ns : s->started_ns;

	for (unsigned i = 0; i < s->nsegments; i++)
		last = s->segment[i].last_ns > last ? s->segment[i].last_ns : last;
	return last;
}

static void kept_take_alerts(struct kept *k, const struct session *s)
{
	const char *text;
	int64_t since_ns;

	while (k->nalerts < SPEC_ALERTS_MAX && (text = alerts_at(s, k->nalerts, &since_ns)) != NULL)
		k->alert[k->nalerts++] = xstrdup(text);
}

/* Takes what begins it again, and the session off the list; what it saved stays until the next run
 * has its own. */
static void kept_take(struct kept *k, struct session *s)
{
	const struct counter *counter;

	*k = (struct kept){.control = s->control,
			   .name = xstrdup(s->name),
			   .owner = xstrdup(s->owner),
			   .words = xstrdup(s->spec.words),
			   .filter = xstrdup(s->filter),
			   .devices = xstrdup(s->devices),
			   .who = s->who,
			   .persist = s->persist,
			   .over = !s->spec.persist};
	k->uid = k->who.uid = s->uid;
	s->persist = (struct persist){0};
	for (counter = s->counters; counter; counter = counter->next)
		k->ncounters++;
	k->counter = xcalloc(k->ncounters + 1, sizeof(*k->counter));
	k->ncounters = 0;
	for (counter = s->counters; counter; counter = counter->next)
		k->counter[k->ncounters++] =
			(struct spec_counter){xstrdup(counter->name), xstrdup(counter->filter)};
	kept_take_alerts(k, s);
	if (!k->persist.gap_from_ns)
		k->persist.gap_from_ns = seen_ns(s);
	if (!k->persist.gap_why)
		k->persist.gap_why = xstrdup(s->reason ? s->reason : "it was not there");
	session_free(s);
}

static void kept_release(struct kept *k)
{
	for (unsigned i = 0; i < k->ncounters; i++) {
		free(k->counter[i].name);
		free(k->counter[i].filter);
	}
	for (unsigned i = 0; i < k->nalerts; i++)
		free(k->alert[i]);
	free(k->counter);
	free(k->name);
	free(k->owner);
	free(k->words);
	free(k->filter);
	free(k->devices);
	persist_release(&k->persist);
}

/* The session on the list that begins when it can. */
static void kept_wait(struct kept *k, const struct err *why, bool told)
{
	struct session *s = session_new(k->control, k->name);

	s->state = SESSION_ENDED;
	s->failed = !k->over;
	s->uid = k->uid;
	s->who = k->who;
	free(s->owner);
	s->owner = xstrdup(k->owner);
	free(s->filter);
	s->filter = xstrdup(k->filter);
	free(s->devices);
	s->devices = xstrdup(k->devices);
	s->spec.persist = !k->over;
	s->spec.words = xstrdup(k->words);
	s->spec.note = xstrdup("");
	s->reason = k->over ? xstrdup("stop")
			    : xasprintf("begins again as soon as it can: %s", why->text);
	for (unsigned i = 0; i < k->ncounters; i++)
		(void)session_counter_add(s, k->counter[i].name, k->counter[i].filter);
	for (unsigned i = 0; i < k->nalerts; i++)
		(void)alerts_add(s, k->alert[i], NULL); /* each was one before */
	s->started_ns = s->ended_ns = s->total.time_ns = k->persist.gap_from_ns;
	s->persist = k->persist;
	k->persist = (struct persist){0};
	s->persist.back = false;
	s->persist.again_ns = clock_mono_ns() + PERSIST_AGAIN_NS;
	state_save(s);
	if (!told && !k->over)
		control_event(s->control, "warn", s->name, "%s", s->reason);
}

/* --- beginning again --- */

static void kept_spec_alerts(const struct kept *k, struct spec *spec)
{
	for (unsigned i = 0; i < SPEC_ALERTS_MAX; i++) {
		free(spec->alert[i]);
		spec->alert[i] = i < k->nalerts ? xstrdup(k->alert[i]) : NULL;
	}
	spec->nalerts = k->nalerts;
}

/* The words as they were said, with what was changed since. */
static int kept_spec(const struct kept *k, struct spec *spec, struct err *e)
{
	struct str word[WORDS_MAX + 1];
	struct words w;
	int r;

	*spec = (struct spec){0};
	if (words_parse(&w, k->words, e))
		return -1;
	word[0] = str_of(k->name);
	for (int i = 0; i < w.count; i++)
		word[i + 1] = str_of(w.word[i]);
	r = spec_parse(spec, word, (size_t)w.count + 1, e);
	words_release(&w);
	/* Who had asked may have lost what they may: it is looked at anew. */
	if (r || access_new(&k->who, spec, e))
		return -1;
	free(spec->filter);
	spec->filter = xstrdup(k->filter);
	for (unsigned i = 0; i < spec->ncounters; i++) {
		free(spec->counter[i].name);
		free(spec->counter[i].filter);
	}
	for (spec->ncounters = 0;
	     spec->ncounters < k->ncounters && spec->ncounters < SPEC_COUNTERS_MAX;
	     spec->ncounters++) {
		spec->counter[spec->ncounters].name = xstrdup(k->counter[spec->ncounters].name);
		spec->counter[spec->ncounters].filter = xstrdup(k->counter[spec->ncounters].filter);
	}
	kept_spec_alerts(k, spec);
	spec->record = k->persist.recorded;
	return 0;
}

static void persist_again(struct session *s)
{
	struct kept k;
	struct spec spec;
	struct err e = {.at = -1};

	if (outlets_busy(s)) /* a hole in what is captured would be worse */
		session_event(s, "warn",
			      "it begins again: files of before that are not compressed or "
			      "announced yet stay as they are");
	kept_take(&k, s);
	if (kept_spec(&k, &spec, &e)) {
		kept_wait(&k, &e, false);
	} else {
		struct persist back = k.persist;

		k.persist = (struct persist){0};
		back.back = true;
		session_begin(k.control, &spec, &k.who, k.uid, &(struct reply){0}, &back);
	}
	spec_release(&spec);
	kept_release(&k);
}

void persist_tick(struct session *s, int64_t now_ns)
{
	if (persist_waits(s) && now_ns >= s->persist.again_ns)
		persist_again(s);
}

void persist_failed(struct session *s, const struct err *e)
{
	struct control *c = s->control;
	char *said = xasprintf("begins again as soon as it can: %s", e->text);
	bool told = false;
	struct kept k;

	/* The same each few seconds is told once. */
	for (uint64_t i = c->nevents; i > 0 && i + CONTROL_EVENTS_MAX > c->nevents && !told; i--) {
		const struct event *x = &c->event[(i - 1) % CONTROL_EVENTS_MAX];

		if (strcmp(x->where, s->name) == 0) {
			told = strcmp(x->sentence, said) == 0;
			break;
		}
	}
	kept_take(&k, s);
	kept_wait(&k, e, told);
	kept_release(&k);
	free(said);
}

static void gap_text(const struct session *s, char *text, size_t size)
{
	char from[TEXT_NUMBER_MAX];

	(void)snprintf(text, size, "is back: nothing was seen since %s (%s)",
		       text_rfc3339(s->persist.gap_from_ns, from), s->persist.gap_why);
}

int persist_journal(const struct session *s, struct err *e)
{
	const struct msg_j_gap gap = {.from_ns = s->persist.gap_from_ns,
				      .to_ns = s->started_ns,
				      .where = str_of(s->devices),
				      .why = str_of(s->persist.gap_why)};
	struct msg_j_event told = {.time_ns = s->started_ns, .severity = str_of("warn")};
	char text[ERR_TEXT_MAX];
	struct journal *j;
	int copy, r;

	if (!s->persist.back)
		return 0;
	gap_text(s, text, sizeof(text));
	told.sentence = str_of(text);
	copy = fcntl(s->tap_journal_fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return err_errno(e, ERR_REFUSED, "could not write the journal of %s", s->name);
	j = journal_new(copy, e);
	if (!j)
		return -1;
	r = journal_add_j_gap(j, &gap, e);
	if (r == 0)
		r = journal_add_j_event(j, &told, e);
	if (r == 0)
		r = journal_sync(j, e);
	journal_close(j);
	return r;
}

void persist_started(struct session *s)
{
	char text[ERR_TEXT_MAX];

	if (s->persist.back) {
		gap_text(s, text, sizeof(text));
		control_event(s->control, "warn", s->name, "%s", text);
	}
	persist_release(&s->persist);
	s->persist.recorded = s->spec.record;
}

const char *persist_note(const struct session *s)
{
	if (!s->spec.persist || !s->control->on_demand)
		return "";
	return "this daemon was started on demand: after a restart of the machine the session "
	       "begins again when somebody asks for sessions; the unit of tapdeckd(8) starts it at "
	       "once";
}
