/* The filter's text as tokens. Where a value is expected, more characters belong to a word than
 * elsewhere. */
#ifndef TABLE_FILTER_LEX_H
#define TABLE_FILTER_LEX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_OPEN,
	TOKEN_CLOSE, /* ( ) */
	TOKEN_LIST_OPEN,
	TOKEN_LIST_CLOSE, /* [ ] and { } */
	TOKEN_COMMA,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_GT,
	TOKEN_LE,
	TOKEN_GE,
	TOKEN_MATCH,
	TOKEN_NO_MATCH,
};

struct token {
	enum token_kind kind;
	struct str text; /* of a word: in the filter's text; of a quoted one: in lex.unquoted */
	int at;		 /* byte of the filter's text */
};

struct lex {
	struct str text;
	size_t next;
	struct buf unquoted; /* the last quoted text, without quotes and backslashes */
};

/* In an expression. -1: a quote that is not closed, a character that has no meaning. */
int lex_next(struct lex *l, struct token *t, struct err *e);
/* A value: a quoted text, or everything up to a blank, comma or closing bracket. */
int lex_value(struct lex *l, struct token *t, struct err *e);
/* A regular expression: a quoted text, or everything up to a blank or a bracket that it has not
 * opened. */
int lex_regex(struct lex *l, struct token *t, struct err *e);
/* Whether a comparison operator stands anywhere: then it is not an expression of BPF's words alone.
 */
bool lex_has_operator(struct str text);

#endif
