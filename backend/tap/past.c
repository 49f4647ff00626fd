/* The past on request: what the chunks hold goes to a file, once the devices have shown what came
 * before it was asked for. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "save.h"
#include "tap_private.h"

#define SETTLE_NS (120 * NS_PER_MS) /* the kernel shows a packet after 50 ms at most */
#define SETTLE_MAX_NS (2 * NS_PER_S)

int past_ask(struct tap *t, struct err *e)
{
	struct msg_tap_need need = {.saved = 1};
	struct past *x = &t->past;

	if (x->number)
		return err_set(e, ERR_CALL, "segment %u is still to be saved: one at a time",
			       x->number);
	x->number = need.number = ++t->last_segment;
	x->asked_ns = clock_now_ns();
	x->asked_mono_ns = clock_mono_ns();
	if (t->control)
		channel_put_tap_need(t->control, 0, 0, &need);
	tap_tick_needed(t);
	return 0;
}

void past_take(struct tap *t, struct str name, int fd)
{
	struct past *x = &t->past;

	if (fd < 0 || x->name) {
		x->number = fd < 0 ? 0 : x->number;
		if (fd >= 0)
			close(fd);
		return;
	}
	x->name = xstrndup(name.p, name.len);
	x->fd = fd;
	tap_tick_needed(t);
}

bool past_waits(const struct tap *t)
{
	return t->past.number != 0;
}

static bool past_settled(const struct tap *t)
{
	const int64_t waited = clock_mono_ns() - t->past.asked_mono_ns;

	if (waited >= SETTLE_MAX_NS)
		return true;
	if (waited < SETTLE_NS || (t->merge && merge_low_ns(t->merge) <= t->past.asked_ns))
		return false;
	for (uint32_t i = 0; i < t->inputs; i++) {
		if (t->input[i].source && t->input[i].running && !t->input[i].drained)
			return false;
	}
	return true;
}

/* Control is told of its beginning before a byte is written: should this process die in between, it
 * knows which packets the file has. */
static void past_begin(struct tap *t, struct err *e)
{
	struct past *x = &t->past;
	struct save_range range;
	struct output_segment *s;
	struct msg_tap_saved m = {.number = x->number};
	const struct save_bounds bounds = {x->bytes, x->ns, x->asked_ns, x->asked_mono_ns};

	save_look(&t->output, &bounds, &range);
	s = save_segment(&t->output, &range, x->number, x->name);
	if (!s) {
		close(x->fd);
		err_set(e, ERR_PART, "%u files are still being written", WRITER_SEGMENTS_MAX);
		return;
	}
	m.first_packet = range.first_packet;
	if (t->control)
		channel_put_tap_saved(t->control, 0, 0, &m);
	segment_begun(t, s);
	if (save_write(&t->output, &range, x->number, x->fd, e))
		output_forget_segment(s);
}

void past_tick(struct tap *t, bool now)
{
	struct past *x = &t->past;
	struct err e = {.code = ERR_NONE};

	if (!x->name || !(now || past_settled(t)))
		return;
	past_begin(t, &e);
	if (e.code) {
		const struct msg_tap_sealed m = {
			.number = x->number, .name = str_of(x->name), .reason = str_of("save")};

		tap_event(t, "error", t->session, "%s could not be saved: %s", x->name, e.text);
		if (t->control)
			channel_put_tap_sealed(t->control, 0, 0, &m);
	}
	free(x->name);
	x->name = NULL;
	x->fd = -1;
	x->number = 0;
}

void past_held(const struct tap *t, uint64_t *bytes, int64_t *ns)
{
	const struct save_bounds bounds = {t->past.bytes, t->past.ns, clock_now_ns(),
					   clock_mono_ns()};
	struct save_range range;

	*bytes = 0;
	*ns = 0;
	if (!t->past.bytes || !t->has_output)
		return;
	save_look(&t->output, &bounds, &range);
	*bytes = range.bytes;
	*ns = range.held_ns > 0 ? range.held_ns : 0;
}

void past_release(struct tap *t)
{
	if (t->past.name)
		close(t->past.fd);
	free(t->past.name);
}
