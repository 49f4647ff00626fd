/* The second looks that are asked for: one an analysis, a way of counting and a filter. */
#include "base/clock.h"
#include "state.h"

struct survey *surveys_find(struct reader *r, const struct analysis_type *t, struct capture *c,
			    struct pass *p)
{
	struct survey *v = r->surveys;

	while (v && (v->type != t || v->capture != c || v->pass != p))
		v = v->next;
	if (!v) {
		v = survey_new(t, c, p, &r->source);
		v->next = r->surveys;
		r->surveys = v;
	}
	v->users++;
	pipeline_kick(r);
	return v;
}

/* Those of all packets stay for whoever asks next; a filter's go with it. */
void surveys_leave(struct reader *r, struct survey *v)
{
	struct survey **at = &r->surveys;

	if (--v->users > 0 || !v->pass)
		return;
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	survey_free(v);
}

/* The filter has found all that the survey is to look at. */
static bool survey_fed(const struct reader *r, const struct survey *v)
{
	return v->pass ? passes_done(r, v->pass) : pipeline_current(r, v->capture->decode.outer);
}

bool surveys_done(const struct reader *r, const struct survey *v)
{
	return survey_fed(r, v) && survey_done(v, pipeline_rows(r, v->capture->decode.outer));
}

bool surveys_step(struct reader *r)
{
	bool more = false;

	for (struct survey *v = r->surveys; v; v = v->next) {
		const bool outer = v->capture->decode.outer;
		const bool last = survey_fed(r, v) && pipeline_done(r);

		if (v->users == 0)
			continue;
		if (survey_step(v, &r->index, pipeline_rows(r, outer), last,
				clock_mono_ns() + READER_SLICE_NS))
			more = true;
		table_server_wake(r->tables);
	}
	return more;
}

uint64_t surveys_rest_ms(const struct reader *r)
{
	const int64_t now = clock_mono_ns();
	int64_t due, rest = 0;

	for (const struct survey *v = r->surveys; v; v = v->next) {
		if (v->users == 0 || (due = survey_due_ns(v)) == 0)
			continue;
		due = due > now ? due - now : 1;
		rest = rest == 0 || due < rest ? due : rest;
	}
	return rest ? (uint64_t)(rest / NS_PER_MS) + 1 : 0;
}

void surveys_release(struct reader *r)
{
	while (r->surveys) {
		struct survey *v = r->surveys;

		r->surveys = v->next;
		survey_free(v);
	}
}
