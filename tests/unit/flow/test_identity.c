/* What is one connection and what is two. The cases have been put to other tools as files too; the
 * numbers are those that the table of cases asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script.h"

static void close_both(struct script *s, uint32_t isn)
{
	tcp(s, 10, END_A, TCP_FIN | TCP_ACK, isn + 1, 5001, 0);
	tcp(s, 10, END_B, TCP_FIN | TCP_ACK, 5001, isn + 2, 0);
	tcp(s, 10, END_A, TCP_ACK, isn + 2, 5002, 0);
}

static void test_reuse_after_fin(void **state)
{
	static const uint32_t second[] = {900000, 10}; /* a higher and a lower number */

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct script s;

		script_open(&s, NULL);
		shake(&s, 1000);
		close_both(&s, 1000);
		shake(&s, second[i]);
		assert_int_equal(flows_count(s.f), 2);
		assert_int_equal(s.note.number, 2);
		assert_int_equal(conn(&s, 1)->flow[0].packets, 4);
		assert_int_equal(conn(&s, 2)->flow[0].packets, 2);
		assert_true(conn(&s, 1)->closed);
		flows_free(s.f);
	}
}

static void test_reuse_after_reset(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 10, END_A, TCP_RST, 1001, 0, 0);
	shake(&s, 2000);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
}

static void test_reuse_without_close(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	shake(&s, 2000);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
}

static void test_same_number_again(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	shake(&s, 1000); /* no close between */
	assert_int_equal(flows_count(s.f), 1);
	close_both(&s, 1000);
	tcp(&s, 1500, END_A, TCP_SYN, 1000, 0, 0); /* too soon to be another */
	assert_int_equal(flows_count(s.f), 1);
	tcp(&s, 2500, END_A, TCP_SYN, 1000, 0, 0);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
}

static void test_silence_splits_nothing(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 400000, END_A, TCP_ACK, 1001, 5001, 10);
	assert_int_equal(flows_count(s.f), 1);
	flows_free(s.f);
}

static void test_syn_again_and_again(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 1000, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 3000, END_A, TCP_SYN, 1000, 0, 0);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->flow[0].syn_packets, 3);
	assert_string_equal(connection_state_name(conn(&s, 1)), "S0");
	assert_string_equal(conn(&s, 1)->history, "S");
	flows_free(s.f);
}

static void test_refused_twice(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	for (uint32_t isn = 1000; isn <= 2000; isn += 1000) {
		tcp(&s, 10, END_A, TCP_SYN, isn, 0, 0);
		tcp(&s, 10, END_B, TCP_RST | TCP_ACK, 0, isn + 1, 0);
	}
	assert_int_equal(flows_count(s.f), 2);
	assert_string_equal(connection_state_name(conn(&s, 1)), "REJ");
	assert_string_equal(conn(&s, 2)->history, "Sr");
	assert_int_equal(conn(&s, 2)->handshake_ns, 10 * MS); /* a refusal tells it too */
	flows_free(s.f);
}

static void test_late_answer_stays(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_A, TCP_RST, 1001, 0, 0); /* a blind reset */
	tcp(&s, 10, END_B, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	tcp(&s, 10, END_A, TCP_ACK, 1001, 5001, 0);
	assert_int_equal(flows_count(s.f), 1);
	flows_free(s.f);
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_A, TCP_FIN, 1001, 0, 0);
	tcp(&s, 5000, END_B, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	assert_int_equal(flows_count(s.f), 1);
	flows_free(s.f);
}

static void test_roles(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_B, TCP_SYN | TCP_ACK, 5000, 1001, 0); /* the server was heard first */
	tcp(&s, 1, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 1, END_A, TCP_ACK, 1001, 5001, 0);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->initiator, 'b');
	assert_int_equal(conn(&s, 1)->addr_a.bytes[3], END_B);
	assert_string_equal(conn(&s, 1)->history, "hSA");
	flows_free(s.f);
}

static void test_same_port_on_both_ends(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.port_a = s.port_b = 179;
	shake(&s, 1000);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->flow[0].packets, 2);
	assert_int_equal(conn(&s, 1)->flow[1].packets, 1);
	flows_free(s.f);
}

static void datagram(struct script *s, const uint8_t *src, const uint8_t *dst, uint8_t protocol,
		     int ports, unsigned flags)
{
	struct decoded d = {.flags = DECODE_IP | flags,
			    .family = 4,
			    .ip_protocol = protocol,
			    .src = src,
			    .dst = dst,
			    .ip_bytes = 28,
			    .payload_bytes = 8};

	if (ports >= 0) {
		d.flags |= DECODE_PORTS;
		d.sport = d.dport = (uint16_t)ports;
	}
	script_feed(s, &d);
}

static void test_both_ends_the_same(void **state)
{
	static const uint8_t self[4] = {127, 0, 0, 1};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	datagram(&s, self, self, 17, 53, 0);
	datagram(&s, self, self, 17, 53, 0);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->flow[0].packets, 2);
	flows_free(s.f);
}

/* One tool pairs the addresses byte by byte and takes these for one. */
static void test_crossed_addresses(void **state)
{
	static const uint8_t w[4] = {10, 0, 1, 1}, x[4] = {10, 0, 2, 2}, y[4] = {10, 0, 1, 2},
			     z[4] = {10, 0, 2, 1};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	datagram(&s, w, x, 17, 53, 0);
	datagram(&s, y, z, 17, 53, 0);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
}

static void test_icmp(void **state)
{
	static const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {10, 0, 0, 2};
	struct script s;

	(void)state;
	script_open(&s, NULL);
	datagram(&s, a, b, 1, 7, 0);
	datagram(&s, b, a, 1, 7, 0);
	datagram(&s, a, b, 1, 8, 0);
	assert_int_equal(flows_count(s.f), 2);
	assert_int_equal(conn(&s, 1)->port_a, 7);
	assert_int_equal(conn(&s, 1)->port_b, 7);
	assert_int_equal(conn(&s, 1)->flow[1].packets, 1);
	datagram(&s, b, a, 1, -1, DECODE_ICMP_ERROR);
	datagram(&s, a, b, 1, -1, DECODE_ICMP_ERROR);
	assert_int_equal(flows_count(s.f), 3);
	assert_false(conn(&s, 3)->has_ports);
	datagram(&s, a, b, 47, -1, 0);
	assert_int_equal(flows_count(s.f), 4);
	flows_free(s.f);
}

/* Five minutes of silence and then the same bytes again: one connection, and a retransmission. */
static void test_gap_and_retransmission(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 10, END_A, TCP_ACK, 1001, 5001, 100);
	tcp(&s, 300000, END_A, TCP_ACK, 1001, 5001, 100);
	assert_int_equal(flows_count(s.f), 1);
	assert_true(s.note.retransmission);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 1);
	flows_free(s.f);
}

/* Captured out of order: the answer first, then data, then the SYN; A is who was seen first, and
 * who began is still known. */
static void test_handshake_out_of_order(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 10, END_B, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	tcp(&s, 0, END_A, TCP_ACK, 1001, 5001, 50);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 1, END_B, TCP_ACK, 5001, 1051, 0);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->addr_a.bytes[3], END_B);
	assert_int_equal(conn(&s, 1)->initiator, 'b');
	assert_int_equal(conn(&s, 1)->flow[1].first_seq, 1000);
	assert_int_equal(conn(&s, 1)->flow[1].unique, 50);
	assert_int_equal(conn(&s, 1)->flow[1].retrans_packets, 0);
	flows_free(s.f);
}

/* The numbers pass 2^32: what comes behind is new, and a SYN with a small number is another. */
static void test_sequence_wraps(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, UINT32_MAX - 50);
	tcp(&s, 1, END_A, TCP_ACK, UINT32_MAX - 49, 5001, 100);
	tcp(&s, 1, END_A, TCP_ACK, 51, 5001, 100);
	tcp(&s, 1, END_A, TCP_ACK, 51, 5001, 100);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 200);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 1);
	assert_int_equal(flows_count(s.f), 1);
	shake(&s, 10);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
}

/* Only one direction was captured: port reuse is seen all the same, from either end. */
static void test_one_side_only(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_A, TCP_ACK, 1001, 5001, 0);
	tcp(&s, 10, END_A, TCP_ACK, 1001, 5001, 10);
	assert_int_equal(conn(&s, 1)->handshake_ns, 10 * MS);
	tcp(&s, 10, END_A, TCP_SYN, 2000, 0, 0);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
	/* A SYN-ACK never splits, whatever its number. */
	script_open(&s, NULL);
	tcp(&s, 0, END_B, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	tcp(&s, 10, END_B, TCP_SYN | TCP_ACK, 6000, 2001, 0);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->initiator, 'b');
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reuse_after_fin),
		cmocka_unit_test(test_reuse_after_reset),
		cmocka_unit_test(test_reuse_without_close),
		cmocka_unit_test(test_same_number_again),
		cmocka_unit_test(test_silence_splits_nothing),
		cmocka_unit_test(test_syn_again_and_again),
		cmocka_unit_test(test_refused_twice),
		cmocka_unit_test(test_late_answer_stays),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_same_port_on_both_ends),
		cmocka_unit_test(test_both_ends_the_same),
		cmocka_unit_test(test_crossed_addresses),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_gap_and_retransmission),
		cmocka_unit_test(test_handshake_out_of_order),
		cmocka_unit_test(test_sequence_wraps),
		cmocka_unit_test(test_one_side_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
