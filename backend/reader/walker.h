#ifndef READER_WALKER_H
#define READER_WALKER_H

#include "source.h"

/* Forward through what was read already, for second passes: far cheaper than place by place. */
struct walker {
	struct source *source;
	struct capfile **file; /* by part; NULL: not walked */
	uint32_t nfiles;
	uint32_t part;	  /* the last that was walked */
	uint64_t row;	  /* of the index, that comes next; UINT64_MAX: not walking */
	struct packet pk; /* the one before it, when `held`: some look twice */
	bool held;
	uint64_t last; /* that was read place by place */
	uint32_t run;  /* rows in a row that were */
};
void walker_init(struct walker *w, struct source *s);
void walker_release(struct walker *w);
/* As source_read; cheap where rows are asked for one after another. Rows asked for in between do
 * not disturb the walk. Borrowed until the next call. */
int walker_read(struct walker *w, const struct index *x, uint64_t row, struct packet *pk,
		struct err *e);

#endif
