/* A daemon's socket by its path. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "types.h"

/* Only a daemon of ours, or of root's, is asked: else somebody else's socket could pretend. */
static int peer_check(int fd, const char *spec, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return err_errno(e, ERR_REFUSED, "the kernel does not say who answers at %s", spec);
	if (cred.uid == geteuid() || cred.uid == 0)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "who answers at %s is neither you nor root (uid %lu): it is not asked", spec,
		       (unsigned long)cred.uid);
}

static int unix_open(const char *spec, struct link *l, struct err *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const size_t len = strlen(spec);
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return err_set(e, ERR_CALL, "the path of a unix socket has 1 to %zu bytes: \"%s\"",
			       sizeof(to.sun_path) - 1, spec);
	memcpy(to.sun_path, spec, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "no socket");
	/* A unix socket connects at once or not at all; EAGAIN is a full queue of who wants in. */
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		err_errno(e, ERR_REFUSED, "no daemon answers at %s", spec);
		close(fd);
		return -1;
	}
	if (peer_check(fd, spec, e)) {
		close(fd);
		return -1;
	}
	l->fd = fd;
	return 0;
}

const struct link_type link_unix = {"unix", "a daemon's socket: unix:PATH", unix_open};
