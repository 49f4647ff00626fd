/* The table of connections, packet by packet. */
#include "flow/flows.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "flow/saved.h"
#include "fragment.h"
#include "gone.h"
#include "track.h"

#define ENTRIES_FIRST 1024u
#define PACKET_MASK ((UINT64_C(1) << 40) - 1)
#define OFFSET_MASK ((UINT64_C(1) << 48) - 1)
#define VLAN_MASK 0xfffu
#define SEGMENT_MASK ((1u << 24) - 1)
#define IP_TCP 6u
#define IP_UDP 17u
#define IP_SCTP 132u

struct flows *flows_new(const struct flows_options *o)
{
	struct flows *f = xcalloc(1, sizeof(*f));
	uint64_t seed = map_seed();

	f->o = *o;
	f->given = o->base;
	f->entries = ENTRIES_FIRST;
	f->entry = xcalloc(f->entries, sizeof(*f->entry));
	f->free_slot = f->oldest = f->newest = NONE;
	for (unsigned i = 0; i < 4; i++)
		f->seed[i] = map_hash(&i, sizeof(i), seed);
	return f;
}

void flows_free(struct flows *f)
{
	if (!f)
		return;
	store_release(f);
	fragments_free(f->fragments);
	free(f->gone[0].entry);
	free(f->gone[1].entry);
	free(f->entry);
	free(f->twins);
	free(f);
}

/* --- making and finding connections --- */

/* A cleared connection whose A is the key's source. */
static uint32_t connection_add(struct flows *f, const struct key *k, uint64_t number,
			       const struct flow_place *p)
{
	uint32_t slot = store_add(f, number);
	struct slot *s = flows_slot(f, slot);

	s->ip6 = k->family == ADDR_IP6;
	if (s->ip6) {
		s->ends.ip6 = xreallocarray(NULL, 2, sizeof(*s->ends.ip6));
		f->more_bytes += 2 * sizeof(*s->ends.ip6);
	}
	memcpy(s->ip6 ? s->ends.ip6[0] : s->ends.ip4[0], k->src, family_bytes(k->family));
	memcpy(s->ip6 ? s->ends.ip6[1] : s->ends.ip4[1], k->dst, family_bytes(k->family));
	s->port[0] = k->sport;
	s->port[1] = k->dport;
	s->has_ports = k->has_ports;
	s->protocol = k->protocol;
	s->handshake_ns = -1;
	s->first_packet = p->number & PACKET_MASK;
	s->first_offset = p->offset & OFFSET_MASK;
	s->first_segment = p->segment & SEGMENT_MASK;
	return slot;
}

static uint32_t connection_new(struct flows *f, const struct key *k, const struct flow_place *p,
			       struct flow_note *note)
{
	note->new_connection = 1;
	return connection_add(f, k, ++f->given, p);
}

/* Whether a packet continues a connection that left memory. */
static bool gone_continues(const struct gone *g, bool from_a, const struct decoded *d)
{
	if (!(d->flags & DECODE_TCP) || (d->tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return true;
	if (g->flags & GONE_CLOSED)
		return false;
	return !from_a || !(g->flags & GONE_ISN) || g->isn == d->tcp.seq;
}

/* The connection of that key comes back under its number, with the ends in their old order. NONE:
 * there was none. */
static uint32_t connection_return(struct flows *f, struct key *k, const struct decoded *d,
				  const struct flow_place *p, uint8_t *direction)
{
	struct key ordered = *k;
	struct slot *s;
	struct gone g;
	uint32_t slot;

	if (!gone_take(f, k, &g))
		return NONE;
	*direction = key_swapped(f, k) != (bool)(g.flags & GONE_SWAPPED);
	if (!gone_continues(&g, !*direction, d))
		return NONE;
	if (*direction) {
		ordered.src = k->dst;
		ordered.dst = k->src;
		ordered.sport = k->dport;
		ordered.dport = k->sport;
	}
	slot = connection_add(f, &ordered, g.number, p);
	s = flows_slot(f, slot);
	s->part = g.part == UINT16_MAX ? g.part : (uint16_t)(g.part + 1);
	if (g.flags & (GONE_INITIATOR_A | GONE_INITIATOR_B))
		s->initiator = g.flags & GONE_INITIATOR_A ? 'a' : 'b';
	state_restore(s, g.state);
	s->closed = (g.flags & GONE_CLOSED) != 0;
	f->version++;
	return slot;
}

/* The connection of the packet, new if need be. */
static uint32_t connection_take(struct flows *f, struct key *k, const struct decoded *d,
				const struct flow_place *p, struct flow_note *note)
{
	uint32_t slot = key_find(f, k, &note->direction), old = slot;
	struct slot *s;

	if (slot != NONE) {
		s = flows_slot(f, slot);
		if (!(d->flags & DECODE_TCP) || !tcp_is_reuse(s, note->direction, d, p))
			return slot;
		s->closed = true;
		note->direction = 0;
		slot = connection_new(f, k, p, note);
		key_replace(f, k->hash, old, slot);
		return slot;
	}
	if (f->o.memory_bytes)
		slot = connection_return(f, k, d, p, &note->direction);
	if (slot == NONE) {
		note->direction = 0;
		slot = connection_new(f, k, p, note);
	}
	key_insert(f, k->hash, slot);
	return slot;
}

/* --- counting --- */

static void time_note(struct flows *f, struct slot *s, unsigned direction, int64_t ts_ns)
{
	struct side *fl = &s->side[direction];

	if (fl->end & END_TIMED)
		figures_time(figures_take(f, s, direction), fl, ts_ns);
	else
		fl->first_ns = ts_ns;
	if (!(fl->end & END_TIMED) && fl->figures)
		figures_time(fl->figures, fl, ts_ns);
	fl->end |= END_TIMED;
}

/* Packets and bytes of them. */
struct counts {
	uint64_t packets, bytes, ip_bytes, payload;
};

static void side_count(struct flows *f, struct slot *s, unsigned direction, const struct counts *n)
{
	struct side *fl = &s->side[direction];
	const uint64_t packets = fl->packets + n->packets, bytes = fl->bytes + n->bytes,
		       ip_bytes = fl->ip_bytes + n->ip_bytes, payload = fl->payload + n->payload;
	struct more_flow *m;

	fl->packets = (uint32_t)packets;
	fl->bytes = (uint32_t)bytes;
	fl->ip_bytes = (uint32_t)ip_bytes;
	fl->payload = (uint32_t)payload;
	if (!((packets | bytes | ip_bytes | payload) >> 32))
		return;
	m = &store_more(f, s)->flow[direction];
	m->packets_high += packets >> 32;
	m->bytes_high += bytes >> 32;
	m->ip_high += ip_bytes >> 32;
	m->payload_high += payload >> 32;
}

/* UDP has Zeek's two words; for other protocols it says OTH. */
static void datagram_note(struct flows *f, struct slot *s, unsigned direction)
{
	struct side *fl = &s->side[direction];

	if (s->protocol != IP_UDP) {
		s->state = CONN_OTH;
		return;
	}
	if (!(fl->letters & LETTER_DATA)) {
		fl->letters |= LETTER_DATA;
		state_letter(f, s, direction, 'D');
	}
	s->state = side_spoke(&s->side[1]) ? CONN_SF : CONN_S0;
}

#define APP_WORDS 8u /* bytes of a payload that are enough to recognise it */

/* Whether a port may say what content does not. Who was seen to begin tells which end serves, and
 * the first words then: what begins as nothing that is known is not what the port is for. */
static bool port_counts(const struct slot *s, const struct decoded *d)
{
	const bool first = s->side[0].payload + s->side[1].payload == d->payload_bytes;

	if (s->protocol != IP_TCP || !s->initiator)
		return true;
	return first && d->payload_captured < APP_WORDS;
}

/* Content says what the application is; until it does, the port of whoever seems to be the server.
 */
static void app_note(struct slot *s, const struct decoded *d)
{
	if (d->app) {
		if (!s->app_by_content)
			s->app = d->app;
		s->app_by_content = true;
		return;
	}
	if (s->app_by_content || s->app || !d->payload_bytes || !s->has_ports || !port_counts(s, d))
		return;
	s->app = app_by_port(s->protocol, s->port[s->initiator != 'b']);
	if (!s->app && !s->initiator)
		s->app = app_by_port(s->protocol, s->port[s->initiator == 'b']);
}

/* Of the packet's IP header, as far as it can be said: behind it lie the transport's and payload.
 */
static uint32_t header_bytes(const struct slot *s, const struct decoded *d)
{
	uint32_t behind = d->payload_bytes;

	if (d->flags & DECODE_TCP)
		behind += 20u + d->tcp.options_length;
	else if (d->flags & DECODE_PORTS)
		behind += s->protocol == IP_UDP ? 8u : s->protocol == IP_SCTP ? 12u : 0;
	if (d->flags & (DECODE_CUT | DECODE_BAD) || behind > d->ip_bytes)
		return d->ip_bytes < ip_header_bytes(s) ? d->ip_bytes : ip_header_bytes(s);
	return d->ip_bytes - behind;
}

static void packet_count(struct flows *f, uint32_t slot, const struct decoded *d,
			 const struct flow_place *p, struct flow_note *note)
{
	struct slot *s = flows_slot(f, slot);
	const unsigned direction = note->direction;
	const struct counts n = {.packets = 1,
				 .bytes = p->length,
				 .ip_bytes = d->ip_bytes,
				 .payload = d->payload_bytes};

	if (s->side[direction].packets)
		(void)figures_take(f, s, direction);
	side_count(f, s, direction, &n);
	figures_headers(f, s, direction, 1, header_bytes(s, d));
	s->last_packet = p->number & PACKET_MASK;
	if (d->vlan_count)
		s->vlan = d->vlan & VLAN_MASK;
	if (d->tunnel)
		s->tunnel = d->tunnel;
	if (d->flags & DECODE_CHECKSUM_BAD)
		state_bad(f, s, direction);
	if (p->has_time)
		time_note(f, s, direction, p->ts_ns);
	if (d->flags & DECODE_TCP)
		tcp_segment(f, s, direction, d, p, note);
	else if (s->protocol != IP_TCP) /* else a fragment without its header: its place in the
					   stream is not known */
		datagram_note(f, s, direction);
	if (!s->app_by_content && d->payload_bytes)
		app_note(s, d);
}

/* What was held of a datagram counts for the connection, in the direction of its first fragment. */
static void held_count(struct flows *f, uint32_t slot, unsigned direction, const struct held *h)
{
	struct slot *s = flows_slot(f, slot);
	const struct counts n = {.packets = h->packets,
				 .bytes = h->bytes,
				 .ip_bytes = h->ip_bytes,
				 .payload = h->payload};

	if (s->side[direction].packets)
		(void)figures_take(f, s, direction);
	side_count(f, s, direction, &n);
	figures_headers(f, s, direction, h->packets, h->ip_bytes - h->payload);
	if (h->place.has_time) {
		time_note(f, s, direction, h->first_ns);
		if (h->packets > 1)
			time_note(f, s, direction, h->last_ns);
	}
	if (h->place.number && h->place.number < s->first_packet) {
		s->first_packet = h->place.number & PACKET_MASK;
		s->first_offset = h->place.offset & OFFSET_MASK;
		s->first_segment = h->place.segment & SEGMENT_MASK;
	}
	if ((h->last_number & PACKET_MASK) > s->last_packet)
		s->last_packet = h->last_number & PACKET_MASK;
	if (s->protocol != IP_TCP)
		s->state = s->protocol != IP_UDP     ? CONN_OTH
			   : side_spoke(&s->side[1]) ? CONN_SF
						     : CONN_S0;
}

/* Held fragments whose first one will not come count for their addresses and protocol. */
static void held_release(struct flows *f, int64_t now_ns, bool all)
{
	static const struct decoded nothing;
	uint8_t src[16], dst[16];
	struct held held;
	struct key k;

	while (fragments_expired(f, now_ns, all, &k, &held, src, dst)) {
		struct flow_note note = {0};
		uint32_t slot = connection_take(f, &k, &nothing, &held.place, &note);

		held_count(f, slot, note.direction, &held);
		store_touch(f, slot);
		if (f->o.leave)
			store_changed(f, slot);
	}
}

/* A fragment's connection, with what was held of its datagram. NONE: this one is held. */
static uint32_t fragment_take(struct flows *f, struct key *k, const struct decoded *d,
			      const struct flow_place *p, struct flow_note *note, bool *carried)
{
	struct held held;
	uint32_t slot;

	if (d->flags & DECODE_FRAGMENT && d->fragment_offset)
		return fragments_later(f, k, d, p, carried) ? NONE
							    : connection_take(f, k, d, p, note);
	fragments_first(f, k, d, p, &held);
	slot = connection_take(f, k, d, p, note);
	if (held.packets)
		held_count(f, slot, note->direction, &held);
	return slot;
}

/* A tunnel's later fragment: the first has told the lengths of what is inside. */
static void carried_count(struct flows *f, uint32_t slot, const struct flow_place *p,
			  const struct flow_note *note)
{
	const struct held one = {.packets = 1,
				 .bytes = p->length,
				 .first_ns = p->ts_ns,
				 .last_ns = p->ts_ns,
				 .place = *p,
				 .last_number = p->number};

	held_count(f, slot, note->direction, &one);
}

void flows_packet(struct flows *f, const struct decoded *d, const struct flow_place *p,
		  struct flow_note *note)
{
	struct key k;
	uint32_t slot;
	bool carried = false;

	*note = (struct flow_note){0};
	if (f->fragments)
		held_release(f, p->ts_ns, false);
	if (!(d->flags & DECODE_IP) || (f->in_memory >= SLOTS_MAX && !f->o.memory_bytes))
		return;
	key_make(f, &k, d);
	slot = d->flags & (DECODE_FRAGMENT | DECODE_CARRIED)
		       ? fragment_take(f, &k, d, p, note, &carried)
		       : connection_take(f, &k, d, p, note);
	if (slot == NONE)
		return;
	if (carried)
		carried_count(f, slot, p, note);
	else
		packet_count(f, slot, d, p, note);
	note->number = flows_slot(f, slot)->number;
	if (f->o.leave)
		store_changed(f, slot);
	if (f->o.memory_bytes) {
		store_touch(f, slot);
		gone_evict(f);
	}
}

/* --- asked from outside --- */

uint64_t flows_find(const struct flows *f, const struct decoded *d, uint8_t *direction)
{
	struct gone g;
	struct key k;
	uint32_t slot;

	*direction = 0;
	if (!(d->flags & DECODE_IP))
		return 0;
	(void)flows_wake((struct flows *)(uintptr_t)f); /* -1: some are not found */
	key_make(f, &k, d);
	if (d->flags & DECODE_FRAGMENT && d->fragment_offset && !fragments_known(f, &k, d))
		return 0;
	slot = key_find(f, &k, direction);
	if (slot != NONE)
		return flows_slot(f, slot)->number;
	if (!gone_peek(f, &k, &g))
		return 0;
	*direction = key_swapped(f, &k) != (bool)(g.flags & GONE_SWAPPED);
	return g.number;
}

uint64_t flows_count(const struct flows *f)
{
	return f->given;
}

uint64_t flows_in_memory(const struct flows *f)
{
	return f->in_memory;
}

uint64_t flows_version(const struct flows *f)
{
	return f->version;
}

uint64_t flows_checkpoint(struct flows *f, uint64_t max)
{
	uint64_t done = 0;

	for (uint64_t looked = 0; looked < f->changed_words && done < max; looked++) {
		uint64_t *word = &f->changed[f->changed_at];

		while (*word && done < max) {
			unsigned bit = (unsigned)__builtin_ctzll(*word);

			*word &= *word - 1;
			view_leave(f, flows_slot(f, f->changed_at * 64 + bit), false);
			done++;
		}
		if (!*word)
			f->changed_at = (uint32_t)((f->changed_at + 1) % f->changed_words);
	}
	return done;
}

void flows_finish(struct flows *f)
{
	held_release(f, 0, true);
	for (uint64_t i = 0; f->o.leave && i < f->in_memory; i++)
		f->o.leave(f->o.arg, flows_at(f, i), true);
}
