#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "notify.h"
#include "session.h"
#include "settings.h"

#define INSTALLED_GROUP "tapdeck" /* may ask root's daemon, where there is such a group */

enum { SIGNALS = 5 };

struct daemon {
	struct control *control;
	const struct daemon_options *options;
	struct listener *listener;
	char *config;	/* the file */
	bool installed; /* root's own, at the usual place */
	uv_signal_t signal[SIGNALS];
};

/* --- the configuration --- */

static int settings_load(const struct daemon *d, struct settings *s, struct err *e)
{
	const struct daemon_options *o = d->options;

	settings_init(s);
	if (settings_read(s, d->config, o->config != NULL, e))
		return -1;
	if (o->group) {
		free(s->group);
		s->group = xstrdup(o->group);
	}
	if (o->log) {
		free(s->log);
		s->log = xstrdup(o->log);
	}
	if (o->captures) {
		free(s->captures);
		s->captures = xstrdup(o->captures);
	}
	return 0;
}

static int group_choose(const struct daemon *d, const struct settings *s, gid_t *group,
			struct err *e)
{
	const struct group *usual = d->installed ? getgrnam(INSTALLED_GROUP) : NULL;

	*group = usual ? usual->gr_gid : (gid_t)-1;
	if (!s->group)
		return 0;
	*group = (gid_t)-1;
	return s->group[0] ? settings_group(s->group, group, e) : 0;
}

/* Standard error becomes the file: children's words go there too. Opened anew each time, as
 * somebody may have renamed it. */
static int log_use(const struct daemon *d, const struct settings *s, struct err *e)
{
	const enum log_level level = d->options->verbose ? LOG_LEVEL_DEBUG
				     : s->log_level >= 0 ? (enum log_level)s->log_level
				     : s->log		 ? LOG_LEVEL_INFO
							 : LOG_LEVEL_WARN;

	if (s->log) {
		const int fd =
			open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
			err_errno(e, ERR_REFUSED, "could not open the log %s", s->log);
		if (fd >= 0)
			close(fd);
		if (fd < 0)
			return -1;
	}
	log_open(STDERR_FILENO, level, "tapdeckd");
	return 0;
}

/* Sessions and what they open have the other half of the descriptors. */
static unsigned clients_allowed(unsigned said)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / 2 >= said)
		return said;
	return (unsigned)(limit.rlim_cur / 2);
}

/* All of it or nothing. */
static int settings_use(struct daemon *d, const struct settings *s, struct err *e)
{
	struct control *c = d->control;
	gid_t group;

	if (group_choose(d, s, &group, e) || log_use(d, s, e) || audit_use(c, s->audit, e))
		return -1;
	c->group = group;
	c->limits = s->limits;
	c->sessions_max = s->sessions;
	c->clients_max = clients_allowed(s->clients);
	c->buffer_max_bytes = s->buffer_bytes;
	free(c->captures);
	c->captures = s->captures ? xstrdup(s->captures) : paths_captures();
	return 0;
}

static int configure(struct daemon *d, struct err *e)
{
	struct settings s;
	int r = settings_load(d, &s, e);

	if (r == 0)
		r = settings_use(d, &s, e);
	settings_release(&s);
	return r;
}

static void reload(struct daemon *d)
{
	struct err e;

	notify_reloading();
	if (configure(d, &e) || (d->listener && listener_group(d->listener, &e)))
		control_event(d->control, "error", "tapdeckd",
			      "the configuration was not taken over: %s", e.text);
	else
		control_event(d->control, "note", "tapdeckd",
			      "the configuration was read again (%s)", d->config);
	notify_tell("READY=1");
}

/* --- signals --- */

static void rotate_all(struct control *c)
{
	const struct msg_tap_rotate m = {0};
	unsigned count = 0;

	for (struct session *s = c->sessions; s; s = s->next) {
		struct segment *g =
			s->state == SESSION_RUNNING && s->recording ? segment_open(s) : NULL;

		if (!g)
			continue;
		if (!g->rotating)
			(void)channel_put_tap_rotate(s->tap, 0, 0, &m); /* -1: `gone` will come */
		g->rotating = true;
		count++;
	}
	log_info("signal: %u recordings begin a new file", count);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *d = handle->data;

	switch (number) {
	case SIGHUP:
		reload(d);
		break;
	case SIGUSR1:
		report_log(d->control);
		break;
	case SIGUSR2:
		rotate_all(d->control);
		break;
	default:
		log_info("signal %d: sessions are drained and closed", number);
		notify_tell("STOPPING=1");
		control_stop(d->control);
	}
}

static void signals_start(struct daemon *d)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

	for (int i = 0; i < SIGNALS; i++) {
		/* the pipe is there since children_new */
		(void)uv_signal_init(d->control->loop, &d->signal[i]);
		d->signal[i].data = d;
		(void)uv_signal_start(&d->signal[i], on_signal, numbers[i]);
	}
}

static void signals_end(struct daemon *d)
{
	for (int i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&d->signal[i], NULL);
}

/* --- the door --- */

static int socket_choose(struct daemon *d, char **path, struct err *e)
{
	const struct daemon_options *o = d->options;

	if (o->socket) {
		*path = xstrdup(o->socket);
	} else if (geteuid() == 0 && !o->on_demand && !getenv("TAPDECK_SOCKET")) {
		*path = paths_socket_root();
		d->installed = true;
		if (mkdir("/run/tapdeck", 0755) && errno != EEXIST)
			return err_errno(e, ERR_REFUSED, "could not make the folder /run/tapdeck");
	} else {
		*path = paths_socket_own(1, e);
	}
	return *path ? 0 : -1;
}

/* *fd -1: the socket is to be made. */
static int door_find(struct daemon *d, char **path, int *fd, struct err *e)
{
	const int given = notify_listener(fd, path, e);
	char *usual;

	if (given < 0)
		return -1;
	if (given == 0)
		return socket_choose(d, path, e);
	usual = paths_socket_root();
	d->installed = geteuid() == 0 && strcmp(*path, usual) == 0;
	free(usual);
	return 0;
}

static void ready_tell(const struct daemon_options *o, const struct err *e)
{
	if (o->ready >= 0) {
		/* who asked may be gone */
		(void)!write(o->ready, e ? e->text : "+", e ? strlen(e->text) : 1);
		close(o->ready);
	}
	if (!e)
		notify_tell("READY=1");
}

static int daemon_open(struct daemon *d, struct err *e)
{
	struct control *c = d->control;
	char *path = NULL;
	int fd = -1, r = -1;

	if (door_find(d, &path, &fd, e) || configure(d, e) ||
	    listener_open(&d->listener, c, path, fd, e))
		goto out;
	free(c->socket);
	c->socket = path;
	path = NULL;
	r = 0;
out:
	free(path);
	return r;
}

static void daemon_serve(struct daemon *d)
{
	struct control *c = d->control;

	state_load(c);
	control_tick(c); /* what was interrupted begins to be mended, where its tap is gone */
	signals_start(d);
	ready_tell(d->options, NULL);
	log_info("listening at %s", c->socket);
	(void)uv_run(c->loop, UV_RUN_DEFAULT);
	notify_tell("STOPPING=1");
	signals_end(d);
	listener_close(d->listener);
}

int daemon_run(struct control *c, const struct daemon_options *o, struct err *e)
{
	struct daemon d = {.control = c, .options = o};
	uv_loop_t *loop = c->loop;
	int r;

	/* Before anybody can be told of us: a terminal that closes ends no session. */
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit for the size of files is told, as EFBIG */
	(void)signal(SIGHUP, SIG_IGN);
	d.config = o->config ? xstrdup(o->config) : paths_daemon_config();
	c->on_demand = o->on_demand;
	if (geteuid() == 0) /* what is done as an owner is not done with root's groups */
		(void)setgroups(0, NULL);
	r = daemon_open(&d, e);
	if (r)
		ready_tell(o, e);
	else
		daemon_serve(&d);
	if (r == 0)
		control_free(c);
	/* Handles close, before the signals leave the stack. */
	if (r == 0)
		(void)uv_run(loop, UV_RUN_DEFAULT);
	free(d.config);
	return r;
}
