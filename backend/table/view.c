#include "table/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "sort.h"

#define SCAN_ROWS 256u	 /* rows looked at between looks at the clock */
#define SORT_STEPS 8192u /* comparisons between looks at the clock */
#define TEXTS_MAX                                                                                  \
	((size_t)512 * 1024 * 1024) /* bytes of long sort keys: 4 million rows of the longest */

enum view_form {
	VIEW_ALL,    /* neither filter nor order: a row is its place, nothing is held */
	VIEW_FILTER, /* rows that pass, in the table's order */
	VIEW_SORTED,
};

struct view {
	const struct table *table;
	enum view_form form;
	struct filter *filter; /* NULL: every row */
	bool (*keep)(void *arg, uint64_t row);
	void *arg;
	unsigned column; /* of VIEW_SORTED */
	bool descending;

	uint64_t version;
	uint64_t looked; /* rows of the table that were looked at */
	uint64_t count;	 /* that passed */
	uint64_t room;
	uint64_t *rows;		  /* VIEW_FILTER */
	struct key *keys, *other; /* VIEW_SORTED */
	struct buf texts;
	uint64_t sorted; /* keys that stand in order */
	bool sorting;
	struct sort sort;
};

static int column_unknown(const struct table_type *t, struct str name, int at, struct err *e)
{
	const char *names[TABLE_COLUMNS_MAX], *near;

	for (unsigned i = 0; i < t->ncolumns; i++)
		names[i] = t->columns[i].name;
	near = text_nearest(name, names, t->ncolumns);
	return err_at(e, at, "%s has no column \"%.*s\"%s%s%s", t->name,
		      name.len > 100 ? 100 : (int)name.len, name.p, near ? ": did you mean \"" : "",
		      near ? near : "", near ? "\"?" : "");
}

static int sort_parse(struct view *v, struct str sort, struct err *e)
{
	const bool descending = sort.len > 0 && sort.p[0] == '-';
	const struct str name = {sort.p + descending, sort.len - descending};
	const int column = table_column(v->table->type, name);

	if (column < 0)
		return column_unknown(v->table->type, name, descending, e);
	v->column = (unsigned)column;
	v->descending = descending;
	return 0;
}

struct view *view_new(const struct table *t, struct str filter, struct str sort,
		      bool (*keep)(void *arg, uint64_t row), void *arg, struct err *e)
{
	struct view *v = xcalloc(1, sizeof(*v));

	v->table = t;
	v->keep = keep;
	v->arg = arg;
	v->version = t->version ? t->version(t->data) : 0;
	buf_init(&v->texts, TEXTS_MAX);
	v->filter = filter_parse(t->type, filter, e);
	if (!v->filter)
		goto failed;
	if (filter_root(v->filter)->op == FILTER_TRUE) {
		filter_free(v->filter);
		v->filter = NULL;
	}
	v->form = v->filter || keep ? VIEW_FILTER : VIEW_ALL;
	if (sort.len > 0) {
		v->form = VIEW_SORTED;
		if (sort_parse(v, sort, e))
			goto failed;
	}
	return v;
failed:
	view_free(v);
	return NULL;
}

void view_free(struct view *v)
{
	if (!v)
		return;
	filter_free(v->filter);
	free(v->rows);
	free(v->keys);
	free(v->other);
	buf_release(&v->texts);
	free(v);
}

static void view_restart(struct view *v)
{
	v->looked = v->count = v->sorted = 0;
	v->sorting = false;
	buf_clear(&v->texts);
}

static void view_make_room(struct view *v)
{
	if (v->count < v->room)
		return;
	v->room = v->room ? v->room * 2 : 1024;
	if (v->form == VIEW_FILTER)
		v->rows = xreallocarray(v->rows, v->room, sizeof(*v->rows));
	else
		v->keys = xreallocarray(v->keys, v->room, sizeof(*v->keys));
}

static void view_add(struct view *v, uint64_t row)
{
	struct value value;

	view_make_room(v);
	if (v->form == VIEW_FILTER) {
		v->rows[v->count++] = row;
		return;
	}
	value = v->table->cell(v->table->data, row, v->column);
	(void)sort_key_make(&v->keys[v->count++], &value, row,
		       &v->texts); /* full: the key is cut, see TEXTS_MAX */
}

/* true: all rows that are there were looked at. */
static bool view_scan(struct view *v, uint64_t there, int64_t until_ns)
{
	while (v->looked < there) {
		const uint64_t end = there - v->looked > SCAN_ROWS ? v->looked + SCAN_ROWS : there;

		for (; v->looked < end; v->looked++) {
			if (v->keep && !v->keep(v->arg, v->looked))
				continue;
			if (v->filter && !filter_match(v->filter, v->table, v->looked))
				continue;
			view_add(v, v->looked);
		}
		if (clock_mono_ns() >= until_ns)
			break;
	}
	return v->looked == there;
}

static bool view_sort(struct view *v, int64_t until_ns)
{
	bool done = false;

	if (!v->sorting && v->sorted == v->count)
		return true;
	if (!v->sorting) {
		v->other = xreallocarray(v->other, v->room, sizeof(*v->other));
		sort_begin(&v->sort, v->keys, v->other, v->sorted, v->count, v->descending,
			   &v->texts);
		v->sorting = true;
	}
	do
		done = sort_step(&v->sort, SORT_STEPS);
	while (!done && clock_mono_ns() < until_ns);
	v->keys = v->sort.keys;
	v->other = v->sort.other;
	if (!done)
		return false;
	free(v->other); /* half of the memory; the next order takes it again */
	v->other = NULL;
	v->sorting = false;
	v->sorted = v->count;
	return true;
}

bool view_step(struct view *v, int64_t budget_ns, bool resort)
{
	const struct table *t = v->table;
	const int64_t now_ns = clock_mono_ns();
	const int64_t until_ns = budget_ns < INT64_MAX - now_ns ? now_ns + budget_ns : INT64_MAX;
	const uint64_t version = t->version ? t->version(t->data) : 0;
	uint64_t there;

	if (version != v->version || (resort && !t->fixed))
		view_restart(v);
	v->version = version;
	there = t->rows(t->data);
	if (v->form == VIEW_ALL) {
		v->looked = v->count = there;
		return true;
	}
	/* Rows that come while an order is made wait for it: the keys must not move under it. */
	if (!v->sorting && !view_scan(v, there, until_ns))
		return false;
	if (v->form == VIEW_FILTER)
		return true;
	return view_sort(v, until_ns) && v->looked == there;
}

uint64_t view_total(const struct view *v)
{
	return v->count;
}

uint64_t view_row(const struct view *v, uint64_t place)
{
	if (place >= v->count)
		return UINT64_MAX;
	if (v->form == VIEW_ALL)
		return place;
	return v->form == VIEW_FILTER ? v->rows[place] : v->keys[place].row;
}

static uint64_t filter_place(const struct view *v, uint64_t row)
{
	uint64_t low = 0, high = v->count;

	while (low < high) {
		const uint64_t mid = low + (high - low) / 2;

		if (v->rows[mid] < row)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->count && v->rows[low] == row ? low : UINT64_MAX;
}

uint64_t view_place(const struct view *v, uint64_t row)
{
	if (v->form == VIEW_ALL)
		return row < v->count ? row : UINT64_MAX;
	if (v->form == VIEW_FILTER)
		return filter_place(v, row);
	for (uint64_t i = 0; i < v->count; i++)
		if (v->keys[i].row == row)
			return i;
	return UINT64_MAX;
}

static int columns_usual(const struct table_type *t, unsigned column[TABLE_COLUMNS_MAX])
{
	int count = 0;

	for (unsigned i = 0; i < t->ncolumns; i++)
		if (!(t->columns[i].flags & COLUMN_HIDDEN))
			column[count++] = i;
	return count;
}

static struct str name_trim(struct str s, size_t *skipped)
{
	*skipped = 0;
	while (s.len > 0 && *s.p == ' ') {
		s.p++;
		s.len--;
		(*skipped)++;
	}
	while (s.len > 0 && s.p[s.len - 1] == ' ')
		s.len--;
	return s;
}

int view_columns(const struct table_type *t, struct str names, unsigned column[TABLE_COLUMNS_MAX],
		 struct err *e)
{
	size_t at = 0, skipped;
	int count = 0;

	if (names.len == 0)
		return columns_usual(t, column);
	while (at <= names.len) {
		const char *comma =
			at < names.len ? memchr(names.p + at, ',', names.len - at) : NULL;
		const size_t end = comma ? (size_t)(comma - names.p) : names.len;
		const struct str name = name_trim((struct str){names.p + at, end - at}, &skipped);
		const int found = table_column(t, name);

		if (found < 0)
			return column_unknown(t, name, (int)(at + skipped), e);
		if (count == (int)TABLE_COLUMNS_MAX)
			return err_at(e, (int)at, "more than %u columns", TABLE_COLUMNS_MAX);
		column[count++] = (unsigned)found;
		at = end + 1;
	}
	return count;
}
