/* Addresses, summed from connections: what each sent and received. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "columns.h"

#define ENDPOINTS(X)                                                                               \
	X(ADDR, "addr", ADDR, 0, "", "The address.")                                               \
	X(PACKETS_TX, "packets_tx", COUNT, 0, "packets", "Packets that it sent.")                  \
	X(BYTES_TX, "bytes_tx", BYTES, 0, "bytes", "Bytes on the wire of those.")                  \
	X(PACKETS_RX, "packets_rx", COUNT, 0, "packets", "Packets that were sent to it.")          \
	X(BYTES_RX, "bytes_rx", BYTES, 0, "bytes", "Bytes on the wire of those.")                  \
	X(CONNECTIONS, "connections", COUNT, 0, "", "Connections that it is an end of.")           \
	X(FIRST_TIME, "first_time", TIME, 0, "", "Its earliest packet, sent or received.")         \
	X(LAST_TIME, "last_time", TIME, 0, "", "Its latest packet, sent or received.")

#define ENDPOINT_ENUM(NAME, name, kind, flags, unit, summary) ENDPOINT_##NAME,
enum endpoint_column { ENDPOINTS(ENDPOINT_ENUM) ENDPOINT_COLUMNS };

static const struct column columns[] = {ENDPOINTS(ANALYSIS_COLUMN)};

const struct table_type type_endpoints = {
	.name = "endpoints",
	.summary = "One row an address, with what it sent and received; the sum over all of what "
		   "was sent is every packet that has a connection.",
	.arguments = "",
	.columns = columns,
	.ncolumns = ENDPOINT_COLUMNS,
};

struct endpoint {
	struct addr addr;
	uint64_t packets_tx, bytes_tx, packets_rx, bytes_rx, connections;
	int64_t first_ns, last_ns; /* NS_NONE: none of its packets had a time */
};

/* One sum over all connections. */
struct sum {
	struct endpoint *end;
	uint32_t count, room;
	uint32_t *slot; /* hash table of places plus 1, nslots a power of two */
	uint32_t nslots;
	uint64_t left_out; /* connections with an end that had no room */
};

struct endpoints {
	struct sum shown, made;
	uint64_t version;
};

static void sum_release(struct sum *s)
{
	free(s->end);
	free(s->slot);
	*s = (struct sum){0};
}

static uint32_t sum_slot(const struct sum *s, const struct addr *a)
{
	uint32_t at = (uint32_t)map_hash(a, sizeof(*a), map_seed()) & (s->nslots - 1);

	while (s->slot[at] && memcmp(&s->end[s->slot[at] - 1].addr, a, sizeof(*a)) != 0)
		at = (at + 1) & (s->nslots - 1);
	return at;
}

static void sum_grow(struct sum *s)
{
	s->room = s->room ? s->room * 2 : 256;
	s->nslots = s->room * 2;
	s->end = xreallocarray(s->end, s->room, sizeof(*s->end));
	free(s->slot);
	s->slot = xcalloc(s->nslots, sizeof(*s->slot));
	for (uint32_t i = 0; i < s->count; i++)
		s->slot[sum_slot(s, &s->end[i].addr)] = i + 1;
}

/* NULL: no room. */
static struct endpoint *sum_find(struct sum *s, const struct addr *a)
{
	if (s->count == s->room)
		sum_grow(s);
	uint32_t at = sum_slot(s, a);

	if (s->slot[at])
		return &s->end[s->slot[at] - 1];
	if (s->count == ANALYSIS_ENDPOINTS_MAX)
		return NULL;
	s->end[s->count] = (struct endpoint){.addr = *a, .first_ns = NS_NONE, .last_ns = NS_NONE};
	s->slot[at] = ++s->count;
	return &s->end[s->count - 1];
}

static void endpoint_times(struct endpoint *p, const struct connection *c)
{
	if (c->start_ns != NS_NONE && (p->first_ns == NS_NONE || c->start_ns < p->first_ns))
		p->first_ns = c->start_ns;
	if (c->last_ns > p->last_ns)
		p->last_ns = c->last_ns;
}

static bool endpoint_add(struct sum *s, const struct connection *c, unsigned side)
{
	struct endpoint *p = sum_find(s, side ? &c->addr_b : &c->addr_a);
	const struct flow *tx = &c->flow[side], *rx = &c->flow[!side];

	if (!p)
		return false;
	p->packets_tx += tx->packets;
	p->bytes_tx += tx->bytes;
	p->packets_rx += rx->packets;
	p->bytes_rx += rx->bytes;
	endpoint_times(p, c);
	/* Who talks to itself has one connection, not two. */
	p->connections += side == 0 || memcmp(&c->addr_a, &c->addr_b, sizeof(c->addr_a)) != 0;
	return true;
}

static void connection(void *state, const struct connection *c)
{
	struct sum *s = &((struct endpoints *)state)->made;
	bool a = endpoint_add(s, c, 0), b = endpoint_add(s, c, 1);

	if (!a || !b)
		s->left_out++;
}

static void begin(void *state)
{
	struct sum *s = &((struct endpoints *)state)->made;

	s->count = 0;
	s->left_out = 0;
	if (s->slot)
		memset(s->slot, 0, s->nslots * sizeof(*s->slot));
}

static void commit(void *state)
{
	struct endpoints *e = state;
	const struct sum former = e->shown;
	bool moved = e->made.count < former.count;

	for (uint32_t i = 0; i < former.count && !moved; i++)
		moved = memcmp(&former.end[i].addr, &e->made.end[i].addr, sizeof(struct addr)) != 0;
	e->version += moved;
	e->shown = e->made;
	e->made = former;
}

static void *start(void)
{
	return xcalloc(1, sizeof(struct endpoints));
}

static void endpoints_free(void *state)
{
	struct endpoints *e = state;

	sum_release(&e->shown);
	sum_release(&e->made);
	free(e);
}

static uint64_t rows(const void *state)
{
	return ((const struct endpoints *)state)->shown.count;
}

static uint64_t version(const void *state)
{
	return ((const struct endpoints *)state)->version;
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	const struct sum *s = &((struct endpoints *)state)->shown;

	if (row >= s->count)
		return value_null();
	const struct endpoint *p = &s->end[row];

	switch ((enum endpoint_column)column) {
	case ENDPOINT_ADDR:
		return value_addr(&p->addr);
	case ENDPOINT_PACKETS_TX:
		return value_count(p->packets_tx);
	case ENDPOINT_BYTES_TX:
		return value_count(p->bytes_tx);
	case ENDPOINT_PACKETS_RX:
		return value_count(p->packets_rx);
	case ENDPOINT_BYTES_RX:
		return value_count(p->bytes_rx);
	case ENDPOINT_CONNECTIONS:
		return value_count(p->connections);
	case ENDPOINT_FIRST_TIME:
		return p->first_ns == NS_NONE ? value_null() : value_int(p->first_ns);
	case ENDPOINT_LAST_TIME:
		return p->last_ns == NS_NONE ? value_null() : value_int(p->last_ns);
	default:
		return value_null();
	}
}

static bool lacks(const void *state, char note[ANALYSIS_NOTE_MAX])
{
	const struct sum *s = &((const struct endpoints *)state)->shown;

	if (s->left_out == 0)
		return false;
	(void)snprintf(note, ANALYSIS_NOTE_MAX,
		       "%llu connections are of addresses past the first %u, the limit of this "
		       "table",
		       (unsigned long long)s->left_out, ANALYSIS_ENDPOINTS_MAX);
	return true;
}

const struct analysis_type analysis_endpoints = {
	.start = start,
	.free = endpoints_free,
	.begin = begin,
	.connection = connection,
	.commit = commit,
	.rows = rows,
	.version = version,
	.cell = cell,
	.lacks = lacks,
};
