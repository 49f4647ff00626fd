#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

#define TABLE_WORDS_MAX 16

static const char *const series_kinds[] = {
	"throughput", "goodput", "timeseq", "rtt", "inflight", "window", "spacing", "ack-spacing", "size",
};

static bool is_number(const char *s, const char **end)
{
	const char *p = s;

	while (*p >= '0' && *p <= '9')
		p++;
	*end = p;
	return p > s && p - s <= 19;
}

/* "3", and "3.1" where a flow is meant too. */
static bool is_place(const char *word, bool flow)
{
	const char *end;

	if (!is_number(word, &end) || word[0] == '0')
		return false;
	return !*end || (flow && (strcmp(end, ".1") == 0 || strcmp(end, ".2") == 0));
}

static int kind_check(struct cli *c, const char *word, struct err *e)
{
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(series_kinds); i++)
		if (strcmp(series_kinds[i], word) == 0)
			return 0;
	near = text_nearest(str_of(word), series_kinds, ARRAY_LEN(series_kinds));
	c->fault = word;
	if (near)
		return err_at(e, 0, "'%s' is no kind of series: '%s'?", word, near);
	return err_at(e, 0, "'%s' is no kind of series (tapdeck help series lists them)", word);
}

/* The words between the table's name and its SOURCE. */
static int arguments_check(struct cli *c, const struct capture_table *t, char **word, struct err *e)
{
	const char *place = word[t->nwords];
	bool flow = strstr(t->arguments, "N.M") != NULL;

	if (t->nwords == 2 && kind_check(c, word[1], e))
		return -1;
	if (t->nwords == 0 || is_place(place, flow))
		return 0;
	c->fault = place;
	return err_at(e, 0, "'%s' is no number%s: tapdeck %s %s SOURCE", place, flow ? " N or N.M" : " from 1 on", t->name,
		      t->arguments);
}

/* Arguments as QUERY carries them: those of the table, then options that are its own. */
static size_t query_words(const struct cli *c, const struct capture_table *t, char **word, const char *out[TABLE_WORDS_MAX])
{
	const char *const pairs[][2] = {{"step", c->opt.step}, {"from", c->opt.from}, {"to", c->opt.to}};
	size_t n = 0;

	for (int i = 1; i <= t->nwords; i++)
		out[n++] = word[i];
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (!pairs[i][1])
			continue;
		out[n++] = pairs[i][0];
		out[n++] = pairs[i][1];
	}
	return n;
}

int verb_table(struct cli *c, int count, char **word, struct err *e)
{
	const struct capture_table *t = capture_table_find(word[0]);
	const char *words[TABLE_WORDS_MAX];
	struct cli_source source = {0};
	struct cli_ask ask = {.table = t->name, .words = words};
	int r;

	if (cli_options_take(c, &count, word, e))
		return -1;
	if (count < t->nwords + 2)
		return err_set(e, ERR_CALL, "tapdeck %s %s%sSOURCE: %s is missing (tapdeck help %s)", t->name, t->arguments,
			       t->nwords ? " " : "", count < t->nwords + 1 ? t->arguments : "SOURCE", t->name);
	if (arguments_check(c, t, word, e))
		return -1;
	r = cli_sources_open(c, word + t->nwords + 1, count - t->nwords - 1, false, &source, e);
	if (r == 0)
		r = cli_source_wait(c, &source, e);
	/* The session has ended within a fraction of a second behind that packet. */
	if (source.session && c->opt.count && strcmp(t->name, "packets") == 0 && c->opt.count < c->opt.limit)
		c->opt.limit = c->opt.count;
	ask.client = source.client;
	ask.channel = source.channel;
	ask.nwords = query_words(c, t, word, words);
	ask.spool = source.spool;
	if (r == 0)
		r = cli_print(c, &ask, e);
	if (r)
		cli_source_explain(&source, e);
	cli_source_close(c, &source);
	return r;
}

/* captcp's module names, and the table that holds the same figures. */
static const struct {
	const char *module, *table;
} modules[] = {
	{"show", "packets"},
	{"statistic", "flows"},
	{"flow", "connections"},
};

int verb_analyze(struct cli *c, int count, char **word, struct err *e)
{
	if (count < 3)
		return err_set(e, ERR_CALL, "tapdeck analyze MODULE FILE: a word is missing (tapdeck help analyze)");
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		if (strcmp(word[1], modules[i].module) != 0)
			continue;
		free(c->fault_memory);
		c->fault_memory = word[1] = xstrdup(modules[i].table);
		break;
	}
	if (capture_table_find(word[1]))
		return verb_table(c, count - 1, word + 1, e);
	c->fault = word[1];
	return err_at(e, 0, "'%s' is no module: a table's name (tapdeck help), or show, statistic, flow", word[1]);
}
