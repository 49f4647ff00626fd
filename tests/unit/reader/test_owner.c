/* Sockets of this machine and the connections that are theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../backend/reader/owner.h"

#define LINK_RAW 101u
#define TCP 6
#define UDP 17

struct bench {
	struct owners *owners;
	struct flows *flows;
	uint64_t packets;
};

/* The last byte of 10.0.0.x is enough of an address. */
static uint64_t packet(struct bench *b, uint8_t protocol, uint8_t from, uint16_t from_port,
		       uint8_t to, uint16_t to_port)
{
	const struct decode_options o = {0};
	uint8_t p[40] = {0x45, 0, 0,  40, 0, 0,	   0x40, 0, 64, protocol,
			 0,    0, 10, 0,  0, from, 10,	 0, 0,	to};
	struct flow_place place = {.number = ++b->packets, .has_time = true, .length = sizeof(p)};
	struct flow_note note;
	struct decoded d;

	p[20] = (uint8_t)(from_port >> 8);
	p[21] = (uint8_t)from_port;
	p[22] = (uint8_t)(to_port >> 8);
	p[23] = (uint8_t)to_port;
	if (protocol == UDP)
		p[25] = 20;
	else
		p[32] = 0x50;
	place.ts_ns = (int64_t)b->packets;
	decode_packet(&d, &o, LINK_RAW, p, sizeof(p), sizeof(p));
	flows_packet(b->flows, &d, &place, &note);
	assert_true(note.number > 0);
	return note.number;
}

static int socket_tell(struct bench *b, uint8_t op, uint8_t protocol, uint8_t here, uint16_t port,
		       uint8_t there, uint16_t port_there, const char *process, uint32_t pid)
{
	const char a[4] = {10, 0, 0, (char)here}, z[4] = {10, 0, 0, (char)there};
	const struct msg_read_socket m = {.op = op,
					  .protocol = protocol,
					  .here = {a, 4},
					  .port_here = port,
					  .there = {z, there ? 4 : 0},
					  .port_there = port_there,
					  .pid = pid,
					  .process = str_of(process),
					  .user = str_of("me"),
					  .unit = str_of("x.service")};
	struct err e;

	return owners_take(&b->owners, b->flows, &m, &e);
}

static int round_end(struct bench *b)
{
	return socket_tell(b, 0, 0, 0, 0, 0, 0, "", 0);
}

static const char *process_of(struct bench *b, uint64_t connection)
{
	const struct owner *o = owners_of(b->owners, connection);

	return o ? o->process : "";
}

static void begin(struct bench *b)
{
	const struct flows_options o = {0};

	*b = (struct bench){.flows = flows_new(&o)};
}

static void end(struct bench *b)
{
	owners_free(b->owners);
	flows_free(b->flows);
}

static void either_end_has_it(void **state)
{
	struct bench b;
	uint64_t out, in, other;

	(void)state;
	begin(&b);
	out = packet(&b, TCP, 1, 1000, 2, 80);
	in = packet(&b, TCP, 2, 2000, 1, 22);
	other = packet(&b, TCP, 3, 1000, 2, 80);
	assert_string_equal(process_of(&b, out), "");
	assert_int_equal(round_end(&b), 0); /* nobody has told anything */
	assert_int_equal(socket_tell(&b, 1, TCP, 1, 1000, 2, 80, "curl", 5), 0);
	assert_int_equal(socket_tell(&b, 1, TCP, 1, 22, 2, 2000, "sshd", 6), 0);
	assert_int_equal(round_end(&b), 1);
	assert_string_equal(process_of(&b, out), "curl");
	assert_string_equal(owners_of(b.owners, out)->user, "me");
	assert_string_equal(owners_of(b.owners, out)->unit, "x.service");
	assert_int_equal(owners_of(b.owners, out)->pid, 5);
	assert_string_equal(process_of(&b, in), "sshd");
	assert_string_equal(process_of(&b, other), "");
	assert_int_equal(round_end(&b), 0); /* nothing new */
	end(&b);
}

static void one_for_anybody_is_for_udp_and_comes_second(void **state)
{
	struct bench b;
	uint64_t query, mine, tcp;

	(void)state;
	begin(&b);
	socket_tell(&b, 1, UDP, 1, 53, 0, 0, "dns", 5);
	socket_tell(&b, 1, TCP, 1, 80, 0, 0, "httpd", 6);
	socket_tell(&b, 1, UDP, 1, 53, 9, 999, "own", 7);
	query = packet(&b, UDP, 2, 4000, 1, 53);
	mine = packet(&b, UDP, 1, 53, 9, 999);
	tcp = packet(&b, TCP, 2, 4000, 1, 80);
	assert_int_equal(round_end(&b), 1);
	assert_string_equal(process_of(&b, query), "dns");
	assert_string_equal(process_of(&b, mine), "own");
	assert_string_equal(process_of(&b, tcp), "");
	end(&b);
}

static void it_stays_when_its_socket_is_gone(void **state)
{
	struct bench b;
	uint64_t early, late, last, again;

	(void)state;
	begin(&b);
	early = packet(&b, TCP, 1, 1000, 2, 80);
	round_end(&b);
	socket_tell(&b, 1, TCP, 1, 1000, 2, 80, "curl", 0); /* a little later, and by halves */
	assert_int_equal(round_end(&b), 1);
	socket_tell(&b, 1, TCP, 1, 1000, 2, 80, "wget", 8);
	assert_int_equal(round_end(&b), 1);
	assert_string_equal(process_of(&b, early), "wget");
	socket_tell(&b, 1, TCP, 1, 1001, 2, 80, "short", 9);
	last = packet(&b, TCP, 1, 1001, 2, 80);
	socket_tell(&b, 2, TCP, 1, 1001, 2, 80, "", 0);
	socket_tell(&b, 2, TCP, 1, 1000, 2, 80, "", 0);
	assert_int_equal(round_end(&b), 1);
	assert_string_equal(process_of(&b, early), "wget");
	assert_string_equal(process_of(&b, last), "short");
	late = packet(&b, TCP, 1, 1001, 3, 80);
	socket_tell(&b, 1, TCP, 1, 1001, 3, 80, "x", 10);
	socket_tell(&b, 3, 0, 0, 0, 0, 0, "", 0);
	assert_int_equal(round_end(&b), 0);
	assert_string_equal(process_of(&b, late), "");
	again = packet(&b, TCP, 1, 1001, 2, 80);
	assert_int_equal(again, last);
	end(&b);
}

static void what_lies_is_refused(void **state)
{
	const struct msg_read_socket bad = {.op = 1, .here = {"123", 3}};
	struct bench b;
	struct err e;
	char *text = calloc(1, 300);
	struct msg_read_socket longer = {.op = 1, .here = {"1234", 4}, .process = {text, 300}};

	(void)state;
	begin(&b);
	assert_int_equal(owners_take(&b.owners, b.flows, &bad, &e), -1);
	assert_int_equal(owners_take(&b.owners, b.flows, &longer, &e), -1);
	assert_null(owners_of(b.owners, 1));
	free(text);
	end(&b);
}

static void many(void **state)
{
	struct bench b;
	uint64_t last = 0;

	(void)state;
	begin(&b);
	for (unsigned i = 0; i < 70000; i++) {
		last = packet(&b, TCP, 1, (uint16_t)(i % 60000 + 1), (uint8_t)(2 + i / 60000), 80);
		if (i % 1000 == 0)
			socket_tell(&b, 1, TCP, 1, (uint16_t)(i % 60000 + 1),
				    (uint8_t)(2 + i / 60000), 80, "p", i + 1);
	}
	assert_int_equal(round_end(&b), 1);
	assert_string_equal(process_of(&b, 1), ""); /* too many at once: the newest are looked up */
	assert_string_equal(process_of(&b, 69001), "p");
	assert_int_equal(last, 70000);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(either_end_has_it),
		cmocka_unit_test(one_for_anybody_is_for_udp_and_comes_second),
		cmocka_unit_test(it_stays_when_its_socket_is_gone),
		cmocka_unit_test(what_lies_is_refused),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
