/* Panes: each draws tables on a canvas; one file each in tui/pane, one row each in tui/pane/all.c. */
#ifndef TUI_PANE_H
#define TUI_PANE_H

#include <stdbool.h>

#include "table/row.h"
#include "tui/canvas.h"
#include "tui/hosts.h"

struct app;
struct pane;

/* What must happen next: bits. */
enum reaction {
	REACT_NONE = 0, /* the key was not ours */
	REACT_DONE = 1, /* ours, nothing to draw */
	REACT_DRAW = 2,
	REACT_BACK = 4, /* take this pane off the tab's stack */
};

/* A command of a pane, for help, palette and completion; pane_type.command runs it. */
struct pane_word {
	const char *name;
	const char *words; /* "[TEXT]" */
	const char *summary;
};

struct pane_type {
	const char *name;    /* "connections": also the key context and a word of the `open` command */
	const char *title;
	const char *summary; /* for help and manual */
	char tab;	     /* '1' to '6': where it lives */
	size_t size;	     /* of its own struct, which begins with struct pane */
	bool root;	     /* opened, without target and argument, where its tab is empty */
	bool list;	     /* takes the commands and keys of a list (tui/list.h) */
	const struct pane_word *words; /* its own commands; ends with a NULL name; may be NULL */
	const char *acts; /* those that change something, joined by blanks: a read-only console has none of them; may be NULL */
	/* p's fields are set, the rest is zero. Starts its queries. -1: close is not called. */
	int (*open)(struct pane *p, struct err *e);
	void (*close)(struct pane *p);
	/* Data came, a second passed, the size changed: bring the model up to date. May be NULL. */
	void (*update)(struct pane *p);
	void (*draw)(struct pane *p, struct area a, bool focused);
	/* One of `words`, of list_words (where `list`; hand them to list_command), or "next-part", "previous-part" (Tab),
	 * "cancel" (Esc: stop reading; REACT_NONE: there was nothing to stop). An error in *e becomes a toast. */
	unsigned (*command)(struct pane *p, int count, char **word, struct err *e);
	/* The line under the tabs: what is shown, filter, sort, state. May be NULL. */
	void (*status)(struct pane *p, struct buf *out);
	/* What it is called on the path: "web", "connection 377". NULL: the title. */
	void (*name_of)(struct pane *p, struct buf *out);
	/* Of a pane without a target: another view of what its row is. 1: opened; 0: no row is anything to view. May be NULL. */
	int (*view_row)(struct pane *p, const char *pane, struct err *e);
};

struct pane {
	const struct pane_type *type;
	struct app *app;
	struct host *host;   /* whose tables */
	char *target;	     /* the OPEN target of them, "" for the host itself */
	char *argument;	     /* what of it: "N", "N.M", ""; a pane may replace it (it is freed with the pane) */
	struct pane *below;  /* on the tab's stack */
};

extern const struct pane_type *const pane_types[]; /* ends with NULL */
const struct pane_type *pane_find(const char *name); /* NULL: none */

#endif
