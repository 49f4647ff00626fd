#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"

#define SPOOL_MAX_BYTES (UINT64_C(64) << 30) /* of standard input, kept in TMPDIR while it is looked at */
#define SPOOL_READ_BYTES (256u * 1024)
#define END_WAIT_NS (5 * NS_PER_S) /* for a session of our own to be taken off the list */
#define LOOK_NS (200 * NS_PER_MS)  /* between two looks whether it has ended */

/* --- standard input --- */

struct spool {
	struct cli *cli;
	uv_poll_t poll;
	int fd;
	uint64_t bytes;
	bool done;
	int r;
	struct err *e;
};

/* One read. */
static void spool_read(struct spool *s)
{
	static const char too_long[] = "standard input is longer than 64 GiB: write it to a file first";
	char *block = xmalloc(SPOOL_READ_BYTES);
	ssize_t n;

	do {
		n = read(STDIN_FILENO, block, SPOOL_READ_BYTES);
	} while (n < 0 && errno == EINTR);
	s->done = n <= 0 && !(n < 0 && errno == EAGAIN);
	if (n < 0 && errno != EAGAIN)
		s->r = err_errno(s->e, ERR_REFUSED, "standard input");
	else if (n > 0 && (s->bytes += (uint64_t)n) > SPOOL_MAX_BYTES)
		s->r = err_set(s->e, ERR_REFUSED, too_long);
	else if (n > 0 && fdio_write_all(s->fd, block, (size_t)n))
		s->r = err_errno(s->e, ERR_REFUSED, "writing standard input to a file in TMPDIR");
	s->done = s->done || s->r;
	free(block);
}

static void on_input(uv_poll_t *poll, int status, int events)
{
	struct spool *s = poll->data;

	(void)status; /* read says what it is */
	(void)events;
	spool_read(s);
}

static void spool_stop(void *arg)
{
	struct spool *s = arg;

	s->done = true;
}

static void on_poll_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = true;
}

/* A pipe or a terminal is waited for; a file is simply read. ctrl-c ends it: what there is is looked at. */
static int spool_fill(struct spool *s)
{
	struct cli *c = s->cli;
	bool closed = false;

	if (uv_poll_init(&c->loop, &s->poll, STDIN_FILENO)) {
		while (!s->done && !c->interrupted)
			spool_read(s);
		return s->r;
	}
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_input);
	cli_on_interrupt(c, spool_stop, s);
	if (cli_wait(c, &s->done, s->e))
		s->r = -1;
	cli_on_interrupt(c, NULL, NULL);
	c->interrupted = false;
	s->poll.data = &closed;
	uv_close((uv_handle_t *)&s->poll, on_poll_closed);
	while (!closed)
		uv_run(&c->loop, UV_RUN_ONCE);
	return s->r;
}

/* Standard input cannot be asked for packet N: it becomes a file first. */
static int spool_open(struct cli *c, struct cli_source *out, struct err *e)
{
	const char *folder = getenv("TMPDIR");
	struct spool s = {.cli = c, .e = e};
	int r;

	out->spool = xasprintf("%s/tapdeck-XXXXXX", folder && folder[0] == '/' ? folder : "/tmp");
	s.fd = mkstemp(out->spool);
	if (s.fd < 0) {
		r = err_errno(e, ERR_REFUSED, "a file for standard input, %s (TMPDIR says where)", out->spool);
		free(out->spool);
		out->spool = NULL;
		return r;
	}
	r = spool_fill(&s);
	if (close(s.fd) && r == 0)
		r = err_errno(e, ERR_REFUSED, "writing %s", out->spool);
	if (r)
		return r;
	free(out->source.name);
	out->source.name = xstrdup(out->spool);
	out->source.kind = SOURCE_FILE;
	return 0;
}

/* --- open --- */

struct opening {
	bool done;
	int r;
	struct err *e;
};

static void on_open(void *arg, struct request *r, const struct answer *a)
{
	struct opening *o = arg;

	(void)r;
	if (a->error) {
		*o->e = *a->error;
		o->r = -1;
	}
	o->done = true;
}

/* A lost link has freed its client: after any wait the host is asked for it. NULL: it is lost, *e says why. */
static struct client *source_client(struct cli *c, struct cli_source *s, struct err *e)
{
	s->client = cli_client(c, s->source.host ? s->source.host : "", e);
	return s->client;
}

/* A wait that is broken off leaves the request: its answer must not find this frame's memory. */
static int channel_open(struct cli *c, struct cli_source *s, const char *target, struct err *e)
{
	struct opening o = {.e = e};

	s->channel = client_open(s->client, target, on_open, &o);
	if (cli_wait(c, &o.done, e) == 0 && o.r == 0)
		return 0;
	if (source_client(c, s, NULL))
		client_close_channel(s->client, s->channel);
	s->channel = 0;
	return -1;
}

/* --- devices --- */

static int device_known(struct cli *c, struct cli_source *s, struct err *e)
{
	const struct cli_ask ask = {.client = s->client, .table = "devices"};
	struct window w = {0};
	int r = -1;

	if (cli_fetch_rows(c, &ask, "name", "", &w, e))
		return -1;
	for (uint32_t i = 0; i < w.rows && r; i++) {
		struct value v = window_cell(&w, i, 0);

		r = v.type == VALUE_TEXT && str_is(v.s, s->source.name) ? 0 : -1;
	}
	window_release(&w);
	if (r && strcmp(s->source.name, "any") == 0)
		r = 0;
	if (r)
		err_set(e, ERR_ABSENT, "no file, session or device '%s'%s%s (tapdeck list and tapdeck devices show what there is)",
			s->source.name, s->source.host[0] ? " on " : "", s->source.host);
	return r;
}

/* A session of our own, taken off the list again at the end. */
static int device_start(struct cli *c, struct cli_source *s, bool endless, struct err *e)
{
	static const char ephemeral[] = "ephemeral";
	const char *words[8] = {"new", NULL, "device", s->source.name};
	char *target, *count = NULL;
	size_t n = 4;
	int r;

	if (device_known(c, s, e))
		return -1;
	if (!endless && !c->opt.for_ns && !c->opt.count)
		return err_set(e, ERR_CALL, "%s is a device, which never ends by itself: --for 10s or --count 100",
			       s->source.name);
	s->session = xasprintf("cli-%ld", (long)getpid());
	words[1] = s->session;
	if (c->opt.count) {
		count = xasprintf("%llu", (unsigned long long)c->opt.count);
		words[n++] = "stop-after";
		words[n++] = count;
	}
	words[n] = ephemeral;
	r = cli_command(c, s->client, 0, words, n + 1, e);
	if (r && e->code == ERR_CALL && strstr(e->text, ephemeral)) /* an older daemon does not know it */
		r = cli_command(c, s->client, 0, words, n, e);
	free(count);
	if (r && !c->interrupted) { /* an interrupted start may still come to be: it is ended like any other */
		free(s->session);
		s->session = NULL;
	}
	if (r)
		return r;
	target = xasprintf("session:%s", s->session);
	r = channel_open(c, s, target, e);
	free(target);
	s->live = true;
	return r;
}

int cli_source_open(struct cli *c, const char *word, bool endless, struct cli_source *s, struct err *e)
{
	char *target;
	int ask, r;

	*s = (struct cli_source){0};
	if (source_parse(&s->source, word, &ask, e))
		return -1;
	if (s->source.kind == SOURCE_STDIN && spool_open(c, s, e))
		return -1;
	s->client = cli_client(c, s->source.host, e);
	if (!s->client)
		return -1;
	if (s->source.kind == SOURCE_DEVICE)
		return device_start(c, s, endless, e);
	target = source_target(&s->source);
	s->live = s->source.kind == SOURCE_SESSION;
	r = channel_open(c, s, target, e);
	free(target);
	if (r && ask && e->code == ERR_ABSENT)
		r = device_start(c, s, endless, e);
	return r;
}

/* What is merged is files, and they are read where they are. */
static int merge_check(const struct source *one, const struct source *first, const char *word, struct err *e)
{
	if (one->kind == SOURCE_STDIN)
		return err_set(e, ERR_CALL, "standard input cannot be merged with files: write it to one first");
	if (one->kind != SOURCE_FILE)
		return err_set(e, ERR_CALL, "'%s' is no file: several SOURCEs are merged by time, and that is for files", word);
	if (strcmp(one->host, first->host) != 0)
		return err_set(e, ERR_CALL, "'%s' is on another host than the first file: fetch it, then merge", word);
	return 0;
}

int cli_sources_open(struct cli *c, char *const *word, int count, bool endless, struct cli_source *s, struct err *e)
{
	struct source *one;
	char *target = NULL;
	int r = 0, n, ask;

	if (count == 1)
		return cli_source_open(c, word[0], endless, s, e);
	*s = (struct cli_source){0};
	one = xcalloc((size_t)count, sizeof(*one));
	for (n = 0; n < count && r == 0; n++) {
		r = source_parse(&one[n], word[n], &ask, e);
		if (r == 0)
			r = merge_check(&one[n], &one[0], word[n], e);
	}
	if (r)
		goto out;
	s->client = cli_client(c, one[0].host, e);
	target = source_targets(one, (size_t)count);
	r = s->client ? channel_open(c, s, target, e) : -1;
out:
	free(target);
	while (n > 0)
		source_release(&one[--n]);
	free(one);
	return r;
}

void cli_source_explain(const struct cli_source *s, struct err *e)
{
	size_t len = s->spool ? strlen(s->spool) : 0;
	struct err was = *e;

	if (len == 0 || strncmp(e->text, s->spool, len) != 0)
		return;
	err_set(e, was.code, "standard input%s", was.text + len);
	e->at = was.at;
}

static void source_stop_waiting(void *arg)
{
	*(bool *)arg = true;
}

/* The session ends by itself behind its last packet; whether it has is in the list. */
static int device_ended(struct cli *c, const struct cli_source *s, bool *ended, struct err *e)
{
	const struct cli_ask ask = {.client = s->client, .table = "sessions"};
	struct window w = {0};
	char *state;

	if (cli_fetch_rows(c, &ask, "name,state", "", &w, e))
		return -1;
	for (uint32_t i = 0; i < w.rows; i++) {
		struct value name = window_cell(&w, i, 0);

		if (name.type != VALUE_TEXT || !str_is(name.s, s->session))
			continue;
		state = cli_cell(&w, i, "state");
		*ended = strcmp(state, "ended") == 0 || strcmp(state, "stopped") == 0 || strcmp(state, "failed") == 0;
		free(state);
	}
	window_release(&w);
	return 0;
}

int cli_source_wait(struct cli *c, struct cli_source *s, struct err *e)
{
	const int64_t until = c->opt.for_ns ? clock_mono_ns() + c->opt.for_ns : INT64_MAX;
	bool stop = false;
	int r = 0;

	if (!s->session)
		return 0;
	cli_on_interrupt(c, source_stop_waiting, &stop);
	while (!stop && r == 0 && clock_mono_ns() < until) {
		int64_t left = until - clock_mono_ns();

		r = cli_sleep(c, c->opt.count && left > LOOK_NS ? LOOK_NS : left, &stop, e);
		if (r == 0 && c->opt.count && !stop)
			r = device_ended(c, s, &stop, e);
	}
	cli_on_interrupt(c, NULL, NULL);
	c->interrupted = false;
	return r || source_client(c, s, e) ? r : -1;
}

static void on_ended(void *arg, struct request *r, const struct answer *a)
{
	(void)r;
	(void)a; /* that it had ended already is no error here */
	*(bool *)arg = true;
}

/* A signal that comes while things are put in order has what it wants; another one ends the wait. */
static void on_signal_at_end(void *arg)
{
	(void)arg;
}

static void session_end(struct cli *c, struct cli_source *s, const char *verb)
{
	const char *words[] = {verb, s->session};
	struct request *r;
	struct err ignored;
	bool done = false;

	if (!source_client(c, s, NULL))
		return; /* the session runs on; it is on the host's list */
	c->interrupted = false;
	cli_on_interrupt(c, on_signal_at_end, NULL);
	r = client_command(s->client, 0, words, ARRAY_LEN(words), on_ended, &done);
	(void)cli_sleep(c, END_WAIT_NS, &done, &ignored); /* a daemon that hangs keeps it on its list */
	cli_on_interrupt(c, NULL, NULL);
	if (!done)
		client_cancel(r);
}

void cli_source_close(struct cli *c, struct cli_source *s)
{
	/* A link is not opened only to be closed: where nothing was begun there is nothing to end. */
	if (s->channel && source_client(c, s, NULL))
		client_close_channel(s->client, s->channel);
	if (s->session) {
		session_end(c, s, "stop");
		session_end(c, s, "dismiss");
	}
	if (s->spool)
		(void)unlink(s->spool); /* nothing is to be done where it is gone */
	free(s->spool);
	free(s->session);
	source_release(&s->source);
}
