#include "wire/client.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"

#define PING_MS 5000u
#define SILENCE_NS (20 * NS_PER_S)   /* nothing heard for so long: the link is dead */
#define HELLO_NS (120 * NS_PER_S)    /* before HELLO somebody may still type a passphrase */
#define STREAM_CREDIT (1024u * 1024) /* bytes under way */
#define STREAM_CREDIT_STEP (STREAM_CREDIT / 4)

enum request_kind { REQUEST_ONCE, REQUEST_QUERY, REQUEST_STREAM };

struct request {
	struct client *client;
	enum request_kind kind;
	uint32_t channel, id;
	bool periodic;	/* a QUERY with a period: its windows do not end it */
	bool requeried; /* from inside its last answer */
	bool held;
	bool refused;  /* could not even be written: answered from the loop */
	bool dead;     /* cancelled from inside its own callback */
	unsigned busy; /* callbacks under way */
	uint64_t owed; /* bytes handed over and not given back as credit */
	answer_fn fn;
	void *arg;
};

struct client {
	struct channel *channel;
	const struct client_ops *ops;
	void *arg;
	struct map *requests; /* id (u32) to struct request */
	uint32_t next_id, next_channel;
	struct buf waiting; /* frames for after HELLO */
	uv_timer_t timer;   /* PING */
	uv_timer_t later;   /* failures are told from the loop, not from inside a call */
	unsigned handles;
	bool ready, lost, told, freed;
	unsigned busy; /* callbacks under way */
	int64_t made_ns, heard_ns, tick_ns, ping_ns;
	int64_t rtt_ns, best_rtt_ns, offset_ns;
	char *host, *version;
	struct err why;
};

static void on_later(uv_timer_t *timer);

static void client_later(struct client *c)
{
	(void)uv_timer_start(&c->later, on_later, 1,
			     0); /* not 0, see channel_later; fails for a closing timer only */
}

/* --- the life of requests --- */

static struct request *request_new(struct client *c, enum request_kind kind, uint32_t channel,
				   answer_fn fn, void *arg)
{
	struct request *r = xcalloc(1, sizeof(*r));

	do
		r->id = ++c->next_id;
	while (r->id == 0 || map_get(c->requests, &r->id, sizeof(r->id)));
	r->client = c;
	r->kind = kind;
	r->channel = channel;
	r->fn = fn;
	r->arg = arg;
	(void)map_put(c->requests, &r->id, sizeof(r->id), r); /* has room for all ids */
	if (c->lost)
		client_later(c);
	return r;
}

/* No answer comes any more. */
static void request_remove(struct request *r)
{
	(void)map_remove(r->client->requests, &r->id, sizeof(r->id));
	r->dead = true;
	if (r->busy == 0)
		free(r);
}

static void request_answer(struct request *r, const struct answer *a)
{
	r->requeried = false;
	r->busy++;
	if (r->fn)
		r->fn(r->arg, r, a);
	r->busy--;
	if (r->dead && r->busy == 0)
		free(r);
	else if (!r->dead && a->last && (a->error || !r->requeried))
		request_remove(r);
}

static void request_fail(struct request *r, const struct err *e)
{
	const struct answer a = {.error = e, .last = true};

	request_answer(r, &a);
}

/* --- sending; before HELLO it waits --- */

static void client_send(struct client *c, uint16_t type, uint32_t channel, uint32_t id,
			const struct buf *payload)
{
	if (c->lost)
		return;
	if (!c->ready &&
	    frame_put(&c->waiting, type, channel, id, payload->data, payload->len) == 0)
		return;
	/* -1: `gone` will come and answers all requests. */
	(void)channel_send(c->channel, type, channel, id, payload->data, payload->len);
}

#define CLIENT_PUT(number, NAME, name, summary)                                                    \
	__attribute__((unused)) static int client_put_##name(                                      \
		struct client *c, uint32_t channel, uint32_t id, const struct msg_##name *m)       \
	{                                                                                          \
		struct buf b;                                                                      \
		int rc;                                                                            \
		buf_init(&b, MSG_PAYLOAD_MAX);                                                     \
		rc = msg_put_##name(&b, m);                                                        \
		if (rc == 0)                                                                       \
			client_send(c, MSG_##NAME, channel, id, &b);                               \
		buf_release(&b);                                                                   \
		return rc;                                                                         \
	}
MSG_LIST(CLIENT_PUT)

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

static void credit_give(struct request *r, uint64_t least)
{
	const struct msg_credit m = {.bytes = r->owed};

	if (r->held || r->owed < least)
		return;
	r->owed = 0;
	(void)client_put_credit(r->client, r->channel, r->id, &m); /* always fits */
}

static void answer_error(struct request *r, const struct frame *f)
{
	struct msg_error m;
	struct err e;

	if (msg_get_error(f->payload, f->len, &m, &e) == 0) {
		err_set(&e,
			m.code >= ERR_ABSENT && m.code <= ERR_PART ? (enum err_code)m.code
								   : ERR_REFUSED,
			"%.*s", (int)m.sentence.len, m.sentence.p);
		e.at = m.at >= 0 && m.at <= INT32_MAX ? (int)m.at : -1;
	}
	request_fail(r, &e);
}

static void answer_done(struct request *r, const struct frame *f)
{
	struct msg_done m;
	struct err e;
	const struct answer a = {.done = &m, .last = true};

	if (msg_get_done(f->payload, f->len, &m, &e))
		request_fail(r, &e);
	else
		request_answer(r, &a);
}

/* The far side keeps the order of a long table for its next rows: it is told when nobody wants
 * them. */
static void answer_window(struct request *r, const struct frame *f)
{
	struct client *c = r->client;
	const struct msg_cancel cancel = {0};
	const uint32_t channel = r->channel, id = r->id;
	struct msg_window m;
	struct err e;
	const struct answer a = {.window = &m, .last = !r->periodic};
	bool rest;

	if (msg_get_window(f->payload, f->len, &m, &e)) {
		request_fail(r, &e);
		return;
	}
	rest = a.last && m.first < m.total && m.count < m.total - m.first;
	request_answer(r, &a);
	if (rest && !c->freed && !map_get(c->requests, &id, sizeof(id)))
		(void)client_put_cancel(c, channel, id, &cancel); /* always fits */
}

static void answer_data(struct request *r, const struct frame *f)
{
	struct client *c = r->client;
	const uint32_t id = r->id;
	struct msg_data m;
	struct err e;
	const struct answer a = {.data = &m};

	if (msg_get_data(f->payload, f->len, &m, &e)) {
		request_fail(r, &e);
		return;
	}
	r->owed += m.bytes.len;
	request_answer(r, &a);
	if (!c->freed && map_get(c->requests, &id, sizeof(id)) == r)
		credit_give(r, STREAM_CREDIT_STEP);
}

static void answer_end(struct request *r, const struct frame *f)
{
	struct msg_end m;
	struct err e;
	const struct answer a = {.end = &m, .last = true};

	if (msg_get_end(f->payload, f->len, &m, &e))
		request_fail(r, &e);
	else
		request_answer(r, &a);
}

/* Answers of a kind that was not asked for are of a newer far side, or of none of ours: not heeded.
 */
static void take_answer(struct client *c, const struct frame *f)
{
	struct request *r = map_get(c->requests, &f->id, sizeof(f->id));

	if (!r || r->channel != f->channel)
		return;
	if (f->type == MSG_ERROR)
		answer_error(r, f);
	else if (f->type == MSG_DONE)
		answer_done(r, f);
	else if (f->type == MSG_WINDOW && r->kind == REQUEST_QUERY)
		answer_window(r, f);
	else if (f->type == MSG_DATA && r->kind == REQUEST_STREAM)
		answer_data(r, f);
	else if (f->type == MSG_END && r->kind == REQUEST_STREAM)
		answer_end(r, f);
}

static void take_frame(struct client *c, const struct frame *f)
{
	struct err e;

	if (f->type == MSG_ERROR && f->id == 0 && f->channel == 0)
		take_refusal(c, f);
	else if (!c->ready && f->type == MSG_HELLO)
		take_hello(c, f);
	else if (!c->ready) {
		err_set(&e, ERR_REFUSED,
			"the other program began with %s instead of HELLO: it is not tapdeck's",
			msg_name(f->type));
		client_lose(c, &e);
	} else if (f->type == MSG_PING)
		take_ping(c, f);
	else if (f->type == MSG_PONG)
		take_pong(c, f);
	else if (f->type == MSG_EVENT)
		take_event(c, f);
	else
		take_answer(c, f);
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

static struct request *request_sent(struct request *r, int rc)
{
	if (rc) {
		r->refused = true;
		client_later(r->client);
	}
	return r;
}

uint32_t client_open(struct client *c, const char *target, answer_fn fn, void *arg)
{
	const struct msg_open m = {.target = str_of(target)};
	const uint32_t channel = ++c->next_channel;
	struct request *r = request_new(c, REQUEST_ONCE, channel, fn, arg);

	request_sent(r, client_put_open(c, channel, r->id, &m));
	return channel;
}

void client_close_channel(struct client *c, uint32_t channel)
{
	const struct msg_close m = {0};
	size_t iter = 0;
	void *value;

	while (map_next(c->requests, &iter, NULL, NULL, &value)) {
		struct request *r = value;

		if (r->channel == channel)
			request_remove(r);
	}
	(void)client_put_close(c, channel, 0, &m); /* always fits */
}

struct request *client_query(struct client *c, uint32_t channel, const struct msg_query *q,
			     answer_fn fn, void *arg)
{
	struct request *r = request_new(c, REQUEST_QUERY, channel, fn, arg);

	r->periodic = q->period_ms > 0;
	return request_sent(r, client_put_query(c, channel, r->id, q));
}

void client_requery(struct request *r, const struct msg_query *q)
{
	r->periodic = q->period_ms > 0;
	r->requeried = true;
	request_sent(r, client_put_query(r->client, r->channel, r->id, q));
}

struct request *client_command(struct client *c, uint32_t channel, const char *const *words,
			       size_t count, answer_fn fn, void *arg)
{
	struct request *r = request_new(c, REQUEST_ONCE, channel, fn, arg);
	struct msg_command m;
	int rc = msg_strs(&m.words, words, count);

	return request_sent(r, rc ? rc : client_put_command(c, channel, r->id, &m));
}

struct request *client_stream(struct client *c, uint32_t channel, const char *const *words,
			      size_t count, uint64_t offset, answer_fn fn, void *arg)
{
	struct request *r = request_new(c, REQUEST_STREAM, channel, fn, arg);
	struct msg_stream m = {.offset = offset, .credit = STREAM_CREDIT};
	int rc = msg_strs(&m.words, words, count);

	return request_sent(r, rc ? rc : client_put_stream(c, channel, r->id, &m));
}

void client_stream_hold(struct request *r, bool hold)
{
	r->held = hold;
	if (!hold && r->owed > 0)
		credit_give(r, STREAM_CREDIT_STEP);
}

struct request *client_feed(struct client *c, const struct msg_feed *m, answer_fn fn, void *arg)
{
	struct request *r = request_new(c, REQUEST_ONCE, 0, fn, arg);

	return request_sent(r, client_put_feed(c, 0, r->id, m));
}

void client_send_own(struct client *c, const struct msg_own *m)
{
	(void)client_put_own(c, 0, 0, m); /* two addresses always fit */
}

void client_cancel(struct request *r)
{
	const struct msg_cancel m = {0};

	(void)client_put_cancel(r->client, r->channel, r->id, &m); /* always fits */
	request_remove(r);
}
