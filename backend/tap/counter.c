/* Counters, and the connections that are left out: programs that each packet is shown to. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tap_private.h"

struct counter *counter_find(struct counters *c, struct str name)
{
	for (size_t i = 0; i < c->count; i++) {
		if (str_is(name, c->list[i]->name))
			return c->list[i];
	}
	return NULL;
}

/* The text is the same for all devices, so each message of a change brings it and the last one
 * stays. */
int counter_set(struct counters *c, size_t max, struct str name, uint32_t index,
		struct bpf *program, struct str text, struct err *e)
{
	struct counter *one = counter_find(c, name);

	if (!one && c->count == max) {
		bpf_free(program);
		return err_set(e, ERR_PART, "there are %zu counters already, which is the most",
			       max);
	}
	if (!one) {
		one = xcalloc(1, sizeof(*one));
		one->name = xstrndup(name.p, name.len);
		c->list[c->count++] = one;
	}
	bpf_free(one->program[index]);
	one->program[index] = program;
	free(one->text);
	one->text = xstrndup(text.len > 0 ? text.p : "", text.len);
	return 0;
}

static void counter_free(struct counter *one)
{
	for (uint32_t i = 0; i < TAP_DEVICES_MAX; i++)
		bpf_free(one->program[i]);
	free(one->name);
	free(one->text);
	free(one);
}

void counter_remove(struct counters *c, struct counter *one)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->list[i] != one)
			continue;
		memmove(&c->list[i], &c->list[i + 1], (c->count - i - 1) * sizeof(struct counter *));
		c->count--;
		break;
	}
	counter_free(one);
}

void counters_release(struct counters *c)
{
	for (size_t i = 0; i < c->count; i++)
		counter_free(c->list[i]);
	c->count = 0;
}

static bool counter_match(struct counter *one, uint32_t index, const struct source_packet *p)
{
	if (!one->program[index] ||
	    !bpf_match(one->program[index], p->data, p->captured, p->length))
		return false;
	one->packets++;
	one->bytes += p->length;
	one->last_ns = p->ts_ns;
	return true;
}

void counters_run(struct counters *c, uint32_t index, const struct source_packet *p)
{
	for (size_t i = 0; i < c->count; i++)
		counter_match(c->list[i], index, p);
}

bool own_match(struct tap *t, uint32_t index, const struct source_packet *p)
{
	for (size_t i = 0; i < t->own.count; i++) {
		if (!counter_match(t->own.list[i], index, p))
			continue;
		t->own_packets++;
		t->own_bytes += p->length;
		return true;
	}
	return false;
}
