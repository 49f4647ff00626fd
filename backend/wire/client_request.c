/* Requests: asked, answered, cancelled. */
#include "client_private.h"

#include <stdlib.h>

#include "base/xalloc.h"

#define STREAM_CREDIT (1024u * 1024) /* bytes under way */
#define STREAM_CREDIT_STEP (STREAM_CREDIT / 4)

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
static void request_forget(struct request *r)
{
	(void)map_remove(r->client->requests, &r->id, sizeof(r->id));
	r->dead = true;
}

void request_remove(struct request *r)
{
	request_forget(r);
	if (r->busy == 0)
		free(r);
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

/* --- answers --- */

static void credit_give(struct request *r, uint64_t least)
{
	const struct msg_credit m = {.bytes = r->owed};

	if (r->held || r->owed < least)
		return;
	r->owed = 0;
	(void)client_put_credit(r->client, r->channel, r->id, &m); /* always fits */
}

/* The callback may cancel the request and free the client: both stay until busy ends. */
static void request_answer(struct request *r, const struct answer *a)
{
	r->requeried = false;
	r->busy++;
	if (r->fn)
		r->fn(r->arg, r, a);
	if (!r->dead && a->last && (a->error || !r->requeried))
		request_forget(r);
	else if (!r->dead && a->data && !r->client->freed)
		credit_give(r, STREAM_CREDIT_STEP);
	r->busy--;
	if (r->dead && r->busy == 0)
		free(r);
}

void request_fail(struct request *r, const struct err *e)
{
	const struct answer a = {.error = e, .last = true};

	request_answer(r, &a);
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
	struct msg_data m;
	struct err e;
	const struct answer a = {.data = &m};

	if (msg_get_data(f->payload, f->len, &m, &e)) {
		request_fail(r, &e);
		return;
	}
	r->owed += m.bytes.len;
	request_answer(r, &a);
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
void client_take_answer(struct client *c, const struct frame *f)
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

/* --- the owner's side --- */

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
