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
	char **text;
	unsigned count, answered; /* texts */
	bool live, forgotten;
	compile_fn fn; /* of one text */
	compile_many_fn many;
	unsigned first; /* of the many */
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
	for (unsigned i = 0; i < k->count; i++)
		free(k->text[i]);
	free(k->text);
	free(k);
	compiler_later(c);
}

/* The answer for the next text. The callback may forget this one. */
static void compile_answer(struct compile *k, struct str program, const struct err *e)
{
	const unsigned index = k->first + k->answered++;

	if (k->forgotten)
		return;
	if (k->many)
		k->many(k->arg, index, program, e);
	else
		k->fn(k->arg, program, e);
}

/* None of the texts that are left is compiled. */
static void compile_end(struct compile *k, const struct err *e)
{
	while (k->answered < k->count)
		compile_answer(k, (struct str){0}, e);
	compile_remove(k);
}

static void compile_fail(struct compile *k, const char *why)
{
	struct err e;

	err_set(&e, ERR_REFUSED, "the filter \"%.200s\" could not be compiled: %s",
		k->text[k->answered], why);
	compile_end(k, &e);
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
		compile_answer(k, program.program, NULL);
	} else if (f->type == MSG_ERROR && msg_get_error(f->payload, f->len, &error, &e) == 0) {
		err_set(&e, (enum err_code)error.code, "%.*s", (int)error.sentence.len,
			error.sentence.p);
		e.at = (int)error.at;
		compile_answer(k, (struct str){0}, &e);
	} else {
		compile_fail(k, "its compiler answered with something else");
		return;
	}
	k->deadline_ns = clock_mono_ns() + COMPILE_TIMEOUT_NS;
	if (k->answered == k->count)
		compile_remove(k);
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
	struct msg_compile m = {.link_type = k->link_type, .snaplen = k->snaplen};
	struct err e;

	if (compile_spawn(k, &e)) {
		compile_end(k, &e);
		return;
	}
	for (unsigned i = 0; i < k->count; i++) {
		m.text = str_of(k->text[i]);
		if (channel_put_compile(k->channel, k->live, k->count - 1 - i, &m))
			return; /* on_gone comes */
	}
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
	if (oldest->forgotten)
		compile_remove(oldest);
	else if (c->count > COMPILE_WAITING_MAX)
		compile_fail(oldest, "too many filters wait to be compiled");
	else
		compile_run(oldest);
}

/* The caller adds the texts. */
static struct compile *compile_add(struct compiler *c, uint32_t link_type, uint32_t snaplen,
				   unsigned count)
{
	struct compile *k = xcalloc(1, sizeof(*k));

	*k = (struct compile){.next = c->first,
			      .compiler = c,
			      .link_type = link_type,
			      .snaplen = snaplen,
			      .text = xcalloc(count, sizeof(char *)),
			      .count = count};
	c->first = k;
	c->count++;
	compiler_later(c);
	return k;
}

void compile_start(struct compiler *c, uint32_t link_type, uint32_t snaplen, struct str text,
		   bool live, compile_fn fn, void *arg)
{
	struct compile *k = compile_add(c, link_type, snaplen, 1);

	k->text[0] = xstrndup(text.p ? text.p : "", text.len);
	k->live = live;
	k->fn = fn;
	k->arg = arg;
}

void compile_start_many(struct compiler *c, uint32_t link_type, uint32_t snaplen,
			const char *const *text, unsigned count, compile_many_fn fn, void *arg)
{
	for (unsigned first = 0; first < count; first += COMPILE_TEXTS) {
		const unsigned left = count - first,
			       now = left < COMPILE_TEXTS ? left : COMPILE_TEXTS;
		struct compile *k = compile_add(c, link_type, snaplen, now);

		for (unsigned i = 0; i < now; i++)
			k->text[i] = xstrdup(text[first + i]);
		k->many = fn;
		k->first = first;
		k->arg = arg;
	}
}

void compile_forget(struct compiler *c, void *arg)
{
	for (struct compile *k = c->first; k; k = k->next)
		if (k->arg == arg)
			k->forgotten = true;
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
