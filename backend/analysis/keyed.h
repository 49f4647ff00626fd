/* What an analysis keeps of connections: things of one size, by the connection's number. Past a
 * bound the one that was not used for longest goes. */
#ifndef ANALYSIS_KEYED_H
#define ANALYSIS_KEYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyed_item;

struct keyed {
	size_t bytes;
	uint32_t most, count;
	struct map *map; /* by connection number */
	struct keyed_item *newest, *oldest;
	/* A thing goes; what it holds is given back. */
	void (*close)(void *state, void *thing, bool evicted);
	void *state;
};

/* `k` is told what a thing's bytes are, and stays where it is. */
void keyed_init(struct keyed *k, size_t bytes, uint32_t most,
		void (*close)(void *state, void *thing, bool evicted), void *state);
void keyed_release(struct keyed *k);
/* The connection's thing, now the newest; NULL: it has none. */
void *keyed_get(struct keyed *k, uint64_t connection);
/* A new one, zeroed, of a connection that has none. */
void *keyed_add(struct keyed *k, uint64_t connection);
void *keyed_oldest(const struct keyed *k); /* NULL: there is none */
void keyed_remove(struct keyed *k, uint64_t connection);

#endif
