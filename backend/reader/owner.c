#include "owner.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "pages.h"

#define PROTOCOL_UDP 17u
#define TEXT_BYTES_MAX 256u

enum socket_op { SOCKET_ROUND, SOCKET_HERE, SOCKET_GONE, SOCKET_NONE };

/* A socket, seen from here. `there` is empty where it takes what comes from anywhere. */
struct key {
	uint8_t protocol;
	struct addr here, there;
	uint16_t port_here, port_there;
};

struct owners {
	struct map *sockets; /* struct key to number of owner + 1 */
	struct map *known;   /* what an owner is made of to its number + 1 */
	struct owner *list;
	uint32_t count;
	struct key *gone; /* in this round: the connections that their last packets made are looked
			   * up before */
	uint32_t ngone;
	struct pages of; /* by connection number: number of owner + 1, 0 none */
	bool begun;
	uint64_t looked[OWNERS_ROUNDS]; /* connections there were, the last round first */
};

static struct owners *owners_new(void)
{
	struct owners *o = xcalloc(1, sizeof(*o));

	o->sockets = map_new(OWNERS_SOCKETS_MAX);
	o->known = map_new(OWNERS_MAX);
	pages_init(&o->of, sizeof(uint32_t));
	return o;
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	for (uint32_t i = 0; i < o->count; i++) {
		free(o->list[i].process);
		free(o->list[i].user);
		free(o->list[i].unit);
	}
	free(o->list);
	free(o->gone);
	map_free(o->sockets);
	map_free(o->known);
	pages_release(&o->of);
	free(o);
}

/* --- sockets --- */

static int take_addr(struct str bytes, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (bytes.len != 0 && bytes.len != 4 && bytes.len != 16)
		return -1;
	a->family = (uint8_t)(bytes.len == 4 ? ADDR_IP4 : bytes.len == 16 ? ADDR_IP6 : ADDR_NONE);
	if (bytes.len)
		memcpy(a->bytes, bytes.p, bytes.len);
	return 0;
}

static char *copy(struct str s)
{
	return xstrndup(s.len ? s.p : "", s.len);
}

/* Its number plus 1; 0: there are too many, and this one stays unknown. */
static uint32_t owner_number(struct owners *o, const struct msg_read_socket *m)
{
	struct buf key;
	uintptr_t number;

	buf_init(&key, 4 * TEXT_BYTES_MAX);
	(void)buf_add_u32(&key, m->pid); /* all of it fits */
	(void)buf_add(&key, m->process.p, m->process.len);
	(void)buf_add_byte(&key, 0);
	(void)buf_add(&key, m->user.p, m->user.len);
	(void)buf_add_byte(&key, 0);
	(void)buf_add(&key, m->unit.p, m->unit.len);
	number = (uintptr_t)map_get(o->known, key.data, key.len);
	if (!number &&
	    map_put(o->known, key.data, key.len, (void *)(uintptr_t)(o->count + 1)) == 0) {
		o->list = xreallocarray(o->list, o->count + 1, sizeof(*o->list));
		o->list[o->count++] = (struct owner){.process = copy(m->process),
						     .user = copy(m->user),
						     .unit = copy(m->unit),
						     .pid = m->pid};
		number = o->count;
	}
	buf_release(&key);
	return (uint32_t)number;
}

static int socket_key(const struct msg_read_socket *m, struct key *k, struct err *e)
{
	memset(k, 0, sizeof(*k)); /* it is compared with what lies between, too */
	k->protocol = m->protocol;
	k->port_here = m->port_here;
	k->port_there = m->port_there;
	if (take_addr(m->here, &k->here) || take_addr(m->there, &k->there) ||
	    m->process.len > TEXT_BYTES_MAX || m->user.len > TEXT_BYTES_MAX ||
	    m->unit.len > TEXT_BYTES_MAX)
		return err_set(e, ERR_CALL, "READ_SOCKET tells of no socket");
	return 0;
}

/* --- connections --- */

static uint32_t find(const struct owners *o, uint8_t protocol, const struct addr *here,
		     uint16_t port_here, const struct addr *there, uint16_t port_there)
{
	struct key k;

	memset(&k, 0, sizeof(k));
	k.protocol = protocol;
	k.here = *here;
	k.port_here = port_here;
	if (there) {
		k.there = *there;
		k.port_there = port_there;
	}
	return (uint32_t)(uintptr_t)map_get(o->sockets, &k, sizeof(k));
}

/* Its own socket at either end before one that takes what comes from anywhere; A's before B's. */
static uint32_t owner_find(const struct owners *o, const struct connection *c)
{
	uint32_t n = find(o, c->protocol, &c->addr_a, c->port_a, &c->addr_b, c->port_b);

	if (!n)
		n = find(o, c->protocol, &c->addr_b, c->port_b, &c->addr_a, c->port_a);
	if (n || c->protocol != PROTOCOL_UDP)
		return n;
	n = find(o, c->protocol, &c->addr_a, c->port_a, NULL, 0);
	return n ? n : find(o, c->protocol, &c->addr_b, c->port_b, NULL, 0);
}

static uint32_t *place_of(struct owners *o, uint64_t connection)
{
	while (o->of.count <= connection)
		(void)pages_add(&o->of);
	return pages_at(&o->of, connection);
}

/* Their sockets may be heard of a little later than their packets. */
static bool look(struct owners *o, const struct flows *flows)
{
	const uint64_t count = flows_count(flows);
	uint64_t n = o->looked[OWNERS_ROUNDS - 1];
	uint32_t got;
	bool found = false;

	if (!o->begun && flows_in_memory(flows)) {
		n = flows_at(flows, 0)->number - 1;
		pages_start(&o->of, n / PAGES_ITEMS * PAGES_ITEMS);
		o->begun = true;
	}
	if (count - n > OWNERS_LOOK_MAX)
		n = count - OWNERS_LOOK_MAX;
	while (o->begun && n++ < count) {
		const struct connection *c = flows_number(flows, n);
		uint32_t *place = c ? place_of(o, n) : NULL;

		if (!place || (*place && o->list[*place - 1].pid))
			continue; /* known, and not only by its user */
		got = owner_find(o, c);
		found = found || (got && got != *place);
		*place = got ? got : *place;
	}
	memmove(o->looked + 1, o->looked, (OWNERS_ROUNDS - 1) * sizeof(o->looked[0]));
	o->looked[0] = count;
	if (flows_in_memory(flows))
		pages_drop(&o->of, flows_at(flows, 0)->number);
	return found;
}

static void forget_gone(struct owners *o)
{
	for (uint32_t i = 0; i < o->ngone; i++)
		(void)map_remove(o->sockets, &o->gone[i], sizeof(o->gone[i]));
	free(o->gone);
	o->gone = NULL;
	o->ngone = 0;
}

static int round_end(struct owners *o, const struct flows *flows)
{
	const bool found = flows && look(o, flows);

	forget_gone(o);
	return found;
}

int owners_take(struct owners **out, const struct flows *flows, const struct msg_read_socket *m,
		struct err *e)
{
	struct owners *o = *out;
	struct key k;
	uint32_t n;

	if (m->op == SOCKET_ROUND)
		return o ? round_end(o, flows) : 0;
	if (!o)
		o = *out = owners_new();
	if (m->op == SOCKET_NONE) {
		map_free(o->sockets);
		o->sockets = map_new(OWNERS_SOCKETS_MAX);
		return 0;
	}
	if (socket_key(m, &k, e))
		return -1;
	n = m->op == SOCKET_HERE ? owner_number(o, m) : 0;
	if (n) {
		(void)map_put(o->sockets, &k, sizeof(k), (void *)(uintptr_t)n); /* full: unknown */
	} else if (o->ngone < OWNERS_SOCKETS_MAX) {
		o->gone = xreallocarray(o->gone, o->ngone + 1, sizeof(*o->gone));
		o->gone[o->ngone++] = k;
	}
	return 0;
}

const struct owner *owners_of(const struct owners *o, uint64_t connection)
{
	const uint32_t *place = o ? pages_at(&o->of, connection) : NULL;

	return place && *place ? &o->list[*place - 1] : NULL;
}
