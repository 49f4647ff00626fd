/* Packets as the tests of flow write them: who sends what, when. */
#ifndef TESTS_FLOW_SCRIPT_H
#define TESTS_FLOW_SCRIPT_H

#include <string.h>

#include "flow/flows.h"

#define END_A 1 /* 10.0.0.1 */
#define END_B 2 /* 10.0.0.2 */
#define MS INT64_C(1000000)

struct script {
	struct flows *f;
	struct flow_place place;
	struct flow_note note; /* of the last packet */
	uint16_t port_a, port_b;
	unsigned flags; /* enum decode_flag that every packet has besides */
};

static inline void script_open(struct script *s, const struct flows_options *o)
{
	static const struct flows_options none;

	*s = (struct script){.f = flows_new(o ? o : &none), .port_a = 40000, .port_b = 80};
	s->place = (struct flow_place){.has_time = true, .ts_ns = INT64_C(1700000000000000000)};
}

static inline void script_ends(struct decoded *d, int from, uint8_t src[4], uint8_t dst[4])
{
	memcpy(src, (const uint8_t[]){10, 0, 0, (uint8_t)from}, 4);
	memcpy(dst, (const uint8_t[]){10, 0, 0, (uint8_t)(from == END_A ? END_B : END_A)}, 4);
	d->family = 4;
	d->src = src;
	d->dst = dst;
}

static inline void script_feed(struct script *s, struct decoded *d)
{
	s->place.number++;
	s->place.length = d->ip_bytes + 14;
	flows_packet(s->f, d, &s->place, &s->note);
}

/* One TCP segment, `after_ms` after the one before. */
static inline void tcp_full(struct script *s, int64_t after_ms, int from, unsigned flags,
			    uint32_t seq, uint32_t ack, uint32_t payload, uint16_t window)
{
	struct decoded d = {.flags = DECODE_IP | DECODE_PORTS | DECODE_TCP | s->flags,
			    .ip_protocol = 6};
	uint8_t src[4], dst[4];

	script_ends(&d, from, src, dst);
	d.sport = from == END_A ? s->port_a : s->port_b;
	d.dport = from == END_A ? s->port_b : s->port_a;
	d.payload_bytes = d.payload_captured = payload;
	d.ip_bytes = 40 + payload;
	d.tcp.flags = (uint8_t)flags;
	d.tcp.seq = seq;
	d.tcp.ack = ack;
	d.tcp.window = window;
	s->place.ts_ns += after_ms * MS;
	script_feed(s, &d);
}

static inline void tcp(struct script *s, int64_t after_ms, int from, unsigned flags, uint32_t seq,
		       uint32_t ack, uint32_t payload)
{
	tcp_full(s, after_ms, from, flags, seq, ack, payload, 64240);
}

/* SYN, SYN-ACK, ACK with the numbers `isn` and 5000, 10 ms apart. */
static inline void shake(struct script *s, uint32_t isn)
{
	tcp(s, 10, END_A, TCP_SYN, isn, 0, 0);
	tcp(s, 10, END_B, TCP_SYN | TCP_ACK, 5000, isn + 1, 0);
	tcp(s, 10, END_A, TCP_ACK, isn + 1, 5001, 0);
}

static inline const struct connection *conn(const struct script *s, uint64_t number)
{
	return flows_number(s->f, number);
}

#endif
