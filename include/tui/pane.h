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

struct pane_type {
	const char *name;    /* "connections": also the key context and a word of the `open` command */
	const char *title;
	const char *summary; /* for help and manual */
	char tab;	     /* '1' to '6': where it lives */
	size_t size;	     /* of its own struct, which begins with struct pane */
	/* `argument`: what it shows ("session:web", "file:/x.pcap", "N"). Starts its queries. */
	int (*open)(struct pane *p, const char *argument, struct err *e);
	void (*close)(struct pane *p);
	/* Data came, a second passed, the size changed: bring the model up to date. May be NULL. */
	void (*update)(struct pane *p);
	void (*draw)(struct pane *p, struct area a, bool focused);
	/* A command of its key context, or one that is for every pane ("down", "page-down", "sort", "filter TEXT", "search TEXT",
	 * "select", "tag", "copy", "pause" ...): see the key table. */
	unsigned (*command)(struct pane *p, int count, char **word, struct err *e);
	/* The line under the tabs: what is shown, filter, sort, state. */
	void (*status)(struct pane *p, struct buf *out);
};

struct pane {
	const struct pane_type *type;
	struct app *app;
	struct host *host;   /* whose tables */
	char *target;	     /* the OPEN target of them, "" for the host itself */
	uint32_t channel;    /* bound to it, 0 for the host itself */
	struct pane *below;  /* on the tab's stack */
	bool dirty;
};

extern const struct pane_type *const pane_types[]; /* ends with NULL */

#endif
