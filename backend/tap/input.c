/* One device of the session: its handle, its filter and the change of it, its going and coming
 * back. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "linkstate.h"
#include "sandbox.h"
#include "tap_private.h"

#define READ_MOST 4096			   /* packets between two looks at the clock */
#define READ_TIME_NS (20 * NS_PER_MS)	   /* then the loop looks after the others */
#define HANDOVER_WAIT_NS (100 * NS_PER_MS) /* twice what the kernel keeps a packet back */
#define HANDOVER_DISORDER_NS (2 * NS_PER_MS)

#define KEPT_BYTES_MAX (512u * 1024) /* more than any snaplen */

static void poll_begin(struct input *in);
static void poll_forget(struct input *in);

/* --- packets --- */

/* Half of the kernel's ring, at a byte a nanosecond: so long it holds what comes. */
static int64_t ring_patience_ns(const struct input *in)
{
	return (int64_t)(in->facts.buffer_bytes / 2);
}

/* The writer is behind. The packet in hand is kept, what follows stays in the kernel's ring until
 * there is room; but never so long that the ring runs over, as then nobody would have counted. */
static void input_stall(struct input *in, const struct source_packet *p)
{
	in->stalled = true;
	in->stall_until_mono_ns = clock_mono_ns() + ring_patience_ns(in);
	in->tap->stalls++;
	in->kept = (struct source_packet){0};
	if (p) {
		buf_init(&in->kept_bytes, KEPT_BYTES_MAX);
		if (buf_add(&in->kept_bytes, p->data, p->captured)) {
			in->tap->output.dropped_buffer++;
		} else {
			in->kept = *p;
			in->kept.data = in->kept_bytes.data;
		}
		in->type->pause(in->source);
	}
	if (in->polling)
		uv_poll_stop(in->poll);
	in->polling = false;
	tap_tick_needed(in->tap);
}

/* true: reading goes on. */
static bool input_unstall(struct input *in)
{
	const bool late = clock_mono_ns() >= in->stall_until_mono_ns;

	if (in->tap->merge && merge_full(in->tap->merge) && !late)
		return false;
	if (in->kept.data && output_packet(&in->tap->output, in->interface, &in->kept)) {
		if (!late)
			return false;
		in->tap->output.dropped_buffer++;
	}
	in->overflow = late;
	in->kept = (struct source_packet){0};
	buf_release(&in->kept_bytes);
	in->stalled = false;
	if (in->source && in->running)
		poll_begin(in);
	return true;
}

static void input_put(struct input *in, const struct source_packet *p)
{
	if (output_packet(&in->tap->output, in->interface, p) == 0)
		in->overflow = false;
	else if (in->overflow)
		in->tap->output.dropped_buffer++;
	else
		input_stall(in, p);
}

static void packet_keep(struct input *in, const struct source_packet *p)
{
	struct tap *t = in->tap;

	if (t->merge) {
		merge_add(t->merge, in->index, p, clock_mono_ns());
		if (merge_full(t->merge) && !in->overflow)
			in->type->pause(in->source);
	} else if (in->stalled) { /* libpcap gives a last one or two after the pause */
		t->output.dropped_buffer++;
	} else {
		input_put(in, p);
	}
}

static void on_packet(void *arg, const struct source_packet *p)
{
	struct input *in = arg;
	struct tap *t = in->tap;

	if (t->full || p->ts_ns < in->not_before_ns || (t->stopping && p->ts_ns > t->stop_ns))
		return;
	if (in->next && p->ts_ns >= in->handover_ns) {
		in->past_handover =
			in->past_handover || p->ts_ns >= in->handover_ns + HANDOVER_DISORDER_NS;
		return;
	}
	if (t->own.count > 0 && owns_match(t, in->index, p))
		return;
	t->packets++;
	t->bytes += p->length;
	counters_run(&t->counters, in->group, p);
	if (t->output.sample < 2 || t->packets % t->output.sample == 0)
		packet_keep(in, p);
	if (t->when.count > 0)
		when_run(t, in->index, p);
	segment_limits(t);
}

/* --- the loop's view of a handle --- */

static void on_poll_closed(uv_handle_t *h)
{
	free(h);
}

static void poll_forget(struct input *in)
{
	if (in->poll)
		uv_close((uv_handle_t *)in->poll, on_poll_closed);
	in->poll = NULL;
	in->polling = false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct input *in = poll->data;

	(void)events;
	if (status < 0)
		in->polling = false; /* the loop has stopped it: the device went down; the next
					second tries again */
	tap_round(in->tap, in);
}

static void poll_begin(struct input *in)
{
	if (!in->poll) {
		in->poll = xcalloc(1, sizeof(*in->poll));
		if (uv_poll_init(&in->tap->loop, in->poll, in->type->fd(in->source))) {
			free(in->poll);
			in->poll = NULL;
			return; /* the next second tries again */
		}
		in->poll->data = in;
	}
	in->polling = uv_poll_start(in->poll, UV_READABLE, on_readable) == 0;
}

/* --- opening, starting, closing --- */

struct opening {
	const struct input *in;
	struct source **source;
	struct source_facts *facts;
	struct err *err;
	int rc;
};

/* In the thread that is where the device is: each has the right to itself. */
static void open_there(void *arg)
{
	struct opening *o = arg;
	const struct tap *t = o->in->tap;
	struct source_spec spec = {.name = o->in->device,
				   .snaplen = t->snaplen,
				   .buffer_bytes = t->buffer_bytes,
				   .promiscuous = t->promiscuous,
				   .direction = t->direction,
				   .stamp = t->stamp,
				   .microseconds = t->output.microseconds};

	o->rc = sandbox_raise(o->err);
	if (o->rc)
		return;
	o->rc = o->in->type->open(o->source, &spec, o->facts, o->err);
	sandbox_lower();
}

static int handle_open(struct input *in, struct source **s, struct source_facts *facts,
		       struct err *e)
{
	struct opening o = {.in = in, .source = s, .facts = facts, .err = e};

	if (!in->space) {
		open_there(&o);
		return o.rc;
	}
	space_run(in->space, open_there, &o);
	return o.rc ? err_wrap(e, "%s", space_name(in->space)) : 0;
}

static int link_get(const struct input *in, struct linkstate *state)
{
	return linkstate_get(in->space ? space_netlink(in->space) : in->tap->netlink_fd, in->device,
			     state);
}

static void remember_link(struct input *in)
{
	struct linkstate now;

	if (link_get(in, &now) || !now.there)
		return;
	in->link_index = now.index;
	in->dropped_device_last = now.missed;
}

int input_open(struct input *in, struct err *e)
{
	if (handle_open(in, &in->source, &in->facts, e))
		return -1;
	in->group = counters_group(&in->tap->counters, in->facts.link_type);
	remember_link(in);
	return 0;
}

int input_start(struct input *in, struct err *e)
{
	if (!in->has_interface && input_interface(in, e))
		return -1;
	if (in->type->start(in->source, in->filter, e))
		return err_wrap(e, "%s", in->name);
	in->running = true;
	if (in->tap->merge)
		merge_set_live(in->tap->merge, in->index, true);
	poll_begin(in);
	if (in->gone_ns)
		input_told_start(in);
	in->joined = in->changed = false;
	return 0;
}

/* What a handle counted is kept when it is closed. */
static void handle_close(struct input *in, struct source *s)
{
	struct source_stats st;

	if (!s)
		return;
	in->type->stats(s, &st);
	in->received_before += st.received;
	in->dropped_kernel_before += st.dropped_kernel;
	in->type->close(s);
}

static void close_handles(struct input *in)
{
	poll_forget(in);
	handle_close(in, in->source);
	handle_close(in, in->next);
	in->source = in->next = NULL;
}

void input_close(struct input *in)
{
	close_handles(in);
	bpf_free(in->filter);
	bpf_free(in->next_filter);
	buf_release(&in->kept_bytes);
	free(in->filter_text);
	free(in->next_text);
	free(in->name);
	in->filter = in->next_filter = NULL;
	in->filter_text = in->next_text = in->name = NULL;
}

void input_stats(struct input *in, struct source_stats *stats)
{
	*stats = (struct source_stats){0};
	if (in->source)
		in->type->stats(in->source, stats);
	stats->received += in->received_before;
	stats->dropped_kernel += in->dropped_kernel_before;
}

/* --- another filter --- */

static void journal_filter(struct input *in, const char *before)
{
	struct tap *t = in->tap;
	struct msg_j_filter m = {.time_ns = clock_now_ns(),
				 .counter = str_of(""),
				 .before = str_of(before),
				 .after = str_of(in->filter_text),
				 .packets = t->packets,
				 .bytes = t->bytes};

	(void)journal_add_j_filter(t->journal, &m,
				   NULL); /* report.c says when a journal cannot be written */
}

static void filter_take(struct input *in)
{
	char *before;

	bpf_free(in->filter);
	in->filter = in->next_filter;
	in->next_filter = NULL;
	before = in->filter_text;
	in->filter_text = in->next_text;
	in->next_text = NULL;
	if (in->running)
		journal_filter(in, before);
	free(before);
	output_set_filter(&in->tap->output, in->interface, in->filter_text);
}

/* The new handle's ring already takes what passes the new filter; it is read when the old one has
 * given the last packet that is older than the change. */
static int handover_begin(struct input *in, struct err *e)
{
	struct source_facts facts;

	if (handle_open(in, &in->next, &facts, e))
		return err_wrap(e, "the filter cannot be changed (the old one goes on)");
	if (facts.link_type != in->facts.link_type ||
	    in->type->start(in->next, in->next_filter, e)) {
		in->type->close(in->next);
		in->next = NULL;
		return err_wrap(e, "the filter cannot be changed (the old one goes on)");
	}
	in->handover_ns = clock_now_ns();
	in->handover_until_mono_ns = clock_mono_ns() + HANDOVER_WAIT_NS;
	in->past_handover = false;
	tap_tick_needed(in->tap);
	return 0;
}

static void handover_finish(struct input *in)
{
	struct tap *t = in->tap;

	poll_forget(in);
	handle_close(in, in->source);
	in->source = in->next;
	in->next = NULL;
	in->not_before_ns = in->handover_ns;
	filter_take(in);
	poll_begin(in);
	if (t->control && in->request)
		channel_send_done(t->control, 0, in->request, "");
	in->request = 0;
	tap_round(t, in);
}

void input_remove(struct input *in)
{
	if (in->source && in->running && !in->gone_ns)
		tap_round(in->tap, in); /* what its ring still shows */
	input_settle(in);
	if (in->next) /* as when it is lost: there is nothing left to hand over */
		filter_take(in);
	close_handles(in);
	if (in->tap->control && in->request)
		channel_send_done(in->tap->control, 0, in->request, "");
	in->request = 0;
	if (in->tap->merge)
		merge_set_live(in->tap->merge, in->index, false);
	in->running = in->stalled = false;
	in->removed = true;
	in->gone_ns = 0;
}

void input_settle(struct input *in)
{
	if (in->kept.data && output_packet(&in->tap->output, in->interface, &in->kept))
		in->tap->output.dropped_buffer++;
	in->kept.data = NULL;
	buf_release(&in->kept_bytes);
}

void input_tick(struct input *in)
{
	if (!in->next && !in->stalled)
		return;
	tap_round(in->tap, in);
	if (in->next && in->drained &&
	    (in->past_handover || clock_mono_ns() >= in->handover_until_mono_ns))
		handover_finish(in);
}

int input_filter(struct input *in, struct bpf *filter, struct str text, uint32_t request,
		 struct err *e)
{
	char *copy = xstrndup(text.len > 0 ? text.p : "", text.len);

	if (in->next) {
		free(copy);
		bpf_free(filter);
		return err_set(e, ERR_REFUSED, "%s: the filter is being changed already; try again",
			       in->name);
	}
	bpf_free(in->next_filter);
	free(in->next_text);
	in->next_filter = filter;
	in->next_text = copy;
	in->request = request;
	if (!in->running || !in->source) { /* not started yet, or away: it begins with this one */
		filter_take(in);
		return 0;
	}
	if (handover_begin(in, e) == 0)
		return 0;
	in->request = 0;
	return -1;
}

/* --- going and coming back --- */

static void input_lost(struct input *in, const char *why)
{
	struct tap *t = in->tap;

	if (in->next) /* the change is made: there is nothing left to hand over */
		filter_take(in);
	close_handles(in);
	in->gone_ns = clock_now_ns();
	if (t->merge)
		merge_set_live(t->merge, in->index, false);
	if (t->control && in->request)
		channel_send_done(t->control, 0, in->request, "");
	in->request = 0;
	tap_event(t, "warn", in->name,
		  "%s is gone (%s); the session goes on and takes it up again when it returns",
		  in->name, why);
}

/* A device of that name, with another link type: another interface of the files, and control makes
 * its programs anew. It starts with its filter. */
static void input_changed(struct input *in, const struct source_facts *facts)
{
	struct source_facts before = in->facts;
	struct err e;

	in->facts = *facts;
	if (input_fits(in, &e)) {
		in->facts = before;
		in->type->close(in->source);
		in->source = NULL;
		if (!in->told_refused)
			tap_event(in->tap, "warn", in->name, "%s", e.text);
		in->told_refused = true;
		return;
	}
	if (in->tap->merge)
		merge_flush(in->tap->merge); /* what it had has the number that it had */
	in->running = in->has_interface = false;
	in->changed = true;
	in->group = counters_group(&in->tap->counters, in->facts.link_type);
	owns_forget(&in->tap->own, in->index);
	owns_forget(&in->tap->when, in->index);
	remember_link(in);
	control_tell_device(in->tap, in, "");
}

/* Quiet while it cannot be opened: that it is gone has been said. */
static void input_return(struct input *in)
{
	struct source_facts facts;
	struct err e;

	if (handle_open(in, &in->source, &facts, &e))
		return;
	if (facts.link_type != in->facts.link_type) {
		input_changed(in, &facts);
		return;
	}
	if (input_start(in, &e)) {
		in->type->close(in->source);
		in->source = NULL;
		return;
	}
	remember_link(in);
}

static void look_at_link(struct input *in)
{
	struct linkstate now;

	if (in->link_index == 0 || link_get(in, &now))
		return; /* "any" is no link */
	if (!now.there || now.index != in->link_index) {
		tap_round(in->tap, in); /* what its ring still holds */
		if (in->source)
			input_lost(in, "it was removed");
		return;
	}
	if (now.missed > in->dropped_device_last)
		in->dropped_device += now.missed - in->dropped_device_last;
	in->dropped_device_last = now.missed;
	if (now.up == !in->told_down)
		return;
	in->told_down = !now.up;
	tap_event(in->tap, now.up ? "note" : "warn", in->name, "%s is %s", in->name,
		  now.up ? "up again" : "down; packets come again when it is up");
}

void input_second(struct input *in)
{
	if (!in->running)
		return;
	if (in->gone_ns) {
		input_return(in);
		return;
	}
	if (!in->polling && !in->stalled)
		poll_begin(in);
	tap_round(in->tap, in);
	input_look_at_lag(in);
	if (in->source)
		look_at_link(in);
}

/* Short of memory, the oldest goes first without waiting for others. */
static bool no_room(struct input *in)
{
	struct merge *m = in->tap->merge;

	if (!m || !merge_full(m))
		return false;
	merge_run(m);
	return merge_full(m);
}

void input_read(struct input *in)
{
	int64_t until = clock_mono_ns() + READ_TIME_NS;
	struct err e;
	int n;

	in->drained = false;
	if (in->stalled && !input_unstall(in))
		return;
	while (in->source && !in->stalled) {
		const bool full = no_room(in);

		in->overflow = in->overflow && (full || !in->tap->merge);
		if (full && !in->overflow) {
			input_stall(in, NULL);
			return;
		}
		n = in->type->read(in->source, READ_MOST, on_packet, in, &e);
		if (n < 0) {
			input_lost(in, e.text);
			return;
		}
		in->drained = n == 0;
		if (in->drained && clock_mono_ns() > in->handover_until_mono_ns + HANDOVER_WAIT_NS)
			in->not_before_ns = 0; /* the clock may be set back one day */
		if (in->drained || clock_mono_ns() > until)
			return;
	}
}
