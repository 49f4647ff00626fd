#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tap_private.h"

struct counter *counter_find(struct counters *c, struct str name)
{
	return c->names ? map_get(c->names, name.p, name.len) : NULL;
}

static struct counter *counter_add(struct counters *c, struct str name)
{
	struct counter *one = xcalloc(1, sizeof(*one));
	uint32_t number = 0;

	if (!c->names)
		c->names = map_new(TAP_COUNTERS_MAX);
	while (number < c->top && c->list[number])
		number++;
	if (number == c->top)
		c->top++;
	one->number = number;
	one->name = xstrndup(name.p, name.len);
	one->text = xstrdup("");
	c->list[number] = one;
	(void)map_put(c->names, name.p, name.len, one); /* there is room */
	return one;
}

int counter_set(struct counters *c, struct str name, uint32_t group, struct bpf *program,
		struct str text, struct err *e)
{
	struct counter *one = counter_find(c, name);
	struct bpf *before;

	if (group >= c->groups) {
		bpf_free(program);
		return err_set(e, ERR_REFUSED, "the device is not open: it has no counters yet");
	}
	if (!one && c->names && map_count(c->names) == TAP_COUNTERS_MAX) {
		bpf_free(program);
		return err_set(e, ERR_PART, "there are %u counters already, which is the most",
			       TAP_COUNTERS_MAX);
	}
	if (!one)
		one = counter_add(c, name);
	before = one->program[group];
	one->program[group] = program;
	(void)bpf_many_set(c->group[group].many, one->number, program, &one->tally);
	bpf_free(before);
	free(one->text);
	one->text = xstrndup(text.len > 0 ? text.p : "", text.len);
	return 0;
}

static void counter_free(struct counter *one)
{
	for (uint32_t i = 0; i < TAP_GROUPS_MAX; i++)
		bpf_free(one->program[i]);
	free(one->name);
	free(one->text);
	free(one);
}

void counter_remove(struct counters *c, struct counter *one)
{
	for (uint32_t i = 0; i < c->groups; i++)
		(void)bpf_many_set(c->group[i].many, one->number, NULL, NULL);
	(void)map_remove(c->names, one->name, strlen(one->name));
	c->list[one->number] = NULL;
	while (c->top > 0 && !c->list[c->top - 1])
		c->top--;
	counter_free(one);
}

void counters_release(struct counters *c)
{
	for (uint32_t i = 0; i < c->groups; i++)
		bpf_many_free(c->group[i].many);
	for (uint32_t i = 0; i < c->top; i++)
		if (c->list[i])
			counter_free(c->list[i]);
	map_free(c->names);
	c->names = NULL;
	c->top = c->groups = 0;
}

uint32_t counters_group(struct counters *c, uint32_t link_type)
{
	uint32_t i = 0;

	while (i < c->groups && c->group[i].link_type != link_type)
		i++;
	if (i == c->groups && i < TAP_GROUPS_MAX)
		c->group[c->groups++] = (struct counter_group){link_type, bpf_many_new()};
	return i;
}

void counters_settle(struct counters *c)
{
	for (uint32_t i = 0; i < c->groups; i++)
		bpf_many_settle(c->group[i].many);
}

void counters_ready(struct counters *c)
{
	for (uint32_t i = 0; i < c->groups; i++)
		bpf_many_ready(c->group[i].many);
}
