/* Verbs (CONTRACT: Verbs), out of one table. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "alert.h"
#include "command.h"
#include "devices.h"
#include "disk.h"
#include "foresee.h"
#include "outlet.h"
#include "past.h"
#include "session.h"

struct verb {
	const char *name;
	bool of_session;
	const char *usage;
	int (*run)(struct call *c,
		   struct err *e); /* 0: answered, or will be; -1: *e is the answer */
};

static void call_done(struct call *c)
{
	reply_done(c->control, &c->reply, "");
}

int command_need_running(const struct call *c, struct err *e)
{
	if (c->session->state == SESSION_RUNNING)
		return 0;
	return err_set(e, ERR_CALL, "the session %s does not run (%s): this is for running ones",
		       c->session->name, session_state_text(c->session));
}

/* What no text tells of itself. */
static int spec_allowed(const struct call *c, const struct spec *spec, struct err *e)
{
	const struct who *who = &c->peer->who;

	return access_new(who, spec, e) || alerts_check(spec, e) || outlets_check(spec, who, e) ? -1
												: 0;
}

static int run_new(struct call *c, struct err *e)
{
	struct spec spec;
	int r = spec_parse(&spec, c->m->words.at + 1, c->m->words.count - 1, e);

	if (r == 0)
		r = spec_allowed(c, &spec, e);
	if (r == 0)
		session_start(c->control, &spec, c->peer, &c->reply);
	spec_release(&spec);
	return r;
}

static int run_stop(struct call *c, struct err *e)
{
	(void)e;
	persist_over(c->session);
	if (c->session->state == SESSION_ENDED) {
		call_done(c);
		return 0;
	}
	waiting_add(c->control, &c->session->stops, &c->reply);
	session_stop(c->session, "stop");
	return 0;
}

static int run_dismiss(struct call *c, struct err *e)
{
	if (session_runs(c->session))
		return err_set(e, ERR_CALL, "the session %s is %s: `stop %s` first",
			       c->session->name, session_state_text(c->session), c->session->name);
	state_forget(c->session);
	session_free(c->session);
	call_done(c);
	return 0;
}

/* --- filters --- */

struct change {
	struct control *control;
	struct reply reply;
	char *session, *filter;
};

static void on_changed(void *arg, const struct err *e)
{
	struct change *x = arg;
	struct session *s = session_find(x->control, str_of(x->session));

	if (e) {
		reply_error(x->control, &x->reply, e);
	} else {
		if (s) { /* the tap has taken it over: from now on it is what the session has */
			free(s->filter);
			s->filter = xstrdup(x->filter);
			session_note_filter(s, "", s->filter, s->total.packets, s->total.bytes);
			state_save(s);
			control_changed(s->control);
		}
		reply_done(x->control, &x->reply, "");
	}
	free(x->session);
	free(x->filter);
	free(x);
}

static int run_modify(struct call *c, struct err *e)
{
	/* `modify NAME filter F` is what somebody types who has just typed `new`. */
	const size_t skip = c->count > 1 && str_is(c->word[0], "filter");
	struct change *x;

	if (command_need_running(c, e))
		return -1;
	if (c->count == 0) /* said by mistake it would let everything in */
		return err_set(e, ERR_CALL,
			       "modify NAME FILTER: the filter is missing; '' is every packet");
	x = xcalloc(1, sizeof(*x));
	*x = (struct change){.control = c->control,
			     .reply = c->reply,
			     .session = xstrdup(c->session->name),
			     .filter = spec_join(c->word + skip, c->count - skip)};
	job_start(c->session, MSG_TAP_FILTER, "change", "", x->filter, on_changed, x);
	return 0;
}

/* --- recording --- */

static int run_record(struct call *c, struct err *e)
{
	struct session *s = c->session;
	const bool on = c->count == 1 && str_is(c->word[0], "on");

	if (!on && !(c->count == 1 && str_is(c->word[0], "off")))
		return err_set(e, ERR_CALL, "record NAME on | off: one of the two behind the name");
	if (command_need_running(c, e))
		return -1;
	if (!on && s->opens.count)
		return err_set(e, ERR_CALL,
			       "the recording of %s is just beginning: ask again when it has",
			       s->name);
	disk_asked(s, on);
	if (on == s->recording) {
		call_done(c);
		return 0;
	}
	session_record(s, on);
	/* Done when the file is there, or is whole. */
	waiting_add(c->control, on ? &s->opens : &s->seals, &c->reply);
	return 0;
}

static int run_rotate(struct call *c, struct err *e)
{
	const struct segment *g = segment_open(c->session);

	if (command_need_running(c, e))
		return -1;
	if (!c->session->recording || !g)
		return err_set(e, ERR_CALL,
			       "the session %s is not recording: `record %s on` begins a file",
			       c->session->name, c->session->name);
	waiting_add(c->control, &c->session->seals, &c->reply);
	session_rotate(c->session);
	return 0;
}

static int run_save(struct call *c, struct err *e)
{
	if (c->count)
		return err_set(e, ERR_CALL, "save NAME: nothing stands behind the name");
	return past_save(c->session, &c->reply, e);
}

/* alert NAME EXPR | remove EXPR|N | off */
static int run_alert(struct call *c, struct err *e)
{
	struct session *s = c->session;
	const bool off = c->count == 1 && str_is(c->word[0], "off"),
		   remove = c->count > 1 && str_is(c->word[0], "remove");
	char *text = spec_join(c->word + remove, c->count - remove);
	int r = command_need_running(c, e);

	if (r == 0 && off)
		alerts_free(s);
	else if (r == 0 && remove)
		r = alerts_remove(s, str_of(text), e);
	else if (r == 0)
		r = alerts_add(s, text, e);
	free(text);
	if (r)
		return -1;
	state_save(s);
	control_changed(s->control);
	call_done(c);
	return 0;
}

/* --- check --- */

static void on_checked(void *arg, struct str program, const struct err *e)
{
	struct change *x = arg;

	(void)program;
	if (e)
		reply_error(x->control, &x->reply, e);
	else
		reply_done(x->control, &x->reply, "");
	free(x);
}

/* check new NAME WORDS */
static int check_new(struct call *c, struct err *e)
{
	struct spec spec;
	int r = spec_parse(&spec, c->m->words.at + 2, c->m->words.count - 2, e);

	if (r == 0)
		r = spec_allowed(c, &spec, e);
	if (r == 0)
		foresee_start(c->control, &spec, &c->peer->who, &c->reply);
	spec_release(&spec);
	return r;
}

/* check filter TEXT [device D] */
static int run_check(struct call *c, struct err *e)
{
	const struct str *word = c->m->words.at;
	const size_t count = c->m->words.count;
	struct change *x;
	char *device;

	if (count > 2 && str_is(word[1], "new"))
		return check_new(c, e);
	if ((count != 3 && count != 5) || !str_is(word[1], "filter") ||
	    (count == 5 && !str_is(word[3], "device")))
		return err_set(e, ERR_CALL,
			       "check filter TEXT [device NAME], or check new NAME WORDS");
	device = count == 5 ? xstrndup(word[4].p, word[4].len) : xstrdup("");
	x = xcalloc(1, sizeof(*x));
	*x = (struct change){.control = c->control, .reply = c->reply};
	compile_start(c->control->compiler, devices_link_type(device), SPEC_SNAPLEN_MAX, word[2],
		      true, on_checked, x);
	free(device);
	return 0;
}

/* --- the table --- */

static const struct verb verbs[] = {
	{"new", false, "new NAME WORDS", run_new},
	{"stop", true, "stop NAME", run_stop},
	{"dismiss", true, "dismiss NAME", run_dismiss},
	{"modify", true, "modify NAME FILTER", run_modify},
	{"counter", true, COMMAND_COUNTER_USAGE, command_counter},
	{"record", true, "record NAME on | off", run_record},
	{"rotate", true, "rotate NAME", run_rotate},
	{"save", true, "save NAME", run_save},
	{"alert", true, "alert NAME EXPR | remove EXPR|N | off", run_alert},
	{"check", false, "check filter TEXT [device NAME] | check new NAME WORDS", run_check},
};

static const struct verb *verb_find(struct str name, struct err *e)
{
	static const char *const later[] = {"extract", "compare"};
	const char *names[ARRAY_LEN(verbs)], *near;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (str_is(name, verbs[i].name))
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (str_is(name, later[i])) {
			err_set(e, ERR_CALL, "this version cannot do \"%s\" yet", later[i]);
			return NULL;
		}
	near = text_nearest(name, names, ARRAY_LEN(names));
	err_set(e, ERR_CALL, "\"%.*s\" is no verb of tapdeckd%s%s%s", (int)name.len, name.p,
		near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return NULL;
}

static int call_session(struct call *c, const struct verb *v, struct err *e)
{
	const struct msg_command *m = c->m;

	if (!v->of_session)
		return access_check(&c->peer->who, v->name, c->peer->who.uid, e);
	if (m->words.count < 2)
		return err_set(e, ERR_CALL, "%s", v->usage);
	c->session = session_need(c->control, m->words.at[1], e);
	c->word = m->words.at + 2;
	c->count = m->words.count - 2;
	return c->session ? access_check(&c->peer->who, v->name, c->session->uid, e) : -1;
}

void command_run(struct peer *p, const struct frame *f)
{
	struct msg_command m;
	struct call c = {
		.control = p->control, .peer = p, .reply = {p->serial, f->channel, f->id}, .m = &m};
	const struct verb *v;
	struct err e = {.at = -1};

	if (msg_get_command(f->payload, f->len, &m, &e) == 0) {
		if (m.words.count == 0 || !str_is(m.words.at[0], "check")) /* it changes nothing */
			audit_begin(p, &c.reply, "", &m.words);
		if (m.words.count == 0)
			err_set(&e, ERR_CALL, "a command has at least one word");
		else if ((v = verb_find(m.words.at[0], &e)) != NULL &&
			 call_session(&c, v, &e) == 0 && v->run(&c, &e) == 0)
			return;
	}
	reply_error(p->control, &c.reply, &e);
}
