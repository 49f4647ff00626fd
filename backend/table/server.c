#include "ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

#define SLICE_NS (5 * NS_PER_MS) /* work before the loop serves its descriptors again */
#define WAKE_MS 20u  /* rows that came are looked at after this, together with those that follow */
#define RETRY_MS 20u /* an answer that waits for a congested channel */
#define LOAD 4	     /* a snapshot takes a quarter of the time at most, however short its period */
#define KEPT_NS                                                                                    \
	(30 * NS_PER_S) /* the order of an answered table waits so long for its next rows to be    \
			   asked for */

struct table_server {
	uv_timer_t timer; /* the next thing that is due */
	uv_idle_t idle;	  /* runs while anybody works: a timer of 0 ms would keep the loop from its
			     descriptors */
	unsigned handles;
	const struct table_server_ops *ops;
	void *arg;
	struct ask *asks;
	struct ask *turn; /* whose slice is next; NULL: the first */
	size_t count;
	int64_t worked_ns; /* when it last had something to do */
};

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

/* --- the list --- */

static void ask_remove(struct table_server *s, struct ask *a)
{
	struct ask **at = &s->asks;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	if (s->turn == a)
		s->turn = a->next;
	s->count--;
	ask_release(a);
}

static struct ask *ask_find(const struct table_server *s, const struct channel *c, uint32_t channel,
			    uint32_t id)
{
	for (struct ask *a = s->asks; a; a = a->next)
		if (a->c == c && a->channel == channel && a->id == id)
			return a;
	return NULL;
}

/* --- when --- */

static bool ask_works(const struct ask *a)
{
	return a->step == STEP_VIEW || a->step == STEP_ENCODE;
}

static void server_schedule(struct table_server *s)
{
	const int64_t now = clock_mono_ns();
	int64_t next = INT64_MAX;
	bool works = false;

	for (const struct ask *a = s->asks; a; a = a->next) {
		works = works || ask_works(a);
		if (!ask_works(a) && a->due_ns < next)
			next = a->due_ns;
	}
	/* Starting fails for closing handles only. */
	if (works)
		(void)uv_idle_start(&s->idle, on_idle);
	else
		(void)uv_idle_stop(&s->idle);
	if (next == INT64_MAX)
		(void)uv_timer_stop(&s->timer);
	else
		(void)uv_timer_start(&s->timer, on_timer,
				     next <= now ? 1 : (uint64_t)((next - now) / NS_PER_MS + 1), 0);
}

static void ask_begin(struct ask *a, bool resort)
{
	a->step = STEP_VIEW;
	a->fresh = true;
	a->resort = resort;
	a->wants_rows = false;
	a->worked_ns = 0;
	a->begun_ns = clock_mono_ns();
}

static void ask_wait(struct ask *a, int64_t ns)
{
	a->step = STEP_WAIT;
	a->due_ns = ns == INT64_MAX ? INT64_MAX : clock_mono_ns() + ns;
}

/* --- one answer --- */

static struct table_state state_of(const struct table_server *s, const struct ask *a)
{
	struct table_state state = {.state = WINDOW_COMPLETE};

	if (s->ops->state)
		s->ops->state(s->arg, a->channel, &a->source, &state);
	return state;
}

/* Only where cells are final: the first connections of a file still grow with its last packets. */
static bool first_rows_suffice(const struct ask *a)
{
	return a->source.fixed && !a->filter[0] && !a->bpf[0] && !a->sort[0] &&
	       view_total(a->view) >= a->first + (uint64_t)a->count &&
	       a->first + (uint64_t)a->count >= a->first;
}

/* What comes after an answer: the next period, the next rows, or nothing. true: the request is done
 * with. */
static bool ask_answered(struct ask *a)
{
	const int64_t period = (int64_t)a->period_ms * NS_PER_MS;
	const int64_t rest = a->begun_ns + period - clock_mono_ns();
	const int64_t breath = a->worked_ns * (LOAD - 1);

	buf_clear(&a->rows);
	if (a->period_ms > 0) {
		ask_wait(a, rest > breath ? rest : breath);
		return false;
	}
	if (a->first + a->encoded >= view_total(a->view))
		return true;
	ask_wait(a, KEPT_NS);
	a->step = STEP_KEPT;
	return false;
}

/* One answer of a table that is still being read: filter and order wait for its cells to be final.
 */
static bool must_wait(const struct table_server *s, const struct ask *a)
{
	if (a->period_ms > 0 || state_of(s, a).state != WINDOW_READING)
		return false;
	return a->filter[0] || a->sort[0] || !first_rows_suffice(a);
}

static void step_view(const struct table_server *s, struct ask *a)
{
	const bool resort = a->fresh && a->resort;
	const bool unread = (a->filter[0] || a->sort[0]) && must_wait(s, a);

	a->fresh = false;
	if (!unread && !view_step(a->view, SLICE_NS, resort))
		return;
	if (unread || must_wait(s, a)) {
		ask_wait(a, INT64_MAX);
		a->wants_rows = true;
		return;
	}
	a->step = STEP_ENCODE;
	a->encoded = 0;
	a->version = ask_version(a);
	buf_clear(&a->rows);
}

/* true: the request is done with. */
static bool step_encode(const struct table_server *s, struct ask *a)
{
	const int64_t begun = clock_mono_ns();
	struct table_state state;
	bool all;

	if (a->version != ask_version(a)) { /* rows moved under it */
		ask_begin(a, false);
		return false;
	}
	all = ask_encode(a, begun + SLICE_NS);
	a->worked_ns += clock_mono_ns() - begun;
	if (!all)
		return false;
	state = state_of(s, a);
	if (ask_send(a, &state) == 0)
		return ask_answered(a);
	ask_wait(a, INT64_MAX); /* the channel is given up: its owner will drop all that it asked */
	return false;
}

/* One slice. true: the request is done with. */
static bool ask_work(const struct table_server *s, struct ask *a)
{
	const int64_t begun = clock_mono_ns();

	if (channel_congested(a->c)) {
		ask_wait(a,
			 (a->period_ms > RETRY_MS ? (int64_t)a->period_ms : RETRY_MS) * NS_PER_MS);
		return false;
	}
	if (a->step == STEP_VIEW)
		step_view(s, a);
	a->worked_ns += clock_mono_ns() - begun;
	if (a->step != STEP_ENCODE || clock_mono_ns() - begun >= SLICE_NS)
		return false;
	return step_encode(s, a);
}

/* Waiting requests whose time has come. */
static void server_due(struct table_server *s)
{
	const int64_t now = clock_mono_ns();
	struct ask *next;

	for (struct ask *a = s->asks; a; a = next) {
		next = a->next;
		if (ask_works(a) || a->due_ns > now)
			continue;
		if (a->step == STEP_KEPT)
			ask_remove(s, a);
		else
			ask_begin(a, a->period_ms > 0);
	}
}

/* The next that works, from whose turn it is, round to the start. */
static struct ask *next_worker(const struct table_server *s)
{
	for (struct ask *a = s->turn; a; a = a->next)
		if (ask_works(a))
			return a;
	for (struct ask *a = s->asks; a && a != s->turn; a = a->next)
		if (ask_works(a))
			return a;
	return NULL;
}

static void on_timer(uv_timer_t *timer)
{
	struct table_server *s = timer->data;

	server_due(s);
	server_schedule(s);
}

static void on_idle(uv_idle_t *idle)
{
	struct table_server *s = idle->data;
	const int64_t until = clock_mono_ns() + SLICE_NS;
	struct ask *a;

	do {
		a = next_worker(s);
		if (!a)
			break;
		s->turn = a->next;
		if (ask_work(s, a))
			ask_remove(s, a);
	} while (clock_mono_ns() < until);
	s->worked_ns = clock_mono_ns();
	server_schedule(s);
}

/* --- questions --- */

static void window_set(struct ask *a, const struct msg_query *q)
{
	a->first = q->first;
	a->count = q->count;
	a->period_ms = q->period_ms;
}

/* Another window of what is there: kept are filter and order. */
static int ask_again(struct ask *a, const struct msg_query *q, struct err *e)
{
	const bool works = a->step == STEP_VIEW;

	if (ask_columns(a, q->columns, e))
		return -1;
	window_set(a, q);
	if (!works)
		ask_begin(a, false);
	return 0;
}

static struct ask *ask_new(const struct table_server *s, struct channel *c, uint32_t channel,
			   uint32_t id, const struct msg_query *q, struct err *e)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	*a = (struct ask){
		.c = c,
		.channel = channel,
		.id = id,
		.table = ask_copy(q->table),
		.words = ask_words(&q->words),
		.filter = ask_copy(q->filter),
		.bpf = ask_copy(q->bpf),
		.sort = ask_copy(q->sort),
		.flags = q->flags,
	};
	buf_init(&a->rows, MSG_PAYLOAD_MAX - MSG_PAYLOAD_MAX / 4);
	window_set(a, q);
	if (s->ops->table(s->arg, channel, q, &a->source, e))
		goto failed;
	if (ask_columns(a, q->columns, e))
		goto failed;
	a->view = view_new(&a->source, q->filter, q->sort, a->source.keep, a->source.data, e);
	if (!a->view)
		goto failed;
	ask_begin(a, false);
	return a;
failed:
	ask_release(a);
	return NULL;
}

/* true: the question was one about the same rows, and is taken care of. */
static bool query_again(struct table_server *s, struct ask *a, const struct msg_query *q)
{
	struct err e;

	if (!ask_is(a, q))
		return false;
	if (ask_again(a, q, &e)) {
		(void)channel_send_error(a->c, a->channel, a->id,
					 &e); /* -1: its owner hears that it is gone */
		ask_remove(s, a);
	}
	return true;
}

void table_server_query(struct table_server *s, struct channel *c, uint32_t channel, uint32_t id,
			const struct msg_query *q)
{
	struct ask *a = ask_find(s, c, channel, id);
	struct err e;

	if (a && query_again(s, a, q))
		goto out;
	if (a)
		ask_remove(s, a);
	a = NULL;
	err_clear(&e);
	if (s->count >= TABLE_REQUESTS_MAX)
		err_set(&e, ERR_PART,
			"more than %u questions at once: close some panes or connections",
			TABLE_REQUESTS_MAX);
	else
		a = ask_new(s, c, channel, id, q, &e);
	if (!a) {
		(void)channel_send_error(c, channel, id,
					 &e); /* -1: its owner hears that it is gone */
		goto out;
	}
	a->next = s->asks;
	s->asks = a;
	s->count++;
out:
	server_schedule(s);
}

void table_server_cancel(struct table_server *s, struct channel *c, uint32_t channel, uint32_t id)
{
	struct ask *a = ask_find(s, c, channel, id);

	if (a)
		ask_remove(s, a);
	server_schedule(s);
}

void table_server_drop(struct table_server *s, struct channel *c, uint32_t channel)
{
	struct ask *next;

	for (struct ask *a = s->asks; a; a = next) {
		next = a->next;
		if ((!c || a->c == c) && (channel == UINT32_MAX || a->channel == channel))
			ask_remove(s, a);
	}
	server_schedule(s);
}

static void server_wake(struct table_server *s, int64_t after_ns)
{
	const int64_t due = clock_mono_ns() + after_ns;
	bool any = false;

	for (struct ask *a = s->asks; a; a = a->next) {
		if (!a->wants_rows || a->due_ns <= due)
			continue;
		a->due_ns = due;
		any = true;
	}
	if (any)
		server_schedule(s);
}

void table_server_wake(struct table_server *s)
{
	server_wake(s, WAKE_MS * NS_PER_MS);
}

void table_server_complete(struct table_server *s)
{
	server_wake(s, 0);
}

bool table_server_watched(const struct table_server *s)
{
	const struct ask *a = s->asks;

	while (a && a->period_ms == 0)
		a = a->next;
	return a;
}

bool table_server_idle(const struct table_server *s)
{
	for (const struct ask *a = s->asks; a; a = a->next)
		if (ask_works(a) || a->wants_rows)
			return false;
	return true;
}

int64_t table_server_worked_ns(const struct table_server *s)
{
	return s->worked_ns;
}

struct table_server *table_server_new(uv_loop_t *loop, const struct table_server_ops *ops,
				      void *arg)
{
	struct table_server *s = xcalloc(1, sizeof(*s));

	s->ops = ops;
	s->arg = arg;
	(void)uv_timer_init(loop, &s->timer); /* always 0, as the next */
	(void)uv_idle_init(loop, &s->idle);
	s->timer.data = s->idle.data = s;
	s->handles = 2;
	return s;
}

static void on_closed(uv_handle_t *handle)
{
	struct table_server *s = handle->data;

	if (--s->handles == 0)
		free(s);
}

void table_server_free(struct table_server *s)
{
	if (!s)
		return;
	while (s->asks)
		ask_remove(s, s->asks);
	uv_close((uv_handle_t *)&s->timer, on_closed);
	uv_close((uv_handle_t *)&s->idle, on_closed);
}
