#include "tui/fill.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "table/row.h"

#define JOURNALS_MAX 65536u	       /* of one host, looked at in one go; the rest the next time */
#define FILL_FEED_BYTES (1024u * 1024) /* of one FEED */
#define FILL_HELD_BYTES (256u * 1024)  /* of the stream, while the store writes: past it the host waits */

/* One journal after the other. One FEED is on its way at most: what comes meanwhile waits here, within the credit of a
 * stream. */
struct fill {
	struct hosts *hosts;
	struct host *host;
	fill_fn done;
	void *arg;
	uv_timer_t later; /* says the end from the loop, never from inside fill_start */
	unsigned host_epoch, store_epoch;
	struct request *asked;	/* of the host: its journals, then a stream */
	struct request *feeding; /* of the store */
	struct window there;	 /* journals of the host */
	struct window here;	 /* what the store has of them */
	uint32_t next;		 /* row of `there` */
	char *journal;
	struct buf bytes;  /* of it, not yet fed */
	uint64_t offset;   /* of the first of them */
	uint32_t fed;	   /* bytes of the FEED on its way */
	bool stream_ended;
	bool over;
	struct err error;
};

static void fill_next(struct fill *f);

static void on_later_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The client that a request was made with; NULL when it is gone, and the request with it. */
static struct client *fill_client(const struct fill *f, bool store)
{
	struct host *h = store ? hosts_get(f->hosts, "store") : f->host;

	if (host_state(h) == HOST_FAILED || host_state(h) == HOST_RETRY || host_state(h) == HOST_IDLE)
		return NULL;
	return host_epoch(h) == (store ? f->store_epoch : f->host_epoch) ? host_client(h, NULL) : NULL;
}

static void fill_release(struct fill *f)
{
	if (f->asked && fill_client(f, false))
		client_cancel(f->asked);
	if (f->feeding && fill_client(f, true))
		client_cancel(f->feeding);
	f->asked = f->feeding = NULL;
	window_release(&f->there);
	window_release(&f->here);
	buf_release(&f->bytes);
	free(f->journal);
	f->journal = NULL;
	uv_close((uv_handle_t *)&f->later, on_later_closed);
}

void fill_cancel(struct fill *f)
{
	if (f)
		fill_release(f);
}

static void on_over(uv_timer_t *timer)
{
	struct fill *f = timer->data;

	if (f->done)
		f->done(f->arg, f, &f->error);
	fill_release(f);
}

static void fill_over(struct fill *f, const struct err *e)
{
	if (f->over)
		return;
	f->over = true;
	if (e)
		f->error = *e;
	uv_timer_start(&f->later, on_over, 0, 0);
}

/* Bytes of a journal that the store has. */
static uint64_t fill_offset(const struct fill *f, const char *journal)
{
	const char *host = client_host(fill_client(f, false));
	int name = window_column(&f->here, "journal"), of = window_column(&f->here, "host");
	int offset = window_column(&f->here, "offset");

	for (uint32_t i = 0; i < f->here.rows; i++) {
		struct value v = window_cell(&f->here, i, name), h = window_cell(&f->here, i, of);
		struct value o = window_cell(&f->here, i, offset);

		if (v.type == VALUE_TEXT && str_is(v.s, journal) && h.type == VALUE_TEXT && str_is(h.s, host) &&
		    o.type == VALUE_INT && o.i > 0)
			return (uint64_t)o.i;
	}
	return 0;
}

static void on_fed(void *arg, struct request *r, const struct answer *a);

/* The next FEED, or the next journal where all of this one is on the store's disk. */
static void fill_go(struct fill *f)
{
	struct client *store = fill_client(f, true), *host = fill_client(f, false);
	struct msg_feed m = {.offset = f->offset};

	if (f->feeding || f->over)
		return;
	if (!store || !host) {
		fill_over(f, host_error(store ? f->host : hosts_get(f->hosts, "store")));
		return;
	}
	if (f->bytes.len == 0) {
		if (f->stream_ended)
			fill_next(f);
		return;
	}
	f->fed = (uint32_t)(f->bytes.len < FILL_FEED_BYTES ? f->bytes.len : FILL_FEED_BYTES);
	m.host = str_of(client_host(host));
	m.journal = str_of(f->journal);
	m.bytes = (struct str){(const char *)f->bytes.data, f->fed};
	f->feeding = client_feed(store, &m, on_fed, f);
}

static void on_fed(void *arg, struct request *r, const struct answer *a)
{
	struct fill *f = arg;

	(void)r;
	f->feeding = NULL;
	if (a->error) {
		fill_over(f, a->error);
		return;
	}
	buf_consume(&f->bytes, f->fed);
	f->offset += f->fed;
	if (f->asked && f->bytes.len < FILL_HELD_BYTES)
		client_stream_hold(f->asked, false);
	fill_go(f);
}

static void on_journal(void *arg, struct request *r, const struct answer *a)
{
	struct fill *f = arg;

	(void)r;
	if (a->last) {
		f->asked = NULL;
		f->stream_ended = true;
	}
	if (f->over)
		return;
	if (a->error) {
		fill_over(f, a->error);
		return;
	}
	if (a->data && buf_add(&f->bytes, a->data->bytes.p, a->data->bytes.len)) {
		err_set(&f->error, ERR_REFUSED, "%s sends more of a journal than it was asked for", host_name(f->host));
		fill_over(f, NULL);
		return;
	}
	if (f->asked && f->bytes.len >= FILL_HELD_BYTES)
		client_stream_hold(f->asked, true);
	fill_go(f);
}

static void fill_stream(struct fill *f, uint64_t offset)
{
	const char *const words[] = {"journal", f->journal};

	buf_clear(&f->bytes);
	f->offset = offset;
	f->stream_ended = false;
	f->asked = client_stream(fill_client(f, false), 0, words, ARRAY_LEN(words), offset, on_journal, f);
}

static void fill_next(struct fill *f)
{
	int name = window_column(&f->there, "name"), bytes = window_column(&f->there, "size");

	for (; fill_client(f, false) && f->next < f->there.rows; f->next++) {
		struct value v = window_cell(&f->there, f->next, name), size = window_cell(&f->there, f->next, bytes);
		uint64_t offset;

		if (v.type != VALUE_TEXT || size.type != VALUE_INT)
			continue;
		free(f->journal);
		f->journal = xstrndup(v.s.p, v.s.len);
		offset = fill_offset(f, f->journal);
		if (offset >= (uint64_t)size.i)
			continue;
		f->next++;
		fill_stream(f, offset);
		return;
	}
	fill_over(f, fill_client(f, false) ? NULL : host_error(f->host));
}

/* An answer to `journals`; true: the window is there. */
static bool fill_take(struct fill *f, struct window *w, const struct answer *a)
{
	struct err e;

	if (a->error) {
		fill_over(f, a->error);
		return false;
	}
	if (window_read(w, a->window, &e) == 0)
		return true;
	fill_over(f, &e);
	return false;
}

static void on_here(void *arg, struct request *r, const struct answer *a)
{
	struct fill *f = arg;

	(void)r;
	f->feeding = NULL;
	if (fill_take(f, &f->here, a))
		fill_next(f);
}

static void on_there(void *arg, struct request *r, const struct answer *a)
{
	const struct msg_query q = {.table = str_of("journals"), .count = JOURNALS_MAX};
	struct fill *f = arg;
	struct client *store;

	(void)r;
	f->asked = NULL;
	if (!fill_take(f, &f->there, a))
		return;
	store = fill_client(f, true);
	if (!store)
		fill_over(f, host_error(hosts_get(f->hosts, "store")));
	else
		f->feeding = client_query(store, 0, &q, on_here, f);
}

struct fill *fill_start(struct hosts *hosts, struct host *host, fill_fn done, void *arg)
{
	const struct msg_query q = {.table = str_of("journals"), .count = JOURNALS_MAX};
	struct host *store = hosts_get(hosts, "store");
	struct fill *f = xcalloc(1, sizeof(*f));
	struct client *client;
	struct err e;

	f->hosts = hosts;
	f->host = host;
	f->done = done;
	f->arg = arg;
	buf_init(&f->bytes, MSG_PAYLOAD_MAX * 2);
	uv_timer_init(hosts_loop(hosts), &f->later);
	f->later.data = f;
	client = host_client(host, &e);
	if (!client || !host_client(store, &e)) {
		fill_over(f, &e);
		return f;
	}
	f->host_epoch = host_epoch(host);
	f->store_epoch = host_epoch(store);
	f->asked = client_query(client, 0, &q, on_there, f);
	return f;
}
