#include "question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "question_parse.h"
#include "tables.h"

/* --- tails --- */

static const struct {
	const char *word;
	enum question_kind kind;
} kinds[] = {
	{"captures", QUESTION_CAPTURES},
	{"files", QUESTION_FILES},
	{"connections", QUESTION_CONNECTIONS},
	{"events", QUESTION_EVENTS},
	{"minutes", QUESTION_MINUTES},
	{"hours", QUESTION_HOURS},
	{"count", QUESTION_COUNT},
	{"top", QUESTION_TOP},
};

static const char *const tail_words[] = {"captures", "files", "connections", "events", "minutes",
					 "hours",    "count", "top",	     "sort",   "limit"};

static const struct table_type *question_type(enum question_kind kind)
{
	switch (kind) {
	case QUESTION_CAPTURES:
		return &table_captures;
	case QUESTION_FILES:
		return &table_files;
	case QUESTION_EVENTS:
		return &table_history_events;
	case QUESTION_MINUTES:
		return &table_history_minutes;
	case QUESTION_HOURS:
		return &table_history_hours;
	case QUESTION_TOP:
		return &table_history_top;
	case QUESTION_COUNT:
		return &table_history_count;
	case QUESTION_CONNECTIONS:
		break;
	}
	return &table_history_connections;
}

static int tail_number(struct parse *p, int *i)
{
	uint64_t n = 0;
	const struct token *t = &p->token[*i];

	if (text_parse_count(t->s, &n, NULL) != 0 || n == 0 || n > QUESTION_LIMIT_MAX)
		return err_at(p->e, t->at, "a number from 1 to %d is expected here",
			      QUESTION_LIMIT_MAX);
	p->q->limit = (int64_t)n;
	*i += 1;
	return 0;
}

static const struct {
	const char *word, *column;
} short_columns[] = {
	{"src", "addr_a"},	 {"dst", "addr_b"},	  {"sport", "port_a"},
	{"dport", "port_b"},	 {"port", "port_b"},	  {"duration", "duration_s"},
	{"rtt", "handshake_ms"}, {"start", "start_time"}, {"time", "start_time"},
};

static struct str column_name(const struct question *q, struct str s)
{
	if (table_column(question_type(q->kind), s) >= 0 && q->kind != QUESTION_TOP)
		return s;
	for (size_t k = 0; k < ARRAY_LEN(short_columns); k++)
		if (str_is(s, short_columns[k].word))
			return str_of(short_columns[k].column);
	return s;
}

static int tail_key(struct parse *p, int *i)
{
	const struct token *t = &p->token[*i];
	const int key = table_column(&table_history_connections, column_name(p->q, t->s));

	if (p->q->keys == QUESTION_KEYS_MAX)
		return err_at(p->e, t->at, "at most %d columns make a key", QUESTION_KEYS_MAX);
	if (token_is(t, "addr") || token_is(t, "ip"))
		p->q->key[p->q->keys++] = QUESTION_KEY_EITHER;
	else if (key >= 0 && connection_sql[key].sql)
		p->q->key[p->q->keys++] = key;
	else
		return err_at(p->e, t->at,
			      "a column of connections is expected here, or addr for either end");
	*i += 1;
	return 0;
}

/* [by] KEY[,KEY] */
static int tail_keys(struct parse *p, int *i)
{
	p->q->keys = 0;
	if (token_is(&p->token[*i], "by"))
		*i += 1;
	for (;;) {
		if (tail_key(p, i) != 0)
			return -1;
		if (!token_is(&p->token[*i], ","))
			return 0;
		*i += 1;
	}
}

static int tail_sort(struct parse *p, int *i)
{
	const struct token *t = &p->token[*i];
	const bool descending = t->s.len > 0 && t->s.p[0] == '-';
	const struct str name = {t->s.p + descending, t->s.len - descending};
	const int column = table_column(question_type(p->q->kind), column_name(p->q, name));

	if (column < 0 || (p->q->kind == QUESTION_CONNECTIONS && !connection_sql[column].sql))
		return err_at(
			p->e, t->at,
			"sort is followed by a column of %s, with - in front for the largest first",
			question_type(p->q->kind)->name);
	p->q->sort = column;
	p->q->descending = descending;
	*i += 1;
	return 0;
}

static int tail_kind(struct parse *p, int *i, enum question_kind kind)
{
	p->q->kind = kind;
	p->q->sort = -1; /* a column of what was asked before */
	if (kind == QUESTION_TOP)
		return tail_number(p, i) != 0 ? -1 : tail_keys(p, i);
	if (kind == QUESTION_COUNT && token_is(&p->token[*i], "by")) {
		p->q->kind = QUESTION_TOP;
		return tail_keys(p, i);
	}
	return 0;
}

static int parse_tail(struct parse *p, int *i)
{
	const struct token *t = &p->token[*i];
	const char *near;

	*i += 1;
	if (token_is(t, "limit"))
		return tail_number(p, i);
	if (token_is(t, "sort"))
		return tail_sort(p, i);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (token_is(t, kinds[k].word))
			return tail_kind(p, i, kinds[k].kind);
	near = text_nearest(t->s, tail_words, ARRAY_LEN(tail_words));
	return err_at(p->e, t->at,
		      "behind '|' stands captures, files, connections, events, minutes, hours, count, top N KEY, "
		      "sort COLUMN or limit N%s%s%s",
		      near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* --- the whole --- */

static bool is_pair(const struct parse *p, int i)
{
	return token_is(&p->token[i + 1], "<->") && p->token[i + 2].s.len > 0;
}

static int parse_step(struct parse *p, int *i)
{
	int r;

	if (token_is(&p->token[*i], "|")) {
		*i += 1;
		if (parse_tail(p, i) != 0)
			return -1;
		return *i == p->count || token_is(&p->token[*i], "|")
			       ? 0
			       : err_at(p->e, p->token[*i].at, "'|' or the end is expected here");
	}
	r = parse_phrase(p, i);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (is_pair(p, *i)) {
		rest_pair(p, *i);
		*i += 3;
	} else {
		rest_token(p, *i);
		*i += 1;
	}
	return 0;
}

/* The first word may say what is asked for, as a tail does. */
static int parse_words(struct parse *p)
{
	int i = 0;

	p->q->kind = p->count ? QUESTION_CONNECTIONS : QUESTION_CAPTURES;
	for (size_t k = 0; p->count && k < ARRAY_LEN(kinds) && i == 0; k++)
		if (token_is(&p->token[0], kinds[k].word) && kinds[k].kind != QUESTION_TOP &&
		    !token_compares(&p->token[1])) {
			p->q->kind = kinds[k].kind;
			i = 1;
		}
	while (i < p->count)
		if (parse_step(p, &i) != 0)
			return -1;
	return 0;
}

/* A word that the filter does not know, or took for what `and` goes on with, may be one of ours,
 * misspelled. */
static void suggest(struct parse *p)
{
	static const char *const others[] = {"host",  "net", "port", "portrange",
					     "proto", "tcp", "udp"};
	const char *known[32], *near;
	size_t count = 0;
	char more[64];

	for (; phrase_words[count]; count++)
		known[count] = phrase_words[count];
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		known[count++] = others[i];
	for (int i = 0; i < p->count; i++) {
		if (p->token[i].at != p->e->at || strstr(p->e->text, "did you mean"))
			continue;
		near = text_nearest(p->token[i].s, known, count);
		(void)snprintf(more, sizeof(more), ": did you mean \"%s\"?", near ? near : "");
		if (near && !str_is(p->token[i].s, near) &&
		    strlen(p->e->text) + strlen(more) < sizeof(p->e->text))
			memcpy(p->e->text + strlen(p->e->text), more, strlen(more) + 1);
	}
}

static int parse_filter(struct parse *p)
{
	const struct str rest = {buf_str(&p->rest), p->rest.len};

	p->q->filter = filter_parse(&table_history_connections, rest, p->e);
	if (p->q->filter) {
		p->q->has_filter = filter_root(p->q->filter)->op != FILTER_TRUE;
		return 0;
	}
	if (p->e && p->e->at >= 0) {
		p->e->at = (size_t)p->e->at < p->rest.len ? p->at[p->e->at] : (int)p->text.len;
		suggest(p);
	}
	return -1;
}

int question_parse(struct question *q, struct str text, int64_t now_ns, struct err *e)
{
	struct parse p = {.q = q, .text = text, .now_ns = now_ns, .e = e};
	int r;

	memset(q, 0, sizeof(*q));
	q->from_ns = INT64_MIN;
	q->to_ns = INT64_MAX;
	q->limit = QUESTION_LIMIT_USUAL;
	q->sort = -1;
	buf_init(&p.rest, 8 * (size_t)QUESTION_TEXT_MAX);
	r = parse_tokens(&p);
	if (r == 0)
		r = parse_words(&p);
	if (r == 0)
		r = parse_filter(&p);
	q->type = question_type(q->kind);
	free(p.token);
	free(p.at);
	buf_release(&p.rest);
	if (r != 0)
		question_release(q);
	return r;
}

void question_release(struct question *q)
{
	filter_free(q->filter);
	free(q->host);
	free(q->session);
	free(q->counter);
	q->filter = NULL;
	q->host = q->session = q->counter = NULL;
}
