/* The hosts that are known: how they are reached, whether they answer, and why not. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"
#include "tui/known.h"

#define DETAIL_LINES 7 /* of a host that does not answer: why, and what to do */

struct hosts_pane {
	struct list_pane list;
	struct rowset *rows;
	struct table table;
	char *removing; /* the host that a question is open about */
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
	{.name = "how", .title = "HOW", .width = 6, .priority = 3},
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
		.empty = "No host is known: F5 adds one.", .row_style = hosts_style, .arg = hp}, &hp->table);
	return 0;
}

static void hosts_close(struct pane *p)
{
	struct hosts_pane *hp = (struct hosts_pane *)p;

	list_free(hp->list.list);
	rowset_free(hp->rows);
	free(hp->removing);
}

static void hosts_update(struct pane *p)
{
	hosts_fill((struct hosts_pane *)p);
	list_again(((struct hosts_pane *)p)->list.list);
	list_update(((struct hosts_pane *)p)->list.list);
}

/* --- which hosts are known --- */

static int hosts_check(void *arg, const char *text, struct err *e)
{
	(void)arg;
	return known_check(text, e);
}

static int add_accept(void *arg, const char *text, struct err *e)
{
	struct hosts_pane *hp = arg;

	if (known_check(text, e) < 0 || known_add(text, e) < 0)
		return -1;
	(void)host_client(hosts_get(app_hosts(hp->list.pane.app), text), NULL);
	app_dirty(hp->list.pane.app);
	return 0;
}

static void remove_yes(void *arg)
{
	struct hosts_pane *hp = arg;
	struct err e;

	host_close(hosts_get(app_hosts(hp->list.pane.app), hp->removing));
	if (known_remove(hp->removing, &e) < 0)
		app_toast_err(hp->list.pane.app, &e);
	else
		app_toast(hp->list.pane.app, SEVERITY_NOTE, "%s is not opened again; its sessions go on", hp->removing);
}

static void remove_ask(struct hosts_pane *hp, const char *name)
{
	char *question = xasprintf("Forget host %s? Its sessions go on.", name);

	free(hp->removing);
	hp->removing = xstrdup(name);
	app_confirm(hp->list.pane.app, question, remove_yes, hp);
	free(question);
}

static int hosts_add(struct hosts_pane *hp, int count, char **word, struct err *e)
{
	if (count > 1)
		return add_accept(hp, word[1], e);
	app_prompt(hp->list.pane.app, &(struct prompt_spec){.label = "host, as ssh is given it: ", .text = "", .history = "host",
							   .check = hosts_check, .accept = add_accept, .arg = hp});
	return 0;
}

/* Its devices: which also opens the link where it is idle or failed. */
static unsigned hosts_command(struct pane *p, int count, char **word, struct err *e)
{
	struct hosts_pane *hp = (struct hosts_pane *)p;
	char *name;
	int r;

	if (strcmp(word[0], "host-add") == 0)
		return hosts_add(hp, count, word, e) == 0 ? REACT_DRAW : REACT_DONE;
	if (strcmp(word[0], "select") != 0 && strcmp(word[0], "host-remove") != 0)
		return list_pane_command(p, count, word, e);
	if (!list_has_row(hp->list.list))
		return REACT_DONE;
	name = list_text(hp->list.list, "name");
	if (strcmp(word[0], "select") == 0)
		r = app_open(p->app, "devices", name, "", "", e);
	else if (strcmp(name, "local") == 0)
		r = err_set(e, ERR_CALL, "this host is always there");
	else {
		remove_ask(hp, name);
		r = 0;
	}
	free(name);
	return r == 0 ? REACT_DRAW : REACT_DONE;
}

/* --- what to do about a host that does not answer --- */

static const char *remedy(const char *error)
{
	static const char *const row[][2] = {
		{"host key", "Check the fingerprint with the host's owner, then connect once with  ssh HOST  to accept it, or mend known_hosts."},
		{"ermission denied", "Try  ssh HOST  by hand: the key or the agent is not accepted. ssh-add -l shows what the agent has."},
		{"uthenticat", "Try  ssh HOST  by hand: the key or the agent is not accepted. ssh-add -l shows what the agent has."},
		{"esolve", "The name is unknown here: look at its spelling and at HostName in ~/.ssh/config."},
		{"not known", "The name is unknown here: look at its spelling and at HostName in ~/.ssh/config."},
		{"refused", "Nothing listens there: is sshd running, is the port right?"},
		{"imed out", "No answer on the way: a firewall, or the host is down."},
		{"tapdeckd", "Install tapdeck over there: `ssh HOST tapdeckd --version` must work."},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		if (strstr(error, row[i][0]))
			return row[i][1];
	return "Ctrl-L tries again at once; the events (O) tell what happened.";
}

static void hosts_draw(struct pane *p, struct area a, bool focused)
{
	struct hosts_pane *hp = (struct hosts_pane *)p;
	char *name = list_text(hp->list.list, "name"), *error = list_text(hp->list.list, "error");
	const int detail = !*error || a.height < 12 ? 0 : a.width < 80 ? DETAIL_LINES + 1 : DETAIL_LINES;
	struct area in;
	int y;

	list_draw(hp->list.list, area_part(a, 0, 0, a.width, a.height - detail), focused);
	if (detail) {
		in = area_frame(area_part(a, 0, a.height - detail, a.width, detail), name, false);
		y = area_lines(area_part(in, 0, 0, in.width, 3), STYLE_ERROR, error);
		area_lines(area_part(in, 0, y, in.width, in.height - y), STYLE_NORMAL, remedy(error));
	}
	free(name);
	free(error);
}

static const struct pane_word words[] = {
	{"host-add", "[NAME]", "a host more, reached by SSH"},
	{"host-remove", "", "forgets the host; its sessions go on"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_hosts = {
	.name = "hosts",
	.title = "Hosts",
	.summary = "the hosts that are known, and how they are",
	.tab = '4',
	.size = sizeof(struct hosts_pane),
	.root = true,
	.list = true,
	.words = words,
	.acts = "host-add host-remove",
	.open = hosts_open,
	.close = hosts_close,
	.update = hosts_update,
	.draw = hosts_draw,
	.command = hosts_command,
	.status = list_pane_status,
};
