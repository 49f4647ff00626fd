#include "connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"

static int connect_finish(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0, n;
	socklen_t len = sizeof(error);

	while ((n = poll(&p, 1, CONNECT_TIMEOUT_MS)) < 0 && errno == EINTR)
		;
	if (n == 0)
		errno = ETIMEDOUT;
	if (n <= 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return -1;
	errno = error;
	return error ? -1 : 0;
}

static int connect_address(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
	unsigned dead_ms = 20000; /* as the heartbeat: a silent link is told, not waited for */
	int saved;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || (errno == EINPROGRESS && connect_finish(fd) == 0))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int connect_straight(const struct config *c, struct err *e)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
	int fd = -1, r = getaddrinfo(c->hostname, c->port, &hints, &list);

	if (r != 0)
		return err_set(e, ERR_ABSENT, "no address for %s: %s", c->hostname, gai_strerror(r));
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = connect_address(a);
	if (fd < 0)
		err_errno(e, ERR_REFUSED, "cannot connect to %s port %s", c->hostname, c->port);
	freeaddrinfo(list);
	return fd;
}

/* `ssh -W host:port jump`: the last of several jumps is where ssh goes, the others are its own -J. */
static int connect_jump(const struct config *c, struct err *e)
{
	char *target = xasprintf("[%s]:%s", c->hostname, c->port), *jumps = xstrdup(c->proxy_jump);
	char *last = strrchr(jumps, ',');
	const char *argv[12] = {"ssh", "-o", "BatchMode=yes", "-W", target};
	struct spawn s = {.path = "ssh", .nfd = 3, .die_with_parent = true};
	int n = 5, fd[2], r = -1;

	if (last) {
		*last++ = '\0';
		argv[n++] = "-J";
		argv[n++] = jumps;
	}
	argv[n++] = "--";
	argv[n++] = last ? last : jumps;
	argv[n] = NULL;
	if (fdio_socketpair(fd, e) == 0) {
		s.argv = (char *const *)(uintptr_t)argv;
		s.fd[0] = s.fd[1] = fd[1];
		s.fd[2] = -1;
		if (spawn_start(&s, e) > 0)
			r = fd[0];
		else
			close(fd[0]);
		close(fd[1]);
	}
	free(target);
	free(jumps);
	return r;
}

int connect_host(const struct config *c, struct err *e)
{
	if (c->proxy_jump)
		return connect_jump(c, e);
	return connect_straight(c, e);
}
