/* What others see of a slot: the connection, and its figures. */
#include <string.h>

#include "base/clock.h"
#include "bulk.h"
#include "flow/figures.h"
#include "sent.h"
#include "track.h"

#define IP_TCP 6u

static const struct more_flow *view_more(const struct slot *s, unsigned direction)
{
	static const struct more_flow none;

	return s->more ? &s->more->flow[direction] : &none;
}

static uint64_t wide(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

static uint64_t wide16(uint32_t high, uint16_t low)
{
	return (uint64_t)high << 16 | low;
}

uint64_t view_unique(const struct slot *s, unsigned direction)
{
	const struct more_flow *m = view_more(s, direction);

	return wide(m->payload_high, s->side[direction].payload) - m->repeated;
}

static int64_t side_first_ns(const struct side *fl)
{
	return fl->end & END_TIMED ? fl->first_ns : NS_NONE;
}

static int64_t side_last_ns(const struct side *fl)
{
	if (!(fl->end & END_TIMED))
		return NS_NONE;
	return fl->figures && fl->figures->timed ? fl->figures->last_ns : fl->first_ns;
}

static int64_t view_start_ns(const struct slot *s)
{
	const struct side *a = &s->side[0], *b = &s->side[1];

	if (!(a->end & b->end & END_TIMED))
		return a->end & END_TIMED ? a->first_ns : side_first_ns(b);
	return a->first_ns < b->first_ns ? a->first_ns : b->first_ns;
}

int64_t view_last_ns(const struct slot *s)
{
	const int64_t a_ns = side_last_ns(&s->side[0]), b_ns = side_last_ns(&s->side[1]);

	return a_ns > b_ns ? a_ns : b_ns; /* NS_NONE is before all */
}

static uint32_t fin_seq(const struct side *fl)
{
	return fl->figures ? fl->figures->fin_seq : fl->next_seq - 1;
}

static void flow_fill(const struct slot *s, unsigned direction, struct flow *out)
{
	const struct side *fl = &s->side[direction];
	const struct more_flow *m = view_more(s, direction);

	out->packets = wide(m->packets_high, fl->packets);
	out->bytes = wide(m->bytes_high, fl->bytes);
	out->ip_bytes = wide(m->ip_high, fl->ip_bytes);
	out->payload = wide(m->payload_high, fl->payload);
	out->unique = out->payload - m->repeated;
	out->retrans_packets = m->retrans_packets;
	out->out_of_order = m->out_of_order;
	out->next_seq = fl->next_seq;
	out->first_seq = fl->first_seq;
	out->last_ack = fl->last_ack;
	out->fin_seq = fl->seen & SEEN_FIN ? fin_seq(fl) : 0;
	out->window = fl->window;
	out->mss = fl->mss;
	out->scale = (int8_t)((fl->options & SIDE_SCALE) - 1);
	out->seen = fl->seen;
	out->first_ns = side_first_ns(fl);
	out->last_ns = side_last_ns(fl);
	out->syn_packets = m->syn_high << 8 | fl->syn;
	out->fin_packets = m->fin_high << 8 | fl->fin;
	out->rst_packets = m->rst_high << 8 | fl->rst;
	out->zero_window = m->zero_window;
}

static void addr_fill(const struct slot *s, unsigned end, struct addr *out)
{
	out->family = s->ip6 ? ADDR_IP6 : ADDR_IP4;
	memcpy(out->bytes, slot_end(s, end), s->ip6 ? 16 : 4);
}

void view_fill(const struct slot *s, struct connection *c)
{
	memset(c, 0, sizeof(*c));
	addr_fill(s, 0, &c->addr_a);
	addr_fill(s, 1, &c->addr_b);
	c->number = s->number;
	c->port_a = s->port[0];
	c->port_b = s->port[1];
	c->has_ports = s->has_ports;
	c->protocol = s->protocol;
	c->app = s->app;
	c->app_by_content = s->app_by_content;
	c->tunnel = s->tunnel;
	c->state = s->state;
	c->initiator = (char)s->initiator;
	c->closed = s->closed;
	c->vlan = (uint16_t)s->vlan;
	c->part = (uint16_t)s->part;
	c->start_ns = view_start_ns(s);
	c->last_ns = view_last_ns(s);
	c->handshake_ns = s->handshake_ns;
	c->first_packet = s->first_packet;
	c->last_packet = s->last_packet;
	c->first_offset = s->first_offset;
	c->first_segment = (uint32_t)s->first_segment;
	state_history(s, c->history);
	flow_fill(s, 0, &c->flow[0]);
	flow_fill(s, 1, &c->flow[1]);
}

void view_leave(struct flows *f, const struct slot *s, bool final)
{
	struct connection c;

	if (!f->o.leave)
		return;
	view_fill(s, &c);
	f->o.leave(f->o.arg, &c, final);
}

/* --- figures --- */

static int64_t rate(uint64_t bytes, int64_t ns)
{
	return ns > 0 ? (int64_t)(8.0 * (double)bytes * 1e9 / (double)ns) : FIGURE_UNKNOWN;
}

static int64_t mean_milli(uint64_t sum, uint64_t count)
{
	return count ? (int64_t)(1000.0 * (double)sum / (double)count + 0.5) : FIGURE_UNKNOWN;
}

/* The square root, by Newton's steps from above. */
static int64_t root(double of)
{
	double r = of > 1 ? of : 1, next = r;

	do {
		r = next;
		next = (r + of / r) / 2;
	} while (next < r);
	return (int64_t)r;
}

static int64_t some(uint64_t value)
{
	return value ? (int64_t)value : FIGURE_UNKNOWN;
}

/* The shift of a direction's windows, -1 where it is unknown (RFC 7323 2.2: both offer it or none
 * uses it). */
static int window_shift(const struct slot *s, unsigned direction)
{
	const struct side *fl = &s->side[direction], *peer = &s->side[!direction];

	if (!(fl->seen & (SEEN_SYN | SEEN_SYN_ACK)) || !(peer->seen & (SEEN_SYN | SEEN_SYN_ACK)))
		return -1;
	if (!(fl->options & SIDE_SCALE) || !(peer->options & SIDE_SCALE))
		return 0;
	return (fl->options & SIDE_SCALE) - 1;
}

static void windows_fill(const struct slot *s, unsigned direction, int64_t *v)
{
	const struct figures *fg = s->side[direction].figures;
	const struct more_flow *m = view_more(s, direction);
	const uint64_t windows = wide16(m->windows_high, fg->windows);
	const int shift = window_shift(s, direction);

	if (!windows || shift < 0)
		return;
	v[FIGURE_WINDOW_MAX] = (int64_t)fg->window_max << shift;
	v[FIGURE_WINDOW_MIN] = some((uint64_t)fg->window_min << shift);
	v[FIGURE_WINDOW_AVG] =
		mean_milli(((m->window_sum_high << 32) + fg->window_sum) << shift, windows);
}

static int64_t deviation(const struct moments *m)
{
	return m->count > 1 ? root(m->squares / (m->count - 1)) : FIGURE_UNKNOWN;
}

/* To four figures that follow one another: least, mean, most, standard deviation. */
static void moments_fill(const struct moments *m, int64_t v[4])
{
	if (!m->count)
		return;
	v[0] = (int64_t)m->min_ns;
	v[1] = (int64_t)(m->sum_ns / m->count);
	v[2] = (int64_t)m->max_ns;
	v[3] = deviation(m);
}
_Static_assert(FIGURE_RTT_STDEV_MS == FIGURE_RTT_MIN_MS + 3 &&
		       FIGURE_RTT_FULL_STDEV_MS == FIGURE_RTT_FULL_MIN_MS + 3 &&
		       FIGURE_RTT_LAST_STDEV_MS == FIGURE_RTT_LAST_MIN_MS + 3 &&
		       FIGURE_RETRANS_TIME_STDEV_MS == FIGURE_RETRANS_TIME_MIN_MS + 3,
	       "moments_fill writes them");

/* What the middle of a class says lies between the least and the most. */
static int64_t percentile(const struct spread *d, unsigned percent, uint64_t least, uint64_t most)
{
	const uint64_t p = spread_percentile(d, percent);

	return (int64_t)(p < least ? least : p > most ? most : p);
}

static void rtt_fill(const struct bulk *b, int64_t *v)
{
	struct round_trips r;
	const struct moments *all = &r.all;

	bulk_round_trips(b, &r);
	v[FIGURE_CUMULATIVE_ACKS] = b->cumulative;
	v[FIGURE_RTT_SAMPLES] = all->count;
	v[FIGURE_RTT_FULL_SAMPLES] = r.full.count;
	moments_fill(all, v + FIGURE_RTT_MIN_MS);
	moments_fill(&r.full, v + FIGURE_RTT_FULL_MIN_MS);
	if (!all->count)
		return;
	v[FIGURE_RTT_P50_MS] = percentile(&b->rtts, 50, all->min_ns, all->max_ns);
	v[FIGURE_RTT_P95_MS] = percentile(&b->rtts, 95, all->min_ns, all->max_ns);
	v[FIGURE_RTT_P99_MS] = percentile(&b->rtts, 99, all->min_ns, all->max_ns);
	if (all->count > 1)
		v[FIGURE_RTT_JITTER_MS] = (int64_t)(r.changes_ns / (all->count - 1));
}

static void sizes_fill(const struct bulk *b, struct flow_figures *out)
{
	uint32_t below = 0;

	if (!b->data_packets)
		return;
	for (unsigned i = 0; i < FIGURE_SIZES; i++) {
		const uint32_t next = i + 1 < FIGURE_SIZES
					      ? spread_below(&b->sizes, UINT64_C(20) << i)
					      : b->sizes.count;

		out->sizes[i] = next - below;
		below = next;
	}
	out->value[FIGURE_SEGMENT_SIZES] = 1;
	out->value[FIGURE_SEGMENT_MEDIAN] =
		percentile(&b->sizes, 50, b->segment_min, b->segment_max);
}

static void flights_fill(const struct slot *s, unsigned direction, const struct bulk *b, int64_t *v)
{
	const struct figures *fg = s->side[direction].figures;
	const int64_t ns = view_last_ns(s) - fg->data_first_ns;

	if (!(s->side[!direction].seen & SEEN_ACK))
		return;
	v[FIGURE_IN_FLIGHT_MAX] = b->flight_max;
	v[FIGURE_IN_FLIGHT_MIN] = some(b->flight_min);
	v[FIGURE_IN_FLIGHT_AVG] = mean_milli(b->flight_sum, b->flights);
	if (fg->data_timed && ns > 0)
		v[FIGURE_IN_FLIGHT_TIME_AVG] =
			(int64_t)(1000.0 * b->flight_area / (double)ns + 0.5);
}

/* What is told by payload and its acknowledgements. */
static void bulk_figures(struct flows *f, const struct slot *s, unsigned direction,
			 struct flow_figures *out)
{
	const struct side *fl = &s->side[direction];
	int64_t *v = out->value;
	struct bulk b;

	bulk_view(f, fl->figures, &b);
	v[FIGURE_DATA_PACKETS] = b.data_packets;
	if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK) && side_spoke(&s->side[!direction])) {
		v[FIGURE_INITIAL_WINDOW_BYTES] = b.initial_bytes;
		v[FIGURE_INITIAL_WINDOW_PACKETS] = b.initial_packets;
	}
	v[FIGURE_SEGMENT_MAX] = some(b.segment_max);
	v[FIGURE_SEGMENT_MIN] = some(b.segment_min);
	v[FIGURE_SEGMENT_AVG] = mean_milli(wide(view_more(s, direction)->payload_high, fl->payload),
					   b.data_packets);
	sizes_fill(&b, out);
	flights_fill(s, direction, &b, v);
	rtt_fill(&b, v);
	bulk_view_release(f, fl->figures, &b);
}

/* One direction's half of the handshake, where SYN and SYN-ACK each came once and first. */
static int64_t half_handshake(const struct slot *s, unsigned direction)
{
	const unsigned from = s->side[0].first_flags & TCP_ACK ? 1 : 0;
	const struct side *syn = &s->side[from], *answer = &s->side[!from];
	const int64_t half = answer->first_ns - syn->first_ns;

	if (!(syn->end & answer->end & END_TIMED) || syn->syn != 1 || answer->syn != 1 ||
	    half < 0 || (syn->first_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN ||
	    (answer->first_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK))
		return FIGURE_UNKNOWN;
	if (direction == from)
		return half;
	return s->handshake_ns >= half ? s->handshake_ns - half : FIGURE_UNKNOWN;
}

/* By the numbers of SYN and FIN; they wrap at 4 GB, so the multiple is taken that is nearest to
 * what was seen. */
static void stream_fill(const struct slot *s, unsigned direction, int64_t *v)
{
	const struct side *fl = &s->side[direction];
	const uint64_t unique = view_unique(s, direction);
	uint64_t stream;

	if (!(fl->seen & SEEN_FIN) || !(fl->seen & (SEEN_SYN | SEEN_SYN_ACK)))
		return;
	stream = fin_seq(fl) - fl->first_seq - 1;
	if (unique > stream)
		stream += (unique - stream + (UINT64_C(1) << 31)) >> 32 << 32;
	v[FIGURE_STREAM_BYTES] = (int64_t)stream;
	v[FIGURE_MISSED_BYTES] = stream > unique ? (int64_t)(stream - unique) : 0;
}

static void rare_fill(const struct more_flow *m, int64_t *v)
{
	v[FIGURE_URG_PACKETS] = m->urg;
	v[FIGURE_ECE_PACKETS] = m->ece;
	v[FIGURE_CWR_PACKETS] = m->cwr;
	v[FIGURE_SYN_RETRANS] = m->syn_again;
	v[FIGURE_FIN_RETRANS] = m->fin_again;
	v[FIGURE_KEEP_ALIVES] = m->keep_alives;
	v[FIGURE_ZERO_WINDOW_PROBES] = m->probes;
	v[FIGURE_SACK_PACKETS] = m->sack_packets;
	v[FIGURE_SACK_BLOCKS] = m->sack_blocks;
	v[FIGURE_SACK_BLOCKS_MAX] = some(m->sack_max);
	v[FIGURE_DSACK_PACKETS] = m->dsack_packets;
	v[FIGURE_CUT_PACKETS] = m->cut_packets;
	v[FIGURE_CUT_BYTES] = (int64_t)m->cut_bytes;
	v[FIGURE_DUPLICATE_PACKETS] = m->duplicates;
	v[FIGURE_DUP_ACKS] = m->dup_acks;
	v[FIGURE_TRIPLE_DUP_ACKS] = m->triple_dups;
	v[FIGURE_ZERO_WINDOW_PROBE_BYTES] = m->probe_bytes;
	v[FIGURE_URG_BYTES] = (int64_t)m->urg_bytes;
	v[FIGURE_RETRANS_MAX] = v[FIGURE_AMBIGUOUS_ACKS] = v[FIGURE_POST_LOSS_ACKS] = 0;
	if (!m->repeats)
		return;
	v[FIGURE_RETRANS_MAX] = m->repeats->most;
	v[FIGURE_AMBIGUOUS_ACKS] = m->repeats->ambiguous;
	v[FIGURE_POST_LOSS_ACKS] = m->repeats->post_loss;
	moments_fill(&m->repeats->times, v + FIGURE_RETRANS_TIME_MIN_MS);
	moments_fill(&m->repeats->last, v + FIGURE_RTT_LAST_MIN_MS);
}

static void shares_fill(const struct slot *s, unsigned direction, int64_t *v)
{
	const struct side *fl = &s->side[direction];
	const struct more_flow *m = view_more(s, direction);
	const uint64_t packets = wide(m->packets_high, fl->packets),
		       payload = wide(m->payload_high, fl->payload);

	if (packets)
		v[FIGURE_RETRANS_PACKETS_SHARE] =
			(int64_t)(1e6 * m->retrans_packets / (double)packets + 0.5);
	if (payload)
		v[FIGURE_RETRANS_BYTES_SHARE] =
			(int64_t)(1e6 * (double)m->repeated / (double)payload + 0.5);
}

/* What the headers say, each packet's alone. */
static void headers_fill(const struct slot *s, unsigned direction, int64_t *v)
{
	const struct side *fl = &s->side[direction];
	const struct more_flow *m = view_more(s, direction);
	const struct figures *fg = fl->figures;

	v[FIGURE_ACK_PACKETS] = (int64_t)wide16(m->acks_high, fg->acks);
	v[FIGURE_PURE_ACKS] = (int64_t)wide16(m->pure_acks_high, fg->pure_acks);
	v[FIGURE_PSH_PACKETS] = (int64_t)wide16(m->pushes_high, fg->pushes);
	v[FIGURE_PSH_DATA_PACKETS] = v[FIGURE_PSH_PACKETS] - m->push_empty;
	v[FIGURE_WINDOW_UPDATES] = (int64_t)wide16(m->updates_high, fg->updates);
	if (fl->options & SIDE_FIRST) { /* it is not among the rare */
		v[FIGURE_URG_PACKETS] += (fl->first_flags & TCP_URG) != 0;
		v[FIGURE_ECE_PACKETS] += (fl->first_flags & TCP_ECE) != 0;
		v[FIGURE_CWR_PACKETS] += (fl->first_flags & TCP_CWR) != 0;
	}
	if (fl->seen & (SEEN_SYN | SEEN_SYN_ACK)) {
		v[FIGURE_SACK_PERMITTED] = (fl->options & SIDE_SACK) != 0;
		v[FIGURE_TIMESTAMPS] = (fl->options & SIDE_TIMESTAMPS) != 0;
	}
}

static void tcp_fill(struct flows *f, const struct slot *s, unsigned direction,
		     struct flow_figures *out)
{
	const struct figures *fg = s->side[direction].figures;
	int64_t *v = out->value;

	rare_fill(view_more(s, direction), v);
	headers_fill(s, direction, v);
	shares_fill(s, direction, v);
	bulk_figures(f, s, direction, out);
	windows_fill(s, direction, v);
	v[FIGURE_RTT_SYN_MS] = half_handshake(s, direction);
	stream_fill(s, direction, v);
	if (fg->data_timed)
		v[FIGURE_DATA_TIME_S] = fg->data_last_ns - fg->data_first_ns;
}

/* ip_bytes less the headers of IP. */
static uint64_t transport_bytes(const struct slot *s, unsigned direction)
{
	const struct more_flow *m = view_more(s, direction);
	const struct side *fl = &s->side[direction];
	const int64_t headers =
		(int64_t)(wide(m->packets_high, fl->packets) * ip_header_bytes(s)) + m->ip_extra;

	return wide(m->ip_high, fl->ip_bytes) - (uint64_t)headers;
}

/* What every protocol has. */
static void times_fill(const struct slot *s, unsigned direction, int64_t *v)
{
	const struct side *fl = &s->side[direction];
	const struct figures *fg = fl->figures;
	const struct more_flow *m = view_more(s, direction);
	const uint64_t packets = wide(m->packets_high, fl->packets),
		       unique = view_unique(s, direction);
	int64_t ns;

	if (!(fl->end & END_TIMED))
		return;
	ns = side_last_ns(fl) - fl->first_ns;
	if (fg->gapped) {
		v[FIGURE_IDLE_MAX_S] = (int64_t)fg->idle_ns;
		v[FIGURE_ARRIVAL_MIN_MS] = (int64_t)fg->arrival_ns;
		v[FIGURE_ARRIVAL_AVG_MS] = ns / (int64_t)(packets - 1);
	}
	v[FIGURE_WIRE_BPS] = rate(wide(m->bytes_high, fl->bytes), ns);
	v[FIGURE_IP_BPS] = rate(wide(m->ip_high, fl->ip_bytes), ns);
	v[FIGURE_TRANSPORT_BPS] = rate(transport_bytes(s, direction), ns);
	v[FIGURE_PAYLOAD_BPS] = rate(wide(m->payload_high, fl->payload), ns);
	v[FIGURE_THROUGHPUT_BPS] = rate(unique, view_last_ns(s) - view_start_ns(s));
	if (v[FIGURE_DATA_TIME_S] != FIGURE_UNKNOWN)
		v[FIGURE_GOODPUT_BPS] = rate(unique, v[FIGURE_DATA_TIME_S]);
}

bool flows_figures(const struct flows *flows, uint64_t number, unsigned direction,
		   struct flow_figures *out)
{
	/* What is made here for a direction of one packet goes again. */
	struct flows *f = (struct flows *)(uintptr_t)flows;
	const uint32_t at = store_number(f, number);
	struct figures one;
	struct slot s;

	*out = (struct flow_figures){0};
	for (unsigned i = 0; i < FIGURES; i++)
		out->value[i] = FIGURE_UNKNOWN;
	if (at == NONE)
		return false;
	saved_piece(f, at / SLAB_SLOTS);
	s = *flows_slot(f, at);
	if (!side_spoke(&s.side[direction]))
		return true;
	if (!s.side[direction].figures) {
		s.side[direction].figures = &one;
		figures_first(f, &s, direction);
	}
	out->value[FIGURE_TRANSPORT_BYTES] = (int64_t)transport_bytes(&s, direction);
	if (s.protocol == IP_TCP)
		tcp_fill(f, &s, direction, out);
	times_fill(&s, direction, out->value);
	if (s.side[direction].figures == &one)
		figures_release(f, &one);
	return true;
}
