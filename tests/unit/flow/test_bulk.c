/* What is said of payload and round trips, for one segment as for many: against sums made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/figures.h"
#include "script.h"

#define ACK TCP_ACK
#define UNKNOWN FIGURE_UNKNOWN
#define A 0
#define B 1
#define SAMPLES_MAX 400u

static int64_t figure(const struct script *s, unsigned direction, enum flow_figure which)
{
	struct flow_figures g;

	assert_true(flows_figures(s->f, 1, direction, &g));
	return g.value[which];
}

static void is(const struct script *s, unsigned direction, enum flow_figure which, int64_t wanted)
{
	assert_int_equal(figure(s, direction, which), wanted);
}

static void is_near(const struct script *s, enum flow_figure which, double wanted, double off)
{
	const double ours = (double)figure(s, A, which);

	assert_true(ours <= wanted + off && ours >= wanted - off);
}

static void is_root(const struct script *s, enum flow_figure which, double square)
{
	const double ours = (double)figure(s, A, which);

	assert_true((ours - 2) * (ours - 2) <= square && square <= (ours + 2) * (ours + 2));
}

/* --- segments that are acknowledged one by one --- */

struct truth {
	unsigned n;
	int64_t ms[SAMPLES_MAX];
	uint32_t bytes[SAMPLES_MAX];
};

static int by_ms(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_bytes(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The square of it. */
static double variance(const int64_t *v, unsigned n)
{
	double mean = 0, sum = 0;

	for (unsigned i = 0; i < n; i++)
		mean += (double)v[i] / n;
	for (unsigned i = 0; i < n; i++)
		sum += ((double)v[i] - mean) * ((double)v[i] - mean);
	return sum / (n - 1);
}

static void play(struct script *s, const struct truth *t)
{
	uint32_t seq = UINT32_MAX - 5000;

	shake(s, seq - 1);
	for (unsigned i = 0; i < t->n; i++) {
		tcp(s, 1, END_A, ACK, seq, 5001, t->bytes[i]);
		seq += t->bytes[i];
		tcp(s, t->ms[i], END_B, ACK, 5001, seq, 0);
	}
}

static void check_round_trips(const struct script *s, const struct truth *t)
{
	static const struct {
		enum flow_figure which;
		unsigned percent;
	} ranks[] = {{FIGURE_RTT_P50_MS, 50}, {FIGURE_RTT_P95_MS, 95}, {FIGURE_RTT_P99_MS, 99}};
	int64_t sorted[SAMPLES_MAX], changes = 0, sum = 0;

	for (unsigned i = 0; i < t->n; i++) {
		sorted[i] = t->ms[i] * MS;
		sum += sorted[i];
		changes += i ? llabs(t->ms[i] - t->ms[i - 1]) * MS : 0;
	}
	qsort(sorted, t->n, sizeof(*sorted), by_ms);
	is(s, A, FIGURE_RTT_SAMPLES, t->n);
	is(s, A, FIGURE_RTT_MIN_MS, sorted[0]);
	is(s, A, FIGURE_RTT_MAX_MS, sorted[t->n - 1]);
	is(s, A, FIGURE_RTT_AVG_MS, sum / t->n);
	is(s, A, FIGURE_RTT_JITTER_MS, t->n > 1 ? changes / (t->n - 1) : UNKNOWN);
	if (t->n > 1)
		is_root(s, FIGURE_RTT_STDEV_MS, variance(sorted, t->n));
	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++) {
		const double truth = (double)sorted[(t->n * ranks[i].percent + 99) / 100 - 1];

		is_near(s, ranks[i].which, truth, t->n > 16 ? truth * 0.03 : 0);
	}
}

static void check_full(const struct script *s, const struct truth *t, uint32_t largest)
{
	int64_t full[SAMPLES_MAX], sum = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++) {
		if (t->bytes[i] != largest)
			continue;
		full[n++] = t->ms[i] * MS;
		sum += t->ms[i] * MS;
	}
	is(s, A, FIGURE_RTT_FULL_SAMPLES, n);
	is(s, A, FIGURE_RTT_FULL_AVG_MS, sum / n);
	if (n > 1)
		is_root(s, FIGURE_RTT_FULL_STDEV_MS, variance(full, n));
	qsort(full, n, sizeof(*full), by_ms);
	is(s, A, FIGURE_RTT_FULL_MIN_MS, full[0]);
	is(s, A, FIGURE_RTT_FULL_MAX_MS, full[n - 1]);
}

static void check_sizes(const struct script *s, const struct truth *t)
{
	static const uint32_t ends[FIGURE_SIZES] = {20,	 40,   80,   160,  320,
						    640, 1280, 2560, 5120, UINT32_MAX};
	uint32_t sorted[SAMPLES_MAX], sizes[FIGURE_SIZES] = {0};
	struct flow_figures g;
	double median;

	for (unsigned i = 0; i < t->n; i++) {
		unsigned range = 0;

		while (t->bytes[i] >= ends[range])
			range++;
		sizes[range]++;
		sorted[i] = t->bytes[i];
	}
	assert_true(flows_figures(s->f, 1, A, &g));
	assert_memory_equal(g.sizes, sizes, sizeof(sizes));
	qsort(sorted, t->n, sizeof(*sorted), by_bytes);
	median = sorted[(t->n * 50 + 99) / 100 - 1];
	is_near(s, FIGURE_SEGMENT_MEDIAN, median, t->n > 16 ? median * 0.03 : 0);
	is(s, A, FIGURE_SEGMENT_MIN, sorted[0]);
	is(s, A, FIGURE_SEGMENT_MAX, sorted[t->n - 1]);
	check_full(s, t, sorted[t->n - 1]);
}

/* Each segment is on its way alone. */
static void check_flights(const struct script *s, const struct truth *t)
{
	double sum = 0, area = 0, ms = -1;

	for (unsigned i = 0; i < t->n; i++) {
		sum += t->bytes[i];
		area += (double)t->bytes[i] * (double)t->ms[i];
		ms += 1 + (double)t->ms[i];
	}
	is(s, A, FIGURE_DATA_PACKETS, t->n);
	is(s, A, FIGURE_IN_FLIGHT_MAX, figure(s, A, FIGURE_SEGMENT_MAX));
	is(s, A, FIGURE_IN_FLIGHT_MIN, figure(s, A, FIGURE_SEGMENT_MIN));
	is_near(s, FIGURE_IN_FLIGHT_AVG, 1000 * sum / t->n, 1);
	is_near(s, FIGURE_IN_FLIGHT_TIME_AVG, 1000 * area / ms, 1);
}

static void test_any_number(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 4, 5, 15, 16, 17, 18, 40, SAMPLES_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct truth t = {.n = counts[i]};
		struct script s;
		uint32_t random = counts[i];

		for (unsigned j = 0; j < t.n; j++) {
			random = random * 1664525 + 1013904223;
			t.ms[j] = 1 + (random >> 12) % (random >> 30 ? 50 : 3000);
			t.bytes[j] = 1 + (random >> 8) % (random >> 31 ? 1448 : 9000);
		}
		script_open(&s, NULL);
		play(&s, &t);
		check_round_trips(&s, &t);
		check_sizes(&s, &t);
		check_flights(&s, &t);
		flows_free(s.f);
	}
}

/* What does not fit into the first form of a figure. */
static void test_large(void **state)
{
	const struct truth t = {.n = 3, .ms = {5000, 700000, 1}, .bytes = {70000, 200000, 70000}};
	struct script s;

	(void)state;
	for (struct truth some = t; some.n; some.n--) {
		script_open(&s, NULL);
		play(&s, &some);
		is(&s, A, FIGURE_RTT_MIN_MS, some.n == 3 ? MS : 5000 * MS);
		is(&s, A, FIGURE_RTT_MAX_MS, some.n == 1 ? 5000 * MS : 700000 * MS);
		is(&s, A, FIGURE_SEGMENT_MAX, some.n == 1 ? 70000 : 200000);
		is(&s, A, FIGURE_SEGMENT_MIN, 70000);
		is(&s, A, FIGURE_RTT_FULL_SAMPLES, 1);
		check_flights(&s, &some);
		flows_free(s.f);
	}
}

static void test_flight(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	is(&s, A, FIGURE_IN_FLIGHT_MIN, UNKNOWN);
	is(&s, A, FIGURE_IN_FLIGHT_AVG, UNKNOWN);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 10, END_B, ACK, 5001, 1201, 0); /* 100 bytes for 11 ms, 100 for 10 */
	tcp(&s, 1, END_A, ACK, 1201, 5001, 100);
	tcp(&s, 5, END_B, ACK, 5001, 1301, 0); /* 100 for 5 */
	is(&s, A, FIGURE_IN_FLIGHT_MAX, 200);
	is(&s, A, FIGURE_IN_FLIGHT_MIN, 100);
	is(&s, A, FIGURE_IN_FLIGHT_AVG, 133333);
	is(&s, A, FIGURE_IN_FLIGHT_TIME_AVG, 152941); /* 2600 in 17 ms */
	/* A repeated segment is on its way from its first copy on. */
	tcp(&s, 3, END_A, ACK, 1301, 5001, 100);
	tcp(&s, 60, END_A, ACK, 1301, 5001, 100);
	tcp(&s, 20, END_B, ACK, 5001, 1401, 0);
	is(&s, A, FIGURE_IN_FLIGHT_TIME_AVG, 106000); /* 10600 in 100 ms */
	flows_free(s.f);
}

static void test_repeats(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	is(&s, A, FIGURE_AMBIGUOUS_ACKS, 0);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 199, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 400, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 900, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 5, END_B, ACK, 5001, 1101, 0);
	tcp(&s, 5, END_B, ACK, 5001, 1201, 0);
	is(&s, A, FIGURE_AMBIGUOUS_ACKS, 1);
	is(&s, A, FIGURE_POST_LOSS_ACKS, 1);
	is(&s, A, FIGURE_RTT_SAMPLES, 0);
	is(&s, A, FIGURE_RTT_P50_MS, UNKNOWN);
	is(&s, A, FIGURE_RTT_LAST_MIN_MS, 5 * MS);
	is(&s, A, FIGURE_RTT_LAST_STDEV_MS, UNKNOWN);
	is(&s, A, FIGURE_RETRANS_TIME_STDEV_MS, 360555127); /* of 200, 400, 900 */
	is(&s, A, FIGURE_RETRANS_PACKETS_SHARE, 428571);    /* 3 of 7 */
	is(&s, A, FIGURE_RETRANS_BYTES_SHARE, 600000);
	tcp(&s, 1, END_A, ACK, 1201, 5001, 100);
	tcp(&s, 300, END_A, ACK, 1201, 5001, 100);
	tcp(&s, 15, END_B, ACK, 5001, 1301, 0);
	is(&s, A, FIGURE_AMBIGUOUS_ACKS, 2);
	is(&s, A, FIGURE_RTT_LAST_MIN_MS, 5 * MS);
	is(&s, A, FIGURE_RTT_LAST_AVG_MS, 10 * MS);
	is(&s, A, FIGURE_RTT_LAST_MAX_MS, 15 * MS);
	is(&s, A, FIGURE_RTT_LAST_STDEV_MS, 7071067);
	flows_free(s.f);
}

static void test_headers(void **state)
{
	static const uint8_t options[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	uint8_t src[4], dst[4];
	struct decoded d = {.flags = DECODE_IP | DECODE_PORTS | DECODE_TCP,
			    .ip_protocol = 6,
			    .ip_bytes = 24 + 32 + 50, /* options in both headers */
			    .payload_bytes = 50,
			    .payload_captured = 50,
			    .sport = 40000,
			    .dport = 80,
			    .tcp = {.flags = ACK | TCP_URG | TCP_PSH,
				    .urgent = 7,
				    .options = options,
				    .options_length = sizeof(options)}};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	script_ends(&d, END_A, src, dst);
	script_feed(&s, &d);
	is(&s, A, FIGURE_TRANSPORT_BYTES, 82);
	is(&s, A, FIGURE_URG_PACKETS, 1);
	is(&s, A, FIGURE_URG_BYTES, 7);
	is(&s, A, FIGURE_PSH_DATA_PACKETS, 1);
	s.place.ts_ns += 1000 * MS;
	tcp(&s, 0, END_A, ACK | TCP_PSH, 50, 0, 0);
	is(&s, A, FIGURE_TRANSPORT_BYTES, 102);
	is(&s, A, FIGURE_TRANSPORT_BPS, 816);
	is(&s, A, FIGURE_PSH_PACKETS, 2);
	is(&s, A, FIGURE_PSH_DATA_PACKETS, 1);
	d.tcp.urgent = 60; /* beyond what it carries */
	script_feed(&s, &d);
	is(&s, A, FIGURE_URG_BYTES, 57);
	flows_free(s.f);
}

static void test_datagram_headers(void **state)
{
	uint8_t src[4], dst[4];
	struct decoded d = {.flags = DECODE_IP | DECODE_PORTS,
			    .ip_protocol = 17,
			    .ip_bytes = 128,
			    .payload_bytes = 100,
			    .payload_captured = 100,
			    .sport = 53,
			    .dport = 53};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	script_ends(&d, END_A, src, dst);
	script_feed(&s, &d);
	is(&s, A, FIGURE_TRANSPORT_BYTES, 108);
	is(&s, A, FIGURE_SEGMENT_SIZES, UNKNOWN); /* only TCP has segments */
	is(&s, B, FIGURE_TRANSPORT_BYTES, UNKNOWN);
	flows_free(s.f);
}

static void test_probe_bytes(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp_full(&s, 1, END_B, ACK, 5001, 1101, 0, 0);
	tcp(&s, 500, END_A, ACK, 1101, 5001, 1);
	tcp(&s, 500, END_A, ACK, 1101, 5001, 1);
	tcp(&s, 500, END_A, ACK, 1101, 5001, 0);
	is(&s, A, FIGURE_ZERO_WINDOW_PROBES, 3);
	is(&s, A, FIGURE_ZERO_WINDOW_PROBE_BYTES, 2);
	flows_free(s.f);
}

/* Counts of 16 bits go on. */
static void test_wide(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp_full(&s, 1, END_B, TCP_SYN | ACK, 5000, 1000, 0, 100);
	tcp_full(&s, 1, END_A, TCP_SYN, 999, 0, 0, 100);
	for (unsigned i = 0; i < 200000; i++)
		tcp_full(&s, 0, END_A, ACK | TCP_PSH, 1000, 5001, 0, i & 1 ? 65535 : 65533);
	is(&s, B, FIGURE_ACK_PACKETS, 200000);
	is(&s, B, FIGURE_PURE_ACKS, 200000);
	is(&s, B, FIGURE_PSH_PACKETS, 200000);
	is(&s, B, FIGURE_WINDOW_AVG, 65534000);
	is(&s, B, FIGURE_WINDOW_UPDATES, 199999);
	flows_free(s.f);
}

/* Connections with a question and an answer, as many as whole pieces of memory hold. */
static void test_memory(void **state)
{
	const struct truth t = {.n = 2, .ms = {10, 20}, .bytes = {400, 1448}};
	const unsigned connections = 6144;
	struct script s;

	(void)state;
	script_open(&s, NULL);
	for (unsigned i = 0; i < connections; i++) {
		s.port_a = (uint16_t)(10000 + i);
		play(&s, &t);
		tcp(&s, 1, END_B, ACK, 5001, UINT32_MAX - 5000 + 1848, 1000);
		tcp(&s, 1, END_A, ACK, UINT32_MAX - 5000 + 1848, 6001, 0);
	}
	assert_int_equal(flows_in_memory(s.f), connections);
	assert_true(flows_memory_bytes(s.f) / connections <= 400 + 16); /* 16: to find it */
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_number),  cmocka_unit_test(test_large),
		cmocka_unit_test(test_flight),	    cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_headers),	    cmocka_unit_test(test_datagram_headers),
		cmocka_unit_test(test_probe_bytes), cmocka_unit_test(test_wide),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
