#include "job_counter.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define MESSAGE_BYTES (1024u * 1024) /* then the next one begins */

struct counter_job {
	struct session *session;
	struct counter_change *change;
	unsigned count;
	struct {
		unsigned device; /* the one that stands for its link type */
		uint32_t link_type;
	} group[SPEC_DEVICES_MAX];
	unsigned groups;
	struct buf *program; /* groups times count */
	size_t program_bytes;
};

static void change_take(struct counter_job *j, const struct counter_change *x)
{
	j->change[j->count++] =
		(struct counter_change){.op = x->op,
					.name = xstrdup(x->name),
					.filter = x->filter ? xstrdup(x->filter) : NULL};
}

struct counter_job *counter_job_new(struct session *s, const struct counter_change *change,
				    unsigned count)
{
	struct counter_job *j = xcalloc(1, sizeof(*j));

	j->session = s;
	j->change = xcalloc(count ? count : 1, sizeof(*j->change));
	for (unsigned i = 0; i < count; i++)
		change_take(j, &change[i]);
	return j;
}

void counter_job_all(struct counter_job *j)
{
	unsigned count = 0;

	for (const struct counter *k = j->session->counters; k; k = k->next)
		count++;
	free(j->change);
	j->change = xcalloc(count ? count : 1, sizeof(*j->change));
	for (const struct counter *k = j->session->counters; k; k = k->next)
		change_take(j, &(struct counter_change){"change", k->name, k->filter});
}

unsigned counter_job_group(struct counter_job *j, unsigned device, uint32_t link_type)
{
	const size_t before = (size_t)j->groups * j->count;

	j->group[j->groups].device = device;
	j->group[j->groups].link_type = link_type;
	j->program = xreallocarray(j->program, before + j->count + 1, sizeof(*j->program));
	for (unsigned i = 0; i < j->count; i++)
		buf_init(&j->program[before + i], MSG_PAYLOAD_MAX);
	return j->groups++;
}

void counter_job_free(struct counter_job *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < (size_t)j->groups * j->count; i++)
		buf_release(&j->program[i]);
	for (unsigned i = 0; i < j->count; i++) {
		free(j->change[i].name);
		free(j->change[i].filter);
	}
	free(j->change);
	free(j->program);
	free(j);
}

unsigned counter_job_count(const struct counter_job *j)
{
	return j->count;
}

unsigned counter_job_texts(const struct counter_job *j, const char **text)
{
	unsigned count = 0;

	for (unsigned i = 0; i < j->count; i++)
		if (j->change[i].filter)
			text[count++] = j->change[i].filter;
	return count;
}

/* The change whose filter is text number `index`. */
static unsigned change_of(const struct counter_job *j, unsigned index)
{
	for (unsigned i = 0; i < j->count; i++)
		if (j->change[i].filter && index-- == 0)
			return i;
	return 0;
}

int counter_job_take(struct counter_job *j, unsigned group, unsigned index, struct str program,
		     struct err *e)
{
	struct buf *b = &j->program[(size_t)group * j->count + change_of(j, index)];

	j->program_bytes += program.len;
	if (j->program_bytes > COUNTERS_PROGRAM_BYTES_MAX || buf_add(b, program.p, program.len))
		return err_set(e, ERR_CALL,
			       "these counters' programs have more than %u bytes: add them in "
			       "several commands, or make their filters shorter",
			       COUNTERS_PROGRAM_BYTES_MAX);
	return 0;
}

void counter_job_blame(const struct counter_job *j, unsigned index, struct err *e)
{
	if (j->count == 1)
		return;
	e->at = -1; /* a place in one of many texts */
	err_wrap(e, "counter %s", j->change[change_of(j, index)].name);
}

static int change_put(const struct counter_job *j, unsigned group, unsigned i, struct buf *list)
{
	const struct buf *program = &j->program[(size_t)group * j->count + i];
	const struct counter_change *x = &j->change[i];
	const struct msg_tap_counter m = {.op = str_of(x->op),
					  .name = str_of(x->name),
					  .index = j->group[group].device,
					  .link_type = j->group[group].link_type,
					  .program = {(const char *)program->data, program->len},
					  .text = str_of(x->filter ? x->filter : "")};
	struct buf one;
	int r;

	buf_init(&one, MSG_PAYLOAD_MAX);
	r = msg_put_tap_counter(&one, &m);
	r = r ? r : buf_add_u32(list, (uint32_t)one.len);
	r = r ? r : buf_add(list, one.data, one.len);
	buf_release(&one);
	return r;
}

static int list_send(const struct counter_job *j, uint32_t id, struct buf *list)
{
	const struct msg_tap_counters m = {.changes = {(const char *)list->data, list->len}};
	const int r = channel_put_tap_counters(j->session->tap, 0, id, &m);

	buf_clear(list);
	return r;
}

unsigned counter_job_send(struct counter_job *j, uint32_t id)
{
	unsigned messages = 0;
	struct buf list;
	int r = 0;

	buf_init(&list, MSG_PAYLOAD_MAX);
	for (unsigned g = 0; g < j->groups; g++)
		for (unsigned i = 0; r == 0 && i < j->count; i++) {
			const bool last = g + 1 == j->groups && i + 1 == j->count;

			r = change_put(j, g, i, &list);
			if (r || (list.len < MESSAGE_BYTES && !last))
				continue;
			r = list_send(j, id, &list);
			messages++;
		}
	buf_release(&list);
	return r ? 0 : messages;
}
