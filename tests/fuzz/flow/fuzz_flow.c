/* Random packets of a few ends: what must hold of every connection holds, with and without a budget
 * of memory. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "flow/figures.h"
#include "flow/flows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 12u /* bytes of input a packet */

struct total {
	uint64_t packets, left;
};

static void check(const struct connection *c)
{
	static const char letters[] = "SHADFRCGTWIQshadfrcgtwiq";

	assert(c->number && c->flow[0].packets + c->flow[1].packets);
	for (int i = 0; i < 2; i++) {
		const struct flow *fl = &c->flow[i];

		assert(fl->unique <= fl->payload && fl->bytes >= fl->packets);
		assert(fl->retrans_packets || fl->unique == fl->payload);
		assert(fl->last_ns >= fl->first_ns);
	}
	assert(c->last_ns >= c->start_ns);
	assert(strnlen(c->history, CONNECTION_HISTORY_MAX) < CONNECTION_HISTORY_MAX);
	for (const char *p = c->history; *p; p++)
		assert(strchr(letters, *p));
	assert(c->protocol != 6 || *connection_state_name(c) || c->state == CONN_NONE);
}

/* Unknown, or none greater than the next. */
static void check_order(const int64_t *v, const enum flow_figure *which, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++)
		assert((v[which[i]] == FIGURE_UNKNOWN) == (v[which[i + 1]] == FIGURE_UNKNOWN) &&
		       v[which[i]] <= v[which[i + 1]]);
}

static void check_orders(const int64_t *v)
{
	static const enum flow_figure
		rtt[] = {FIGURE_RTT_MIN_MS, FIGURE_RTT_P50_MS, FIGURE_RTT_P95_MS, FIGURE_RTT_P99_MS,
			 FIGURE_RTT_MAX_MS},
		mean[] = {FIGURE_RTT_MIN_MS, FIGURE_RTT_AVG_MS, FIGURE_RTT_MAX_MS},
		full[] = {FIGURE_RTT_FULL_MIN_MS, FIGURE_RTT_FULL_AVG_MS, FIGURE_RTT_FULL_MAX_MS},
		last[] = {FIGURE_RTT_LAST_MIN_MS, FIGURE_RTT_LAST_AVG_MS, FIGURE_RTT_LAST_MAX_MS},
		segment[] = {FIGURE_SEGMENT_MIN, FIGURE_SEGMENT_MEDIAN, FIGURE_SEGMENT_MAX},
		again[] = {FIGURE_RETRANS_TIME_MIN_MS, FIGURE_RETRANS_TIME_AVG_MS,
			   FIGURE_RETRANS_TIME_MAX_MS};

	check_order(v, rtt, sizeof(rtt) / sizeof(*rtt));
	check_order(v, mean, sizeof(mean) / sizeof(*mean));
	check_order(v, full, sizeof(full) / sizeof(*full));
	check_order(v, last, sizeof(last) / sizeof(*last));
	check_order(v, segment, sizeof(segment) / sizeof(*segment));
	check_order(v, again, sizeof(again) / sizeof(*again));
	assert(v[FIGURE_IN_FLIGHT_MIN] <= v[FIGURE_IN_FLIGHT_MAX]);
	assert(v[FIGURE_RTT_FULL_SAMPLES] <= v[FIGURE_RTT_SAMPLES]);
	assert(v[FIGURE_PSH_DATA_PACKETS] <= v[FIGURE_PSH_PACKETS]);
	assert(v[FIGURE_RETRANS_PACKETS_SHARE] <= 1000000 &&
	       v[FIGURE_RETRANS_BYTES_SHARE] <= 1000000);
}

/* Ranges hold each segment once; the bytes of each layer are those of the next and its headers. */
static void check_sums(const struct flow *fl, const struct flow_figures *g)
{
	int64_t segments = 0;

	for (unsigned i = 0; i < FIGURE_SIZES; i++)
		segments += g->sizes[i];
	assert(!segments || segments == g->value[FIGURE_DATA_PACKETS]);
	assert(g->value[FIGURE_TRANSPORT_BYTES] == FIGURE_UNKNOWN ||
	       (uint64_t)g->value[FIGURE_TRANSPORT_BYTES] <= fl->ip_bytes);
}

static void check_figures(const struct flows *f, uint64_t number)
{
	struct flow_figures g;

	for (unsigned i = 0; i < 2; i++) {
		const struct flow *fl = &flows_number(f, number)->flow[i];
		const int64_t *v = g.value;

		assert(flows_figures(f, number, i, &g));
		for (unsigned j = 0; j < FIGURES; j++)
			assert(v[j] == FIGURE_UNKNOWN || v[j] >= 0);
		assert(v[FIGURE_DATA_PACKETS] <= (int64_t)fl->packets);
		assert(v[FIGURE_PURE_ACKS] <= v[FIGURE_ACK_PACKETS]);
		assert(v[FIGURE_RTT_SAMPLES] <= v[FIGURE_DATA_PACKETS]);
		check_orders(v);
		check_sums(fl, &g);
	}
}

static void leave(void *arg, const struct connection *c, bool final)
{
	struct total *t = arg;

	(void) final;
	t->left++;
	check(c);
}

/* A packet of two of four ends: the first bytes say which, and what it is. */
static void make(struct decoded *d, const uint8_t *p, const uint8_t *ends)
{
	memset(d, 0, sizeof(*d));
	d->flags = DECODE_IP;
	d->family = p[0] & 1 ? 6 : 4;
	d->src = ends + (p[0] >> 1 & 3) * 16;
	d->dst = ends + (p[0] >> 3 & 3) * 16;
	d->ip_protocol = p[1] & 1 ? 6 : p[1] & 2 ? 17 : 1;
	d->payload_bytes = p[2] & 1 ? p[3] * 8u : 0;
	d->ip_bytes = d->payload_bytes + 40;
	if (p[1] & 4) {
		d->flags |= DECODE_FRAGMENT;
		d->fragment_id = p[4] & 3;
		d->fragment_offset = p[1] & 8 ? 64 : 0;
	}
	if (p[1] & 16)
		d->flags |= DECODE_CHECKSUM_BAD;
	if (d->fragment_offset || p[1] & 32)
		return;
	d->flags |= DECODE_PORTS;
	d->sport = p[5] & 1;
	d->dport = p[5] >> 1 & 1;
	if (d->ip_protocol != 6)
		return;
	d->flags |= DECODE_TCP;
	d->tcp.flags = p[6];
	d->tcp.seq = (uint32_t)((int8_t)p[7]) * 64 + (p[5] & 4 ? 0x80000000u : 0);
	d->tcp.ack = (uint32_t)((int8_t)p[8]) * 64;
	d->tcp.window = p[9];
}

static void run(const uint8_t *data, size_t size, uint64_t memory_bytes)
{
	static const uint8_t ends[64] = {1, [16] = 2, [32] = 3, [48] = 4};
	struct total t = {0};
	struct flows_options o = {
		.memory_bytes = memory_bytes, .base = 7, .leave = leave, .arg = &t};
	struct flows *f = flows_new(&o);
	struct flow_place place = {0};
	uint64_t sum = 0;

	for (; size >= STEP; data += STEP, size -= STEP) {
		struct flow_note note;
		struct decoded d;
		uint8_t direction;

		make(&d, data, ends);
		place.number++;
		place.has_time = !(data[10] & 1);
		place.ts_ns += (int64_t)(int8_t)data[11] * 1000000000;
		place.length = d.ip_bytes + 14;
		flows_packet(f, &d, &place, &note);
		t.packets++;
		assert(note.number <= flows_count(f) && note.direction < 2);
		assert(!note.number || memory_bytes || flows_number(f, note.number));
		assert(!note.number || d.flags & DECODE_FRAGMENT ||
		       flows_find(f, &d, &direction) == note.number);
	}
	flows_checkpoint(f, 3);
	flows_finish(f);
	for (uint64_t i = 0; i < flows_in_memory(f); i++) {
		const struct connection *c = flows_at(f, i);

		assert(c && c->number > o.base && flows_number(f, c->number)->number == c->number);
		check_figures(f, c->number);
		check(c);
		sum += c->flow[0].packets + c->flow[1].packets;
	}
	assert(memory_bytes || sum == t.packets);
	flows_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, 0);
	run(data, size, 2000);
	return 0;
}
