/* The one command language: words divided by blanks; '...' and "..." and \ quote; # at the start of a
 * word begins a comment. Keys, the prompt, the configuration file and forms all speak it. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/buf.h"
#include "base/err.h"

#define WORDS_MAX 8704		   /* words of one command: 4,096 counters take two each */
#define WORDS_LINE_MAX (1024 * 1024) /* bytes of one command */

struct words {
	char **word; /* word[count] is NULL */
	int *at;     /* byte of the line where each word began */
	int count;
};

/* Owned by the caller, words_release. Error (ERR_CALL, with place): a quote that is not closed, too long. */
int words_parse(struct words *w, const char *line, struct err *e);
void words_release(struct words *w);
/* Adds a word so that words_parse gives it back, quoted only where needed. */
void words_quote(struct buf *out, const char *word);

#endif
