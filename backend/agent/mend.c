#include "mend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "session.h"
#include "wire/channel.h"

#define PROC_FD_MAX 32u

struct mend {
	struct mend *next;
	struct mender *mender;
	struct session *session;
	uint32_t number; /* of the segment */
	int fd;		 /* the session's */
	uint64_t size;
	struct channel *channel; /* NULL: waits for its turn */
	pid_t pid;		 /* 0: it has ended */
	int64_t deadline_ns;
};

struct mender {
	uv_loop_t *loop;
	uv_timer_t later; /* starts what waits, from the loop */
	struct children *children;
	struct mend *first; /* the oldest */
	unsigned running;
};

static void on_later(uv_timer_t *timer);

struct mender *mender_new(uv_loop_t *loop, struct children *children)
{
	struct mender *m = xcalloc(1, sizeof(*m));

	m->loop = loop;
	m->children = children;
	(void)uv_timer_init(loop, &m->later); /* always 0 */
	m->later.data = m;
	return m;
}

static void mender_later(struct mender *m)
{
	(void)uv_timer_start(&m->later, on_later, 0, 0); /* fails for a closing timer only */
}

static void mend_remove(struct mend *k)
{
	struct mender *m = k->mender;

	for (struct mend **at = &m->first; *at; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			break;
		}
	if (k->channel) {
		children_forget(m->children, k);
		channel_close(k->channel);
		m->running--;
	}
	free(k);
	mender_later(m);
}

static void mend_end(struct mend *k, const struct repair *r, const struct err *e)
{
	struct session *s = k->session;
	const uint32_t number = k->number;

	mend_remove(k);
	salvage_mended(s, number, r, e);
}

static void mend_fail(struct mend *k, const char *why)
{
	struct err e;

	err_set(&e, ERR_PART, "%s", why);
	mend_end(k, NULL, &e);
}

static uint64_t number_at(struct str bytes, unsigned i)
{
	uint64_t n = 0;

	for (size_t k = 0; k < 8; k++)
		n = n << 8 | (uint8_t)bytes.p[i * 8 + k];
	return n;
}

/* What is said is foreign too: nothing is whole that is not there. */
static int answer_take(const struct mend *k, const struct msg_data *m, struct repair *r)
{
	if (m->bytes.len != MEND_NUMBERS * 8 || m->offset > k->size)
		return -1;
	*r = (struct repair){.bytes = m->offset,
			     .cut_bytes = k->size - m->offset,
			     .packets = number_at(m->bytes, 0),
			     .wire_bytes = number_at(m->bytes, 1),
			     .first_ns = (int64_t)number_at(m->bytes, 2),
			     .last_ns = (int64_t)number_at(m->bytes, 3)};
	return r->packets <= r->bytes ? 0 : -1;
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct mend *k = arg;
	struct msg_error error;
	struct msg_data data;
	struct repair r;
	struct err e;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	if (f->type == MSG_DATA && msg_get_data(f->payload, f->len, &data, &e) == 0 &&
	    answer_take(k, &data, &r) == 0) {
		mend_end(k, &r, NULL);
	} else if (f->type == MSG_ERROR && msg_get_error(f->payload, f->len, &error, &e) == 0) {
		err_set(&e, (enum err_code)error.code, "%.*s", (int)error.sentence.len,
			error.sentence.p);
		mend_end(k, NULL, &e);
	} else {
		mend_fail(k, "the process that looked through it answered with something else");
	}
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	(void)channel;
	(void)why;
	mend_fail(arg, "the process that looked through it died (a limit of time or memory, or a "
		       "fault of its own)");
}

static const struct channel_ops mend_ops = {on_message, on_gone, NULL};

/* The same file, for reading only. */
static int file_again(int fd, struct err *e)
{
	char path[PROC_FD_MAX];
	int again;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		err_errno(e, ERR_REFUSED, "it could not be opened for reading");
	return again;
}

static int child_start(struct mend *k, int file, int fd, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd", (char *)(uintptr_t) "--mend", NULL};
	char *envp[] = {NULL};
	const struct spawn s = {.path = "/proc/self/exe",
				.argv = argv,
				.envp = envp,
				.fd = {-1, -1, 2, fd, file},
				.nfd = 5,
				.no_new_privs = true,
				.die_with_parent = true};

	k->pid = spawn_start(&s, e);
	return k->pid < 0 ? -1 : 0;
}

/* Its number may be another process's from now on; `gone` will come. */
static void on_exit_of_child(void *arg, pid_t pid, int status)
{
	struct mend *k = arg;

	(void)pid;
	(void)status;
	k->pid = 0;
}

static int mend_run(struct mend *k, struct err *e)
{
	struct mender *m = k->mender;
	const int file = file_again(k->fd, e);
	struct stat st;
	int fd[2], r;

	if (file < 0)
		return -1;
	if (fstat(file, &st) || fdio_socketpair(fd, e)) {
		close(file);
		return err_errno(e, ERR_REFUSED, "it could not be handed over");
	}
	k->size = (uint64_t)st.st_size;
	r = child_start(k, file, fd[1], e);
	close(file);
	close(fd[1]);
	if (r || fdio_set_nonblock(fd[0])) {
		close(fd[0]);
		return -1;
	}
	children_add(m->children, k->pid, on_exit_of_child, k);
	k->channel = channel_new(m->loop, fd[0], -1, &mend_ops, k);
	k->deadline_ns =
		clock_mono_ns() + (int64_t)(MEND_TIMEOUT_S + k->size / MEND_BYTES_PER_S) * NS_PER_S;
	m->running++;
	return 0;
}

static void on_later(uv_timer_t *timer)
{
	struct mender *m = timer->data;
	struct mend *k = m->first;
	struct err e;

	while (k && k->channel)
		k = k->next;
	if (!k || m->running >= MEND_AT_ONCE)
		return;
	mender_later(m); /* others may wait */
	if (mend_run(k, &e))
		mend_end(k, NULL, &e);
}

void mend_start(struct mender *m, struct session *s, uint32_t number, int fd)
{
	struct mend *k = xcalloc(1, sizeof(*k)), **at = &m->first;

	*k = (struct mend){.mender = m, .session = s, .number = number, .fd = fd};
	while (*at)
		at = &(*at)->next;
	*at = k;
	mender_later(m);
}

static void mend_kill(struct mend *k)
{
	if (k->pid > 0)
		(void)kill(k->pid, SIGKILL);
}

void mend_forget(struct mender *m, const struct session *s)
{
	for (struct mend *k = m->first, *next; k; k = next) {
		next = k->next;
		if (k->session != s)
			continue;
		mend_kill(k);
		mend_remove(k);
	}
}

void mender_tick(struct mender *m, int64_t now_ns)
{
	for (struct mend *k = m->first; k; k = k->next) {
		if (!k->channel || now_ns < k->deadline_ns)
			continue;
		mend_kill(k);
		mend_fail(k, "to look through it took too long");
		return; /* the list may have changed; the others next time */
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void mender_free(struct mender *m)
{
	if (!m)
		return;
	for (struct mend *k = m->first, *next; k; k = next) {
		next = k->next;
		mend_kill(k);
		mend_remove(k);
	}
	uv_close((uv_handle_t *)&m->later, on_closed);
}
