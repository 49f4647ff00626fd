#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "pass.h"

#define PASS_LOOK_PACKETS 64u /* between two looks at the clock */

struct pass *pass_new(struct capture *c, struct source *s, struct str text)
{
	struct pass *p = xcalloc(1, sizeof(*p));

	p->capture = c;
	p->text = xstrndup(text.p, text.len);
	p->base = c->base;
	walker_init(&p->walker, s);
	pages_init(&p->matches, sizeof(uint64_t));
	pages_init(&p->place, sizeof(uint32_t));
	pages_init(&p->connections, sizeof(struct pass_connection));
	return p;
}

void pass_free(struct pass *p)
{
	for (uint32_t i = 0; i < p->nprograms; i++)
		bpf_free(p->program[i].bpf);
	walker_release(&p->walker);
	totals_release(&p->totals);
	pages_release(&p->matches);
	pages_release(&p->place);
	pages_release(&p->connections);
	free(p->order);
	free(p->text);
	free(p);
}

/* --- programs --- */

struct pass_program *pass_program(struct pass *p, uint32_t link_type, bool *full)
{
	*full = false;
	for (uint32_t i = 0; i < p->nprograms; i++)
		if (p->program[i].link_type == link_type)
			return &p->program[i];
	*full = p->nprograms == PASS_LINK_TYPES_MAX;
	return NULL;
}

struct pass_program *pass_want(struct pass *p, uint32_t link_type, uint32_t id)
{
	struct pass_program *g = &p->program[p->nprograms++];

	*g = (struct pass_program){.link_type = link_type, .id = id, .state = PROGRAM_WAITING};
	return g;
}

bool pass_compiled(struct pass *p, uint32_t id, struct str blob, const struct err *failed)
{
	struct err e;

	for (uint32_t i = 0; i < p->nprograms; i++) {
		struct pass_program *g = &p->program[i];

		if (g->id != id || g->state != PROGRAM_WAITING)
			continue;
		if (!failed && bpf_load(&g->bpf, blob, &e) < 0)
			failed = &e;
		g->state = failed ? PROGRAM_FAILED : PROGRAM_READY;
		if (failed && p->failed.code == ERR_NONE)
			p->failed = *failed;
		return true;
	}
	return false;
}

/* --- counting --- */

static struct pass_connection *pass_find(struct pass *p, uint64_t number)
{
	uint64_t at = number - p->base;

	while (p->place.count <= at)
		(void)pages_add(&p->place);
	uint32_t *place = pages_at(&p->place, at);

	if (*place == 0) {
		struct pass_connection *c = pages_add(&p->connections);

		c->number = number;
		*place = (uint32_t)p->connections.count;
		return c;
	}
	return pages_at(&p->connections, *place - 1);
}

static void pass_count(struct pass *p, uint64_t number, unsigned tag, const struct packet *pk)
{
	struct pass_flow *f = &pass_find(p, number)->flow[tag & TAG_B_TO_A ? 1 : 0];
	struct decode_options o = {.outer = p->capture->decode.outer};
	struct decoded d;

	decode_packet(&d, &o, pk->link_type, pk->data, pk->captured, pk->length);
	if (f->packets++ == 0)
		f->first_ns = f->last_ns = NS_NONE;
	if (pk->has_time && (f->first_ns == NS_NONE || pk->ts_ns < f->first_ns))
		f->first_ns = pk->ts_ns;
	if (pk->has_time && pk->ts_ns > f->last_ns)
		f->last_ns = pk->ts_ns;
	f->bytes += pk->length;
	f->ip_bytes += d.ip_bytes;
	f->payload += d.payload_bytes;
	if (tag & TAG_RETRANSMISSION)
		f->retrans_packets++;
}

static void pass_match(struct pass *p, uint64_t row, const struct packet *pk, uint32_t shown)
{
	unsigned tag;
	uint64_t number = capture_connection(p->capture, row, &tag);

	*(uint64_t *)pages_add(&p->matches) = row;
	totals_add(&p->totals, pk, shown, number == 0);
	if (number > p->base)
		pass_count(p, number, tag, pk);
}

/* 1: looked at; 0: its link type has no program yet. */
static int pass_look(struct pass *p, const struct index *x, uint64_t row, uint32_t *link_type)
{
	const struct source *s = p->walker.source;
	struct index_entry entry;
	struct packet pk;
	struct err e;
	bool full;

	if (!index_get(x, row, &entry))
		return 1;
	const struct source_interface *i = &s->interface[entry.interface];
	const struct capture_interface *c = source_shown(s, i->shown);

	*link_type = c ? c->link_type : 0;
	const struct pass_program *g = pass_program(p, *link_type, &full);

	if (!full && (!g || g->state == PROGRAM_WAITING))
		return 0;
	if (walker_read(&p->walker, x, row, &pk, &e) < 0 || full || g->state == PROGRAM_FAILED) {
		p->skipped++;
		return 1;
	}
	if (bpf_match(g->bpf, pk.data, pk.captured, pk.length))
		pass_match(p, row, &pk, i->shown);
	return 1;
}

bool pass_step(struct pass *p, const struct index *x, uint64_t end, int64_t deadline_ns,
	       bool *wants, uint32_t *link_type)
{
	bool full;

	*wants = false;
	if (p->row < x->first) {
		p->skipped += x->first - p->row;
		p->row = x->first;
	}
	for (unsigned n = 1; p->row < end; n++, p->row++) {
		if (pass_look(p, x, p->row, link_type) == 0) {
			*wants = !pass_program(p, *link_type, &full);
			return false;
		}
		if (n % PASS_LOOK_PACKETS == 0 && clock_mono_ns() > deadline_ns) {
			p->row++;
			return p->row == end;
		}
	}
	return true;
}

/* --- connections --- */

uint64_t pass_connections(struct pass *p)
{
	return p->connections.count;
}

static int by_number(const void *a, const void *b, void *arg)
{
	const struct pass *p = arg;
	const struct pass_connection *x = pages_at(&p->connections, *(const uint32_t *)a);
	const struct pass_connection *y = pages_at(&p->connections, *(const uint32_t *)b);

	return (x->number > y->number) - (x->number < y->number);
}

void pass_order(struct pass *p)
{
	uint64_t n = p->connections.count;

	if (p->nordered == n)
		return;
	bool moved = false;

	p->order = xreallocarray(p->order, n, sizeof(*p->order));
	for (uint64_t i = p->nordered; i < n; i++) {
		p->order[i] = (uint32_t)i;
		moved = moved || (i > 0 && by_number(&p->order[i - 1], &p->order[i], p) > 0);
	}
	if (moved) {
		qsort_r(p->order, n, sizeof(*p->order), by_number, p);
		p->version++;
	}
	p->nordered = n;
}

const struct pass_connection *pass_connection(const struct pass *p, uint64_t place)
{
	if (place < p->nordered)
		place = p->order[place];
	return pages_at(&p->connections, place);
}
