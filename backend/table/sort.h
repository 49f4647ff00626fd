/* Sorting keys in slices of time: a stable merge sort that can be left and taken up at any step. */
#ifndef TABLE_SORT_H
#define TABLE_SORT_H

#include <stdbool.h>
#include <stddef.h>

#include "key.h"

struct sort {
	struct key *keys, *other; /* as long as one another; both the owner's, exchanged as the sort
				     goes on */
	size_t begin, end;	  /* what is being sorted */
	size_t width; /* of the runs that are merged; 0: the first runs are still being made */
	size_t at;    /* where the next pair of runs, or the next first run, begins */
	size_t left, right, to;	  /* within a pair: next of each side, next place */
	bool in_pair, last_merge; /* last_merge: what stood in order before, and what came */
	bool descending;
	const struct buf *texts;
};

/* [0, sorted) is in order already; all of [0, count) will be. */
void sort_begin(struct sort *s, struct key *keys, struct key *other, size_t sorted, size_t count,
		bool descending, const struct buf *texts);
/* About `steps` comparisons. true: done, the result is in s->keys. */
bool sort_step(struct sort *s, size_t steps);

#endif
