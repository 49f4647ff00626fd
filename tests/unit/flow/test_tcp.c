/* Sequence space, state and history of TCP connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script.h"

#define ACK TCP_ACK

static void assert_end(const struct connection *c, const char *state, const char *history)
{
	assert_string_equal(connection_state_name(c), state);
	assert_string_equal(c->history, history);
}

static void test_normal_life(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	assert_end(conn(&s, 1), "S1", "ShA");
	assert_int_equal(conn(&s, 1)->handshake_ns, 20 * MS);
	tcp(&s, 1, END_A, ACK | TCP_PSH, 1001, 5001, 100);
	tcp(&s, 1, END_B, ACK, 5001, 1101, 1400);
	tcp(&s, 1, END_A, ACK, 1101, 6401, 0);
	tcp(&s, 1, END_A, ACK | TCP_FIN, 1101, 6401, 0);
	assert_end(conn(&s, 1), "S2", "ShADdF");
	tcp(&s, 1, END_B, ACK | TCP_FIN, 6401, 1102, 0);
	tcp(&s, 1, END_A, ACK, 1102, 6402, 0);
	assert_end(conn(&s, 1), "SF", "ShADdFf");
	assert_true(conn(&s, 1)->closed);
	assert_int_equal(conn(&s, 1)->initiator, 'a');
	assert_int_equal(conn(&s, 1)->flow[0].unique, 100);
	assert_int_equal(conn(&s, 1)->flow[1].unique, 1400);
	assert_int_equal(conn(&s, 1)->flow[0].fin_packets, 1);
	assert_int_equal(conn(&s, 1)->flow[0].next_seq, 1102);
	flows_free(s.f);
}

static void test_states(void **state)
{
	static const struct {
		struct {
			int from;
			unsigned flags;
			uint32_t seq, ack;
		} packet[5];
		const char *state, *history;
	} cases[] = {
		{{{END_A, TCP_SYN, 9, 0}}, "S0", "S"},
		{{{END_A, TCP_SYN, 9, 0}, {END_B, TCP_RST | ACK, 0, 10}}, "REJ", "Sr"},
		{{{END_A, TCP_SYN, 9, 0}, {END_A, TCP_RST, 10, 0}}, "RSTOS0", "SR"},
		{{{END_A, TCP_SYN, 9, 0}, {END_A, TCP_FIN, 10, 0}}, "SH", "SF"},
		{{{END_A, TCP_SYN, 9, 0}, {END_B, TCP_SYN | ACK, 50, 10}}, "S1", "Sh"},
		{{{END_A, TCP_SYN, 9, 0},
		  {END_B, TCP_SYN | ACK, 50, 10},
		  {END_A, ACK, 10, 51},
		  {END_A, TCP_RST, 10, 0}},
		 "RSTO",
		 "ShAR"},
		{{{END_A, TCP_SYN, 9, 0},
		  {END_B, TCP_SYN | ACK, 50, 10},
		  {END_A, ACK, 10, 51},
		  {END_B, TCP_RST, 51, 0}},
		 "RSTR",
		 "ShAr"},
		{{{END_A, TCP_SYN, 9, 0},
		  {END_B, TCP_SYN | ACK, 50, 10},
		  {END_B, TCP_FIN | ACK, 51, 10}},
		 "S3",
		 "Shf"},
		{{{END_B, TCP_SYN | ACK, 50, 10}, {END_B, TCP_RST, 51, 0}}, "RSTRH", "hr"},
		{{{END_B, TCP_SYN | ACK, 50, 10}, {END_B, TCP_FIN | ACK, 51, 10}}, "SHR", "hf"},
		{{{END_A, ACK, 10, 51}, {END_B, ACK, 51, 10}}, "OTH", "Aa"},
		{{{END_A, TCP_SYN | TCP_FIN, 9, 0}}, "SH", "Q"},
		{{{END_A, TCP_SYN, 9, 0}, {END_B, TCP_FIN | TCP_RST, 0, 10}}, "REJ", "Si"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct script s;

		script_open(&s, NULL);
		for (int j = 0; j < 5 && cases[i].packet[j].from; j++)
			tcp(&s, 1, cases[i].packet[j].from, cases[i].packet[j].flags,
			    cases[i].packet[j].seq, cases[i].packet[j].ack, 0);
		assert_end(conn(&s, 1), cases[i].state, cases[i].history);
		flows_free(s.f);
	}
}

static void test_retransmission_and_overlap(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100); /* all of it again */
	assert_true(s.note.retransmission);
	tcp(&s, 1, END_A, ACK, 1051, 5001, 100); /* half of it new */
	assert_true(s.note.retransmission);
	assert_int_equal(conn(&s, 1)->flow[0].payload, 300);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 150);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 2);
	assert_int_equal(conn(&s, 1)->flow[0].out_of_order, 0);
	assert_string_equal(conn(&s, 1)->history, "ShADT");
	flows_free(s.f);
}

static void test_holes(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100); /* the first hundred are missing */
	assert_true(s.note.gap);
	tcp(&s, 1, END_A, ACK, 1301, 5001, 100); /* and a hundred here */
	tcp(&s, 1, END_A, ACK, 1031, 5001, 20);	 /* out of the middle of the first hole */
	assert_true(s.note.out_of_order);
	assert_false(s.note.retransmission);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 220);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 400); /* everything */
	assert_true(s.note.retransmission);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 400);
	assert_int_equal(conn(&s, 1)->flow[0].payload, 620);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 400);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 400);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 2);
	assert_int_equal(conn(&s, 1)->flow[0].out_of_order, 2);
	flows_free(s.f);
}

static void test_too_many_holes(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	for (uint32_t i = 0; i < 10 * FLOWS_HOLES_MAX; i++)
		tcp(&s, 1, END_A, ACK, 1002 + i * 2, 5001, 1);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 10 * FLOWS_HOLES_MAX);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 20 * FLOWS_HOLES_MAX);
	assert_int_equal(conn(&s, 1)->flow[0].unique,
			 11 * FLOWS_HOLES_MAX); /* what was given up counts as seen */
	flows_free(s.f);
}

static void test_wrap(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 0xffffff00u);
	for (uint32_t i = 0; i < 10; i++)
		tcp(&s, 1, END_A, ACK, 0xffffff01u + i * 100, 5001, 100);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 1000);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 0);
	tcp(&s, 1, END_A, ACK, 0xffffffc9u, 5001, 100); /* across the end */
	assert_int_equal(conn(&s, 1)->flow[0].unique, 1000);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 1);
	flows_free(s.f);
}

static void test_more_than_four_gigabytes(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	for (uint64_t i = 0; i < 100000; i++)
		tcp(&s, 0, END_A, ACK, (uint32_t)(1001 + i * 65000), 5001, 65000);
	assert_int_equal(conn(&s, 1)->flow[0].unique, UINT64_C(6500000000));
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 0);
	flows_free(s.f);
}

static void test_long_and_joined_in_the_middle(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	for (uint64_t i = 0; i < 100000; i++)
		tcp(&s, 0, END_A, ACK, (uint32_t)(i * 65000), 1, 65000);
	for (uint64_t i = 40000; i < 100000; i += 10) /* up to two gigabytes back, and more */
		tcp(&s, 0, END_A, ACK, (uint32_t)(i * 65000), 1, 65000);
	assert_true(conn(&s, 1)->flow[0].unique >= UINT64_C(6500000000));
	tcp(&s, 0, END_A, ACK, (uint32_t)(UINT64_C(99990) * 65000), 1, 65000);
	assert_true(s.note.retransmission);
	flows_free(s.f);
}

static void test_wild_number(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1001 + 0x70000000u, 5001, 100); /* of no window of this stream */
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1201, 5001, 100);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 400);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 0);
	assert_int_equal(conn(&s, 1)->flow[0].next_seq, 1301);
	flows_free(s.f);
}

static void test_joined_in_the_middle(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 1, END_A, ACK, 5000, 1, 100);
	tcp(&s, 1, END_A, ACK, 4800, 1, 100); /* from before the capture began to see it */
	tcp(&s, 1, END_A, ACK, 4900, 1, 100);
	assert_int_equal(conn(&s, 1)->flow[0].unique, 300);
	assert_int_equal(conn(&s, 1)->flow[0].retrans_packets, 0);
	assert_int_equal(conn(&s, 1)->flow[0].first_seq, 4800);
	assert_int_equal(conn(&s, 1)->handshake_ns, -1);
	assert_int_equal(conn(&s, 1)->initiator, 0);
	flows_free(s.f);
}

/* What ends a handshake, and what does not. */
static void test_handshake_ends(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_B, ACK, 7, 77, 0);     /* of another connection: answers nothing */
	tcp(&s, 10, END_A, TCP_RST, 77, 0, 0); /* nor does this */
	assert_int_equal(conn(&s, 1)->handshake_ns, -1);
	tcp(&s, 10, END_B, TCP_RST | ACK, 0, 1001, 0);
	assert_int_equal(conn(&s, 1)->handshake_ns, 30 * MS);
	tcp(&s, 10, END_A, ACK, 1001, 5001, 0); /* told once */
	assert_int_equal(conn(&s, 1)->handshake_ns, 30 * MS);
	flows_free(s.f);
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_A, TCP_RST | ACK, 1001, 0, 0); /* gives up without an answer */
	assert_int_equal(conn(&s, 1)->handshake_ns, -1);
	flows_free(s.f);
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_B, TCP_SYN | ACK, 5000, 1001, 0);
	tcp(&s, 900, END_B, TCP_RST | ACK, 5001, 1001, 0); /* nobody came */
	assert_int_equal(conn(&s, 1)->handshake_ns, -1);
	flows_free(s.f);
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_B, TCP_SYN | ACK, 5000, 1001, 0);
	tcp(&s, 10, END_A, TCP_RST | ACK, 1001, 5001, 0); /* it was there, and left at once */
	assert_int_equal(conn(&s, 1)->handshake_ns, 20 * MS);
	flows_free(s.f);
}

static void test_syn_lost_then_again(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 0, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 1000, END_A, TCP_SYN, 1000, 0, 0);
	tcp(&s, 10, END_B, TCP_SYN | ACK, 5000, 1001, 0);
	tcp(&s, 10, END_A, ACK, 1001, 5001, 0);
	assert_int_equal(conn(&s, 1)->handshake_ns, 20 * MS); /* of the copy that was answered */
	flows_free(s.f);
}

static void test_duplicate_acks_and_zero_window(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_B, ACK, 5001, 1001, 0);
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 1, END_B, ACK, 5001, 1001, 0);
	assert_true(s.note.duplicate_ack);
	tcp_full(&s, 1, END_B, ACK, 5001, 1001, 0, 0);
	assert_false(s.note.duplicate_ack);
	assert_int_equal(conn(&s, 1)->flow[1].zero_window, 1);
	assert_int_equal(conn(&s, 1)->history[strlen(conn(&s, 1)->history) - 1], 'w');
	flows_free(s.f);
}

static void test_acked_but_never_seen(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1101, 5001, 100);
	tcp(&s, 1, END_B, ACK, 5001, 1201, 0);
	assert_string_equal(conn(&s, 1)->history, "ShADaG");
	tcp(&s, 1, END_B, ACK, 5001, 1201, 0);
	assert_string_equal(conn(&s, 1)->history, "ShADaG");
	assert_int_equal(conn(&s, 1)->flow[0].unique, 100);
	flows_free(s.f);
}

/* Zeek's ShADafgF of a FIN behind data that the capture lacks; without handshake nothing is sure.
 */
static void test_gap_before_a_fin(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 538);
	tcp(&s, 1, END_B, ACK, 5001, 1539, 0);
	tcp(&s, 1, END_B, TCP_FIN | ACK, 7903, 1539, 0);
	tcp(&s, 1, END_A, ACK, 1539, 7904, 0);
	tcp(&s, 1, END_A, TCP_FIN | ACK, 1539, 7904, 0);
	assert_string_equal(conn(&s, 1)->history, "ShADafgF");
	flows_free(s.f);
	script_open(&s, NULL);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 100);
	tcp(&s, 1, END_A, ACK, 1201, 5001, 100);
	tcp(&s, 1, END_B, ACK, 5001, 1301, 0);
	assert_string_equal(conn(&s, 1)->history, "Da");
	flows_free(s.f);
}

static void test_letters_by_tens(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, ACK, 1001, 5001, 10);
	for (int i = 0; i < 100; i++)
		tcp(&s, 1, END_A, ACK, 1001, 5001, 10);
	assert_string_equal(conn(&s, 1)->history, "ShADTTT"); /* 1, 10, 100 */
	flows_free(s.f);
}

static void test_bad_checksums_by_tens(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.flags = DECODE_CHECKSUM_BAD;
	shake(&s, 1000);
	for (int i = 1; i <= 98; i++) {
		if (i == 8)
			assert_string_equal(conn(&s, 1)->history, "CSchADT");
		tcp(&s, 1, END_A, ACK, 1001, 5001, 10);
	}
	assert_string_equal(conn(&s, 1)->history, "CSchADTCTC"); /* A: at its 10th and its 100th */
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal_life),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_retransmission_and_overlap),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_too_many_holes),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_more_than_four_gigabytes),
		cmocka_unit_test(test_joined_in_the_middle),
		cmocka_unit_test(test_long_and_joined_in_the_middle),
		cmocka_unit_test(test_wild_number),
		cmocka_unit_test(test_handshake_ends),
		cmocka_unit_test(test_syn_lost_then_again),
		cmocka_unit_test(test_duplicate_acks_and_zero_window),
		cmocka_unit_test(test_acked_but_never_seen),
		cmocka_unit_test(test_gap_before_a_fin),
		cmocka_unit_test(test_letters_by_tens),
		cmocka_unit_test(test_bad_checksums_by_tens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
