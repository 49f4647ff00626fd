#include "tui/hosts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "link/link.h"

#define RETRY_FIRST_MS 1000u
#define RETRY_MAX_MS 60000u
#define ORPHANS_MAX 64u /* children of closed links that have not ended yet; past it they are left to the end */

struct host {
	struct hosts *hosts;
	struct host *next;
	char *name;
	enum host_state state;
	struct client *client;
	struct client *dead; /* told that it is gone; freed when the loop comes round, never inside its own callback */
	struct err error;
	uv_timer_t timer; /* to free `dead`, then to try again */
	unsigned epoch;
	unsigned retry_ms; /* until the next try; 0: the first */
	int64_t failed_ns; /* monotonic */
	pid_t pid;
};

struct hosts {
	uv_loop_t *loop;
	bool retry;
	const struct hosts_ops *ops;
	void *arg;
	struct host *first;
	uv_signal_t child;
	pid_t orphan[ORPHANS_MAX];
	unsigned norphans;
	unsigned handles; /* not closed yet; the memory goes with the last */
	bool freed;
};

static void host_retire(uv_timer_t *timer);

static void host_say(struct host *h)
{
	if (h->hosts->ops && h->hosts->ops->changed)
		h->hosts->ops->changed(h->hosts->arg, h);
}

static void host_set(struct host *h, enum host_state state)
{
	h->state = state;
	host_say(h);
}

/* The child ends by itself when its descriptor closes; it is reaped when SIGCHLD says so. */
static void host_orphan(struct host *h)
{
	struct hosts *all = h->hosts;

	if (h->pid > 0 && waitpid(h->pid, NULL, WNOHANG) == 0 && all->norphans < ORPHANS_MAX)
		all->orphan[all->norphans++] = h->pid;
	h->pid = 0;
}

static void on_child(uv_signal_t *signal, int signum)
{
	struct hosts *all = signal->data;
	unsigned kept = 0;

	(void)signum;
	for (struct host *h = all->first; h; h = h->next)
		if (h->pid > 0 && waitpid(h->pid, NULL, WNOHANG) != 0)
			h->pid = 0;
	for (unsigned i = 0; i < all->norphans; i++)
		if (waitpid(all->orphan[i], NULL, WNOHANG) == 0)
			all->orphan[kept++] = all->orphan[i];
	all->norphans = kept;
}

struct hosts *hosts_new(uv_loop_t *loop, bool retry, const struct hosts_ops *ops, void *arg)
{
	struct hosts *all = xcalloc(1, sizeof(*all));

	all->loop = loop;
	all->retry = retry;
	all->ops = ops;
	all->arg = arg;
	uv_signal_init(loop, &all->child);
	all->child.data = all;
	uv_signal_start(&all->child, on_child, SIGCHLD);
	uv_unref((uv_handle_t *)&all->child); /* alone it keeps no loop going */
	all->handles = 1;
	hosts_get(all, "local"); /* the first of the list */
	return all;
}

static void on_closed(uv_handle_t *handle)
{
	struct hosts *all = handle->data;

	if (--all->handles > 0)
		return;
	for (struct host *h = all->first, *next; h; h = next) {
		next = h->next;
		free(h->name);
		free(h);
	}
	free(all);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct host *h = handle->data;

	handle->data = h->hosts;
	on_closed(handle);
}

void hosts_free(struct hosts *all)
{
	if (!all)
		return;
	all->freed = true;
	all->ops = NULL;
	for (struct host *h = all->first; h; h = h->next) {
		host_close(h);
		uv_close((uv_handle_t *)&h->timer, on_timer_closed);
	}
	uv_close((uv_handle_t *)&all->child, on_closed);
}

uv_loop_t *hosts_loop(const struct hosts *all)
{
	return all->loop;
}

struct host *hosts_get(struct hosts *all, const char *name)
{
	struct host *h, **tail = &all->first;

	if (!name[0])
		name = "local";
	for (; *tail; tail = &(*tail)->next)
		if (strcmp((*tail)->name, name) == 0)
			return *tail;
	h = xcalloc(1, sizeof(*h));
	h->hosts = all;
	h->name = xstrdup(name);
	uv_timer_init(all->loop, &h->timer);
	h->timer.data = h;
	uv_unref((uv_handle_t *)&h->timer);
	all->handles++;
	*tail = h;
	return h;
}

struct host *hosts_next(struct hosts *all, struct host *before)
{
	return before ? before->next : all->first;
}

static void on_ready(void *arg, struct client *c, const struct msg_hello *hello)
{
	struct host *h = arg;

	(void)c;
	(void)hello;
	h->retry_ms = 0;
	err_clear(&h->error);
	host_set(h, HOST_UP);
}

static void on_event(void *arg, struct client *c, const struct msg_event *event)
{
	struct host *h = arg;

	(void)c;
	if (h->hosts->ops && h->hosts->ops->event)
		h->hosts->ops->event(h->hosts->arg, h, event);
}

/* What never answered is not tried again by itself (a wrong password each minute locks an account); what was up is. */
static void host_failed(struct host *h, bool was_up)
{
	h->failed_ns = clock_mono_ns();
	h->retry_ms = h->retry_ms == 0 ? RETRY_FIRST_MS : h->retry_ms * 2;
	if (h->retry_ms > RETRY_MAX_MS)
		h->retry_ms = RETRY_MAX_MS;
	host_set(h, h->hosts->retry && (was_up || h->epoch > 1) ? HOST_RETRY : HOST_FAILED);
}

static void on_gone(void *arg, struct client *c, const struct err *e)
{
	struct host *h = arg;
	bool was_up = h->state == HOST_UP;

	h->error = *e;
	if (e->code == ERR_NONE)
		err_set(&h->error, ERR_REFUSED, "the link to %s was closed over there", h->name);
	else
		err_wrap(&h->error, "%s", h->name);
	h->client = NULL;
	h->dead = c;
	host_orphan(h);
	uv_timer_start(&h->timer, host_retire, 0, 0);
	host_failed(h, was_up);
}

static const struct client_ops client_ops = {
	.ready = on_ready,
	.event = on_event,
	.gone = on_gone,
};

/* A child keeps ignoring the signals that are ignored when it starts: what is sent to the whole group (ctrl-c, a terminal
 * that closes, timeout(1)) is meant for this program, which then still needs its children to bring things to their end.
 * They end with their descriptor. */
static int link_open_quietly(const char *spec, struct link *l, struct err *e)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before[ARRAY_LEN(signals)];
	int r;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &ignore, &before[i]);
	r = link_open(spec, l, e);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	return r;
}

static int host_open(struct host *h, struct err *e)
{
	struct link link = {.fd = -1};
	char *spec;
	int r;

	if (strcmp(h->name, "local") == 0 || strcmp(h->name, "store") == 0 || strncmp(h->name, "unix:", 5) == 0)
		spec = xstrdup(h->name);
	else
		spec = xasprintf("ssh:%s", h->name);
	r = link_open_quietly(spec, &link, e);
	free(spec);
	if (r)
		return err_wrap(e, "%s", h->name);
	h->pid = link.pid;
	h->epoch++;
	h->client = client_new(h->hosts->loop, link.fd, "tapdeck", &client_ops, h);
	host_set(h, HOST_OPENING);
	return 0;
}

static void host_try(uv_timer_t *timer)
{
	struct host *h = timer->data;

	if (h->client || h->hosts->freed)
		return;
	if (host_open(h, &h->error) == 0)
		return;
	host_failed(h, true);
	uv_timer_start(&h->timer, host_try, h->retry_ms, 0);
}

static void host_retire(uv_timer_t *timer)
{
	struct host *h = timer->data;

	if (h->dead)
		client_free(h->dead);
	h->dead = NULL;
	if (h->state == HOST_RETRY)
		uv_timer_start(timer, host_try, h->retry_ms, 0);
}

/* A pane asks at each drawing: what has just failed is not tried at each of them. */
static bool host_may_try(const struct host *h)
{
	if (h->state == HOST_IDLE)
		return true;
	if (h->state != HOST_FAILED || !h->hosts->retry)
		return false;
	return clock_mono_ns() - h->failed_ns >= (int64_t)h->retry_ms * NS_PER_MS;
}

struct client *host_client(struct host *h, struct err *e)
{
	if (h->client)
		return h->client;
	if (!host_may_try(h)) {
		if (e)
			*e = h->error;
		return NULL;
	}
	if (host_open(h, &h->error) == 0)
		return h->client;
	if (e)
		*e = h->error;
	host_failed(h, false);
	return NULL;
}

void host_close(struct host *h)
{
	if (h->client)
		client_free(h->client);
	if (h->dead)
		client_free(h->dead);
	h->client = h->dead = NULL;
	h->retry_ms = 0;
	uv_timer_stop(&h->timer);
	err_clear(&h->error);
	host_orphan(h);
	if (h->state != HOST_IDLE)
		host_set(h, HOST_IDLE);
}

const char *host_name(const struct host *h)
{
	return h->name;
}

enum host_state host_state(const struct host *h)
{
	return h->state;
}

const struct err *host_error(const struct host *h)
{
	return &h->error;
}

unsigned host_epoch(const struct host *h)
{
	return h->epoch;
}
