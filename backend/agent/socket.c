#include "socket.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "netns.h"
#include "reader_child.h"
#include "session.h"

#define ROUND_NS (NS_PER_S - 50 * NS_PER_MS) /* the tick is not exact */
#define ROUND_MAX_NS (30 * NS_PER_S)
#define OWN_ADDRESSES_MAX 64u
#define TELL_AT_ONCE 512u /* sockets in a slice */

enum tell_op { TELL_ROUND, TELL_HERE, TELL_GONE, TELL_NONE }; /* as READ_SOCKET has them */
enum phase { PHASE_REST, PHASE_ASK, PHASE_FIND, PHASE_TELL };

/* What a session's reader has been told. */
struct sockets {
	struct reader_child *reader; /* another one knows nothing; only compared */
	pid_t pid;
	uint32_t told; /* the round up to which it knows */
	uint32_t gone; /* of this round */
	uint32_t next; /* in the list */
	bool done;
};

struct socket_watch {
	struct control *control;
	int fd;
	uv_poll_t *poll; /* freed when the loop has closed it */
	uv_timer_t step;
	enum phase phase;
	unsigned question;
	int64_t begun_ns;
	bool refused;
	struct socket_list list;
	struct socket_finder *finder;
	struct socket_users *users;
	struct addr own[OWN_ADDRESSES_MAX];
	unsigned nown;
};

static void on_step(uv_timer_t *timer);

struct socket_watch *socket_watch_new(struct control *c)
{
	struct socket_watch *w = xcalloc(1, sizeof(*w));

	w->control = c;
	w->fd = -1;
	w->finder = socket_finder_new();
	w->users = socket_users_new();
	socket_list_init(&w->list);
	(void)uv_timer_init(c->loop, &w->step); /* always 0 */
	w->step.data = w;
	return w;
}

static void on_poll_closed(uv_handle_t *h)
{
	free(h);
}

static void on_step_closed(uv_handle_t *h)
{
	free(h->data);
}

static void ask_close(struct socket_watch *w)
{
	if (w->poll)
		uv_close((uv_handle_t *)w->poll, on_poll_closed);
	w->poll = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void socket_watch_free(struct socket_watch *w)
{
	if (!w)
		return;
	ask_close(w);
	socket_finder_free(w->finder);
	socket_users_free(w->users);
	socket_list_release(&w->list);
	uv_close((uv_handle_t *)&w->step, on_step_closed);
}

/* --- who wants to know --- */

static bool wants(const struct session *s)
{
	if (s->state != SESSION_RUNNING || !s->reader || !s->reader->channel)
		return false;
	for (unsigned i = 0; i < s->ndevices; i++)
		if (!netns_is(s->device[i].name))
			return true;
	return false;
}

static bool anybody_wants(const struct control *c)
{
	for (const struct session *s = c->sessions; s; s = s->next)
		if (wants(s))
			return true;
	return false;
}

/* --- telling --- */

static struct str addr_bytes(const struct addr *a)
{
	return (struct str){(const char *)a->bytes, a->family == ADDR_IP4   ? 4
						    : a->family == ADDR_IP6 ? 16
									    : 0};
}

static void tell(struct session *s, uint8_t op, const struct socket_key *k, const struct addr *here,
		 const struct socket_entry *x)
{
	struct msg_read_socket m = {.op = op,
				    .protocol = k->protocol,
				    .here = addr_bytes(here),
				    .port_here = k->port_here,
				    .there = addr_bytes(&k->there),
				    .port_there = k->port_there};

	if (x) {
		m.pid = (uint32_t)x->pid;
		m.process = str_of(x->process);
		m.unit = str_of(x->unit);
		m.user = str_of(socket_user(s->control->sockets->users, x->uid));
	}
	(void)channel_put_read_socket(s->reader->channel, 0, 0, &m); /* -1: `gone` will come */
}

static bool is_any(const struct addr *a)
{
	static const uint8_t none[16];

	return memcmp(a->bytes, none, sizeof(none)) == 0;
}

/* One for any address of this machine is told as one for each, so that those of others are none of
 * its own. One of IPv6 takes IPv4 too, unless another one does. */
static void tell_all(struct socket_watch *w, struct session *s, uint8_t op,
		     const struct socket_key *k, const struct socket_entry *x)
{
	struct socket_key v4 = *k;

	if (!is_any(&k->here)) {
		tell(s, op, k, &k->here, x);
		return;
	}
	memset(&v4.here, 0, sizeof(v4.here));
	v4.here.family = ADDR_IP4;
	for (unsigned i = 0; i < w->nown; i++) {
		const bool other = w->own[i].family != k->here.family;

		if (other &&
		    (k->here.family == ADDR_IP4 || map_get(w->list.by_key, &v4, sizeof(v4))))
			continue;
		tell(s, op, k, &w->own[i], x);
	}
}

/* A slice of what one reader does not know yet. true: it does now, or does not take it. */
static bool tell_session(struct socket_watch *w, struct session *s)
{
	static const struct socket_key end;
	struct sockets *t = s->sockets;
	unsigned n = 0;

	if (t->told == 0 && t->next == 0)
		tell(s, TELL_NONE, &end, &end.here, NULL);
	for (; t->gone < w->list.ngone; t->gone++)
		tell_all(w, s, TELL_GONE, &w->list.gone[t->gone], NULL);
	for (; t->next < w->list.count && n < TELL_AT_ONCE; t->next++) {
		const struct socket_entry *x = w->list.at[t->next];

		if (x->changed <= t->told)
			continue;
		tell_all(w, s, TELL_HERE, &x->key, x);
		n++;
	}
	if (t->next < w->list.count)
		return false;
	tell(s, TELL_ROUND, &end, &end.here, NULL);
	t->told = w->list.round;
	t->done = true;
	return true;
}

static void tell_begin(struct socket_watch *w)
{
	for (struct session *s = w->control->sessions; s; s = s->next) {
		struct sockets *t;

		if (!wants(s))
			continue;
		if (!s->sockets)
			s->sockets = xcalloc(1, sizeof(*s->sockets));
		t = s->sockets;
		if (t->reader != s->reader || t->pid != s->reader->pid)
			*t = (struct sockets){.reader = s->reader, .pid = s->reader->pid};
		else if (t->told + 1 != w->list.round)
			t->told = 0; /* it has missed who went: it hears all anew */
		t->gone = t->told ? 0 : w->list.ngone;
		t->next = 0;
		t->done = channel_congested(s->reader->channel);
	}
}

static bool tell_step(struct socket_watch *w)
{
	bool more = false;

	for (struct session *s = w->control->sessions; s; s = s->next) {
		if (!wants(s) || !s->sockets || s->sockets->done ||
		    s->sockets->pid != s->reader->pid)
			continue;
		if (channel_congested(s->reader->channel)) {
			more = true; /* until the next round */
			continue;
		}
		more = !tell_session(w, s) || more;
	}
	return more;
}

/* --- a round --- */

static void own_addresses(struct socket_watch *w)
{
	struct addr before[OWN_ADDRESSES_MAX];
	struct ifaddrs *all;

	memcpy(before, w->own, sizeof(before));
	if (getifaddrs(&all))
		return;
	w->nown = 0;
	memset(w->own, 0, sizeof(w->own));
	for (const struct ifaddrs *i = all; i && w->nown < OWN_ADDRESSES_MAX; i = i->ifa_next) {
		struct addr *a = &w->own[w->nown];

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
			a->family = ADDR_IP4;
			memcpy(a->bytes,
			       &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr,
			       4);
			w->nown++;
		} else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6) {
			a->family = ADDR_IP6;
			memcpy(a->bytes,
			       &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr,
			       16);
			w->nown++;
		}
	}
	freeifaddrs(all);
	if (memcmp(before, w->own, sizeof(before)) == 0)
		return;
	for (uint32_t i = 0; i < w->list.count; i++)
		if (is_any(&w->list.at[i]->key.here))
			w->list.at[i]->changed = w->list.round;
}

static void phase_set(struct socket_watch *w, enum phase phase)
{
	w->phase = phase;
	if (phase == PHASE_REST || phase == PHASE_ASK)
		(void)uv_timer_stop(&w->step);
	else /* fails for a closing timer only */
		(void)uv_timer_start(&w->step, on_step, 0, SOCKETS_PAUSE_MS);
}

/* The kernel has told all of it. */
static void asked(struct socket_watch *w)
{
	(void)uv_poll_stop(w->poll);
	socket_list_sweep(&w->list);
	own_addresses(w);
	phase_set(w, PHASE_FIND);
	if (!socket_find_begin(w->finder, &w->list)) {
		tell_begin(w);
		phase_set(w, PHASE_TELL);
	}
}

/* A question that is not answered (no IPv6 here) is passed over. */
static void ask_next(struct socket_watch *w)
{
	while (w->question < SOCKET_QUESTIONS)
		if (socket_ask(w->fd, w->question++) == 0)
			return;
	asked(w);
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
	struct socket_watch *w = poll->data;
	int heard;

	(void)events;
	if (w->phase != PHASE_ASK)
		return;
	heard = status < 0 ? -2 : socket_hear(w->fd, &w->list);
	if (heard == -2) { /* some was lost: the next round asks for all anew */
		ask_close(w);
		phase_set(w, PHASE_REST);
	} else if (heard != 0) {
		ask_next(w);
	}
}

static void on_step(uv_timer_t *timer)
{
	struct socket_watch *w = timer->data;

	if (w->phase == PHASE_FIND && !socket_find_step(w->finder, &w->list)) {
		tell_begin(w);
		phase_set(w, PHASE_TELL);
	} else if (w->phase == PHASE_TELL && !tell_step(w)) {
		phase_set(w, PHASE_REST);
	}
}

static int ask_open(struct socket_watch *w)
{
	struct err e;

	if (w->fd >= 0)
		return 0;
	w->fd = socket_ask_open(&e);
	if (w->fd >= 0) {
		w->poll = xcalloc(1, sizeof(*w->poll));
		if (uv_poll_init(w->control->loop, w->poll, w->fd) == 0) {
			w->poll->data = w;
			return 0;
		}
		free(w->poll);
		w->poll = NULL;
		err_set(&e, ERR_REFUSED, "the loop takes no question");
	}
	ask_close(w);
	if (!w->refused)
		log_warn("whose connections are seen cannot be said: %s", e.text);
	w->refused = true;
	return -1;
}

void socket_watch_tick(struct socket_watch *w)
{
	const int64_t now_ns = clock_mono_ns();

	if (!anybody_wants(w->control)) {
		ask_close(w);
		phase_set(w, PHASE_REST);
		return;
	}
	/* a round that takes longer is let go on, but for a reader that takes nothing */
	if (now_ns - w->begun_ns < ROUND_NS || ((w->phase == PHASE_ASK || w->phase == PHASE_FIND) &&
						now_ns - w->begun_ns < ROUND_MAX_NS))
		return;
	if (w->phase == PHASE_ASK)
		ask_close(w);
	if (ask_open(w))
		return;
	w->begun_ns = now_ns;
	w->list.round++;
	w->question = 0;
	phase_set(w, PHASE_ASK);
	if (uv_poll_start(w->poll, UV_READABLE, on_answer)) {
		ask_close(w);
		phase_set(w, PHASE_REST);
		return;
	}
	ask_next(w);
}
