/* The key table: dispatch, function bar, help, palette and the manual's tables come from it. */
#ifndef TUI_KEY_H
#define TUI_KEY_H

#include <stddef.h>
#include <stdbool.h>

#include "base/err.h"

struct keymap;

struct key {
	const char *context; /* "" everywhere, "list" every pane with a list, else a pane's name */
	const char *key;     /* "a" "A" "f5" "ctrl-p" "page-down" "space" "enter" "escape" ... */
	const char *command; /* in the command language */
	const char *label;   /* short, for the function bar; "" keeps it off the bar */
};

extern const struct key key_table[]; /* ends with a NULL key */

/* The table and what the configuration file binds over it. */
struct keymap *keymap_new(void);
void keymap_free(struct keymap *m);
/* `command` "" takes the key away. Copies. Error: no such key name. */
int keymap_bind(struct keymap *m, const char *context, const char *key, const char *command, struct err *e);
/* What a key does in a pane: its own context, then "list" where `list`, then everywhere. NULL: nothing. */
const struct key *keymap_key(const struct keymap *m, const char *context, bool list, const char *key);
/* All that are bound, in table order, own ones first; false past the end. */
bool keymap_at(const struct keymap *m, size_t i, struct key *k);
/* The keys of a command there, for menus: "F5 c". Writes at most size bytes. */
void keymap_keys(const struct keymap *m, const char *context, bool list, const char *command, char *out, size_t size);
bool key_valid(const char *name);
/* As the help prints it: "F5" "Ctrl-P" "PgDn" "Space". */
void key_label(const char *name, char *out, size_t size);

#endif
