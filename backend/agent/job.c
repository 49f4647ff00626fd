/* A filter for a running session: compiled for each of its devices first, so that a wrong one
 * changes nothing, then sent to the tap; done when the tap has said so for all. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "job_counter.h"
#include "session.h"

struct job;

struct job_part {
	struct job *job;
	unsigned device;
	uint32_t id; /* of the message to the tap; 0 not sent */
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
	unsigned waiting; /* parts without an answer */
	bool begun;	  /* one at a time, in their order: "remove" never overtakes "add" */
	bool failed;
	struct err err; /* the first one */
	struct job_part part[];
};

static void job_free(struct job *j)
{
	for (struct job **at = &j->session->jobs; *at; at = &(*at)->next)
		if (*at == j) {
			*at = j->next;
			break;
		}
	for (unsigned i = 0; i < j->session->ndevices; i++) {
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
		const struct msg_tap_filter m = {
			.index = k->device, .program = program, .text = str_of(j->text)};

		return channel_put_tap_filter(s->tap, 0, k->id, &m);
	}
	const struct msg_tap_own m = {.op = str_of(j->op),
				      .name = str_of(j->name),
				      .index = k->device,
				      .program = program,
				      .text = str_of(j->text)};

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
	if (j->counters) {
		j->part[0].id = ++s->last_id;
		j->waiting = counter_job_send(j->counters, j->part[0].id);
		return; /* 0: as below */
	}
	j->waiting = s->ndevices;
	for (unsigned i = 0; i < s->ndevices; i++)
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

static void job_begin_counters(struct job *j)
{
	struct session *s = j->session;
	unsigned device[SPEC_DEVICES_MAX];
	const unsigned groups = counter_job_groups(j->counters, device);
	const char **text = xcalloc(SPEC_COUNTER_CHANGES_MAX, sizeof(*text));
	const unsigned count = counter_job_texts(j->counters, text);

	j->waiting = groups * count;
	for (unsigned g = 0; g < groups && count > 0; g++) {
		j->part[g].group = g;
		compile_start_many(s->control->compiler, s->device[device[g]].link_type,
				   s->device[device[g]].snaplen, text, count, on_counter_compiled,
				   &j->part[g]);
	}
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
	if (strcmp(j->op, "remove") == 0) {
		job_send(j);
		return;
	}
	for (unsigned i = 0; i < s->ndevices; i++)
		compile_start(s->control->compiler, s->device[i].link_type, s->device[i].snaplen,
			      str_of(j->text), j->type == MSG_TAP_FILTER, on_compiled, &j->part[i]);
}

static struct job *job_new(struct session *s, job_fn fn, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j) + s->ndevices * sizeof(j->part[0]));

	j->session = s;
	j->fn = fn;
	j->arg = arg;
	j->waiting = s->ndevices;
	for (unsigned i = 0; i < s->ndevices; i++) {
		j->part[i].job = j;
		j->part[i].device = i;
		buf_init(&j->part[i].program, MSG_PAYLOAD_MAX);
	}
	return j;
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

void job_start(struct session *s, uint16_t type, const char *op, const char *name, const char *text,
	       job_fn fn, void *arg)
{
	struct job *j = job_new(s, fn, arg);

	j->type = type;
	j->op = xstrdup(op);
	j->name = xstrdup(name);
	j->text = xstrdup(text);
	job_queue(j);
}

void job_counters(struct session *s, const struct counter_change *change, unsigned count, job_fn fn,
		  void *arg)
{
	struct job *j = job_new(s, fn, arg);

	j->type = MSG_TAP_COUNTERS;
	j->op = xstrdup("change");
	j->counters = counter_job_new(s, change, count);
	job_queue(j);
}

void job_answer(struct session *s, uint32_t id, const struct err *e)
{
	for (struct job *j = s->jobs; j; j = j->next)
		for (unsigned i = 0; i < s->ndevices; i++) {
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
