/* Tunnels: what is inside becomes the packet that is described, when it holds an IP header that
 * decodes; else the outer packet stays. Here: how that is done, and IP carried by IP. */
#include <string.h>

#include "rows.h"

#define IP_UDP 17u
#define ETHERIP_HEADER 2u
#define ETHERIP_VERSION 0x3000u

/* What struct decoded says of one IP packet, that is all behind its layers. They are only added to,
 * so that their number brings them back. */
#define DESCRIPTION offsetof(struct decoded, family)
#define DESCRIPTION_BYTES (sizeof(struct decoded) - DESCRIPTION)

/* Kept while its inside is looked at. */
struct around {
	struct cursor c;
	const uint8_t *final_dst;
	unsigned flags;
	uint8_t nlayers;
	uint8_t description[DESCRIPTION_BYTES];
};

static void around_keep(struct around *a, const struct walk *w)
{
	a->c = w->c;
	a->final_dst = w->final_dst;
	a->flags = w->d->flags;
	a->nlayers = w->d->nlayers;
	memcpy(a->description, (const uint8_t *)w->d + DESCRIPTION, sizeof(a->description));
}

static void around_return(const struct around *a, struct walk *w)
{
	w->c = a->c;
	w->final_dst = a->final_dst;
	w->d->flags = a->flags;
	memcpy((uint8_t *)w->d + DESCRIPTION, a->description, sizeof(a->description));
}

/* VLAN tags of the way there stay: they count where the inside has none. */
static void inside_begin(struct walk *w)
{
	struct decoded *d = w->d;
	const uint16_t vlan = d->vlan;
	const uint8_t vlan_count = d->vlan_count, *vlan_first = d->vlan_first;

	memset((uint8_t *)d + DESCRIPTION, 0, DESCRIPTION_BYTES);
	d->vlan = vlan;
	d->vlan_count = vlan_count;
	d->vlan_first = vlan_first;
	d->flags = 0;
	w->final_dst = NULL;
}

/* An IP header that is nothing but bad does not count. */
static bool inside_holds_ip(const struct decoded *d)
{
	const uint8_t last = d->layer[d->nlayers - 1].protocol;

	return d->flags & DECODE_IP &&
	       !(d->flags & DECODE_BAD && (last == PROTO_IP || last == PROTO_IP6));
}

static inline uint64_t digest_add(uint64_t sum, uint32_t word)
{
	return ((sum ^ word) * UINT64_C(0x9e3779b97f4a7c15)) ^ sum >> 29;
}

uint32_t decode_fragment_digest(uint8_t family, uint8_t protocol, const uint8_t *src,
				const uint8_t *dst, uint32_t id)
{
	uint64_t sum = digest_add(family == 4 ? protocol + 1u : 0, id);

	for (uint32_t i = 0; i < (family == 4 ? 4u : 16u); i += 4)
		sum = digest_add(digest_add(sum, get32(src + i)), get32(dst + i));
	return (uint32_t)(sum >> 32);
}

/* The inside of a first fragment is described: the later ones, in which nothing says so, are to be
 * found by the digest of what carries it. That not all of it is here is then no contradiction. */
static void inside_carried(struct decoded *d, uint32_t digest)
{
	d->flags &= ~(unsigned)DECODE_LONG;
	if (d->flags & (DECODE_FRAGMENT | DECODE_CARRIED))
		return;
	d->flags |= DECODE_CARRIED;
	d->fragment_id = digest;
}

uint8_t walk_closed(struct walk *w, uint8_t tunnel)
{
	struct decoded *d = w->d;

	if (w->o->app && d->ip_protocol == IP_UDP && d->flags & DECODE_PORTS)
		d->app = tunnel;
	return cursor_left(&w->c) ? walk_rest(w, PROTO_DATA) : PROTO_NONE;
}

uint8_t walk_tunnel(struct walk *w, uint8_t tunnel, uint8_t inside)
{
	struct decoded *d = w->d;
	const bool first = d->flags & DECODE_FRAGMENT;
	struct around a;
	uint32_t digest = 0;
	unsigned found;

	if (inside == PROTO_DATA && cursor_left(&w->c))
		d->flags |= DECODE_UNKNOWN;
	if (w->o->outer || w->tunnels == WALK_TUNNELS_MAX || inside == PROTO_DATA ||
	    !cursor_left(&w->c))
		return walk_closed(w, tunnel);
	if (first)
		digest = decode_fragment_digest(d->family, d->ip_protocol, d->src, d->dst,
						d->fragment_id);
	around_keep(&a, w);
	inside_begin(w);
	w->tunnels++;
	walk_on(w, inside);
	w->tunnels--;
	if (inside_holds_ip(d)) {
		if (!d->tunnel)
			d->tunnel = tunnel;
		if (first)
			inside_carried(d, digest);
		return PROTO_NONE;
	}
	found = d->flags & (DECODE_BAD | DECODE_CUT | DECODE_UNKNOWN);
	around_return(&a, w);
	if (!found) /* ARP and the like: worth showing */
		return PROTO_NONE;
	d->flags |= found & (DECODE_CUT | DECODE_UNKNOWN);
	d->nlayers = a.nlayers;
	return walk_closed(w, tunnel);
}

bool walk_fits(const struct walk *w, uint32_t bytes)
{
	return bytes <= cursor_wire(&w->c) || w->d->flags & DECODE_FRAGMENT;
}

uint8_t walk_ip_version(const struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, 1);
	const uint8_t version = p ? p[0] >> 4 : 0;

	return version == 4 ? PROTO_IP : version == 6 ? PROTO_IP6 : PROTO_DATA;
}

typedef uint8_t (*tunnel_fn)(struct walk *w);

static tunnel_fn port_tunnel(uint16_t port)
{
	switch (port) {
	case 1701:
		return l2tp_decode;
	case 2152:
		return gtp_decode;
	case 3544:
		return teredo_decode;
	case 4754:
		return gre_udp_decode;
	case 4789:
	case 8472: /* Linux's own number before there was one */
		return vxlan_decode;
	case 4790:
		return vxlan_gpe_decode;
	case 6081:
		return geneve_decode;
	case 6635:
		return mpls_udp_decode;
	default:
		return NULL;
	}
}

uint8_t walk_udp(struct walk *w)
{
	tunnel_fn tunnel = port_tunnel(w->d->dport);

	if (!tunnel)
		tunnel = port_tunnel(w->d->sport);
	if (tunnel)
		return tunnel(w);
	return teredo_looks(w) ? walk_tunnel(w, PROTO_TEREDO, PROTO_IP6) : walk_application(w);
}

/* --- IP in IP: no header between them (RFC 2003, RFC 2473, RFC 4213) --- */

uint8_t ipip_decode(struct walk *w)
{
	return walk_tunnel(w, w->d->family == 4 ? PROTO_IPIP : PROTO_FOURIN6, PROTO_IP);
}

uint8_t sixin4_decode(struct walk *w)
{
	return walk_tunnel(w, w->d->family == 4 ? PROTO_SIXIN4 : PROTO_SIXIN6, PROTO_IP6);
}

/* RFC 3378. */
uint8_t etherip_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, ETHERIP_HEADER);

	if (!p)
		return walk_short(w, PROTO_ETHERIP, ETHERIP_HEADER);
	walk_layer(w, PROTO_ETHERIP, ETHERIP_HEADER);
	return walk_tunnel(w, PROTO_ETHERIP, get16(p) == ETHERIP_VERSION ? PROTO_ETH : PROTO_DATA);
}

/* RFC 8986 4.9: a frame behind a segment routing header, with nothing between. */
uint8_t eth_in_ip_decode(struct walk *w)
{
	return walk_tunnel(w, PROTO_ETH_IN_IP, PROTO_ETH);
}
