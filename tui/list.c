#include "tui/list.h"

#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "list_private.h"

#define LIST_PERIOD_MS 1000u /* the period that the option speaks of */

static void list_feed_changed(void *arg, struct feed *f);

static char **words_copy(const char *const *words, size_t n)
{
	char **copy = xcalloc(n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(words[i]);
	return copy;
}

static void words_free(char **words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	free(words);
}

static void text_replace(char **text, const char *with)
{
	char *copy = xstrdup(with ? with : "");

	free(*text);
	*text = copy;
}

static struct list *list_make(struct app *a, const struct list_spec *s)
{
	struct list *l = xcalloc(1, sizeof(*l));

	l->app = a;
	l->spec = *s;
	l->words = words_copy(s->words, s->nwords);
	l->filter = xstrdup(s->filter ? s->filter : "");
	l->bpf = xstrdup(s->bpf ? s->bpf : "");
	l->sort = xstrdup(s->sort ? s->sort : "");
	l->filter_before = xstrdup("");
	l->bpf_before = xstrdup(l->bpf);
	l->follow = s->follow;
	l->cell = -1;
	return l;
}

struct list *list_new_on(struct app *a, const struct list_spec *s, const struct feed_link *link, const char *target)
{
	struct list *l = list_make(a, s);

	l->link = *link;
	l->target = xstrdup(target);
	l->feed = feed_new_on(&a->hub, link, target, list_feed_changed, l);
	return l;
}

struct list *list_new(struct pane *p, const struct list_spec *s)
{
	const struct feed_link link = host_link(p->host);

	return list_new_on(p->app, s, &link, p->target);
}

struct list *list_new_host(struct pane *p, const struct list_spec *s)
{
	const struct feed_link link = host_link(p->host);

	return list_new_on(p->app, s, &link, "");
}

struct list *list_new_local(struct pane *p, const struct list_spec *s, const struct table *t)
{
	struct list *l = list_make(p->app, s);

	l->local = true;
	l->table = *t;
	l->target = xstrdup("");
	l->feed = feed_new_table(&p->app->hub, t, list_feed_changed, l);
	return l;
}

void list_free(struct list *l)
{
	if (!l)
		return;
	app_layer_forget(l->app, l);
	list_find_release(l);
	list_check_end(l);
	list_freeze(l, false);
	feed_free(l->feed);
	words_free(l->words, l->spec.nwords);
	words_free(l->tag, l->ntags);
	free(l->own);
	free(l->target);
	free(l->filter);
	free(l->filter_before);
	free(l->bpf);
	free(l->bpf_before);
	free(l->sort);
	free(l->selected);
	free(l);
}

const struct list_column *list_columns(const struct list *l, size_t *count)
{
	*count = l->spec.ncolumns ? l->spec.ncolumns : l->nown;
	return l->spec.ncolumns ? l->spec.column : l->own;
}

uint64_t list_total(const struct list *l)
{
	return l->frozen ? l->nfrozen : feed_window(l->feed)->total;
}

bool list_grows(const struct list *l)
{
	if (strncmp(l->target, "file:", 5) == 0)
		return feed_serial(l->feed) == 0 || feed_window(l->feed)->state == WINDOW_READING;
	return l->local || l->spec.period_ms > 0;
}

int list_row_at(const struct list *l, uint64_t place)
{
	const struct window *w = feed_window(l->feed);

	if (l->frozen)
		return place < l->nfrozen ? l->frozen_row[place] : -1;
	return place >= w->first && place - w->first < w->rows ? (int)(place - w->first) : -1;
}

struct value list_cell(const struct list *l, uint32_t row, const char *column)
{
	const struct window *w = feed_window(l->feed);

	return window_cell(w, row, window_column(w, column));
}

char *list_key_of(const struct list *l, uint32_t row)
{
	const struct window *w = feed_window(l->feed);
	int column = window_column(w, l->spec.key);
	struct value v = window_cell(w, row, column);
	struct buf out;
	char *key;

	buf_init(&out, EDIT_TEXT_MAX);
	if (column >= 0)
		value_print_raw(&out, w->columns[column].kind, &v);
	key = xstrdup(buf_str(&out));
	buf_release(&out);
	return key;
}

/* --- asking --- */

/* Names of all that is drawn or needed, joined by commas; "": the table's usual ones. */
static void columns_print(const struct list *l, struct buf *out)
{
	if (l->spec.ncolumns == 0 || l->spec.whole)
		return;
	buf_add_str(out, l->spec.key);
	for (size_t i = 0; i < l->spec.ncolumns; i++) {
		if (strcmp(l->spec.column[i].name, l->spec.key) != 0 && !l->spec.column[i].made)
			buf_printf(out, ",%s", l->spec.column[i].name);
	}
	if (l->spec.also && l->spec.also[0])
		buf_printf(out, ",%s", l->spec.also);
}

static uint32_t list_period(const struct list *l)
{
	int64_t option = app_options(l->app)->value[OPTION_PERIOD];

	return (uint32_t)((int64_t)l->spec.period_ms * option / LIST_PERIOD_MS);
}

static void list_send(struct list *l)
{
	struct buf columns, filter;
	struct feed_query q;

	buf_init(&columns, EDIT_TEXT_MAX);
	buf_init(&filter, FILTER_TEXT_MAX);
	columns_print(l, &columns);
	if (l->frozen)
		list_freeze_filter(l, &filter);
	else
		buf_add_str(&filter, l->filter);
	q = (struct feed_query){
		.table = l->spec.table,
		.words = (const char *const *)l->words,
		.nwords = l->spec.nwords,
		.columns = buf_str(&columns),
		.filter = buf_str(&filter),
		.bpf = l->bpf,
		.sort = l->frozen ? l->spec.key : l->sort,
		.first = l->asked_first,
		.count = l->asked_count,
		.period_ms = list_period(l),
		.flags = l->spec.flags,
	};
	l->asked = true;
	feed_ask(l->feed, &q);
	buf_release(&columns);
	buf_release(&filter);
}

/* The rows to have here: a page before and behind the view for live tables, more of files. */
static void list_range(const struct list *l, uint64_t *first, uint32_t *count)
{
	uint32_t page = l->height > 0 ? (uint32_t)l->height : 1;
	uint32_t want = l->spec.period_ms && !l->local ? page * 3 : LIST_WINDOW_ROWS;
	uint32_t before;

	if (want < page * 3)
		want = page * 3;
	before = (want - page) / 2;
	*first = l->top > before ? l->top - before : 0;
	*count = want;
	if (l->frozen) {
		*first = 0;
		*count = LIST_FROZEN_MAX;
	}
}

static bool list_covers(const struct list *l)
{
	uint64_t end = l->top + (uint64_t)(l->height > 0 ? l->height : 1);
	uint64_t total = feed_window(l->feed)->total, asked_end = l->asked_first + l->asked_count;

	if (!l->asked)
		return false;
	if (end > total && feed_serial(l->feed) > 0 && !l->follow)
		end = total > l->top ? total : l->top;
	return l->frozen || (l->top >= l->asked_first && end <= asked_end);
}

void list_ask(struct list *l)
{
	if (!l->again && list_covers(l))
		return;
	l->again = false;
	list_range(l, &l->asked_first, &l->asked_count);
	list_send(l);
}

void list_ask_new(struct list *l)
{
	l->again = true;
	if (l->height > 0)
		list_ask(l);
	app_dirty(l->app);
}

void list_again(struct list *l)
{
	if (l->asked)
		feed_again(l->feed);
}

void list_update(struct list *l)
{
	if (l->local && l->asked)
		feed_again(l->feed);
}

/* --- what comes --- */

static void list_columns_learn(struct list *l)
{
	const struct window *w = feed_window(l->feed);

	if (l->spec.ncolumns || l->nown == w->ncolumns || w->ncolumns > LIST_COLUMNS_MAX)
		return;
	free(l->own);
	l->own = xcalloc(w->ncolumns ? w->ncolumns : 1, sizeof(*l->own));
	l->nown = w->ncolumns;
}

/* The names belong to the window: they are taken anew from each. */
static void list_columns_name(struct list *l)
{
	const struct window *w = feed_window(l->feed);

	for (size_t i = 0; i < l->nown && i < w->ncolumns; i++)
		l->own[i] = (struct list_column){.name = w->columns[i].name, .priority = i ? (int)i : 0,
						 .stretch = i + 1 == w->ncolumns};
}

static void list_follow_key(struct list *l)
{
	const struct window *w = feed_window(l->feed);
	int row = list_row_at(l, l->cursor);
	char *key = row >= 0 ? list_key_of(l, (uint32_t)row) : NULL;
	bool same = key && l->selected && strcmp(key, l->selected) == 0;

	free(key);
	if (same || l->frozen || !l->selected)
		return;
	for (uint32_t i = 0; i < w->rows; i++) {
		key = list_key_of(l, i);
		same = strcmp(key, l->selected) == 0;
		free(key);
		if (same) {
			l->cursor = w->first + i;
			return;
		}
	}
}

static void list_select_here(struct list *l)
{
	int row = list_row_at(l, l->cursor);

	if (row < 0)
		return;
	free(l->selected);
	l->selected = list_key_of(l, (uint32_t)row);
}

void list_show(struct list *l)
{
	uint64_t height = (uint64_t)(l->height > 0 ? l->height : 1), total = list_total(l);

	if (l->cursor < l->top)
		l->top = l->cursor;
	if (l->cursor >= l->top + height)
		l->top = l->cursor - height + 1;
	if (l->top + height > total)
		l->top = total > height ? total - height : 0;
}

/* The filter that the far side did not understand must not stay in force: what was before it does. */
static void list_refused(struct list *l)
{
	const struct err *e = feed_error(l->feed);
	bool bpf = strcmp(l->bpf, l->bpf_before) != 0;

	if (e->code != ERR_CALL || (!bpf && strcmp(l->filter, l->filter_before) == 0))
		return;
	app_toast_caret(l->app, bpf ? l->bpf : l->filter, e);
	text_replace(bpf ? &l->bpf : &l->filter, bpf ? l->bpf_before : l->filter_before);
	list_ask_new(l);
}

static void list_accepted(struct list *l)
{
	if (strcmp(l->filter, l->filter_before) != 0)
		text_replace(&l->filter_before, l->filter);
	if (strcmp(l->bpf, l->bpf_before) != 0)
		text_replace(&l->bpf_before, l->bpf);
}

static void list_feed_changed(void *arg, struct feed *f)
{
	struct list *l = arg;
	uint64_t total;

	list_columns_learn(l);
	list_columns_name(l);
	if (feed_state(f) == FEED_FAILED) {
		list_refused(l);
		return;
	}
	if (feed_state(f) == FEED_READY)
		list_accepted(l);
	if (l->frozen)
		list_freeze_rows(l);
	total = list_total(l);
	if (l->follow && total > 0)
		l->cursor = total - 1;
	else if (l->touched)
		list_follow_key(l);
	if (l->follow && !list_grows(l))
		l->follow = false;
	if (l->cursor >= total)
		l->cursor = total > 0 ? total - 1 : 0;
	list_select_here(l);
	list_show(l);
	if (l->height > 0)
		list_ask(l);
	if (l->spec.changed)
		l->spec.changed(l->spec.arg, l);
}

/* --- for panes --- */

void list_move(struct list *l, uint64_t place)
{
	uint64_t total = list_total(l);

	l->touched = true;
	l->follow = false;
	l->cursor = place < total ? place : total > 0 ? total - 1 : 0;
	free(l->selected);
	l->selected = NULL;
	list_select_here(l);
	list_show(l);
	if (l->height > 0)
		list_ask(l);
	if (l->spec.changed)
		l->spec.changed(l->spec.arg, l);
	app_dirty(l->app);
}

void list_goto(struct list *l, uint64_t place)
{
	list_move(l, place);
}

void list_select(struct list *l, const char *key)
{
	list_find_key(l, key);
}

struct feed *list_feed(struct list *l)
{
	return l->feed;
}

bool list_has_row(const struct list *l)
{
	return list_row_at(l, l->cursor) >= 0;
}

bool list_awaits(const struct list *l)
{
	const enum feed_state state = feed_state(l->feed);

	return state == FEED_IDLE || state == FEED_WAITING || (state == FEED_READY && feed_window(l->feed)->state == WINDOW_READING);
}

bool list_ready(struct list *l)
{
	if (list_has_row(l))
		return true;
	if (list_awaits(l))
		app_toast(l->app, SEVERITY_NOTE, "the rows are still on their way");
	return false;
}

uint32_t list_row(const struct list *l)
{
	int row = list_row_at(l, l->cursor);

	return row < 0 ? UINT32_MAX : (uint32_t)row;
}

struct value list_value(const struct list *l, const char *column)
{
	return list_has_row(l) ? list_cell(l, list_row(l), column) : value_null();
}

char *list_text(const struct list *l, const char *column)
{
	const struct window *w = feed_window(l->feed);
	int index = window_column(w, column);
	struct value v = list_value(l, column);
	struct buf out;
	char *text;

	buf_init(&out, MSG_PAYLOAD_MAX);
	if (index >= 0)
		value_print_raw(&out, w->columns[index].kind, &v);
	text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

size_t list_tagged(const struct list *l)
{
	return l->ntags;
}

const char *list_tag(const struct list *l, size_t i)
{
	return i < l->ntags ? l->tag[i] : "";
}

static void list_restart(struct list *l)
{
	l->top = l->cursor = 0;
	l->touched = false;
	free(l->selected);
	l->selected = NULL;
	list_find_release(l);
	list_ask_new(l);
}

void list_set_filter(struct list *l, const char *filter)
{
	list_freeze(l, false);
	text_replace(&l->filter, filter);
	list_restart(l);
}

void list_set_bpf(struct list *l, const char *bpf)
{
	list_freeze(l, false);
	text_replace(&l->bpf, bpf);
	list_restart(l);
}

void list_set_sort(struct list *l, const char *sort)
{
	list_freeze(l, false);
	text_replace(&l->sort, sort);
	list_restart(l);
}

void list_set_words(struct list *l, const char *const *words, size_t nwords)
{
	char **copy = words_copy(words, nwords);

	list_freeze(l, false);
	words_free(l->words, l->spec.nwords);
	l->words = copy;
	l->spec.nwords = nwords;
	list_restart(l);
}

const char *list_filter(const struct list *l)
{
	return l->filter;
}

const char *list_sort(const struct list *l)
{
	return l->sort;
}

const char *list_bpf(const struct list *l)
{
	return l->bpf;
}

uint64_t list_top(const struct list *l)
{
	return l->top;
}
