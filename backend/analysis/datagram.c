#include "datagram.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define IP6_FRAGMENT_HEADER 8u
#define IP6_EXTENSIONS_MAX 8u /* before the fragment's */
#define IP4_PLACE 0x3fffu     /* more fragments, and the offset */

enum { HOP_BY_HOP = 0, ICMP = 1, ROUTING = 43, FRAGMENT = 44, ICMP6 = 58, DESTINATION = 60 };

/* A fragment, and where it belongs. */
struct piece {
	const uint8_t *src, *dst, *data;
	uint32_t id, offset, length;
	uint8_t family, protocol;
	bool more;
};

static uint16_t two(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void datagrams_release(struct datagrams *d)
{
	for (unsigned i = 0; i < DATAGRAMS_MAX; i++)
		free(d->datagram[i].data);
	*d = (struct datagrams){0};
}

/* --- which fragment this is --- */

static bool piece_read4(struct piece *e, const uint8_t *p, size_t here)
{
	if (here < IP4_HEADER || !(two(p + 6) & IP4_PLACE))
		return false;
	size_t header = (p[0] & 15u) * 4u, total = two(p + 2);

	if (header < IP4_HEADER || total <= header || total > here)
		return false; /* a fragment that is cut makes no whole */
	*e = (struct piece){.family = 4,
			    .protocol = p[9],
			    .src = p + 12,
			    .dst = p + 16,
			    .id = two(p + 4),
			    .offset = (two(p + 6) & 0x1fffu) * DATAGRAM_BLOCK,
			    .more = two(p + 6) & 0x2000,
			    .data = p + header,
			    .length = (uint32_t)(total - header)};
	return true;
}

static bool piece_read6(struct piece *e, const uint8_t *p, size_t here)
{
	size_t at = IP6_HEADER;

	if (here < IP6_HEADER || IP6_HEADER + two(p + 4) > here)
		return false;
	uint8_t next = p[6];

	here = IP6_HEADER + two(p + 4);
	for (unsigned i = 0; next != FRAGMENT; i++) {
		if ((next != HOP_BY_HOP && next != ROUTING && next != DESTINATION) ||
		    i == IP6_EXTENSIONS_MAX || at + 2 > here)
			return false;
		next = p[at];
		at += (p[at + 1] + 1u) * 8u;
	}
	if (at + IP6_FRAGMENT_HEADER >= here)
		return false;
	const uint8_t *f = p + at;

	at += IP6_FRAGMENT_HEADER;
	*e = (struct piece){.family = 6,
			    .protocol = f[0],
			    .src = p + 8,
			    .dst = p + 24,
			    .id = (uint32_t)two(f + 4) << 16 | two(f + 6),
			    .offset = two(f + 2) & 0xfff8u,
			    .more = f[3] & 1,
			    .data = p + at,
			    .length = (uint32_t)(here - at)};
	return true;
}

/* The outermost header of IP that says so. */
static bool piece_find(struct piece *e, const struct analysis_packet *p)
{
	for (unsigned i = 0; i < p->d->nlayers; i++) {
		const struct layer *l = &p->d->layer[i];
		const uint8_t *header = p->data + l->offset;
		size_t here = l->offset < p->captured ? p->captured - l->offset : 0;

		if ((l->protocol == PROTO_IP && piece_read4(e, header, here)) ||
		    (l->protocol == PROTO_IP6 && piece_read6(e, header, here)))
			return e->protocol != ICMP && e->protocol != ICMP6 &&
			       e->offset + e->length <= DATAGRAM_BYTES_MAX;
	}
	return false;
}

/* --- datagrams --- */

static struct datagram *datagram_find(struct datagrams *d, const struct piece *e)
{
	size_t n = e->family == 6 ? 16 : 4;

	for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
		struct datagram *g = &d->datagram[i];

		if (g->used && g->id == e->id && g->family == e->family &&
		    g->protocol == e->protocol && memcmp(g->src, e->src, n) == 0 &&
		    memcmp(g->dst, e->dst, n) == 0)
			return g;
	}
	struct datagram *g = &d->datagram[d->next++ % DATAGRAMS_MAX];
	uint8_t *data = g->data ? g->data : xmalloc(DATAGRAM_HEADER + DATAGRAM_BYTES_MAX);

	*g = (struct datagram){.used = true,
			       .family = e->family,
			       .protocol = e->protocol,
			       .id = e->id,
			       .data = data};
	memcpy(g->src, e->src, n);
	memcpy(g->dst, e->dst, n);
	return g;
}

/* The blocks of a fragment that had not come. */
static void datagram_fill(struct datagram *g, const struct piece *e)
{
	uint8_t *to = g->data + DATAGRAM_HEADER + e->offset;

	for (uint32_t at = 0; at < e->length; at += DATAGRAM_BLOCK) {
		uint32_t block = (e->offset + at) / DATAGRAM_BLOCK;
		uint32_t n = e->length - at < DATAGRAM_BLOCK ? e->length - at : DATAGRAM_BLOCK;

		if (g->came[block / 8] & 1u << block % 8)
			continue;
		g->came[block / 8] |= (uint8_t)(1u << block % 8);
		memcpy(to + at, e->data + at, n);
		g->here += n;
	}
}

/* A header as if nobody had divided it, right before the data. */
static uint8_t *header_write(struct datagram *g)
{
	const bool six = g->family == 6;
	uint8_t *p = g->data + DATAGRAM_HEADER - (six ? IP6_HEADER : IP4_HEADER);
	const uint32_t length = g->length + (six ? 0 : IP4_HEADER);

	memset(p, 0, six ? IP6_HEADER : IP4_HEADER);
	p[0] = six ? 0x60 : 0x45;
	p[six ? 4 : 2] = (uint8_t)(length >> 8);
	p[six ? 5 : 3] = (uint8_t)length;
	p[six ? 6 : 9] = g->protocol;
	memcpy(p + (six ? 8 : 12), g->src, six ? 16 : 4);
	memcpy(p + (six ? 24 : 16), g->dst, six ? 16 : 4);
	return p;
}

static const struct analysis_packet *datagram_packet(struct datagrams *d, struct datagram *g,
						     const struct analysis_packet *p)
{
	const struct decode_options o = {.outer = !g->tunnel, .app = true};
	const uint8_t *data = header_write(g);
	const uint32_t bytes = (uint32_t)(g->data + DATAGRAM_HEADER - data) + g->length;

	g->used = false;
	if (bytes > UINT16_MAX)
		return NULL;
	decode_ip(&d->decoded, &o, data, bytes, bytes);
	d->packet = *p;
	d->packet.d = &d->decoded;
	d->packet.data = data;
	d->packet.captured = d->packet.length = bytes;
	d->packet.connection = g->connection;
	d->packet.direction = g->direction;
	return &d->packet;
}

/* The rest may never come: what is here of a TCP segment does not wait for it. */
static const struct analysis_packet *first_packet(struct datagrams *d,
						  const struct analysis_packet *p)
{
	d->decoded = *p->d;
	d->decoded.flags &= ~(unsigned)(DECODE_FRAGMENT | DECODE_CARRIED);
	d->decoded.payload_bytes = p->d->payload_captured;
	d->packet = *p;
	d->packet.d = &d->decoded;
	return &d->packet;
}

const struct analysis_packet *datagrams_whole(struct datagrams *d, const struct analysis_packet *p)
{
	struct piece e;

	if (!(p->d->flags & (DECODE_FRAGMENT | DECODE_CARRIED)))
		return p;
	if (!piece_find(&e, p))
		return p->d->flags & DECODE_FRAGMENT ? NULL : p;
	struct datagram *g = datagram_find(d, &e);

	datagram_fill(g, &e);
	if (e.offset == 0) {
		g->has_first = true;
		g->tunnel = p->d->flags & DECODE_CARRIED;
		g->connection = p->connection;
		g->direction = p->direction;
	}
	if (!e.more)
		g->length = e.offset + e.length;
	if (g->has_first && g->length && g->here >= g->length)
		return datagram_packet(d, g, p);
	return e.offset == 0 && p->d->flags & DECODE_TCP ? first_packet(d, p) : NULL;
}
