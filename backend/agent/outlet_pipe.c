/* `pipe`: a command that has the packets on its standard input as they come. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "outlet_private.h"

#define PIPE_BYTES                                                                                 \
	(1 << 20) /* what waits for the command outside of our memory; less is no harm             \
		   */

static void pump_said(void *arg, const char *severity, struct str sentence)
{
	struct outlets *o = arg;

	session_event(o->session, severity, "the command of \"pipe\": %.*s",
		      (int)(sentence.len < 300 ? sentence.len : 300), sentence.p);
}

static void pump_gone(void *arg, bool whole, uint64_t bytes)
{
	struct outlets *o = arg;

	(void)bytes;
	pump_free(o->pump);
	o->pump = NULL;
	if (!o->pipe.errand || whole)
		return;
	/* Nothing comes any more: its command, where it lives, has a while to end. */
	o->pump_lost = !o->ended;
	o->pipe.limit_ns = clock_mono_ns() + OUTLETS_COMMAND_NS;
}

static const struct pump_ops ops = {pump_said, pump_gone};

static void on_command(void *arg, int status, const char *last)
{
	struct outlets *o = arg;
	struct session *s = o->session;
	const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char how[64];

	errand_free(o->pipe.errand);
	o->pipe.errand = NULL;
	pump_free(o->pump);
	o->pump = NULL;
	errand_status(status, how, sizeof(how));
	if (!o->ended)
		session_event(s, "warn",
			      "the command of \"pipe\" %s%s%s%s; the capture goes on without it",
			      how, last[0] ? ": " : "", last,
			      o->pump_lost && well ? ", as what carried the packets to it died"
						   : "");
	else if (!well && !o->pipe.late)
		session_event(s, "warn", "the command of \"pipe\" %s%s%s", how, last[0] ? ": " : "",
			      last);
	outlet_step(o);
}

static int pump_begin(struct outlets *o, int to, struct err *e)
{
	struct session *s = o->session;
	int fd[2] = {chunks_readonly_fd(s->chunks_fd, e), -1}, r = -1;

	if (fd[0] >= 0)
		fd[1] = chunks_readonly_fd(s->release_fd, e);
	if (fd[1] >= 0)
		r = pump_start(&o->pump, s->control, PUMP_CHUNKS, to, fd, &ops, o, e);
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return r;
}

int outlet_pipe_start(struct outlets *o, struct err *e)
{
	struct session *s = o->session;
	int pipe[2], r;

	if (pipe2(pipe, O_CLOEXEC))
		return err_errno(e, ERR_REFUSED, "no pipe");
	(void)fcntl(pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
	r = outlet_run(o, &o->pipe, "pipe", s->spec.pipe, NULL, NULL, pipe[0], on_command, e);
	if (r == 0)
		r = pump_begin(o, pipe[1], e);
	close(pipe[0]);
	close(pipe[1]);
	return r;
}

/* It gets what is left, and has a while for that. */
void outlet_pipe_ended(struct outlets *o)
{
	if (o->pipe.errand)
		o->pipe.limit_ns = clock_mono_ns() + OUTLETS_COMMAND_NS;
}
