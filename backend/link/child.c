/* A child beside this program, reached over a socket pair: tapdeckd --attach, tapdeck-store. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/spawn.h"
#include "types.h"

int link_child(struct link *l, const char *const *argv, struct err *e)
{
	struct spawn s = {.argv = (char *const *)(uintptr_t)argv, .nfd = 3};
	char *path = spawn_sibling(argv[0], e);
	int fd[2] = {-1, -1};
	int r = -1;

	if (!path || fdio_socketpair(fd, e))
		goto out;
	s.path = path;
	s.fd[0] = fd[1];
	s.fd[1] = s.fd[2] = -1; /* nothing but messages may reach us, and nothing the terminal */
	l->pid = spawn_start(&s, e);
	if (l->pid < 0)
		goto out;
	l->fd = fd[0];
	fd[0] = -1;
	r = fdio_set_nonblock(l->fd) ? err_errno(e, ERR_REFUSED, "%s: its socket", argv[0]) : 0;
out:
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	free(path);
	return r;
}

static int local_open(const char *spec, struct link *l, struct err *e)
{
	const char *argv[] = {"tapdeckd", "--attach", NULL};

	if (spec[0])
		return err_set(e, ERR_CALL, "the link \"local\" takes no address, not \"%s\"",
			       spec);
	return link_child(l, argv, e);
}

static int store_open(const char *spec, struct link *l, struct err *e)
{
	const char *argv[] = {"tapdeck-store", NULL};

	if (spec[0])
		return err_set(e, ERR_CALL, "the link \"store\" takes no address, not \"%s\"",
			       spec);
	return link_child(l, argv, e);
}

const struct link_type link_local = {"local", "this machine: tapdeckd --attach as a child",
				     local_open};
const struct link_type link_store = {"store", "the history: tapdeck-store as a child", store_open};
