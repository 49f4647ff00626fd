#include "pump.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "wire/channel.h"

struct pump {
	struct control *control;
	struct channel *channel;
	pid_t pid; /* 0: it has ended */
	const struct pump_ops *ops;
	void *arg;
	bool whole;
	uint64_t bytes;
};

static const char *severity_of(struct str said)
{
	return str_is(said, "warn") ? "warn" : str_is(said, "error") ? "error" : "note";
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct pump *p = arg;
	struct msg_event event;
	struct msg_end end;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	if (f->type == MSG_EVENT && msg_get_event(f->payload, f->len, &event, NULL) == 0) {
		p->ops->said(p->arg, severity_of(event.severity), event.sentence);
	} else if (f->type == MSG_END && msg_get_end(f->payload, f->len, &end, NULL) == 0) {
		p->whole = true;
		p->bytes = end.offset;
	}
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	struct pump *p = arg;

	(void)why;
	channel_close(channel);
	p->channel = NULL;
	p->ops->gone(p->arg, p->whole, p->bytes);
}

static const struct channel_ops pump_channel_ops = {on_message, on_gone, NULL};

/* Its number may be another process's from now on; `gone` will come. */
static void on_exit_of(void *arg, pid_t pid, int status)
{
	struct pump *p = arg;

	(void)pid;
	(void)status;
	p->pid = 0;
}

static pid_t pump_spawn(enum pump_what what, int to, int control, const int *fd, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd", (char *)(uintptr_t) "--pump",
			(char *)(uintptr_t)(what == PUMP_CHUNKS ? "chunks" : "file"), NULL};
	char *envp[] = {NULL};
	const struct spawn s = {.path = "/proc/self/exe",
				.argv = argv,
				.envp = envp,
				.fd = {-1, to, 2, control, fd[0], what == PUMP_CHUNKS ? fd[1] : -1},
				.nfd = what == PUMP_CHUNKS ? 6 : 5,
				.no_new_privs = true,
				.die_with_parent = true};

	return spawn_start(&s, e);
}

int pump_start(struct pump **out, struct control *c, enum pump_what what, int to, const int *fd,
	       const struct pump_ops *ops, void *arg, struct err *e)
{
	struct pump *p;
	int pair[2];
	pid_t pid;

	if (fdio_socketpair(pair, e))
		return -1;
	pid = fdio_set_nonblock(pair[0]) ? -1 : pump_spawn(what, to, pair[1], fd, e);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -1;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct pump){.control = c, .pid = pid, .ops = ops, .arg = arg};
	children_add(c->children, pid, on_exit_of, p);
	p->channel = channel_new(c->loop, pair[0], -1, &pump_channel_ops, p);
	*out = p;
	return 0;
}

void pump_no_more(struct pump *p)
{
	if (p->channel)
		(void)shutdown(channel_fd(p->channel), SHUT_WR); /* it reads the end of it */
}

void pump_free(struct pump *p)
{
	if (!p)
		return;
	if (p->pid > 0)
		(void)kill(p->pid, SIGKILL); /* not reaped yet: it is still ours */
	children_forget(p->control->children, p);
	if (p->channel)
		channel_close(p->channel);
	free(p);
}
