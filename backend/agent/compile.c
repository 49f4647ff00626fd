#include "compile.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "wire/channel.h"

struct compile {
	struct compile *next;
	struct compiler *compiler;
	struct channel *channel; /* NULL: waits for its turn */
	pid_t pid;
	int64_t deadline_ns;
	uint32_t link_type, snaplen;
	char *text;
	bool live;
	compile_fn fn; /* NULL: forgotten */
	void *arg;
};

struct compiler {
	uv_loop_t *loop;
	uv_timer_t later; /* starts what waits, from the loop */
	struct children *children;
	struct compile *first;
	unsigned running, count;
};

static void on_later(uv_timer_t *timer);

struct compiler *compiler_new(uv_loop_t *loop, struct children *children)
{
	struct compiler *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->children = children;
	(void)uv_timer_init(loop, &c->later); /* always 0 */
	c->later.data = c;
	return c;
}

static void compiler_later(struct compiler *c)
{
	(void)uv_timer_start(&c->later, on_later, 0, 0); /* fails for a closing timer only */
}

static void compile_remove(struct compile *k)
{
	struct compiler *c = k->compiler;

	for (struct compile **at = &c->first; *at; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			break;
		}
	if (k->channel) {
		channel_close(k->channel);
		c->running--;
	}
	c->count--;
	free(k->text);
	free(k);
	compiler_later(c);
}

/* Answers, and is no more. */
static void compile_end(struct compile *k, struct str program, const struct err *e)
{
	const compile_fn fn = k->fn;
	void *arg = k->arg;

	k->fn = NULL;
	if (fn)
		fn(arg, program, e);
	compile_remove(k);
}

static void compile_fail(struct compile *k, const char *why)
{
	struct err e;

	err_set(&e, ERR_REFUSED, "the filter \"%.200s\" could not be compiled: %s", k->text, why);
	compile_end(k, (struct str){0}, &e);
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct compile *k = arg;
	struct msg_program program;
	struct msg_error error;
	struct err e;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	if (f->type == MSG_PROGRAM && msg_get_program(f->payload, f->len, &program, &e) == 0) {
		compile_end(k, program.program, NULL);
	} else if (f->type == MSG_ERROR && msg_get_error(f->payload, f->len, &error, &e) == 0) {
		err_set(&e, (enum err_code)error.code, "%.*s", (int)error.sentence.len,
			error.sentence.p);
		e.at = (int)error.at;
		compile_end(k, (struct str){0}, &e);
	} else {
		compile_fail(k, "its compiler answered with something else");
	}
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	(void)channel;
	(void)why;
	compile_fail(arg, "its compiler died (a limit of time or memory, or a fault of its own)");
}

static const struct channel_ops compile_ops = {on_message, on_gone, NULL};

static int compile_spawn(struct compile *k, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd", (char *)(uintptr_t) "--compile", NULL};
	char *envp[] = {NULL};
	struct spawn s = {.path = "/proc/self/exe",
			  .argv = argv,
			  .envp = envp,
			  .nfd = 4,
			  .no_new_privs = true,
			  .die_with_parent = true};
	int fd[2];

	if (fdio_socketpair(fd, e))
		return -1;
	s.fd[0] = s.fd[1] = s.fd[2] = -1;
	s.fd[3] = fd[1];
	k->pid = spawn_start(&s, e);
	close(fd[1]);
	if (k->pid < 0 || fdio_set_nonblock(fd[0])) {
		close(fd[0]);
		return -1;
	}
	children_add(k->compiler->children, k->pid, NULL, NULL);
	k->channel = channel_new(k->compiler->loop, fd[0], -1, &compile_ops, k);
	k->compiler->running++;
	k->deadline_ns = clock_mono_ns() + COMPILE_TIMEOUT_NS;
	return 0;
}

static void compile_run(struct compile *k)
{
	const struct msg_compile m = {
		.link_type = k->link_type, .snaplen = k->snaplen, .text = str_of(k->text)};
	struct err e;

	if (compile_spawn(k, &e))
		compile_end(k, (struct str){0}, &e);
	else
		(void)channel_put_compile(k->channel, k->live, 0, &m); /* -1: on_gone comes */
}

static void on_later(uv_timer_t *timer)
{
	struct compiler *c = timer->data;
	struct compile *oldest = NULL;

	if (c->running >= COMPILE_AT_ONCE)
		return;
	for (struct compile *k = c->first; k; k = k->next)
		if (!k->channel)
			oldest = k; /* new ones are put in front */
	if (!oldest)
		return;
	compiler_later(c); /* others may wait */
	if (!oldest->fn)
		compile_remove(oldest);
	else if (c->count > COMPILE_WAITING_MAX)
		compile_fail(oldest, "too many filters wait to be compiled");
	else
		compile_run(oldest);
}

void compile_start(struct compiler *c, uint32_t link_type, uint32_t snaplen, struct str text,
		   bool live, compile_fn fn, void *arg)
{
	struct compile *k = xcalloc(1, sizeof(*k));

	*k = (struct compile){.next = c->first,
			      .compiler = c,
			      .link_type = link_type,
			      .snaplen = snaplen,
			      .text = xstrndup(text.p ? text.p : "", text.len),
			      .live = live,
			      .fn = fn,
			      .arg = arg};
	c->first = k;
	c->count++;
	compiler_later(c);
}

void compile_forget(struct compiler *c, void *arg)
{
	for (struct compile *k = c->first; k; k = k->next)
		if (k->arg == arg)
			k->fn = NULL;
}

void compiler_tick(struct compiler *c, int64_t now_ns)
{
	for (struct compile *k = c->first, *next; k; k = next) {
		next = k->next;
		if (!k->channel || now_ns < k->deadline_ns)
			continue;
		(void)kill(k->pid, SIGKILL); /* not reaped yet: it is still ours */
		compile_fail(k, "it took longer than 3 seconds (a name in it that DNS does not "
				"know?): use addresses and numbers");
		return; /* the list may have changed; the others next time */
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void compiler_free(struct compiler *c)
{
	if (!c)
		return;
	for (struct compile *k = c->first, *next; k; k = next) {
		next = k->next;
		compile_remove(k);
	}
	uv_close((uv_handle_t *)&c->later, on_closed);
}
