/* A sort key: a cell as three words that compare as the cells do, so that sorting asks the table
 * once a row. */
#ifndef TABLE_KEY_H
#define TABLE_KEY_H

#include <stdint.h>

#include "base/buf.h"
#include "table/value.h"

/* Text beyond it does not order any more: nobody reads so far, and memory stays bounded. */
#define KEY_TEXT_MAX 128u

struct key {
	uint64_t word[3];
	uint64_t row;
};

/* Long texts are added to `texts` (KEY_TEXT_MAX bytes each, at most). -1 when it is full: the key
 * is then cut. */
int sort_key_make(struct key *k, const struct value *v, uint64_t row, struct buf *texts);
/* <0, 0, >0, by value only. */
int sort_key_compare(const struct key *a, const struct key *b, const struct buf *texts);

#endif
