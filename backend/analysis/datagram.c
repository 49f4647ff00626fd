#include "datagram.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define UDP_HEADER 8u
#define IP_PROTOCOL_UDP 17u

void datagrams_release(struct datagrams *d)
{
	for (unsigned i = 0; i < DATAGRAMS_MAX; i++)
		free(d->datagram[i].data);
	*d = (struct datagrams){0};
}

static struct datagram *datagram_find(struct datagrams *d, const struct decoded *p)
{
	size_t n = p->family == 6 ? 16 : 4;

	for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
		struct datagram *g = &d->datagram[i];

		if (g->used && g->id == p->fragment_id && g->family == p->family &&
		    memcmp(g->src, p->src, n) == 0 && memcmp(g->dst, p->dst, n) == 0)
			return g;
	}
	struct datagram *g = &d->datagram[d->next++ % DATAGRAMS_MAX];
	uint8_t *data = g->data ? g->data : xmalloc(DATAGRAM_BYTES_MAX);

	*g = (struct datagram){
		.used = true, .family = p->family, .id = p->fragment_id, .data = data};
	memcpy(g->src, p->src, n);
	memcpy(g->dst, p->dst, n);
	return g;
}

/* The blocks of a fragment that had not come. */
static void datagram_fill(struct datagram *g, uint32_t offset, const uint8_t *data, uint32_t length)
{
	for (uint32_t at = 0; at < length; at += DATAGRAM_BLOCK) {
		uint32_t block = (offset + at) / DATAGRAM_BLOCK;
		uint32_t n = length - at < DATAGRAM_BLOCK ? length - at : DATAGRAM_BLOCK;

		if (g->came[block / 8] & 1u << block % 8)
			continue;
		g->came[block / 8] |= (uint8_t)(1u << block % 8);
		memcpy(g->data + offset + at, data + at, n);
		g->here += n;
	}
}

const struct datagram *datagrams_add(struct datagrams *d, const struct analysis_packet *p)
{
	const struct decoded *i = p->d;
	const bool first = i->fragment_offset == 0;
	const uint32_t header = first && i->payload_offset >= UDP_HEADER ? UDP_HEADER : 0;
	const uint32_t length = i->payload_captured + header;

	if (!(i->flags & DECODE_IP) || i->ip_protocol != IP_PROTOCOL_UDP || length <= header ||
	    i->fragment_offset + length > DATAGRAM_BYTES_MAX ||
	    i->fragment_offset % DATAGRAM_BLOCK != 0)
		return NULL;
	struct datagram *g = datagram_find(d, i);

	datagram_fill(g, i->fragment_offset, p->data + i->payload_offset - header, length);
	if (first) {
		g->has_first = header > 0;
		g->app = i->nlayers ? i->layer[i->nlayers - 1].protocol : 0;
	}
	if (!i->more_fragments)
		g->length = i->fragment_offset + length;
	if (!g->has_first || !g->length || g->here < g->length)
		return NULL;
	g->used = false;
	return g;
}
