/* Finding a row that is not here: the far side is asked how many rows match, how many come before, which one it is, and at
 * what place it stands. What is wholly here is searched here. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "list_private.h"

static void find_answer(void *arg, struct feed *f);

void list_find_release(struct list *l)
{
	feed_free(l->find.feed);
	free(l->find.match);
	free(l->find.key);
	l->find = (struct list_find){0};
}

static const char *sort_column(const struct list *l)
{
	return l->sort[0] ? l->sort + (l->sort[0] == '-') : l->spec.key;
}

/* Rows that stand before the row with this sort value: false where there are none. */
static bool before_print(const struct list *l, const char *raw, struct buf *out)
{
	const char *column = sort_column(l);
	bool down = l->sort[0] == '-';

	if (!raw[0] && !down)
		return false;
	if (!raw[0]) {
		buf_add_str(out, column);
		return true;
	}
	buf_printf(out, "(%s %s ", column, down ? ">" : "<");
	filter_quote(out, raw);
	if (!down && l->sort[0])
		buf_printf(out, " or not %s", column);
	buf_add_str(out, ")");
	return true;
}

static void and_print(struct buf *out, const char *expression)
{
	if (!expression || !expression[0])
		return;
	buf_printf(out, "%s(%s)", out->len ? " and " : "", expression);
}

static void find_ask(struct list *l, enum find_step step, const char *extra, const char *and_also, uint64_t first, uint32_t count)
{
	struct buf filter, columns;
	struct feed_query q;
	struct feed *old = l->find.feed;

	buf_init(&filter, FILTER_TEXT_MAX);
	buf_init(&columns, EDIT_TEXT_MAX);
	and_print(&filter, l->filter);
	and_print(&filter, extra);
	and_print(&filter, and_also);
	buf_add_str(&columns, l->spec.key);
	if (strcmp(l->spec.key, sort_column(l)) != 0)
		buf_printf(&columns, ",%s", sort_column(l));
	q = (struct feed_query){.table = l->spec.table, .words = (const char *const *)l->words, .nwords = l->spec.nwords,
				.columns = buf_str(&columns), .filter = buf_str(&filter), .bpf = l->bpf, .sort = l->sort,
				.first = first, .count = count, .flags = l->spec.flags};
	l->find.step = step;
	l->find.feed = l->local ? feed_new_table(&l->app->hub, &l->table, find_answer, l) :
				  feed_new_on(&l->app->hub, &l->link, l->target, find_answer, l);
	feed_free(old);
	feed_ask(l->find.feed, &q);
	buf_release(&filter);
	buf_release(&columns);
}

static char *window_text(const struct window *w, uint32_t row, const char *column)
{
	int index = window_column(w, column);
	struct value v = window_cell(w, row, index);
	struct buf out;
	char *text;

	buf_init(&out, EDIT_TEXT_MAX);
	if (index >= 0)
		value_print_raw(&out, w->columns[index].kind, &v);
	text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

static void find_done(struct list *l)
{
	feed_free(l->find.feed);
	l->find.feed = NULL;
	l->find.step = FIND_NONE;
	app_dirty(l->app);
}

/* How many stand before the row with this sort value? */
static void find_ask_before(struct list *l, enum find_step step, const char *match, const char *raw)
{
	struct buf before;

	buf_init(&before, EDIT_TEXT_MAX * 2);
	if (!before_print(l, raw, &before))
		buf_printf(&before, "not %s", l->spec.key); /* every row has a key: none */
	find_ask(l, step, match, buf_str(&before), 0, 1);
	buf_release(&before);
}

static void find_arrive(struct list *l, uint64_t place)
{
	char *key = l->find.key;

	l->find.key = NULL;
	find_done(l);
	list_move(l, place);
	free(l->selected);
	l->selected = key;
	l->find.key = xstrdup(key);
	list_ask_new(l);
}

/* A match was chosen by number: at, or round the end. */
static void find_ask_match(struct list *l, uint64_t before)
{
	struct list_find *f = &l->find;
	bool going_on = f->counted && f->key && l->selected && strcmp(f->key, l->selected) == 0;

	if (!going_on)
		f->at = f->direction < 0 ? (before ? before - 1 : f->matches - 1) : before % f->matches;
	else if (f->direction < 0)
		f->at = f->at ? f->at - 1 : f->matches - 1;
	else
		f->at = (f->at + (f->direction > 0)) % f->matches;
	f->counted = true;
	find_ask(l, FIND_ROW, f->match, NULL, f->at, 1);
}

static void find_counted(struct list *l, uint64_t matches)
{
	char *raw;

	l->find.matches = matches;
	if (matches == 0) {
		find_done(l);
		app_toast(l->app, SEVERITY_NOTE, "no row has '%s'", l->search);
		return;
	}
	raw = list_text(l, sort_column(l));
	find_ask_before(l, FIND_BEFORE, l->find.match, raw);
	free(raw);
}

static void find_row(struct list *l, const struct window *w)
{
	char *raw;

	if (w->rows == 0) {
		find_done(l);
		app_toast(l->app, SEVERITY_NOTE, "%s %s is not among these rows%s", l->spec.key, l->find.key ? l->find.key : "",
			  l->filter[0] ? "; a filter is on: \\ changes it" : "");
		return;
	}
	free(l->find.key);
	l->find.key = window_text(w, 0, l->spec.key);
	raw = window_text(w, 0, sort_column(l));
	find_ask_before(l, FIND_PLACE, NULL, raw);
	free(raw);
}

static void find_answer(void *arg, struct feed *f)
{
	struct list *l = arg;
	const struct window *w = feed_window(f);

	if (f != l->find.feed && l->find.feed)
		return;
	if (feed_state(f) == FEED_FAILED) {
		app_toast_err(l->app, feed_error(f));
		find_done(l);
		return;
	}
	if (feed_state(f) != FEED_READY)
		return;
	if (l->find.step == FIND_COUNT)
		find_counted(l, w->total);
	else if (l->find.step == FIND_BEFORE)
		find_ask_match(l, w->total);
	else if (l->find.step == FIND_ROW)
		find_row(l, w);
	else if (l->find.step == FIND_PLACE)
		find_arrive(l, w->total);
}

static bool list_whole(const struct list *l)
{
	const struct window *w = feed_window(l->feed);

	return l->frozen || (w->first == 0 && w->rows == w->total);
}

void list_find_key(struct list *l, const char *key)
{
	const struct window *w = feed_window(l->feed);
	struct buf match;

	for (uint64_t place = l->frozen ? 0 : w->first; list_row_at(l, place) >= 0; place++) {
		char *here = list_key_of(l, (uint32_t)list_row_at(l, place));
		bool same = strcmp(here, key) == 0;
		free(here);
		if (same) {
			list_move(l, place);
			return;
		}
	}
	if (feed_serial(l->feed) > 0 && list_whole(l)) {
		app_toast(l->app, SEVERITY_NOTE, "%s %s is not among these rows", l->spec.key, key);
		return;
	}
	list_find_release(l);
	l->find.key = xstrdup(key);
	buf_init(&match, EDIT_TEXT_MAX);
	buf_printf(&match, "%s == ", l->spec.key);
	filter_quote(&match, key);
	find_ask(l, FIND_ROW, buf_str(&match), NULL, 0, 1);
	buf_release(&match);
}

/* --- search --- */

/* The text as a regular expression that means just it. */
static void regex_quote(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (strchr("\\^$.[]|()*+?{}", *p))
			buf_add_byte(out, '\\');
		buf_add_byte(out, (uint8_t)*p);
	}
}

static char *match_expression(const struct list *l)
{
	const struct window *w = feed_window(l->feed);
	struct buf quoted, out;
	char *expression;

	buf_init(&quoted, LIST_SEARCH_MAX * 4);
	buf_init(&out, FILTER_TEXT_MAX);
	regex_quote(&quoted, l->search);
	for (unsigned i = 0; i < w->ncolumns; i++) {
		buf_printf(&out, "%s%s ~ ", out.len ? " or " : "", w->columns[i].name);
		filter_quote(&out, buf_str(&quoted));
	}
	expression = xstrdup(buf_str(&out));
	buf_release(&quoted);
	buf_release(&out);
	return expression;
}

bool list_row_matches(const struct list *l, uint32_t row)
{
	const struct window *w = feed_window(l->feed);
	bool found = false;

	for (unsigned i = 0; i < w->ncolumns && l->search[0] && !found; i++) {
		char *text = window_text(w, row, w->columns[i].name);
		found = strstr(text, l->search) != NULL;
		free(text);
	}
	return found;
}

static void search_here(struct list *l, int direction)
{
	uint64_t total = list_total(l), found = UINT64_MAX, at = 0;
	struct list_find *f = &l->find;

	f->matches = 0;
	f->counted = true;
	for (uint64_t i = 0; i < total; i++) {
		uint64_t step = direction < 0 ? total - 1 - i : direction > 0 ? i + 1 : i;
		uint64_t place = (l->cursor + step) % total;
		int row = list_row_at(l, place);
		if (row < 0 || !list_row_matches(l, (uint32_t)row))
			continue;
		f->matches++;
		if (found == UINT64_MAX)
			found = place;
	}
	for (uint64_t place = 0; found != UINT64_MAX && place < found; place++) {
		int row = list_row_at(l, place);
		at += row >= 0 && list_row_matches(l, (uint32_t)row);
	}
	f->at = at;
	if (found == UINT64_MAX)
		app_toast(l->app, SEVERITY_NOTE, "no row has '%s'", l->search);
	else
		list_move(l, found);
}

void list_search(struct list *l, const char *text, int direction)
{
	if (text) {
		size_t len = strlen(text) < LIST_SEARCH_MAX ? strlen(text) : LIST_SEARCH_MAX - 1;
		list_find_release(l);
		memcpy(l->search, text, len);
		l->search[len] = 0;
	}
	if (!l->search[0])
		return;
	if (list_whole(l)) {
		search_here(l, direction);
		return;
	}
	l->find.direction = direction;
	free(l->find.match);
	l->find.match = match_expression(l);
	find_ask(l, FIND_COUNT, l->find.match, NULL, 0, 1);
}
