/* Fragments of a tunnel's packets count for the connection inside, in whatever order they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../decode/packets.h"
#include "flow/flows.h"

#define PAYLOAD 1000u
#define CARRIED (8u + 8 + 20 + 20 + PAYLOAD) /* behind the outer IP header */
#define FIRST_BYTES 600u		     /* of them in the first fragment */

struct feed {
	struct flows *f;
	struct flow_place place;
	struct flow_note note;
	bool outer;
};

static void feed_open(struct feed *s)
{
	static const struct flows_options none;

	*s = (struct feed){.f = flows_new(&none)};
	s->place = (struct flow_place){.has_time = true, .ts_ns = INT64_C(1700000000000000000)};
}

static void feed(struct feed *s, const struct made *m)
{
	const struct decode_options o = {.outer = s->outer, .app = true};
	struct decoded d;

	s->place.number++;
	s->place.ts_ns += 1000000;
	s->place.length = m->len;
	decode_packet(&d, &o, 101, m->bytes, m->len, m->len);
	flows_packet(s->f, &d, &s->place, &s->note);
}

/* A TCP segment in GTP in two fragments of IPv4 (ids differ by datagram). */
static void put_first(struct made *m, unsigned id)
{
	struct made all = {.len = 0};

	put_udp(&all, 2152, 2152, CARRIED - 8);
	put(&all, "\x30\xff\4\x10\0\0\0\1", 8);
	put_ip4(&all, 6, 20 + PAYLOAD, 0);
	all.bytes[all.len - 5] = 77; /* the source's last byte: not the tunnel's own ends */
	put_tcp(&all, 40000, 80, 1000, 1, TCP_ACK, 5);
	while (all.len < CARRIED)
		put8(&all, 'x');
	m->len = 0;
	put_ip4(m, 17, FIRST_BYTES, 0x2000);
	m->bytes[4] = (uint8_t)(id >> 8);
	m->bytes[5] = (uint8_t)id;
	put(m, all.bytes, FIRST_BYTES);
}

static void put_later(struct made *m, unsigned id)
{
	m->len = 0;
	put_ip4(m, 17, CARRIED - FIRST_BYTES, FIRST_BYTES / 8);
	m->bytes[4] = (uint8_t)(id >> 8);
	m->bytes[5] = (uint8_t)id;
	while (m->len < 20 + CARRIED - FIRST_BYTES)
		put8(m, 'y');
}

static void assert_inner(struct feed *s, unsigned packets)
{
	const struct connection *c = flows_number(s->f, 1);

	assert_int_equal(flows_count(s->f), 1);
	assert_non_null(c);
	assert_int_equal(c->protocol, 6);
	assert_int_equal(c->port_a, 40000);
	assert_int_equal(c->addr_a.bytes[3], 77);
	assert_int_equal(c->tunnel, PROTO_GTPU);
	assert_int_equal(c->flow[0].packets, packets);
	assert_int_equal(c->flow[0].payload, PAYLOAD); /* told once, by the inner headers */
	assert_int_equal(c->flow[0].unique, PAYLOAD);
	assert_int_equal(c->flow[0].bytes, 20 + FIRST_BYTES + 20 + CARRIED - FIRST_BYTES);
}

static void test_in_order(void **state)
{
	struct made m;
	struct feed s;

	(void)state;
	feed_open(&s);
	put_first(&m, 5);
	feed(&s, &m);
	assert_int_equal(s.note.number, 1);
	put_later(&m, 5);
	feed(&s, &m);
	assert_int_equal(s.note.number, 1);
	flows_finish(s.f);
	assert_inner(&s, 2);
	flows_free(s.f);
}

static void test_first_late(void **state)
{
	struct made m;
	struct feed s;

	(void)state;
	feed_open(&s);
	put_later(&m, 5);
	feed(&s, &m);
	assert_int_equal(s.note.number, 0);
	put_first(&m, 5);
	feed(&s, &m);
	flows_finish(s.f);
	assert_inner(&s, 2);
	flows_free(s.f);
}

/* Without its first fragment a later one is all that is known: two addresses and UDP. */
static void test_of_another_datagram(void **state)
{
	struct made m;
	struct feed s;

	(void)state;
	feed_open(&s);
	put_first(&m, 5);
	feed(&s, &m);
	put_later(&m, 6);
	feed(&s, &m);
	flows_finish(s.f);
	assert_int_equal(flows_count(s.f), 2);
	assert_int_equal(flows_number(s.f, 1)->flow[0].packets, 1);
	assert_int_equal(flows_number(s.f, 2)->protocol, 17);
	assert_false(flows_number(s.f, 2)->has_ports);
	flows_free(s.f);
}

static void test_outer(void **state)
{
	struct made m;
	struct feed s;

	(void)state;
	feed_open(&s);
	s.outer = true;
	put_first(&m, 5);
	feed(&s, &m);
	put_later(&m, 5);
	feed(&s, &m);
	flows_finish(s.f);
	assert_int_equal(flows_count(s.f), 1);
	assert_int_equal(flows_number(s.f, 1)->protocol, 17);
	assert_int_equal(flows_number(s.f, 1)->port_a, 2152);
	assert_int_equal(flows_number(s.f, 1)->flow[0].packets, 2);
	assert_int_equal(flows_number(s.f, 1)->flow[0].payload, CARRIED - 8);
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_first_late),
		cmocka_unit_test(test_of_another_datagram),
		cmocka_unit_test(test_outer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
