#include "keyed.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"

struct keyed_item {
	struct keyed_item *newer, *older; /* by last use */
	uint64_t connection;
	_Alignas(16) unsigned char thing[];
};

void keyed_init(struct keyed *k, size_t bytes, uint32_t most,
		void (*close)(void *state, void *thing, bool evicted), void *state)
{
	*k = (struct keyed){.bytes = bytes, .most = most, .close = close, .state = state};
	k->map = map_new(most + (size_t)1);
}

static void item_unlink(struct keyed *k, struct keyed_item *t)
{
	*(t->newer ? &t->newer->older : &k->newest) = t->older;
	*(t->older ? &t->older->newer : &k->oldest) = t->newer;
	t->newer = t->older = NULL;
}

static void item_link(struct keyed *k, struct keyed_item *t)
{
	t->newer = NULL;
	t->older = k->newest;
	*(k->newest ? &k->newest->newer : &k->oldest) = t;
	k->newest = t;
}

static void item_free(struct keyed *k, struct keyed_item *t, bool evicted)
{
	k->close(k->state, t->thing, evicted);
	item_unlink(k, t);
	(void)map_remove(k->map, &t->connection, sizeof(t->connection));
	free(t);
	k->count--;
}

void keyed_release(struct keyed *k)
{
	for (struct keyed_item *t = k->oldest, *next; t; t = next) {
		next = t->newer;
		item_free(k, t, false);
	}
	map_free(k->map);
}

void *keyed_get(struct keyed *k, uint64_t connection)
{
	struct keyed_item *t = map_get(k->map, &connection, sizeof(connection));

	if (!t)
		return NULL;
	if (k->newest != t) {
		item_unlink(k, t);
		item_link(k, t);
	}
	return t->thing;
}

void *keyed_add(struct keyed *k, uint64_t connection)
{
	struct keyed_item *t = xcalloc(1, sizeof(*t) + k->bytes);

	if (k->count == k->most)
		item_free(k, k->oldest, true);
	t->connection = connection;
	(void)map_put(k->map, &t->connection, sizeof(t->connection), t); /* there is room */
	item_link(k, t);
	k->count++;
	return t->thing;
}

void *keyed_oldest(const struct keyed *k)
{
	return k->oldest ? k->oldest->thing : NULL;
}

void keyed_remove(struct keyed *k, uint64_t connection)
{
	struct keyed_item *t = map_get(k->map, &connection, sizeof(connection));

	if (t)
		item_free(k, t, false);
}
