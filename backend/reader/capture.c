#include "capture.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

#define FRAGMENT_WAITS_NS (31 * NS_PER_S) /* the flows give up after 30 s */

void totals_release(struct totals *t)
{
	free(t->interface);
	*t = (struct totals){0};
}

static void totals_time(struct totals *t, int64_t ts_ns)
{
	if (!t->has_time) {
		t->first_ns = t->last_ns = t->previous_ns = ts_ns;
		t->has_time = true;
		return;
	}
	if (ts_ns < t->previous_ns)
		t->disordered = true;
	if (ts_ns < t->first_ns)
		t->first_ns = ts_ns;
	if (ts_ns > t->last_ns)
		t->last_ns = ts_ns;
	t->previous_ns = ts_ns;
}

static void totals_interfaces(struct totals *t, uint32_t count)
{
	uint32_t room = count < 16 ? 16 : count * 2;

	t->interface = xreallocarray(t->interface, room, sizeof(*t->interface));
	memset(t->interface + t->ninterfaces, 0, (room - t->ninterfaces) * sizeof(*t->interface));
	t->ninterfaces = room;
}

void totals_add(struct totals *t, const struct packet *pk, uint32_t interface, bool other)
{
	t->packets++;
	t->wire_bytes += pk->length;
	t->captured_bytes += pk->captured;
	if (other) {
		t->other_packets++;
		t->other_bytes += pk->length;
	}
	if (pk->has_time)
		totals_time(t, pk->ts_ns);
	else
		t->disordered = true;
	if (interface >= t->ninterfaces)
		totals_interfaces(t, interface + 1);
	t->interface[interface].packets++;
	t->interface[interface].bytes += pk->length;
}

void capture_init(struct capture *c, const struct flows_options *options, bool outer, bool live)
{
	*c = (struct capture){.live = live, .base = options->base};
	c->decode = (struct decode_options){.outer = outer, .checksums = true, .app = true};
	c->flows = flows_new(options);
	pages_init(&c->tags, sizeof(uint32_t));
	pages_init(&c->pulses, sizeof(struct pulse));
	pages_start(&c->pulses, options->base / PAGES_ITEMS * PAGES_ITEMS);
}

void capture_release(struct capture *c)
{
	flows_free(c->flows);
	totals_release(&c->totals);
	pages_release(&c->tags);
	pages_release(&c->pulses);
	free(c->waiting);
}

static void capture_pulse(struct capture *c, uint64_t number, uint32_t length)
{
	while (c->pulses.count <= number)
		(void)pages_add(&c->pulses);
	struct pulse *p = pages_at(&c->pulses, number);

	if (!p)
		return;
	if (p->second != c->now_second) {
		bool next = p->second + 1 == c->now_second;

		p->packets[1] = next ? p->packets[0] : 0;
		p->bytes[1] = next ? p->bytes[0] : 0;
		p->packets[0] = p->bytes[0] = 0;
		p->second = c->now_second;
	}
	p->packets[0]++;
	p->bytes[0] = length > UINT32_MAX - p->bytes[0] ? UINT32_MAX : p->bytes[0] + length;
}

static uint32_t capture_tag(const struct flow_note *note)
{
	if (note->number == 0 || note->number > TAG_NUMBER_MAX)
		return 0;
	return (uint32_t)note->number << TAG_NUMBER_SHIFT | (note->direction ? TAG_B_TO_A : 0) |
	       (note->retransmission ? TAG_RETRANSMISSION : 0);
}

/* The row that was added last is one of a fragment without a connection. */
static void capture_wait(struct capture *c)
{
	if (c->nwaiting == CAPTURE_WAITING_MAX)
		return;
	if (!c->waiting)
		c->waiting = xreallocarray(NULL, CAPTURE_WAITING_MAX, sizeof(*c->waiting));
	c->waiting[c->nwaiting++] = c->tags.count - 1;
}

void capture_count(struct capture *c, const struct decoded *d, const struct packet *pk,
		   uint32_t interface, uint32_t segment, bool tagged)
{
	struct flow_note note = {0};
	const struct flow_place place = {.number = pk->number,
					 .offset = pk->offset,
					 .segment = segment,
					 .ts_ns = pk->ts_ns,
					 .has_time = pk->has_time,
					 .length = pk->length};

	flows_packet(c->flows, d, &place, &note);
	totals_add(&c->totals, pk, interface, note.number == 0);
	if (d->flags & DECODE_UNKNOWN)
		c->totals.undecoded++;
	if (!c->has_start && pk->has_time) {
		c->start_ns = pk->ts_ns;
		c->has_start = true;
	}
	if (tagged) {
		*(uint32_t *)pages_add(&c->tags) = capture_tag(&note);
		if (note.number == 0 && (d->flags & DECODE_IP) && (d->flags & DECODE_FRAGMENT))
			capture_wait(c);
	}
	if (c->live && note.number)
		capture_pulse(c, note.number, pk->length);
}

void capture_add(struct capture *c, const struct packet *pk, uint32_t interface, uint32_t segment,
		 bool tagged)
{
	struct decoded d;

	decode_packet(&d, &c->decode, pk->link_type, pk->data, pk->captured, pk->length);
	capture_count(c, &d, pk, interface, segment, tagged);
}

/* true: the row needs no further look. `last`: its datagram's first is waited for no more. */
static bool capture_settle_row(struct capture *c, uint64_t row, const struct packet *pk, bool last)
{
	struct decoded d;
	struct flow_note note = {0};
	uint32_t *tag = pages_at(&c->tags, row);

	if (!tag)
		return true;
	decode_packet(&d, &c->decode, pk->link_type, pk->data, pk->captured, pk->length);
	note.number = flows_find(c->flows, &d, &note.direction);
	if (note.number == 0 && last) { /* then it counted for its addresses and protocol alone */
		d.flags &= ~(unsigned)DECODE_FRAGMENT;
		note.number = flows_find(c->flows, &d, &note.direction);
	}
	if (note.number == 0)
		return last;
	*tag = capture_tag(&note);
	c->settled++;
	c->totals.other_packets--;
	c->totals.other_bytes -= pk->length;
	return true;
}

static void capture_look(struct capture *c, capture_read_fn read, void *arg, bool ended)
{
	uint32_t kept = 0;
	struct packet pk;

	for (uint32_t i = 0; i < c->nwaiting; i++) {
		if (read(arg, c->waiting[i], &pk) < 0)
			continue;
		bool last = ended || c->totals.previous_ns - pk.ts_ns > FRAGMENT_WAITS_NS;

		if (!capture_settle_row(c, c->waiting[i], &pk, last))
			c->waiting[kept++] = c->waiting[i];
	}
	c->nwaiting = kept;
}

void capture_settle(struct capture *c, capture_read_fn read, void *arg)
{
	capture_look(c, read, arg, false);
}

void capture_end(struct capture *c, capture_read_fn read, void *arg)
{
	if (c->ended_packets == c->totals.packets)
		return;
	c->ended_packets = c->totals.packets;
	flows_finish(c->flows);
	capture_look(c, read, arg, true);
}

uint64_t capture_connection(const struct capture *c, uint64_t row, unsigned *tag)
{
	const uint32_t *t = pages_at(&c->tags, row);

	*tag = t ? *t & ((1u << TAG_NUMBER_SHIFT) - 1) : 0;
	return t ? *t >> TAG_NUMBER_SHIFT : 0;
}

bool capture_rate(const struct capture *c, uint64_t connection, uint32_t *packets, uint32_t *bytes)
{
	const struct pulse *p = c->live ? pages_at(&c->pulses, connection) : NULL;
	int age = p ? (int)(c->now_second - p->second) : 2;

	*packets = age == 0 ? p->packets[1] : age == 1 ? p->packets[0] : 0;
	*bytes = age == 0 ? p->bytes[1] : age == 1 ? p->bytes[0] : 0;
	return c->live;
}

void capture_rest(struct capture *c)
{
	uint64_t keep = pages_first(&c->pulses);

	for (; keep + PAGES_ITEMS <= c->pulses.count; keep += PAGES_ITEMS) {
		const struct pulse *p = pages_at(&c->pulses, keep);
		unsigned i = 0;

		while (i < PAGES_ITEMS && c->now_second - p[i].second > 2)
			i++;
		if (i < PAGES_ITEMS)
			break;
	}
	pages_drop(&c->pulses, keep);
}
