/* What keeps a hand from doing harm. */
#ifndef TUI_GUARD_H
#define TUI_GUARD_H

#include "tui/app.h"

/* A verb for a host, in a read-only console: -1 with a sentence. */
int guard_verb(const struct app *a, const char *const *words, size_t count, struct err *e);
/* The same for a command of this console. */
int guard_word(const struct app *a, const char *word, struct err *e);
/* A session that goes with its client began here, or has ended. */
void guard_began(struct app *a, const struct host *h, const char *name);
void guard_ended(struct app *a, const struct host *h, const char *name);
void guard_quit(struct app *a); /* asks where that ends sessions */
void guard_release(struct app *a);

#endif
