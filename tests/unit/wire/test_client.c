/* The asking side against a peer that says what the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "wire/client.h"

#define PEER_HEARD_MAX 256

struct one {
	uint16_t type;
	uint32_t channel, id;
	uint64_t credit;
};

struct world {
	uv_loop_t loop;
	struct channel *peer;
	struct client *client;
	struct one heard[PEER_HEARD_MAX]; /* by the peer, PING left out */
	unsigned nheard, peer_gone;
	unsigned ready, gone, events;
	struct err why;
	bool mute; /* the peer does not say HELLO by itself */
	uint32_t protocol;

	unsigned answers, lasts, errors, windows;
	uint64_t data_bytes;
	char last_error[ERR_TEXT_MAX];
	struct request *requery_inside; /* set: asks once more from inside its answer */
	bool cancel_inside, free_inside;
};

static void peer_hello(struct world *w)
{
	const struct msg_hello m = {.protocol = w->protocol,
				    .program = str_of("tapdeckd"),
				    .version = str_of("9"),
				    .host = str_of("far"),
				    .now_ns = 1};

	assert_int_equal(channel_put_hello(w->peer, 0, 0, &m), 0);
}

static void peer_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
			 size_t nfd)
{
	struct world *w = arg;
	struct msg_credit credit = {0};
	struct msg_ping ping;

	(void)fd;
	(void)nfd;
	if (f->type == MSG_PING) {
		assert_int_equal(msg_get_ping(f->payload, f->len, &ping, NULL), 0);
		const struct msg_pong pong = {.now_ns = ping.now_ns, .here_ns = 5};

		assert_int_equal(channel_put_pong(c, 0, 0, &pong), 0);
		return;
	}
	if (f->type == MSG_HELLO && !w->mute)
		peer_hello(w);
	if (f->type == MSG_CREDIT)
		assert_int_equal(msg_get_credit(f->payload, f->len, &credit, NULL), 0);
	assert_true(w->nheard < PEER_HEARD_MAX);
	w->heard[w->nheard++] = (struct one){f->type, f->channel, f->id, credit.bytes};
}

static void peer_gone(void *arg, struct channel *c, const struct err *e)
{
	struct world *w = arg;

	(void)c;
	(void)e;
	w->peer_gone++;
}

static const struct channel_ops peer_ops = {.message = peer_message, .gone = peer_gone};

static void on_ready(void *arg, struct client *c, const struct msg_hello *hello)
{
	struct world *w = arg;

	(void)c;
	assert_true(str_is(hello->host, "far"));
	w->ready++;
}

static void on_event(void *arg, struct client *c, const struct msg_event *event)
{
	struct world *w = arg;

	(void)c;
	assert_true(str_is(event->severity, "warn"));
	w->events++;
}

static void on_gone(void *arg, struct client *c, const struct err *e)
{
	struct world *w = arg;

	(void)c;
	w->gone++;
	w->why = *e;
}

static const struct client_ops ops = {.ready = on_ready, .event = on_event, .gone = on_gone};

static void on_answer(void *arg, struct request *r, const struct answer *a)
{
	static const struct msg_query q = {.table = {"t", 1}, .first = 10};
	struct world *w = arg;

	w->answers++;
	w->lasts += a->last;
	w->windows += a->window != NULL;
	if (a->data)
		w->data_bytes += a->data->bytes.len;
	if (a->error) {
		w->errors++;
		memcpy(w->last_error, a->error->text, sizeof(w->last_error));
	}
	if (w->requery_inside == r) {
		w->requery_inside = NULL;
		client_requery(r, &q);
	}
	if (w->cancel_inside)
		client_cancel(r);
	if (w->free_inside) {
		client_free(w->client);
		w->client = NULL;
	}
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
	for (int i = 0; i < 20; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
}

static void world_open(struct world *w, bool mute, uint32_t protocol)
{
	int fd[2];

	memset(w, 0, sizeof(*w));
	w->mute = mute;
	w->protocol = protocol;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	assert_int_equal(fdio_socketpair(fd, NULL), 0);
	w->peer = channel_new(&w->loop, fd[0], -1, &peer_ops, w);
	w->client = client_new(&w->loop, fd[1], "test", &ops, w);
}

static void world_close(struct world *w)
{
	client_free(w->client);
	if (w->peer)
		channel_close(w->peer);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void test_requests_wait_for_hello(void **state)
{
	static const struct msg_query q = {.table = {"sessions", 8}};
	static const char *const words[] = {"stop", "web"};
	struct world w;

	(void)state;
	world_open(&w, true, WIRE_PROTOCOL);
	client_query(w.client, 0, &q, on_answer, &w);
	assert_int_equal(client_open(w.client, "session:web", on_answer, &w), 1);
	client_command(w.client, 1, words, 2, on_answer, &w);
	run_until(&w, &w.nheard, 1);
	spin(&w);
	assert_int_equal(w.nheard, 1); /* HELLO alone */
	assert_int_equal(w.heard[0].type, MSG_HELLO);
	assert_string_equal(client_host(w.client), "");
	peer_hello(&w);
	run_until(&w, &w.nheard, 4);
	assert_int_equal(w.ready, 1);
	assert_string_equal(client_host(w.client), "far");
	assert_string_equal(client_version(w.client), "9");
	assert_int_equal(w.heard[1].type, MSG_QUERY);
	assert_int_equal(w.heard[2].type, MSG_OPEN);
	assert_int_equal(w.heard[2].channel, 1);
	assert_int_equal(w.heard[3].type, MSG_COMMAND);
	assert_int_equal(w.heard[3].channel, 1);
	channel_send_done(w.peer, 1, w.heard[3].id, "note");
	run_until(&w, &w.answers, 1);
	assert_int_equal(w.lasts, 1);
	assert_int_equal(channel_send_done(w.peer, 1, w.heard[3].id, "again"),
			 0); /* nobody waits for it */
	spin(&w);
	assert_int_equal(w.answers, 1);
	while (client_rtt_ns(w.client) < 0)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_true(client_offset_ns(w.client) < 0); /* the far clock stands at 5 ns */
	world_close(&w);
}

static void test_other_protocol(void **state)
{
	static const struct msg_query q = {.table = {"sessions", 8}};
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL + 1);
	client_query(w.client, 0, &q, on_answer, &w);
	run_until(&w, &w.gone, 1);
	assert_int_equal(w.errors, 1); /* answered before gone */
	assert_non_null(strstr(w.why.text, "protocol 2"));
	assert_non_null(strstr(w.why.text, "tapdeckd 9 on far"));
	assert_int_equal(w.ready, 0);
	client_query(w.client, 0, &q, on_answer,
		     &w); /* asked of a lost link: answered all the same */
	run_until(&w, &w.errors, 2);
	assert_int_equal(w.gone, 1);
	world_close(&w);
}

static void test_refused_before_hello(void **state)
{
	const struct err e = {.code = ERR_REFUSED, .at = -1, .text = "the host key has changed"};
	struct world w;

	(void)state;
	world_open(&w, true, 0);
	channel_send_error(w.peer, 0, 0, &e);
	run_until(&w, &w.gone, 1);
	assert_string_equal(w.why.text, "the host key has changed");
	world_close(&w);
}

static void test_link_lost(void **state)
{
	static const struct msg_query q = {.table = {"sessions", 8}, .period_ms = 1000};
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	client_query(w.client, 0, &q, on_answer, &w);
	client_query(w.client, 0, &q, on_answer, &w);
	run_until(&w, &w.nheard, 3);
	channel_close(w.peer);
	w.peer = NULL;
	run_until(&w, &w.gone, 1);
	assert_int_equal(w.errors, 2);
	assert_non_null(strstr(w.last_error, "far"));
	world_close(&w);
}

static void send_window(struct world *w, uint32_t id, uint64_t first, uint32_t count,
			uint64_t total)
{
	const struct msg_window m = {
		.table = str_of("t"), .first = first, .count = count, .total = total};

	assert_int_equal(channel_put_window(w->peer, 0, id, &m), 0);
}

static void test_windows(void **state)
{
	static const struct msg_query once = {.table = {"t", 1}},
				      each = {.table = {"t", 1}, .period_ms = 100};
	struct request *r;
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	client_query(w.client, 0, &once, on_answer, &w);
	r = client_query(w.client, 0, &each, on_answer, &w);
	run_until(&w, &w.nheard, 3);
	send_window(&w, w.heard[1].id, 0, 10, 10);
	send_window(&w, w.heard[2].id, 0, 10, 10);
	send_window(&w, w.heard[2].id, 0, 10, 10);
	run_until(&w, &w.windows, 3);
	assert_int_equal(w.lasts, 1);
	w.cancel_inside = true;
	send_window(&w, w.heard[2].id, 0, 10, 10);
	run_until(&w, &w.nheard, 4);
	assert_int_equal(w.heard[3].type, MSG_CANCEL);
	assert_int_equal(w.heard[3].id, w.heard[2].id);
	send_window(&w, w.heard[2].id, 0, 10, 10);
	spin(&w);
	assert_int_equal(w.windows, 4);
	(void)r;
	world_close(&w);
}

/* The rows of a long table: the same id asks on from inside its answer, and lets go when it has
 * seen enough. */
static void test_next_rows(void **state)
{
	static const struct msg_query once = {.table = {"t", 1}};
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	w.requery_inside = client_query(w.client, 0, &once, on_answer, &w);
	run_until(&w, &w.nheard, 2);
	send_window(&w, w.heard[1].id, 0, 10, 100);
	run_until(&w, &w.nheard, 3);
	assert_int_equal(w.heard[2].type, MSG_QUERY);
	assert_int_equal(w.heard[2].id, w.heard[1].id);
	send_window(&w, w.heard[1].id, 10, 10, 100);
	run_until(&w, &w.nheard, 4);
	assert_int_equal(w.windows, 2);
	assert_int_equal(w.heard[3].type, MSG_CANCEL);
	world_close(&w);
}

static void test_stream_credit(void **state)
{
	static const char *const words[] = {"file", "/x"};
	static char bytes[64 * 1024];
	const struct msg_end end = {.note = str_of("")};
	struct msg_data data = {.bytes = {bytes, sizeof(bytes)}};
	struct request *r;
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	r = client_stream(w.client, 0, words, 2, 0, on_answer, &w);
	run_until(&w, &w.nheard, 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(channel_put_data(w.peer, 0, w.heard[1].id, &data), 0);
	run_until(&w, &w.nheard, 3);
	assert_int_equal(w.heard[2].type, MSG_CREDIT);
	assert_int_equal(w.heard[2].credit, 4 * sizeof(bytes));
	client_stream_hold(r, true);
	for (int i = 0; i < 8; i++)
		assert_int_equal(channel_put_data(w.peer, 0, w.heard[1].id, &data), 0);
	run_until(&w, &w.answers, 12);
	spin(&w);
	assert_int_equal(w.nheard, 3);
	client_stream_hold(r, false);
	run_until(&w, &w.nheard, 4);
	assert_int_equal(w.heard[3].credit, 8 * sizeof(bytes));
	assert_int_equal(channel_put_end(w.peer, 0, w.heard[1].id, &end), 0);
	run_until(&w, &w.lasts, 1);
	assert_int_equal(w.data_bytes, 12 * sizeof(bytes));
	world_close(&w);
}

static void test_free_inside_an_answer(void **state)
{
	static const struct msg_query q = {.table = {"t", 1}};
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	client_query(w.client, 0, &q, on_answer, &w);
	client_query(w.client, 0, &q, on_answer, &w);
	run_until(&w, &w.nheard, 3);
	w.free_inside = true;
	send_window(&w, w.heard[1].id, 0, 1, 5);
	run_until(&w, &w.peer_gone, 1);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.gone, 0);
	world_close(&w);
}

static void test_damaged_answers(void **state)
{
	static const struct msg_query q = {.table = {"t", 1}};
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	client_query(w.client, 0, &q, on_answer, &w);
	run_until(&w, &w.nheard, 2);
	assert_int_equal(channel_send(w.peer, MSG_WINDOW, 9, w.heard[1].id, NULL, 0),
			 0); /* of another channel */
	assert_int_equal(channel_send(w.peer, MSG_DATA, 0, w.heard[1].id, NULL, 0),
			 0); /* not what was asked */
	assert_int_equal(channel_send(w.peer, 4711, 0, w.heard[1].id, NULL, 0),
			 0); /* of the future */
	assert_int_equal(channel_send(w.peer, MSG_WINDOW, 0, w.heard[1].id, "\xff\xff\xff\xff", 4),
			 0);
	run_until(&w, &w.answers, 1);
	assert_int_equal(w.errors, 1);
	assert_int_equal(w.gone, 0);
	world_close(&w);
}

static void test_events_and_long_requests(void **state)
{
	const struct msg_event event = {.severity = str_of("warn"), .sentence = str_of("x")};
	const char *many[MSG_STRS_MAX + 1];
	struct world w;

	(void)state;
	world_open(&w, false, WIRE_PROTOCOL);
	run_until(&w, &w.ready, 1);
	assert_int_equal(channel_put_event(w.peer, 0, 0, &event), 0);
	run_until(&w, &w.events, 1);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = "w";
	client_command(w.client, 0, many, ARRAY_LEN(many), on_answer, &w);
	assert_int_equal(w.answers, 0); /* not from inside the call */
	run_until(&w, &w.errors, 1);
	assert_int_equal(w.gone, 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_wait_for_hello),
		cmocka_unit_test(test_other_protocol),
		cmocka_unit_test(test_refused_before_hello),
		cmocka_unit_test(test_link_lost),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_next_rows),
		cmocka_unit_test(test_stream_credit),
		cmocka_unit_test(test_free_inside_an_answer),
		cmocka_unit_test(test_damaged_answers),
		cmocka_unit_test(test_events_and_long_requests),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
