/* The figures of a direction, each on packets of which it can be said by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/figures.h"
#include "script.h"

#define ACK TCP_ACK
#define UNKNOWN FIGURE_UNKNOWN
#define A 0
#define B 1

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

/* A SYN or SYN-ACK with options. */
static void syn(struct script *s, int from, unsigned flags, uint32_t seq, uint32_t ack,
		const uint8_t *options, uint8_t length)
{
	struct decoded d = {.flags = DECODE_IP | DECODE_PORTS | DECODE_TCP,
			    .ip_protocol = 6,
			    .ip_bytes = 40u + length};
	uint8_t src[4], dst[4];

	script_ends(&d, from, src, dst);
	d.sport = from == END_A ? s->port_a : s->port_b;
	d.dport = from == END_A ? s->port_b : s->port_a;
	d.tcp = (struct decode_tcp){.flags = (uint8_t)flags,
				    .seq = seq,
				    .ack = ack,
				    .window = 64240,
				    .options = options,
				    .options_length = length};
	s->place.ts_ns += MS;
	script_feed(s, &d);
}

static void test_counts(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK | TCP_PSH, 1001, 5001, 100);
	tcp(&s, 1, END_A, ACK | TCP_URG | TCP_CWR, 1101, 5001, 300);
	tcp(&s, 1, END_B, ACK | TCP_ECE, 5001, 1401, 0);
	is(&s, A, FIGURE_ACK_PACKETS, 3);
	is(&s, A, FIGURE_PURE_ACKS, 1);
	is(&s, A, FIGURE_PSH_PACKETS, 1);
	is(&s, A, FIGURE_URG_PACKETS, 1);
	is(&s, A, FIGURE_CWR_PACKETS, 1);
	is(&s, A, FIGURE_ECE_PACKETS, 0);
	is(&s, B, FIGURE_ECE_PACKETS, 1);
	is(&s, B, FIGURE_ACK_PACKETS, 2); /* the SYN-ACK too */
	is(&s, B, FIGURE_PURE_ACKS, 1);
	is(&s, A, FIGURE_DATA_PACKETS, 2);
	is(&s, A, FIGURE_SEGMENT_MAX, 300);
	is(&s, A, FIGURE_SEGMENT_MIN, 100);
	is(&s, A, FIGURE_SEGMENT_AVG, 200000);
	is(&s, B, FIGURE_SEGMENT_MAX, UNKNOWN);
	flows_free(s.f);
}

/* What the first packet was is told by the slot alone; it must not differ from what is counted. */
static void test_one_packet(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_A, ACK | TCP_PSH | TCP_ECE, 1001, 5001, 70);
	for (int i = 0; i < 2; i++) {
		is(&s, A, FIGURE_ACK_PACKETS, 1);
		is(&s, A, FIGURE_PURE_ACKS, 0);
		is(&s, A, FIGURE_PSH_PACKETS, 1);
		is(&s, A, FIGURE_ECE_PACKETS, 1);
		is(&s, A, FIGURE_DATA_PACKETS, 1);
		is(&s, A, FIGURE_SEGMENT_MIN, 70);
		is(&s, A, FIGURE_DATA_TIME_S, 0);
		is(&s, A, FIGURE_IDLE_MAX_S, UNKNOWN);
		is(&s, A, FIGURE_WIRE_BPS, UNKNOWN);
		is(&s, B, FIGURE_ACK_PACKETS, i ? 1 : UNKNOWN);
		if (!i)
			tcp(&s, 5, END_B, ACK, 5001, 1071, 0); /* now it has figures */
	}
	is(&s, A, FIGURE_RTT_SAMPLES, 1);
	is(&s, A, FIGURE_RTT_MIN_MS, 5 * MS);
	flows_free(s.f);
}

static void test_options_and_windows(void **state)
{
	static const uint8_t client[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7},
			     server[] = {2, 4, 5, 180, 1, 3, 3, 2};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	syn(&s, END_A, TCP_SYN, 1000, 0, client, sizeof(client));
	syn(&s, END_B, TCP_SYN | ACK, 5000, 1001, server, sizeof(server));
	tcp_full(&s, 1, END_A, ACK, 1001, 5001, 0, 10);
	tcp_full(&s, 1, END_A, ACK, 1001, 5001, 0, 0);
	tcp_full(&s, 1, END_A, ACK, 1001, 5001, 0, 20);
	is(&s, A, FIGURE_SACK_PERMITTED, 1);
	is(&s, A, FIGURE_TIMESTAMPS, 1);
	is(&s, B, FIGURE_SACK_PERMITTED, 0);
	is(&s, B, FIGURE_TIMESTAMPS, 0);
	is(&s, A, FIGURE_WINDOW_MAX, 20 << 7);
	is(&s, A, FIGURE_WINDOW_MIN, 10 << 7);
	is(&s, A, FIGURE_WINDOW_AVG, 1000 * (10 << 7));
	is(&s, A, FIGURE_WINDOW_UPDATES, 1); /* a window of 0 opens nothing */
	is(&s, B, FIGURE_WINDOW_MAX, UNKNOWN); /* a SYN's window is no other's measure */
	assert_int_equal(conn(&s, 1)->flow[0].zero_window, 1);
	assert_int_equal(conn(&s, 1)->flow[0].scale, 7);
	assert_int_equal(conn(&s, 1)->flow[0].mss, 1460);
	flows_free(s.f);
	/* One end offers no scale: nobody's is used. */
	script_open(&s, NULL);
	syn(&s, END_A, TCP_SYN, 1000, 0, client, sizeof(client));
	syn(&s, END_B, TCP_SYN | ACK, 5000, 1001, server, 4);
	tcp_full(&s, 1, END_A, ACK, 1001, 5001, 0, 10);
	is(&s, A, FIGURE_WINDOW_MAX, 10);
	flows_free(s.f);
	/* No SYN was seen: the scale is unknown. */
	script_open(&s, NULL);
	tcp_full(&s, 1, END_A, ACK, 1001, 5001, 0, 10);
	tcp_full(&s, 1, END_B, ACK, 5001, 1001, 0, 10);
	is(&s, A, FIGURE_WINDOW_MAX, UNKNOWN);
	is(&s, A, FIGURE_SACK_PERMITTED, UNKNOWN);
	flows_free(s.f);
}

static void test_sack(void **state)
{
	static const uint8_t two[] = {1, 1, 5, 18, 0, 0, 7, 208, 0, 0, 8, 52, 0, 0, 9, 196, 0, 0, 10, 40},
			     below[] = {1, 1, 5, 10, 0, 0, 3, 233, 0, 0, 3, 243},
			     inside[] = {5, 18, 0, 0, 9, 196, 0, 0, 9, 206, 0, 0, 9, 196, 0, 0, 10, 40};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	syn(&s, END_B, ACK, 5001, 1101, two, sizeof(two));
	is(&s, B, FIGURE_SACK_PACKETS, 1);
	is(&s, B, FIGURE_SACK_BLOCKS, 2);
	is(&s, B, FIGURE_DSACK_PACKETS, 0);
	syn(&s, END_B, ACK, 5001, 1101, below, sizeof(below)); /* 1001 to 1011 came twice */
	is(&s, B, FIGURE_DSACK_PACKETS, 1);
	syn(&s, END_B, ACK, 5001, 1101, inside, sizeof(inside));
	is(&s, B, FIGURE_DSACK_PACKETS, 2);
	is(&s, B, FIGURE_SACK_BLOCKS, 5);
	is(&s, B, FIGURE_SACK_BLOCKS_MAX, 2);
	syn(&s, END_B, ACK, 5001, 1101, two, 15); /* cut: no block of it is believed */
	is(&s, B, FIGURE_SACK_PACKETS, 3);
	flows_free(s.f);
}

static void test_round_trips(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	is(&s, A, FIGURE_RTT_SYN_MS, 10 * MS);
	is(&s, B, FIGURE_RTT_SYN_MS, 10 * MS);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 10, END_B, ACK, 5001, 1101, 0); /* 10 ms */
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 4, END_A, ACK, 1201, 5001, 100);
	tcp(&s, 20, END_B, ACK, 5001, 1301, 0); /* 20 ms of the second, and the first with it */
	is(&s, A, FIGURE_RTT_SAMPLES, 2);
	is(&s, A, FIGURE_RTT_MIN_MS, 10 * MS);
	is(&s, A, FIGURE_RTT_AVG_MS, 15 * MS);
	is(&s, A, FIGURE_RTT_MAX_MS, 20 * MS);
	is(&s, A, FIGURE_RTT_STDEV_MS, 7071067);
	is(&s, A, FIGURE_CUMULATIVE_ACKS, 1);
	is(&s, B, FIGURE_RTT_SAMPLES, 0);
	is(&s, B, FIGURE_RTT_MIN_MS, UNKNOWN);
	/* Karn: what was sent twice tells nothing, nor what waited for it. */
	tcp(&s, 1, END_A, ACK, 1301, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1401, 5001, 100);
	tcp(&s, 200, END_A, ACK, 1301, 5001, 100);
	tcp(&s, 400, END_A, ACK, 1301, 5001, 100);
	tcp(&s, 5, END_B, ACK, 5001, 1401, 0);
	tcp(&s, 5, END_B, ACK, 5001, 1501, 0);
	is(&s, A, FIGURE_RTT_SAMPLES, 2);
	is(&s, A, FIGURE_RETRANS_MAX, 2);
	is(&s, A, FIGURE_RETRANS_TIME_MIN_MS, 201 * MS);
	is(&s, A, FIGURE_RETRANS_TIME_MAX_MS, 400 * MS);
	is(&s, A, FIGURE_RETRANS_TIME_AVG_MS, 300500000);
	/* In the middle of a segment: no match. */
	tcp(&s, 1, END_A, ACK, 1501, 5001, 100);
	tcp(&s, 1, END_B, ACK, 5001, 1550, 0);
	tcp(&s, 1, END_B, ACK, 5001, 1601, 0);
	is(&s, A, FIGURE_RTT_SAMPLES, 3);
	is(&s, A, FIGURE_RTT_MIN_MS, 2 * MS);
	flows_free(s.f);
}

/* More than are remembered, over the end of the sequence space, every one acknowledged. */
static void test_many_round_trips(void **state)
{
	struct script s;
	uint32_t isn = UINT32_MAX - 100000;

	(void)state;
	script_open(&s, NULL);
	shake(&s, isn);
	for (uint32_t i = 0; i < 5000; i++)
		tcp(&s, 0, END_A, ACK, isn + 1 + i * 100, 5001, 100);
	is(&s, A, FIGURE_IN_FLIGHT_MAX, 500000);
	is(&s, A, FIGURE_INITIAL_WINDOW_BYTES, 500000);
	is(&s, A, FIGURE_INITIAL_WINDOW_PACKETS, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		tcp(&s, i == 0, END_B, ACK, 5001, isn + 101 + i * 100, 0);
	assert_in_range(figure(&s, A, FIGURE_RTT_SAMPLES), 1024, 2048);
	is(&s, A, FIGURE_RTT_MIN_MS, MS);
	is(&s, A, FIGURE_RTT_STDEV_MS, 0);
	tcp(&s, 1, END_A, ACK, isn + 1 + 500000, 5001, 10);
	is(&s, A, FIGURE_INITIAL_WINDOW_PACKETS, 5000);
	is(&s, A, FIGURE_IN_FLIGHT_MAX, 500000);
	flows_free(s.f);
}

static void test_duplicate_acks(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	for (uint32_t i = 0; i < 5; i++)
		tcp(&s, 1, END_A, ACK, 1001 + i * 100, 5001, 100);
	for (int i = 0; i < 5; i++)
		tcp(&s, 1, END_B, ACK, 5001, 1101, 0);
	is(&s, A, FIGURE_DUP_ACKS, 4); /* of A's data, though B sent them */
	is(&s, A, FIGURE_TRIPLE_DUP_ACKS, 1);
	is(&s, B, FIGURE_DUP_ACKS, 0);
	tcp(&s, 1, END_B, ACK, 5001, 1501, 0);
	tcp(&s, 1, END_B, ACK, 5001, 1501, 0); /* nothing is outstanding */
	is(&s, A, FIGURE_DUP_ACKS, 4);
	flows_free(s.f);
}

static void test_stream(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 0xfffffff0); /* the numbers wrap in it */
	tcp(&s, 1, END_A, ACK, 0xfffffff1, 5001, 100);
	is(&s, A, FIGURE_STREAM_BYTES, UNKNOWN);
	tcp(&s, 1, END_A, ACK, 0xfffffff1 + 150, 5001, 100); /* fifty are missing */
	tcp(&s, 1, END_A, ACK | TCP_FIN, 0xfffffff1 + 250, 5001, 0);
	tcp(&s, 1, END_A, ACK | TCP_FIN, 0xfffffff1 + 250, 5001, 0);
	is(&s, A, FIGURE_STREAM_BYTES, 250);
	is(&s, A, FIGURE_MISSED_BYTES, 50);
	is(&s, A, FIGURE_FIN_RETRANS, 1);
	is(&s, A, FIGURE_SYN_RETRANS, 0);
	is(&s, B, FIGURE_STREAM_BYTES, UNKNOWN);
	flows_free(s.f);
	script_open(&s, NULL);
	tcp(&s, 1, END_A, TCP_SYN, 7, 0, 0);
	tcp(&s, 1, END_A, TCP_SYN, 7, 0, 0);
	tcp(&s, 1, END_A, TCP_SYN, 7, 0, 0);
	is(&s, A, FIGURE_SYN_RETRANS, 2);
	flows_free(s.f);
}

static void test_probes(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp_full(&s, 1, END_B, ACK, 5001, 1101, 0, 0);
	tcp(&s, 500, END_A, ACK, 1101, 5001, 1);
	tcp_full(&s, 1, END_B, ACK, 5001, 1101, 0, 0);
	tcp(&s, 500, END_A, ACK, 1101, 5001, 1);   /* that byte again */
	tcp(&s, 500, END_A, ACK, 1101, 5001, 0);   /* without a byte */
	tcp(&s, 500, END_A, ACK, 1102, 5001, 500); /* too much for a probe */
	is(&s, A, FIGURE_ZERO_WINDOW_PROBES, 3);
	is(&s, A, FIGURE_KEEP_ALIVES, 0);
	tcp(&s, 1, END_B, ACK, 5001, 1602, 0);
	tcp(&s, 1, END_A, ACK, 1601, 5001, 0);
	tcp(&s, 1, END_A, ACK, 1602, 5001, 0); /* a plain ACK */
	is(&s, A, FIGURE_KEEP_ALIVES, 1);
	is(&s, A, FIGURE_ZERO_WINDOW_PROBES, 3);
	flows_free(s.f);
}

static void test_times_and_rates(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000); /* A at 10 and 30 ms */
	tcp(&s, 10, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 1000, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 500, END_A, ACK, 1201, 5001, 100);
	is(&s, A, FIGURE_DATA_TIME_S, 1500 * MS);
	is(&s, A, FIGURE_IDLE_MAX_S, 1000 * MS);
	is(&s, A, FIGURE_ARRIVAL_MIN_MS, 10 * MS);
	is(&s, A, FIGURE_ARRIVAL_AVG_MS, 1530 * MS / 4);
	is(&s, A, FIGURE_GOODPUT_BPS, 1600);
	is(&s, A, FIGURE_THROUGHPUT_BPS, 1568);
	is(&s, A, FIGURE_PAYLOAD_BPS, 1568);
	is(&s, A, FIGURE_IP_BPS, (300 + 5 * 40) * 8000 / 1530);
	is(&s, A, FIGURE_WIRE_BPS, (300 + 5 * 54) * 8000 / 1530);
	flows_free(s.f);
}

static void test_cut_and_duplicate(void **state)
{
	uint8_t src[4], dst[4];
	struct decoded d = {.flags = DECODE_IP | DECODE_PORTS | DECODE_TCP,
			    .ip_protocol = 6,
			    .ip_id = 77,
			    .ip_bytes = 1040,
			    .payload_bytes = 1000,
			    .payload_captured = 60,
			    .sport = 40000,
			    .dport = 80,
			    .tcp = {.flags = ACK, .seq = 1, .ack = 1, .window = 1}};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	script_ends(&d, END_A, src, dst);
	script_feed(&s, &d);
	s.place.ts_ns += MS;
	script_feed(&s, &d); /* the same once more */
	is(&s, A, FIGURE_CUT_PACKETS, 2);
	is(&s, A, FIGURE_CUT_BYTES, 1880);
	is(&s, A, FIGURE_DUPLICATE_PACKETS, 1);
	s.place.ts_ns += 200 * MS;
	script_feed(&s, &d); /* too late for one */
	d.ip_id = 78;
	script_feed(&s, &d); /* a retransmission is another packet */
	d.ip_id = 0;
	script_feed(&s, &d);
	script_feed(&s, &d); /* nothing says that these are the same */
	is(&s, A, FIGURE_DUPLICATE_PACKETS, 1);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 5);
	flows_free(s.f);
}

/* What does not fit into 32 or 8 bits goes on. */
static void test_wide_counts(void **state)
{
	struct script s;
	struct flow fl;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 0);
	for (uint64_t i = 0; i < 5; i++)
		tcp(&s, 1, END_A, ACK, (uint32_t)(1 + i * 1000000000), 5001, 1000000000);
	for (int i = 0; i < 600; i++)
		tcp(&s, 1, END_B, TCP_RST, 5001, 0, 0);
	fl = conn(&s, 1)->flow[0];
	assert_int_equal(fl.payload, INT64_C(5000000000));
	assert_int_equal(fl.unique, INT64_C(5000000000));
	assert_int_equal(fl.bytes, INT64_C(5000000000) + 7 * 54);
	assert_int_equal(conn(&s, 1)->flow[1].rst_packets, 600);
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_one_packet),
		cmocka_unit_test(test_options_and_windows),
		cmocka_unit_test(test_sack),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_many_round_trips),
		cmocka_unit_test(test_duplicate_acks),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_times_and_rates),
		cmocka_unit_test(test_cut_and_duplicate),
		cmocka_unit_test(test_wide_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
