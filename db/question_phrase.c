/* Times and places of a question. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "question_parse.h"

static int64_t plus(int64_t ns, int64_t more_ns)
{
	return ns > INT64_MAX - more_ns ? INT64_MAX : ns + more_ns;
}

static int64_t minus(int64_t ns, int64_t less_ns)
{
	return ns < INT64_MIN + less_ns ? INT64_MIN : ns - less_ns;
}

static struct str unquoted(struct str s)
{
	if (s.len > 1 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.len - 1] == s.p[0])
		return (struct str){s.p + 1, s.len - 2};
	return s;
}

/* A time of one word, or of two ("yesterday 09:00", "2026-01-31 10:20"). A clock alone is of the
 * day of `day_ns`. */
static int take_time(struct parse *p, int *i, int64_t day_ns, int64_t *time_ns)
{
	const struct token *a = &p->token[*i], *b = a + 1;
	const struct str both = {a->s.p, (size_t)(b->s.p + b->s.len - a->s.p)};
	const bool day = token_is(a, "today") || token_is(a, "yesterday");
	int64_t midnight;

	if (a->s.len == 0)
		return err_at(p->e, a->at,
			      "a time is missing here: 10:20, '2026-01-31 10:20', yesterday");
	if (b->s.len && !day && text_parse_time(both, day_ns, time_ns, NULL) == 0) {
		*i += 2;
		return 0;
	}
	if (text_parse_time(unquoted(a->s), day ? p->now_ns : day_ns, time_ns, p->e) != 0) {
		if (p->e)
			p->e->at = a->at;
		return -1;
	}
	*i += 1;
	midnight = *time_ns;
	if (day && b->s.len && memchr(b->s.p, ':', b->s.len) &&
	    text_parse_time(b->s, midnight, time_ns, NULL) == 0)
		*i += 1;
	return 0;
}

static int take_duration(struct parse *p, int *i, int64_t *ns)
{
	const struct token *t = &p->token[*i];

	if (t->s.len == 0)
		return err_at(p->e, t->at, "how long is missing here: 10s, 5m, 2h, 7d");
	if (text_parse_duration(t->s, ns, p->e) != 0 || *ns < 0) {
		if (p->e)
			p->e->at = t->at;
		return -1;
	}
	*i += 1;
	return 0;
}

static int phrase_last(struct parse *p, int *i)
{
	int64_t ns;

	if (take_duration(p, i, &ns) != 0)
		return -1;
	p->q->from_ns = minus(p->now_ns, ns);
	return 0;
}

static int phrase_after(struct parse *p, int *i)
{
	return take_time(p, i, p->now_ns, &p->q->from_ns);
}

static int phrase_before(struct parse *p, int *i)
{
	return take_time(p, i, p->now_ns, &p->q->to_ns);
}

static int phrase_between(struct parse *p, int *i)
{
	if (take_time(p, i, p->now_ns, &p->q->from_ns) != 0)
		return -1;
	if (!token_is(&p->token[*i], "and"))
		return err_at(p->e, p->token[*i].at,
			      "between TIME and TIME: 'and' is missing here");
	*i += 1;
	return take_time(p, i, p->q->from_ns, &p->q->to_ns);
}

/* at T: the second; at T +-D: around it */
static int phrase_at(struct parse *p, int *i)
{
	int64_t around = NS_PER_S, at;
	struct token *t;

	if (take_time(p, i, p->now_ns, &at) != 0)
		return -1;
	t = &p->token[*i];
	p->q->from_ns = at;
	if (t->s.len >= 2 && memcmp(t->s.p, "+-", 2) == 0) {
		if (t->s.len == 2)
			*i += 1; /* "+- 5s" */
		else
			*t = (struct token){{t->s.p + 2, t->s.len - 2}, t->at + 2};
		if (take_duration(p, i, &around) != 0)
			return -1;
		p->q->from_ns = minus(at, around);
	}
	p->q->to_ns = plus(at, around);
	return 0;
}

static int take_word(struct parse *p, int *i, char **slot, const char *what)
{
	const struct token *t = &p->token[*i];
	const struct str s = unquoted(t->s);

	if (s.len == 0 || token_is(t, "|"))
		return err_at(p->e, t->at, "a %s is missing here", what);
	free(*slot);
	*slot = xstrndup(s.p, s.len);
	*i += 1;
	return 0;
}

static int phrase_on(struct parse *p, int *i)
{
	return take_word(p, i, &p->q->host, "host's name");
}

static int phrase_session(struct parse *p, int *i)
{
	return take_word(p, i, &p->q->session, "session's name");
}

/* What is asked for are its minutes, where nothing else is said. */
static int phrase_counter(struct parse *p, int *i)
{
	if (p->q->kind == QUESTION_CONNECTIONS)
		p->q->kind = QUESTION_MINUTES;
	return take_word(p, i, &p->q->counter, "counter's name");
}

static int phrase_capture(struct parse *p, int *i)
{
	uint64_t n = 0;
	const struct token *t = &p->token[*i];

	if (text_parse_count(t->s, &n, NULL) != 0 || n == 0 || n > INT64_MAX)
		return err_at(
			p->e, t->at,
			"capture is followed by its number, the first column of 'tapdeck history'");
	p->q->capture = (int64_t)n;
	*i += 1;
	return 0;
}

const char *const phrase_words[] = {"last", "after", "since",	"before",  "between",
				    "at",   "on",    "session", "capture", "counter", NULL};
static int (*const phrase_run[])(struct parse *p, int *i) = {
	phrase_last, phrase_after, phrase_after,   phrase_before, phrase_between,
	phrase_at,   phrase_on,	   phrase_session, phrase_capture, phrase_counter};

int parse_phrase(struct parse *p, int *i)
{
	const struct token *t = &p->token[*i];
	const int from = *i;

	if (p->square || (from > 0 && token_compares(t - 1)) || token_compares(t + 1))
		return 0;
	for (size_t k = 0; phrase_words[k]; k++) {
		if (!token_is(t, phrase_words[k]))
			continue;
		if (p->round > 0)
			return err_at(p->e, t->at,
				      "times and places hold for the whole question: they do not "
				      "stand in brackets");
		*i += 1;
		return phrase_run[k](p, i) != 0 || rest_close(p, from, i) != 0 ? -1 : 1;
	}
	return 0;
}
