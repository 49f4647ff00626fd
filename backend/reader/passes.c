/* The filters (--bpf) that are asked for: found again, compiled by control, run in slices. */
#include <stdlib.h>

#include "base/clock.h"
#include "state.h"

#define LINKTYPE_ETHERNET 1u
#define PASS_SNAPLEN 262144u /* libpcap's own largest: a filter is not cut by what was captured */

static void passes_drop_one(struct reader *r)
{
	struct pass **oldest = NULL;
	unsigned count = 0;

	for (struct pass **p = &r->passes; *p; p = &(*p)->next) {
		count++;
		if ((*p)->users == 0 && (!oldest || (*p)->used < (*oldest)->used))
			oldest = p;
	}
	if (count < READER_PASSES_MAX || !oldest)
		return;
	struct pass *gone = *oldest;

	*oldest = gone->next;
	pass_free(gone);
}

struct pass *passes_find(struct reader *r, struct str text, bool outer, struct err *e)
{
	unsigned count = 0;

	for (struct pass *p = r->passes; p; p = p->next)
		if (str_is(text, p->text) && p->capture->decode.outer == outer) {
			p->used = ++r->turn;
			return p;
		}
	passes_drop_one(r);
	for (struct pass *p = r->passes; p; p = p->next)
		count++;
	if (count >= READER_PASSES_MAX) {
		(void)err_set(e, ERR_PART,
			      "%u other filters are in use on this capture: close one of their "
			      "tables first",
			      READER_PASSES_MAX);
		return NULL;
	}
	struct pass *p = pass_new(pipeline_capture(r, outer), &r->source, text);

	p->used = ++r->turn;
	p->next = r->passes;
	r->passes = p;
	return p;
}

static void passes_compile(struct reader *r, struct pass *p, uint32_t link_type)
{
	bool full;

	if (pass_program(p, link_type, &full) || full)
		return;
	const struct msg_compile m = {
		.link_type = link_type, .snaplen = PASS_SNAPLEN, .text = str_of(p->text)};

	(void)pass_want(p, link_type, ++r->compile_id);
	(void)channel_put_compile(r->control, 0, r->compile_id, &m);
}

int passes_ready(struct reader *r, struct pass *p, struct err *e)
{
	bool ready = false, waiting = false;

	for (uint32_t i = 0; i < r->source.nshown; i++)
		passes_compile(r, p, source_shown(&r->source, i)->link_type);
	/* Nothing says of what link type an empty capture is: the words are still checked. */
	if (r->source.nshown == 0 && pipeline_current(r, false))
		passes_compile(r, p, LINKTYPE_ETHERNET);
	for (uint32_t i = 0; i < p->nprograms; i++) {
		ready = ready || p->program[i].state == PROGRAM_READY;
		waiting = waiting || p->program[i].state == PROGRAM_WAITING;
	}
	if (waiting || p->nprograms == 0)
		return 0;
	if (ready)
		return 1;
	*e = p->failed;
	return -1;
}

bool passes_done(const struct reader *r, const struct pass *p)
{
	bool outer = p->capture->decode.outer;

	return pipeline_current(r, outer) && p->row >= pipeline_rows(r, outer);
}

bool passes_step(struct reader *r)
{
	bool more = false;

	for (struct pass *p = r->passes; p; p = p->next) {
		uint64_t end = pipeline_rows(r, p->capture->decode.outer);
		uint32_t link_type;
		bool wants;

		if (p->users == 0 || p->row >= end)
			continue;
		if (!pass_step(p, &r->index, end, clock_mono_ns() + READER_SLICE_NS, &wants,
			       &link_type)) {
			if (wants)
				passes_compile(r, p, link_type);
			else
				more = true;
		}
		if (passes_done(r, p))
			pass_order(p);
		table_server_wake(r->tables);
	}
	return more;
}

void passes_compiled(struct reader *r, uint32_t id, struct str blob, const struct err *failed)
{
	for (struct pass *p = r->passes; p; p = p->next)
		if (pass_compiled(p, id, blob, failed))
			break;
	held_look(r);
	pipeline_kick(r);
}

void passes_release(struct reader *r)
{
	while (r->passes) {
		struct pass *p = r->passes;

		r->passes = p->next;
		pass_free(p);
	}
}
