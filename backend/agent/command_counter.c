/* The verb `counter`: one change or many, which are taken together or not at all. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "command.h"

struct counters_change {
	struct control *control;
	struct reply reply;
	char *session;
	struct counter_change *change;
	unsigned count;
	struct map *known;  /* by name: what earlier ones of the same command make of it */
	unsigned ncounters; /* that there will be */
};

static void changes_free(struct counters_change *x)
{
	for (unsigned i = 0; i < x->count; i++) {
		free(x->change[i].name);
		free(x->change[i].filter);
	}
	map_free(x->known);
	free(x->change);
	free(x->session);
	free(x);
}

/* --- when the tap has taken them over --- */

static void change_apply(const struct counter_change *x, struct session *s)
{
	struct counter *k = session_counter(s, str_of(x->name));

	if (!x->filter) {
		session_note_filter(s, x->name, "", k ? k->packets : 0, k ? k->bytes : 0);
		if (k)
			session_counter_remove(s, k);
	} else if (k) {
		free(k->filter);
		k->filter = xstrdup(x->filter);
		session_note_filter(s, x->name, k->filter, k->packets, k->bytes);
	} else {
		session_counter_add(s, x->name, x->filter);
		session_note_filter(s, x->name, x->filter, 0, 0);
	}
}

/* Another command may have added some meanwhile, and without devices no tap has refused these. */
static int room_check(const struct counters_change *x, struct session *s, struct err *e)
{
	unsigned count = s->ncounters;

	for (unsigned i = 0; i < x->count; i++)
		count += x->change[i].filter && !session_counter(s, str_of(x->change[i].name));
	if (count <= SPEC_COUNTERS_MAX)
		return 0;
	return err_set(e, ERR_CALL, "a session has at most %u counters", SPEC_COUNTERS_MAX);
}

static void on_changed(void *arg, const struct err *e)
{
	struct counters_change *x = arg;
	struct session *s = session_find(x->control, str_of(x->session));
	struct err full;

	if (!e && s && room_check(x, s, &full))
		e = &full;
	if (e) {
		reply_error(x->control, &x->reply, e);
	} else {
		for (unsigned i = 0; s && i < x->count; i++)
			change_apply(&x->change[i], s);
		if (s) {
			state_save(s);
			control_changed(s->control);
		}
		reply_done(x->control, &x->reply, "");
	}
	changes_free(x);
}

/* --- reading them --- */

static const char *op_of(struct str word)
{
	static const char *const ops[] = {"add", "change", "remove"};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (str_is(word, ops[i]))
			return ops[i];
	return NULL;
}

/* Whether there is such a counter when the changes before are done. */
static bool is_there(const struct counters_change *x, struct session *s, const char *name)
{
	const char *known = map_get(x->known, name, strlen(name));

	return known ? known[0] == 'y' : session_counter(s, str_of(name)) != NULL;
}

/* Takes name and filter. */
static int change_add(struct counters_change *x, struct session *s, const char *op, char *name,
		      char *filter, struct err *e)
{
	const bool there = is_there(x, s, name), adds = strcmp(op, "add") == 0;
	const char *will = filter ? "yes" : "no";

	if (x->count == SPEC_COUNTER_CHANGES_MAX)
		err_set(e, ERR_CALL, "at most %u counters are changed by one command",
			SPEC_COUNTER_CHANGES_MAX);
	else if (adds && there)
		err_set(e, ERR_CALL,
			"the session %s has a counter \"%s\" already: `change` gives it another "
			"filter",
			s->name, name);
	else if (!adds && !there)
		err_set(e, ERR_ABSENT, "the session %s has no counter \"%s\"", s->name, name);
	else if (adds && x->ncounters >= SPEC_COUNTERS_MAX)
		err_set(e, ERR_CALL, "a session has at most %u counters", SPEC_COUNTERS_MAX);
	else {
		x->change[x->count++] = (struct counter_change){op, name, filter};
		(void)map_put(x->known, name, strlen(name), (void *)(uintptr_t)will);
		x->ncounters += adds;
		x->ncounters -= filter == NULL;
		return 0;
	}
	free(name);
	free(filter);
	return -1;
}

/* The words behind an op, up to the next one. */
static int op_take(struct counters_change *x, struct session *s, const char *op,
		   const struct str *word, size_t count, struct err *e)
{
	struct spec_counter said;

	if (count == 0)
		return err_set(e, ERR_CALL, "%s", COMMAND_COUNTER_USAGE);
	if (strcmp(op, "remove") != 0)
		return spec_counter_parse(word, count, &said, e) ||
				       change_add(x, s, op, said.name, said.filter, e)
			       ? -1
			       : 0;
	for (size_t i = 0; i < count; i++)
		if (change_add(x, s, op, xstrndup(word[i].p, word[i].len), NULL, e))
			return -1;
	return 0;
}

static int changes_take(struct counters_change *x, const struct call *c, struct err *e)
{
	size_t at = 0;

	if (c->count == 0 || !op_of(c->word[0]))
		return err_set(e, ERR_CALL, "%s", COMMAND_COUNTER_USAGE);
	while (at < c->count) {
		const char *op = op_of(c->word[at++]);
		const size_t first = at;

		while (at < c->count && !op_of(c->word[at]))
			at++;
		if (op_take(x, c->session, op, c->word + first, at - first, e))
			return -1;
	}
	return 0;
}

int command_counter(struct call *c, struct err *e)
{
	struct counters_change *x;

	if (command_need_running(c, e))
		return -1;
	x = xcalloc(1, sizeof(*x));
	*x = (struct counters_change){.control = c->control,
				      .reply = c->reply,
				      .session = xstrdup(c->session->name),
				      .change = xcalloc(c->count + 1, sizeof(*x->change)),
				      .known = map_new(SPEC_COUNTER_CHANGES_MAX),
				      .ncounters = c->session->ncounters};
	if (changes_take(x, c, e)) {
		changes_free(x);
		return -1;
	}
	job_counters(c->session, x->change, x->count, on_changed, x);
	return 0;
}
