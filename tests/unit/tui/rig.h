/* A console without a terminal, and a far side that serves a table of any length over a socket pair. */
#ifndef TESTS_UNIT_TUI_RIG_H
#define TESTS_UNIT_TUI_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../tui/app_private.h"
#include "../../../tui/list_private.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "table/server.h"

struct rig {
	struct app *app;
	struct channel *far;
	struct table_server *server;
	struct client *client;
	unsigned epoch;
	bool up;
	struct err down;
	uint64_t rows;	/* of the far table */
	int64_t salt;	/* moves the values of column `size` */
	uint64_t version;
	bool reading; /* rows may still come */
	unsigned queries;
	struct feed_link link;
	char name[64];
};

static const struct column rig_columns[] = {
	{"number", KIND_COUNT, 0, "", "counts from 1"},
	{"size", KIND_BYTES, 0, "", "scattered"},
	{"info", KIND_TEXT, 0, "", "words"},
};
static const struct table_type rig_type = {"things", "things", "", rig_columns, 3};

static uint64_t rig_rows(void *data)
{
	return ((struct rig *)data)->rows;
}

static uint64_t rig_version(void *data)
{
	return ((struct rig *)data)->version;
}

static struct value rig_cell(void *data, uint64_t row, unsigned column)
{
	struct rig *r = data;

	if (column == 0)
		return value_count(row + 1);
	if (column == 1)
		return value_count((row * 7919 + (uint64_t)r->salt) % 100003);
	snprintf(r->name, sizeof(r->name), row % 1000 == 999 ? "needle %llu" : "hay %llu", (unsigned long long)row + 1);
	return value_text(r->name);
}

static int rig_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e)
{
	struct rig *r = arg;

	(void)channel;
	r->queries++;
	if (!str_is(q->table, "things"))
		return err_set(e, ERR_ABSENT, "there is no table '%.*s'", (int)q->table.len, q->table.p);
	*t = (struct table){.type = &rig_type, .data = r, .rows = rig_rows, .version = rig_version, .cell = rig_cell};
	return 0;
}

static void rig_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s)
{
	const struct rig *r = arg;

	(void)channel;
	(void)t;
	s->state = r->reading ? WINDOW_READING : WINDOW_COMPLETE;
}

static void rig_message(void *arg, struct channel *c, const struct frame *f, const int *fd, size_t nfd)
{
	struct rig *r = arg;
	struct msg_query q;
	struct msg_hello hello = {.protocol = WIRE_PROTOCOL};
	struct err e;

	(void)fd;
	(void)nfd;
	hello.program = hello.version = hello.host = hello.user = str_of("far");
	if (f->type == MSG_HELLO)
		channel_put_hello(c, 0, 0, &hello);
	else if (f->type == MSG_QUERY && msg_get_query(f->payload, f->len, &q, &e) == 0)
		table_server_query(r->server, c, f->channel, f->id, &q);
	else if (f->type == MSG_CANCEL)
		table_server_cancel(r->server, c, f->channel, f->id);
}

static void rig_gone(void *arg, struct channel *c, const struct err *e)
{
	struct rig *r = arg;

	(void)e;
	table_server_drop(r->server, c, UINT32_MAX);
	channel_close(c);
	r->far = NULL;
}

static void rig_ready(void *arg, struct client *c, const struct msg_hello *hello)
{
	(void)arg;
	(void)c;
	(void)hello;
}

static void rig_lost(void *arg, struct client *c, const struct err *e)
{
	struct rig *r = arg;

	(void)c;
	r->down = *e;
	r->up = false;
}

static inline struct client *rig_client(void *arg, struct err *e)
{
	static const struct channel_ops far_ops = {rig_message, rig_gone, NULL};
	static const struct client_ops near_ops = {rig_ready, NULL, rig_lost};
	struct rig *r = arg;
	int fd[2];

	if (r->client)
		return r->client;
	if (fdio_socketpair(fd, e) < 0)
		return NULL;
	fdio_set_nonblock(fd[0]);
	fdio_set_nonblock(fd[1]);
	r->far = channel_new(&r->app->loop, fd[1], -1, &far_ops, r);
	r->client = client_new(&r->app->loop, fd[0], "test", &near_ops, r);
	r->epoch++;
	r->up = true;
	return r->client;
}

static unsigned rig_epoch(void *arg)
{
	return ((struct rig *)arg)->epoch;
}

static bool rig_up(void *arg)
{
	return ((struct rig *)arg)->up;
}

static const struct err *rig_error(void *arg)
{
	return &((struct rig *)arg)->down;
}

static inline void rig_start(struct rig *r, uint64_t rows)
{
	static const struct table_server_ops ops = {rig_table, rig_state};
	const struct console_options o = {.script = "test", .width = 80, .height = 24, .charset = "utf8", .fixed_clock = true, .no_config = true};
	struct err e;

	memset(r, 0, sizeof(*r));
	r->rows = rows;
	r->app = app_new(&o, &e);
	assert_non_null(r->app);
	r->server = table_server_new(&r->app->loop, &ops, r);
	r->link = (struct feed_link){rig_client, rig_epoch, rig_up, rig_error, r};
}

/* Breaks the link as a lost host does. */
static inline void rig_break(struct rig *r)
{
	struct client *c = r->client;

	r->client = NULL;
	r->up = false;
	err_set(&r->down, ERR_REFUSED, "the link was cut");
	hub_link_changed(&r->app->hub, r);
	client_free(c);
	table_server_drop(r->server, r->far, UINT32_MAX);
	channel_close(r->far);
	r->far = NULL;
}

static inline void rig_stop(struct rig *r)
{
	if (r->client)
		client_free(r->client);
	if (r->far) {
		table_server_drop(r->server, r->far, UINT32_MAX);
		channel_close(r->far);
	}
	table_server_free(r->server);
	app_free(r->app);
}

static inline bool rig_idle(const struct rig *r, const struct list *l)
{
	(void)r;
	return feed_state(l->feed) == FEED_READY && l->find.step == FIND_NONE && table_server_idle(r->server);
}

static inline void rig_tick(uv_timer_t *t)
{
	(void)t;
}

/* Runs the loop until the list has what it asked for; fails after 10 s. */
static inline void rig_settle(struct rig *r, struct list *l)
{
	int64_t until = clock_mono_ns() + 10 * NS_PER_S;
	uv_timer_t timer;
	int quiet = 0;

	uv_timer_init(&r->app->loop, &timer);
	uv_timer_start(&timer, rig_tick, 1, 1);
	while (quiet < 20 && clock_mono_ns() < until) {
		uv_run(&r->app->loop, UV_RUN_ONCE);
		quiet = rig_idle(r, l) ? quiet + 1 : 0;
	}
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&r->app->loop, UV_RUN_NOWAIT);
	assert_int_equal(quiet, 20);
}

#endif
