/* Profiles: words of `new` under a name, in tapdeck.conf (`profile NAME WORDS`). They are put in place here, before anything
 * is sent: a host knows nothing of them. */
#ifndef TUI_PROFILE_H
#define TUI_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define PROFILES_MAX 256u
#define PROFILE_NAME_MAX 64u

struct profiles;

struct profiles *profiles_new(void);
void profiles_free(struct profiles *p); /* NULL is fine */
/* `words`: those of `new`, as words_quote writes them; takes the place of an earlier one of that name. */
int profiles_set(struct profiles *p, const char *name, const char *words, struct err *e);
const char *profiles_find(const struct profiles *p, const char *name); /* its words; NULL: none of that name */
bool profiles_at(const struct profiles *p, size_t i, const char **name, const char **words); /* in the order they came */
/* Those of tapdeck.conf; lines that are wrong are left to the console to tell. */
int profiles_load(struct profiles *p, struct err *e);
/* Puts it into tapdeck.conf, where an earlier one of that name stood or at the end. */
int profiles_save(const char *name, const char *words, struct err *e);
/* The words of a command with each `profile NAME` behind its second word replaced; a list of its own, ended by NULL, freed
 * with profile_words_free. NULL with a sentence. */
char **profile_expand(const struct profiles *p, int *count, char *const *word, struct err *e);
void profile_words_free(char **word);

#endif
