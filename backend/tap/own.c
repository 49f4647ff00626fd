/* Connections that carry a client: the first program that matches leaves the packet out. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tap_private.h"

struct own *owns_find(struct owns *o, struct str name)
{
	for (size_t i = 0; i < o->count; i++)
		if (str_is(name, o->list[i]->name))
			return o->list[i];
	return NULL;
}

int owns_set(struct owns *o, struct str name, uint32_t index, struct bpf *program, struct str text,
	     struct err *e)
{
	struct own *one = owns_find(o, name);

	if (!one && o->count == TAP_OWN_MAX) {
		bpf_free(program);
		return err_set(e, ERR_PART,
			       "%u connections are left out already, which is the most",
			       TAP_OWN_MAX);
	}
	if (!one) {
		one = xcalloc(1, sizeof(*one));
		one->name = xstrndup(name.p, name.len);
		o->list[o->count++] = one;
	}
	bpf_free(one->program[index]);
	one->program[index] = program;
	free(one->text);
	one->text = xstrndup(text.len > 0 ? text.p : "", text.len);
	return 0;
}

static void own_free(struct own *one)
{
	for (uint32_t i = 0; i < MERGE_SOURCES_MAX; i++)
		bpf_free(one->program[i]);
	free(one->name);
	free(one->text);
	free(one);
}

void owns_remove(struct owns *o, struct own *one)
{
	for (size_t i = 0; i < o->count; i++) {
		if (o->list[i] != one)
			continue;
		memmove(&o->list[i], &o->list[i + 1], (o->count - i - 1) * sizeof(struct own *));
		o->count--;
		break;
	}
	own_free(one);
}

void owns_forget(struct owns *o, uint32_t index)
{
	for (size_t i = 0; i < o->count; i++) {
		bpf_free(o->list[i]->program[index]);
		o->list[i]->program[index] = NULL;
	}
}

void owns_release(struct owns *o)
{
	for (size_t i = 0; i < o->count; i++)
		own_free(o->list[i]);
	o->count = 0;
}

bool own_match(struct own *one, uint32_t index, const struct source_packet *p)
{
	if (!one->program[index] ||
	    !bpf_match(one->program[index], p->data, p->captured, p->length))
		return false;
	one->packets++;
	one->bytes += p->length;
	return true;
}

bool owns_match(struct tap *t, uint32_t index, const struct source_packet *p)
{
	for (size_t i = 0; i < t->own.count; i++) {
		if (!own_match(t->own.list[i], index, p))
			continue;
		t->own_packets++;
		t->own_bytes += p->length;
		return true;
	}
	return false;
}
