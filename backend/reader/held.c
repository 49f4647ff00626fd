/* Queries that cannot be answered yet: their filter is being compiled, their packet has not been
 * read. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "state.h"
#include "tables.h"

struct held {
	struct held *next;
	uint32_t channel, id;
	size_t len;
	uint8_t payload[];
};

/* 1: it can be answered; 0: not yet; -1: never, *e. */
static int held_ready(struct reader *r, const struct msg_query *q, struct err *e)
{
	if (r->failed.code != ERR_NONE) {
		*e = r->failed;
		return -1;
	}
	if (!r->has_capture)
		return 0;
	uint64_t number = ask_packet(q);

	if (number > r->source.seen && !pipeline_current(r, false))
		return 0;
	if (q->bpf.len == 0)
		return 1;
	if (r->source.nshown == 0 && !pipeline_current(r, false))
		return 0;
	struct pass *p = passes_find(r, q->bpf, q->flags & QUERY_OUTER, e);

	return p ? passes_ready(r, p, e) : -1;
}

/* true: answered, or handed to the tables. */
static bool held_try(struct reader *r, uint32_t channel, uint32_t id, const uint8_t *payload,
		     size_t len)
{
	struct msg_query q;
	struct err e = {0};
	int ready = msg_get_query(payload, len, &q, &e) < 0 ? -1 : held_ready(r, &q, &e);

	if (ready > 0)
		table_server_query(r->tables, r->control, channel, id, &q);
	else if (ready < 0)
		(void)channel_send_error(r->control, channel, id, &e);
	return ready != 0;
}

void held_query(struct reader *r, uint32_t channel, uint32_t id, const uint8_t *payload, size_t len)
{
	struct err e;

	held_drop(r, channel, id);
	if (held_try(r, channel, id, payload, len)) {
		pipeline_kick(r);
		return;
	}
	if (r->nheld == READER_HELD_MAX) {
		(void)err_set(&e, ERR_PART, "%u questions wait already: ask again later",
			      READER_HELD_MAX);
		(void)channel_send_error(r->control, channel, id, &e);
		return;
	}
	/* What the request asked before must not go on answering meanwhile. */
	table_server_cancel(r->tables, r->control, channel, id);
	struct held *h = xmalloc(sizeof(*h) + len);
	struct held **end = &r->held;

	*h = (struct held){.channel = channel, .id = id, .len = len};
	memcpy(h->payload, payload, len);
	while (*end)
		end = &(*end)->next;
	*end = h;
	r->nheld++;
}

void held_look(struct reader *r)
{
	for (struct held **p = &r->held; *p;) {
		struct held *h = *p;

		if (!held_try(r, h->channel, h->id, h->payload, h->len)) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		free(h);
		r->nheld--;
		pipeline_kick(r);
	}
}

void held_drop(struct reader *r, uint32_t channel, uint32_t id)
{
	for (struct held **p = &r->held; *p;) {
		struct held *h = *p;

		if (h->channel != channel || (id != 0 && h->id != id)) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		free(h);
		r->nheld--;
	}
}

void held_release(struct reader *r)
{
	while (r->held) {
		struct held *h = r->held;

		r->held = h->next;
		free(h);
	}
}
