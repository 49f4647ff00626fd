/* What the hosts say of their counters: windows in one order, each host's own where there is one host, merged where there are more. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "table/filter.h"
#include "tui/list.h"
#include "wall_private.h"

static void on_answer(void *arg, struct feed *f);

/* --- asking --- */

static bool wanted(const struct wall *w, const struct host *h)
{
	return strcmp(host_name(h), "store") != 0 && (w->all_hosts || h == w->pane.host);
}

static struct wall_ask *ask_of(const struct wall *w, const struct host *h)
{
	struct wall_ask *a;

	for (a = w->asks; a && a->host != h; a = a->next)
		;
	return a;
}

static void filter_print(const struct wall *w, struct buf *out)
{
	if (*w->session) {
		(void)buf_add_str(out, "session == ");
		filter_quote(out, w->session);
	}
	if (*w->filter)
		(void)buf_printf(out, "%s(%s)", *w->session ? " and " : "", w->filter);
}

static void ask_send(struct wall *w, const struct wall_ask *a)
{
	struct buf filter;

	buf_init(&filter, FILTER_TEXT_MAX);
	filter_print(w, &filter);
	feed_ask(a->feed, &(struct feed_query){.table = "wall", .filter = buf_str(&filter), .sort = w->sort, .first = w->asked_first,
					       .count = w->asked_count, .period_ms = 1000});
	buf_release(&filter);
}

void wall_hosts(struct wall *w)
{
	struct hosts *all = app_hosts(w->pane.app);

	for (struct host *h = hosts_next(all, NULL); h; h = hosts_next(all, h)) {
		struct wall_ask **end = &w->asks, *a;

		if (!wanted(w, h) || ask_of(w, h))
			continue;
		while (*end)
			end = &(*end)->next;
		a = xcalloc(1, sizeof(*a));
		a->wall = w;
		a->host = h;
		a->feed = feed_new(w->pane.app, h, "", on_answer, a);
		*end = a;
		w->asked = false; /* what each is asked depends on how many there are */
	}
}

/* One host orders for us and gives the piece that is looked at; of several, everything up to it may be anybody's. */
void wall_ask(struct wall *w)
{
	const uint64_t page = (uint64_t)w->across * (uint64_t)w->down;
	const bool one = w->asks && !w->asks->next;
	const uint64_t first = one ? (w->top > page ? w->top - page : 0) : 0;
	uint64_t count = one ? 3 * page : w->top + 2 * page;

	if (page == 0)
		return;
	count = count < WALL_ROWS_MAX ? count : WALL_ROWS_MAX;
	if (w->asked && first == w->asked_first && count == w->asked_count)
		return;
	w->asked = true;
	w->asked_first = first;
	w->asked_count = (uint32_t)count;
	for (const struct wall_ask *a = w->asks; a; a = a->next)
		ask_send(w, a);
}

void wall_ask_again(struct wall *w)
{
	w->asked = false;
	w->top = w->cursor = 0;
	w->touched = false;
	free(w->selected);
	w->selected = NULL;
	wall_ask(w);
	app_dirty(w->pane.app);
}

/* --- merging --- */

struct value wall_value(const struct wall_cell *c, const char *column)
{
	const struct window *w = feed_window(c->ask->feed);

	return window_cell(w, c->row, window_column(w, column));
}

char *wall_text(const struct wall_cell *c, const char *column)
{
	const struct window *w = feed_window(c->ask->feed);
	const int index = window_column(w, column);
	const struct value v = wall_value(c, column);
	struct buf out;
	char *text;

	buf_init(&out, FILTER_TEXT_MAX);
	if (index >= 0)
		value_print_raw(&out, w->columns[index].kind, &v);
	text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

char *wall_key(const struct wall_cell *c)
{
	char *key = wall_text(c, "key"), *whole = xasprintf("%s:%s", host_name(c->ask->host), key);

	free(key);
	return whole;
}

static int cell_order(const struct wall *w, const struct wall_cell *a, const struct wall_cell *b)
{
	const bool down = w->sort[0] == '-';
	const struct value x = wall_value(a, w->sort + down), y = wall_value(b, w->sort + down);
	const int order = value_compare(&x, &y);

	return down ? -order : order;
}

/* The next of each host's rows, the least first: they come sorted. */
static void cells_merge(struct wall *w)
{
	struct wall_cell *head = NULL;
	size_t n = 0;

	for (const struct wall_ask *a = w->asks; a; a = a->next) {
		head = xreallocarray(head, n + 1, sizeof(*head));
		head[n++] = (struct wall_cell){a, 0};
	}
	for (;;) {
		size_t least = n;

		for (size_t i = 0; i < n; i++)
			if (head[i].row < feed_window(head[i].ask->feed)->rows && (least == n || cell_order(w, &head[i], &head[least]) < 0))
				least = i;
		if (least == n)
			break;
		w->cell = xreallocarray(w->cell, w->ncells + 1, sizeof(*w->cell));
		w->cell[w->ncells++] = head[least];
		head[least].row++;
	}
	free(head);
}

static void selection_follow(struct wall *w)
{
	for (size_t i = 0; w->touched && w->selected && i < w->ncells; i++) {
		char *key = wall_key(&w->cell[i]);
		const bool same = strcmp(key, w->selected) == 0;

		free(key);
		if (!same)
			continue;
		w->cursor = w->first + i;
		return;
	}
}

static void selection_keep(struct wall *w)
{
	const struct wall_cell *c = wall_at(w, w->cursor);

	if (!c)
		return;
	free(w->selected);
	w->selected = wall_key(c);
}

const struct wall_cell *wall_at(const struct wall *w, uint64_t place)
{
	return place >= w->first && place - w->first < w->ncells ? &w->cell[place - w->first] : NULL;
}

/* --- rates --- */

static double number(struct value v)
{
	return v.type == VALUE_REAL ? v.r : v.type == VALUE_INT ? (double)v.i : 0;
}

static struct wall_track *track_get(struct wall *w, const struct wall_cell *c)
{
	char *key = wall_key(c);
	struct wall_track *t = map_get(w->tracks, key, strlen(key));

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		t->wall = w;
		if (map_put(w->tracks, key, strlen(key), t) < 0) {
			free(t); /* so many that the others have none */
			t = NULL;
		}
	}
	free(key);
	return t;
}

static void sample_push(struct wall_track *t, double pps, double bps)
{
	if (t->count == WALL_SAMPLES) {
		memmove(t->pps, t->pps + 1, sizeof(t->pps[0]) * (WALL_SAMPLES - 1));
		memmove(t->bps, t->bps + 1, sizeof(t->bps[0]) * (WALL_SAMPLES - 1));
		t->count--;
	}
	t->pps[t->count] = pps;
	t->bps[t->count++] = bps;
}

/* The highest second of a period counts; periods without any are gaps. */
static void track_add(struct wall_track *t, int64_t time_ns, double pps, double bps)
{
	const int64_t period = time_ns / (WALL_SAMPLE_S * NS_PER_S);
	const int last = t->count - 1;

	if (last >= 0 && period <= t->period) {
		t->pps[last] = pps > t->pps[last] ? pps : t->pps[last];
		t->bps[last] = bps > t->bps[last] ? bps : t->bps[last];
		return;
	}
	for (int gap = 0; last >= 0 && gap < WALL_SAMPLES && ++t->period < period; gap++)
		sample_push(t, -1, -1);
	sample_push(t, pps, bps);
	t->period = period;
}

static void cell_sample(struct wall *w, const struct wall_cell *c)
{
	struct wall_track *t = track_get(w, c);

	if (!t)
		return;
	t->live_ns = app_now_ns(w->pane.app);
	t->live_pps = number(wall_value(c, "pps"));
	t->live_bps = number(wall_value(c, "bps"));
	if (!t->past) /* what was before comes first */
		track_add(t, t->live_ns, t->live_pps, t->live_bps);
}

/* The newest second comes first. */
static void on_past(void *arg, struct feed *f)
{
	struct wall_track *t = arg;
	const struct window *w = feed_window(f);

	if (feed_state(f) == FEED_WAITING)
		return;
	t->count = 0;
	for (uint32_t row = w->rows; row-- > 0;) {
		const struct value time = window_cell(w, row, window_column(w, "time"));

		track_add(t, time.type == VALUE_INT ? time.i : 0, number(window_cell(w, row, window_column(w, "pps"))),
			  number(window_cell(w, row, window_column(w, "bps"))));
	}
	track_add(t, t->live_ns, t->live_pps, t->live_bps);
	t->past = NULL;
	t->wall->pasts--;
	feed_free(f);
	app_dirty(t->wall->pane.app);
}

const struct wall_track *wall_track(struct wall *w, const struct wall_cell *c)
{
	struct wall_track *t = track_get(w, c);
	char *session, *counter;

	if (!t || t->past_asked || w->pasts >= WALL_PASTS_MAX)
		return t;
	session = wall_text(c, "session");
	counter = wall_text(c, "counter");
	t->past_asked = true;
	w->pasts++;
	t->past = feed_new(w->pane.app, c->ask->host, "", on_past, t);
	feed_ask(t->past, &(struct feed_query){.table = "poll", .words = (const char *const[]){session, "counter", counter}, .nwords = *counter ? 3 : 1,
					       .columns = "time,pps,bps", .sort = "-time", .count = WALL_SAMPLES * WALL_SAMPLE_S});
	free(session);
	free(counter);
	return t;
}

/* --- what comes --- */

static void on_answer(void *arg, struct feed *f)
{
	struct wall *w = ((struct wall_ask *)arg)->wall;

	(void)f;
	w->ncells = 0;
	w->total = 0;
	w->first = w->asks->next ? 0 : feed_window(w->asks->feed)->first;
	for (const struct wall_ask *a = w->asks; a; a = a->next)
		w->total += feed_window(a->feed)->total;
	cells_merge(w);
	for (size_t i = 0; i < w->ncells; i++)
		cell_sample(w, &w->cell[i]);
	selection_follow(w);
	if (w->cursor >= w->total)
		w->cursor = w->total ? w->total - 1 : 0;
	selection_keep(w);
	app_dirty(w->pane.app);
}

void wall_move(struct wall *w, uint64_t place)
{
	w->touched = true;
	w->cursor = place < w->total ? place : w->total ? w->total - 1 : 0;
	free(w->selected);
	w->selected = NULL;
	selection_keep(w);
	app_dirty(w->pane.app);
}

void wall_rows_release(struct wall *w)
{
	const void *key;
	size_t iter = 0, len;
	void *track;

	while (w->asks) {
		struct wall_ask *a = w->asks;

		w->asks = a->next;
		feed_free(a->feed);
		free(a);
	}
	while (map_next(w->tracks, &iter, &key, &len, &track)) {
		feed_free(((struct wall_track *)track)->past);
		free(track);
	}
	map_free(w->tracks);
	free(w->cell);
	free(w->selected);
}
