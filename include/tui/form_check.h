/* A question to a host about what is typed into a form: asked when the typing rests, and only the answer to the newest counts. */
#ifndef TUI_FORM_CHECK_H
#define TUI_FORM_CHECK_H

#include <stddef.h>

#include "base/err.h"
#include "tui/form.h"
#include "tui/hosts.h"

struct form_check;

/* The answer: e->code ERR_NONE and a note, or why not. */
typedef void (*form_check_fn)(void *arg, const struct err *e, const char *note);

struct form_check *form_check_new(struct app *a, form_check_fn answered, void *arg);
/* The form is gone: no call of `answered` comes after it. NULL is fine. */
void form_check_free(struct form_check *c);
/* Asks, rest_ms from now; a question that was asked before is void. Words are copied. */
void form_check_ask(struct form_check *c, struct host *h, const char *const *words, size_t count, unsigned rest_ms);
void form_check_drop(struct form_check *c); /* nothing is asked any more */
/* As most fields say it: the sentence with its caret, or the note ("ok" where there is none). */
void form_check_say(struct form *f, const char *field, const struct err *e, const char *note);

#endif
