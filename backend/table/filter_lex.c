#include "filter_lex.h"

#include <string.h>

#include "base/xalloc.h"

struct symbol {
	const char *text;
	enum token_kind kind;
};

/* Longer ones first. */
static const struct symbol symbols[] = {
	{"&&", TOKEN_AND},	 {"||", TOKEN_OR},	 {"==", TOKEN_EQ},
	{"!=", TOKEN_NE},	 {"<=", TOKEN_LE},	 {">=", TOKEN_GE},
	{"!~", TOKEN_NO_MATCH},	 {"=", TOKEN_EQ},	 {"<", TOKEN_LT},
	{">", TOKEN_GT},	 {"~", TOKEN_MATCH},	 {"!", TOKEN_NOT},
	{"(", TOKEN_OPEN},	 {")", TOKEN_CLOSE},	 {"[", TOKEN_LIST_OPEN},
	{"]", TOKEN_LIST_CLOSE}, {"{", TOKEN_LIST_OPEN}, {"}", TOKEN_LIST_CLOSE},
	{",", TOKEN_COMMA},
};

static const struct symbol keywords[] = {{"and", TOKEN_AND}, {"or", TOKEN_OR}, {"not", TOKEN_NOT}};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_one_of(char c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set != 0;
}

static void blanks_skip(struct lex *l)
{
	while (l->next < l->text.len && is_blank(l->text.p[l->next]))
		l->next++;
}

/* A word of the expression ends where an operator or a bracket begins. */
static bool word_ends(const struct lex *l, size_t at)
{
	const char c = l->text.p[at];
	const char next = at + 1 < l->text.len ? l->text.p[at + 1] : 0;

	return is_blank(c) || is_one_of(c, "()[]{},\"'=<>!~") ||
	       ((c == '&' || c == '|') && next == c);
}

static int quoted_take(struct lex *l, struct token *t, struct err *e)
{
	const char quote = l->text.p[l->next++];

	buf_clear(&l->unquoted);
	for (; l->next < l->text.len; l->next++) {
		char c = l->text.p[l->next];

		if (c == quote) {
			l->next++;
			t->kind = TOKEN_QUOTED;
			t->text = (struct str){buf_str(&l->unquoted), l->unquoted.len};
			return 0;
		}
		/* A backslash that quotes nothing is itself: regular expressions have many. */
		if (c == '\\' && l->next + 1 < l->text.len &&
		    (l->text.p[l->next + 1] == quote || l->text.p[l->next + 1] == '\\'))
			c = l->text.p[++l->next];
		if (buf_add_byte(&l->unquoted, (uint8_t)c))
			break;
	}
	return err_at(e, t->at, "this quote is not closed");
}

static bool symbol_take(struct lex *l, struct token *t)
{
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		const struct str want = str_of(symbols[i].text);

		if (l->text.len - l->next < want.len ||
		    memcmp(l->text.p + l->next, want.p, want.len) != 0)
			continue;
		l->next += want.len;
		t->kind = symbols[i].kind;
		t->text = want;
		return true;
	}
	return false;
}

static bool token_begin(struct lex *l, struct token *t)
{
	blanks_skip(l);
	*t = (struct token){.kind = TOKEN_END, .text = {"", 0}, .at = (int)l->next};
	return l->next < l->text.len;
}

int lex_next(struct lex *l, struct token *t, struct err *e)
{
	size_t begin;

	if (!token_begin(l, t))
		return 0;
	if (is_one_of(l->text.p[l->next], "\"'"))
		return quoted_take(l, t, e);
	if (symbol_take(l, t))
		return 0;
	begin = l->next;
	while (l->next < l->text.len && !word_ends(l, l->next))
		l->next++;
	if (l->next == begin)
		return err_at(e, t->at, "this has no meaning here: write and, or, not");
	t->kind = TOKEN_WORD;
	t->text = (struct str){l->text.p + begin, l->next - begin};
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (str_is(t->text, keywords[i].text))
			t->kind = keywords[i].kind;
	return 0;
}

int lex_value(struct lex *l, struct token *t, struct err *e)
{
	size_t begin;

	if (!token_begin(l, t))
		return 0;
	if (is_one_of(l->text.p[l->next], "\"'"))
		return quoted_take(l, t, e);
	begin = l->next;
	while (l->next < l->text.len && !is_blank(l->text.p[l->next]) &&
	       !is_one_of(l->text.p[l->next], ",)]}"))
		l->next++;
	if (l->next > begin) {
		t->kind = TOKEN_WORD;
		t->text = (struct str){l->text.p + begin, l->next - begin};
	}
	return 0;
}

int lex_regex(struct lex *l, struct token *t, struct err *e)
{
	size_t begin;
	int depth = 0;

	if (!token_begin(l, t))
		return 0;
	if (is_one_of(l->text.p[l->next], "\"'"))
		return quoted_take(l, t, e);
	begin = l->next;
	for (; l->next < l->text.len && !is_blank(l->text.p[l->next]); l->next++) {
		const char c = l->text.p[l->next];

		if (c == '\\' && l->next + 1 < l->text.len && !is_blank(l->text.p[l->next + 1])) {
			l->next++;
			continue;
		}
		depth += is_one_of(c, "([{") - is_one_of(c, ")]}");
		if (depth < 0)
			break;
	}
	if (l->next > begin) {
		t->kind = TOKEN_WORD;
		t->text = (struct str){l->text.p + begin, l->next - begin};
	}
	return 0;
}

bool lex_has_operator(struct str text)
{
	struct lex l = {.text = text};
	struct token t;
	bool found = false;

	buf_init(&l.unquoted, text.len + 1);
	do {
		if (lex_next(&l, &t, NULL))
			break;
		found = t.kind >= TOKEN_EQ || t.kind == TOKEN_LIST_OPEN;
	} while (!found && t.kind != TOKEN_END);
	buf_release(&l.unquoted);
	return found;
}
