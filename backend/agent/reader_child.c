#include "reader_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "opening.h"
#include "remember.h"
#include "reader/reader.h"
#include "rights.h"
#include "session.h"

/* --- what it says --- */

static void reader_cached(struct reader_child *r, const struct frame *f);

struct compile_wish {
	struct control *control;
	pid_t reader; /* it may be gone by then */
	uint32_t id;
};

static void on_compiled(void *arg, struct str program, const struct err *e)
{
	struct compile_wish *w = arg;
	const struct msg_program m = {.program = program};

	for (struct reader_child *r = w->control->readers; r; r = r->next) {
		if (r->pid != w->reader || !r->channel)
			continue;
		if (e)
			(void)channel_send_error(r->channel, 0, w->id,
						 e); /* -1: `gone` will come */
		else
			(void)channel_put_program(r->channel, 0, w->id, &m);
	}
	free(w);
}

static void reader_compile(struct reader_child *r, const struct frame *f)
{
	struct msg_compile m;
	struct compile_wish *w;
	struct err e;

	if (msg_get_compile(f->payload, f->len, &m, &e)) {
		(void)channel_send_error(r->channel, 0, f->id, &e); /* -1: `gone` will come */
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct compile_wish){.control = r->control, .reader = r->pid, .id = f->id};
	compile_start(r->control->compiler, m.link_type, m.snaplen, m.text, false, on_compiled, w);
}

/* Channel 0: what is between it and us. */
static void reader_control_frame(struct reader_child *r, const struct frame *f)
{
	struct msg_error error;
	struct msg_event event;

	if (f->type == MSG_CACHED) {
		reader_cached(r, f); /* it may be gone behind this */
		return;
	}
	if (f->type == MSG_COMPILE)
		reader_compile(r, f);
	else if (f->type == MSG_ERROR && msg_get_error(f->payload, f->len, &error, NULL) == 0)
		log_warn("the reader of %s: %.*s", r->name, (int)error.sentence.len,
			 error.sentence.p); /* it tells who asks */
	else if (f->type == MSG_EVENT && msg_get_event(f->payload, f->len, &event, NULL) == 0)
		control_event(r->control, "note", r->name, "%.*s", (int)event.sentence.len,
			      event.sentence.p);
	if ((f->type == MSG_DONE || f->type == MSG_ERROR) && r->finish_id &&
	    f->id == r->finish_id && r->session)
		session_reader_finished(r->session);
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct reader_child *r = arg;
	struct binding *b;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	if (f->channel == 0) {
		reader_control_frame(r, f);
		return;
	}
	b = map_get(r->bindings, &f->channel, sizeof(f->channel));
	if (b)
		peer_forward(b->peer, b->channel, f);
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	struct reader_child *r = arg;
	struct err e;

	(void)why;
	channel_close(channel);
	r->channel = NULL;
	log_error("the reader of %s (pid %ld) is gone", r->name, (long)r->pid);
	if (r->session) {
		session_reader_lost(r->session, r);
		return;
	}
	err_set(&e, ERR_PART, "the process that read %s died; open the file again", r->name);
	reader_child_move(r, NULL, &e);
	reader_child_free(r);
}

static const struct channel_ops reader_ops = {on_message, on_gone, NULL};

/* --- the process --- */

static int reader_spawn(struct reader_child *r, int fd, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd", (char *)(uintptr_t) "--read",
			(char *)(uintptr_t) "3", NULL};
	char *envp[] = {NULL};
	const struct spawn s = {.path = "/proc/self/exe",
				.argv = argv,
				.envp = envp,
				.fd = {-1, 2, 2, fd},
				.nfd = 4,
				.no_new_privs = true,
				.die_with_parent = true};

	r->pid = spawn_start(&s, e);
	return r->pid < 0 ? -1 : 0;
}

struct reader_child *reader_child_start(struct control *c, struct session *s, const char *name,
					struct err *e)
{
	struct reader_child *r;
	int fd[2];

	if (c->nreaders >= CONTROL_READERS_MAX) {
		err_set(e, ERR_REFUSED, "%u captures are open here, which is the most: close some",
			CONTROL_READERS_MAX);
		return NULL;
	}
	if (fdio_socketpair(fd, e))
		return NULL;
	r = xcalloc(1, sizeof(*r));
	*r = (struct reader_child){.control = c, .session = s};
	if (reader_spawn(r, fd[1], e) || fdio_set_nonblock(fd[0])) {
		close(fd[0]);
		close(fd[1]);
		free(r);
		return NULL;
	}
	close(fd[1]);
	r->name = xstrdup(name);
	r->bindings = map_new(CONTROL_PEERS_MAX * 8);
	r->next = c->readers;
	c->readers = r;
	c->nreaders++;
	children_add(c->children, r->pid, NULL, NULL);
	r->channel = channel_new(c->loop, fd[0], -1, &reader_ops, r);
	return r;
}

void reader_child_free(struct reader_child *r)
{
	struct control *c = r->control;
	struct err e;

	err_set(&e, ERR_ABSENT, "%s was closed", r->name);
	reader_child_move(r, NULL, &e);
	for (struct reader_child **at = &c->readers; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	c->nreaders--;
	opening_free(r->opening);
	remember_free(r->remembered);
	if (r->channel)
		channel_close(r->channel); /* it ends when its descriptor does */
	map_free(r->bindings);
	free(r->name);
	free(r);
}

/* --- what it reads --- */

int reader_child_send(struct reader_child *r, uint16_t type, const struct buf *b, const int *fd,
		      size_t nfd)
{
	if (!r->channel)
		return 0; /* it is gone, and those who ask were told */
	return channel_send_fds(r->channel, type, 0, ++r->last_id, b->data, b->len, fd, nfd);
}

int reader_child_file(struct reader_child *r, int fd, const struct msg_read_file *m)
{
	struct buf b;
	int rc;

	buf_init(&b, MSG_PAYLOAD_MAX);
	rc = msg_put_read_file(&b, m);
	if (rc == 0)
		rc = reader_child_send(r, MSG_READ_FILE, &b, &fd, 1);
	buf_release(&b);
	return rc;
}

/* Nothing was written to it since. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return S_ISREG(b->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

struct reader_child *reader_child_of(struct control *c, const char *path, const struct stat *st)
{
	for (struct reader_child *r = c->readers; r; r = r->next)
		if (!r->session && r->channel && is_same(&r->opened, st) &&
		    strcmp(r->name, path) == 0)
			return r;
	return NULL;
}

int reader_child_open(const char *path, struct stat *st, struct err *e)
{
	/* Without waiting: a fifo's other end, a tape. */
	const int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_REFUSED, "there is no file %s", path);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return err_set(e, ERR_REFUSED,
			       "%s may not be read by you: ask its owner for the right (chmod, "
			       "chgrp), or read it as them",
			       path);
	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "could not open %s", path);
	if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode)))
		return fd;
	close(fd);
	if (S_ISDIR(st->st_mode))
		return err_set(e, ERR_REFUSED, "%s is a folder: name a capture file in it", path);
	return err_set(e, ERR_REFUSED, "%s is no file (a device or a socket): name a capture file",
		       path);
}

/* --- channels --- */

int reader_child_bind(struct reader_child *r, struct binding *b, struct err *e)
{
	do
		r->last_channel++;
	while (r->last_channel == 0 ||
	       map_get(r->bindings, &r->last_channel, sizeof(r->last_channel)));
	if (map_put(r->bindings, &r->last_channel, sizeof(r->last_channel), b))
		return err_set(e, ERR_REFUSED, "too many channels lead to %s", r->name);
	b->reader = r;
	b->reader_channel = r->last_channel;
	return 0;
}

/* What nobody has open any more ends, once it has written down what it learnt. */
static void reader_look(struct reader_child *r)
{
	if (!r->session && map_count(r->bindings) == 0 && !remember_busy(r))
		reader_child_free(r);
}

static void reader_cached(struct reader_child *r, const struct frame *f)
{
	struct control *c = r->control;
	struct msg_cached m;

	if (msg_get_cached(f->payload, f->len, &m, NULL))
		return;
	remember_told(r, m.sound);
	reader_look(r);
	control_left(c);
}

void reader_child_unbind(struct binding *b)
{
	const struct msg_close m = {0};
	struct reader_child *r = b->reader;

	if (!r)
		return;
	b->reader = NULL;
	(void)map_remove(r->bindings, &b->reader_channel, sizeof(b->reader_channel));
	if (r->channel)
		(void)channel_put_close(r->channel, b->reader_channel, 0,
					&m); /* -1: `gone` will come */
	reader_look(r);
}

void reader_child_forward(struct binding *b, uint16_t type, uint32_t id, const void *payload,
			  size_t len)
{
	if (b->reader && b->reader->channel)
		(void)channel_send(b->reader->channel, type, b->reader_channel, id, payload,
				   len); /* -1: `gone` will come */
}

static void queries_again(struct binding *b)
{
	struct peer *p = b->peer;
	size_t iter = 0;
	void *value;

	while (map_next(p->pending, &iter, NULL, NULL, &value)) {
		const struct pending *q = value;

		if (q->channel == b->channel && q->route == ROUTE_READER && q->type == MSG_QUERY)
			reader_child_forward(b, q->type, q->id, q->payload, q->len);
	}
}

/* Streams do not go on from where they were: who asked has to. */
static void streams_fail(struct binding *b, const struct err *e)
{
	struct peer *p = b->peer;
	size_t iter = 0;
	void *value;

	while (map_next(p->pending, &iter, NULL, NULL, &value)) {
		const struct pending *q = value;
		const struct reply who = {p->serial, q->channel, q->id};

		if (q->channel == b->channel && q->route == ROUTE_READER && q->type != MSG_QUERY)
			reply_error(p->control, &who, e); /* removes the entry just given */
	}
}

void reader_child_move(struct reader_child *from, struct reader_child *to, const struct err *e)
{
	size_t iter;
	void *value;

	while (iter = 0, map_next(from->bindings, &iter, NULL, NULL, &value)) {
		struct binding *b = value;

		(void)map_remove(from->bindings, &b->reader_channel, sizeof(b->reader_channel));
		b->reader = NULL;
		if (to && reader_child_bind(to, b, NULL) == 0) {
			streams_fail(b, e);
			queries_again(b);
		} else {
			peer_fail(b->peer, b->channel, ROUTE_READER, e);
		}
	}
}

int reader_child_main(int fd)
{
	struct err e;

	/* What it remembers may be more than a file may hold (ulimit -f): it goes on reading. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (rights_drop(&e)) {
		log_error("%s", e.text);
		return e.code;
	}
	return reader_main(fd);
}
