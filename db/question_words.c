/* A question's words, and what the filter gets of them. */
#include <string.h>

#include "base/addr.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "question_parse.h"
#include "tables.h"

#define QUESTION_TOKENS_MAX 4096

static const struct token token_none = {{"", 0}, 0}; /* before the first */

bool token_is(const struct token *t, const char *word)
{
	return str_is(t->s, word);
}

bool token_in(const struct token *t, const char *const *list)
{
	for (; *list; list++)
		if (str_is(t->s, *list))
			return true;
	return false;
}

bool token_compares(const struct token *t)
{
	static const char *const list[] = {"==", "=",  "!=", "<",  ">",	 "<=", ">=", "~", "!~",
					   "in", "eq", "ne", "gt", "lt", "ge", "le", NULL};

	return token_in(t, list);
}

/* --- tokens: words, quoted text, brackets, operators --- */

static bool is_one_of(char c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set != 0;
}

static bool is_blank(char c)
{
	return is_one_of(c, " \t\r\n");
}

static size_t quoted_length(struct str s)
{
	size_t i = 1;

	while (i < s.len && s.p[i] != s.p[0])
		i += s.p[i] == '\\' && i + 1 < s.len ? 2 : 1;
	return i < s.len ? i + 1 : s.len;
}

/* A value ends at a blank, at what closes or goes on with a list, and at a tail. */
static size_t value_length(struct str s)
{
	size_t i = 0;

	while (i < s.len && !is_blank(s.p[i]) && !is_one_of(s.p[i], ",)]}|"))
		i++;
	return i;
}

/* A regular expression may hold all of that, within brackets of its own; it ends at a blank. */
static size_t regex_length(struct str s)
{
	size_t i;
	int depth = 0;

	for (i = 0; i < s.len && !is_blank(s.p[i]); i++) {
		if (s.p[i] == '\\' && i + 1 < s.len && !is_blank(s.p[i + 1])) {
			i++;
			continue;
		}
		depth += is_one_of(s.p[i], "([{") - is_one_of(s.p[i], ")]}");
		if (depth < 0)
			break;
	}
	return i;
}

static size_t plain_length(struct str s)
{
	static const char *const operators[] = {
		"<->", "==", "!=", "<=", ">=", "!~", "&&", "||", NULL};
	size_t i = 0;

	for (size_t k = 0; operators[k]; k++)
		if (s.len >= strlen(operators[k]) &&
		    memcmp(s.p, operators[k], strlen(operators[k])) == 0)
			return strlen(operators[k]);
	if (is_one_of(s.p[0], "()[]{},|<>=~!"))
		return 1;
	while (i < s.len && !is_blank(s.p[i]) && !is_one_of(s.p[i], "()[]{},|<>=~!\"'"))
		i++;
	return i;
}

static size_t token_length(struct str s, const struct token *before)
{
	size_t n = 0;

	if (is_one_of(s.p[0], "\"'"))
		return quoted_length(s);
	if (before && (token_is(before, "~") || token_is(before, "!~")))
		n = regex_length(s);
	else if (before && token_compares(before) && !token_is(before, "in"))
		n = value_length(s);
	return n > 0 ? n : plain_length(s);
}

int parse_tokens(struct parse *p)
{
	size_t at = 0;

	if (p->text.len > QUESTION_TEXT_MAX)
		return err_at(p->e, (int)QUESTION_TEXT_MAX, "a question is at most %u bytes",
			      (unsigned)QUESTION_TEXT_MAX);
	p->token = xcalloc(QUESTION_TOKENS_MAX + 2, sizeof(*p->token));
	for (;;) {
		struct str s;

		while (at < p->text.len && is_blank(p->text.p[at]))
			at++;
		if (at == p->text.len)
			break;
		if (p->count == QUESTION_TOKENS_MAX)
			return err_at(p->e, (int)at, "a question has at most %d words",
				      QUESTION_TOKENS_MAX);
		s = (struct str){p->text.p + at, p->text.len - at};
		s.len = token_length(s, p->count ? &p->token[p->count - 1] : NULL);
		p->token[p->count++] = (struct token){s, (int)at};
		at += s.len;
	}
	for (int i = 0; i < 2; i++)
		p->token[p->count + i] =
			(struct token){{p->text.p + p->text.len, 0}, (int)p->text.len};
	return 0;
}

/* --- the rest: what the filter will see --- */

static void rest_add(struct parse *p, struct str s, int at, bool ours)
{
	if (p->rest.len + s.len + 1 > p->at_room) {
		p->at_room = 2 * (p->rest.len + s.len + 64);
		p->at = xreallocarray(p->at, p->at_room, sizeof(*p->at));
	}
	for (size_t i = 0; i <= s.len; i++)
		p->at[p->rest.len + i] = ours ? at : at + (int)i;
	(void)buf_add(
		&p->rest, s.p,
		s.len); /* no longer than the text, and a few letters a token: within the bound */
	(void)buf_add_byte(&p->rest, ' ');
}

static void rest_word(struct parse *p, const char *word, int at)
{
	rest_add(p, str_of(word), at, true);
}

static void rest_and(struct parse *p, int at)
{
	if (p->operand)
		rest_word(p, "and", at);
	p->operand = false;
}

static const char *const joiners[] = {"and", "or", "not", "&&", "||", "!", "(", NULL};
static const char *const starters[] = {"host", "net",  "port",	"portrange", "src", "dst", "tcp",
				       "udp",  "icmp", "icmp6", "sctp",	     "arp", "ip",  "ip6",
				       "not",  "!",    "(",	"proto",     NULL};
/* Behind these a starter goes on with the same term: `tcp port 443`, `src or dst host`. */
static const char *const qualifiers[] = {"src", "dst",	"tcp", "udp",  "sctp",	    "ip",    "ip6",
					 "arp", "host", "net", "port", "portrange", "proto", NULL};

/* Shorter and other names of columns, and of operators. */
static const struct {
	const char *word, *means;
} synonyms[] =
	{
		{"duration", "duration_s"},    {"rtt", "handshake_ms"},
		{"handshake", "handshake_ms"}, {"start", "start_time"},
		{"time", "start_time"},	       {"frame.time", "start_time"},
		{"pkts", "packets"},	       {"retransmissions", "retrans"},
},
  spelled[] = {
	  {"eq", "=="}, {"ne", "!="}, {"gt", ">"}, {"lt", "<"}, {"ge", ">="}, {"le", "<="},
};

/* bytes.ab is bytes_ab; NULL: it is no such word. */
static const char *directed(struct str s)
{
	static const char *const stems[] = {"packets", "bytes", "payload", "retrans", "pkts"};
	static const char *const columns[][2] = {{"packets_ab", "packets_ba"},
						 {"bytes_ab", "bytes_ba"},
						 {"payload_ab", "payload_ba"},
						 {"retrans_ab", "retrans_ba"},
						 {"packets_ab", "packets_ba"}};

	for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
		const size_t n = strlen(stems[i]);

		if (s.len != n + 3 || memcmp(s.p, stems[i], n) != 0)
			continue;
		if (memcmp(s.p + n, ".ab", 3) == 0 || memcmp(s.p + n, ".ba", 3) == 0)
			return columns[i][s.p[n + 1] == 'b'];
	}
	return NULL;
}

static bool is_number(struct str s)
{
	size_t i = 0;

	while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return s.len > 0 && s.len <= 5 && i == s.len;
}

/* What a word that stands by itself means: host, net or port; NULL: none of them. */
static const char *bare_means(struct str s)
{
	struct addr a;
	unsigned bits;

	if (is_number(s) ||
	    (s.len > 1 && s.p[0] == ':' && is_number((struct str){s.p + 1, s.len - 1})))
		return "port";
	if (addr_parse(s, &a, NULL) == 0)
		return "host";
	if (memchr(s.p, '/', s.len) && addr_parse_net(s, &a, &bits, NULL) == 0)
		return "net";
	return NULL;
}

/* A bare address, net or port as the term that it means; false where it is none. */
static bool rest_bare(struct parse *p, const struct token *t, const struct token *before)
{
	const char *word = p->square ? NULL : bare_means(t->s);
	const bool joined = token_in(before, joiners) && !token_is(before, "(");

	if (!word || token_compares(before) || token_in(before, qualifiers))
		return false;
	if (joined && p->qualified && t->s.p[0] != ':')
		return false; /* as in BPF: `src port 80 or 443` */
	rest_and(p, t->at);
	rest_word(p, word, t->at);
	rest_add(p,
		 t->s.p[0] == ':' && word[0] == 'p' ? (struct str){t->s.p + 1, t->s.len - 1} : t->s,
		 t->at, false);
	p->operand = true;
	return true;
}

static const char *column_means(const struct token *t)
{
	struct addr a;
	unsigned bits;

	/* host is a column here, of text; an address beside it means what host means elsewhere */
	if (token_is(t, "host") &&
	    (addr_parse(t[2].s, &a, NULL) == 0 || addr_parse_net(t[2].s, &a, &bits, NULL) == 0))
		return "addr";
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (token_is(t, synonyms[i].word))
			return synonyms[i].means;
	return directed(t->s);
}

/* A word in front of an operator: a column. */
static void rest_column(struct parse *p, const struct token *t)
{
	const char *means = column_means(t);

	rest_and(p, t->at);
	if (means)
		rest_word(p, means, t->at);
	else
		rest_add(p, t->s, t->at, false);
}

static void rest_operator(struct parse *p, const struct token *t)
{
	for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
		if (!token_is(t, spelled[i].word))
			continue;
		rest_word(p, spelled[i].means, t->at);
		return;
	}
	rest_add(p, t->s, t->at, false);
}

static void rest_brackets(struct parse *p, const struct token *t)
{
	p->round += token_is(t, "(") - token_is(t, ")");
	p->square +=
		(token_is(t, "[") || token_is(t, "{")) - (token_is(t, "]") || token_is(t, "}"));
	p->square = p->square < 0 ? 0 : p->square;
}

/* Words side by side are joined: terms by and, values of a list by a comma. */
static void rest_plain(struct parse *p, const struct token *t, const struct token *before)
{
	const bool value = token_compares(before);

	if (p->square && !is_one_of(before->s.p[0], "[{,") && !is_one_of(t->s.p[0], "]},"))
		rest_word(p, ",", t->at);
	else if (!p->square && !value && token_in(t, starters) && !token_in(before, qualifiers))
		rest_and(p, t->at);
	rest_add(p, t->s, t->at, false);
	p->operand = !token_in(t, joiners);
	p->qualified = p->qualified || token_in(t, qualifiers);
	rest_brackets(p, t);
}

void rest_token(struct parse *p, int i)
{
	const struct token *t = &p->token[i], *before = i > 0 ? &p->token[i - 1] : &token_none;
	const bool value = token_compares(before);

	if (!value && !p->square && token_compares(t)) {
		rest_operator(p, t);
		p->operand = false;
	} else if (!value && !p->square && token_compares(t + 1) && !token_in(t, joiners) &&
		   !is_one_of(t->s.p[0], ")]}")) {
		rest_column(p, t);
	} else if (!rest_bare(p, t, before)) {
		rest_plain(p, t, before);
	}
}

void rest_pair(struct parse *p, int i)
{
	rest_and(p, p->token[i].at);
	for (int k = 0; k <= 2; k += 2) {
		const struct token *t = &p->token[i + k];

		rest_word(p, k ? "and host" : "( host", t->at);
		rest_add(p, t->s, t->at, false);
	}
	rest_word(p, ")", p->token[i + 2].at);
	p->operand = true;
}

int rest_close(struct parse *p, int from, int *i)
{
	static const char *const ands[] = {"and", "&&", NULL}, *const wrong[] = {"or", "not", "||",
										 "!", NULL};
	const struct token *before = from > 0 ? &p->token[from - 1] : &token_none;

	if (token_in(before, wrong))
		return err_at(p->e, p->token[from].at,
			      "times and places hold for the whole question: they do not stand "
			      "behind '%.*s'",
			      (int)before->s.len, before->s.p);
	if (token_in(before, ands) && p->rest.len > before->s.len) {
		p->rest.len -= before->s.len + 1;
		p->rest.data[p->rest.len] = 0;
		p->operand = true;
	} else if (p->rest.len == 0 && token_in(&p->token[*i], ands)) {
		(*i)++;
	}
	return 0;
}
