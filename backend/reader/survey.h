/* A second look at what was read, for an analysis: over the packets, all or those that match a
 * filter, or over the connections. Begins when its table is first asked for, goes on in slices
 * while somebody asks. */
#ifndef READER_SURVEY_H
#define READER_SURVEY_H

#include "analysis/analysis.h"
#include "pass.h"

struct survey {
	struct survey *next;
	const struct analysis_type *type;
	struct capture *capture; /* whose numbers count */
	struct pass *pass;	 /* NULL: every packet counts */
	void *state;
	unsigned users;
	struct walker walker;
	uint64_t at;	  /* looked at next: row of the index, match of the pass, or connection */
	uint64_t skipped; /* packets that could not be read again */
	bool ended;
	/* of analyses of connections: */
	bool summing;
	uint64_t summed;      /* packets counted when the sum that is shown began, plus 1 */
	uint64_t summing_for; /* the same of the sum that is made */
	uint64_t places;      /* version of the connections' places then */
	int64_t rest_ns;      /* no new sum before this (monotonic) */
	int64_t worked_ns;    /* that the sum has taken so far */
};

struct survey *survey_new(const struct analysis_type *t, struct capture *c, struct pass *p,
			  struct source *s);
void survey_free(struct survey *v);
/* Looks at what lies before `end` (rows of the index) until `deadline_ns` (monotonic). true: there
 * is more to look at now. `last`: what is there now is all there is. */
bool survey_step(struct survey *v, const struct index *x, uint64_t end, bool last,
		 int64_t deadline_ns);
/* Everything before `end` was looked at. */
bool survey_done(const struct survey *v, uint64_t end);
/* When a sum that rests is due (monotonic); 0: none is. */
int64_t survey_due_ns(const struct survey *v);
/* How much of what lies before `end` was, 0 to 1. */
double survey_share(const struct survey *v, uint64_t end);

#endif
