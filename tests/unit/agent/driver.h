/* Talks to a real tapdeckd as a client would, one thing after another: for tests of the whole
 * daemon. */
#ifndef TESTS_AGENT_DRIVER_H
#define TESTS_AGENT_DRIVER_H

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <dirent.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "table/row.h"
#include "wire/client.h"

#define DRIVER_TIMEOUT_NS (30 * NS_PER_S)

struct driver {
	uv_loop_t loop;
	struct client *client;
	struct err err; /* of the last answer; code ERR_NONE: done */
	bool answered, gone;
	struct window window;
	struct buf stream;
	char *events; /* sentences, one a line */
};

static inline void driver_answer(void *arg, struct request *r, const struct answer *a)
{
	struct driver *d = arg;
	struct err e;

	(void)r;
	if (a->error)
		d->err = *a->error;
	if (a->window && window_read(&d->window, a->window, &e))
		d->err = e;
	if (a->data)
		(void)buf_add(&d->stream, a->data->bytes.p, a->data->bytes.len);
	d->answered = d->answered || a->last;
}

static inline void driver_ready(void *arg, struct client *c, const struct msg_hello *hello)
{
	(void)arg, (void)c, (void)hello;
}

static inline void driver_event(void *arg, struct client *c, const struct msg_event *event)
{
	struct driver *d = arg;
	char *before = d->events;

	(void)c;
	d->events = xasprintf("%s%.*s\n", before ? before : "", (int)event->sentence.len,
			      event->sentence.p);
	free(before);
}

static inline void driver_gone(void *arg, struct client *c, const struct err *e)
{
	struct driver *d = arg;

	(void)c, (void)e;
	d->gone = true;
}

static const struct client_ops driver_ops = {driver_ready, driver_event, driver_gone};

static inline void driver_tick(uv_timer_t *t)
{
	(void)t; /* only so that the loop comes round */
}

/* Runs until there is the last answer. */
static inline void driver_wait(struct driver *d)
{
	const int64_t end_ns = clock_mono_ns() + DRIVER_TIMEOUT_NS;
	uv_timer_t timer;

	(void)uv_timer_init(&d->loop, &timer);
	(void)uv_timer_start(&timer, driver_tick, 20, 20);
	while (!d->answered && clock_mono_ns() < end_ns)
		(void)uv_run(&d->loop, UV_RUN_ONCE);
	if (!d->answered)
		err_set(&d->err, ERR_PART, "no answer in 30 seconds");
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&d->loop, UV_RUN_NOWAIT);
}

static inline void driver_begin(struct driver *d)
{
	d->answered = false;
	err_clear(&d->err);
	d->err.code = ERR_NONE;
	buf_clear(&d->stream);
}

static inline int driver_socket(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline void driver_use(struct driver *d, int fd)
{
	*d = (struct driver){0};
	(void)uv_loop_init(&d->loop);
	buf_init(&d->stream, 64u << 20);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	d->client = client_new(&d->loop, fd, "test", &driver_ops, d);
}

static inline void driver_free(struct driver *d)
{
	client_free(d->client);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&d->loop);
	window_release(&d->window);
	buf_release(&d->stream);
	free(d->events);
}

/* The code of the answer; the sentence is in d->err. Words are divided by single blanks here, '_'
 * stands for one inside. */
static inline int driver_command(struct driver *d, const char *line)
{
	char *text = xstrdup(line), *save = NULL;
	const char *word[64];
	size_t count = 0;

	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		for (char *p = w; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		word[count++] = w;
	}
	driver_begin(d);
	(void)client_command(d->client, 0, word, count, driver_answer, d);
	driver_wait(d);
	free(text);
	return (int)d->err.code;
}

static inline int driver_query(struct driver *d, uint32_t channel, const char *table,
			       const char *word)
{
	struct msg_query q = {.table = str_of(table), .count = 10000};

	if (word) {
		q.words.count = 1;
		q.words.at[0] = str_of(word);
	}
	driver_begin(d);
	(void)client_query(d->client, channel, &q, driver_answer, d);
	driver_wait(d);
	return (int)d->err.code;
}

static inline uint32_t driver_open(struct driver *d, const char *target)
{
	uint32_t channel;

	driver_begin(d);
	channel = client_open(d->client, target, driver_answer, d);
	driver_wait(d);
	return channel;
}

static inline int driver_stream(struct driver *d, uint32_t channel, const char *a, const char *b,
				const char *c)
{
	const char *word[] = {a, b, c};

	driver_begin(d);
	(void)client_stream(d->client, channel, word, c ? 3 : b ? 2 : 1, 0, driver_answer, d);
	driver_wait(d);
	return (int)d->err.code;
}

/* The cell of the row whose `key` column is `name` (row 0 where key is NULL) as text, in a place of
 * its own. */
static inline const char *driver_cell(struct driver *d, const char *key, const char *name,
				      const char *column)
{
	static char text[4096];
	const int c = window_column(&d->window, column),
		  k = key ? window_column(&d->window, key) : -1;
	struct buf b;

	text[0] = 0;
	for (uint32_t i = 0; c >= 0 && i < d->window.rows; i++) {
		struct value v = window_cell(&d->window, i, k);

		if (k >= 0 && !(v.type == VALUE_TEXT && str_is(v.s, name)))
			continue;
		v = window_cell(&d->window, i, c);
		buf_init(&b, sizeof(text));
		value_print_raw(&b, d->window.columns[c].kind, &v);
		(void)snprintf(text, sizeof(text), "%s", buf_str(&b));
		buf_release(&b);
		break;
	}
	return text;
}

/* --- the daemon, in a network of its own --- */

struct site {
	char folder[64], socket[96], program[PATH_MAX], captures[96];
	const char *group; /* who may ask besides root; NULL nobody */
	pid_t daemon;
};

#define SITE_FOLDER "/tmp/tapdeck-test-"

static inline void folder_remove(const char *path)
{
	const pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

/* Folders of tests that were killed: the process of their number is no more. */
static inline void leftovers_remove(void)
{
	glob_t found;

	if (glob(SITE_FOLDER "[0-9]*-*", GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		const long pid = strtol(path + sizeof(SITE_FOLDER) - 1, NULL, 10);
		struct stat st;

		if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH && lstat(path, &st) == 0 &&
		    S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			folder_remove(path);
	}
	globfree(&found);
}

/* false: may not, or the program is not built; says so in one line. */
static inline bool site_make(struct site *s)
{
	char path[PATH_MAX];
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *at;
	int fd;

	*s = (struct site){0};
	path[n > 0 ? n : 0] = 0;
	at = strstr(path, "/tests/unit/");
	if (at)
		(void)snprintf(s->program, sizeof(s->program), "%.*s/bin/tapdeckd",
			       (int)(at - path), path);
	if (getenv("TAPDECKD"))
		(void)snprintf(s->program, sizeof(s->program), "%s", getenv("TAPDECKD"));
	if (access(s->program, X_OK)) {
		printf("# skipped: %s is not built\n", s->program);
		return false;
	}
	if (unshare(CLONE_NEWNET)) {
		printf("# skipped: no network namespace of our own (needs root)\n");
		return false;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)ioctl(fd, SIOCSIFFLAGS, &up);
	close(fd);
	leftovers_remove();
	(void)snprintf(s->folder, sizeof(s->folder), SITE_FOLDER "%ld-XXXXXX", (long)getpid());
	if (!mkdtemp(s->folder))
		return false;
	(void)chmod(s->folder, 0755);
	(void)snprintf(s->socket, sizeof(s->socket), "%s/socket", s->folder);
	(void)snprintf(s->captures, sizeof(s->captures), "%s/tapdeck/captures", s->folder);
	(void)setenv("XDG_STATE_HOME", s->folder, 1);
	(void)setenv("XDG_DATA_HOME", s->folder, 1);
	(void)setenv("TAPDECK_SOCKET", s->socket, 1);
	(void)unsetenv("SSH_CONNECTION");
	return true;
}

static inline void site_start(struct site *s)
{
	int fd = -1;

	s->daemon = fork();
	if (s->daemon == 0) {
		char log[PATH_MAX];

		(void)snprintf(log, sizeof(log), "%s/log", s->folder);
		execl(s->program, "tapdeckd", "--daemon", "--log", log, "--verbose",
		      s->group ? "--group" : (char *)NULL, s->group, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && fd < 0; i++) {
		fd = driver_socket(s->socket);
		if (fd < 0)
			nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	if (fd >= 0)
		close(fd);
}

/* The exit status as waitpid gives it. */
static inline int site_end(struct site *s, int number)
{
	int status = -1;

	if (s->daemon > 0) {
		(void)kill(s->daemon, number);
		(void)waitpid(s->daemon, &status, 0);
	}
	s->daemon = 0;
	return status;
}

static inline void site_remove(struct site *s)
{
	(void)site_end(s, SIGTERM);
	folder_remove(s->folder);
}

/* Datagrams to a port that nobody has, on loopback. */
static inline void site_traffic(unsigned packets, uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (unsigned i = 0; i < packets; i++)
		(void)sendto(fd, "0123456789abcdef", 16, MSG_DONTWAIT, (const struct sockaddr *)&to,
			     sizeof(to));
	close(fd);
}

/* What a program prints. */
static inline char *site_output(const char *const *argv)
{
	char *text = xcalloc(1, 1 << 16);
	size_t len = 0;
	ssize_t n;
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		return text;
	pid = fork();
	if (pid == 0) {
		(void)dup2(fd[1], 1);
		(void)dup2(fd[1], 2);
		close(fd[0]);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fd[1]);
	while (len < (1 << 16) - 1 && (n = read(fd[0], text + len, (1 << 16) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd[0]);
	(void)waitpid(pid, NULL, 0);
	return text;
}

#endif
