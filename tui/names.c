#include "names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"

#define PORTS 65536u
#define NAME_BYTES 256u

enum { SERVICE_TCP, SERVICE_UDP, SERVICES };

struct name {
	struct addr addr;
	struct name *next; /* that is to be asked for */
	char *text;	   /* NULL: it has none, or not yet */
	bool done;
};

/* Shared with the threads that ask. One that still waits for an answer keeps it: then names_free leaves it to them. */
struct names {
	pthread_mutex_t lock;
	pthread_cond_t work, answered;
	struct map *known;
	struct name *first, **last; /* to be asked for */
	unsigned threads, idle, waiting; /* waiting: names without an answer */
	bool closed;
	int64_t left_ns; /* that may still be waited */
	char **service[SERVICES]; /* by port; "" where there is none, NULL not looked up */
};

static void names_release(struct names *n)
{
	const void *key;
	void *value;
	size_t iter = 0, len;

	while (map_next(n->known, &iter, &key, &len, &value)) {
		free(((struct name *)value)->text);
		free(value);
	}
	map_free(n->known);
	for (unsigned i = 0; i < SERVICES; i++) {
		for (unsigned port = 0; n->service[i] && port < PORTS; port++)
			free(n->service[i][port]);
		free(n->service[i]);
	}
	(void)pthread_cond_destroy(&n->work);
	(void)pthread_cond_destroy(&n->answered);
	(void)pthread_mutex_destroy(&n->lock);
	free(n);
}

/* --- asking --- */

static char *ask(const struct addr *a)
{
	struct sockaddr_in ip4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
	char text[NAME_BYTES];
	int r;

	if (a->family == ADDR_IP4) {
		memcpy(&ip4.sin_addr, a->bytes, sizeof(ip4.sin_addr));
		r = getnameinfo((struct sockaddr *)&ip4, sizeof(ip4), text, sizeof(text), NULL, 0, NI_NAMEREQD);
	} else {
		memcpy(&ip6.sin6_addr, a->bytes, sizeof(ip6.sin6_addr));
		r = getnameinfo((struct sockaddr *)&ip6, sizeof(ip6), text, sizeof(text), NULL, 0, NI_NAMEREQD);
	}
	return r == 0 ? xstrdup(text) : NULL;
}

static void *asker(void *arg)
{
	struct names *n = arg;
	bool last;

	(void)pthread_mutex_lock(&n->lock);
	while (!n->closed) {
		struct name *next = n->first;

		if (!next) {
			n->idle++;
			(void)pthread_cond_wait(&n->work, &n->lock);
			n->idle--;
			continue;
		}
		n->first = next->next;
		if (!n->first)
			n->last = &n->first;
		(void)pthread_mutex_unlock(&n->lock);
		char *text = ask(&next->addr);

		(void)pthread_mutex_lock(&n->lock);
		next->text = text;
		next->done = true;
		n->waiting--;
		(void)pthread_cond_signal(&n->answered);
	}
	last = --n->threads == 0;
	(void)pthread_mutex_unlock(&n->lock);
	if (last)
		names_release(n);
	return NULL;
}

static void asker_start(struct names *n)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (n->idle > 0 || n->threads == NAMES_THREADS || pthread_attr_init(&attributes) != 0)
		return;
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, asker, n) == 0)
		n->threads++;
	(void)pthread_attr_destroy(&attributes);
}

/* The lock is held. */
static void name_want(struct names *n, const struct addr *a)
{
	struct name *name = map_get(n->known, a, sizeof(*a));

	if (name || map_count(n->known) >= NAMES_MAX)
		return;
	name = xcalloc(1, sizeof(*name));
	name->addr = *a;
	if (map_put(n->known, a, sizeof(*a), name) < 0) {
		free(name);
		return;
	}
	*n->last = name;
	n->last = &name->next;
	n->waiting++;
	asker_start(n);
	(void)pthread_cond_signal(&n->work);
}

static bool is_ip(const struct value *v)
{
	return v->type == VALUE_ADDR && (v->a.family == ADDR_IP4 || v->a.family == ADDR_IP6);
}

/* Until all have been answered, or the time is over. The lock is held. */
static void names_wait(struct names *n)
{
	const int64_t most = (int64_t)NAMES_WAIT_MS * NS_PER_MS, began = clock_mono_ns();
	const int64_t end = began + (n->left_ns < most ? n->left_ns : most);
	const struct timespec until = {.tv_sec = end / NS_PER_S, .tv_nsec = end % NS_PER_S};

	while (n->threads > 0 && n->waiting > 0 && clock_mono_ns() < end)
		(void)pthread_cond_clockwait(&n->answered, &n->lock, CLOCK_MONOTONIC, &until);
	n->left_ns -= clock_mono_ns() - began;
	if (n->left_ns < 0)
		n->left_ns = 0;
}

/* --- ports --- */

static const char *service_name(struct names *n, unsigned which, int64_t port)
{
	if (port < 0 || port >= (int64_t)PORTS)
		return "";
	if (!n->service[which])
		n->service[which] = xcalloc(PORTS, sizeof(*n->service[which]));
	char **text = &n->service[which][port];

	if (!*text) {
		const struct servent *s = getservbyport(htons((uint16_t)port), which == SERVICE_UDP ? "udp" : "tcp");

		*text = xstrdup(s ? s->s_name : "");
	}
	return *text;
}

/* Of a row whose protocol is not told both lists may know the port. */
static const char *port_name(struct names *n, const struct window *w, uint32_t row, int64_t port)
{
	const struct value proto = window_cell(w, row, window_column(w, "proto"));
	const bool udp = proto.type == VALUE_TEXT && str_is(proto.s, "udp");
	const char *name = service_name(n, udp ? SERVICE_UDP : SERVICE_TCP, port);

	if (!name[0] && proto.type != VALUE_TEXT)
		name = service_name(n, SERVICE_UDP, port);
	return name;
}

/* --- windows --- */

static void names_put(struct names *n, const struct window *w, uint32_t row, unsigned column)
{
	struct value *v = &w->cells[(size_t)row * w->ncolumns + column];

	if (w->columns[column].kind == KIND_PORT && v->type == VALUE_INT) {
		const char *name = port_name(n, w, row, v->i);

		if (name[0])
			*v = value_text(name);
		return;
	}
	if (!is_ip(v))
		return;
	const struct name *name = map_get(n->known, &v->a, sizeof(v->a));

	if (name && name->done && name->text)
		*v = value_text(name->text);
}

void names_window(struct names *n, struct window *w)
{
	const size_t cells = (size_t)w->rows * w->ncolumns;

	(void)pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < cells; i++)
		if (is_ip(&w->cells[i]))
			name_want(n, &w->cells[i].a);
	names_wait(n);
	for (uint32_t row = 0; row < w->rows; row++)
		for (unsigned column = 0; column < w->ncolumns; column++)
			names_put(n, w, row, column);
	(void)pthread_mutex_unlock(&n->lock);
}

struct names *names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	(void)pthread_mutex_init(&n->lock, NULL);
	(void)pthread_cond_init(&n->work, NULL);
	(void)pthread_cond_init(&n->answered, NULL);
	n->known = map_new(NAMES_MAX);
	n->last = &n->first;
	n->left_ns = (int64_t)NAMES_WAIT_ALL_MS * NS_PER_MS;
	return n;
}

void names_free(struct names *n)
{
	bool alone;

	if (!n)
		return;
	(void)pthread_mutex_lock(&n->lock);
	n->closed = true;
	alone = n->threads == 0;
	(void)pthread_cond_broadcast(&n->work);
	(void)pthread_mutex_unlock(&n->lock);
	if (alone)
		names_release(n);
}
