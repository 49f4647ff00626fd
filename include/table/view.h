/* A view: the rows of a table that a filter lets through, in an order. Made in slices of time, so that a million
 * rows never stop a loop; kept between windows; goes on where it was when rows were only added. */
#ifndef TABLE_VIEW_H
#define TABLE_VIEW_H

#include "table/filter.h"
#include "table/row.h"

struct view;

/* `sort`: "[-]column" or "". `filter`: text or "". `keep`: a further test of a row (--bpf), may be NULL. The table is
 * borrowed. Errors: unknown column, wrong filter. */
struct view *view_new(const struct table *t, struct str filter, struct str sort,
		      bool (*keep)(void *arg, uint64_t row), void *arg, struct err *e);
void view_free(struct view *v);
/* Looks at rows for at most budget_ns. true: all rows that are there were looked at and stand in order.
 * Call again later: takes up new rows; starts over when the table's version changed, or with `resort` when its cells
 * may have changed (it is not `fixed`). */
bool view_step(struct view *v, int64_t budget_ns, bool resort);
uint64_t view_total(const struct view *v);
/* The table's row at a place of the view; UINT64_MAX past the end. */
uint64_t view_row(const struct view *v, uint64_t place);
/* Where a row of the table stands, UINT64_MAX if it does not: for "go to packet N". */
uint64_t view_place(const struct view *v, uint64_t row);
/* Columns by names joined with commas ("": all that are not hidden); fills column[] and returns how many, -1. */
int view_columns(const struct table_type *t, struct str names, unsigned column[TABLE_COLUMNS_MAX], struct err *e);

#endif
