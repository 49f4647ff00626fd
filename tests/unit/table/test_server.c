/* The answering side, over a real channel: windows, periods, cancelling, slow peers, tables that
 * are still read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "table/server.h"
#include "wire/msg.h"

static const struct column columns[] = {{"number", KIND_COUNT, 0, "", ""},
					{"text", KIND_TEXT, 0, "", ""},
					{"hidden", KIND_COUNT, COLUMN_HIDDEN, "", ""}};
static const struct table_type type = {"things", "", "", columns, 3};

struct world {
	uv_loop_t loop;
	struct channel *server_side, *asker;
	struct table_server *server;

	uint64_t rows, version;
	size_t text_bytes; /* of the text column */
	char *text;
	uint8_t state;
	bool fixed;
	unsigned releases, made;

	unsigned windows, errors;
	struct window last;
	uint32_t last_id, error_id;
	char last_error[ERR_TEXT_MAX];
};

static uint64_t rows_of(void *data)
{
	return ((const struct world *)data)->rows;
}

static uint64_t version_of(void *data)
{
	return ((const struct world *)data)->version;
}

static struct value cell_of(void *data, uint64_t row, unsigned column)
{
	const struct world *w = data;

	if (column == 1)
		return value_str((struct str){w->text, w->text_bytes});
	return value_int((int64_t)row);
}

static bool keep_of(void *data, uint64_t row)
{
	(void)data;
	return row % 2;
}

static void release(void *data)
{
	((struct world *)data)->releases++;
}

static int table_of(void *arg, uint32_t channel, const struct msg_query *q, struct table *t,
		    struct err *e)
{
	struct world *w = arg;

	(void)channel;
	if (!str_is(q->table, "things"))
		return err_set(e, ERR_ABSENT, "there is no table %.*s", (int)q->table.len,
			       q->table.p);
	w->made++;
	*t = (struct table){.type = &type,
			    .data = w,
			    .rows = rows_of,
			    .version = version_of,
			    .cell = cell_of,
			    .release = release,
			    .fixed = w->fixed,
			    .keep = q->bpf.len ? keep_of : NULL};
	return 0;
}

static void state_of(void *arg, uint32_t channel, const struct table *t, struct table_state *s)
{
	struct world *w = arg;

	(void)channel;
	(void)t;
	s->state = w->state;
	s->note = "a note";
}

static const struct table_server_ops server_ops = {.table = table_of, .state = state_of};

static void server_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
			   size_t nfd)
{
	static struct msg_query q;
	struct world *w = arg;

	(void)fd;
	(void)nfd;
	if (f->type == MSG_QUERY) {
		assert_int_equal(msg_get_query(f->payload, f->len, &q, NULL), 0);
		table_server_query(w->server, c, f->channel, f->id, &q);
	} else if (f->type == MSG_CANCEL) {
		table_server_cancel(w->server, c, f->channel, f->id);
	} else if (f->type == MSG_CLOSE) {
		table_server_drop(w->server, c, f->channel);
	}
}

static void asker_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
			  size_t nfd)
{
	struct world *w = arg;
	struct msg_window m;
	struct msg_error error;

	(void)c;
	(void)fd;
	(void)nfd;
	w->last_id = f->id;
	if (f->type == MSG_WINDOW) {
		assert_int_equal(msg_get_window(f->payload, f->len, &m, NULL), 0);
		assert_int_equal(window_read(&w->last, &m, NULL), 0);
		w->windows++;
	} else if (f->type == MSG_ERROR) {
		assert_int_equal(msg_get_error(f->payload, f->len, &error, NULL), 0);
		memcpy(w->last_error, error.sentence.p, error.sentence.len);
		w->last_error[error.sentence.len] = 0;
		w->errors++;
		w->error_id = f->id;
	}
}

static void gone(void *arg, struct channel *c, const struct err *e)
{
	(void)arg;
	(void)c;
	(void)e;
}

static const struct channel_ops server_channel = {.message = server_message, .gone = gone};
static const struct channel_ops asker_channel = {.message = asker_message, .gone = gone};

static void world_open(struct world *w, uint64_t rows)
{
	int fd[2];

	memset(w, 0, sizeof(*w));
	w->rows = rows;
	w->text = xcalloc(1, 8 * 1024 * 1024);
	memset(w->text, 'x', 8 * 1024 * 1024);
	w->text_bytes = 5;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(fdio_socketpair(fd, NULL), 0);
	w->server = table_server_new(&w->loop, &server_ops, w);
	w->server_side = channel_new(&w->loop, fd[0], -1, &server_channel, w);
	w->asker = channel_new(&w->loop, fd[1], -1, &asker_channel, w);
}

static void world_close(struct world *w)
{
	table_server_drop(w->server, w->server_side, UINT32_MAX);
	assert_int_equal(w->releases, w->made);
	table_server_free(w->server);
	channel_close(w->server_side);
	channel_close(w->asker);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	window_release(&w->last);
	free(w->text);
}

struct ask {
	const char *table, *filter, *sort, *columns, *bpf;
	uint64_t first;
	uint32_t count, period_ms, flags;
};

static void ask(struct world *w, uint32_t id, const struct ask *a)
{
	static struct msg_query q;

	q = (struct msg_query){.table = str_of(a->table ? a->table : "things"),
			       .filter = str_of(a->filter),
			       .sort = str_of(a->sort),
			       .columns = str_of(a->columns),
			       .bpf = str_of(a->bpf),
			       .first = a->first,
			       .count = a->count,
			       .period_ms = a->period_ms,
			       .flags = a->flags};
	assert_int_equal(channel_put_query(w->asker, 0, id, &q), 0);
}

static void run_until(struct world *w, const unsigned *count, unsigned want)
{
	alarm(60);
	while (*count < want)
		uv_run(&w->loop, UV_RUN_ONCE);
	alarm(0);
}

static void spin(struct world *w)
{
	for (int i = 0; i < 50; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
}

static int64_t first_cell(const struct world *w)
{
	return window_cell(&w->last, 0, 0).i;
}

static void test_once(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 1000);
	ask(&w, 1, &(struct ask){.first = 990, .count = 50});
	run_until(&w, &w.windows, 1);
	assert_int_equal(w.last.rows, 10);
	assert_int_equal(w.last.total, 1000);
	assert_int_equal(w.last.first, 990);
	assert_int_equal(w.last.ncolumns, 2);
	assert_int_equal(first_cell(&w), 990);
	assert_string_equal(w.last.note, "a note");
	assert_int_equal(w.releases, 1); /* its last row was sent: it is gone */
	ask(&w, 2,
	    &(struct ask){.count = 1,
			  .sort = "-number",
			  .filter = "number < 500",
			  .columns = "hidden,number"});
	run_until(&w, &w.windows, 2);
	assert_int_equal(w.last.total, 500);
	assert_int_equal(first_cell(&w), 499);
	assert_int_equal(w.last.ncolumns, 2);
	assert_string_equal(w.last.columns[0].name, "hidden");
	ask(&w, 3, &(struct ask){.count = 1, .flags = QUERY_ALL_COLUMNS, .bpf = "odd"});
	run_until(&w, &w.windows, 3);
	assert_int_equal(w.last.ncolumns, 3);
	assert_int_equal(w.last.total, 500);
	assert_int_equal(first_cell(&w), 1);
	world_close(&w);
}

static void test_errors(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 10);
	ask(&w, 1, &(struct ask){.table = "thing"});
	ask(&w, 2, &(struct ask){.filter = "numbr == 1"});
	ask(&w, 3, &(struct ask){.sort = "numbr"});
	ask(&w, 4, &(struct ask){.columns = "number,numbr"});
	run_until(&w, &w.errors, 4);
	assert_non_null(strstr(w.last_error, "did you mean \"number\""));
	assert_int_equal(w.windows, 0);
	assert_int_equal(w.releases, 3);
	world_close(&w);
}

/* A long table in windows: the next rows by the same id, from the same order. */
static void test_next_rows(void **state)
{
	struct world w;
	struct ask a = {.count = 400, .sort = "-number"};
	uint64_t seen = 0;

	(void)state;
	world_open(&w, 1000);
	for (unsigned i = 1; seen < 1000; i++) {
		a.first = seen;
		ask(&w, 1, &a);
		run_until(&w, &w.windows, i);
		assert_int_equal(first_cell(&w), 999 - (int64_t)seen);
		seen += w.last.rows;
	}
	assert_int_equal(w.windows, 3);
	assert_int_equal(w.made, 1);
	assert_int_equal(w.releases, 1);
	world_close(&w);
}

static void test_period_and_cancel(void **state)
{
	const struct msg_cancel cancel = {0};
	struct world w;

	(void)state;
	world_open(&w, 10);
	ask(&w, 1, &(struct ask){.count = 5, .period_ms = 5, .sort = "-number"});
	run_until(&w, &w.windows, 2);
	assert_int_equal(first_cell(&w), 9);
	w.rows = 20;
	w.state = WINDOW_READING; /* periodic ones do not wait for the end */
	while (first_cell(&w) != 19)
		run_until(&w, &w.windows, w.windows + 1);
	ask(&w, 1,
	    &(struct ask){
		    .count = 5, .first = 5, .period_ms = 5, .sort = "-number"}); /* scrolled */
	while (first_cell(&w) != 14)
		run_until(&w, &w.windows, w.windows + 1);
	assert_int_equal(w.made, 1);
	ask(&w, 1,
	    &(struct ask){.count = 5,
			  .period_ms = 5,
			  .sort = "number"}); /* another order: another view */
	while (first_cell(&w) != 0)
		run_until(&w, &w.windows, w.windows + 1);
	assert_int_equal(w.made, 2);
	assert_int_equal(channel_put_cancel(w.asker, 0, 1, &cancel), 0);
	while (w.releases < 2)
		uv_run(&w.loop, UV_RUN_ONCE);
	spin(&w);
	assert_true(table_server_idle(w.server));
	world_close(&w);
}

static void test_still_reading(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 10);
	w.state = WINDOW_READING;
	w.fixed = true;
	ask(&w, 1, &(struct ask){.count = 5});			  /* first rows suffice */
	ask(&w, 2, &(struct ask){.count = 50});			  /* the window is not full */
	ask(&w, 3, &(struct ask){.count = 1, .sort = "-number"}); /* the order is not known yet */
	run_until(&w, &w.windows, 1);
	assert_int_equal(w.last_id, 1);
	spin(&w);
	assert_int_equal(w.windows, 1);
	assert_false(table_server_idle(w.server));
	w.rows = 60;
	table_server_wake(w.server);
	run_until(&w, &w.windows, 2);
	assert_int_equal(w.last_id, 2);
	w.rows = 100;
	w.state = WINDOW_COMPLETE;
	table_server_wake(w.server);
	run_until(&w, &w.windows, 3);
	assert_int_equal(w.last_id, 3);
	assert_int_equal(first_cell(&w), 99);
	world_close(&w);
}

/* Rows that are there, but whose cells may still change, are no answer. */
static void test_still_changing(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 10);
	w.state = WINDOW_READING;
	ask(&w, 1, &(struct ask){.count = 5});
	spin(&w);
	table_server_wake(w.server);
	spin(&w);
	assert_int_equal(w.windows, 0);
	w.state = WINDOW_COMPLETE;
	table_server_wake(w.server);
	run_until(&w, &w.windows, 1);
	assert_int_equal(w.last.rows, 5);
	assert_int_equal(w.last.state, WINDOW_COMPLETE);
	world_close(&w);
}

static void test_long_rows_are_split(void **state)
{
	struct world w;
	uint64_t seen = 0;

	(void)state;
	world_open(&w, 10);
	w.text_bytes = 700 * 1024;
	for (unsigned i = 1; seen < 10; i++) {
		ask(&w, 1, &(struct ask){.first = seen, .count = 10});
		run_until(&w, &w.windows, i);
		assert_true(w.last.rows > 0 && w.last.rows <= 3);
		seen += w.last.rows;
	}
	w.text_bytes = 8 * 1024 * 1024; /* no message holds it: the row comes without */
	ask(&w, 2, &(struct ask){.count = 1});
	run_until(&w, &w.windows, w.windows + 1);
	assert_int_equal(w.last.rows, 1);
	assert_int_equal(window_cell(&w.last, 0, 1).type, VALUE_NULL);
	world_close(&w);
}

/* A peer that does not read gets no more snapshots queued than the channel's mark. */
static void test_congestion(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 10);
	w.text_bytes = 100 * 1024;
	channel_pause(w.asker, false);
	ask(&w, 1, &(struct ask){.count = 10, .period_ms = 1});
	run_until(&w, &w.windows, 1);
	channel_pause(w.asker, true);
	alarm(60);
	while (!channel_congested(w.server_side))
		uv_run(&w.loop, UV_RUN_ONCE);
	alarm(0);
	for (int i = 0; i < 200; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_true(channel_queued(w.server_side) < CHANNEL_CONGESTED + 2u * 1024 * 1024);
	channel_pause(w.asker, false);
	run_until(&w, &w.windows, w.windows + 5);
	world_close(&w);
}

static void test_many_and_close(void **state)
{
	const struct msg_close close_channel = {0};
	struct world w;

	(void)state;
	world_open(&w, 100000);
	for (uint32_t i = 1; i <= TABLE_REQUESTS_MAX + 1; i++)
		ask(&w, i, &(struct ask){.count = 1, .period_ms = 100000});
	run_until(&w, &w.errors, 1);
	assert_int_equal(w.error_id, TABLE_REQUESTS_MAX + 1);
	assert_int_equal(channel_put_close(w.asker, 0, 0, &close_channel), 0);
	alarm(60);
	while (w.releases < TABLE_REQUESTS_MAX)
		uv_run(&w.loop, UV_RUN_ONCE);
	alarm(0);
	world_close(&w);
}

static void test_rows_move_meanwhile(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, 200000);
	ask(&w, 1, &(struct ask){.count = 60000, .sort = "-number"});
	while (table_server_idle(w.server))
		uv_run(&w.loop, UV_RUN_NOWAIT);
	w.rows = 50;
	w.version++;
	run_until(&w, &w.windows, 1);
	assert_int_equal(w.last.rows, 50);
	assert_int_equal(first_cell(&w), 49);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_next_rows),
		cmocka_unit_test(test_period_and_cancel),
		cmocka_unit_test(test_still_reading),
		cmocka_unit_test(test_still_changing),
		cmocka_unit_test(test_long_rows_are_split),
		cmocka_unit_test(test_congestion),
		cmocka_unit_test(test_many_and_close),
		cmocka_unit_test(test_rows_move_meanwhile),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
