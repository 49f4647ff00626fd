#include "result.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/spawn.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "table/row.h"
#include "wire/channel.h"

#define RESULT_REST 3 /* times as long as the last answer took, before it is made again */

struct result {
	struct result_spec spec;
	char *question;
	const struct result_ops *ops;
	void *arg;
	struct rowset *shown, *coming; /* coming: of a second run, NULL in the first */
	uint64_t version;
	struct channel *channel;
	pid_t pid;
	int64_t begun_ns, ended_ns;
	char *note;
};

static void result_stop(struct result *r)
{
	if (r->channel)
		channel_close(r->channel);
	if (r->pid > 0)
		(void)kill(r->pid, SIGKILL); /* it only reads; the loop reaps it */
	r->channel = NULL;
	r->pid = 0;
	r->ended_ns = clock_mono_ns();
}

/* What a second run brought takes the place of what is shown only when it is whole. */
static void result_finish(struct result *r, const char *note, bool whole)
{
	struct rowset *old = whole ? r->shown : r->coming;

	result_stop(r);
	free(r->note);
	r->note = note && *note ? xstrdup(note) : NULL;
	if (r->coming) {
		r->shown = whole ? r->coming : r->shown;
		r->coming = NULL;
		r->version += whole;
		rowset_free(old);
	}
	r->ops->changed(r->arg);
}

static void result_rows(struct result *r, const struct frame *f)
{
	struct msg_window m;
	struct window w = {0};
	struct err e = {0};
	struct rowset *to = r->coming ? r->coming : r->shown;

	if (msg_get_window(f->payload, f->len, &m, &e) != 0 || window_read(&w, &m, &e) != 0 ||
	    w.ncolumns != r->spec.type->ncolumns) {
		result_finish(r, e.code ? e.text : "the answer has other columns than the question",
			      false);
		window_release(&w);
		return;
	}
	for (uint32_t i = 0; i < w.rows && rowset_rows(to) < RESULT_ROWS_MAX; i++)
		rowset_add(to, w.cells + (size_t)i * w.ncolumns);
	window_release(&w);
	r->ops->changed(r->arg);
}

/* `where` is the shard's number. */
static void result_event(struct result *r, const struct frame *f)
{
	struct msg_event m;
	uint64_t shard = 0;

	if (msg_get_event(f->payload, f->len, &m, NULL) == 0 &&
	    text_parse_count(m.where, &shard, NULL) == 0 && shard <= INT64_MAX)
		r->ops->unread(r->arg, (int64_t)shard);
}

static void result_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
			   size_t nfd)
{
	struct result *r = arg;
	struct msg_done done;
	struct msg_error error;
	char text[ERR_TEXT_MAX] = "the answer was not understood";
	bool whole = false;

	(void)c;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	if (f->type == MSG_WINDOW) {
		result_rows(r, f);
		return;
	}
	if (f->type == MSG_EVENT) {
		result_event(r, f);
		return;
	}
	if (f->type == MSG_DONE && msg_get_done(f->payload, f->len, &done, NULL) == 0) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)done.note.len, done.note.p);
		whole = true;
	} else if (f->type == MSG_ERROR && msg_get_error(f->payload, f->len, &error, NULL) == 0) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)error.sentence.len,
			       error.sentence.p);
	}
	result_finish(r, text, whole);
}

static void result_gone(void *arg, struct channel *c, const struct err *e)
{
	(void)c;
	(void)e;
	result_finish(arg, "the question ended before its answer was complete: ask again", false);
}

static int result_start(struct result *r, struct err *e)
{
	static const struct channel_ops ops = {.message = result_message, .gone = result_gone};
	const char *argv[] = {r->spec.program, r->spec.still ? "--ask-still" : "--ask",
			      r->spec.folder, NULL};
	const char *word[] = {r->question};
	struct msg_command *m;
	struct spawn s = {.path = r->spec.program,
			  .argv = (char *const *)(uintptr_t)argv,
			  .nfd = 3,
			  .no_new_privs = true,
			  .die_with_parent = true};
	int fd[2];

	if (fdio_socketpair(fd, e) != 0)
		return -1;
	s.fd[0] = fd[1];
	s.fd[1] = -1;
	s.fd[2] = STDERR_FILENO;
	r->pid = spawn_start(&s, e);
	close(fd[1]);
	r->begun_ns = clock_mono_ns();
	if (r->pid < 0) {
		r->pid = 0;
		close(fd[0]);
		return -1;
	}
	r->channel = channel_new(r->spec.loop, fd[0], -1, &ops, r);
	m = xcalloc(1, sizeof(*m));
	(void)msg_strs(&m->words, word, 1);
	(void)channel_put_command(r->channel, 0, 1, m); /* a failure comes back as `gone` */
	free(m);
	return 0;
}

static void result_free(struct result *r)
{
	rowset_free(r->shown);
	rowset_free(r->coming);
	free(r->question);
	free(r->note);
	free(r);
}

struct result *result_new(const struct result_spec *spec, const struct result_ops *ops, void *arg,
			  struct err *e)
{
	struct result *r = xcalloc(1, sizeof(*r));

	r->spec = *spec;
	r->question = xstrndup(spec->question.p, spec->question.len);
	r->ops = ops;
	r->arg = arg;
	r->shown = rowset_new(spec->type);
	if (result_start(r, e) == 0)
		return r;
	result_free(r);
	return NULL;
}

bool result_again(struct result *r)
{
	const int64_t took_ns = r->ended_ns - r->begun_ns;
	struct err e;

	if (!r->spec.live)
		return false;
	if (r->channel || clock_mono_ns() - r->ended_ns < RESULT_REST * took_ns)
		return true;
	r->coming = rowset_new(r->spec.type);
	if (result_start(r, &e) != 0)
		result_finish(r, e.text, false);
	return false;
}

void result_reaped(struct result *r, pid_t pid)
{
	if (r->pid == pid)
		r->pid = 0;
}

bool result_running(const struct result *r)
{
	return r->channel && !r->coming;
}

const char *result_note(const struct result *r)
{
	return r->note;
}

static uint64_t table_rows(void *data)
{
	return rowset_rows(((struct result *)data)->shown);
}

static uint64_t table_version(void *data)
{
	return ((struct result *)data)->version;
}

static struct value table_cell(void *data, uint64_t row, unsigned column)
{
	return rowset_cell(((struct result *)data)->shown, row, column);
}

static void table_release(void *data)
{
	struct result *r = data;

	r->ops->ended(r->arg, r);
	result_stop(r);
	result_free(r);
}

struct table result_table(struct result *r)
{
	return (struct table){.type = r->spec.type,
			      .data = r,
			      .rows = table_rows,
			      .version = table_version,
			      .cell = table_cell,
			      .release = table_release};
}
