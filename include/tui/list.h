/* The generic table widget: draws any table that a feed brings. It knows columns by width, sort, filter, search, tags,
 * freezing the order, paging through millions of rows, and copying. A pane gives it its commands first or last. */
#ifndef TUI_LIST_H
#define TUI_LIST_H

#include "tui/canvas.h"
#include "tui/feed.h"
#include "tui/pane.h"

#define LIST_TAGS_MAX 4096u /* rows that can be tagged */

/* How a column is shown. Columns of the table without a row here are not shown, but can be filtered and searched. */
struct list_column {
	const char *name;  /* the table's */
	const char *title; /* header; NULL: the name in capitals */
	int width;	   /* columns wanted; 0: by kind */
	int priority;	   /* 0: always shown; 1, 2, 3...: the first to go is the highest */
	bool stretch;	   /* shares the room that is left; `width` is the least it gets */
	bool made;	   /* of the pane's own making (`cell`): no column of the table, never asked for or sorted by */
};

struct list;

struct list_spec {
	const char *table;
	const char *const *words; /* the table's arguments; copied */
	size_t nwords;
	const struct list_column *column; /* static data; ncolumns 0: all columns of the table by kind */
	size_t ncolumns;
	bool whole;	     /* asks for all columns of the table; those of `column` that a host does not have are left out */
	const char *also;    /* further columns to ask for, joined by commas: for styles and Enter. May be NULL */
	const char *key;     /* the column that names a row for good ("id", "name", "number") */
	const char *sort;    /* "[-]column" or "" */
	const char *filter;  /* to start with; may be NULL */
	const char *bpf;     /* may be NULL */
	uint32_t period_ms;  /* 0: once (files); else how often it is asked */
	uint32_t flags;	     /* enum query_flag */
	const char *empty;   /* the sentence where there is no row: says what to do next */
	bool follow;	     /* starts at the end and stays there (G) */
	bool headless;	     /* no line of column titles */
	/* A row's style (STYLE_NORMAL: none), a cell's own text, signs that carry meaning without colour. Any may be NULL. */
	enum style (*row_style)(void *arg, const struct window *w, uint32_t row);
	/* true: `out` holds the text instead of the value's own. */
	bool (*cell)(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style);
	/* The selection or the window changed. */
	void (*changed)(void *arg, struct list *l);
	void *arg;
};

/* Over p->host and p->target. Asks when it is first drawn (it knows its size then). */
struct list *list_new(struct pane *p, const struct list_spec *s);
/* The same over what the host itself serves, whatever the pane's target is. */
struct list *list_new_host(struct pane *p, const struct list_spec *s);
struct list *list_new_local(struct pane *p, const struct list_spec *s, const struct table *t);
void list_free(struct list *l); /* NULL is fine */

extern const struct pane_word list_words[]; /* its commands; ends with a NULL name */

void list_draw(struct list *l, struct area a, bool focused);
/* A command of list_words, but `select`, which is the pane's. REACT_NONE: none of these. An error is in *e. */
unsigned list_command(struct list *l, int count, char **word, struct err *e);
/* "1,204 rows  sort: rate v  filter: rtt>50ms  12 tagged  35 % read" */
void list_status(const struct list *l, struct buf *out);
/* A second passed, or the model of a local list changed. */
void list_update(struct list *l);
void list_again(struct list *l);

struct feed *list_feed(struct list *l);
bool list_has_row(const struct list *l); /* a row is selected and here */
bool list_ready(struct list *l);	 /* the same for who wants to open it: rows that are still on their way are spoken of */
/* Of the selected row; null where there is none or the column was not asked for. Borrowed until the next window. */
struct value list_value(const struct list *l, const char *column);
/* Raw text of it ("" for null), as commands and filters want it; owned by the caller. */
char *list_text(const struct list *l, const char *column);
uint32_t list_row(const struct list *l);			    /* of the selection in the window */
size_t list_tagged(const struct list *l);
const char *list_tag(const struct list *l, size_t i);		    /* raw text of the key column */
/* Selects the row whose key column has this raw text, fetched where it is not here. */
void list_select(struct list *l, const char *key);
void list_goto(struct list *l, uint64_t place);			    /* by place in the order shown */
void list_set_filter(struct list *l, const char *filter);
void list_set_bpf(struct list *l, const char *bpf);
const char *list_bpf(const struct list *l);
uint64_t list_top(const struct list *l); /* place of the first row that is drawn */
void list_set_words(struct list *l, const char *const *words, size_t nwords); /* another packet, another connection */
const char *list_filter(const struct list *l);
const char *list_sort(const struct list *l);
void list_set_sort(struct list *l, const char *sort); /* "[-]column"; "": as the rows come */
/* A text as a value of the filter language. */
void filter_quote(struct buf *out, const char *raw);

#endif
