/* Memory: a budget, leaving and returning, checkpoints; fragments, which only together know their
 * ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "script.h"

#define MANY 5000u

struct left {
	unsigned times, final;
	uint64_t packets, last;
};

static void leave(void *arg, const struct connection *c, bool final)
{
	struct left *l = arg;

	l->times++;
	l->final += final;
	l->packets += c->flow[0].packets + c->flow[1].packets;
	l->last = c->number;
}

static void one(struct script *s, unsigned port)
{
	s->port_a = (uint16_t)port;
	tcp(s, 1, END_A, TCP_ACK, 100, 1, 10);
}

static void test_plain_connection_is_small(void **state)
{
	struct script s;
	uint64_t bytes;

	(void)state;
	script_open(&s, NULL);
	for (unsigned i = 0; i < 40000; i++)
		one(&s, i);
	bytes = flows_memory_bytes(s.f) / 40000;
	assert_true(bytes < 220);
	flows_free(s.f);
}

static void test_budget_keeps_numbers(void **state)
{
	struct left l = {0};
	struct flows_options o = {.memory_bytes = 100000, .base = 50, .leave = leave, .arg = &l};
	struct script s;
	uint64_t before;

	(void)state;
	script_open(&s, &o);
	for (unsigned i = 0; i < MANY; i++) {
		one(&s, 1000 + i);
		assert_int_equal(s.note.number, 51 + i);
		assert_true(s.note.new_connection);
	}
	assert_int_equal(flows_count(s.f), 50 + MANY);
	assert_true(flows_in_memory(s.f) < 500 && flows_in_memory(s.f) > 100);
	assert_null(flows_number(s.f, 51));
	assert_int_equal(l.times + flows_in_memory(s.f), MANY);
	assert_int_equal(l.final, 0);
	before = flows_version(s.f);
	/* Everybody returns, from either side, under the old number and the old way round. */
	for (unsigned i = 0; i < MANY; i++) {
		s.port_a = (uint16_t)(1000 + i);
		tcp(&s, 1, END_B, TCP_ACK, 1, 110, 0);
		assert_int_equal(s.note.number, 51 + i);
		assert_int_equal(s.note.direction, 1);
		assert_false(s.note.new_connection);
		assert_int_equal(conn(&s, 51 + i)->addr_a.bytes[3], END_A);
		assert_int_equal(conn(&s, 51 + i)->part, 1);
	}
	assert_true(flows_version(s.f) != before);
	assert_int_equal(flows_count(s.f), 50 + MANY);
	flows_finish(s.f);
	assert_int_equal(l.packets, 2 * MANY);
	assert_int_equal(l.final, flows_in_memory(s.f));
	flows_free(s.f);
}

static void test_places_are_in_order(void **state)
{
	struct flows_options o = {.memory_bytes = 60000};
	uint64_t last = 0;
	struct script s;

	(void)state;
	script_open(&s, &o);
	for (unsigned i = 0; i < 2000; i++)
		one(&s, 1000 + i * 7 % 700);
	for (uint64_t i = 0; i < flows_in_memory(s.f); i++) {
		const struct connection *c = flows_at(s.f, i);

		assert_non_null(c);
		assert_true(c->number > last);
		assert_int_equal(flows_number(s.f, c->number)->port_a, c->port_a);
		last = c->number;
	}
	assert_null(flows_at(s.f, flows_in_memory(s.f)));
	flows_free(s.f);
}

static void test_returned_syn_is_new(void **state)
{
	struct flows_options o = {.memory_bytes = 2000};
	struct script s;

	(void)state;
	script_open(&s, &o);
	s.port_a = 1;
	tcp(&s, 1, END_A, TCP_SYN, 1000, 0, 0);
	for (unsigned i = 0; i < 50; i++)
		one(&s, 1000 + i);
	assert_null(flows_number(s.f, 1));
	s.port_a = 1;
	tcp(&s, 1, END_A, TCP_SYN, 1000, 0, 0);
	assert_int_equal(s.note.number, 1);
	for (unsigned i = 0; i < 50; i++)
		one(&s, 1000 + i);
	s.port_a = 1;
	tcp(&s, 1, END_B, TCP_RST | TCP_ACK, 0, 1001, 0);
	assert_int_equal(s.note.number, 1);
	for (unsigned i = 0; i < 50; i++)
		one(&s, 1000 + i);
	s.port_a = 1;
	tcp(&s, 1, END_A, TCP_SYN, 7777, 0, 0);
	assert_int_equal(s.note.number, 52);
	flows_free(s.f);
}

static void test_checkpoint_gives_what_changed(void **state)
{
	struct left l = {0};
	struct flows_options o = {.leave = leave, .arg = &l};
	struct script s;

	(void)state;
	script_open(&s, &o);
	for (unsigned i = 0; i < 100; i++)
		one(&s, 1000 + i);
	assert_int_equal(flows_checkpoint(s.f, 30), 30);
	assert_int_equal(flows_checkpoint(s.f, 1000), 70);
	assert_int_equal(flows_checkpoint(s.f, 1000), 0);
	one(&s, 1042);
	assert_int_equal(flows_checkpoint(s.f, 1000), 1);
	assert_int_equal(l.last, 43);
	assert_int_equal(l.final, 0);
	flows_free(s.f);
}

/* --- fragments --- */

static void fragment(struct script *s, int64_t after_ms, uint32_t id, unsigned offset, bool more)
{
	struct decoded d = {.flags = DECODE_IP | DECODE_FRAGMENT,
			    .ip_protocol = 17,
			    .fragment_id = id,
			    .fragment_offset = (uint16_t)offset,
			    .more_fragments = more,
			    .payload_bytes = 100,
			    .ip_bytes = 120};
	uint8_t src[4], dst[4];

	script_ends(&d, END_A, src, dst);
	if (!offset) {
		d.flags |= DECODE_PORTS;
		d.sport = 2049;
		d.dport = 789;
	}
	s->place.ts_ns += after_ms * MS;
	script_feed(s, &d);
}

static void test_fragments_in_order(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	fragment(&s, 0, 77, 0, true);
	fragment(&s, 1, 77, 104, true);
	fragment(&s, 1, 77, 208, false);
	assert_int_equal(s.note.number, 1);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->flow[0].packets, 3);
	assert_int_equal(conn(&s, 1)->flow[0].payload, 300);
	assert_int_equal(conn(&s, 1)->port_a, 2049);
	flows_free(s.f);
}

static void test_first_fragment_late(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	fragment(&s, 0, 77, 208, false);
	fragment(&s, 1, 77, 104, true);
	assert_int_equal(s.note.number, 0);
	assert_int_equal(flows_count(s.f), 0);
	fragment(&s, 1, 77, 0, true);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(conn(&s, 1)->flow[0].packets, 3);
	assert_int_equal(conn(&s, 1)->first_packet, 1);
	assert_int_equal(conn(&s, 1)->last_ns - conn(&s, 1)->start_ns, 2 * MS);
	flows_free(s.f);
}

static void test_first_fragment_never(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	fragment(&s, 0, 77, 104, true);
	fragment(&s, 1, 78, 104, true);
	flows_finish(s.f);
	assert_int_equal(flows_count(s.f), 1);
	assert_false(conn(&s, 1)->has_ports);
	assert_int_equal(conn(&s, 1)->protocol, 17);
	assert_int_equal(conn(&s, 1)->flow[0].packets, 2);
	assert_int_equal(conn(&s, 1)->first_packet, 1);
	assert_int_equal(conn(&s, 1)->last_packet, 2);
	flows_free(s.f);
}

static void test_fragment_id_again(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	fragment(&s, 0, 77, 0, true);
	fragment(&s, 60000, 77, 104, false); /* a minute later: another datagram */
	assert_int_equal(s.note.number, 0);
	flows_finish(s.f);
	assert_int_equal(flows_count(s.f), 2);
	flows_free(s.f);
}

static void test_many_held(void **state)
{
	struct script s;
	uint64_t packets = 0;

	(void)state;
	script_open(&s, NULL);
	for (uint32_t i = 0; i < 20000; i++)
		fragment(&s, 0, i, 104, true);
	flows_finish(s.f);
	for (uint64_t i = 0; i < flows_in_memory(s.f); i++)
		packets += flows_at(s.f, i)->flow[0].packets;
	assert_int_equal(packets, 20000);
	flows_free(s.f);
}

static void test_no_time_and_the_epoch(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.place.has_time = false;
	s.place.ts_ns = 0;
	one(&s, 1);
	assert_true(conn(&s, 1)->start_ns == NS_NONE && conn(&s, 1)->last_ns == NS_NONE);
	s.place.has_time = true;
	s.place.ts_ns = -MS; /* `one` comes a millisecond later */
	one(&s, 1);
	assert_int_equal(conn(&s, 1)->start_ns, 0);
	one(&s, 1);
	assert_int_equal(conn(&s, 1)->start_ns, 0);
	assert_int_equal(conn(&s, 1)->last_ns, MS);
	assert_true(conn(&s, 1)->flow[1].first_ns == NS_NONE);
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_time_and_the_epoch),
		cmocka_unit_test(test_plain_connection_is_small),
		cmocka_unit_test(test_budget_keeps_numbers),
		cmocka_unit_test(test_places_are_in_order),
		cmocka_unit_test(test_returned_syn_is_new),
		cmocka_unit_test(test_checkpoint_gives_what_changed),
		cmocka_unit_test(test_fragments_in_order),
		cmocka_unit_test(test_first_fragment_late),
		cmocka_unit_test(test_first_fragment_never),
		cmocka_unit_test(test_fragment_id_again),
		cmocka_unit_test(test_many_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
