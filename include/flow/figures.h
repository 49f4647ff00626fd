/* What is known of one direction beyond its counts (struct flow): figures.def has the definition of
 * each. */
#ifndef FLOW_FIGURES_H
#define FLOW_FIGURES_H

#include "flow/figures.def"
#include "flow/flows.h"

#define FIGURE_NAME(NAME, name, kind, unit, summary) FIGURE_##NAME,
enum flow_figure { FLOW_FIGURES(FIGURE_NAME) FIGURES };

#define FIGURE_UNKNOWN INT64_MIN
#define FIGURE_SIZES 10u /* ranges: below 20, below 40, ... below 5120, the rest */

/* Counts and bytes as they are, times in ns, means in thousandths, shares in millionths, rates in
 * bit/s. SEGMENT_SIZES: 1 when `sizes` has something, else unknown. */
struct flow_figures {
	int64_t value[FIGURES];
	uint32_t sizes[FIGURE_SIZES]; /* segments by payload */
};

/* false: the connection is not in memory; everything is unknown then. */
bool flows_figures(const struct flows *f, uint64_t number, unsigned direction,
		   struct flow_figures *out);

#endif
