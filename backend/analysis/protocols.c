/* The tree of protocols: each packet counts along the path of its layers, once a layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "base/xalloc.h"
#include "columns.h"

#define PROTOCOLS(X)                                                                               \
	X(DEPTH, "depth", COUNT, 0, "", "How many layers are around it.")                          \
	X(PROTOCOL, "protocol", TEXT, 0, "", "The layer's name, under the one that carries it.")   \
	X(PACKETS, "packets", COUNT, 0, "packets", "Packets with this layer at this place.")       \
	X(BYTES, "bytes", BYTES, 0, "bytes", "Bytes on the wire of those, whole frames.")          \
	X(SHARE, "share", SHARE, 0, "", "Its part of the bytes of all packets that count.")

#define PROTOCOL_ENUM(NAME, name, kind, flags, unit, summary) PROTOCOL_##NAME,
enum protocol_column { PROTOCOLS(PROTOCOL_ENUM) PROTOCOL_COLUMNS };

static const struct column columns[] = {PROTOCOLS(ANALYSIS_COLUMN)};

const struct table_type type_protocols = {
	.name = "protocols",
	.summary = "Packets and bytes by protocol, as a tree of layers.",
	.arguments = "",
	.columns = columns,
	.ncolumns = PROTOCOL_COLUMNS,
};

/* Node 0 is the root, which is no row. */
struct node {
	uint16_t first, next; /* child and sibling, 0 none */
	uint8_t protocol, depth;
	uint64_t packets, bytes;
};

struct protocols {
	struct node *node;
	uint16_t count, room;
	uint16_t *row; /* nodes in the order of the tree */
	uint64_t cut;  /* packets whose path had no room */
	uint64_t version;
};

static void *start(void)
{
	struct protocols *p = xcalloc(1, sizeof(*p));

	p->room = 64;
	p->node = xcalloc(p->room, sizeof(*p->node));
	p->row = xcalloc(p->room, sizeof(*p->row));
	p->count = 1;
	return p;
}

static void protocols_free(void *state)
{
	struct protocols *p = state;

	free(p->node);
	free(p->row);
	free(p);
}

/* The node behind `at` and everything under it. */
static uint16_t tree_after(const struct protocols *p, uint16_t at, uint16_t *stack, unsigned *depth)
{
	if (p->node[at].first) {
		stack[(*depth)++] = at;
		return p->node[at].first;
	}
	while (at && !p->node[at].next)
		at = *depth ? stack[--*depth] : 0;
	return at ? p->node[at].next : 0;
}

static void tree_order(struct protocols *p)
{
	uint16_t stack[DECODE_LAYERS_MAX + 1];
	unsigned depth = 0, n = 0;

	for (uint16_t at = p->node[0].first; at; at = tree_after(p, at, stack, &depth))
		p->row[n++] = at;
	p->version++;
}

static uint16_t node_add(struct protocols *p, uint16_t parent, uint8_t protocol)
{
	if (p->count == ANALYSIS_NODES_MAX)
		return 0;
	if (p->count == p->room) {
		p->room *= 2;
		p->node = xreallocarray(p->node, p->room, sizeof(*p->node));
		p->row = xreallocarray(p->row, p->room, sizeof(*p->row));
	}
	uint16_t at = p->count++, *link = &p->node[parent].first;

	while (*link)
		link = &p->node[*link].next;
	*link = at;
	p->node[at] = (struct node){.protocol = protocol,
				    .depth = parent ? p->node[parent].depth + 1 : 0};
	tree_order(p);
	return at;
}

static uint16_t node_child(struct protocols *p, uint16_t parent, uint8_t protocol)
{
	uint16_t at = p->node[parent].first;

	while (at && p->node[at].protocol != protocol)
		at = p->node[at].next;
	return at ? at : node_add(p, parent, protocol);
}

static void packet(void *state, const struct analysis_packet *pk)
{
	struct protocols *p = state;
	const struct decoded *d = pk->d;
	uint16_t at = 0;

	p->node[0].packets++;
	p->node[0].bytes += pk->length;
	for (unsigned i = 0; i < d->nlayers; i++) {
		at = node_child(p, at, d->layer[i].protocol);
		if (!at) {
			p->cut++;
			return;
		}
		p->node[at].packets++;
		p->node[at].bytes += pk->length;
	}
}

static uint64_t rows(const void *state)
{
	return ((const struct protocols *)state)->count - 1u;
}

static uint64_t version(const void *state)
{
	return ((const struct protocols *)state)->version;
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	const struct protocols *p = state;

	if (row + 1 >= p->count)
		return value_null();
	const struct node *n = &p->node[p->row[row]];

	switch ((enum protocol_column)column) {
	case PROTOCOL_DEPTH:
		return value_int(n->depth);
	case PROTOCOL_PROTOCOL:
		return value_text(proto_name(n->protocol));
	case PROTOCOL_PACKETS:
		return value_count(n->packets);
	case PROTOCOL_BYTES:
		return value_count(n->bytes);
	case PROTOCOL_SHARE:
		return p->node[0].bytes ? value_real((double)n->bytes / (double)p->node[0].bytes)
					: value_null();
	default:
		return value_null();
	}
}

static bool lacks(const void *state, char note[ANALYSIS_NOTE_MAX])
{
	const struct protocols *p = state;

	if (p->cut == 0)
		return false;
	(void)snprintf(note, ANALYSIS_NOTE_MAX,
		       "%llu packets have layers past the first %u places, the limit of this table",
		       (unsigned long long)p->cut, ANALYSIS_NODES_MAX - 1);
	return true;
}

const struct analysis_type analysis_protocols = {
	.start = start,
	.free = protocols_free,
	.packet = packet,
	.rows = rows,
	.version = version,
	.cell = cell,
	.lacks = lacks,
};
