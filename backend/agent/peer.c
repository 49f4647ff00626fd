#include "peer.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "reader_child.h"
#include "session.h"
#include "fetch.h"

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd);
static void on_gone(void *arg, struct channel *channel, const struct err *why);
static void on_writable(void *arg, struct channel *channel);

static const struct channel_ops peer_ops = {on_message, on_gone, on_writable};

void hello_send(struct control *c, struct channel *channel)
{
	const struct passwd *pw = getpwuid(geteuid());
	const struct msg_hello m = {
		.protocol = WIRE_PROTOCOL,
		.program = str_of("tapdeckd"),
		.version = str_of(TAPDECK_VERSION),
		.features = str_of(""),
		.host = str_of(c->host),
		.user = str_of(pw ? pw->pw_name : ""),
		.now_ns = clock_now_ns(),
	};

	(void)channel_put_hello(channel, 0, 0, &m); /* -1: `gone` will come */
}

struct peer *peer_new(struct control *c, int fd, int fd_out, const struct who *who)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->control = c;
	p->who = *who;
	p->serial = ++c->last_serial;
	p->since_ns = clock_mono_ns();
	p->bindings = map_new(PEER_BINDINGS_MAX);
	p->pending = map_new(PEER_PENDING_MAX);
	p->next = c->peers;
	c->peers = p;
	c->npeers++;
	p->channel = channel_new(c->loop, fd, fd_out, &peer_ops, p);
	hello_send(c, p->channel);
	return p;
}

void peer_free(struct peer *p)
{
	struct control *c = p->control;
	size_t iter = 0;
	void *value;

	for (struct peer **at = &c->peers; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	c->npeers--;
	audit_gone(p);
	table_server_drop(c->tables, p->channel, UINT32_MAX);
	fetch_drop(p, UINT32_MAX);
	while (iter = 0, map_next(p->bindings, &iter, NULL, NULL, &value))
		binding_free(value);
	while (iter = 0, map_next(p->pending, &iter, NULL, NULL, &value)) {
		struct pending *q = value;

		pending_remove(p, q->channel, q->id);
	}
	session_own_changed(c);
	own_release(&p->own);
	map_free(p->bindings);
	map_free(p->pending);
	channel_close(p->channel);
	free(p);
}

struct peer *peer_of(struct control *c, uint64_t serial)
{
	for (struct peer *p = c->peers; p; p = p->next)
		if (p->serial == serial)
			return p;
	return NULL;
}

/* --- answers --- */

void reply_done(struct control *c, const struct reply *r, const char *note)
{
	struct peer *p = peer_of(c, r->peer);

	audit_end(c, r, NULL);
	if (!p)
		return;
	pending_remove(p, r->channel, r->id);
	(void)channel_send_done(p->channel, r->channel, r->id,
				note); /* -1: it is about to be gone */
}

void reply_error(struct control *c, const struct reply *r, const struct err *e)
{
	struct peer *p = peer_of(c, r->peer);

	audit_end(c, r, e);
	if (!p)
		return;
	pending_remove(p, r->channel, r->id);
	(void)channel_send_error(p->channel, r->channel, r->id, e); /* -1: it is about to be gone */
}

/* --- channels --- */

struct binding *peer_binding(struct peer *p, uint32_t channel)
{
	return map_get(p->bindings, &channel, sizeof(channel));
}

void binding_free(struct binding *b)
{
	struct session *s = b->session;

	(void)map_remove(b->peer->bindings, &b->channel, sizeof(b->channel));
	reader_child_unbind(b);
	free(b->target);
	free(b);
	if (s)
		session_unbound(s);
}

/* --- requests under way --- */

static uint64_t pending_key(uint32_t channel, uint32_t id)
{
	return (uint64_t)channel << 32 | id;
}

struct pending *pending_get(struct peer *p, uint32_t channel, uint32_t id)
{
	const uint64_t key = pending_key(channel, id);

	return map_get(p->pending, &key, sizeof(key));
}

void pending_remove(struct peer *p, uint32_t channel, uint32_t id)
{
	const uint64_t key = pending_key(channel, id);

	free(map_remove(p->pending, &key, sizeof(key)));
}

int pending_put(struct peer *p, const struct frame *f, enum route route, bool periodic)
{
	const uint64_t key = pending_key(f->channel, f->id);
	struct pending *q = xmalloc(sizeof(*q) + f->len);

	pending_remove(p, f->channel, f->id);
	*q = (struct pending){.channel = f->channel,
			      .id = f->id,
			      .type = f->type,
			      .route = route,
			      .periodic = periodic,
			      .len = f->len};
	if (f->len)
		memcpy(q->payload, f->payload, f->len);
	if (map_put(p->pending, &key, sizeof(key), q) == 0)
		return 0;
	free(q);
	return -1;
}

void peer_forward(struct peer *p, uint32_t channel, const struct frame *f)
{
	const struct pending *q = f->id ? pending_get(p, channel, f->id) : NULL;
	const bool last = f->type == MSG_ERROR || f->type == MSG_DONE || f->type == MSG_END ||
			  (f->type == MSG_WINDOW && q && !q->periodic);

	/* A snapshot: where the last one was not read yet, the next is as good. */
	if (f->type == MSG_WINDOW && q && q->periodic && channel_congested(p->channel))
		return;
	if (last && q)
		pending_remove(p, channel, f->id);
	(void)channel_send(p->channel, f->type, channel, f->id, f->payload,
			   f->len); /* -1: `gone` will come */
}

/* One that went that way, off the list; owned by the caller. */
static struct pending *pending_take(struct peer *p, uint32_t channel, enum route route)
{
	size_t iter = 0;
	const void *key;
	size_t len;
	void *value;

	while (map_next(p->pending, &iter, &key, &len, &value)) {
		struct pending *q = value;

		if (q->route == route && (channel == UINT32_MAX || q->channel == channel)) {
			(void)map_remove(p->pending, key, len);
			return q;
		}
	}
	return NULL;
}

void peer_fail(struct peer *p, uint32_t channel, enum route route, const struct err *e)
{
	struct pending *q;

	while ((q = pending_take(p, channel, route)) != NULL) {
		(void)channel_send_error(p->channel, q->channel, q->id,
					 e); /* -1: `gone` will come */
		free(q);
	}
}

/* --- the channel --- */

static void peer_refuse(struct peer *p, const struct err *e)
{
	(void)channel_send_error(p->channel, 0, 0, e); /* it is closed anyway */
	log_warn("client of uid %lu, pid %ld: %s", (unsigned long)p->who.uid, (long)p->who.pid,
		 e->text);
	peer_free(p);
}

/* 0: it speaks our protocol. */
static int hello_check(const struct frame *f, struct err *e)
{
	struct msg_hello m;

	if (f->type != MSG_HELLO)
		return err_set(e, ERR_CALL, "the first message is HELLO, not %s",
			       msg_name(f->type));
	if (msg_get_hello(f->payload, f->len, &m, e))
		return -1;
	if (m.protocol == WIRE_PROTOCOL)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "this tapdeckd %s speaks protocol %u, not %u: bring both to one version",
		       TAPDECK_VERSION, WIRE_PROTOCOL, m.protocol);
}

static void peer_greet(struct peer *p, const struct frame *f)
{
	struct err e;

	if (hello_check(f, &e))
		peer_refuse(p, &e);
	else
		p->greeted = true;
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct peer *p = arg;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]); /* no message of a client's has any */
	if (!p->greeted)
		peer_greet(p, f);
	else
		route_frame(p, f);
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	struct peer *p = arg;
	struct control *c = p->control;

	(void)channel;
	if (why->code)
		log_info("client of uid %lu, pid %ld: %s", (unsigned long)p->who.uid,
			 (long)p->who.pid, why->text);
	peer_free(p);
	control_left(c); /* whom it was started for is gone */
}

static void on_writable(void *arg, struct channel *channel)
{
	struct peer *p = arg;

	(void)channel;
	p->congested_ns = 0;
	fetch_pump(p->control, p);
}

void peer_tick(struct peer *p, int64_t now_ns)
{
	struct err e;

	/* A place among the clients is for who asks something. */
	if (!p->greeted && p->control->role == CONTROL_DAEMON &&
	    now_ns - p->since_ns > PEER_GREETS_NS) {
		err_set(&e, ERR_CALL, "no HELLO came within 30 seconds");
		peer_refuse(p, &e);
		return;
	}
	if (!channel_congested(p->channel)) {
		p->congested_ns = 0;
		return;
	}
	if (!p->congested_ns)
		p->congested_ns = now_ns;
	if (p->control->role == CONTROL_ATTACH || now_ns - p->congested_ns < PEER_CONGESTED_NS)
		return;
	err_set(&e, ERR_PART, "it has read nothing for 30 seconds and is let go");
	peer_refuse(p, &e);
}
