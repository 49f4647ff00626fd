#include "survey.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "tables.h"

#define SURVEY_LOOK 64u			 /* packets or connections between two looks at the clock */
#define SURVEY_REST_NS (250 * NS_PER_MS) /* between two sums over the connections, at least */
#define SURVEY_REST_LOAD 8		 /* and so many times what a sum takes */

struct survey *survey_new(const struct analysis_type *t, struct capture *c, struct pass *p,
			  struct source *s)
{
	struct survey *v = xcalloc(1, sizeof(*v));

	v->type = t;
	v->capture = c;
	v->pass = p;
	v->state = t->start();
	walker_init(&v->walker, s);
	if (p)
		p->users++;
	return v;
}

void survey_free(struct survey *v)
{
	if (v->pass)
		v->pass->users--;
	v->type->free(v->state);
	walker_release(&v->walker);
	free(v);
}

/* --- packets --- */

static uint64_t survey_places(const struct survey *v, uint64_t end)
{
	return v->pass ? v->pass->matches.count : end;
}

/* The connection that the packet which an ICMP error quotes belongs to. */
static uint64_t survey_quoted(const struct survey *v, const struct decoded *d,
			      const struct packet *pk)
{
	const struct decode_options o = {.outer = v->capture->decode.outer};
	struct decoded quote;
	uint8_t direction;

	if (!(d->flags & DECODE_ICMP_ERROR) || d->quote_offset >= pk->captured)
		return 0;
	decode_ip(&quote, &o, pk->data + d->quote_offset, pk->captured - d->quote_offset,
		  pk->length - d->quote_offset);
	if (!(quote.flags & DECODE_IP))
		return 0;
	uint64_t number = flows_find(v->capture->flows, &quote, &direction);
	const struct connection *c = number ? flows_number(v->capture->flows, number) : NULL;

	/* The same ends may have been used again since. */
	return c && c->first_packet > pk->number ? 0 : number;
}

static void survey_packet(struct survey *v, uint64_t row, const struct packet *pk)
{
	const struct decode_options o = {.outer = v->capture->decode.outer, .app = true};
	struct decoded d;
	struct analysis_packet p = {.d = &d,
				    .data = pk->data,
				    .captured = pk->captured,
				    .length = pk->length,
				    .number = pk->number,
				    .ts_ns = pk->ts_ns,
				    .has_time = pk->has_time};
	unsigned tag;

	decode_packet(&d, &o, pk->link_type, pk->data, pk->captured, pk->length);
	p.connection = capture_connection(v->capture, row, &tag);
	p.direction = tag & TAG_B_TO_A ? 1 : 0;
	const struct connection *c =
		p.connection ? flows_number(v->capture->flows, p.connection) : NULL;

	p.app = c ? c->app : 0;
	p.about = v->type->quotes ? survey_quoted(v, &d, pk) : 0;
	v->type->packet(v->state, &p);
}

static void survey_look(struct survey *v, const struct index *x)
{
	uint64_t row = v->at;
	struct packet pk;
	struct err e;

	if (v->pass) {
		const uint64_t *match = pages_at(&v->pass->matches, v->at);

		row = match ? *match : 0;
	}
	if (walker_read(&v->walker, x, row, &pk, &e) < 0)
		v->skipped++;
	else
		survey_packet(v, row, &pk);
}

static bool survey_packets(struct survey *v, const struct index *x, uint64_t end, bool last,
			   int64_t deadline_ns)
{
	uint64_t places = survey_places(v, end);

	if (!v->pass && v->at < x->first) {
		v->skipped += x->first - v->at;
		v->at = x->first;
	}
	for (unsigned n = 1; v->at < places; n++) {
		survey_look(v, x);
		v->at++;
		if (n % SURVEY_LOOK == 0 && clock_mono_ns() > deadline_ns)
			return v->at < places;
	}
	if (last && !v->ended && v->type->end) {
		v->type->end(v->state);
		v->ended = true;
	}
	return false;
}

/* --- connections --- */

static uint64_t survey_counted(const struct survey *v)
{
	return v->capture->totals.packets + (v->pass ? v->pass->totals.packets : 0) + 1;
}

static void survey_commit(struct survey *v)
{
	v->type->commit(v->state);
	v->summing = false;
	v->summed = v->summing_for;
	v->rest_ns = clock_mono_ns() + (v->worked_ns * SURVEY_REST_LOAD > SURVEY_REST_NS
						? v->worked_ns * SURVEY_REST_LOAD
						: SURVEY_REST_NS);
}

static void survey_begin(struct survey *v, struct ask *a)
{
	v->type->begin(v->state);
	v->summing = true;
	v->summing_for = survey_counted(v);
	v->places = ask_connections_version(a);
	v->at = 0;
	v->worked_ns = 0;
}

static bool survey_sum(struct survey *v, bool last, int64_t deadline_ns)
{
	struct ask a = {.capture = v->capture, .pass = v->pass};
	int64_t now = clock_mono_ns();

	if (!v->summing && (v->summed == survey_counted(v) || (!last && now < v->rest_ns)))
		return false;
	/* Connections that left memory have moved the others. */
	if (!v->summing || v->places != ask_connections_version(&a))
		survey_begin(v, &a);
	uint64_t places = ask_connections(&a);
	unsigned n = 0;

	while (v->at < places) {
		const struct connection *c = ask_connection(&a, v->at++);

		if (c)
			v->type->connection(v->state, c);
		if (++n % SURVEY_LOOK == 0 && clock_mono_ns() > deadline_ns)
			break;
	}
	v->worked_ns += clock_mono_ns() - now;
	if (v->at < places)
		return true;
	survey_commit(v);
	return false;
}

/* --- both --- */

bool survey_step(struct survey *v, const struct index *x, uint64_t end, bool last,
		 int64_t deadline_ns)
{
	return v->type->connection ? survey_sum(v, last, deadline_ns)
				   : survey_packets(v, x, end, last, deadline_ns);
}

bool survey_done(const struct survey *v, uint64_t end)
{
	return v->type->connection ? !v->summing && v->summed == survey_counted(v)
				   : v->at >= survey_places(v, end);
}

int64_t survey_due_ns(const struct survey *v)
{
	const bool rests = v->type->connection && !v->summing && v->summed != survey_counted(v);

	return rests ? v->rest_ns : 0;
}

double survey_share(const struct survey *v, uint64_t end)
{
	struct ask a = {.capture = v->capture, .pass = v->pass};
	uint64_t places = v->type->connection ? ask_connections(&a) : survey_places(v, end);

	if (v->type->connection && !v->summing)
		return survey_done(v, end) ? 1 : 0;
	return places ? (double)v->at / (double)places : 1;
}
