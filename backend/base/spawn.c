#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"

#define EXIT_NOT_STARTED 127
#define CLOSE_LOOP_MAX 65536 /* descriptors closed one by one where the kernel has no close_range  \
			      */

/* Everything between fork and exec is async-signal-safe: the tap has a second thread. */

/* Handlers would run the parent's code over here (libuv's writes to the parent's pipe). */
static void child_signals(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	struct sigaction now;
	sigset_t none;

	for (int number = 1; number < NSIG; number++) {
		if (sigaction(number, NULL, &now))
			continue;
		if (now.sa_handler != SIG_IGN || number == SIGPIPE || number == SIGCHLD)
			(void)sigaction(number, &usual,
					NULL); /* SIGKILL and SIGSTOP refuse, rightly */
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_close_from(int first)
{
	struct rlimit limit;
	int end = CLOSE_LOOP_MAX;

	if (close_range((unsigned)first, ~0u, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)end)
		end = (int)limit.rlim_cur;
	for (int fd = first; fd < end; fd++)
		close(fd);
}

/* First away from the places that will be given out, then to them: the order in fd[] may be any
 * permutation. Leaves the error pipe at `nfd`, closed by exec. */
static int child_descriptors(const struct spawn *s, int report)
{
	int moved[SPAWN_FD_MAX];
	const int high = fcntl(report, F_DUPFD_CLOEXEC, s->nfd + 1);

	if (high < 0)
		return -1;
	for (int i = 0; i < s->nfd; i++) {
		const int from = s->fd[i] >= 0 ? s->fd[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

		moved[i] = fcntl(from, F_DUPFD_CLOEXEC, s->nfd + 1);
		if (moved[i] < 0)
			return -1;
	}
	for (int i = 0; i < s->nfd; i++)
		if (dup2(moved[i], i) < 0)
			return -1;
	if (dup3(high, s->nfd, O_CLOEXEC) < 0)
		return -1;
	child_close_from(s->nfd + 1);
	return 0;
}

/* Leaving uid 0 for good empties the capability sets as well (capabilities(7)). */
static int child_become(const struct spawn_as *as)
{
	if (!as)
		return 0;
	return setgroups(as->ngroups, as->group) || setresgid(as->gid, as->gid, as->gid) ||
			       setresuid(as->uid, as->uid, as->uid)
		       ? -1
		       : 0;
}

static int child_limit(const struct spawn_limit *l)
{
	struct rlimit now;

	if (getrlimit(l->resource, &now))
		return -1;
	if (l->most >= now.rlim_max)
		return 0;
	now.rlim_cur = now.rlim_max = l->most;
	return setrlimit(l->resource, &now);
}

/* Whose it is, where it is, and how much it may take. */
static int child_place(const struct spawn *s)
{
	if (s->new_session && setsid() < 0)
		return -1;
	if (child_become(s->as) || (s->folder > 0 && fchdir(s->folder)))
		return -1;
	for (int i = 0; i < s->nlimits; i++)
		if (child_limit(&s->limit[i]))
			return -1;
	if (s->nice && setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + s->nice))
		return -1;
	/* Not every kernel has priorities for the disk, and none is lost without. */
	if (s->idle_io)
		(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
			      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
	return 0;
}

static void child_run(const struct spawn *s, int report, pid_t parent)
{
	extern char **environ;
	int where = report, why;

	child_signals();
	if (child_place(s))
		goto failed;
	if (child_descriptors(s, report))
		goto failed;
	where = s->nfd;
	if (s->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		goto failed;
	/* Behind the change of the user, which forgets it. */
	if (s->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		goto failed;
	if (s->die_with_parent && getppid() != parent)
		_exit(EXIT_NOT_STARTED); /* it died before the kernel was told */
	execvpe(s->path, s->argv,
		s->envp ? (char *const *)s->envp : environ); /* a name without a slash: by PATH */
failed:
	why = errno;
	if (write(where, &why, sizeof(why)) < 0)
		_exit(EXIT_NOT_STARTED);
	_exit(EXIT_NOT_STARTED);
}

/* The parent's end: nothing comes when exec has closed the pipe, else the errno of what failed. */
static int report_read(int fd)
{
	int why = 0;
	ssize_t n;

	do
		n = read(fd, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(why) ? why : 0;
}

pid_t spawn_start(const struct spawn *s, struct err *e)
{
	const pid_t parent = getpid();
	sigset_t all, before;
	int report[2], why;
	pid_t pid;

	if (s->nlimits < 0 || s->nlimits > SPAWN_LIMITS_MAX)
		return err_set(e, ERR_REFUSED, "could not start %s: %d limits", s->path,
			       s->nlimits);
	if (s->nfd < 3 || s->nfd > SPAWN_FD_MAX)
		return err_set(e, ERR_REFUSED,
			       "could not start %s: %d descriptors, 3 to %d can be given", s->path,
			       s->nfd, SPAWN_FD_MAX);
	if (pipe2(report, O_CLOEXEC))
		return err_errno(e, ERR_REFUSED, "could not start %s: no pipe", s->path);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child_run(s, report[1], parent);
	why = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid > 0) {
		why = report_read(report[0]);
		if (why)
			(void)waitpid(pid, NULL, 0);
	}
	close(report[0]);
	if (pid > 0 && why == 0)
		return pid;
	errno = why;
	return err_errno(e, ERR_REFUSED, "could not start %s", s->path);
}

/* The folder of this program, owned by the caller; NULL where /proc is not mounted. */
static char *own_folder(void)
{
	char path[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	char *slash;

	if (n <= 0 || n >= (ssize_t)sizeof(path))
		return NULL;
	path[n] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	*slash = 0;
	return xstrdup(path);
}

char *spawn_sibling(const char *program, struct err *e)
{
	char *folder = own_folder();
	char *candidate[4] = {0}, *found = NULL;

	if (folder) {
		candidate[0] = xasprintf("%s/%s", folder, program);
		candidate[1] = xasprintf("%s/../libexec/tapdeck/%s", folder, program);
	}
	candidate[2] = xasprintf("%s/libexec/tapdeck/%s", TAPDECK_PREFIX, program);
	candidate[3] = xasprintf("%s/bin/%s", TAPDECK_PREFIX, program);
	for (size_t i = 0; i < ARRAY_LEN(candidate); i++) {
		if (!found && candidate[i] && access(candidate[i], X_OK) == 0)
			found = candidate[i];
		else
			free(candidate[i]);
	}
	if (!found)
		err_set(e, ERR_REFUSED,
			"%s is not beside this program (%s) nor in %s/libexec/tapdeck: install it "
			"there",
			program, folder ? folder : "?", TAPDECK_PREFIX);
	free(folder);
	return found;
}
