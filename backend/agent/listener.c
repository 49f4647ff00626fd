/* The daemon's socket: one daemon a path, who knocks is known by the kernel's word. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "peer.h"

#define BACKLOG 1024 /* as many may knock at once; past it connect(2) fails over there */

struct listener {
	uv_poll_t poll;
	struct control *control;
	int fd, lock;
	int spare;  /* given up for a moment when there is no descriptor for who knocks; -1 */
	bool given; /* somebody else has made it, and sees to who may come in */
	char *path;
};

/* The lock outlives a crash of nobody: it goes with the process. A socket without one is a dead
 * daemon's. */
static int lock_take(const char *path, struct err *e)
{
	char *name = xasprintf("%s.lock", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		err_errno(e, ERR_REFUSED, "could not open %s", name);
	} else if (flock(fd, LOCK_EX | LOCK_NB)) {
		err_set(e, ERR_REFUSED, "a daemon listens at %s already", path);
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

static int group_let_in(const struct control *c, const char *path)
{
	if (c->group == (gid_t)-1)
		return chmod(path, 0600);
	return chown(path, (uid_t)-1, c->group) || chmod(path, 0660) ? -1 : 0;
}

int listener_group(struct listener *l, struct err *e)
{
	if (l->given || group_let_in(l->control, l->path) == 0)
		return 0;
	return err_errno(e, ERR_REFUSED, "could not let the group in at %s", l->path);
}

/* We hold the lock: nobody listens there. What is no socket is nothing of a daemon's. */
static int socket_stale(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st))
		return 0; /* bind says what is wrong */
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is there and is no socket: name another place",
			       path);
	(void)unlink(path); /* likewise */
	return 0;
}

static int socket_open(const struct control *c, const char *path, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const size_t len = strlen(path);
	mode_t mask;
	int fd, r;

	if (len >= sizeof(at.sun_path))
		return err_set(e, ERR_CALL, "the path of a unix socket has at most %zu bytes: %s",
			       sizeof(at.sun_path) - 1, path);
	memcpy(at.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "no socket");
	if (socket_stale(path, e)) {
		close(fd);
		return -1;
	}
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)&at, sizeof(at));
	(void)umask(mask);
	if (r == 0)
		r = group_let_in(c, path);
	if (r == 0)
		r = listen(fd, BACKLOG);
	if (r == 0)
		return fd;
	err_errno(e, ERR_REFUSED, "could not listen at %s", path);
	close(fd);
	return -1;
}

static void client_refuse(struct control *c, int fd, const struct err *why)
{
	const struct msg_error m = {.code = why->code, .at = -1, .sentence = str_of(why->text)};
	struct buf payload, out;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&out, FRAME_HEADER_BYTES + MSG_PAYLOAD_MAX);
	if (msg_put_error(&payload, &m) == 0 &&
	    frame_put(&out, MSG_ERROR, 0, 0, payload.data, payload.len) == 0)
		(void)!send(fd, out.data, out.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL); /* an empty socket takes it */
	buf_release(&payload);
	buf_release(&out);
	close(fd);
	(void)c;
	log_warn("a client was refused: %s", why->text);
}

static void client_accept(struct listener *l, int fd)
{
	struct control *c = l->control;
	struct who who;
	struct err e;

	if (access_who(fd, c->group, &who, &e)) {
		client_refuse(c, fd, &e);
	} else if (access_connect(&who, &e)) {
		audit_refused(c, &who, &e);
		client_refuse(c, fd, &e);
	} else if (c->npeers >= c->clients_max) {
		err_set(&e, ERR_REFUSED,
			"%u clients are connected, which is the most (limit clients): try again",
			c->clients_max);
		audit_refused(c, &who, &e);
		client_refuse(c, fd, &e);
	} else {
		(void)peer_new(c, fd, -1, &who);
	}
}

/* No descriptor is left: who stays at the door would make us look there for ever. */
static void client_turn_away(struct listener *l)
{
	struct err e;
	int fd;

	if (l->spare >= 0)
		close(l->spare);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		err_set(&e, ERR_REFUSED,
			"this daemon has no descriptor left for one more client (ulimit -n): try "
			"again later");
		client_refuse(l->control, fd, &e);
	}
	l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	int fd;

	(void)status;
	(void)events;
	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		client_accept(l, fd);
	if (errno == EMFILE || errno == ENFILE)
		client_turn_away(l);
}

int listener_open(struct listener **listener, struct control *c, const char *path, int fd,
		  struct err *e)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->control = c;
	l->given = fd >= 0;
	l->fd = -1;
	l->spare = open("/dev/null", O_RDONLY | O_CLOEXEC); /* without it nobody is told */
	l->lock = lock_take(path, e);
	if (l->lock >= 0)
		l->fd = l->given ? fd : socket_open(c, path, e);
	if (l->fd < 0) {
		if (l->lock >= 0)
			close(l->lock);
		if (l->spare >= 0)
			close(l->spare);
		free(l);
		return -1;
	}
	l->path = xstrdup(path);
	(void)uv_poll_init(c->loop, &l->poll, l->fd); /* a socket can always be polled */
	l->poll.data = l;
	(void)uv_poll_start(&l->poll, UV_READABLE, on_knock);
	*listener = l;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void listener_close(struct listener *l)
{
	if (!l->given)
		(void)unlink(l->path);
	close(l->fd);
	close(l->lock);
	if (l->spare >= 0)
		close(l->spare);
	free(l->path);
	uv_close((uv_handle_t *)&l->poll, on_closed);
}
