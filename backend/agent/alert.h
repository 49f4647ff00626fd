/* Alerts: EXPR [for TIME] [then ACTION[,ACTION]...]. EXPR is the filter language over the session's
 * row as `list` has it, or behind `counter NAME` over that counter's; looked at with each second's
 * totals. ACTION: record on, record off, save, stop, rotate. */
#ifndef AGENT_ALERT_H
#define AGENT_ALERT_H

#include "session.h"

/* The alerts of `new`, before it begins. -1: *e names the one and the place in it. */
int alerts_check(const struct spec *spec, struct err *e);
void alerts_begin(struct session *s); /* those of its words */
/* ERR_CALL with the place where it is wrong. */
int alerts_add(struct session *s, const char *text, struct err *e);
/* By its number from 1, or by its text. ERR_ABSENT. */
int alerts_remove(struct session *s, struct str which, struct err *e);
void alerts_free(struct session *s);
/* New totals are there. */
void alerts_look(struct session *s);

/* The text of the first one that is true now; NULL: none is. */
const char *alerts_now(const struct session *s);
/* One after another, from 0: its text as it was said. NULL: no more. *since_ns: since when it is
 * true, long enough; 0: it is not. */
const char *alerts_at(const struct session *s, unsigned i, int64_t *since_ns);

#endif
