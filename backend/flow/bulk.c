/* Payload and round trips of one direction. Many connections carry a segment or two each way: these
 * stand in struct figures, from which the rest is made when there are more. */
#include "bulk.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sent.h"

#define FEW 2u /* segments that struct figures has room for */

void moments_add(struct moments *m, uint64_t ns)
{
	const double mean = m->count ? (double)m->sum_ns / m->count : 0;

	if (!m->count || ns < m->min_ns)
		m->min_ns = ns;
	if (ns > m->max_ns)
		m->max_ns = ns;
	m->count++;
	m->sum_ns += ns;
	m->squares += ((double)ns - mean) * ((double)ns - (double)m->sum_ns / m->count);
}

static void round_trips_add(struct round_trips *r, uint64_t ns, bool full)
{
	if (r->all.count)
		r->changes_ns += ns > r->last_ns ? ns - r->last_ns : r->last_ns - ns;
	r->last_ns = ns;
	moments_add(&r->all, ns);
	if (full)
		moments_add(&r->full, ns);
}

void bulk_round_trips(const struct bulk *b, struct round_trips *out)
{
	if (b->round_trips) {
		*out = *b->round_trips;
		return;
	}
	*out = (struct round_trips){0};
	for (uint32_t i = 0; i < b->rtts.count; i++)
		round_trips_add(out, spread_values(&b->rtts)[i], b->full >> i & 1);
}

/* --- from few to many --- */

static void bulk_fill(struct flows *f, const struct figures *fg, struct bulk *b)
{
	*b = (struct bulk){.data_packets = fg->data_packets,
			   .segment_max = fg->segment_max,
			   .segment_min = fg->segment_min,
			   .flights = fg->flights,
			   .flight_max = fg->flight_max,
			   .flight_min = fg->flight_min,
			   .flight_sum = fg->flights ? fg->flight_max : 0,
			   .flight_area = (double)fg->flight_area,
			   .initial_bytes = fg->initial_bytes,
			   .initial_packets = fg->initial_packets,
			   .cumulative = fg->cumulative,
			   .full = fg->full};
	if (fg->flights > 1)
		b->flight_sum += fg->flight_min;
	for (unsigned i = 0; i < fg->data_packets; i++)
		spread_add(f, &b->sizes, i ? fg->segment_min : fg->segment_max, 1);
	for (unsigned i = 0; i < fg->rtt_samples; i++)
		spread_add(f, &b->rtts, fg->of.rtt_ns[i], 1);
}

static struct bulk *bulk_make(struct flows *f, struct figures *fg)
{
	struct bulk *b = xmalloc(sizeof(*b));

	bulk_fill(f, fg, b);
	f->more_bytes += sizeof(*b);
	fg->of.bulk = b;
	fg->has_bulk = true;
	return b;
}

static struct bulk *bulk_take(struct flows *f, struct figures *fg)
{
	return fg->has_bulk ? fg->of.bulk : bulk_make(f, fg);
}

/* Segments of the same size come one after another: they are counted together. */
static void sizes_add(struct flows *f, struct bulk *b)
{
	spread_add(f, &b->sizes, b->size, b->run);
	b->run = 0;
}

void bulk_view(struct flows *f, struct figures *fg, struct bulk *out)
{
	if (!fg->has_bulk) {
		bulk_fill(f, fg, out);
		return;
	}
	sizes_add(f, fg->of.bulk);
	*out = *fg->of.bulk;
}

static void bulk_release(struct flows *f, struct bulk *b)
{
	spread_release(f, &b->sizes);
	spread_release(f, &b->rtts);
	if (b->round_trips)
		f->more_bytes -= sizeof(*b->round_trips);
	free(b->round_trips);
}

void bulk_view_release(struct flows *f, const struct figures *fg, struct bulk *b)
{
	if (!fg->has_bulk)
		bulk_release(f, b);
}

void figures_release(struct flows *f, struct figures *fg)
{
	sent_release(f, fg);
	if (!fg->has_bulk)
		return;
	bulk_release(f, fg->of.bulk);
	f->more_bytes -= sizeof(*fg->of.bulk);
	free(fg->of.bulk);
	fg->has_bulk = false;
}

/* --- what is counted --- */

static void few_data(struct figures *fg, uint16_t payload)
{
	fg->data_packets++;
	if (payload > fg->segment_max) {
		fg->segment_max = payload;
		fg->full = 0;
	}
	if (!fg->segment_min || payload < fg->segment_min)
		fg->segment_min = payload;
}

void bulk_data(struct flows *f, struct figures *fg, uint32_t payload)
{
	struct bulk *b;

	if (!fg->has_bulk && fg->data_packets < FEW && payload <= UINT16_MAX) {
		few_data(fg, (uint16_t)payload);
		return;
	}
	b = bulk_take(f, fg);
	b->data_packets++;
	if (b->run && payload == b->size) {
		b->run++;
		return;
	}
	sizes_add(f, b);
	b->size = payload;
	b->run = 1;
	if (payload > b->segment_max) {
		b->segment_max = payload;
		b->full = 0;
		if (b->round_trips)
			b->round_trips->full = (struct moments){0};
	}
	if (!b->segment_min || payload < b->segment_min)
		b->segment_min = payload;
}

void bulk_flight(struct flows *f, struct figures *fg, uint32_t bytes)
{
	struct bulk *b;

	if (!fg->has_bulk && fg->flights < FEW) {
		fg->flights++;
		if (bytes > fg->flight_max)
			fg->flight_max = bytes;
		if (!fg->flight_min || bytes < fg->flight_min)
			fg->flight_min = bytes;
		return;
	}
	b = bulk_take(f, fg);
	b->flights++;
	b->flight_sum += bytes;
	if (bytes > b->flight_max)
		b->flight_max = bytes;
	if (!b->flight_min || bytes < b->flight_min)
		b->flight_min = bytes;
}

void bulk_initial(struct flows *f, struct figures *fg, uint32_t payload)
{
	struct bulk *b;

	if (!fg->has_bulk && fg->initial_packets < FEW) {
		fg->initial_packets++;
		fg->initial_bytes += payload;
		return;
	}
	b = bulk_take(f, fg);
	b->initial_packets++;
	b->initial_bytes += payload;
}

void bulk_cumulative(struct flows *f, struct figures *fg)
{
	if (!fg->has_bulk && fg->cumulative < FEW)
		fg->cumulative++;
	else
		bulk_take(f, fg)->cumulative++;
}

void bulk_area(struct figures *fg, uint32_t bytes, int64_t ns)
{
	const double area = (double)bytes * (double)ns;

	if (fg->has_bulk)
		fg->of.bulk->flight_area += area;
	else
		fg->flight_area += (float)area;
}

void bulk_rtt(struct flows *f, struct figures *fg, uint64_t ns, uint32_t payload)
{
	struct bulk *b;
	bool full;

	if (!fg->has_bulk && fg->rtt_samples < FEW && ns <= UINT32_MAX) {
		fg->full |= (unsigned)(payload == fg->segment_max) << fg->rtt_samples;
		fg->of.rtt_ns[fg->rtt_samples++] = (uint32_t)ns;
		return;
	}
	b = bulk_take(f, fg);
	full = payload == b->segment_max;
	if (!b->round_trips && !spread_exact(&b->rtts, ns)) {
		struct round_trips *r = xmalloc(sizeof(*r));

		bulk_round_trips(b, r);
		f->more_bytes += sizeof(*r);
		b->round_trips = r;
	}
	if (b->round_trips)
		round_trips_add(b->round_trips, ns, full);
	else if (full)
		b->full |= (uint16_t)(1u << b->rtts.count);
	spread_add(f, &b->rtts, ns, 1);
}

/* --- what was sent again --- */

struct repeats *repeats_take(struct flows *f, struct slot *s, unsigned direction)
{
	struct more_flow *m = &store_more(f, s)->flow[direction];

	if (!m->repeats) {
		m->repeats = xcalloc(1, sizeof(*m->repeats));
		f->more_bytes += sizeof(*m->repeats);
	}
	return m->repeats;
}

void repeats_release(struct flows *f, struct more_flow *m)
{
	if (m->repeats)
		f->more_bytes -= sizeof(*m->repeats);
	free(m->repeats);
	m->repeats = NULL;
}
