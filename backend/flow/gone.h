/* Inside of flow: connections that left memory. */
#ifndef FLOW_GONE_H
#define FLOW_GONE_H

#include "table.h"

enum gone_flag {
	GONE_SWAPPED = 1, /* A was the end with the larger hash */
	GONE_CLOSED = 2,
	GONE_INITIATOR_A = 4,
	GONE_INITIATOR_B = 8,
	GONE_ISN = 16, /* isn is known */
};

void gone_add(struct flows *f, const struct slot *s, uint64_t hash);
/* Under the key, from A to B. */
void gone_put(struct flows *f, struct key *k, const struct gone *g);
/* Takes it out. false: never seen, or forgotten. */
bool gone_take(struct flows *f, struct key *k, struct gone *g);
bool gone_peek(const struct flows *f, struct key *k, struct gone *g);
/* Brings the longest idle out of memory until the budget is kept. */
void gone_evict(struct flows *f);

#endif
