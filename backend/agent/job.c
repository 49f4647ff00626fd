/* A filter for a running session: compiled for each of its devices first, so that a wrong one
 * changes nothing, then sent to the tap; done when the tap has said so for all. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "job_counter.h"
#include "session.h"

struct job;

#define NO_DEVICE UINT32_MAX
#define NO_DEVICE_LINK 1u /* Ethernet */

struct job_part {
	struct job *job;
	unsigned device; /* NO_DEVICE: it is only looked whether the text is right */
	uint32_t id;	 /* of the message to the tap; 0 not sent */
	uint32_t link_type, snaplen;
	struct buf program;
	unsigned group; /* of counters: the link type */
};

struct job {
	struct job *next;
	struct session *session;
	uint16_t type;
	char *op, *name, *text;
	struct counter_job *counters; /* NULL: it is about something else */
	job_fn fn;
	void *arg;
	struct session_device *only; /* NULL: for all */
	unsigned waiting;	     /* parts without an answer */
	bool begun; /* one at a time, in their order: "remove" never overtakes "add" */
	bool failed;
	struct err err; /* the first one */
	unsigned parts;
	struct job_part part[SPEC_DEVICES_MAX];
};

static void job_free(struct job *j)
{
	for (struct job **at = &j->session->jobs; *at; at = &(*at)->next)
		if (*at == j) {
			*at = j->next;
			break;
		}
	for (unsigned i = 0; i < j->parts; i++) {
		compile_forget(j->session->control->compiler, &j->part[i]);
		buf_release(&j->part[i].program);
	}
	counter_job_free(j->counters);
	free(j->op);
	free(j->name);
	free(j->text);
	free(j);
}

static void job_begin(struct job *j);

/* The callback may start others or end the session: nothing is touched behind it. */
static void job_end(struct job *j, const struct err *e)
{
	struct session *s = j->session;
	const job_fn fn = j->fn;
	void *arg = j->arg;
	const struct err copy = e ? *e : (struct err){0};

	job_free(j);
	if (s->jobs && s->tap && !s->jobs->begun)
		job_begin(s->jobs);
	if (fn)
		fn(arg, e ? &copy : NULL);
}

static int part_send(struct job *j, struct job_part *k)
{
	struct session *s = j->session;
	const struct str program = {(const char *)k->program.data, k->program.len};

	k->id = ++s->last_id;
	if (j->type == MSG_TAP_FILTER) {
		const struct msg_tap_filter m = {.index = k->device,
						 .program = program,
						 .text = str_of(j->text),
						 .link_type = k->link_type};

		return channel_put_tap_filter(s->tap, 0, k->id, &m);
	}
	if (j->type == MSG_TAP_WHEN) {
		const struct msg_tap_when m = {.op = str_of(j->op),
					       .index = k->device,
					       .program = program,
					       .text = str_of(j->text),
					       .link_type = k->link_type};

		return channel_put_tap_when(s->tap, 0, k->id, &m);
	}
	const struct msg_tap_own m = {.op = str_of(j->op),
				      .name = str_of(j->name),
				      .index = k->device,
				      .program = program,
				      .text = str_of(j->text),
				      .link_type = k->link_type};

	return channel_put_tap_own(s->tap, 0, k->id, &m);
}

static void job_send(struct job *j)
{
	struct session *s = j->session;
	struct err e;

	if (!s->tap) {
		err_set(&e, ERR_REFUSED, "the session %s has ended", s->name);
		job_end(j, &e);
		return;
	}
	if (j->parts == 0 || j->part[0].device == NO_DEVICE) {
		job_end(j, NULL);
		return;
	}
	if (j->counters) {
		j->part[0].id = ++s->last_id;
		j->waiting = counter_job_send(j->counters, j->part[0].id);
		return; /* 0: as below */
	}
	j->waiting = j->parts;
	for (unsigned i = 0; i < j->parts; i++)
		if (part_send(j, &j->part[i]))
			return; /* the tap is gone: job_fail_all will come */
}

/* One part less to wait for; sends, or ends. */
static void job_step(struct job *j, bool compiled)
{
	if (--j->waiting)
		return;
	if (j->failed)
		job_end(j, &j->err);
	else if (compiled)
		job_send(j);
	else
		job_end(j, NULL);
}

static void job_note(struct job *j, const struct err *e)
{
	if (!j->failed)
		j->err = *e;
	j->failed = true;
}

static void on_compiled(void *arg, struct str program, const struct err *e)
{
	struct job_part *k = arg;

	if (e)
		job_note(k->job, e);
	else
		(void)buf_add(&k->program, program.p,
			      program.len); /* a message's payload: it fits */
	job_step(k->job, true);
}

static void on_counter_compiled(void *arg, unsigned index, struct str program, const struct err *e)
{
	struct job_part *k = arg;
	struct counter_job *c = k->job->counters;
	struct err why = e ? *e : (struct err){.at = -1};

	if (e)
		counter_job_blame(c, index, &why);
	if (e || counter_job_take(c, k->group, index, program, &why))
		job_note(k->job, &why);
	job_step(k->job, true);
}

static void part_add(struct job *j, uint32_t device)
{
	struct job_part *k = &j->part[j->parts++];
	const struct session_device *d = device == NO_DEVICE ? NULL : &j->session->device[device];

	*k = (struct job_part){.job = j,
			       .device = device,
			       .link_type = d ? d->link_type : NO_DEVICE_LINK,
			       .snaplen = d ? d->snaplen : SPEC_SNAPLEN_MAX};
	buf_init(&k->program, MSG_PAYLOAD_MAX);
}

/* One that has joined and has no filter yet gets it by a job of its own, behind its counters. */
static bool concerns(const struct job *j, const struct session_device *d)
{
	if (j->only)
		return j->only == d;
	return d->answered &&
	       (d->started || j->type != MSG_TAP_FILTER || j->session->state == SESSION_STARTING);
}

static void parts_make(struct job *j)
{
	struct session *s = j->session;

	for (unsigned i = 0; i < s->ndevices; i++)
		if (concerns(j, &s->device[i]) && s->device[i].answered)
			part_add(j, i);
}

/* What holds now that its turn has come. false: it holds no more. */
static bool text_now(struct job *j)
{
	const struct session *s = j->session;
	const char *text = NULL;

	if (j->type == MSG_TAP_FILTER)
		text = s->filter;
	if (j->type == MSG_TAP_WHEN)
		text = strcmp(j->op, "stop") == 0 ? s->spec.stop_when : s->spec.save_when;
	for (const struct own_use *u = s->own; u && j->type == MSG_TAP_OWN; u = u->next)
		if (!u->until_ns && strcmp(u->name, j->name) == 0)
			text = u->filter;
	if (!text || !j->only->answered)
		return false;
	free(j->text);
	j->text = xstrdup(text);
	return true;
}

/* Another device of its kind is shown them already: they are its own as well. */
static bool counters_are_there(const struct session_device *d)
{
	const struct session *s = d->session;

	for (unsigned i = 0; i < s->ndevices; i++)
		if (&s->device[i] != d && s->device[i].started &&
		    s->device[i].link_type == d->link_type)
			return true;
	return false;
}

/* A part a link type. */
static void counter_parts(struct job *j)
{
	const struct session *s = j->session;

	for (unsigned i = 0; i < s->ndevices; i++) {
		unsigned k = 0;

		if (!s->device[i].answered || (j->only && j->only != &s->device[i]))
			continue;
		while (k < j->parts && j->part[k].link_type != s->device[i].link_type)
			k++;
		if (k == j->parts)
			part_add(j, i);
	}
	if (j->parts == 0)
		part_add(j, NO_DEVICE);
}

static void job_begin_counters(struct job *j)
{
	const char **text;
	unsigned count;

	if (j->only && (!j->only->answered || counters_are_there(j->only))) {
		job_end(j, NULL);
		return;
	}
	if (j->only)
		counter_job_all(j->counters);
	counter_parts(j);
	for (unsigned g = 0; g < j->parts; g++)
		j->part[g].group =
			counter_job_group(j->counters, j->part[g].device, j->part[g].link_type);
	text = xcalloc(counter_job_count(j->counters) + 1, sizeof(*text));
	count = counter_job_texts(j->counters, text);
	j->waiting = j->parts * count;
	for (unsigned g = 0; g < j->parts && count > 0; g++)
		compile_start_many(j->session->control->compiler, j->part[g].link_type,
				   j->part[g].snaplen, text, count, on_counter_compiled,
				   &j->part[g]);
	free(text);
	if (count == 0)
		job_send(j);
}

static void job_begin(struct job *j)
{
	struct session *s = j->session;

	j->begun = true;
	if (j->counters) {
		job_begin_counters(j);
		return;
	}
	if (j->only && !text_now(j)) {
		job_end(j, NULL);
		return;
	}
	parts_make(j);
	if (strcmp(j->op, "remove") == 0) {
		job_send(j);
		return;
	}
	if (j->parts == 0)
		part_add(j, NO_DEVICE);
	j->waiting = j->parts;
	for (unsigned i = 0; i < j->parts; i++)
		compile_start(s->control->compiler, j->part[i].link_type, j->part[i].snaplen,
			      str_of(j->text), j->type == MSG_TAP_FILTER, on_compiled, &j->part[i]);
}

static void job_queue(struct job *j)
{
	struct job **at = &j->session->jobs;

	while (*at)
		at = &(*at)->next;
	*at = j;
	if (j->session->jobs == j)
		job_begin(j);
}

static void job_add(struct session *s, struct session_device *only, uint16_t type, const char *op,
		    const char *name, const char *text, job_fn fn, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	*j = (struct job){.session = s,
			  .type = type,
			  .op = xstrdup(op),
			  .name = xstrdup(name),
			  .text = xstrdup(text),
			  .fn = fn,
			  .arg = arg,
			  .only = only};
	job_queue(j);
}

void job_start(struct session *s, uint16_t type, const char *op, const char *name, const char *text,
	       job_fn fn, void *arg)
{
	job_add(s, NULL, type, op, name, text, fn, arg);
}

void job_start_for(struct session_device *d, uint16_t type, const char *op, const char *name,
		   job_fn fn, void *arg)
{
	job_add(d->session, d, type, op, name, "", fn, arg);
}

static void counters_add(struct session *s, struct session_device *only,
			 const struct counter_change *change, unsigned count, job_fn fn, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	*j = (struct job){.session = s,
			  .type = MSG_TAP_COUNTERS,
			  .op = xstrdup("change"),
			  .counters = counter_job_new(s, change, count),
			  .fn = fn,
			  .arg = arg,
			  .only = only};
	job_queue(j);
}

void job_counters(struct session *s, const struct counter_change *change, unsigned count, job_fn fn,
		  void *arg)
{
	counters_add(s, NULL, change, count, fn, arg);
}

void job_counters_for(struct session_device *d, job_fn fn, void *arg)
{
	counters_add(d->session, d, NULL, 0, fn, arg);
}

void job_answer(struct session *s, uint32_t id, const struct err *e)
{
	for (struct job *j = s->jobs; id && j; j = j->next) /* 0: to what was not asked */
		for (unsigned i = 0; i < j->parts; i++) {
			if (j->part[i].id != id)
				continue;
			if (!j->counters || j->waiting == 1) /* several have one id */
				j->part[i].id = 0;
			if (e)
				job_note(j, e);
			job_step(j, false);
			return;
		}
}

void job_fail_all(struct session *s, const struct err *e)
{
	struct channel *tap = s->tap;

	s->tap = NULL; /* none begins any more */
	while (s->jobs)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): job_end takes it off this list */
		job_end(s->jobs, e);
	s->tap = tap;
}
