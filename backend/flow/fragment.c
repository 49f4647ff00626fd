/* Fragments: only the first of a datagram has ports, and only the first of a tunnel's shows what is
 * inside. It is remembered for the others; those that come before it are held until it arrives, or
 * until FRAGMENT_AGE_NS has passed: then they count for the two addresses and the protocol. */
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
	bool carried; /* what follows is of the packet inside, and only the digest of the fragments'
			 own */
	uint16_t sport, dport;
	uint32_t id, digest;
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

static uint32_t fragment_digest(const struct key *k, const struct decoded *d)
{
	return d->flags & DECODE_CARRIED ? d->fragment_id
					 : decode_fragment_digest(k->family, k->protocol, k->src,
								  k->dst, d->fragment_id);
}

/* IPv6 identifies by addresses and id alone (RFC 8200 4.5), IPv4 by the protocol too (RFC 791 3.2).
 * Where one of both is inside a tunnel, by the digest of these. */
static bool fragment_is(const struct fragment *e, const struct key *k, const struct decoded *d,
			uint32_t digest)
{
	uint32_t n = family_bytes(k->family);

	if (!e->state || e->digest != digest || e->carried || d->flags & DECODE_CARRIED)
		return e->state && e->digest == digest;
	return e->id == d->fragment_id && e->family == k->family &&
	       (k->family == 6 || e->protocol == k->protocol) && !memcmp(e->src, k->src, n) &&
	       !memcmp(e->dst, k->dst, n);
}

static struct fragment *fragment_set(const struct flows *f, uint32_t digest)
{
	uint64_t hash = (digest ^ f->seed[0]) * 0x9e3779b97f4a7c15u;

	return f->fragments->way[(hash >> 32) % FRAGMENT_SETS];
}

static struct fragment *fragment_find(const struct flows *f, const struct key *k,
				      const struct decoded *d)
{
	const uint32_t digest = fragment_digest(k, d);
	struct fragment *way = fragment_set(f, digest);

	for (unsigned i = 0; i < FRAGMENT_WAYS; i++) {
		if (fragment_is(&way[i], k, d, digest))
			return &way[i];
	}
	return NULL;
}

static void fragment_ends(struct fragment *e, const struct key *k)
{
	e->family = k->family;
	e->protocol = k->protocol;
	memcpy(e->src, k->src, family_bytes(k->family));
	memcpy(e->dst, k->dst, family_bytes(k->family));
}

/* A cleared entry for the datagram; who had to leave it while it was held is spilled. */
static struct fragment *fragment_make(struct flows *f, const struct key *k, const struct decoded *d)
{
	const uint32_t digest = fragment_digest(k, d);
	struct fragment *way = fragment_set(f, digest), *e = way;

	for (unsigned i = 0; i < FRAGMENT_WAYS && e->state; i++) {
		if (!way[i].state || way[i].last_ns < e->last_ns)
			e = &way[i];
	}
	if (e->state == FRAGMENT_HELD)
		f->fragments->spilled = *e;
	*e = (struct fragment){.id = d->fragment_id, .digest = digest};
	fragment_ends(e, k);
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

/* The datagram's key, or that of the packet inside: its addresses are borrowed from the entry. */
static void fragment_key(const struct flows *f, struct key *k, const struct fragment *e)
{
	if (e->carried) {
		k->family = e->family;
		k->src = e->src;
		k->dst = e->dst;
	}
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
	h->last_number = p->number;
	h->bytes += p->length;
	h->ip_bytes += d->ip_bytes;
	h->payload += d->payload_bytes;
	h->last_ns = p->ts_ns > h->last_ns ? p->ts_ns : h->last_ns;
	h->first_ns = p->ts_ns < h->first_ns ? p->ts_ns : h->first_ns;
}

bool fragments_later(struct flows *f, struct key *k, const struct decoded *d,
		     const struct flow_place *p, bool *carried)
{
	struct fragment *e;

	*carried = false;
	if (!f->fragments)
		f->fragments = fragments_new();
	e = fragment_find(f, k, d);
	if (e && e->state == FRAGMENT_KNOWN &&
	    fragment_old(e, p->has_time ? p->ts_ns : f->fragments->now_ns))
		e->state = FRAGMENT_FREE;
	if (!e || !e->state)
		e = fragment_make(f, k, d);
	fragment_time(f, e, p);
	if (e->state == FRAGMENT_KNOWN) {
		fragment_key(f, k, e);
		*carried = e->carried;
		return false;
	}
	fragment_hold(f, e, d, p);
	return true;
}

bool fragments_known(const struct flows *f, struct key *k, const struct decoded *d)
{
	const struct fragment *e = f->fragments ? fragment_find(f, k, d) : NULL;

	if (!e || e->state != FRAGMENT_KNOWN)
		return false;
	fragment_key(f, k, e);
	return true;
}

void fragments_first(struct flows *f, const struct key *k, const struct decoded *d,
		     const struct flow_place *p, struct held *held)
{
	struct fragment *e;

	*held = (struct held){0};
	if (!f->fragments)
		f->fragments = fragments_new();
	e = fragment_find(f, k, d);
	if (e && e->state == FRAGMENT_HELD) {
		*held = e->held;
		f->fragments->held--;
	}
	if (!e)
		e = fragment_make(f, k, d);
	e->state = FRAGMENT_KNOWN;
	e->carried = d->flags & DECODE_CARRIED;
	fragment_ends(e, k);
	if (e->carried) /* the inner headers told all of it */
		held->ip_bytes = held->payload = 0;
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
