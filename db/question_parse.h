/* A question on its way: its words, what of them is left for the filter, and where each byte of
 * that stood. */
#ifndef DB_QUESTION_PARSE_H
#define DB_QUESTION_PARSE_H

#include "base/buf.h"
#include "question.h"

struct token {
	struct str s;
	int at;
};

struct parse {
	struct question *q;
	struct str text;
	struct token *token; /* two empty ones stand behind the last */
	int count;
	int64_t now_ns;
	struct buf rest; /* for the filter */
	int *at;	 /* of each byte of rest */
	size_t at_room;
	int round, square; /* brackets that are open */
	bool operand;	   /* the rest ends in a complete term */
	bool qualified;	   /* a term of BPF's came: behind and, or, not an id goes on with its
			      qualifiers */
	struct err *e;
};

bool token_is(const struct token *t, const char *word);
bool token_in(const struct token *t, const char *const *list); /* ended by NULL */
bool token_compares(const struct token *t); /* an operator that a value follows */
int parse_tokens(struct parse *p);
/* The token at i goes to the filter, spelled as the filter knows it. */
void rest_token(struct parse *p, int i);
/* `X <-> Y` at i: as two hosts. */
void rest_pair(struct parse *p, int i);
/* The words from `from` to i were not the filter's: an `and` beside them goes as well. -1: they
 * stand behind or, not. */
int rest_close(struct parse *p, int from, int *i);

/* A time or a place begins at *i: 1 and *i behind it; 0: none does; -1. */
int parse_phrase(struct parse *p, int *i);
extern const char *const phrase_words[]; /* ended by NULL */

#endif
