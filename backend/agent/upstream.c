#include "upstream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "session.h"

#define READY_MS 5000 /* for a daemon to open its socket */
#define RACE_TRIES 25
#define RACE_MS 20		/* between looks for a daemon that another one has started */
#define STATE_NS (NS_PER_S / 2) /* how old what was read of sessions may be */

struct upstream {
	struct control *control;
	struct channel *channel; /* NULL: not connected */
	bool greeted;		 /* it has said something */
	bool again;		 /* the one before had not: this is the second try */
	struct err said;	 /* before it hung up; ERR_NONE */
	bool denied;		 /* the socket is there, and not for us */
	bool unmended;		 /* a daemon that was to mend sessions did not start */
	int64_t state_ns;	 /* when the files of sessions were read */
};

/* --- what the daemon says --- */

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct upstream *u = arg;
	struct peer *p = u->control->peers;

	(void)channel;
	u->greeted = true;
	u->again = false;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	/* An ERROR nobody asked for is said before it hangs up. */
	if (!p || f->type == MSG_HELLO || f->type == MSG_PONG)
		return;
	if (f->type == MSG_ERROR && f->id == 0) {
		struct msg_error m;

		if (msg_get_error(f->payload, f->len, &m, NULL) == 0)
			err_set(&u->said, ERR_REFUSED, "%.*s", (int)m.sentence.len,
				m.sentence.p);
		if (u->said.code)
			control_event(u->control, "error", "tapdeckd", "%s", u->said.text);
		return;
	}
	peer_forward(p, f->channel, f);
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	struct upstream *u = arg;
	struct err e;

	channel_close(channel);
	u->channel = NULL;
	/* It was about to end, as nobody was there: another one is asked the same. */
	if (!u->greeted && !u->again && u->control->peers) {
		u->again = true;
		if (upstream_need(u, &e) == 0) {
			route_again(u->control->peers);
			return;
		}
	}
	if (u->said.code)
		e = u->said;
	else
		err_set(&e, ERR_REFUSED,
			"the daemon is gone%s%s; `list` says what is known of its sessions",
			why->code ? ": " : "", why->code ? why->text : "");
	log_warn("%s", e.text);
	if (u->control->peers)
		route_from_upstream(u->control->peers, &e);
	control_changed(u->control);
}

static const struct channel_ops upstream_ops = {on_message, on_gone, NULL};

/* --- connecting --- */

/* Only our own daemon, or root's, is asked: else somebody else's socket could pretend. */
static bool is_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

static int socket_connect(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const size_t len = path ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 && is_trusted(fd))
		return fd;
	close(fd);
	return -1;
}

static void own_tell(struct upstream *u)
{
	struct msg_own m;
	char *memory = NULL;

	if (own_from_environment(&m, &memory) == 0)
		(void)channel_put_own(u->channel, 0, 0, &m); /* -1: `gone` will come */
	free(memory);
}

static void sessions_forget(struct control *c)
{
	while (c->sessions)
		session_free(c->sessions);
}

bool upstream_is_open(const struct upstream *u)
{
	return u->channel != NULL;
}

bool upstream_try(struct upstream *u)
{
	char *own, *root;
	int fd;

	if (u->channel)
		return true;
	own = paths_socket_own(0, NULL);
	fd = socket_connect(own);
	u->denied = fd < 0 && own && access(own, F_OK) == 0 && access(own, R_OK | W_OK) != 0;
	if (fd < 0 && !getenv("TAPDECK_SOCKET")) {
		root = paths_socket_root();
		fd = socket_connect(root);
		free(root);
	}
	free(own);
	if (fd < 0)
		return false;
	u->greeted = false;
	u->said.code = ERR_NONE;
	u->channel = channel_new(u->control->loop, fd, -1, &upstream_ops, u);
	hello_send(u->control, u->channel);
	own_tell(u);
	sessions_forget(u->control);
	if (u->control->peers)
		route_to_upstream(u->control->peers);
	return true;
}

/* Its socket is open when the byte comes; the end of the pipe means that it could not, and its log
 * why. */
static int ready_wait(int fd, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char text[ERR_TEXT_MAX];
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, READY_MS);
	while (r < 0 && errno == EINTR);
	n = r > 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (n > 0 && text[0] == '+')
		return 0;
	if (n > 0)
		return err_set(e, ERR_REFUSED, "the daemon did not start: %.*s", (int)n, text);
	return err_set(e, ERR_REFUSED,
		       "the daemon did not start within %d seconds: try `tapdeckd --daemon` in "
		       "another terminal",
		       READY_MS / 1000);
}

static int daemon_start(struct upstream *u, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd",	   (char *)(uintptr_t) "--daemon",
			(char *)(uintptr_t) "--on-demand", (char *)(uintptr_t) "--ready",
			(char *)(uintptr_t) "3",	   NULL};
	struct spawn s = {.path = "/proc/self/exe", .argv = argv, .nfd = 4, .new_session = true};
	int fd[2], r;
	pid_t pid;

	if (pipe(fd))
		return err_errno(e, ERR_REFUSED, "no pipe");
	(void)fdio_set_cloexec(fd[0]); /* spawn closes all that it was not given */
	s.fd[0] = s.fd[1] = s.fd[2] = -1;
	s.fd[3] = fd[1];
	pid = spawn_start(&s, e);
	close(fd[1]);
	r = pid < 0 ? -1 : ready_wait(fd[0], e);
	close(fd[0]);
	if (pid > 0)
		children_add(u->control->children, pid, NULL, NULL);
	return r;
}

int upstream_need(struct upstream *u, struct err *e)
{
	if (upstream_try(u))
		return 0;
	if (u->denied)
		return err_set(e, ERR_REFUSED,
			       "the daemon's socket does not let you in: ask its owner to put you "
			       "into the "
			       "group that it was started for (tapdeckd -g GROUP)");
	if (daemon_start(u, e) == 0)
		return upstream_try(u) ? 0
				       : err_set(e, ERR_REFUSED,
						 "the daemon that was started does not answer");
	/* Somebody else may have started one at the same moment. */
	for (int i = 0; i < RACE_TRIES; i++) {
		if (upstream_try(u))
			return 0;
		(void)poll(NULL, 0, RACE_MS);
	}
	return -1;
}

/* --- the rest --- */

struct upstream *upstream_new(struct control *c)
{
	struct upstream *u = xcalloc(1, sizeof(*u));

	u->control = c;
	return u;
}

void upstream_free(struct upstream *u)
{
	if (u && u->channel)
		channel_close(u->channel);
	free(u);
}

void upstream_send(struct upstream *u, uint16_t type, uint32_t channel, uint32_t id,
		   const void *payload, size_t len)
{
	if (u->channel)
		(void)channel_send(u->channel, type, channel, id, payload,
				   len); /* -1: `gone` will come */
}

void upstream_forward(struct upstream *u, const struct frame *f)
{
	upstream_send(u, f->type, f->channel, f->id, f->payload, f->len);
}

void upstream_local_sessions(struct control *c)
{
	struct upstream *u = c->upstream;
	const int64_t now_ns = clock_mono_ns();

	if (!u || u->channel || (u->state_ns && now_ns - u->state_ns < STATE_NS))
		return;
	u->state_ns = now_ns;
	sessions_forget(c);
	state_load(c);
	control_changed(c);
}

bool upstream_mend(struct upstream *u)
{
	bool interrupted = false;
	struct err e;

	if (upstream_try(u))
		return true;
	upstream_local_sessions(u->control);
	for (const struct session *s = u->control->sessions; s; s = s->next)
		interrupted = interrupted || s->state == SESSION_INTERRUPTED || s->spec.persist;
	if (!interrupted || u->unmended)
		return false;
	u->unmended = upstream_need(u, &e) != 0;
	if (u->unmended)
		control_event(u->control, "error", "tapdeckd",
			      "sessions were interrupted and cannot be mended: %s", e.text);
	return !u->unmended;
}

void upstream_tick(struct upstream *u)
{
	const struct peer *p = u->control->peers;

	/* Somebody watches sessions here as there was no daemon: there may be one by now. */
	if (p && !u->channel && map_count(p->pending))
		(void)upstream_mend(u);
}
