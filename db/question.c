#include "question.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "tables.h"

#define QUESTION_TOKENS_MAX 4096

struct token {
	struct str s;
	int at;
};

/* The question on its way: what is left for the filter, and where each byte of it stood. */
struct parse {
	struct question *q;
	struct str text;
	struct token *token;
	int count;
	int64_t now_ns;
	struct buf rest;
	int *at; /* of each byte of rest */
	size_t at_room;
	int depth;
	bool operand; /* the rest ends in a complete term */
	struct err *e;
};

static bool token_is(const struct token *t, const char *word)
{
	return str_is(t->s, word);
}

static bool token_in(const struct token *t, const char *const *list)
{
	for (; *list; list++)
		if (str_is(t->s, *list))
			return true;
	return false;
}

/* --- tokens: words, quoted text, brackets, operators --- */

static size_t token_length(const char *p, const char *end)
{
	static const char *const operators[] = {"==", "!=", "<=", ">=", "!~", "&&", "||", NULL};
	const char *start = p;

	if (*p == '"' || *p == '\'') {
		for (p++; p < end && *p != *start; p++)
			p += *p == '\\' && p + 1 < end;
		return (size_t)(p < end ? p + 1 - start : end - start);
	}
	for (int i = 0; operators[i]; i++)
		if (end - p >= 2 && memcmp(p, operators[i], 2) == 0)
			return 2;
	if (strchr("()[]{},|<>=~!", *p))
		return 1;
	while (p < end && !strchr(" \t\r\n()[]{},|<>=~!\"'", *p))
		p++;
	return (size_t)(p - start);
}

static int parse_tokens(struct parse *p)
{
	const char *end = p->text.p + p->text.len;

	if (p->text.len > QUESTION_TEXT_MAX)
		return err_set(p->e, ERR_CALL, "a question is at most %u bytes", (unsigned)QUESTION_TEXT_MAX);
	p->token = xcalloc(QUESTION_TOKENS_MAX + 2, sizeof(*p->token)); /* two empty ones stand at the end */
	for (const char *c = p->text.p; c < end;) {
		if (strchr(" \t\r\n", *c)) {
			c++;
			continue;
		}
		if (p->count == QUESTION_TOKENS_MAX)
			return err_at(p->e, (int)(c - p->text.p), "too many words in a question");
		p->token[p->count].s = (struct str){c, token_length(c, end)};
		p->token[p->count++].at = (int)(c - p->text.p);
		c += p->token[p->count - 1].s.len;
	}
	for (int i = 0; i < 2; i++)
		p->token[p->count + i] = (struct token){.s = {"", 0}, .at = (int)p->text.len};
	return 0;
}

/* --- the rest: what the filter will see --- */

static void rest_add(struct parse *p, struct str s, int at)
{
	if (p->rest.len + s.len + 1 > p->at_room) {
		p->at_room = 2 * (p->rest.len + s.len + 64);
		p->at = xreallocarray(p->at, p->at_room, sizeof(*p->at));
	}
	for (size_t i = 0; i <= s.len; i++)
		p->at[p->rest.len + i] = at + (int)(i < s.len ? i : s.len);
	(void)buf_add(&p->rest, s.p, s.len); /* as long as the text and its synonyms: within the bound */
	(void)buf_add_byte(&p->rest, ' ');
}

static void rest_word(struct parse *p, const char *word, int at)
{
	struct str s = str_of(word);

	rest_add(p, s, at);
	for (size_t i = 0; i <= s.len; i++)
		p->at[p->rest.len - 1 - i] = at;
}

static const char *const joiners[] = {"and", "or", "not", "&&", "||", "!", "(", NULL};
static const char *const starters[] = {"host", "net", "port", "portrange", "src", "dst", "tcp", "udp", "icmp", "icmp6", "sctp",
				       "arp", "ip", "ip6", "not", "!", "(", "addr", NULL};
/* Behind these a starter goes on with the same term: `tcp port 443`, `src or dst host`. */
static const char *const qualifiers[] = {"src", "dst", "tcp", "udp", "sctp", "ip", "ip6", "arp", "host", "net", "port", "portrange", NULL};
static const struct {
	const char *word, *column;
} synonyms[] = {
	{"duration", "duration_s"}, {"rtt", "handshake_ms"}, {"start", "start_time"}, {"time", "start_time"},
};

static bool token_compares(const struct token *t)
{
	static const char *const list[] = {"==", "=", "!=", "<", ">", "<=", ">=", "~", "!~", "in", "eq", "ne", "gt", "lt", "ge", "le", NULL};

	return token_in(t, list);
}

static void rest_join(struct parse *p, const struct token *t, const struct token *before)
{
	const bool column = table_column(&table_history_connections, t->s) >= 0 && token_compares(t + 1);
	const bool start = token_in(t, starters) || column;

	if (p->operand && start && !(before && token_in(before, qualifiers)))
		rest_word(p, "and", t->at);
}

/* A bare address, net or :port as the term that it means; false where it is none of them. */
static bool rest_bare(struct parse *p, const struct token *t, const struct token *before)
{
	struct addr a;
	unsigned bits = 0;
	const char *word;

	if (before && (token_compares(before) || token_in(before, qualifiers) || token_is(before, ",") || token_is(before, "[")))
		return false;
	if (t->s.len > 1 && t->s.p[0] == ':' && strspn(t->s.p + 1, "0123456789") >= t->s.len - 1)
		word = "port";
	else if (addr_parse(t->s, &a, NULL) == 0)
		word = "host";
	else if (memchr(t->s.p, '/', t->s.len) && addr_parse_net(t->s, &a, &bits, NULL) == 0)
		word = "net";
	else
		return false;
	if (p->operand)
		rest_word(p, "and", t->at);
	rest_word(p, word, t->at);
	rest_add(p, word[0] == 'p' ? (struct str){t->s.p + 1, t->s.len - 1} : t->s, t->at);
	p->operand = true;
	return true;
}

static void rest_token(struct parse *p, const struct token *t, const struct token *before)
{
	if (rest_bare(p, t, before))
		return;
	rest_join(p, t, before);
	p->operand = !token_in(t, joiners) && !token_compares(t);
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (token_is(t, synonyms[i].word) && token_compares(t + 1)) {
			rest_word(p, synonyms[i].column, t->at);
			return;
		}
	rest_add(p, t->s, t->at);
}

/* A phrase that is not the filter's was taken out: an `and` beside it goes too. */
static void rest_close(struct parse *p, int *i)
{
	struct str tail = {(const char *)p->rest.data, p->rest.len};

	if (tail.len >= 4 && memcmp(tail.p + tail.len - 4, "and ", 4) == 0) {
		p->rest.len -= 4;
		p->operand = true;
	} else if (tail.len == 0 && (token_is(&p->token[*i], "and") || token_is(&p->token[*i], "&&"))) {
		(*i)++;
	}
}

/* --- times and places --- */

/* A time of one word, or of two ("yesterday 09:00"). */
static int parse_time(struct parse *p, int *i, int64_t *time_ns)
{
	struct token *a = &p->token[*i], *b = a + 1;
	struct str both = {a->s.p, (size_t)(b->s.p + b->s.len - a->s.p)};
	int64_t day, clock, midnight;

	if (b->s.len && text_parse_time(both, p->now_ns, time_ns, NULL) == 0) {
		*i += 2;
		return 0;
	}
	if (text_parse_time(a->s, p->now_ns, &day, p->e) != 0) {
		if (p->e)
			p->e->at = a->at;
		return -1;
	}
	*i += 1;
	*time_ns = day;
	if ((str_is(a->s, "today") || str_is(a->s, "yesterday")) && b->s.len && memchr(b->s.p, ':', b->s.len) &&
	    text_parse_time(b->s, p->now_ns, &clock, NULL) == 0) {
		midnight = clock - clock % (86400 * NS_PER_S);
		*time_ns = day - day % (86400 * NS_PER_S) + (clock - midnight);
		*i += 1;
	}
	return 0;
}

static int parse_duration(struct parse *p, int *i, int64_t *ns)
{
	struct token *t = &p->token[*i];

	if (text_parse_duration(t->s, ns, p->e) != 0) {
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

	if (parse_duration(p, i, &ns) != 0)
		return -1;
	p->q->from_ns = p->now_ns - ns;
	return 0;
}

static int phrase_after(struct parse *p, int *i)
{
	return parse_time(p, i, &p->q->from_ns);
}

static int phrase_before(struct parse *p, int *i)
{
	return parse_time(p, i, &p->q->to_ns);
}

static int phrase_between(struct parse *p, int *i)
{
	if (parse_time(p, i, &p->q->from_ns) != 0)
		return -1;
	if (!token_is(&p->token[*i], "and"))
		return err_at(p->e, p->token[*i].at, "between TIME and TIME: 'and' is missing here");
	*i += 1;
	return parse_time(p, i, &p->q->to_ns);
}

/* at T: the second; at T +-D: around it */
static int phrase_at(struct parse *p, int *i)
{
	int64_t around = NS_PER_S, at;
	struct token *t;

	if (parse_time(p, i, &at) != 0)
		return -1;
	t = &p->token[*i];
	if (t->s.len > 2 && memcmp(t->s.p, "+-", 2) == 0) {
		t->s.p += 2;
		t->s.len -= 2;
		if (parse_duration(p, i, &around) != 0)
			return -1;
		p->q->from_ns = at - around;
	} else {
		p->q->from_ns = at;
	}
	p->q->to_ns = at + around;
	return 0;
}

static int phrase_word(struct parse *p, int *i, char **slot, const char *what)
{
	const struct token *t = &p->token[*i];

	if (t->s.len == 0)
		return err_at(p->e, t->at, "a %s is missing here", what);
	free(*slot);
	*slot = xstrndup(t->s.p, t->s.len);
	*i += 1;
	return 0;
}

static int phrase_on(struct parse *p, int *i)
{
	return phrase_word(p, i, &p->q->host, "host's name");
}

static int phrase_session(struct parse *p, int *i)
{
	return phrase_word(p, i, &p->q->session, "session's name");
}

static int phrase_capture(struct parse *p, int *i)
{
	uint64_t n = 0;
	const struct token *t = &p->token[*i];

	if (text_parse_count(t->s, &n, NULL) != 0 || n == 0 || n > INT64_MAX)
		return err_at(p->e, t->at, "capture is followed by its number (see 'tapdeck history')");
	p->q->capture = (int64_t)n;
	*i += 1;
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct parse *p, int *i);
} phrases[] = {
	{"last", phrase_last},	     {"after", phrase_after}, {"since", phrase_after}, {"before", phrase_before},
	{"between", phrase_between}, {"at", phrase_at},	      {"on", phrase_on},       {"session", phrase_session},
	{"capture", phrase_capture},
};

/* --- tails --- */

static const struct {
	const char *word;
	enum question_kind kind;
} kinds[] = {
	{"captures", QUESTION_CAPTURES}, {"files", QUESTION_FILES}, {"connections", QUESTION_CONNECTIONS},
	{"events", QUESTION_EVENTS},	 {"count", QUESTION_COUNT}, {"top", QUESTION_TOP},
};

static int tail_number(struct parse *p, int *i, int64_t *value, int64_t max)
{
	uint64_t n = 0;
	const struct token *t = &p->token[*i];

	if (text_parse_count(t->s, &n, NULL) != 0 || n == 0 || n > (uint64_t)max)
		return err_at(p->e, t->at, "a number from 1 to %lld is expected here", (long long)max);
	*value = (int64_t)n;
	*i += 1;
	return 0;
}

static int tail_top(struct parse *p, int *i)
{
	const struct token *t;

	if (tail_number(p, i, &p->q->limit, QUESTION_LIMIT_MAX) != 0)
		return -1;
	if (token_is(&p->token[*i], "by"))
		*i += 1;
	t = &p->token[*i];
	p->q->key = table_column(&table_history_connections, t->s);
	if (str_is(t->s, "addr") || str_is(t->s, "ip"))
		p->q->key = -2; /* either end */
	if (p->q->key == -1 || (p->q->key >= 0 && !connection_sql[p->q->key].sql))
		return err_at(p->e, t->at, "top N is followed by a column of connections, or addr for either end");
	*i += 1;
	return 0;
}

static int parse_tail(struct parse *p, int *i)
{
	const struct token *t = &p->token[*i];

	*i += 1;
	if (token_is(t, "limit"))
		return tail_number(p, i, &p->q->limit, QUESTION_LIMIT_MAX);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		if (!token_is(t, kinds[k].word))
			continue;
		p->q->kind = kinds[k].kind;
		return p->q->kind == QUESTION_TOP ? tail_top(p, i) : 0;
	}
	return err_at(p->e, t->at, "behind '|' stands captures, files, connections, events, count, top N KEY or limit N");
}

/* --- the whole --- */

static int parse_step(struct parse *p, int *i, const struct token *before)
{
	const struct token *t = &p->token[*i];
	const bool top_level = p->depth == 0 && !(before && token_compares(before));

	for (size_t k = 0; top_level && k < ARRAY_LEN(phrases); k++) {
		if (!token_is(t, phrases[k].word) || token_compares(t + 1))
			continue;
		*i += 1;
		if (phrases[k].run(p, i) != 0)
			return -1;
		rest_close(p, i);
		return 0;
	}
	p->depth += token_is(t, "(") - token_is(t, ")");
	rest_token(p, t, before);
	*i += 1;
	return 0;
}

static int parse_words(struct parse *p)
{
	int i = 0;

	p->q->kind = p->count ? QUESTION_CONNECTIONS : QUESTION_CAPTURES;
	for (size_t k = 0; p->count && k < ARRAY_LEN(kinds) && i == 0; k++)
		if (token_is(&p->token[0], kinds[k].word) && kinds[k].kind != QUESTION_TOP && !token_compares(&p->token[1])) {
			p->q->kind = kinds[k].kind;
			i = 1;
		}
	while (i < p->count) {
		const struct token *before = i > 0 ? &p->token[i - 1] : NULL;
		int r;

		if (token_is(&p->token[i], "|")) {
			i++;
			r = parse_tail(p, &i);
			if (r == 0 && i < p->count && !token_is(&p->token[i], "|"))
				r = err_at(p->e, p->token[i].at, "'|' or the end is expected here");
		} else {
			r = parse_step(p, &i, before);
		}
		if (r != 0)
			return -1;
	}
	return 0;
}

static const struct table_type *question_type(enum question_kind kind)
{
	switch (kind) {
	case QUESTION_CAPTURES:
		return &table_captures;
	case QUESTION_FILES:
		return &table_files;
	case QUESTION_EVENTS:
		return &table_history_events;
	case QUESTION_TOP:
		return &table_history_top;
	case QUESTION_COUNT:
		return &table_history_count;
	case QUESTION_CONNECTIONS:
		break;
	}
	return &table_history_connections;
}

static int parse_filter(struct parse *p)
{
	struct str rest = {buf_str(&p->rest), p->rest.len};

	p->q->filter = filter_parse(&table_history_connections, rest, p->e);
	if (p->q->filter) {
		p->q->has_filter = filter_root(p->q->filter)->op != FILTER_TRUE;
		return 0;
	}
	if (p->e && p->e->at >= 0)
		p->e->at = (size_t)p->e->at < p->rest.len ? p->at[p->e->at] : (int)p->text.len;
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
	buf_init(&p.rest, 4 * (size_t)QUESTION_TEXT_MAX);
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
	q->filter = NULL;
	q->host = q->session = NULL;
}
