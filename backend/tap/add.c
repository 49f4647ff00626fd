/* Devices that come while the session runs. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "tap_private.h"

static int emit_merged(void *arg, uint32_t source, const struct source_packet *p, bool must)
{
	struct tap *t = arg;
	int rc = output_packet(&t->output, t->input[source].interface, p);

	if (rc && must)
		t->output.dropped_buffer++;
	if (rc == 0)
		segment_limits(t);
	return rc;
}

void add_merge(struct tap *t)
{
	if (t->merge || t->inputs < 2)
		return;
	t->merge = merge_new(t->wait_ns, emit_merged, t);
	for (uint32_t i = 0; i < t->inputs; i++) {
		if (t->input[i].running && t->input[i].source)
			merge_set_live(t->merge, i, true);
	}
	tap_tick_needed(t);
}

/* The place of one that is gone: what it counted stays counted. */
static void place_clear(struct tap *t, struct input *in)
{
	struct source_stats st;

	if (t->merge)
		merge_flush(t->merge); /* what it left behind still has its number */
	input_remove(in);
	input_stats(in, &st);
	owns_forget(&t->own, in->index);
	bpf_free(in->filter);
	bpf_free(in->next_filter);
	free(in->filter_text);
	free(in->next_text);
	free(in->name);
	in->filter = in->next_filter = NULL;
	in->filter_text = in->next_text = in->name = NULL;
	in->removed = in->has_interface = in->told_refused = in->told_lags = false;
	in->link_index = 0;
	in->request = 0;
}

static struct input *place_of(struct tap *t, uint32_t index, struct err *e)
{
	struct input *in = &t->input[index];

	if (index < t->inputs && in->source && in->running) {
		err_set(e, ERR_CALL, "%s is captured already", in->name);
		return NULL;
	}
	if (index < t->inputs) {
		place_clear(t, in);
		return in;
	}
	*in = (struct input){.tap = t, .index = index, .type = &source_device};
	t->inputs++;
	add_merge(t);
	return in;
}

static void add_open(struct input *in)
{
	struct err e = {.text = ""};

	if (input_open(in, &e) == 0 && input_fits(in, &e)) {
		in->type->close(in->source);
		in->source = NULL;
	}
	control_tell_device(in->tap, in, in->source ? "" : e.text);
}

int add_device(struct tap *t, const struct msg_tap_add *m, struct err *e)
{
	struct input *in;

	if (!t->output.writer || t->stopping)
		return err_set(e, ERR_CALL, "the tap is not running");
	if (m->index > t->inputs || m->index >= TAP_DEVICES_MAX)
		return err_set(e, ERR_CALL, "there is no place %u for a device", m->index);
	if (m->remove) {
		if (m->index < t->inputs)
			input_remove(&t->input[m->index]);
		return 0;
	}
	if (m->name.len == 0 || m->name.len > TAP_NAME_MAX)
		return err_set(e, ERR_CALL, "the name of a device has 1 to %u bytes", TAP_NAME_MAX);
	in = place_of(t, m->index, e);
	if (!in)
		return -1;
	in->name = xstrndup(m->name.p, m->name.len);
	in->gone_ns = m->since_ns > 0 ? m->since_ns : clock_now_ns();
	in->joined = true;
	add_open(in);
	return 0;
}
