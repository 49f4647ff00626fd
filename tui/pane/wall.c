/* The counters wall: all counters of a session, or of all sessions of all hosts, as cells; the highest rate first. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"
#include "table/filter.h"
#include "wall_private.h"

static const struct {
	const char *sort, *said;
} sorts[] = {{"-pps", "packets a second"}, {"-bps", "bits a second"}, {"key", "name"}, {"-packets", "packets so far"}, {"-bytes", "bytes so far"}};

/* --- moving --- */

static bool move(struct wall *w, const char *word)
{
	const uint64_t across = w->across > 0 ? (uint64_t)w->across : 1, page = across * (w->down > 0 ? (uint64_t)w->down : 1);
	const struct {
		const char *word;
		uint64_t up, down;
	} step[] = {
		{"left", 1, 0}, {"right", 0, 1}, {"up", across, 0}, {"down", 0, across}, {"page-up", page, 0}, {"page-down", 0, page},
		{"half-up", page / 2, 0}, {"half-down", 0, page / 2}, {"first", UINT64_MAX, 0}, {"last", 0, UINT64_MAX / 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(step); i++) {
		if (strcmp(word, step[i].word) != 0)
			continue;
		if (step[i].up)
			wall_move(w, w->cursor > step[i].up ? w->cursor - step[i].up : 0);
		else
			wall_move(w, w->cursor + step[i].down);
		return true;
	}
	return false;
}

/* --- order and filter --- */

static void set_text(char **text, const char *with)
{
	char *copy = xstrdup(with);

	free(*text);
	*text = copy;
}

static void set_sort(struct wall *w, const char *sort)
{
	set_text(&w->sort, sort);
	if (strcmp(sort, "-pps") == 0 || strcmp(sort, "-packets") == 0)
		w->bits = false;
	else if (strcmp(sort, "-bps") == 0 || strcmp(sort, "-bytes") == 0)
		w->bits = true;
	wall_ask_again(w);
}

static void sort_chosen(void *arg, size_t index)
{
	set_sort(arg, sorts[index].sort);
}

static void sort_step(struct wall *w, int step)
{
	const int n = (int)ARRAY_LEN(sorts);
	int at = 0;

	for (int i = 0; i < n; i++)
		if (strcmp(w->sort, sorts[i].sort) == 0)
			at = i;
	set_sort(w, sorts[(at + step + n) % n].sort);
}

static void sort_menu(struct wall *w)
{
	const char *item[ARRAY_LEN(sorts)];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
		item[i] = sorts[i].said;
		if (strcmp(w->sort, sorts[i].sort) == 0)
			at = i;
	}
	app_menu(w->pane.app, "Sort by", item, ARRAY_LEN(sorts), at, sort_chosen, w);
}

static int filter_accept(void *arg, const char *text, struct err *e)
{
	struct wall *w = arg;

	(void)e;
	set_text(&w->filter, text);
	wall_ask_again(w);
	return 0;
}

/* On a wall what is looked for stays and the rest goes. */
static int search_accept(void *arg, const char *text, struct err *e)
{
	struct buf filter;
	int r;

	if (!*text)
		return filter_accept(arg, "", e);
	buf_init(&filter, FILTER_TEXT_MAX);
	(void)buf_add_str(&filter, "key ~ ");
	filter_quote(&filter, text);
	r = filter_accept(arg, buf_str(&filter), e);
	buf_release(&filter);
	return r;
}

static void prompt(struct wall *w, bool filter)
{
	app_prompt(w->pane.app, &(struct prompt_spec){.label = filter ? "filter: " : "counters named: ", .text = filter ? w->filter : "",
						      .history = filter ? "filter" : "search", .accept = filter ? filter_accept : search_accept, .arg = w});
}

static bool order(struct wall *w, int count, char **word)
{
	struct err ignored = {.at = -1};

	if (strcmp(word[0], "sort") == 0 && count == 1)
		sort_menu(w);
	else if (strcmp(word[0], "sort") == 0)
		set_sort(w, word[1]);
	else if (strcmp(word[0], "sort-next") == 0)
		sort_step(w, 1);
	else if (strcmp(word[0], "sort-previous") == 0)
		sort_step(w, -1);
	else if (strcmp(word[0], "filter") == 0 && count == 2)
		(void)filter_accept(w, word[1], &ignored); /* always 0 */
	else if (strcmp(word[0], "filter") == 0)
		prompt(w, true);
	else if (strcmp(word[0], "search") == 0)
		prompt(w, false);
	else
		return false;
	return true;
}

/* --- the selected one --- */

/* Enter: a counter's page, a session's own. */
static int cell_open(struct wall *w, const struct wall_cell *c, struct err *e)
{
	char *session = wall_text(c, "session"), *counter = wall_text(c, "counter"), *target = xasprintf("session:%s", session);
	const int r = app_open(w->pane.app, *counter ? "counter" : "session", host_name(c->ask->host), target, counter, e);

	free(session);
	free(counter);
	free(target);
	return r;
}

static void cell_act(struct wall *w, const struct wall_cell *c, const char *word)
{
	char *session = wall_text(c, "session"), *counter = wall_text(c, "counter"), *filter = wall_text(c, "filter");
	const struct value packets = wall_value(c, "packets");
	const struct session_ref r = {.host = host_name(c->ask->host), .name = session, .devices = "", .filter = filter, .running = true};

	if (strcmp(word, "counter-session") == 0)
		session_form(&w->pane, &r, SESSION_FORM_COUNTER_ADD, "", "");
	else if (!*counter)
		app_toast(w->pane.app, SEVERITY_NOTE, "this is session %s itself: + adds a counter to it, Enter opens its page", session);
	else if (strcmp(word, "counter-change") == 0)
		session_form(&w->pane, &r, SESSION_FORM_COUNTER_CHANGE, counter, filter);
	else
		session_act_counter_remove(w->act, &r, counter, packets.type == VALUE_INT ? (uint64_t)packets.i : 0);
	free(session);
	free(counter);
	free(filter);
}

static bool is_act(const char *word)
{
	return strcmp(word, "counter-session") == 0 || strcmp(word, "counter-change") == 0 || strcmp(word, "counter-remove") == 0;
}

static unsigned wall_command(struct pane *p, int count, char **word, struct err *e)
{
	struct wall *w = (struct wall *)p;
	const struct wall_cell *c = wall_at(w, w->cursor);
	char *text;

	if (move(w, word[0]) || order(w, count, word))
		return REACT_DRAW;
	if (strcmp(word[0], "unit") == 0) {
		w->bits = !w->bits;
	} else if (strcmp(word[0], "select") == 0 && c) {
		(void)cell_open(w, c, e); /* -1: *e says why */
	} else if (strcmp(word[0], "table") == 0 && c) {
		text = xasprintf("session:%s", w->session);
		if (*w->session)
			(void)app_open(p->app, "counters", host_name(c->ask->host), text, "", e); /* -1: *e says why */
		else
			app_toast(p->app, SEVERITY_NOTE, "the table is of one session: Enter on a cell leads to one, W from there");
		free(text);
	} else if (strcmp(word[0], "copy") == 0 && c) {
		text = wall_key(c);
		app_copy(p->app, text);
		free(text);
	} else if (is_act(word[0]) && c) {
		cell_act(w, c, word[0]);
	} else if (strcmp(word[0], "next-part") == 0 || strcmp(word[0], "previous-part") == 0 || strcmp(word[0], "cancel") == 0) {
		return REACT_NONE;
	} else {
		app_toast(p->app, SEVERITY_NOTE, "the wall has no %s: L shows a session's counters as a table", word[0]);
	}
	return REACT_DRAW;
}

/* --- the pane --- */

static int wall_open(struct pane *p, struct err *e)
{
	struct wall *w = (struct wall *)p;

	if (*p->target && !pane_is_live(p))
		return err_set(e, ERR_CALL, "the counters of what: choose a session first (tab 1)");
	w->session = *p->target ? p->target + strlen("session:") : "";
	w->all_hosts = !*p->target;
	w->sort = xstrdup("-pps");
	w->filter = xstrdup("");
	w->tracks = map_new(WALL_TRACKS_MAX);
	w->act = session_act_new(p);
	wall_hosts(w);
	return 0;
}

static void wall_close(struct pane *p)
{
	struct wall *w = (struct wall *)p;

	wall_rows_release(w);
	session_act_free(w->act);
	free(w->sort);
	free(w->filter);
}

static void wall_update(struct pane *p)
{
	wall_hosts((struct wall *)p);
}

static void wall_status(struct pane *p, struct buf *out)
{
	const struct wall *w = (struct wall *)p;

	(void)buf_printf(out, "%llu/%llu", (unsigned long long)(w->total ? w->cursor + 1 : 0), (unsigned long long)w->total);
	if (*w->filter)
		(void)buf_printf(out, "  filter: %s", w->filter);
	(void)buf_printf(out, "  sort: %s %s  a bar is 5 s", w->sort + (w->sort[0] == '-'), w->sort[0] == '-' ? "down" : "up");
}

static void wall_name(struct pane *p, struct buf *out)
{
	if (*p->target)
		pane_view_name(p, "wall", out);
	else
		(void)buf_add_str(out, "wall of all counters");
}

static const struct pane_word words[] = {
	{"counter-session", "", "a form for one counter more"},
	{"counter-change", "", "a form for another filter of the counter"},
	{"counter-remove", "", "takes the counter away, after asking"},
	{"unit", "", "bits or packets"},
	{"table", "", "the session's counters as a table"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_wall = {
	.name = "wall", .title = "Wall", .summary = "counters as cells: of a session, or of all sessions of all hosts", .tab = '2',
	.size = sizeof(struct wall), .list = true, .words = words, .acts = "counter-session counter-change counter-remove", .open = wall_open,
	.close = wall_close, .update = wall_update, .draw = wall_draw, .command = wall_command, .status = wall_status, .name_of = wall_name,
};
