/* Taking values out of the words of `new`. Included by the files that read them: spec.c,
 * spec_capture.c, spec_files.c. */
#ifndef AGENT_SPEC_TAKE_H
#define AGENT_SPEC_TAKE_H

#include "spec.h"

/* The words that are still to be read. */
struct taker {
	const struct str *word;
	size_t count, next;
	const char *key; /* whose value is read */
};

typedef int spec_take_fn(struct spec *s, struct taker *t, struct err *e);

/* The next word as the key's value. */
int take_value(struct taker *t, struct str *value, struct err *e);
int take_number(struct taker *t, uint64_t low, uint64_t high, uint64_t *number, struct err *e);
/* At least a second. */
int take_duration(struct taker *t, struct str v, int64_t *ns, struct err *e);
/* "7" a number, "7d" a time, "7M" "7MB" bytes: the one of its kind. */
int take_limit(struct taker *t, struct spec_limits *limits, struct err *e);
/* One of the words of the list (ended by NULL); which. */
int take_choice(struct taker *t, const char *const *choices, unsigned *which, struct err *e);
/* The next word as a text of at most `most` bytes, owned by *text. */
int take_text(struct taker *t, size_t most, char **text, struct err *e);
/* Everything up to the next key, joined: a filter. An empty one is an error. */
int take_rest(struct taker *t, char **text, struct err *e);
bool spec_is_word(struct str name);

/* take_<id> of each word of wire/new.def. */
#define W(id, name, takes, argument, summary) spec_take_fn take_##id;
#include "wire/new.def"
NEW_WORDS(W)
#undef W

#endif
