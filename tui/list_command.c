/* What a list does with its commands. */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "list_private.h"

#define COPY_MAX (64u * 1024)

const struct pane_word list_words[] = {
	{"up", "", "one row up"},
	{"down", "", "one row down"},
	{"left", "", "the cell to the left; scrolls sideways"},
	{"right", "", "the cell to the right; scrolls sideways"},
	{"page-up", "", "a page up"},
	{"page-down", "", "a page down"},
	{"half-up", "", "half a page up"},
	{"half-down", "", "half a page down"},
	{"first", "", "the first row"},
	{"last", "", "the last row, and stays at the end as rows come"},
	{"select", "", "one level down: opens the row"},
	{"search", "[TEXT]", "finds rows with this text"},
	{"search-next", "", "the next row that matches"},
	{"search-previous", "", "the row before that matches"},
	{"filter", "[EXPRESSION]", "shows only these rows; empty: all"},
	{"filter-cell", "", "only rows with the value under the cursor"},
	{"exclude-cell", "", "no rows with the value under the cursor"},
	{"sort", "[[-]COLUMN]", "orders the rows; - is descending"},
	{"sort-next", "", "sorts by the column to the right"},
	{"sort-previous", "", "sorts by the column to the left"},
	{"invert", "", "turns the order round"},
	{"tag", "", "marks the row, or takes the mark away"},
	{"untag", "", "takes all marks away"},
	{"freeze", "", "rows keep their places while values move"},
	{"goto", "[KEY]", "the row of this number or name"},
	{"copy", "", "copies the row"},
	{"copy-cell", "", "copies the value under the cursor"},
	{0},
};

/* --- moving --- */

static void move_by(struct list *l, int64_t rows)
{
	uint64_t total = list_total(l);
	uint64_t place;

	if (total == 0)
		return;
	if (rows < 0)
		place = l->cursor > (uint64_t)-rows ? l->cursor - (uint64_t)-rows : 0;
	else
		place = l->cursor + (uint64_t)rows < total ? l->cursor + (uint64_t)rows : total - 1;
	list_move(l, place);
}

static bool column_is_shown(const struct list *l, const struct list_column *c)
{
	for (int i = 0; i < l->nshown; i++) {
		if (l->shown[i].column == c)
			return true;
	}
	return false;
}

static void move_cell(struct list *l, int step)
{
	size_t n;
	const struct list_column *column = list_columns(l, &n);
	int cell = l->cell + step;

	if (cell < -1 || cell >= (int)n)
		return;
	l->cell = cell;
	if (cell < 0) {
		l->skip = 0;
		return;
	}
	while (step > 0 && !column_is_shown(l, &column[cell]) && l->skip < cell) {
		l->skip++;
		list_layout(l, l->shown[l->nshown - 1].x + l->shown[l->nshown - 1].width + 1);
	}
	if (step < 0 && !column_is_shown(l, &column[cell]) && l->skip > 0)
		l->skip = 0;
}

static bool command_move(struct list *l, const char *word)
{
	int page = l->height > 1 ? l->height - 1 : 1;

	if (strcmp(word, "up") == 0)
		move_by(l, -1);
	else if (strcmp(word, "down") == 0)
		move_by(l, 1);
	else if (strcmp(word, "page-up") == 0)
		move_by(l, -page);
	else if (strcmp(word, "page-down") == 0)
		move_by(l, page);
	else if (strcmp(word, "half-up") == 0)
		move_by(l, -(page + 1) / 2);
	else if (strcmp(word, "half-down") == 0)
		move_by(l, (page + 1) / 2);
	else if (strcmp(word, "first") == 0)
		list_move(l, 0);
	else if (strcmp(word, "left") == 0)
		move_cell(l, -1);
	else if (strcmp(word, "right") == 0)
		move_cell(l, 1);
	else
		return false;
	return true;
}

static void move_last(struct list *l)
{
	list_move(l, UINT64_MAX);
	l->follow = list_grows(l);
}

/* --- sorting --- */

/* Numbers begin with the largest: that is what one looks for. */
static void sort_by(struct list *l, const char *column)
{
	const struct window *w = feed_window(l->feed);
	int index = window_column(w, column);
	enum kind k = index >= 0 ? w->columns[index].kind : KIND_TEXT;
	bool down = k != KIND_TEXT && k != KIND_ADDR && k != KIND_PORT && k != KIND_TIME && k != KIND_FLOW;
	char *sort = xasprintf("%s%s", down && strcmp(column, l->spec.key) != 0 ? "-" : "", column);

	list_set_sort(l, sort);
	free(sort);
}

static int sort_index(const struct list *l)
{
	size_t n;
	const struct list_column *column = list_columns(l, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(column[i].name, l->sort + (l->sort[0] == '-')) == 0)
			return (int)i;
	}
	return -1;
}

static void sort_step(struct list *l, int step)
{
	size_t n;
	const struct list_column *column = list_columns(l, &n);
	int at = sort_index(l);

	if (n > 0)
		at = (at < 0 ? (step > 0 ? 0 : (int)n - 1) : at + step + (int)n) % (int)n;
	for (size_t i = 0; i < n && column[at].made; i++)
		at = (at + step + (int)n) % (int)n;
	if (n > 0 && !column[at].made)
		sort_by(l, column[at].name);
}

static void sort_invert(struct list *l)
{
	char *sort = l->sort[0] == '-' ? xstrdup(l->sort + 1) : xasprintf("-%s", l->sort[0] ? l->sort : l->spec.key);

	list_set_sort(l, sort);
	free(sort);
}

static void sort_chosen(void *arg, size_t index)
{
	struct list *l = arg;
	size_t n;
	const struct list_column *column = list_columns(l, &n);

	if (index < n)
		sort_by(l, column[index].name);
}

static void sort_menu(struct list *l)
{
	const char *item[LIST_COLUMNS_MAX];
	size_t n;
	const struct list_column *column = list_columns(l, &n);
	int at = sort_index(l);

	while (n > 0 && column[n - 1].made) /* they stand at the end */
		n--;
	for (size_t i = 0; i < n && i < LIST_COLUMNS_MAX; i++)
		item[i] = column[i].name;
	app_menu(l->app, "Sort by", item, n, at > 0 ? (size_t)at : 0, sort_chosen, l);
}

/* --- filter and search --- */

static int filter_accept(void *arg, const char *text, struct err *e)
{
	(void)e;
	list_set_filter(arg, text);
	return 0;
}

static int search_accept(void *arg, const char *text, struct err *e)
{
	(void)e;
	list_search(arg, text, 0);
	return 0;
}

static void filter_complete(void *arg, const char *text, size_t at, struct buf *out)
{
	const struct list *l = arg;
	const struct window *w = feed_window(l->feed);
	size_t from = at;

	while (from > 0 && (text[from - 1] == '_' || (text[from - 1] >= 'a' && text[from - 1] <= 'z')))
		from--;
	for (unsigned i = 0; i < w->ncolumns && at > from; i++) {
		if (strncmp(w->columns[i].name, text + from, at - from) == 0)
			buf_printf(out, "%s\n", w->columns[i].name);
	}
}

static void list_prompt(struct list *l, bool filter)
{
	const struct prompt_spec s = {
		.label = filter ? "filter: " : "search: ",
		.text = filter ? l->filter : "",
		.history = filter ? "filter" : "search",
		.check = filter ? list_check : NULL,
		.later = filter,
		.complete = filter ? filter_complete : NULL,
		.accept = filter ? filter_accept : search_accept,
		.closed = filter ? list_check_end : NULL,
		.arg = l,
	};

	app_prompt(l->app, &s);
}

static int goto_accept(void *arg, const char *text, struct err *e)
{
	(void)e;
	if (*text)
		list_find_key(arg, text);
	return 0;
}

static void goto_prompt(struct list *l)
{
	char *label = xasprintf("go to the row whose %s is: ", l->spec.key);

	app_prompt(l->app, &(struct prompt_spec){.label = label, .text = "", .history = "goto", .accept = goto_accept, .arg = l});
	free(label);
}

static void join_words(struct buf *out, int count, char **word)
{
	for (int i = 1; i < count; i++)
		buf_printf(out, "%s%s", i > 1 ? " " : "", word[i]);
}

static void filter_cell(struct list *l, bool exclude)
{
	size_t n;
	const struct list_column *column = list_columns(l, &n);
	const char *name = l->cell >= 0 && (size_t)l->cell < n ? column[l->cell].name : l->spec.key;
	char *raw = list_text(l, name);
	struct buf out;

	buf_init(&out, FILTER_TEXT_MAX);
	if (l->filter[0])
		buf_printf(&out, "(%s) and ", l->filter);
	if (raw[0]) {
		buf_printf(&out, "%s %s ", name, exclude ? "!=" : "==");
		filter_quote(&out, raw);
	} else {
		buf_printf(&out, "%s%s", exclude ? "" : "not ", name);
	}
	if (list_has_row(l))
		list_set_filter(l, buf_str(&out));
	buf_release(&out);
	free(raw);
}

static bool command_find(struct list *l, int count, char **word)
{
	struct buf text;

	buf_init(&text, FILTER_TEXT_MAX);
	join_words(&text, count, word);
	if (strcmp(word[0], "filter") == 0 && count == 1)
		list_prompt(l, true);
	else if (strcmp(word[0], "filter") == 0)
		list_set_filter(l, buf_str(&text));
	else if (strcmp(word[0], "search") == 0 && count == 1)
		list_prompt(l, false);
	else if (strcmp(word[0], "search") == 0)
		list_search(l, buf_str(&text), 0);
	else if (strcmp(word[0], "search-next") == 0)
		list_search(l, NULL, 1);
	else if (strcmp(word[0], "search-previous") == 0)
		list_search(l, NULL, -1);
	else if (strcmp(word[0], "filter-cell") == 0)
		filter_cell(l, false);
	else if (strcmp(word[0], "exclude-cell") == 0)
		filter_cell(l, true);
	else if (strcmp(word[0], "goto") == 0 && count == 1)
		goto_prompt(l);
	else if (strcmp(word[0], "goto") == 0)
		list_find_key(l, buf_str(&text));
	else
		count = 0;
	buf_release(&text);
	return count > 0;
}

/* --- tags, copies --- */

static void tag_row(struct list *l)
{
	char *key;
	size_t i;

	if (!list_has_row(l))
		return;
	key = list_key_of(l, list_row(l));
	for (i = 0; i < l->ntags && strcmp(l->tag[i], key) != 0; i++)
		;
	if (i < l->ntags) {
		free(l->tag[i]);
		free(key);
		l->tag[i] = l->tag[--l->ntags];
	} else if (l->ntags >= LIST_TAGS_MAX) {
		app_toast(l->app, SEVERITY_WARN, "no more than %u rows can be tagged", LIST_TAGS_MAX);
		free(key);
	} else {
		l->tag = xreallocarray(l->tag, l->ntags + 1, sizeof(*l->tag));
		l->tag[l->ntags++] = key;
	}
	move_by(l, 1);
}

static void untag_all(struct list *l)
{
	for (size_t i = 0; i < l->ntags; i++)
		free(l->tag[i]);
	l->ntags = 0;
}

static void copy_row(struct list *l)
{
	const struct window *w = feed_window(l->feed);
	struct buf out;

	buf_init(&out, COPY_MAX);
	for (unsigned i = 0; i < w->ncolumns && list_has_row(l); i++) {
		struct value v = window_cell(w, list_row(l), (int)i);
		if (i)
			buf_add_byte(&out, '\t');
		value_print_raw(&out, w->columns[i].kind, &v);
	}
	if (out.len)
		app_copy(l->app, buf_str(&out));
	buf_release(&out);
}

static void copy_cell(struct list *l)
{
	size_t n;
	const struct list_column *column = list_columns(l, &n);
	char *raw = list_text(l, l->cell >= 0 && (size_t)l->cell < n ? column[l->cell].name : l->spec.key);

	if (raw[0])
		app_copy(l->app, raw);
	free(raw);
}

static void toggle_freeze(struct list *l)
{
	bool on = !l->frozen;
	uint64_t cursor = l->cursor;

	list_freeze(l, on);
	if (!on)
		l->cursor = l->top = cursor;
	list_ask_new(l);
}

static bool command_row(struct list *l, const char *word)
{
	if (strcmp(word, "tag") == 0)
		tag_row(l);
	else if (strcmp(word, "untag") == 0)
		untag_all(l);
	else if (strcmp(word, "freeze") == 0)
		toggle_freeze(l);
	else if (strcmp(word, "copy") == 0)
		copy_row(l);
	else if (strcmp(word, "copy-cell") == 0)
		copy_cell(l);
	else if (strcmp(word, "last") == 0)
		move_last(l);
	else
		return false;
	return true;
}

static int command_sort(struct list *l, int count, char **word, struct err *e)
{
	const char *name;

	if (strcmp(word[0], "invert") == 0) {
		sort_invert(l);
	} else if (strcmp(word[0], "sort-next") == 0) {
		sort_step(l, 1);
	} else if (strcmp(word[0], "sort-previous") == 0) {
		sort_step(l, -1);
	} else if (count == 1) {
		sort_menu(l);
	} else {
		name = word[1] + (word[1][0] == '-');
		if (feed_serial(l->feed) > 0 && window_column(feed_window(l->feed), name) < 0)
			return err_set(e, ERR_CALL, "there is no column '%s' here; F6 lists them", name);
		list_set_sort(l, word[1]);
	}
	return 0;
}

unsigned list_command(struct list *l, int count, char **word, struct err *e)
{
	if (strncmp(word[0], "sort", 4) == 0 || strcmp(word[0], "invert") == 0)
		return command_sort(l, count, word, e) < 0 ? REACT_DONE : REACT_DRAW;
	if (command_move(l, word[0]) || command_find(l, count, word) || command_row(l, word[0]))
		return REACT_DRAW;
	return REACT_NONE;
}
