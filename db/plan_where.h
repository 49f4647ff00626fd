/* The pieces of a plan: values that are bound, a filter as a condition, the terms that an index
 * answers. */
#ifndef DB_PLAN_WHERE_H
#define DB_PLAN_WHERE_H

#include "plan.h"

void plan_text(struct plan *p, const char *text);
void plan_int(struct plan *p, int64_t i);
void plan_str(struct plan *p, struct str s); /* borrowed */
/* The filter as a condition that is true or false, never null. */
int where_filter(struct plan *p, const struct filter_node *root, struct err *e);
/* The leaf that must hold and that an index finds the fewest rows by; NULL: none does. */
const struct filter_node *where_drive(const struct filter_node *root);
/* That leaf for one of its columns, bare, as an index wants it; *ordered: its rows come in the
 * order of time. */
void where_drive_term(struct plan *p, const struct filter_node *n, int column);

#endif
