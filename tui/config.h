/* The lines of tapdeck.conf. */
#ifndef TUI_CONFIG_H
#define TUI_CONFIG_H

#include "base/err.h"

#define CONFIG_MAX (256u * 1024) /* bytes of the file */

/* Each line, from 1, without its end. A file that is not there has none. */
int config_each(void (*take)(void *arg, const char *path, int number, const char *line), void *arg, struct err *e);
/* Words quoted and joined by blanks, so that words_parse gives them back. Owned by the caller. */
char *words_join_quoted(int count, char *const *word);

#endif
