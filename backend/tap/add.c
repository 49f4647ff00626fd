/* Devices that come while the session runs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	owns_forget(&t->when, in->index);
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

int add_spaces(struct tap *t, const struct strs *names, const int *fd, struct err *e)
{
	int rc = 0;

	for (uint32_t i = 0; i < names->count; i++) {
		char *name = xstrndup(names->at[i].p, names->at[i].len);

		if (rc)
			close(fd[i]);
		else if ((rc = space_open(&t->space[t->spaces], name, fd[i], e)) == 0)
			t->spaces++;
		free(name);
	}
	return rc;
}

int add_name(struct input *in, char *name, struct err *e)
{
	const char *slash = strrchr(name, '/');

	in->name = name;
	in->device = name;
	in->space = NULL;
	if (!slash)
		return 0;
	for (uint32_t i = 0; i < in->tap->spaces; i++) {
		struct space *s = in->tap->space[i];

		if (!s || !str_is((struct str){name, (size_t)(slash - name)}, space_name(s)))
			continue;
		in->space = s;
		in->device = slash + 1;
		return 0;
	}
	return err_set(e, ERR_ABSENT, "%s: its namespace is not open", name);
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

/* Its namespace goes with the last of what is open in it, this thread among it. */
static int space_remove(struct tap *t, struct str name)
{
	for (uint32_t i = 0; i < t->spaces; i++) {
		struct space *s = t->space[i];

		if (!s || !str_is(name, space_name(s)))
			continue;
		for (uint32_t k = 0; k < t->inputs; k++) {
			if (t->input[k].space == s)
				input_remove(&t->input[k]);
		}
		tap_event(t, "warn", t->session,
			  "%s is gone: what was captured in it is not captured any more",
			  space_name(s));
		for (uint32_t k = 0; k < t->inputs; k++) {
			if (t->input[k].space == s)
				t->input[k].space = NULL;
		}
		space_close(s);
		t->space[i] = NULL;
	}
	return 0;
}

int add_device(struct tap *t, const struct msg_tap_add *m, struct err *e)
{
	struct input *in;

	if (!t->output.writer || t->stopping)
		return err_set(e, ERR_CALL, "the tap is not running");
	if (m->index > t->inputs || m->index >= TAP_DEVICES_MAX)
		return err_set(e, ERR_CALL, "there is no place %u for a device", m->index);
	if (m->remove && m->name.len > 0)
		return space_remove(t, m->name);
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
	if (add_name(in, xstrndup(m->name.p, m->name.len), e)) {
		control_tell_device(t, in, e->text);
		return 0;
	}
	in->gone_ns = m->since_ns > 0 ? m->since_ns : clock_now_ns();
	in->joined = true;
	add_open(in);
	return 0;
}
