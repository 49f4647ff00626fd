/* From the source to the index and the connections, in slices of time. */
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cache.h"
#include "flow/saved.h"
#include "state.h"

#define LOOK_PACKETS 64u     /* read between two looks at the clock */
#define LOOK_GROWING_MS 100u /* a file that grows is looked at again */
#define LOOK_FOLLOW_MS 500u  /* and one that may */
#define SLICE_MOST_NS (50 * NS_PER_MS)
#define FORMER_MEMORY_BYTES (UINT64_C(512) << 20)
#define BEAT_MS 10000u /* what changed goes to the journal */

static uint64_t pipeline_rows_max(bool live)
{
	return (live ? INDEX_LIVE_BYTES_MAX : INDEX_FILE_BYTES_MAX) / INDEX_PACKET_BYTES;
}

/* Rows of packets that can no longer be read, or are too many, go. */
static void pipeline_forget(struct reader *r)
{
	uint64_t first = source_let_go(&r->source), most = pipeline_rows_max(true);
	uint64_t count = index_count(&r->index);

	source_forget(&r->source, index_number(&r->index, r->index.first));
	if (r->source.live.record) { /* the segments still have them */
		const uint64_t held = index_row_from(&r->index, source_before(&r->source) + 1);

		first = r->source.nparts && held > 0 ? (held < first ? held : first) : 0;
	}
	if (count > most && first < count - most)
		first = count - most;
	index_drop(&r->index, first);
	source_live_forget(&r->source, r->index.first);
	pages_drop(&r->capture.tags, r->index.first);
	if (r->outer)
		pages_drop(&r->outer->capture.tags, r->index.first);
}

/* --- slices --- */

static int pipeline_row(void *reader, uint64_t row, struct packet *pk)
{
	struct reader *r = reader;
	struct index_entry entry;
	struct err e;

	if (!index_get(&r->index, row, &entry))
		return -1;
	return source_read(&r->source, &entry, index_number(&r->index, row), pk, &e);
}

/* Behind a slice: fragments that waited, and at a file's end what is still open. A session ends by
 * READ_FINISH. */
static void pipeline_settle(struct reader *r, struct capture *c, bool at_end)
{
	if (at_end && source_done(&r->source) && !source_is_live(&r->source) && !r->journal)
		capture_end(c, pipeline_row, r);
	else
		capture_settle(c, pipeline_row, r);
}

/* Whether a second thread is to count. What is live comes in drops, and its connections leave
 * through the journal; who looks on while a file is read wants a processor for the screen. */
static bool pipeline_shared(const struct reader *r)
{
	if (source_is_live(&r->source) || r->journal)
		return false;
	return counter_processors(r->counter) > (table_server_watched(r->tables) ? 2 : 1);
}

struct slice {
	int64_t end_ns, last_ns; /* the latter where nobody wants anything */
	bool shared;
};

static bool control_speaks(const struct reader *r)
{
	struct pollfd control = {.fd = r->control_fd, .events = POLLIN};

	return poll(&control, 1, 0) != 0;
}

/* With two threads an end costs the time until the second is through with what waits for it: a
 * slice goes on as long as nobody says anything. */
static bool slice_over(const struct reader *r, struct slice *s)
{
	const int64_t now = clock_mono_ns();

	if (now <= s->end_ns)
		return false;
	if (!s->shared || now > s->last_ns || control_speaks(r))
		return true;
	s->end_ns = now + READER_SLICE_NS;
	return false;
}

/* One slice. true: there is more. */
static bool pipeline_packets(struct reader *r, struct slice *s, bool *any)
{
	struct taken t;
	int next;

	for (unsigned n = 1; (next = source_next(&r->source, &t)) > 0; n++) {
		*any = true;
		if (next == SOURCE_LATER) {
			if (slice_over(r, s))
				return true;
			continue;
		}
		counter_add(r->counter, &t);
		if (r->source.gap_new) {
			r->source.gap_new = false;
			journal_gap(r);
		}
		if (n % LOOK_PACKETS == 0 && slice_over(r, s))
			return true;
	}
	return false;
}

static bool pipeline_read(struct reader *r)
{
	const int64_t now = clock_mono_ns();
	const bool live = source_is_live(&r->source);
	struct slice slice = {now + READER_SLICE_NS, now + SLICE_MOST_NS, pipeline_shared(r)};
	bool more, any = false, news = !r->drained;

	if (source_done(&r->source) && !live)
		return false;
	(void)flows_wake(r->capture.flows); /* -1: what cannot be read is told where it is looked at */
	counter_begin(r->counter, &r->capture, &r->index,
		      live ? UINT64_MAX : pipeline_rows_max(false), !slice.shared);
	more = pipeline_packets(r, &slice, &any);
	counter_wait(r->counter);
	pipeline_settle(r, &r->capture, !more);
	if (live)
		pipeline_forget(r);
	r->drained = !more;
	if (source_done(&r->source) && !live)
		table_server_complete(r->tables);
	else if (any || news || source_done(&r->source))
		table_server_wake(r->tables);
	return more;
}

static bool pipeline_follow(struct reader *r)
{
	struct follower *f = r->outer;
	int64_t deadline = clock_mono_ns() + READER_SLICE_NS;
	uint64_t end = index_count(&r->index);
	struct index_entry entry;
	struct packet pk;
	struct err e;

	if (!f || f->row >= end)
		return false;
	for (; f->row < end; f->row++) {
		if (!index_get(&r->index, f->row, &entry) ||
		    walker_read(&f->walker, &r->index, f->row, &pk, &e) < 0)
			(void)pages_add(&f->capture.tags); /* of no connection */
		else
			capture_add(&f->capture, &pk, r->source.interface[entry.interface].shown, 0,
				    true);
		if (f->row % LOOK_PACKETS == 0 && clock_mono_ns() > deadline) {
			f->row++;
			break;
		}
	}
	pipeline_settle(r, &f->capture, f->row == end);
	table_server_wake(r->tables);
	return f->row < end;
}

static void pipeline_finish(struct reader *r)
{
	struct err e;

	if (!r->finishing || r->finish_answered)
		return;
	r->finish_answered = true;
	capture_end(&r->capture, pipeline_row, r);
	if (journal_finish(r, &e) < 0)
		(void)channel_send_error(r->control, 0, r->finish_id, &e);
	else
		(void)channel_send_done(r->control, 0, r->finish_id, "");
	table_server_wake(r->tables);
}

void pipeline_clock(struct reader *r)
{
	r->capture.now_second = (uint32_t)(clock_mono_ns() / NS_PER_S);
}

static struct flows_options pipeline_flows(struct reader *r, bool outer)
{
	struct flows_options o = {.base = r->base_connections, .memory_bytes = r->memory_bytes};

	if (!outer && r->former_fd >= 0 && !o.memory_bytes)
		o.memory_bytes = FORMER_MEMORY_BYTES;
	if (!outer && r->journal) { /* it comes before what is counted for it */
		o.leave = journal_connection;
		o.arg = r;
	}
	return o;
}

/* A look that is due sooner stays: questions come more often than a file is looked at. */
static void look_in(struct reader *r, uint64_t ms)
{
	if (!uv_is_active((uv_handle_t *)&r->look) || uv_timer_get_due_in(&r->look) > ms)
		(void)uv_timer_start(&r->look, r->look.timer_cb, ms, 0);
}

static void on_idle(uv_idle_t *idle)
{
	struct reader *r = idle->data;
	bool more;

	if (source_is_live(&r->source))
		pipeline_clock(r);
	more = pipeline_read(r);
	more = pipeline_follow(r) || more;
	more = passes_step(r) || more;
	more = surveys_step(r) || more;
	more = stream_step(r) || more;
	more = cache_step(r) || more;
	cache_look(r);
	if (r->held)
		held_look(r);
	if (more)
		return;
	(void)uv_idle_stop(&r->idle);
	pipeline_finish(r);
	uint64_t rest = surveys_rest_ms(r);

	if (source_waits(&r->source))
		look_in(r, LOOK_GROWING_MS);
	else if (rest)
		look_in(r, rest);
	else if (cache_rest_ms(r))
		look_in(r, cache_rest_ms(r));
	else if (source_follows(&r->source))
		look_in(r, LOOK_FOLLOW_MS);
}

static void on_look(uv_timer_t *t)
{
	struct reader *r = t->data;

	(void)source_grew(&r->source);
	pipeline_kick(r);
}

static void on_beat(uv_timer_t *t)
{
	struct reader *r = t->data;

	journal_beat(r);
	pipeline_clock(r);
	capture_rest(&r->capture);
}

void pipeline_kick(struct reader *r)
{
	if (!source_begun(&r->source) && !r->finishing)
		return;
	if (!r->has_capture) {
		struct flows_options o = pipeline_flows(r, false);

		capture_init(&r->capture, &o, false, false);
		r->has_capture = true;
		journal_former(r);
	}
	if (source_is_live(&r->source) && !r->capture.live) {
		r->capture.live = true;
		(void)uv_timer_start(&r->beat, on_beat, BEAT_MS, BEAT_MS);
	}
	r->drained = false;
	(void)uv_idle_start(&r->idle, on_idle);
}

/* --- asked --- */

struct capture *pipeline_capture(struct reader *r, bool outer)
{
	if (!outer)
		return &r->capture;
	if (!r->outer) {
		struct flows_options o = pipeline_flows(r, true);

		r->outer = xcalloc(1, sizeof(*r->outer));
		capture_init(&r->outer->capture, &o, true, false);
		r->outer->capture.has_start = r->capture.has_start;
		r->outer->capture.start_ns = r->capture.start_ns;
		walker_init(&r->outer->walker, &r->source);
		pipeline_kick(r);
	}
	return &r->outer->capture;
}

uint64_t pipeline_rows(const struct reader *r, bool outer)
{
	return outer ? r->outer->row : index_count(&r->index);
}

bool pipeline_done(const struct reader *r)
{
	return source_done(&r->source) && (!source_is_live(&r->source) || r->finish_answered);
}

bool pipeline_current(const struct reader *r, bool outer)
{
	if (!pipeline_done(r) && !(source_is_live(&r->source) && r->drained))
		return false;
	return !outer || r->outer->row >= index_count(&r->index);
}

void pipeline_init(struct reader *r)
{
	source_init(&r->source);
	index_init(&r->index);
	r->counter = counter_new();
	(void)uv_idle_init(&r->loop, &r->idle);
	(void)uv_timer_init(&r->loop, &r->look);
	(void)uv_timer_init(&r->loop, &r->beat);
	r->idle.data = r->look.data = r->beat.data = r;
	r->look.timer_cb = on_look;
}

void pipeline_release(struct reader *r)
{
	counter_free(r->counter);
	if (r->outer) {
		capture_release(&r->outer->capture);
		walker_release(&r->outer->walker);
		free(r->outer);
	}
	if (r->has_capture)
		capture_release(&r->capture);
	index_release(&r->index);
	source_release(&r->source);
}
