/* A line of text being edited: readline's keys, a history. */
#ifndef TUI_EDIT_H
#define TUI_EDIT_H

#include <stdbool.h>

#include "tui/canvas.h"

#define EDIT_TEXT_MAX 4096 /* bytes */

struct history;

struct edit {
	char *text; /* ended by 0; printable UTF-8 only */
	size_t len, at; /* bytes */
	size_t shown;	/* first byte that is drawn */
	struct history *history; /* borrowed; may be NULL */
	int back;		 /* entries back in the history, 0: what is typed */
	char *typed;		 /* kept while the history is looked through */
};

void edit_init(struct edit *ed, const char *text, struct history *h);
void edit_release(struct edit *ed);
void edit_set(struct edit *ed, const char *text);
void edit_insert(struct edit *ed, struct str text); /* at the cursor; what is not printable is left out */
/* true: the key was one of editing. *changed: the text is another. */
bool edit_key(struct edit *ed, const char *key, bool *changed);
/* Draws it in width columns at x, y; returns the cursor's column. */
int edit_draw(struct edit *ed, struct area a, int x, int y, int width, enum style style, bool focused);
/* The column at which byte `at` of the text is drawn, from x. */
int edit_column(const struct edit *ed, size_t at);

#define HISTORY_ENTRIES_MAX 200

/* `path` NULL: kept in memory alone. A file that cannot be read or written is no error: the history is a help. */
struct history *history_open(const char *path);
void history_free(struct history *h);
void history_add(struct history *h, const char *line);
const char *history_at(const struct history *h, int back); /* 1: the last; NULL past the first */

#endif
