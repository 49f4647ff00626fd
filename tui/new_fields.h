/* The fields of the form for a new session, one a word of `new`: texts to words and back. */
#ifndef TUI_NEW_FIELDS_H
#define TUI_NEW_FIELDS_H

#include "tui/form.h"

#define NEW_FIELDS_MAX 40

/* The row of a word in the form. */
struct new_field {
	const char *word, *section, *label;
	const char *choices; /* lines: one of them; "" stands for the usual; NULL: a text, or a tick where the word stands alone */
	const char *yes, *no; /* a tick that says one of two values; else NULL */
	const char *between; /* several values: what stands between them in the field; NULL: one */
	const char *history;
	const char *hint; /* NULL: the word's summary */
	int width;
};

/* Those that are not basic, section by section; NULL past the end. The basic ones (name, host, devices, filter, do) are the form's own. */
const struct new_field *new_field_at(size_t i);
#define NEW_SECTIONS "basic\nfiles\nends\ncapture\nwatch\nother"

/* Texts that are the caller's. */
struct new_words {
	char **word;
	size_t count;
};
void new_words_add(struct new_words *w, const char *word);
void new_words_release(struct new_words *w);
/* "new NAME device D filter F record ...": what the form says. `host`: with `on HOST` where it is another one. */
void new_words_make(const struct form *f, bool host, struct new_words *w);
/* The other way round: all fields but name and device take what the words say, or what is usual. */
void new_words_show(struct form *f, int count, char *const *word);

#endif
