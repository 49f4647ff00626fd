/* The history: captures, their files, connections, found by a question. Enter goes one level down: a capture's files, a file
 * or a connection in analysis. The question is the argument; `question` asks for another. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define HISTORY_FILL_NS (10 * NS_PER_S) /* the journals of the hosts are looked at this often while the pane is shown */

static const struct list_column capture_columns[] = {
	{.name = "id", .title = "#", .width = 5},
	{.name = "host", .title = "HOST", .width = 10, .priority = 1},
	{.name = "session", .title = "SESSION", .width = 14, .stretch = true},
	{.name = "devices", .title = "DEVICE", .width = 8, .priority = 3},
	{.name = "start_time", .title = "START", .width = 16},
	{.name = "duration_s", .title = "LASTED", .width = 9, .priority = 2},
	{.name = "packets", .title = "PKTS", .width = 8, .priority = 2},
	{.name = "file_bytes", .title = "SIZE", .width = 8, .priority = 1},
	{.name = "dropped", .title = "DROPS", .width = 6, .priority = 3},
	{.name = "connections", .title = "CONNS", .width = 7, .priority = 4},
	{.name = "state", .title = "STATE", .width = 10, .priority = 3},
	{.name = "filter", .title = "FILTER", .width = 16, .priority = 5},
	{.name = "note", .title = "NOTE", .width = 14, .priority = 6},
};

static const struct list_column file_columns[] = {
	{.name = "capture", .title = "#", .width = 5, .priority = 3},
	{.name = "host", .title = "HOST", .width = 12, .priority = 2},
	{.name = "name", .title = "FILE", .width = 38, .stretch = true},
	{.name = "first_time", .title = "FIRST", .width = 16, .priority = 1},
	{.name = "packets", .title = "PKTS", .width = 8, .priority = 1},
	{.name = "bytes", .title = "SIZE", .width = 9},
	{.name = "state", .title = "STATE", .width = 10, .priority = 2},
};

static const struct list_column connection_columns[] = {
	{.name = "capture", .title = "#", .width = 5, .priority = 3},
	{.name = "id", .title = "CONN", .width = 6, .priority = 1},
	{.name = "start_time", .title = "START", .width = 16},
	{.name = "addr_a", .title = "A", .width = 21},
	{.name = "addr_b", .title = "B", .width = 21, .stretch = true},
	{.name = "app", .title = "APP", .width = 6, .priority = 3},
	{.name = "state", .title = "STATE", .width = 5, .priority = 1},
	{.name = "bytes_ab", .title = "A>B", .width = 8, .priority = 2},
	{.name = "bytes_ba", .title = "B>A", .width = 8, .priority = 2},
	{.name = "handshake_ms", .title = "HSHAKE", .width = 8, .priority = 4},
	{.name = "host", .title = "HOST", .width = 10, .priority = 5},
};

static bool history_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const bool a = strcmp(column, "addr_a") == 0;
	struct value addr, port;
	char text[TEXT_NUMBER_MAX];

	(void)arg;
	(void)style;
	if (strcmp(column, "duration_s") == 0) {
		addr = window_cell(w, row, window_column(w, column));
		if (addr.type == VALUE_INT)
			(void)buf_add_str(out, text_duration(addr.i, text));
		return true;
	}
	if (strcmp(column, "start_time") == 0 || strcmp(column, "first_time") == 0) {
		addr = window_cell(w, row, window_column(w, column));
		if (addr.type == VALUE_INT)
			(void)buf_printf(out, "%.16s", text_time(addr.i, TEXT_UTC, text));
		return true;
	}
	if (!a && strcmp(column, "addr_b") != 0)
		return false;
	addr = window_cell(w, row, window_column(w, column));
	port = window_cell(w, row, window_column(w, a ? "port_a" : "port_b"));
	pane_endpoint(out, &addr, &port);
	return true;
}

static enum style history_style(void *arg, const struct window *w, uint32_t row)
{
	const struct value dropped = window_cell(w, row, window_column(w, "dropped"));

	(void)arg;
	return dropped.type == VALUE_INT && dropped.i > 0 ? STYLE_WARN : STYLE_NORMAL;
}

/* --- the pane --- */

static const struct list_spec history_specs[] = {
	{.table = "captures", .column = capture_columns, .ncolumns = ARRAY_LEN(capture_columns), .also = "folder,name", .key = "id",
	 .sort = "-start_time", .empty = "No capture is kept yet: F5 begins one that records.", .row_style = history_style},
	{.table = "files", .column = file_columns, .ncolumns = ARRAY_LEN(file_columns), .also = "path,number", .key = "name",
	 .sort = "-first_time", .empty = "No file answers this question."},
	{.table = "connections", .column = connection_columns, .ncolumns = ARRAY_LEN(connection_columns), .also = "port_a,port_b,path,offset",
	 .key = "id", .sort = "-start_time", .empty = "No connection answers this question."},
};

static int history_open(struct pane *p, struct err *e)
{
	const size_t kind = p->type == &pane_history ? 0 : p->type == &pane_history_files ? 1 : 2;
	const char *words[] = {p->argument ? p->argument : ""};
	struct list_spec spec = history_specs[kind];

	(void)e;
	p->host = hosts_get(app_hosts(p->app), "store");
	spec.words = words;
	spec.nwords = *words[0] ? 1 : 0;
	spec.period_ms = 2000;
	spec.cell = history_cell;
	((struct list_pane *)p)->list = list_new(p, &spec);
	app_fill(p->app, 0);
	return 0;
}

static void history_update(struct pane *p)
{
	app_fill(p->app, HISTORY_FILL_NS);
	list_pane_update(p);
}

/* --- one level down --- */

/* The history has the name that a file will have; until it is sealed another stands there. */
static bool is_written(const char *path)
{
	char *part = xasprintf("%s.part", path);
	const bool yes = access(path, F_OK) != 0 && access(part, R_OK) == 0;

	free(part);
	return yes;
}

static int open_path(struct pane *p, struct list *l, const char *pane, const char *argument, struct err *e)
{
	char *path = list_text(l, "path"), *host = list_text(l, "host"), *target;
	char here[256] = "";
	bool local;
	int r;

	if (!*path) {
		r = err_set(e, ERR_ABSENT, "nothing of it was recorded: it was only counted");
		goto out;
	}
	(void)gethostname(here, sizeof(here) - 1);
	local = strcmp(host, here) == 0;
	target = xasprintf("file:%s%s", path, local && is_written(path) ? ".part" : "");
	r = app_open(p->app, pane, local ? "" : host, target, argument, e);
	free(target);
out:
	free(path);
	free(host);
	return r;
}

static int history_select(struct pane *p, struct err *e)
{
	struct list *l = ((struct list_pane *)p)->list;
	char *number, *question;
	int r;

	if (p->type == &pane_history_files)
		return open_path(p, l, "summary", "", e);
	if (p->type == &pane_history_connections)
		return open_path(p, l, "capture-connections", "", e);
	number = list_text(l, "id");
	question = xasprintf("capture %s", number);
	r = app_open(p->app, "files", "", "", question, e);
	free(number);
	free(question);
	return r;
}

static int question_accept(void *arg, const char *text, struct err *e)
{
	struct pane *p = arg;
	const struct pane_type *type = p->type;
	const char *pane = *text && type == &pane_history && !strstr(text, "| captures") ? "found" : type->name;

	return app_open(p->app, pane, "", "", text, e);
}

static unsigned history_command(struct pane *p, int count, char **word, struct err *e)
{
	struct list *l = ((struct list_pane *)p)->list;

	if (strcmp(word[0], "select") == 0)
		return list_ready(l) && history_select(p, e) == 0 ? REACT_DRAW : REACT_DONE;
	if (strcmp(word[0], "question") != 0)
		return list_pane_command(p, count, word, e);
	if (count > 1)
		return question_accept(p, word[1], e) == 0 ? REACT_DRAW : REACT_DONE;
	app_prompt(p->app, &(struct prompt_spec){.label = "question: ", .text = p->argument, .history = "question", .accept = question_accept,
						 .arg = p});
	return REACT_DRAW;
}

static void history_status(struct pane *p, struct buf *out)
{
	if (p->argument && *p->argument)
		(void)buf_printf(out, "%s  ", p->argument);
	else
		(void)buf_add_str(out, "all captures  ");
	list_status(((struct list_pane *)p)->list, out);
}

static const struct pane_word words[] = {
	{"question", "[TEXT]", "ask the history: 10.1.2.3 port 443 last 7d | captures"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_history = {
	.name = "history", .root = true, .title = "History", .summary = "every capture that was made", .tab = '5', .size = sizeof(struct list_pane),
	.list = true, .words = words, .open = history_open, .close = list_pane_close, .update = history_update, .draw = list_pane_draw,
	.command = history_command, .status = history_status,
};

const struct pane_type pane_history_files = {
	.name = "files", .title = "Files", .summary = "the files of captures", .tab = '5', .size = sizeof(struct list_pane), .list = true,
	.words = words, .open = history_open, .close = list_pane_close, .update = history_update, .draw = list_pane_draw,
	.command = history_command, .status = history_status,
};

const struct pane_type pane_history_connections = {
	.name = "found", .title = "Connections found", .summary = "connections that answer a question", .tab = '5',
	.size = sizeof(struct list_pane), .list = true, .words = words, .open = history_open, .close = list_pane_close,
	.update = history_update, .draw = list_pane_draw, .command = history_command, .status = history_status,
};
