#include "table/table.h"

int table_column(const struct table_type *t, struct str name)
{
	for (unsigned i = 0; i < t->ncolumns; i++)
		if (str_is(name, t->columns[i].name))
			return (int)i;
	return -1;
}
