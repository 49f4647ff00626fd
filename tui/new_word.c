#include "tui/new_word.h"

#include <string.h>

#include "base/xalloc.h"
#include "wire/new.def"

#define NOTHING NEW_NOTHING
#define VALUE NEW_VALUE
#define REST NEW_REST

static const struct new_word table[] = {
#define W(id, name, takes, argument, summary) {name, takes, argument, summary},
	NEW_WORDS(W)
#undef W
};

const struct new_word *new_word_at(size_t i)
{
	return i < ARRAY_LEN(table) ? &table[i] : NULL;
}

const struct new_word *new_word_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
