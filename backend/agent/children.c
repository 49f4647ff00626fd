#include "children.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/xalloc.h"

struct child {
	struct child *next;
	pid_t pid;
	child_fn fn;
	void *arg;
};

struct children {
	uv_signal_t signal;
	struct child *first;
};

/* The first that has ended, taken off the list. A callback may add and forget others, so each look
 * is a fresh one. */
static struct child *child_ended(struct children *c, int *status)
{
	for (struct child **at = &c->first; *at; at = &(*at)->next) {
		struct child *child = *at;

		if (waitpid(child->pid, status, WNOHANG) == 0)
			continue;
		*at = child->next;
		return child;
	}
	return NULL;
}

static void children_reap(struct children *c)
{
	struct child *child;
	int status = 0;

	while ((child = child_ended(c, &status)) != NULL) {
		if (child->fn)
			child->fn(child->arg, child->pid, status);
		free(child);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	children_reap(handle->data);
}

struct children *children_new(uv_loop_t *loop)
{
	struct children *c = xcalloc(1, sizeof(*c));

	(void)uv_signal_init(
		loop,
		&c->signal); /* the first of a loop takes a pipe; without it nothing is told */
	c->signal.data = c;
	(void)uv_signal_start(&c->signal, on_signal, SIGCHLD);
	uv_unref((uv_handle_t *)&c->signal);
	return c;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void children_free(struct children *c)
{
	if (!c)
		return;
	while (c->first) {
		struct child *child = c->first;

		c->first = child->next;
		free(child);
	}
	uv_close((uv_handle_t *)&c->signal, on_closed);
}

void children_add(struct children *c, pid_t pid, child_fn fn, void *arg)
{
	struct child *child = xcalloc(1, sizeof(*child));

	*child = (struct child){.next = c->first, .pid = pid, .fn = fn, .arg = arg};
	c->first = child;
}

void children_forget(struct children *c, void *arg)
{
	for (struct child *child = c->first; child; child = child->next)
		if (child->arg == arg)
			child->fn = NULL;
}
