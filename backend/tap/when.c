/* Programs that each packet is shown to, for what a match asks: that the past is saved, or that the
 * session ends. */
#include "base/clock.h"
#include "tap_private.h"

#define SAVE_EVERY_NS NS_PER_S

static void tell(struct tap *t, const char *op, const struct source_packet *p)
{
	const struct msg_tap_matched m = {.op = str_of(op), .time_ns = p->ts_ns};

	if (t->control)
		channel_put_tap_matched(t->control, 0, 0, &m);
}

static void matched(struct tap *t, const struct own *c, const struct source_packet *p)
{
	const int64_t mono_ns = clock_mono_ns();

	if (str_is(str_of(c->name), "stop")) {
		tap_stop(t, "stop-when");
		t->stop_ns = p->ts_ns; /* the session ends with this packet */
		tell(t, c->name, p);
	} else if (!t->past.matched_mono_ns || mono_ns - t->past.matched_mono_ns >= SAVE_EVERY_NS) {
		t->past.matched_mono_ns = mono_ns;
		tell(t, c->name, p);
	}
}

void when_run(struct tap *t, uint32_t index, const struct source_packet *p)
{
	for (size_t i = 0; i < t->when.count && !t->stopping; i++) {
		if (own_match(t->when.list[i], index, p))
			matched(t, t->when.list[i], p);
	}
}

int when_set(struct tap *t, const struct msg_tap_when *m, struct bpf *program, struct err *e)
{
	if (!str_is(m->op, "save") && !str_is(m->op, "stop")) {
		bpf_free(program);
		return err_set(e, ERR_CALL, "a packet that matches can \"save\" or \"stop\"");
	}
	return owns_set(&t->when, m->op, m->index, program, m->text, e);
}
