/* Fragments: only the first of a datagram has ports. It is remembered for the others; those that
 * come before it are held until it arrives, or until FRAGMENT_AGE_NS has passed: then they count
 * for the two addresses and the protocol. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "fragment.h"

#define FRAGMENT_SETS 1024u
#define FRAGMENT_WAYS 4u		/* of a set; the longest idle makes room */
#define FRAGMENT_AGE_NS (30 * NS_PER_S) /* as long as a receiver waits (Linux ipfrag_time) */
#define FRAGMENT_LOOK 16u		/* entries looked at for age with each packet */

enum fragment_state { FRAGMENT_FREE, FRAGMENT_HELD, FRAGMENT_KNOWN };

struct fragment {
	uint8_t state; /* enum fragment_state */
	uint8_t family, protocol;
	bool has_ports;
	uint16_t sport, dport;
	uint32_t id;
	uint8_t src[16], dst[16];
	int64_t last_ns;
	struct held held;
};

struct fragments {
	struct fragment way[FRAGMENT_SETS][FRAGMENT_WAYS];
	struct fragment spilled; /* held, and had to make room */
	uint32_t held;		 /* how many are */
	uint32_t look;
	int64_t now_ns;
};

struct fragments *fragments_new(void)
{
	return xcalloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *x)
{
	free(x);
}

/* IPv6 identifies by addresses and id alone (RFC 8200 4.5), IPv4 by the protocol too (RFC 791 3.2).
 */
static bool fragment_is(const struct fragment *e, const struct key *k, uint32_t id)
{
	uint32_t n = family_bytes(k->family);

	return e->state && e->id == id && e->family == k->family &&
	       (k->family == 6 || e->protocol == k->protocol) && !memcmp(e->src, k->src, n) &&
	       !memcmp(e->dst, k->dst, n);
}

static struct fragment *fragment_set(const struct flows *f, const struct key *k, uint32_t id)
{
	uint64_t hash = id * 0x9e3779b97f4a7c15u ^ f->seed[0];

	for (uint32_t i = 0; i < family_bytes(k->family); i++)
		hash = (hash ^ k->src[i] ^ (uint64_t)k->dst[i] << 8) * 0x100000001b3u;
	return f->fragments->way[(hash >> 32) % FRAGMENT_SETS];
}

static struct fragment *fragment_find(const struct flows *f, const struct key *k, uint32_t id)
{
	struct fragment *way = fragment_set(f, k, id);

	for (unsigned i = 0; i < FRAGMENT_WAYS; i++) {
		if (fragment_is(&way[i], k, id))
			return &way[i];
	}
	return NULL;
}

/* A cleared entry for the datagram; who had to leave it while it was held is spilled. */
static struct fragment *fragment_make(struct flows *f, const struct key *k, uint32_t id)
{
	struct fragment *way = fragment_set(f, k, id), *e = way;

	for (unsigned i = 0; i < FRAGMENT_WAYS && e->state; i++) {
		if (!way[i].state || way[i].last_ns < e->last_ns)
			e = &way[i];
	}
	if (e->state == FRAGMENT_HELD)
		f->fragments->spilled = *e;
	*e = (struct fragment){.family = k->family, .protocol = k->protocol, .id = id};
	memcpy(e->src, k->src, family_bytes(k->family));
	memcpy(e->dst, k->dst, family_bytes(k->family));
	return e;
}

static void fragment_time(struct flows *f, struct fragment *e, const struct flow_place *p)
{
	if (p->has_time)
		f->fragments->now_ns = p->ts_ns;
	e->last_ns = f->fragments->now_ns;
}

static bool fragment_old(const struct fragment *e, int64_t now_ns)
{
	return now_ns - e->last_ns > FRAGMENT_AGE_NS || e->last_ns - now_ns > FRAGMENT_AGE_NS;
}

static void fragment_ports(struct flows *f, struct key *k, const struct fragment *e)
{
	k->has_ports = e->has_ports;
	k->sport = e->sport;
	k->dport = e->dport;
	k->protocol = e->protocol;
	key_hash(f, k);
}

static void fragment_hold(struct flows *f, struct fragment *e, const struct decoded *d,
			  const struct flow_place *p)
{
	struct held *h = &e->held;

	if (e->state != FRAGMENT_HELD) {
		f->fragments->held++;
		e->state = FRAGMENT_HELD;
		h->place = *p;
		h->first_ns = h->last_ns = p->ts_ns;
	}
	h->packets++;
	h->bytes += p->length;
	h->ip_bytes += d->ip_bytes;
	h->payload += d->payload_bytes;
	h->last_ns = p->ts_ns > h->last_ns ? p->ts_ns : h->last_ns;
	h->first_ns = p->ts_ns < h->first_ns ? p->ts_ns : h->first_ns;
}

bool fragments_later(struct flows *f, struct key *k, const struct decoded *d,
		     const struct flow_place *p)
{
	struct fragment *e;

	if (!f->fragments)
		f->fragments = fragments_new();
	e = fragment_find(f, k, d->fragment_id);
	if (e && e->state == FRAGMENT_KNOWN &&
	    fragment_old(e, p->has_time ? p->ts_ns : f->fragments->now_ns))
		e->state = FRAGMENT_FREE;
	if (!e || !e->state)
		e = fragment_make(f, k, d->fragment_id);
	fragment_time(f, e, p);
	if (e->state == FRAGMENT_KNOWN) {
		fragment_ports(f, k, e);
		return false;
	}
	fragment_hold(f, e, d, p);
	return true;
}

bool fragments_known(const struct flows *f, struct key *k, const struct decoded *d)
{
	const struct fragment *e = f->fragments ? fragment_find(f, k, d->fragment_id) : NULL;

	if (!e || e->state != FRAGMENT_KNOWN)
		return false;
	k->has_ports = e->has_ports;
	k->sport = e->sport;
	k->dport = e->dport;
	k->protocol = e->protocol;
	key_hash(f, k);
	return true;
}

void fragments_first(struct flows *f, const struct key *k, const struct decoded *d,
		     const struct flow_place *p, struct held *held)
{
	struct fragment *e;

	*held = (struct held){0};
	if (!f->fragments)
		f->fragments = fragments_new();
	e = fragment_find(f, k, d->fragment_id);
	if (e && e->state == FRAGMENT_HELD) {
		*held = e->held;
		f->fragments->held--;
	}
	if (!e)
		e = fragment_make(f, k, d->fragment_id);
	e->state = FRAGMENT_KNOWN;
	e->protocol = k->protocol;
	e->has_ports = k->has_ports;
	e->sport = k->sport;
	e->dport = k->dport;
	fragment_time(f, e, p);
}

/* Hands out a held datagram: its addresses are copied, for the entry is free from now on. */
static bool fragment_give(struct flows *f, struct fragment *e, struct key *k, struct held *held,
			  uint8_t src[16], uint8_t dst[16])
{
	memcpy(src, e->src, 16);
	memcpy(dst, e->dst, 16);
	*k = (struct key){.src = src, .dst = dst, .family = e->family, .protocol = e->protocol};
	key_hash(f, k);
	*held = e->held;
	e->state = FRAGMENT_FREE;
	f->fragments->held--;
	return true;
}

bool fragments_expired(struct flows *f, int64_t now_ns, bool all, struct key *k, struct held *held,
		       uint8_t src[16], uint8_t dst[16])
{
	struct fragments *x = f->fragments;
	uint32_t looks = all ? FRAGMENT_SETS * FRAGMENT_WAYS : FRAGMENT_LOOK;

	if (!x || !x->held)
		return false;
	if (x->spilled.state)
		return fragment_give(f, &x->spilled, k, held, src, dst);
	for (uint32_t i = 0; i < looks; i++) {
		struct fragment *e = &x->way[x->look / FRAGMENT_WAYS][x->look % FRAGMENT_WAYS];

		x->look = (x->look + 1) % (FRAGMENT_SETS * FRAGMENT_WAYS);
		if (e->state == FRAGMENT_HELD && (all || fragment_old(e, now_ns)))
			return fragment_give(f, e, k, held, src, dst);
	}
	return false;
}
