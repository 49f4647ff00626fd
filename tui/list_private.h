/* The list widget's own: places are positions in the order shown (0: the first row of the table after its filter); rows
 * are indexes into the window that is here. */
#ifndef TUI_LIST_PRIVATE_H
#define TUI_LIST_PRIVATE_H

#include "hub.h"
#include "table/filter.h"
#include "tui/app.h"
#include "tui/list.h"

#define LIST_WINDOW_ROWS 512u /* asked of a file at once */
#define LIST_FROZEN_MAX 256u  /* rows kept in their places; filter.h's longest `in` */
#define LIST_COLUMNS_MAX TABLE_COLUMNS_MAX
#define LIST_SEARCH_MAX 256u  /* bytes */

/* A column as it is drawn now. */
struct list_shown {
	const struct list_column *column;
	int index; /* in the window */
	int x, width;
	bool right;
};

enum find_step { FIND_NONE, FIND_COUNT, FIND_BEFORE, FIND_ROW, FIND_PLACE };

/* A row that is looked for in what is not here: questions one after another, each counts rows or brings one. */
struct list_find {
	struct feed *feed;
	enum find_step step;
	int direction;	  /* of a search: 1 next, -1 previous, 0: from here on */
	char *match;	  /* expression of the search; NULL: by key */
	char *key;	  /* the row that was found */
	uint64_t matches; /* rows that match */
	uint64_t at;	  /* number of the match that is selected, from 0 */
	bool counted;
};

struct list {
	struct app *app;
	struct list_spec spec;
	char **words;
	struct list_column *own; /* made from the window where the spec has no columns */
	size_t nown;
	struct feed *feed;
	struct feed_link link;
	char *target;
	bool local;
	struct table table;

	struct feed *check; /* of the filter that is typed now; NULL: none */
	char *filter, *bpf, *sort;
	char *filter_before, *bpf_before; /* go back in force when the new one is refused */
	uint64_t top, cursor;
	char *selected; /* raw text of the key of the selected row; NULL: none yet */
	bool touched;	/* the user moved: the selection follows its row */
	bool follow;
	int height;	/* rows that were last drawn, without the header */
	uint64_t asked_first;
	uint32_t asked_count;
	bool asked, again;

	struct list_shown shown[LIST_COLUMNS_MAX];
	int nshown;
	int skip;	/* columns scrolled out at the left */
	int cell;	/* index into the column list of the cell cursor; -1: the whole row */

	char **tag;
	size_t ntags;

	bool frozen;
	char **frozen_key;
	int *frozen_row;
	size_t nfrozen;

	char search[LIST_SEARCH_MAX];
	struct list_find find;
};

/* list.c */
struct list *list_new_on(struct app *a, const struct list_spec *s, const struct feed_link *link, const char *target);
const struct list_column *list_columns(const struct list *l, size_t *count);
uint64_t list_total(const struct list *l);
bool list_grows(const struct list *l); /* rows may come at its end */
int list_row_at(const struct list *l, uint64_t place); /* -1: not here */
bool list_awaits(const struct list *l); /* rows may come that were asked for */
char *list_key_of(const struct list *l, uint32_t row); /* raw; owned by the caller */
void list_ask(struct list *l);	/* the window around the view, if it is not asked for yet */
void list_ask_new(struct list *l); /* the question itself changed */
void list_move(struct list *l, uint64_t place);
void list_show(struct list *l); /* scrolls so that the selection is seen */
struct value list_cell(const struct list *l, uint32_t row, const char *column);

/* list_freeze.c, list_find.c */
void list_freeze_filter(const struct list *l, struct buf *out);
void list_search(struct list *l, const char *text, int direction);
void list_find_key(struct list *l, const char *key);
void list_find_release(struct list *l);
bool list_row_matches(const struct list *l, uint32_t row);
void list_freeze(struct list *l, bool frozen);
void list_freeze_rows(struct list *l); /* a window came */

/* list_check.c: `arg` is the list */
int list_check(void *arg, const char *text, struct err *e); /* never fails: prompt_say tells later */
void list_check_end(void *arg);

/* list_draw.c */
void list_layout(struct list *l, int width);

#endif
