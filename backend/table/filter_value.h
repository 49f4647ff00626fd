/* What stands behind an operator, read as the column's kind says. */
#ifndef TABLE_FILTER_VALUE_H
#define TABLE_FILTER_VALUE_H

#include "table/filter.h"

/* Texts are copied, filter_value_release. The error's place is `at`. */
int filter_value_parse(struct filter_value *v, const struct column *c, struct str text, int at,
		       struct err *e);
void filter_value_release(struct filter_value *v);
/* "80" or "http". */
int filter_port_parse(struct str text, int at, int64_t *port, struct err *e);

#endif
