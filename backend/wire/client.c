#include "client_private.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"

#define PING_MS 5000u
#define SILENCE_NS (20 * NS_PER_S) /* nothing heard for so long: the link is dead */
#define HELLO_NS (120 * NS_PER_S)  /* before HELLO somebody may still type a passphrase */

static void on_later(uv_timer_t *timer);

void client_later(struct client *c)
{
	/* Not 0 ms, see channel_later. Fails for a closing timer only. */
	(void)uv_timer_start(&c->later, on_later, 1, 0);
}

static void waiting_send(struct client *c)
{
	size_t at = 0, used = 0;
	struct frame f;

	while (c->waiting.len - at >= FRAME_HEADER_BYTES &&
	       frame_get(c->waiting.data + at, c->waiting.len - at, &f, &used, NULL) == 1) {
		(void)channel_send(c->channel, f.type, f.channel, f.id, f.payload,
				   f.len); /* -1: `gone` will come */
		at += used;
	}
	buf_release(&c->waiting);
}

static void hello_send(struct client *c, const char *program)
{
	char host[256] = "";
	const struct passwd *pw = getpwuid(geteuid());
	const struct msg_hello m = {
		.protocol = WIRE_PROTOCOL,
		.program = str_of(program),
		.version = str_of(TAPDECK_VERSION),
		.host = str_of(gethostname(host, sizeof(host) - 1) == 0 ? host : ""),
		.user = str_of(pw ? pw->pw_name : ""),
		.now_ns = clock_now_ns(),
	};

	(void)channel_put_hello(c->channel, 0, 0, &m); /* -1: `gone` will come */
}

static void ping_send(struct client *c)
{
	const struct msg_ping m = {.now_ns = clock_mono_ns()};

	c->ping_ns = m.now_ns;
	(void)channel_put_ping(c->channel, 0, 0, &m); /* -1: `gone` will come */
}

/* --- the end of the link --- */

/* All where the link is lost, else those that were refused. A callback may cancel others (so from
 * the start each time) and ask anew (which is answered in the next round of the loop). */
static void requests_fail(struct client *c)
{
	const uint32_t newest = c->next_id;
	struct err e;
	size_t iter = 0;
	void *value;

	err_set(&e, ERR_CALL, "this request is longer than %u bytes or %u words", MSG_PAYLOAD_MAX,
		MSG_STRS_MAX);
	while (!c->freed && map_next(c->requests, &iter, NULL, NULL, &value)) {
		struct request *r = value;

		if (r->id > newest || !(c->lost || r->refused))
			continue;
		request_fail(r, r->refused ? &e : &c->why);
		iter = 0;
	}
}

static void client_lose(struct client *c, const struct err *why)
{
	if (c->lost || c->freed)
		return;
	c->lost = true;
	c->why = *why;
	if (c->why.code == ERR_NONE)
		err_set(&c->why, ERR_REFUSED, "the link to %s is closed",
			c->host[0] ? c->host : "the other program");
	(void)uv_timer_stop(&c->timer);
	client_later(c);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	if (--c->handles == 0)
		free(c);
}

static void client_destroy(struct client *c)
{
	size_t iter = 0;
	void *value;

	while (map_next(c->requests, &iter, NULL, NULL, &value))
		request_remove(value);
	map_free(c->requests);
	buf_release(&c->waiting);
	free(c->host);
	free(c->version);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
	uv_close((uv_handle_t *)&c->later, on_handle_closed);
}

static void busy_end(struct client *c)
{
	if (--c->busy == 0 && c->freed)
		client_destroy(c);
}

static void on_later(uv_timer_t *timer)
{
	struct client *c = timer->data;

	c->busy++;
	requests_fail(c);
	if (c->lost && !c->freed && !c->told) {
		c->told = true;
		c->ops->gone(c->arg, c, &c->why);
	}
	busy_end(c);
}

static void on_tick(uv_timer_t *timer)
{
	struct client *c = timer->data;
	const int64_t now = clock_mono_ns();
	const int64_t limit = c->ready ? SILENCE_NS : HELLO_NS;
	struct err e;

	/* This process itself was stopped for a while: what came meanwhile has not been read yet.
	 */
	if (now - c->tick_ns > 2 * (int64_t)PING_MS * NS_PER_MS)
		c->heard_ns = now;
	c->tick_ns = now;
	if (now - c->heard_ns > limit) {
		err_set(&e, ERR_REFUSED, "%s has not answered for %d s: the link is dead",
			c->host[0] ? c->host : "the other program", (int)(limit / NS_PER_S));
		client_lose(c, &e);
		return;
	}
	if (c->ready)
		ping_send(c);
}

/* --- what comes --- */

static void take_hello(struct client *c, const struct frame *f)
{
	struct msg_hello m;
	struct err e;

	if (msg_get_hello(f->payload, f->len, &m, &e)) {
		client_lose(c, &e);
		return;
	}
	if (m.protocol != WIRE_PROTOCOL) {
		err_set(&e, ERR_REFUSED,
			"%.*s %.*s on %.*s speaks protocol %u and this program %s speaks %u: "
			"install the same version on both",
			(int)m.program.len, m.program.p, (int)m.version.len, m.version.p,
			(int)m.host.len, m.host.p, m.protocol, TAPDECK_VERSION, WIRE_PROTOCOL);
		client_lose(c, &e);
		return;
	}
	free(c->host);
	free(c->version);
	c->host = xstrndup(m.host.p, m.host.len);
	c->version = xstrndup(m.version.p, m.version.len);
	c->ready = true;
	ping_send(c);
	waiting_send(c);
	if (c->ops->ready)
		c->ops->ready(c->arg, c, &m);
}

static void take_pong(struct client *c, const struct frame *f)
{
	const int64_t now = clock_mono_ns();
	struct msg_pong m;

	if (msg_get_pong(f->payload, f->len, &m, NULL) || m.now_ns != c->ping_ns || now < m.now_ns)
		return;
	c->rtt_ns = now - m.now_ns;
	if (c->best_rtt_ns >= 0 && c->rtt_ns > c->best_rtt_ns)
		return;
	c->best_rtt_ns = c->rtt_ns;
	c->offset_ns = m.here_ns - (clock_now_ns() - c->rtt_ns / 2);
}

static void take_ping(struct client *c, const struct frame *f)
{
	struct msg_ping ping;
	struct msg_pong pong;

	if (msg_get_ping(f->payload, f->len, &ping, NULL))
		return;
	pong = (struct msg_pong){.now_ns = ping.now_ns, .here_ns = clock_now_ns()};
	(void)channel_put_pong(c->channel, f->channel, f->id, &pong); /* -1: `gone` will come */
}

static void take_event(struct client *c, const struct frame *f)
{
	struct msg_event m;

	if (c->ops->event && msg_get_event(f->payload, f->len, &m, NULL) == 0)
		c->ops->event(c->arg, c, &m);
}

/* ERROR that nobody asked for: the far side cannot serve us at all. */
static void take_refusal(struct client *c, const struct frame *f)
{
	struct msg_error m;
	struct err e;

	if (msg_get_error(f->payload, f->len, &m, &e) == 0)
		err_set(&e,
			m.code >= ERR_ABSENT && m.code <= ERR_PART ? (enum err_code)m.code
								   : ERR_REFUSED,
			"%.*s", (int)m.sentence.len, m.sentence.p);
	client_lose(c, &e);
}

static void take_frame(struct client *c, const struct frame *f)
{
	struct err e;

	if (f->type == MSG_ERROR && f->id == 0 && f->channel == 0)
		take_refusal(c, f);
	else if (!c->ready && f->type == MSG_HELLO)
		take_hello(c, f);
	else if (f->type == MSG_EVENT)
		take_event(c, f); /* before HELLO: a relay tells how it gets there */
	else if (!c->ready) {
		err_set(&e, ERR_REFUSED,
			"the other program began with %s instead of HELLO: it is not tapdeck's",
			msg_name(f->type));
		client_lose(c, &e);
	} else if (f->type == MSG_PING)
		take_ping(c, f);
	else if (f->type == MSG_PONG)
		take_pong(c, f);
	else
		client_take_answer(c, f);
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct client *c = arg;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]); /* nobody sends a client descriptors */
	if (c->lost)
		return;
	c->heard_ns = clock_mono_ns();
	c->busy++;
	take_frame(c, f);
	busy_end(c);
}

static void on_gone(void *arg, struct channel *channel, const struct err *e)
{
	(void)channel;
	client_lose(arg, e);
}

/* --- the owner's side --- */

struct client *client_new(uv_loop_t *loop, int fd, const char *program,
			  const struct client_ops *ops, void *arg)
{
	static const struct channel_ops channel_ops = {.message = on_message, .gone = on_gone};
	struct client *c = xcalloc(1, sizeof(*c));

	c->ops = ops;
	c->arg = arg;
	c->requests = map_new(UINT32_MAX);
	c->rtt_ns = c->best_rtt_ns = -1;
	c->host = xstrdup("");
	c->version = xstrdup("");
	c->heard_ns = c->tick_ns = clock_mono_ns();
	buf_init(&c->waiting, CHANNEL_QUEUE_MAX);
	c->channel = channel_new(loop, fd, -1, &channel_ops, c);
	(void)uv_timer_init(loop, &c->timer); /* always 0 */
	(void)uv_timer_init(loop, &c->later);
	c->timer.data = c->later.data = c;
	c->handles = 2;
	(void)uv_timer_start(&c->timer, on_tick, PING_MS, PING_MS);
	hello_send(c, program);
	return c;
}

void client_free(struct client *c)
{
	if (!c || c->freed)
		return;
	c->freed = true;
	channel_close(c->channel);
	if (c->busy == 0)
		client_destroy(c);
}

int64_t client_rtt_ns(const struct client *c)
{
	return c->rtt_ns;
}

int64_t client_offset_ns(const struct client *c)
{
	return c->offset_ns;
}

const char *client_host(const struct client *c)
{
	return c->host;
}

const char *client_version(const struct client *c)
{
	return c->version;
}
