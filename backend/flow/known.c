/* Connections that somebody else has numbered: a reader that was killed, whose files are gone. They
 * go on under their numbers as those do that left memory. */
#include <string.h>

#include "gone.h"

#define IP_TCP 6u
#define IP_UDP 17u
#define IP_DCCP 33u
#define IP_SCTP 132u

static bool known_ports(const struct flows_known *k)
{
	return k->port_a || k->port_b || k->protocol == IP_TCP || k->protocol == IP_UDP ||
	       k->protocol == IP_DCCP || k->protocol == IP_SCTP;
}

static uint8_t known_state(struct str name)
{
	for (unsigned i = CONN_S0; i <= CONN_OTH; i++) {
		const struct connection c = {.state = (uint8_t)i};

		if (str_is(name, connection_state_name(&c)))
			return (uint8_t)i;
	}
	return CONN_NONE;
}

/* What follows a SYN is another connection then. */
static bool known_closed(const struct flows_known *k, uint8_t state)
{
	return k->protocol == IP_TCP && (state == CONN_SF || state == CONN_REJ ||
					 (state >= CONN_RSTO && state <= CONN_RSTRH));
}

void flows_know(struct flows *f, const struct flows_known *k)
{
	struct key key = {.src = (const uint8_t *)k->addr_a.p,
			  .dst = (const uint8_t *)k->addr_b.p,
			  .sport = k->port_a,
			  .dport = k->port_b,
			  .family = k->addr_a.len == 4 ? 4 : 6,
			  .protocol = k->protocol,
			  .has_ports = known_ports(k)};
	struct gone g = {.number = k->number, .state = known_state(k->state)};

	if (!f->o.memory_bytes || !k->number || k->addr_a.len != k->addr_b.len ||
	    (k->addr_a.len != 4 && k->addr_a.len != 16))
		return;
	if (f->given < k->number)
		f->given = k->number;
	key_hash(f, &key);
	g.flags = key_swapped(f, &key) ? GONE_SWAPPED : 0;
	if (known_closed(k, g.state))
		g.flags |= GONE_CLOSED;
	if (str_is(k->initiator, "a") || str_is(k->initiator, "b"))
		g.flags |= str_is(k->initiator, "a") ? GONE_INITIATOR_A : GONE_INITIATOR_B;
	gone_put(f, &key, &g);
}
