#include <stdio.h>

#include "base/clock.h"
#include "tables.h"

#define IP_TCP 6u

/* Whether it has spoken from its beginning on, and what it said is nothing that is known. */
static bool connection_spoke(const struct connection *c)
{
	return c->protocol == IP_TCP && c->initiator && (c->flow[0].payload || c->flow[1].payload);
}

const char *connection_app(const struct connection *c)
{
	uint16_t server = c->initiator == 'b' ? c->port_a : c->port_b,
		 client = c->initiator == 'b' ? c->port_b : c->port_a;
	uint8_t app = c->app;

	if (!app && c->has_ports && !connection_spoke(c))
		app = app_by_port(c->protocol, server);
	if (!app && c->has_ports && !c->initiator)
		app = app_by_port(c->protocol, client);
	return proto_name(app);
}

const char *connection_vlan(const struct connection *c, char text[CONNECTION_VLAN_TEXT])
{
	text[0] = '\0';
	if (c->vlan)
		(void)snprintf(text, CONNECTION_VLAN_TEXT, "%u", c->vlan);
	return text;
}

uint64_t ask_connections(struct ask *a)
{
	return a->pass ? pass_connections(a->pass) : flows_in_memory(a->capture->flows);
}

uint64_t ask_connections_version(const struct ask *a)
{
	return (a->pass ? a->pass->version : 0) + flows_version(a->capture->flows);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	if (a_ns == NS_NONE || b_ns == NS_NONE)
		return a_ns == NS_NONE ? b_ns : a_ns;
	return a_ns < b_ns ? a_ns : b_ns;
}

/* The connection as its matching packets alone would have it. What they cannot tell (state,
 * application) stays. */
static const struct connection *ask_counted(struct ask *a, uint64_t place)
{
	const struct pass_connection *p = pass_connection(a->pass, place);
	const struct connection *c = p ? flows_number(a->capture->flows, p->number) : NULL;

	a->counted = p;
	if (!c)
		return NULL;
	a->connection = *c;
	struct connection *own = &a->connection;

	for (unsigned i = 0; i < 2; i++) {
		const struct pass_flow *f = &p->flow[i];

		own->flow[i].packets = f->packets;
		own->flow[i].bytes = f->bytes;
		own->flow[i].ip_bytes = f->ip_bytes;
		own->flow[i].payload = f->payload;
		own->flow[i].retrans_packets = f->retrans_packets;
		own->flow[i].first_ns = f->first_ns;
		own->flow[i].last_ns = f->last_ns;
	}
	const struct pass_flow *ab = &p->flow[0], *ba = &p->flow[1];
	bool one = !ab->packets || !ba->packets;
	const struct pass_flow *only = ab->packets ? ab : ba;

	own->start_ns = one ? only->first_ns : earlier(ab->first_ns, ba->first_ns);
	own->last_ns = one || ab->last_ns > ba->last_ns ? only->last_ns : ba->last_ns;
	return own;
}

const struct connection *ask_connection(struct ask *a, uint64_t place)
{
	uint64_t stamp = a->capture->totals.packets + (a->pass ? a->pass->totals.packets : 0);
	const struct connection *c;

	if (a->place == place + 1 && a->stamp == stamp)
		return a->shown;
	a->stamp = stamp;
	a->counted = NULL;
	c = a->pass ? ask_counted(a, place) : flows_at(a->capture->flows, place);
	/* Between two cells of a row other queries have their turns, and take what flows shows. */
	if (c && c != &a->connection)
		a->connection = *c;
	a->shown = c ? &a->connection : NULL;
	a->place = place + 1;
	return a->shown;
}

/* Packets without a time leave none. */
struct value ask_duration(int64_t first_ns, int64_t last_ns)
{
	return first_ns == NS_NONE ? value_null() : value_int(last_ns - first_ns);
}

struct value ask_time(int64_t ts_ns)
{
	return ts_ns == NS_NONE ? value_null() : value_int(ts_ns);
}

struct value ask_since_start(const struct ask *a, int64_t ts_ns)
{
	return ts_ns == NS_NONE ? value_null() : value_int(ts_ns - a->capture->start_ns);
}
