/* What is known of one direction beyond its counts (struct flow): figures.def has the definition of each. */
#ifndef FLOW_FIGURES_H
#define FLOW_FIGURES_H

#include "flow/figures.def"
#include "flow/flows.h"

#define FIGURE_NAME(NAME, name, kind, unit, summary) FIGURE_##NAME,
enum flow_figure { FLOW_FIGURES(FIGURE_NAME) FIGURES };

#define FIGURE_UNKNOWN INT64_MIN

/* Counts and bytes as they are, times in ns, means in thousandths, rates in bit/s. */
struct flow_figures {
	int64_t value[FIGURES];
};

/* false: the connection is not in memory; everything is unknown then. */
bool flows_figures(const struct flows *f, uint64_t number, unsigned direction, struct flow_figures *out);

#endif
