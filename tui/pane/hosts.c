/* The hosts that are known: how they are reached, whether they answer, and why not. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

struct hosts_pane {
	struct list_pane list;
	struct rowset *rows;
	struct table table;
};

static const struct column table_columns[] = {
	{"name", KIND_TEXT, 0, "", "how it is called here"},
	{"how", KIND_TEXT, 0, "", "the link that reaches it"},
	{"state", KIND_TEXT, 0, "", "idle, opening, up, retry or failed"},
	{"rtt_ms", KIND_MS, 0, "", "round trip of the last ping"},
	{"offset_ms", KIND_MS, 0, "", "how far its clock is ahead"},
	{"version", KIND_TEXT, 0, "", "of tapdeckd over there"},
	{"error", KIND_TEXT, 0, "", "why it is down"},
};
static const struct table_type type = {"hosts", "the hosts that are known", "", table_columns, ARRAY_LEN(table_columns)};

static const struct list_column columns[] = {
	{.name = "name", .title = "HOST", .width = 18},
	{.name = "how", .title = "HOW", .width = 8, .priority = 3},
	{.name = "state", .title = "STATE", .width = 8},
	{.name = "rtt_ms", .title = "RTT", .width = 9, .priority = 1},
	{.name = "offset_ms", .title = "CLOCK", .width = 10, .priority = 4},
	{.name = "version", .title = "VERSION", .width = 8, .priority = 5},
	{.name = "error", .title = "ERROR", .stretch = true},
};

static const char *state_name(enum host_state s)
{
	static const char *const names[] = {[HOST_IDLE] = "idle", [HOST_OPENING] = "opening", [HOST_UP] = "up", [HOST_RETRY] = "retry",
					    [HOST_FAILED] = "failed"};

	return names[s];
}

static void add_host(struct hosts_pane *hp, struct host *h)
{
	const bool up = host_state(h) == HOST_UP, here = !*host_name(h) || strcmp(host_name(h), "local") == 0;
	struct client *c = up ? host_client(h, NULL) : NULL;
	const struct value v[] = {
		value_text(*host_name(h) ? host_name(h) : "local"),
		value_text(here ? "child" : "ssh"),
		value_text(state_name(host_state(h))),
		c && client_rtt_ns(c) >= 0 ? value_int(client_rtt_ns(c)) : value_null(),
		c && client_rtt_ns(c) >= 0 ? value_int(client_offset_ns(c)) : value_null(),
		c ? value_text(client_version(c)) : value_null(),
		host_error(h)->code ? value_text(host_error(h)->text) : value_null(),
	};

	rowset_add(hp->rows, v);
}

static void hosts_fill(struct hosts_pane *hp)
{
	struct host *h = NULL;

	rowset_clear(hp->rows);
	while ((h = hosts_next(app_hosts(hp->list.pane.app), h)))
		if (strcmp(host_name(h), "store") != 0)
			add_host(hp, h);
}

static enum style hosts_style(void *arg, const struct window *w, uint32_t row)
{
	const struct value state = window_cell(w, row, window_column(w, "state"));

	(void)arg;
	if (state.type != VALUE_TEXT || str_is(state.s, "up"))
		return STYLE_NORMAL;
	return str_is(state.s, "failed") ? STYLE_ERROR : str_is(state.s, "retry") ? STYLE_WARN : STYLE_DIM;
}

static int hosts_open(struct pane *p, struct err *e)
{
	struct hosts_pane *hp = (struct hosts_pane *)p;

	(void)e;
	hp->rows = rowset_new(&type);
	hosts_fill(hp);
	hp->table = rowset_table(hp->rows, false);
	hp->list.list = list_new_local(p, &(struct list_spec){
		.table = "hosts", .column = columns, .ncolumns = ARRAY_LEN(columns), .key = "name", .sort = "", .period_ms = 1000,
		.empty = "No host is known: :host add NAME", .row_style = hosts_style, .arg = hp}, &hp->table);
	return 0;
}

static void hosts_close(struct pane *p)
{
	struct hosts_pane *hp = (struct hosts_pane *)p;

	list_free(hp->list.list);
	rowset_free(hp->rows);
}

static void hosts_update(struct pane *p)
{
	hosts_fill((struct hosts_pane *)p);
	list_again(((struct hosts_pane *)p)->list.list);
	list_update(((struct hosts_pane *)p)->list.list);
}

/* Its devices: which also opens the link where it is idle or failed. */
static unsigned hosts_command(struct pane *p, int count, char **word, struct err *e)
{
	struct hosts_pane *hp = (struct hosts_pane *)p;
	char *name;
	int r;

	if (strcmp(word[0], "select") != 0)
		return list_pane_command(p, count, word, e);
	if (!list_has_row(hp->list.list))
		return REACT_DONE;
	name = list_text(hp->list.list, "name");
	r = app_open(p->app, "devices", name, "", "", e);
	free(name);
	return r == 0 ? REACT_DRAW : REACT_DONE;
}

const struct pane_type pane_hosts = {
	.name = "hosts", .root = true, .title = "Hosts", .summary = "the hosts that are known, and how they are", .tab = '4', .size = sizeof(struct hosts_pane),
	.list = true, .open = hosts_open, .close = hosts_close, .update = hosts_update, .draw = list_pane_draw, .command = hosts_command,
	.status = list_pane_status,
};
