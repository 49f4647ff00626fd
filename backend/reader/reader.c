#include "reader/reader.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cache.h"
#include "owner.h"
#include "state.h"
#include "tables.h"

#define EXIT_SANDBOX 3
#define HEAP_STEP_BYTES (1 << 20) /* taken from the system at once */

/* --- from control --- */

/* A request of control is done, or is not. */
static void reader_answer(struct reader *r, uint32_t id, int result, const struct err *e)
{
	if (result < 0)
		(void)channel_send_error(r->control, 0, id, e);
	else if (id)
		(void)channel_send_done(r->control, 0, id, "");
}

/* Without all that a capture begins with there is nothing to ask: who asks is told why. */
static void reader_opened(struct reader *r, uint32_t id, int result, const struct err *e)
{
	if (result < 0 && !r->has_capture && !source_begun(&r->source)) {
		r->failed = *e;
		stream_fail(r, e);
	}
	reader_answer(r, id, result, e);
	pipeline_kick(r);
	held_look(r);
}

static void on_wake(uv_poll_t *p, int status, int events)
{
	struct reader *r = p->data;
	uint64_t count;

	(void)events;
	if (status == 0 &&
	    read(r->source.live.wake, &count, sizeof(count)) == (ssize_t)sizeof(count))
		pipeline_kick(r);
}

static int reader_file(struct reader *r, const struct frame *f, const int *fd, size_t nfd,
		       struct err *e)
{
	struct msg_read_file m;

	if (msg_get_read_file(f->payload, f->len, &m, e) < 0)
		return -1;
	if (nfd != 1)
		return err_set(e, ERR_CALL, "READ_FILE came without its descriptor");
	if (!r->has_capture && r->source.nparts == 0 && m.journal_base)
		r->base_connections = m.journal_base;
	int own = dup(fd[0]);

	if (own < 0)
		return err_errno(e, ERR_REFUSED, "the file cannot be kept open");
	if (source_add_file(&r->source, own, &m, e))
		return -1;
	(void)cache_load(r); /* false: it is read */
	return 0;
}

static int reader_cache(struct reader *r, const struct frame *f, const int *fd, size_t nfd,
			struct err *e)
{
	struct msg_read_cache m;

	if (msg_get_read_cache(f->payload, f->len, &m, e) < 0)
		return -1;
	if (nfd != 1)
		return err_set(e, ERR_CALL, "READ_CACHE came without its descriptor");
	int own = dup(fd[0]);

	return own < 0 ? err_errno(e, ERR_REFUSED, "the file cannot be kept open")
		       : cache_given(r, own, m.filled, e);
}

static int reader_ended(struct reader *r, const struct frame *f, struct err *e)
{
	struct msg_read_ended m;

	if (msg_get_read_ended(f->payload, f->len, &m, e) < 0)
		return -1;
	if (m.gone.len) {
		source_file_gone(&r->source, m.gone);
		return 0;
	}
	return source_file_ended(&r->source, m.number, m.why, e);
}

static int reader_chunks(struct reader *r, const struct frame *f, const int *fd, size_t nfd,
			 struct err *e)
{
	struct msg_read_chunks m;
	int own[3];

	if (msg_get_read_chunks(f->payload, f->len, &m, e) < 0)
		return -1;
	if (nfd != 3)
		return err_set(e, ERR_CALL, "READ_CHUNKS came with %zu descriptors, not with 3",
			       nfd);
	for (size_t i = 0; i < 3; i++)
		own[i] = dup(fd[i]);
	if (source_add_chunks(&r->source, own, &m, e) < 0)
		return -1;
	r->memory_bytes = m.memory_bytes;
	if (uv_poll_init(&r->loop, &r->wake, r->source.live.wake) < 0 ||
	    uv_poll_start(&r->wake, UV_READABLE, on_wake) < 0)
		return err_set(e, ERR_REFUSED,
			       "the reader cannot wait for its session: no eventfd came");
	r->wake.data = r;
	r->waking = true;
	return 0;
}

static int reader_journal(struct reader *r, const struct frame *f, const int *fd, size_t nfd,
			  struct err *e)
{
	struct msg_read_journal m;

	if (msg_get_read_journal(f->payload, f->len, &m, e) < 0)
		return -1;
	if (nfd != 1)
		return err_set(e, ERR_CALL, "READ_JOURNAL came without its descriptor");
	int own = dup(fd[0]);

	if (own >= 0 && m.before && r->former_fd < 0 && !r->has_capture) {
		r->former_fd = own;
		r->former_before = m.before;
		return 0;
	}
	return own < 0 ? err_errno(e, ERR_REFUSED, "the journal cannot be kept open")
		       : journal_start(r, own, &m, e);
}

static int reader_socket(struct reader *r, const struct frame *f, struct err *e)
{
	struct msg_read_socket m;
	int got;

	if (msg_get_read_socket(f->payload, f->len, &m, e) < 0)
		return -1;
	got = owners_take(&r->owners, r->has_capture ? r->capture.flows : NULL, &m, e);
	if (got > 0)
		table_server_wake(r->tables);
	return got < 0 ? -1 : 0;
}

static void reader_finish(struct reader *r, uint32_t id)
{
	r->finishing = true;
	r->finish_id = id;
	source_finish(&r->source);
	pipeline_kick(r);
}

static void reader_compiled(struct reader *r, const struct frame *f)
{
	struct msg_program program;
	struct msg_error error;
	struct err e = {.code = ERR_CALL, .at = -1};

	if (f->type == MSG_PROGRAM && msg_get_program(f->payload, f->len, &program, &e) == 0) {
		passes_compiled(r, f->id, program.program, NULL);
		return;
	}
	if (f->type == MSG_ERROR && msg_get_error(f->payload, f->len, &error, &e) == 0) {
		(void)err_set(&e, (enum err_code)error.code, "%.*s", (int)error.sentence.len,
			      error.sentence.p);
		e.at = (int)error.at;
	}
	passes_compiled(r, f->id, (struct str){0}, &e);
}

/* --- from clients, passed on by control --- */

static void reader_command(struct reader *r, const struct frame *f)
{
	struct msg_command m;
	struct err e;

	if (msg_get_command(f->payload, f->len, &m, &e) < 0)
		goto fail;
	if (m.words.count != 1 || !str_is(m.words.at[0], "cancel")) {
		(void)err_set(&e, ERR_CALL,
			      "a capture knows no such verb; cancel stops reading it");
		goto fail;
	}
	if (!source_is_live(&r->source) && !source_done(&r->source))
		r->source.cancelled = true;
	table_server_wake(r->tables);
	pipeline_kick(r);
	(void)channel_send_done(r->control, f->channel, f->id, "");
	return;
fail:
	(void)channel_send_error(r->control, f->channel, f->id, &e);
}

static void reader_stream(struct reader *r, const struct frame *f)
{
	struct msg_stream stream;
	struct msg_credit credit;
	struct err e;

	if (f->type == MSG_CREDIT) {
		if (msg_get_credit(f->payload, f->len, &credit, &e) == 0)
			stream_credit(r, f->channel, f->id, credit.bytes);
		return;
	}
	if (msg_get_stream(f->payload, f->len, &stream, &e) < 0)
		(void)channel_send_error(r->control, f->channel, f->id, &e);
	else
		stream_start(r, f->channel, f->id, &stream);
}

static void reader_drop(struct reader *r, uint32_t channel, uint32_t id)
{
	held_drop(r, channel, id);
	stream_drop(r, channel, id);
	if (id)
		table_server_cancel(r->tables, r->control, channel, id);
	else
		table_server_drop(r->tables, r->control, channel);
}

/* Asked without a control between: who speaks is greeted, and every target is this capture. */
static void reader_hello(struct reader *r, const struct frame *f)
{
	const struct msg_hello m = {.protocol = WIRE_PROTOCOL,
				    .program = str_of("tapdeckd"),
				    .version = str_of(TAPDECK_VERSION),
				    .now_ns = clock_now_ns()};
	struct msg_ping ping;
	struct err e;

	if (f->type == MSG_HELLO) {
		(void)channel_put_hello(r->control, 0, f->id, &m);
	} else if (msg_get_ping(f->payload, f->len, &ping, &e) == 0) {
		const struct msg_pong pong = {.now_ns = ping.now_ns, .here_ns = clock_now_ns()};

		(void)channel_put_pong(r->control, 0, f->id, &pong);
	}
}

static bool reader_source_message(struct reader *r, const struct frame *f, const int *fd,
				  size_t nfd)
{
	struct err e = {0};

	switch (f->type) {
	case MSG_READ_FILE:
		reader_opened(r, f->id, reader_file(r, f, fd, nfd, &e), &e);
		return true;
	case MSG_READ_CACHE:
		reader_answer(r, f->id, reader_cache(r, f, fd, nfd, &e), &e);
		return true;
	case MSG_READ_ENDED:
		reader_opened(r, f->id, reader_ended(r, f, &e), &e);
		return true;
	case MSG_READ_CHUNKS:
		reader_opened(r, f->id, reader_chunks(r, f, fd, nfd, &e), &e);
		return true;
	case MSG_READ_JOURNAL:
		reader_answer(r, f->id, reader_journal(r, f, fd, nfd, &e), &e);
		return true;
	case MSG_READ_FINISH:
		reader_finish(r, f->id);
		return true;
	case MSG_READ_SOCKET:
		reader_answer(r, f->id, reader_socket(r, f, &e), &e);
		return true;
	case MSG_PROGRAM:
	case MSG_ERROR:
		reader_compiled(r, f);
		return true;
	default:
		return false;
	}
}

static void reader_client_message(struct reader *r, const struct frame *f)
{
	struct err e;

	switch (f->type) {
	case MSG_QUERY:
		held_query(r, f->channel, f->id, f->payload, f->len);
		break;
	case MSG_CANCEL:
		reader_drop(r, f->channel, f->id);
		break;
	case MSG_CLOSE:
		reader_drop(r, f->channel, 0);
		cache_left(r);
		break;
	case MSG_COMMAND:
		reader_command(r, f);
		break;
	case MSG_STREAM:
	case MSG_CREDIT:
		reader_stream(r, f);
		break;
	case MSG_HELLO:
	case MSG_PING:
		reader_hello(r, f);
		break;
	case MSG_OPEN:
		(void)channel_send_done(r->control, f->channel, f->id, "");
		break;
	default:
		(void)err_set(&e, ERR_CALL, "a reader does not understand the message %s (%u)",
			      msg_name(f->type), f->type);
		(void)channel_send_error(r->control, f->channel, f->id, &e);
	}
}

static void on_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct reader *r = arg;

	(void)c;
	/* Only control, on channel 0, says what is read. */
	if (f->channel != 0 || !reader_source_message(r, f, fd, nfd))
		reader_client_message(r, f);
	for (size_t i = 0; i < nfd; i++)
		(void)close(fd[i]);
}

static void on_gone(void *arg, struct channel *c, const struct err *e)
{
	struct reader *r = arg;

	if (e->code != ERR_NONE)
		log_warn("control is gone: %s", e->text);
	channel_close(c);
	r->control = NULL;
	uv_stop(&r->loop);
}

static void on_writable(void *arg, struct channel *c)
{
	struct reader *r = arg;

	(void)c;
	if (r->streams)
		pipeline_kick(r);
}

/* --- the process --- */

static void reader_close(struct reader *r)
{
	journal_close(r->journal);
	stream_release(r);
	held_release(r);
	table_server_free(r->tables);
	surveys_release(r);
	passes_release(r);
	uv_close((uv_handle_t *)&r->idle, NULL);
	uv_close((uv_handle_t *)&r->look, NULL);
	uv_close((uv_handle_t *)&r->beat, NULL);
	if (r->waking)
		uv_close((uv_handle_t *)&r->wake, NULL);
	if (r->control)
		channel_close(r->control);
	(void)uv_run(&r->loop, UV_RUN_DEFAULT);
	pipeline_release(r);
	owners_free(r->owners);
	cache_release(r);
	(void)uv_loop_close(&r->loop);
}

/* The second thread takes nearly all memory: the room that the C library would give it apart grows
 * by a system call for every page. */
static void reader_memory(void)
{
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
#endif
}

int reader_main(int control_fd)
{
	static const struct channel_ops ops = {
		.message = on_message, .gone = on_gone, .writable = on_writable};
	struct reader r;
	struct err e;

	memset(&r, 0, sizeof(r));
	reader_memory();
	if (uv_loop_init(&r.loop) < 0)
		return EXIT_SANDBOX;
	pipeline_init(&r);
	r.tables = table_server_new(&r.loop, &reader_tables, &r);
	r.control_fd = control_fd;
	r.former_fd = -1;
	r.control = channel_new(&r.loop, control_fd, -1, &ops, &r);
	if (reader_sandbox_enter(&e) < 0) {
		log_error("%s", e.text);
		(void)channel_send_error(r.control, 0, 0, &e);
		reader_close(&r);
		return EXIT_SANDBOX;
	}
	(void)uv_run(&r.loop, UV_RUN_DEFAULT);
	reader_close(&r);
	return 0;
}
