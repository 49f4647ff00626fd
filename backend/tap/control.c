/* Messages of control: start, filters, counters, segments, stop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "linkstate.h"
#include "sandbox.h"
#include "tap_private.h"

#define START_FDS 4u /* chunks, release, wake, journal */

/* One message being answered. A handler returns -1 with a sentence, 0 when it is done, 1 when the
 * answer comes later. */
struct request {
	struct tap *tap;
	const struct frame *frame;
	const int *fd; /* still the request's to close unless the handler takes them: set to -1 then
			  by `taken` */
	size_t nfd;
	bool taken;
};

typedef int request_fn(struct request *r, struct err *e);

/* --- TAP_START --- */

static int take_descriptors(struct request *r, const struct msg_tap_start *m, struct err *e)
{
	struct tap *t = r->tap;
	struct output *o = &t->output;

	if (r->nfd != START_FDS + m->spaces.count || m->spaces.count > TAP_SPACES_MAX)
		return err_set(e, ERR_CALL,
			       "the tap is started with %u descriptors and those of at most %u "
			       "namespaces, not %zu",
			       START_FDS, TAP_SPACES_MAX, r->nfd);
	if (chunks_map(&o->chunks, r->fd[0], r->fd[1], CHUNKS_TAP, e))
		return err_wrap(e, "the chunks");
	t->has_output = true;
	r->taken = true;
	close(r->fd[0]);
	close(r->fd[1]);
	o->wake_fd = r->fd[2];
	o->pcap = str_is(m->file_format, "pcap");
	o->microseconds = m->microseconds != 0;
	o->sample = m->sample;
	t->journal = journal_new(r->fd[3], e);
	if (add_spaces(t, &m->spaces, r->fd + START_FDS, e))
		return -1;
	if (!t->journal)
		return err_wrap(e, "the journal");
	return output_init(o, e);
}

void control_tell_device(struct tap *t, const struct input *in, const char *why)
{
	struct msg_tap_device m = {
		.index = in->index, .name = str_of(in->name), .link_type = -1, .why = str_of(why)};

	if (in->source) {
		m.link_type = in->facts.link_type;
		m.snaplen = in->facts.snaplen;
		m.nanoseconds = in->facts.nanoseconds;
		m.buffer_bytes = in->facts.buffer_bytes;
		m.stamp = str_of(in->facts.stamp);
	}
	if (t->control)
		channel_put_tap_device(t->control, 0, 0, &m);
}

/* Opens all; each answer is told when the sandbox is entered. */
static int open_devices(struct tap *t, const struct msg_tap_start *m, char (*why)[ERR_TEXT_MAX])
{
	uint32_t open = 0;
	struct err e;

	for (uint32_t i = 0; i < m->devices.count; i++) {
		struct input *in = &t->input[t->inputs++];

		*in = (struct input){.tap = t, .index = i, .type = &source_device};
		if (add_name(in, xstrndup(m->devices.at[i].p, m->devices.at[i].len), &e) ||
		    input_open(in, &e)) {
			memcpy(why[i], e.text, sizeof(why[i]));
			continue;
		}
		open++;
		(void)input_interface(in, &e); /* check_format says it */
	}
	return open > 0 || m->may_wait ? 0 : -1;
}

static int check_start(struct tap *t, const struct msg_tap_start *m, struct err *e)
{
	if (t->started)
		return err_set(e, ERR_CALL, "the tap is started already");
	if ((m->devices.count == 0 && !m->may_wait) || m->devices.count > TAP_DEVICES_MAX)
		return err_set(e, ERR_CALL, "a session has 1 to %u devices, not %u",
			       TAP_DEVICES_MAX, m->devices.count);
	for (uint32_t i = 0; i < m->devices.count; i++) {
		if (m->devices.at[i].len == 0 || m->devices.at[i].len > TAP_NAME_MAX)
			return err_set(e, ERR_CALL, "the name of a device has 1 to %u bytes",
				       TAP_NAME_MAX);
	}
	return 0;
}

/* A pcap file has one link type in its header. */
static int check_format(const struct tap *t, struct err *e)
{
	for (uint32_t i = 0; i < t->inputs; i++) {
		if (t->input[i].source && !t->input[i].has_interface)
			return input_fits(&t->input[i], e);
	}
	return 0;
}

static int lock_up(struct tap *t, struct err *e)
{
	int netlink[1 + TAP_SPACES_MAX];
	size_t count = 0;
	const struct writer_format format = {.pcap = t->output.pcap,
					     .microseconds = t->output.microseconds};

	if (sandbox_drop(e))
		return -1;
	t->output.writer = writer_new(&t->output.chunks, &format, &t->writer_news, e);
	if (!t->output.writer)
		return -1;
	netlink[count++] = t->netlink_fd;
	for (uint32_t i = 0; i < t->spaces; i++)
		netlink[count++] = space_netlink(t->space[i]);
	return tap_sandbox_enter(TAP_CONTROL_FD, netlink, count, e);
}

static void take_limits(struct tap *t, const struct msg_tap_start *m)
{
	t->output.rotation = (struct rotation){.bytes = m->rotate_bytes,
					       .packets = m->rotate_packets,
					       .every_ns = m->rotate_ns > 0 ? m->rotate_ns : 0,
					       .clock = m->aligned == 1	  ? ROTATION_LOCAL
							: m->aligned == 2 ? ROTATION_UTC
									  : ROTATION_FREE};
	t->output.full = segment_full;
	t->output.full_arg = t;
	t->stop_packets = m->stop_packets;
	t->stop_bytes = m->stop_bytes;
	t->stop_segments = m->stop_segments;
}

static int on_start(struct request *r, struct err *e)
{
	static const char none[] = "no device could be opened";
	struct tap *t = r->tap;
	struct msg_tap_start m;
	char(*why)[ERR_TEXT_MAX];
	int rc = -1, opened;

	if (msg_get_tap_start(r->frame->payload, r->frame->len, &m, e) || check_start(t, &m, e) ||
	    take_descriptors(r, &m, e))
		return -1;
	t->started = true;
	t->session = xstrndup(m.session.p, m.session.len);
	t->snaplen = m.snaplen;
	t->buffer_bytes = m.buffer_bytes;
	t->promiscuous = m.promiscuous != 0;
	t->direction = m.direction;
	t->record = m.record != 0;
	take_limits(t, &m);
	t->wait_ns = m.wait_ms * NS_PER_MS;
	t->stamp = xstrndup(m.stamp.len > 0 ? m.stamp.p : "", m.stamp.len);
	t->past.bytes = m.past_bytes;
	t->past.ns = m.past_ns;
	why = xcalloc(m.devices.count + 1, sizeof(*why));
	opened = open_devices(t, &m, why);
	add_merge(t);
	if (opened == 0 && (check_format(t, e) || lock_up(t, e)))
		goto out;
	for (uint32_t i = 0; i < t->inputs; i++)
		control_tell_device(t, &t->input[i], why[i]);
	if (opened) {
		err_set(e, ERR_REFUSED, "%s: %s", none, why[0]);
		goto out;
	}
	if (t->record)
		segment_ask(t);
	tap_tick_needed(t);
	rc = 0;
out:
	free(why);
	if (rc)
		t->status = ERR_REFUSED;
	return rc;
}

static int on_add(struct request *r, struct err *e)
{
	struct msg_tap_add m;

	if (msg_get_tap_add(r->frame->payload, r->frame->len, &m, e))
		return -1;
	return add_device(r->tap, &m, e);
}

/* --- filters, counters, own traffic --- */

bool control_stale(const struct tap *t, uint32_t index, uint32_t link_type)
{
	const struct input *in = &t->input[index < TAP_DEVICES_MAX ? index : 0];

	return index < t->inputs &&
	       (in->removed || (in->changed && link_type != in->facts.link_type));
}

static int load_program(struct tap *t, uint32_t index, struct str blob, struct bpf **program,
			struct err *e)
{
	if (!t->started || index >= t->inputs)
		return err_set(e, ERR_CALL, "there is no device %u", index);
	return bpf_load(program, blob, e);
}

static int start_input(struct tap *t, struct input *in, struct err *e)
{
	if (input_start(in, e))
		return -1;
	report_device(t, in);
	tap_tick_needed(t);
	return 0;
}

static int on_filter(struct request *r, struct err *e)
{
	struct tap *t = r->tap;
	struct msg_tap_filter m;
	struct bpf *program = NULL;
	struct input *in;

	if (msg_get_tap_filter(r->frame->payload, r->frame->len, &m, e))
		return -1;
	if (control_stale(t, m.index, m.link_type))
		return 0;
	if (load_program(t, m.index, m.program, &program, e))
		return -1;
	in = &t->input[m.index];
	if (!in->source && !in->running) {
		bpf_free(program);
		return err_set(e, ERR_REFUSED, "%s is not open", in->name);
	}
	if (input_filter(in, program, m.text, r->frame->id, e))
		return -1;
	if (in->running && in->source)
		return 1;
	if (in->running || (t->record && t->segments == 0))
		return in->running ? 0 : 1; /* away; or it starts, and is answered, with its file */
	in->request = 0;
	return start_input(t, in, e);
}

static int on_counter(struct request *r, struct err *e)
{
	return control_counter(r->tap, r->frame, e);
}

static int on_counters(struct request *r, struct err *e)
{
	return control_counters(r->tap, r->frame, e);
}

static int on_own(struct request *r, struct err *e)
{
	return control_own(r->tap, r->frame, e);
}

static int on_when(struct request *r, struct err *e)
{
	struct msg_tap_when m;
	struct bpf *program = NULL;

	if (msg_get_tap_when(r->frame->payload, r->frame->len, &m, e))
		return -1;
	if (control_stale(r->tap, m.index, m.link_type))
		return 0;
	if (load_program(r->tap, m.index, m.program, &program, e))
		return -1;
	return when_set(r->tap, &m, program, e);
}

/* --- segments --- */

static int start_waiting(struct tap *t)
{
	for (uint32_t i = 0; i < t->inputs; i++) {
		struct input *in = &t->input[i];
		uint32_t id = in->request;
		struct err e;

		if (in->running || !in->source || !in->filter)
			continue;
		in->request = 0;
		if (start_input(t, in, &e))
			channel_send_error(t->control, 0, id, &e);
		else
			channel_send_done(t->control, 0, id, "");
	}
	return 0;
}

static int on_segment(struct request *r, struct err *e)
{
	struct tap *t = r->tap;
	struct msg_tap_segment m;

	if (msg_get_tap_segment(r->frame->payload, r->frame->len, &m, e))
		return -1;
	if (t->output.writer && m.number && m.number == t->past.number && r->nfd <= 1) {
		r->taken = true;
		past_take(t, m.name, r->nfd ? r->fd[0] : -1);
		return 0;
	}
	if (t->output.writer && r->nfd == 0) { /* none could be made */
		segment_absent(t, m.number);
		return 0;
	}
	if (!t->output.writer || r->nfd != 1)
		return err_set(e, ERR_CALL, "a segment comes with one descriptor, after the start");
	r->taken = true;
	if (segment_take(t, &m, r->fd[0], e))
		return -1;
	return start_waiting(t);
}

static int on_save(struct request *r, struct err *e)
{
	struct tap *t = r->tap;

	if (!t->output.writer)
		return err_set(e, ERR_CALL, "the tap is not started");
	return t->stopping ? 0 : past_ask(t, e); /* what ends saves nothing more: control sees it */
}

static int on_rotate(struct request *r, struct err *e)
{
	if (!r->tap->record || !r->tap->output.writer)
		return err_set(e, ERR_CALL, "nothing is recorded, so nothing can be rotated");
	segment_rotate(r->tap, "rotate");
	return 0;
}

static int on_record(struct request *r, struct err *e)
{
	struct tap *t = r->tap;
	struct msg_tap_record m;
	char *reason;

	if (msg_get_tap_record(r->frame->payload, r->frame->len, &m, e))
		return -1;
	if (!t->output.writer)
		return err_set(e, ERR_CALL, "the tap is not started");
	reason = m.reason.len ? xstrndup(m.reason.p, m.reason.len) : xstrdup("off");
	if (m.on && t->output.segment.number == 0)
		segment_ask(t);
	control_segment_news(t); /* a place for the one that is sealed now */
	if (!m.on)
		output_seal(&t->output, reason);
	if (!m.on && m.lost)
		segment_lose(t, reason);
	else if (!m.on)
		segment_lose_end(t); /* it goes without files, as was asked */
	t->record = m.on != 0;
	free(reason);
	return m.on ? 0 : start_waiting(t); /* for a file that does not come */
}

/* Control has done something with a file: the journal says so, in its order. */
static int on_journal(struct request *r, struct err *e)
{
	struct msg_tap_journal m;
	struct buf b;
	int rc;

	if (msg_get_tap_journal(r->frame->payload, r->frame->len, &m, e))
		return -1;
	if (!r->tap->journal || m.type < MSG_J_CAPTURE)
		return err_set(e, ERR_CALL, "this is no record for the journal");
	buf_init(&b, JOURNAL_RECORD_MAX);
	rc = buf_add(&b, m.payload.p, m.payload.len) || journal_add(r->tap->journal, m.type, &b, e);
	/* What only tells is brought to the disk with the next second, as what we tell ourselves.
	 */
	if (rc == 0 && m.type != MSG_J_EVENT)
		rc = journal_sync(r->tap->journal, e);
	buf_release(&b);
	return rc ? -1 : 0;
}

/* --- the rest --- */

static int on_stop(struct request *r, struct err *e)
{
	struct msg_tap_stop m;
	char *reason;

	if (msg_get_tap_stop(r->frame->payload, r->frame->len, &m, e))
		return -1;
	reason = xstrndup(m.reason.len > 0 ? m.reason.p : "stop",
			  m.reason.len > 0 ? m.reason.len : 4);
	tap_stop(r->tap, reason);
	free(reason);
	return 0;
}

static int on_nothing(struct request *r, struct err *e)
{
	(void)r;
	(void)e;
	return 1;
}

static const struct {
	uint16_t type;
	request_fn *run;
} requests[] = {
	{MSG_HELLO, on_nothing},       {MSG_DONE, on_nothing},
	{MSG_TAP_START, on_start},     {MSG_TAP_FILTER, on_filter},
	{MSG_TAP_COUNTER, on_counter}, {MSG_TAP_OWN, on_own},
	{MSG_TAP_SEGMENT, on_segment}, {MSG_TAP_ROTATE, on_rotate},
	{MSG_TAP_RECORD, on_record},   {MSG_TAP_STOP, on_stop},
	{MSG_TAP_JOURNAL, on_journal}, {MSG_TAP_COUNTERS, on_counters},
	{MSG_TAP_ADD, on_add},	       {MSG_TAP_SAVE, on_save},
	{MSG_TAP_WHEN, on_when},
};

static void answer(struct tap *t, const struct frame *f, int rc, const struct err *e)
{
	if (!t->control || rc == 1)
		return;
	if (rc)
		channel_send_error(t->control, 0, f->id, e);
	else if (f->id)
		channel_send_done(t->control, 0, f->id, "");
}

static void on_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct request r = {.tap = arg, .frame = f, .fd = fd, .nfd = nfd};
	struct err e = {.code = ERR_CALL, .at = -1};
	int rc = -1;
	size_t i;

	(void)c;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].type == f->type)
			break;
	}
	if (i < ARRAY_LEN(requests))
		rc = requests[i].run(&r, &e);
	else
		err_set(&e, ERR_CALL, "the tap does not know the message %s", msg_name(f->type));
	for (i = 0; i < nfd && !r.taken; i++)
		close(fd[i]);
	answer(r.tap, f, rc, &e);
	if (r.tap->status)
		tap_stop(r.tap, e.text);
}

/* Control is dead: what is held is brought to the file, so that it is whole. */
static void on_gone(void *arg, struct channel *c, const struct err *e)
{
	struct tap *t = arg;

	(void)e;
	t->control = NULL;
	channel_close(c);
	if (t->output.writer)
		writer_join(t->output.writer, EPIPE);
	tap_stop(t, "control is gone");
}

const struct channel_ops control_ops = {.message = on_message, .gone = on_gone};
