/* The words of `new` (wire/new.def) as this side needs them: help, manual, form, profiles. */
#ifndef TUI_NEW_WORD_H
#define TUI_NEW_WORD_H

#include <stdbool.h>
#include <stddef.h>

enum new_takes {
	NEW_NOTHING, /* stands alone */
	NEW_VALUE,   /* takes the next word, whatever it is */
	NEW_REST,    /* takes all up to the next of these words, or the end */
};

struct new_word {
	const char *name;
	enum new_takes takes;
	const char *argument; /* "F", "N|TIME|SIZE"; "" for NEW_NOTHING */
	const char *summary;
};

/* In the order of the list; NULL past its end. */
const struct new_word *new_word_at(size_t i);
const struct new_word *new_word_find(const char *name); /* NULL: none of them */

#endif
