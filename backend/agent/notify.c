#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

static long number_of(const char *name)
{
	const char *text = getenv(name);
	char *end = NULL;
	const long n = text ? strtol(text, &end, 10) : 0;

	return text && *text && !*end ? n : 0;
}

static int listener_check(int fd, char **path, struct err *e)
{
	struct sockaddr_un at = {0};
	socklen_t len = sizeof(at), option = sizeof(int);
	int type = 0, listens = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &option) || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &option) || !listens ||
	    getsockname(fd, (struct sockaddr *)&at, &len) || at.sun_family != AF_UNIX)
		return err_set(e, ERR_CALL,
			       "descriptor %d, which was handed over, is no unix socket that "
			       "listens: see ListenStream= in tapdeckd.socket",
			       fd);
	if (len <= offsetof(struct sockaddr_un, sun_path) || at.sun_path[0] != '/')
		return err_set(e, ERR_CALL,
			       "the socket that was handed over lies at no path: its ListenStream= "
			       "begins with /");
	if (fdio_set_nonblock(fd) || fdio_set_cloexec(fd))
		return err_errno(e, ERR_REFUSED, "the socket that was handed over");
	*path = xstrndup(at.sun_path, strnlen(at.sun_path, sizeof(at.sun_path)));
	return 1;
}

int notify_listener(int *fd, char **path, struct err *e)
{
	const long pid = number_of("LISTEN_PID"), count = number_of("LISTEN_FDS");

	(void)unsetenv("LISTEN_PID"); /* fails for names with "=" only */
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (pid != (long)getpid() || count <= 0)
		return 0;
	if (count != 1)
		return err_set(e, ERR_CALL, "%ld sockets were handed over: one is enough", count);
	*fd = FIRST_FD;
	return listener_check(FIRST_FD, path, e);
}

void notify_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const size_t len = path ? strlen(path) : 0;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = 0; /* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* Nobody is held up by a manager that does not listen. */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void notify_reloading(void)
{
	char *text =
		xasprintf("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono_ns() / 1000));

	notify_tell(text);
	free(text);
}
