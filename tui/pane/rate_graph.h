/* The rate of a session or of one of its counters over time, and on the same axis what happened to it. */
#ifndef PANE_RATE_GRAPH_H
#define PANE_RATE_GRAPH_H

#include <stdint.h>

#include "tui/canvas.h"
#include "tui/hosts.h"

#define RATE_MARKS_MAX 512u /* kept; those past it are not drawn */

struct app;
struct rate_graph;

/* counter "": the session itself. Asks the table `poll` when it is first drawn: it knows then how much it can show. */
struct rate_graph *rate_graph_new(struct app *a, struct host *h, const char *session, const char *counter);
void rate_graph_free(struct rate_graph *g); /* NULL is fine */
/* Marks below the axis, by letters; drops are the graph's own. `text`: what the newest one means, copied. */
void rate_graph_marks_clear(struct rate_graph *g);
void rate_graph_mark(struct rate_graph *g, int64_t time_ns, char letter, const char *text);
void rate_graph_scale(struct rate_graph *g); /* a column is 1 s, 10 s, a minute, an hour, 1 s ... */
void rate_graph_unit(struct rate_graph *g);  /* bits or packets */
/* Of the newest second; negative: unknown. */
double rate_graph_bps(const struct rate_graph *g);
double rate_graph_pps(const struct rate_graph *g);
/* The graph, its axis, the marks and, from 8 rows on, what they mean. */
void rate_graph_draw(struct rate_graph *g, struct area a);

#endif
