/* Filling the history: a host that has journals, a store that has some of them, and what goes between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "link/link.h"
#include "table/server.h"
#include "tui/fill.h"

#define JOURNALS 4
#define PIECE_BYTES 65536u
#define LONG_BYTES (3u * 1024 * 1024) /* more than a FEED, and than what a fill holds */
#define WAIT_NS (10 * NS_PER_S)

struct journal {
	const char *name;
	size_t size; /* over there */
	size_t had;  /* by the store at the start */
	size_t has;  /* by the store now */
};

/* One side that the fill speaks to. */
struct peer {
	struct world *world;
	struct channel *channel;
	struct table_server *server;
	bool store;
};

/* A stream that is under way. */
struct sending {
	struct journal *journal; /* NULL: none */
	uint64_t offset, credit;
	uint32_t id;
};

struct world {
	uv_loop_t loop;
	struct hosts *hosts;
	struct peer peer[2]; /* the host, the store */
	struct journal journal[JOURNALS];
	struct sending sending;
	uv_timer_t answer; /* to a FEED: in another round of the loop */
	uint32_t feed;	   /* that waits for it; 0: none */
	unsigned feeds, streams, over;
	bool refuses;	 /* the store takes nothing */
	size_t lost_at;	 /* the host goes after so many bytes; 0: it stays */
	size_t sent;
	struct err error;
};

static struct world *the_world; /* link_open is told no more than a name */

static const struct column host_columns[] = {{"name", KIND_TEXT, 0, "", ""}, {"size", KIND_BYTES, 0, "", ""}};
static const struct table_type host_type = {"journals", "", "", host_columns, 2};
static const struct column store_columns[] = {{"host", KIND_TEXT, 0, "", ""}, {"journal", KIND_TEXT, 0, "", ""}, {"offset", KIND_BYTES, 0, "", ""}};
static const struct table_type store_type = {"journals", "", "", store_columns, 3};

static uint8_t byte_at(const struct journal *j, size_t offset)
{
	return (uint8_t)(offset * 31 + offset / 251 + (size_t)j->name[0]);
}

static struct journal *journal_find(struct world *w, struct str name)
{
	for (size_t i = 0; i < JOURNALS; i++)
		if (w->journal[i].name && str_is(name, w->journal[i].name))
			return &w->journal[i];
	fail_msg("there is no journal %.*s", (int)name.len, name.p);
	return NULL;
}

/* --- tables --- */

/* Another host has journals of the same names, of which the store has all: they are not this one's. */
static int peer_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e)
{
	const struct peer *p = arg;
	struct rowset *rows = rowset_new(p->store ? &store_type : &host_type);

	(void)channel;
	(void)e;
	assert_true(str_is(q->table, "journals"));
	for (size_t i = 0; i < JOURNALS && p->world->journal[i].name; i++) {
		const struct journal *j = &p->world->journal[i];
		if (p->store) {
			rowset_add(rows, (struct value[]){value_text("other"), value_text(j->name), value_count(j->size)});
			rowset_add(rows, (struct value[]){value_text("far"), value_text(j->name), value_count(j->had)});
		} else {
			rowset_add(rows, (struct value[]){value_text(j->name), value_count(j->size)});
		}
	}
	*t = rowset_table(rows, true);
	return 0;
}

/* --- the host --- */

static void peer_close(struct peer *p)
{
	if (!p->channel)
		return;
	table_server_drop(p->server, p->channel, UINT32_MAX);
	channel_close(p->channel);
	p->channel = NULL;
}

/* As much as the credit lets through. */
static void stream_go(struct world *w)
{
	struct sending *s = &w->sending;
	static uint8_t bytes[PIECE_BYTES];

	while (s->journal && s->credit > 0 && w->peer[0].channel) {
		size_t n = s->journal->size - s->offset;
		n = n < PIECE_BYTES ? n : PIECE_BYTES;
		n = n < s->credit ? n : s->credit;
		if (n == 0) {
			s->journal = NULL;
			assert_int_equal(channel_put_end(w->peer[0].channel, 0, s->id, &(struct msg_end){.offset = s->offset, .note = str_of("")}), 0);
			return;
		}
		for (size_t i = 0; i < n; i++)
			bytes[i] = byte_at(s->journal, s->offset + i);
		assert_int_equal(channel_put_data(w->peer[0].channel, 0, s->id,
						  &(struct msg_data){.offset = s->offset, .bytes = {(const char *)bytes, n}}), 0);
		s->offset += n;
		s->credit -= n;
		w->sent += n;
		if (w->lost_at && w->sent >= w->lost_at)
			peer_close(&w->peer[0]);
	}
}

static void on_stream(struct world *w, const struct frame *f)
{
	struct msg_stream *m = xcalloc(1, sizeof(*m));

	assert_int_equal(msg_get_stream(f->payload, f->len, m, NULL), 0);
	assert_int_equal(m->words.count, 2);
	assert_true(str_is(m->words.at[0], "journal"));
	assert_null(w->sending.journal); /* one after the other */
	w->sending = (struct sending){journal_find(w, m->words.at[1]), m->offset, m->credit, f->id};
	assert_int_equal(m->offset, w->sending.journal->had);
	w->streams++;
	free(m);
	stream_go(w);
}

static void on_credit(struct world *w, const struct frame *f)
{
	struct msg_credit m;

	assert_int_equal(msg_get_credit(f->payload, f->len, &m, NULL), 0);
	w->sending.credit += m.bytes;
	stream_go(w);
}

/* --- the store --- */

static void on_answer(uv_timer_t *timer)
{
	struct world *w = timer->data;
	const uint32_t id = w->feed;
	struct err e;

	w->feed = 0;
	if (!w->peer[1].channel)
		return;
	err_set(&e, ERR_REFUSED, "the disk of the history is full");
	if (w->refuses)
		channel_send_error(w->peer[1].channel, 0, id, &e);
	else
		channel_send_done(w->peer[1].channel, 0, id, "");
}

static void on_feed(struct world *w, const struct frame *f)
{
	struct msg_feed m;
	struct journal *j;

	assert_int_equal(msg_get_feed(f->payload, f->len, &m, NULL), 0);
	assert_true(str_is(m.host, "far"));
	assert_int_equal(w->feed, 0); /* the one before is on disk */
	j = journal_find(w, m.journal);
	assert_int_equal(m.offset, j->has);
	for (size_t i = 0; i < m.bytes.len; i++)
		if ((uint8_t)m.bytes.p[i] != byte_at(j, j->has + i))
			fail_msg("%s: byte %zu is another one", j->name, j->has + i);
	if (!w->refuses)
		j->has += m.bytes.len;
	w->feeds++;
	w->feed = f->id;
	uv_timer_start(&w->answer, on_answer, 2, 0);
}

/* --- both --- */

static void peer_message(void *arg, struct channel *c, const struct frame *f, const int *fd, size_t nfd)
{
	const struct msg_hello hello = {.protocol = WIRE_PROTOCOL, .program = str_of("x"), .version = str_of("x"), .host = str_of("far"),
					.user = str_of("x")};
	struct peer *p = arg;
	struct msg_query *q;

	(void)fd;
	assert_int_equal(nfd, 0);
	if (f->type == MSG_HELLO) {
		channel_put_hello(c, 0, 0, &hello);
	} else if (f->type == MSG_QUERY) {
		q = xcalloc(1, sizeof(*q));
		assert_int_equal(msg_get_query(f->payload, f->len, q, NULL), 0);
		table_server_query(p->server, c, f->channel, f->id, q);
		free(q);
	} else if (f->type == MSG_STREAM) {
		on_stream(p->world, f);
	} else if (f->type == MSG_CREDIT) {
		on_credit(p->world, f);
	} else if (f->type == MSG_FEED) {
		on_feed(p->world, f);
	} else if (f->type == MSG_CANCEL) {
		p->world->sending.journal = NULL;
	}
}

static void peer_gone(void *arg, struct channel *c, const struct err *e)
{
	(void)c;
	(void)e;
	peer_close(arg);
}

/* In place of the library's: "local" and "store" are the peers of this test. */
int link_open(const char *spec, struct link *l, struct err *e)
{
	static const struct channel_ops ops = {.message = peer_message, .gone = peer_gone};
	struct peer *p = &the_world->peer[strcmp(spec, "store") == 0];
	int fd[2];

	*l = (struct link){.fd = -1};
	if (fdio_socketpair(fd, e) < 0)
		return -1;
	fdio_set_nonblock(fd[0]);
	fdio_set_nonblock(fd[1]);
	p->channel = channel_new(&the_world->loop, fd[1], -1, &ops, p);
	l->fd = fd[0];
	return 0;
}

/* --- the tests --- */

static void on_over(void *arg, struct fill *f, const struct err *e)
{
	struct world *w = arg;

	(void)f;
	w->over++;
	w->error = *e;
}

static void world_start(struct world *w)
{
	static const struct table_server_ops ops = {.table = peer_table};

	*w = (struct world){0};
	the_world = w;
	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->answer);
	w->answer.data = w;
	for (int i = 0; i < 2; i++) {
		w->peer[i] = (struct peer){.world = w, .store = i == 1};
		w->peer[i].server = table_server_new(&w->loop, &ops, &w->peer[i]);
	}
	w->hosts = hosts_new(&w->loop, false, NULL, NULL);
	w->journal[0] = (struct journal){"all/tap.journal", 5000, 5000, 5000};
	w->journal[1] = (struct journal){"some/tap.journal", 9000, 4000, 4000};
	w->journal[2] = (struct journal){"none/reader.journal", LONG_BYTES, 0, 0};
}

static void world_stop(struct world *w)
{
	hosts_free(w->hosts);
	for (int i = 0; i < 2; i++) {
		peer_close(&w->peer[i]);
		table_server_free(w->peer[i].server);
	}
	uv_close((uv_handle_t *)&w->answer, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT); /* all that was begun is closed, or it would not end */
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static struct fill *start(struct world *w)
{
	return fill_start(w->hosts, hosts_get(w->hosts, "local"), on_over, w);
}

static void run_until(struct world *w, const unsigned *count)
{
	const int64_t until = clock_mono_ns() + WAIT_NS;

	while (*count == 0 && clock_mono_ns() < until)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_not_equal(*count, 0);
}

static void test_the_rest(void **state)
{
	struct world w;

	(void)state;
	world_start(&w);
	start(&w);
	assert_int_equal(w.over, 0); /* never from inside */
	run_until(&w, &w.over);
	assert_int_equal(w.error.code, ERR_NONE);
	assert_int_equal(w.streams, 2); /* what the store has is not asked for */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(w.journal[i].has, w.journal[i].size);
	assert_true(w.feeds >= 4);
	world_stop(&w);
}

static void test_refused(void **state)
{
	struct world w;

	(void)state;
	world_start(&w);
	w.refuses = true;
	start(&w);
	run_until(&w, &w.over);
	assert_non_null(strstr(w.error.text, "disk of the history is full"));
	assert_int_equal(w.feeds, 1);
	world_stop(&w);
}

static void test_lost(void **state)
{
	struct world w;

	(void)state;
	world_start(&w);
	w.lost_at = 200000;
	start(&w);
	run_until(&w, &w.over);
	assert_int_not_equal(w.error.code, ERR_NONE);
	assert_int_equal(w.over, 1);
	assert_true(w.journal[2].has < LONG_BYTES);
	world_stop(&w);
}

static void test_cancel(void **state)
{
	struct world w;
	struct fill *f;

	(void)state;
	world_start(&w);
	f = start(&w);
	run_until(&w, &w.feeds);
	fill_cancel(f);
	for (int i = 0; i < 50; i++)
		uv_run(&w.loop, UV_RUN_NOWAIT);
	assert_int_equal(w.over, 0);
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_rest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
