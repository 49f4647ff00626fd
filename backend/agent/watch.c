#include "watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/xalloc.h"
#include "child_answer.h"

#define ANSWER_MAX 200u
#define TAKEN '+'
#define ABSENT '-'
#define FAILED '!' /* and why */

struct watch {
	struct control *control;
	pid_t pid; /* 0: it has ended */
	int fd;
	char *path;
	char why[ANSWER_MAX + 1];
};

static void on_exit_of(void *arg, pid_t pid, int status)
{
	struct watch *w = arg;

	(void)pid;
	(void)status;
	w->pid = 0;
}

int watch_start(struct watch **out, struct control *c, const struct account *account,
		const char *path, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd", (char *)(uintptr_t) "--watch", NULL};
	char *envp[] = {NULL};
	struct spawn s = {.path = "/proc/self/exe",
			  .argv = argv,
			  .envp = envp,
			  .fd = {-1, -1, 2},
			  .nfd = 4,
			  .no_new_privs = true,
			  .die_with_parent = true,
			  .as = account_as(account)};
	struct watch *w;
	int pair[2];
	pid_t pid;

	/* Messages with ends: nothing is ever half there. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_errno(e, ERR_REFUSED, "no socket");
	s.fd[3] = pair[1];
	pid = spawn_start(&s, e);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -1;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct watch){.control = c, .pid = pid, .fd = pair[0], .path = xstrdup(path)};
	children_add(c->children, pid, on_exit_of, w);
	*out = w;
	return 0;
}

int watch_ask(struct watch *w)
{
	/* One message at a time always has room. */
	return send(w->fd, w->path, strlen(w->path), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int watch_answer(struct watch *w, const char **why)
{
	const ssize_t n = recv(w->fd, w->why, ANSWER_MAX, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? WATCH_WAITS : -1;
	w->why[n] = 0;
	*why = w->why + 1;
	return w->why[0] == TAKEN ? WATCH_TAKEN : w->why[0] == FAILED ? WATCH_STUCK : WATCH_ABSENT;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	if (w->pid > 0)
		(void)kill(w->pid, SIGKILL); /* not reaped yet: it is still ours */
	children_forget(w->control->children, w);
	close(w->fd);
	free(w->path);
	free(w);
}

/* --- the process --- */

static void watch_one(const char *path, char answer[ANSWER_MAX])
{
	struct stat st;

	if (lstat(path, &st)) {
		(void)snprintf(answer, ANSWER_MAX, "%c", ABSENT);
		return;
	}
	if (unlink(path) == 0)
		(void)snprintf(answer, ANSWER_MAX, "%c", TAKEN);
	else
		(void)snprintf(answer, ANSWER_MAX, "%c%s", FAILED, strerror(errno));
}

int watch_main(void)
{
	char path[WATCH_PATH_MAX + 1], answer[ANSWER_MAX];
	ssize_t n;

	while ((n = recv(CHILD_FD, path, WATCH_PATH_MAX, 0)) > 0) {
		path[n] = 0;
		watch_one(path, answer);
		if (send(CHILD_FD, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			return 1;
	}
	return 0;
}
