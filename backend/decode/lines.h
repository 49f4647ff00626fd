/* Inside of decode: protocols that speak in lines of text. */
#ifndef DECODE_LINES_H
#define DECODE_LINES_H

#include "view.h"

#define LINES_MAX 100u /* lines in the tree */

/* The next line without its end; false at the end of what is here. */
bool line_next(struct cursor *c, struct str *line);
/* A line that ends in what is here; false (and nothing moves) when it does not. */
bool line_whole(struct cursor *c, struct str *line);
/* The beginning of a line, escaped. */
void line_add(struct buf *out, struct str line);
/* The first word of the line, and the line goes on behind the blanks that follow it. */
struct str line_word(struct str *line);
bool line_printable(struct str line); /* not empty, and ASCII without controls */
bool line_has(struct str line, const char *text); /* anywhere in it, whatever the case */
/* Whether the word stands in a list of capitals like " USER PASS ", whatever its own case. */
bool word_in(struct str word, const char *list);
/* A reply's three digits and its blank or hyphen (RFC 5321 4.2, RFC 959 4.2); 0 if it is none. */
unsigned line_reply(struct str line);

#endif
