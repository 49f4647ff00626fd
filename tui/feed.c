#include "tui/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "hub.h"
#include "table/view.h"

#define FEED_READING_MS 500u	 /* how often a question that is asked once looks again while its file is still read */
#define FEED_FIRST_MS 50u	 /* how often any question looks again while its answer is being made and has no row yet */
#define FEED_COMPLETE_MS 3600000u /* and after that: so rarely, that the far side keeps the order for the next rows */
#define FEED_RETRY_FIRST_MS 1000u
#define FEED_RETRY_MAX_MS 60000u
#define LOCAL_STEP_NS NS_PER_S /* tables in this process are small */

struct feed {
	struct feed *next;
	struct hub *hub;
	struct route *route; /* NULL: a table of this process */
	struct table table;
	struct request *request;
	unsigned epoch; /* of the link that `request` was made on */
	uint32_t channel; /* and its channel there */
	uint32_t retry_ms; /* until it is asked by itself again; 0: nothing failed */
	int64_t retry_at_ns;
	struct feed_query query; /* texts owned */
	char **words;
	bool asked_once; /* there is a question */
	uint32_t period_ms; /* that the far side was asked for */
	bool fresh;	 /* the next window answers the user: taken even while paused */
	bool paused;
	enum feed_state state;
	struct window window;
	struct err error;
	uint64_t serial;
	unsigned held;
	unsigned round; /* of hub_each */
	feed_fn changed;
	void *arg;
};

static struct feed *feed_add(struct hub *hub, feed_fn changed, void *arg)
{
	struct feed *f = xcalloc(1, sizeof(*f));

	f->hub = hub;
	f->changed = changed;
	f->arg = arg;
	f->round = hub->round;
	f->next = hub->feeds;
	hub->feeds = f;
	return f;
}

struct feed *feed_new_on(struct hub *hub, const struct feed_link *link, const char *target, feed_fn changed, void *arg)
{
	struct feed *f = feed_add(hub, changed, arg);

	f->route = route_use(hub, link, target ? target : "");
	return f;
}

struct feed *feed_new_table(struct hub *hub, const struct table *t, feed_fn changed, void *arg)
{
	struct feed *f = feed_add(hub, changed, arg);

	f->table = *t;
	return f;
}

static char *text_owned(const char *text)
{
	return xstrdup(text ? text : "");
}

static void query_release(struct feed *f)
{
	const char *const text[] = {f->query.table, f->query.columns, f->query.filter, f->query.bpf, f->query.sort};

	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		free((char *)(uintptr_t)text[i]);
	for (size_t i = 0; i < f->query.nwords; i++)
		free(f->words[i]);
	free(f->words);
	f->words = NULL;
	f->query = (struct feed_query){0};
}

static void query_copy(struct feed *f, const struct feed_query *q)
{
	struct feed_query copy = *q;
	char **words = xcalloc(q->nwords + 1, sizeof(*words));

	copy.table = text_owned(q->table);
	copy.columns = text_owned(q->columns);
	copy.filter = text_owned(q->filter);
	copy.bpf = text_owned(q->bpf);
	copy.sort = text_owned(q->sort);
	for (size_t i = 0; i < q->nwords; i++)
		words[i] = xstrdup(q->words[i]);
	query_release(f);
	f->query = copy;
	f->words = words;
	f->query.words = (const char *const *)words;
}

void feed_free(struct feed *f)
{
	struct feed **at;

	if (!f)
		return;
	if (f->request)
		client_cancel(f->request);
	for (at = &f->hub->feeds; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	if (f->route)
		route_leave(f->hub, f->route);
	query_release(f);
	window_release(&f->window);
	free(f);
}

/* The feed may be gone after it. */
static void feed_say(struct feed *f)
{
	struct hub *hub = f->hub;
	bool asked = f->fresh;

	f->fresh = false;
	if (f->changed)
		f->changed(f->arg, f);
	if (hub->dirty)
		hub->dirty(hub->arg, asked);
}

/* What came and stopped coming (a daemon that died, a reader that is begun again) is asked for again by itself, ever more seldom. */
static void feed_retry_later(struct feed *f, const struct err *e)
{
	if (e->code != ERR_REFUSED || f->serial == 0 || f->query.period_ms == 0 || !f->route)
		return;
	f->retry_ms = f->retry_ms == 0 ? FEED_RETRY_FIRST_MS : f->retry_ms * 2;
	if (f->retry_ms > FEED_RETRY_MAX_MS)
		f->retry_ms = FEED_RETRY_MAX_MS;
	f->retry_at_ns = clock_mono_ns() + f->retry_ms * NS_PER_MS;
}

static void feed_fail(struct feed *f, const struct err *e)
{
	f->request = NULL;
	feed_retry_later(f, e);
	f->error = f->route && f->route->error.code != ERR_NONE ? f->route->error : *e;
	f->state = FEED_FAILED;
	if (f->route && !f->route->link.up(f->route->link.arg) && f->serial > 0)
		f->state = FEED_STALE;
	feed_say(f);
}

static void feed_send(struct feed *f);

/* How often the far side shall answer, by what it answered last. */
static uint32_t feed_period(const struct feed *f)
{
	const bool reading = f->window.state == WINDOW_READING;
	uint32_t period_ms = f->query.period_ms ? f->query.period_ms : reading ? FEED_READING_MS : FEED_COMPLETE_MS;

	return reading && f->window.total == 0 && period_ms > FEED_FIRST_MS ? FEED_FIRST_MS : period_ms;
}

static void feed_take(struct feed *f, const struct msg_window *m)
{
	struct window w = {0};
	struct err e = {0};

	if (!f->fresh && feed_paused(f)) {
		f->held++;
		return;
	}
	if (window_read(&w, m, &e) < 0) {
		window_release(&w);
		client_cancel(f->request);
		feed_fail(f, &e);
		return;
	}
	window_release(&f->window);
	f->window = w;
	f->serial++;
	f->state = FEED_READY;
	f->retry_ms = 0;
	f->retry_at_ns = 0;
	err_clear(&f->error);
	if (f->request && feed_period(f) != f->period_ms)
		feed_send(f);
	feed_say(f);
}

static void feed_answer(void *arg, struct request *r, const struct answer *a)
{
	struct feed *f = arg;

	(void)r;
	if (a->last)
		f->request = NULL;
	if (a->error)
		feed_fail(f, a->error);
	else if (a->window)
		feed_take(f, a->window);
}

static void feed_send(struct feed *f)
{
	uint32_t channel = 0;
	struct err e = {0};
	struct client *c = route_client(f->route, &channel, &e);
	struct msg_query m;

	if (!c) {
		feed_fail(f, &e);
		return;
	}
	f->period_ms = feed_period(f);
	m = (struct msg_query){
		.table = str_of(f->query.table),
		.columns = str_of(f->query.columns),
		.filter = str_of(f->query.filter),
		.bpf = str_of(f->query.bpf),
		.sort = str_of(f->query.sort),
		.first = f->query.first,
		.count = f->query.count,
		.period_ms = f->period_ms,
		.flags = f->query.flags,
	};
	if (msg_strs(&m.words, f->query.words, f->query.nwords) < 0) {
		err_set(&e, ERR_CALL, "%s was asked with more than %u words", f->query.table, MSG_STRS_MAX);
		feed_fail(f, &e);
		return;
	}
	if (f->request && f->epoch == f->route->link.epoch(f->route->link.arg)) {
		client_requery(f->request, &m);
		return;
	}
	f->epoch = f->route->link.epoch(f->route->link.arg);
	f->channel = channel;
	f->request = client_query(c, channel, &m, feed_answer, f);
}

static void feed_compute(struct feed *f)
{
	struct err e = {0};
	struct window w = {0};

	if (window_of_table(&f->table, &f->query, &w, &e) < 0) {
		feed_fail(f, &e);
		return;
	}
	window_release(&f->window);
	f->window = w;
	f->serial++;
	f->state = FEED_READY;
	err_clear(&f->error);
	feed_say(f);
}

static void feed_go(struct feed *f)
{
	f->asked_once = true;
	f->fresh = true;
	if (f->state == FEED_IDLE || f->state == FEED_FAILED)
		f->state = FEED_WAITING;
	if (f->route)
		feed_send(f);
	else
		feed_compute(f);
}

void feed_ask(struct feed *f, const struct feed_query *q)
{
	query_copy(f, q);
	feed_go(f);
}

void feed_again(struct feed *f)
{
	if (!f->asked_once)
		return;
	if (!f->route && feed_paused(f)) {
		f->held++;
		return;
	}
	feed_go(f);
}

void feed_cancel(struct feed *f)
{
	if (f->request)
		client_cancel(f->request);
	f->request = NULL;
}

enum feed_state feed_state(const struct feed *f)
{
	return f->state;
}

const struct window *feed_window(const struct feed *f)
{
	return &f->window;
}

const struct err *feed_error(const struct feed *f)
{
	return &f->error;
}

uint64_t feed_serial(const struct feed *f)
{
	return f->serial;
}

unsigned feed_held(const struct feed *f)
{
	return f->held;
}

bool feed_paused(const struct feed *f)
{
	return f->paused || f->hub->paused;
}

/* What was held back is out of date: the newest is asked for. */
static void feed_resume(struct feed *f)
{
	if (f->held == 0 || feed_paused(f))
		return;
	f->held = 0;
	feed_again(f);
}

void feed_pause(struct feed *f, bool paused)
{
	f->paused = paused;
	feed_resume(f);
}

/* --- the hub --- */

void hub_init(struct hub *h, void (*dirty)(void *arg, bool asked), void *arg)
{
	*h = (struct hub){.dirty = dirty, .arg = arg};
}

void hub_release(struct hub *h)
{
	while (h->feeds)
		feed_free(h->feeds); /* NOLINT(clang-analyzer-unix.Malloc): it takes itself off this list */
}

/* A callback may free feeds and make new ones: after each the search begins anew. */
static void hub_each(struct hub *h, const void *link_arg, void (*fn)(struct feed *f))
{
	struct feed *f = h->feeds;

	h->round++;
	while (f) {
		if (f->round == h->round) {
			f = f->next;
			continue;
		}
		f->round = h->round;
		if (!link_arg || (f->route && f->route->link.arg == link_arg))
			fn(f);
		f = h->feeds;
	}
}

void hub_pause(struct hub *h, bool paused)
{
	h->paused = paused;
	if (!paused)
		hub_each(h, NULL, feed_resume);
}

bool hub_settled(const struct hub *h)
{
	for (const struct feed *f = h->feeds; f; f = f->next)
		if (f->state == FEED_WAITING || (f->request && f->fresh && f->state == FEED_READY))
			return false;
	return true;
}

unsigned hub_held(const struct hub *h)
{
	unsigned held = 0;

	for (const struct feed *f = h->feeds; f; f = f->next)
		held = f->held > held ? f->held : held;
	return held;
}

static void feed_link_changed(struct feed *f)
{
	const struct feed_link *link = &f->route->link;

	if (!link->up(link->arg)) {
		f->request = NULL;
		if (f->state == FEED_READY)
			f->state = FEED_STALE;
		if (f->state == FEED_STALE)
			f->error = *link->error(link->arg);
		return;
	}
	if (f->asked_once && !f->request && f->epoch != link->epoch(link->arg))
		feed_send(f);
}

void hub_link_changed(struct hub *h, const void *link_arg)
{
	for (struct route *r = h->routes; r; r = r->next) {
		if (r->link.arg == link_arg && !r->link.up(r->link.arg))
			r->opening = NULL;
	}
	hub_each(h, link_arg, feed_link_changed);
}

static void feed_retry(struct feed *f)
{
	if (f->route && f->asked_once && !f->request && (f->state == FEED_FAILED || f->state == FEED_STALE))
		feed_go(f);
}

void hub_retry(struct hub *h)
{
	hub_each(h, NULL, feed_retry);
}

static void feed_tick(struct feed *f)
{
	if (!f->retry_at_ns || f->request || !f->route->link.up(f->route->link.arg) || clock_mono_ns() < f->retry_at_ns)
		return;
	f->retry_at_ns = 0;
	route_renew(f->route, f->channel);
	feed_send(f);
}

void hub_tick(struct hub *h)
{
	hub_each(h, NULL, feed_tick);
}

/* --- tables of this process --- */

static int rows_put(struct buf *out, const struct table *t, const struct view *v, const struct msg_window *m,
		    const unsigned *column, unsigned ncolumns)
{
	for (uint64_t i = 0; i < m->count; i++) {
		uint64_t row = view_row(v, m->first + i);
		for (unsigned c = 0; c < ncolumns; c++) {
			struct value value = t->cell(t->data, row, column[c]);
			if (row_put_cell(out, &value) < 0)
				return -1;
		}
	}
	return 0;
}

int window_of_table(const struct table *t, const struct feed_query *q, struct window *w, struct err *e)
{
	unsigned column[TABLE_COLUMNS_MAX];
	int ncolumns = view_columns(t->type, str_of(q->columns ? q->columns : ""), column, e);
	struct msg_window m = {.table = str_of(t->type->name), .first = q->first};
	struct buf columns, rows;
	struct view *v;
	int result = -1;

	if (ncolumns < 0)
		return -1;
	v = view_new(t, str_of(q->filter ? q->filter : ""), str_of(q->sort ? q->sort : ""), NULL, NULL, e);
	if (!v)
		return -1;
	buf_init(&columns, MSG_PAYLOAD_MAX);
	buf_init(&rows, MSG_PAYLOAD_MAX);
	while (!view_step(v, LOCAL_STEP_NS, true))
		;
	m.total = view_total(v);
	m.first = m.first > m.total ? m.total : m.first;
	m.count = m.total - m.first < q->count ? (uint32_t)(m.total - m.first) : q->count;
	if (row_put_columns(&columns, t->type, column, (unsigned)ncolumns) < 0 ||
	    rows_put(&rows, t, v, &m, column, (unsigned)ncolumns) < 0) {
		err_set(e, ERR_PART, "%s has more than fits into one window: a filter makes it smaller", t->type->name);
		goto out;
	}
	m.columns = (struct str){(const char *)columns.data, columns.len};
	m.rows = (struct str){(const char *)rows.data, rows.len};
	result = window_read(w, &m, e);
out:
	view_free(v);
	buf_release(&columns);
	buf_release(&rows);
	return result;
}
