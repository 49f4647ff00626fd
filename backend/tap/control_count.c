/* Messages of control that change counters, and the connections that are left out. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "tap_private.h"

static int load_program(struct tap *t, uint32_t index, struct str blob, struct bpf **program,
			struct err *e)
{
	if (!t->started || index >= t->inputs)
		return err_set(e, ERR_CALL, "there is no device %u", index);
	return bpf_load(program, blob, e);
}

static void journal_change(struct tap *t, const struct counter *c, struct str before,
			   struct str after)
{
	struct msg_j_filter m = {.time_ns = clock_now_ns(),
				 .counter = str_of(c->name),
				 .before = before,
				 .after = after,
				 .packets = c->tally.packets,
				 .bytes = c->tally.bytes};

	(void)journal_add_j_filter(t->journal, &m, NULL);
}

static void counter_take_off(struct tap *t, struct counter *c)
{
	counters_settle(&t->counters);
	report_counter_last(t, c);
	journal_change(t, c, str_of(c->text), str_of(""));
	counter_remove(&t->counters, c);
}

/* One change whose program is good; taken. */
static int counter_change(struct tap *t, const struct msg_tap_counter *m, struct bpf *program,
			  struct err *e)
{
	struct counter *c = counter_find(&t->counters, m->name);
	char *before;

	if (!program) {
		if (c)
			counter_take_off(t, c);
		return 0;
	}
	before = xstrdup(c ? c->text : "");
	if (counter_set(&t->counters, m->name, counters_group(&t->counters, m->link_type), program,
			m->text, e)) {
		free(before);
		return -1;
	}
	c = counter_find(&t->counters, m->name);
	if (strcmp(before, c->text) != 0)
		journal_change(t, c, str_of(before), str_of(c->text));
	free(before);
	return 0;
}

int control_counter(struct tap *t, const struct frame *f, struct err *e)
{
	struct msg_tap_counter m;
	struct bpf *program = NULL;

	if (msg_get_tap_counter(f->payload, f->len, &m, e))
		return -1;
	if (!str_is(m.op, "remove") && load_program(t, m.index, m.program, &program, e))
		return -1;
	return counter_change(t, &m, program, e);
}

/* --- many in one message --- */

struct change {
	struct msg_tap_counter m;
	struct bpf *program; /* NULL: it is taken away */
};

/* The next change of the list; 1, 0 at its end, -1. */
static int change_next(struct str *left, struct msg_tap_counter *m, struct err *e)
{
	const uint8_t *p = (const uint8_t *)left->p;
	uint32_t len;

	if (left->len == 0)
		return 0;
	len = left->len >= 4
		      ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
		      : UINT32_MAX;
	if (len > left->len - 4)
		return err_set(e, ERR_CALL, "a list of counters ends in the middle of one");
	if (msg_get_tap_counter(p + 4, len, m, e))
		return -1;
	left->p += 4 + len;
	left->len -= 4 + (size_t)len;
	return 1;
}

/* Each is looked at before the first is taken: all, or none. */
static int changes_load(struct tap *t, struct str left, struct change *change, uint32_t *count,
			struct err *e)
{
	uint32_t news = 0;
	int r;

	while ((r = change_next(&left, &change[*count].m, e)) == 1) {
		struct change *x = &change[*count];

		if (!str_is(x->m.op, "remove") &&
		    load_program(t, x->m.index, x->m.program, &x->program, e))
			return -1;
		news += x->program && !counter_find(&t->counters, x->m.name);
		if (++*count == TAP_CHANGES_MAX && left.len > 0)
			return err_set(e, ERR_CALL, "more than %u counters in one message",
				       TAP_CHANGES_MAX);
	}
	if (r == 0 && t->counters.names && map_count(t->counters.names) + news > TAP_COUNTERS_MAX)
		return err_set(e, ERR_PART, "a session has at most %u counters", TAP_COUNTERS_MAX);
	return r;
}

int control_counters(struct tap *t, const struct frame *f, struct err *e)
{
	struct msg_tap_counters m;
	struct change *change;
	uint32_t count = 0, done = 0;
	int r;

	if (msg_get_tap_counters(f->payload, f->len, &m, e))
		return -1;
	change = xcalloc(TAP_CHANGES_MAX, sizeof(*change));
	r = changes_load(t, m.changes, change, &count, e);
	while (r == 0 && done < count) {
		r = counter_change(t, &change[done].m, change[done].program, e);
		done++;
	}
	while (done < count)
		bpf_free(change[done++].program);
	free(change);
	return r;
}

/* --- own traffic --- */

static void journal_own(struct tap *t, const char *op, const struct own *c)
{
	struct msg_j_own m = {.time_ns = clock_now_ns(),
			      .op = str_of(op),
			      .connection = str_of(c->text),
			      .packets = c->packets,
			      .bytes = c->bytes};

	(void)journal_add_j_own(t->journal, &m, NULL);
}

int control_own(struct tap *t, const struct frame *f, struct err *e)
{
	struct msg_tap_own m;
	struct own *c;
	struct bpf *program = NULL;

	if (msg_get_tap_own(f->payload, f->len, &m, e))
		return -1;
	c = owns_find(&t->own, m.name);
	if (str_is(m.op, "remove")) {
		if (c) {
			journal_own(t, "remove", c);
			owns_remove(&t->own, c);
		}
		return 0;
	}
	if (control_stale(t, m.index, m.link_type))
		return 0;
	if (load_program(t, m.index, m.program, &program, e) ||
	    owns_set(&t->own, m.name, m.index, program, m.text, e))
		return -1;
	if (!c)
		journal_own(t, "add", owns_find(&t->own, m.name));
	return 0;
}
