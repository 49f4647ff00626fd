/* Minutes and hours of a capture whose tap was killed: what it had counted by its last second. Used
 * by salvage.c. */
#ifndef AGENT_SALVAGE_COUNTS_H
#define AGENT_SALVAGE_COUNTS_H

#include "base/map.h"
#include "journal/journal.h"

/* Looks at a record of the tap's journal. *counts is NULL at first. */
void counts_note(struct map **counts, const struct journal_record *r);
/* Adds the records that the tap would have ended with; last: its last second. */
int counts_add(struct journal *j, const struct map *counts, const struct msg_j_second *last,
	       struct err *e);
void counts_free(struct map *counts);

#endif
