/* X(NAME, "name", KIND, flags, "unit", "summary") gives the columns and, with its table's prefix,
 * their enum. */
#ifndef ANALYSIS_COLUMNS_H
#define ANALYSIS_COLUMNS_H

#define ANALYSIS_COLUMN(NAME, name, kind, flags, unit, summary)                                    \
	{name, KIND_##kind, flags, unit, summary},

#endif
