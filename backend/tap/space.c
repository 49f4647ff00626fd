#include "space.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "linkstate.h"
#include "sandbox.h"

struct space {
	char *name;
	int ns_fd, netlink_fd;
	pthread_t thread;
	bool running;
	/* below: by the lock */
	pthread_mutex_t lock;
	pthread_cond_t news;
	void (*fn)(void *arg); /* to be run; NULL: done */
	void *arg;
	bool begun, ending;
	struct err err; /* of beginning */
};

static int enter(struct space *s, struct err *e)
{
	if (sandbox_raise_all(e))
		return -1;
	if (setns(s->ns_fd, CLONE_NEWNET))
		return err_errno(e, ERR_REFUSED, "%s cannot be entered", s->name);
	s->netlink_fd = linkstate_open(e);
	return s->netlink_fd < 0 ? -1 : sandbox_drop(e);
}

static void *thread_main(void *arg)
{
	struct space *s = arg;
	int rc = enter(s, &s->err);

	pthread_mutex_lock(&s->lock);
	if (rc == 0)
		s->err.code = ERR_NONE;
	s->begun = true;
	pthread_cond_broadcast(&s->news);
	while (!s->ending) {
		if (!s->fn) {
			pthread_cond_wait(&s->news, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		s->fn(s->arg);
		pthread_mutex_lock(&s->lock);
		s->fn = NULL;
		pthread_cond_broadcast(&s->news);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int space_open(struct space **out, const char *name, int ns_fd, struct err *e)
{
	struct space *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	s->ns_fd = ns_fd;
	s->netlink_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	s->running = pthread_create(&s->thread, NULL, thread_main, s) == 0;
	if (!s->running)
		err_set(&s->err, ERR_REFUSED, "no thread for %s", name);
	pthread_mutex_lock(&s->lock);
	while (s->running && !s->begun)
		pthread_cond_wait(&s->news, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (s->err.code) {
		*e = s->err;
		space_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void space_close(struct space *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	if (s->netlink_fd >= 0)
		close(s->netlink_fd);
	close(s->ns_fd);
	pthread_cond_destroy(&s->news);
	pthread_mutex_destroy(&s->lock);
	free(s->name);
	free(s);
}

const char *space_name(const struct space *s)
{
	return s->name;
}

int space_netlink(const struct space *s)
{
	return s->netlink_fd;
}

void space_run(struct space *s, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&s->lock);
	s->fn = fn;
	s->arg = arg;
	pthread_cond_broadcast(&s->news);
	while (s->fn)
		pthread_cond_wait(&s->news, &s->lock);
	pthread_mutex_unlock(&s->lock);
}
