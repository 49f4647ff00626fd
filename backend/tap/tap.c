/* tapdeck-tap: the loop, rounds, and the end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "linkstate.h"
#include "sandbox.h"
#include "tap_private.h"

#define SECOND_MS 1000u
#define DRAIN_NS (120 * NS_PER_MS) /* the kernel shows a packet after 50 ms at most */
#define DRAIN_MAX_NS (2 * NS_PER_S)

void tap_event(struct tap *t, const char *severity, const char *where, const char *fmt, ...)
{
	struct msg_j_event j = {.time_ns = clock_now_ns(), .severity = str_of(severity)};
	struct msg_event m = {.time_ns = j.time_ns, .severity = j.severity, .where = str_of(where)};
	struct buf text;
	va_list ap;

	buf_init(&text, 4096);
	va_start(ap, fmt);
	(void)buf_vprintf(&text, fmt, ap);
	va_end(ap);
	m.sentence = j.sentence = str_of(buf_str(&text));
	if (t->control)
		channel_put_event(t->control, 0, 0, &m);
	if (t->journal)
		(void)journal_add_j_event(t->journal, &j, NULL);
	buf_release(&text);
}

/* --- rounds --- */

/* Nothing older will come: what was read is a promise of its own, and silence up to now is one too.
 */
static void publish_low(struct tap *t, const struct input *in, int64_t now_ns)
{
	int64_t low;

	if (t->merge)
		low = merge_low_ns(t->merge);
	else if (in->drained)
		low = now_ns - MERGE_RETIRE_NS - MERGE_DISORDER_NS;
	else
		low = t->output.last_ns - MERGE_DISORDER_NS;
	if (low != INT64_MAX)
		output_set_low(&t->output, low);
}

static void wake_reader(struct tap *t)
{
	static const uint64_t one = 1;

	if (!t->output.dirty)
		return;
	t->output.dirty = false;
	(void)!write(t->output.wake_fd, &one, sizeof(one)); /* a full eventfd wakes as well */
}

static void new_epoch(struct tap *t, int64_t by_ns)
{
	int64_t ms = (by_ns < 0 ? -by_ns : by_ns) / NS_PER_MS;

	/* what was stamped before lies in the rings */
	for (uint32_t i = 0; i < t->inputs; i++) {
		if (t->input[i].running)
			input_read(&t->input[i]);
	}
	if (t->merge)
		merge_new_epoch(t->merge);
	tap_event(t, "warn", t->session,
		  "the clock of this machine was set %s by %lld.%03lld s: the times of packets "
		  "before and behind it are not of one order",
		  by_ns < 0 ? "back" : "forward", (long long)(ms / 1000), (long long)(ms % 1000));
}

static int64_t look_at_clock(struct tap *t)
{
	int64_t before_ns = clock_mono_ns(), now_ns = clock_now_ns(), after_ns = clock_mono_ns(),
		by_ns;

	if (epoch_look(&t->epoch, before_ns, now_ns, after_ns, &by_ns))
		new_epoch(t, by_ns);
	return before_ns;
}

void tap_round(struct tap *t, struct input *in)
{
	int64_t mono_ns = look_at_clock(t), now_ns = clock_now_ns();

	input_read(in); /* what came since those times may be unread */
	if (t->merge) {
		if (!in->stalled)
			merge_looked(t->merge, in->index, mono_ns);
		if (in->drained)
			merge_idle(t->merge, in->index, now_ns);
		merge_run(t->merge);
	}
	output_publish(&t->output);
	publish_low(t, in, now_ns);
	wake_reader(t);
}

/* --- the end --- */

static void on_closed(uv_handle_t *h)
{
	(void)h;
}

static void close_handle(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static void tap_finish(struct tap *t)
{
	if (t->ended)
		return;
	t->ended = true;
	if (t->journal)
		report_end(t);
	if (t->has_output) {
		atomic_store_explicit(&t->output.chunks.head->ended, 1, memory_order_release);
		t->output.dirty = true;
		wake_reader(t);
	}
	if (t->control)
		channel_close(t->control);
	t->control = NULL;
	for (uint32_t i = 0; i < t->inputs; i++)
		input_close(&t->input[i]);
	close_handle((uv_handle_t *)&t->second);
	close_handle((uv_handle_t *)&t->tick);
	close_handle((uv_handle_t *)&t->rotate);
	close_handle((uv_handle_t *)&t->term);
	close_handle((uv_handle_t *)&t->interrupt);
	close_handle((uv_handle_t *)&t->writer_news);
}

static bool all_drained(const struct tap *t)
{
	for (uint32_t i = 0; i < t->inputs; i++) {
		if (t->input[i].source && t->input[i].running && !t->input[i].drained)
			return false;
	}
	return true;
}

static void stop_tick(struct tap *t)
{
	int64_t waited = clock_mono_ns() - t->stop_mono_ns;

	if (waited < DRAIN_NS || (!all_drained(t) && waited < DRAIN_MAX_NS))
		return;
	for (uint32_t i = 0; i < t->inputs; i++)
		input_settle(&t->input[i]);
	if (t->merge)
		merge_flush(t->merge);
	output_publish(&t->output);
	past_tick(t, true);
	control_segment_news(t); /* a place for the one that is sealed now */
	if (t->output.segment.number > 0)
		output_seal(&t->output, t->stop_reason);
	output_publish(&t->output);
	control_segment_news(t);
	if (!output_sealing(&t->output))
		tap_finish(t);
}

void tap_stop(struct tap *t, const char *reason)
{
	if (t->stopping)
		return;
	t->stopping = true;
	t->stop_reason = xstrdup(reason);
	t->stop_ns = clock_now_ns();
	t->stop_mono_ns = clock_mono_ns();
	if (!t->output.writer) { /* nothing was captured */
		if (t->control && t->started) {
			struct msg_tap_stats m = {.time_ns = t->stop_ns, .ended = 1};

			channel_put_tap_stats(t->control, 0, 0, &m);
		}
		uv_timer_stop(&t->second);
	}
	tap_tick_needed(t);
}

/* --- time --- */

static bool tick_wanted(const struct tap *t)
{
	if (t->stopping || t->merge || past_waits(t))
		return true;
	for (uint32_t i = 0; i < t->inputs; i++) {
		if (t->input[i].next || t->input[i].stalled)
			return true;
	}
	return false;
}

static void on_tick(uv_timer_t *timer)
{
	struct tap *t = timer->data;

	for (uint32_t i = 0; i < t->inputs; i++) {
		struct input *in = &t->input[i];

		input_tick(in);
		if (in->running && in->source && (t->merge || t->stopping || past_waits(t)))
			tap_round(t, in);
	}
	past_tick(t, false);
	if (t->stopping) {
		if (t->output.writer)
			stop_tick(t);
		else
			tap_finish(t);
		return;
	}
	if (!tick_wanted(t)) {
		uv_timer_stop(timer);
		t->ticking = false;
	}
}

void tap_tick_needed(struct tap *t)
{
	if (t->ticking || t->ended || !tick_wanted(t))
		return;
	t->ticking = uv_timer_start(&t->tick, on_tick, TAP_TICK_MS, TAP_TICK_MS) == 0;
}

static void on_second(uv_timer_t *timer)
{
	struct tap *t = timer->data;

	if (!t->output.writer)
		return;
	for (uint32_t i = 0; i < t->inputs; i++)
		input_second(&t->input[i]);
	report_second(t);
}

static void on_signal(uv_signal_t *s, int number)
{
	(void)number;
	tap_stop(s->data, "signal");
}

static void on_writer_news(uv_async_t *a)
{
	control_segment_news(a->data);
}

/* --- begin --- */

static int tap_init(struct tap *t, struct err *e)
{
	t->netlink_fd = linkstate_open(e);
	if (t->netlink_fd < 0)
		return -1;
	if (uv_loop_init(&t->loop) || uv_timer_init(&t->loop, &t->second) ||
	    uv_timer_init(&t->loop, &t->tick) || uv_timer_init(&t->loop, &t->rotate) ||
	    uv_signal_init(&t->loop, &t->term) || uv_signal_init(&t->loop, &t->interrupt) ||
	    uv_async_init(&t->loop, &t->writer_news, on_writer_news))
		return err_set(e, ERR_REFUSED, "the tap's loop cannot be made");
	t->second.data = t->tick.data = t->rotate.data = t;
	t->term.data = t->interrupt.data = t->writer_news.data = t;
	if (uv_timer_start(&t->second, on_second, SECOND_MS, SECOND_MS) ||
	    uv_signal_start(&t->term, on_signal, SIGTERM) ||
	    uv_signal_start(&t->interrupt, on_signal, SIGINT))
		return err_set(e, ERR_REFUSED, "the tap's loop cannot be started");
	t->control = channel_new(&t->loop, TAP_CONTROL_FD, -1, &control_ops, t);
	return 0;
}

static void tap_release(struct tap *t)
{
	writer_stop(t->output.writer);
	merge_free(t->merge);
	counters_release(&t->counters);
	owns_release(&t->own);
	owns_release(&t->when);
	past_release(t);
	journal_close(t->journal);
	if (t->has_output) {
		close(t->output.wake_fd);
		output_release(&t->output);
	}
	for (uint32_t i = 0; i < t->spaces; i++)
		space_close(t->space[i]);
	close(t->netlink_fd);
	free(t->session);
	free(t->stamp);
	free(t->stop_reason);
	free(t->lost_why);
}

static int probe(void)
{
	struct err e = {.text = ""};
	int fd;

	if (sandbox_raise(&e) == 0) {
		fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		err_errno(&e, ERR_REFUSED,
			  "no packet socket can be opened; run `make run` once (it gives "
			  "tapdeck-tap the "
			  "right by setcap), join the group tapdeck-capture, or ask a root daemon");
	}
	fprintf(stderr, "tapdeck-tap: %s\n", e.text);
	return ERR_REFUSED;
}

static int usage(void)
{
	fprintf(stderr, "tapdeck-tap: it is started by tapdeckd, with a socket as descriptor 3; "
			"--probe says whether "
			"this user may capture\n");
	return ERR_CALL;
}

int tap_main(int argc, char **argv)
{
	struct tap *t;
	struct err e;
	int status, type;
	socklen_t len = sizeof(type);

	if (argc == 2 && strcmp(argv[1], "--probe") == 0)
		return probe();
	if (argc != 1 || getsockopt(TAP_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &len))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit for files is told, as EFBIG */
	tzset();		  /* times that are aligned; later no file can be opened */
	sandbox_lower();
	t = xcalloc(1, sizeof(*t));
	if (tap_init(t, &e)) {
		fprintf(stderr, "tapdeck-tap: %s\n", e.text);
		free(t);
		return ERR_REFUSED;
	}
	uv_run(&t->loop, UV_RUN_DEFAULT);
	tap_release(t);
	uv_loop_close(&t->loop);
	status = t->status;
	free(t);
	return status;
}
