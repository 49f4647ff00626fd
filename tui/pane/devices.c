/* The devices of a host with their rates. Enter, or F5, begins a session on the selected one. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"
#include "tui/new_session.h"

static const struct list_column columns[] = {
	{.name = "name", .title = "DEVICE", .width = 14},
	{.name = "up", .title = "UP", .width = 4},
	{.name = "link", .title = "LINK", .width = 5, .priority = 3},
	{.name = "speed_bps", .title = "SPEED", .width = 8, .priority = 4},
	{.name = "rx_bps", .title = "RECEIVES", .width = 9},
	{.name = "tx_bps", .title = "SENDS", .width = 9},
	{.name = "rx_pps", .title = "RX PPS", .width = 7, .priority = 6},
	{.name = "tx_pps", .title = "TX PPS", .width = 7, .priority = 7},
	{.name = "errors", .title = "ERRORS", .width = 12, .priority = 2},
	{.name = "dropped", .title = "DROPS", .width = 12, .priority = 2},
	{.name = "addresses", .title = "ADDRESSES", .priority = 1, .stretch = true},
	{.name = "description", .title = "DESCRIPTION", .width = 16, .priority = 5},
};

static double rate_of(const struct window *w, uint32_t row, const char *column)
{
	const struct value v = window_cell(w, row, window_column(w, column));

	return v.type == VALUE_REAL ? v.r : 0;
}

static bool is_no(const struct window *w, uint32_t row, const char *column)
{
	const struct value v = window_cell(w, row, window_column(w, column));

	return v.type == VALUE_INT && v.i == 0;
}

/* What goes wrong now stands out; what is not up, or has no carrier, steps back. */
static enum style devices_style(void *arg, const struct window *w, uint32_t row)
{
	(void)arg;
	if (rate_of(w, row, "errors_pps") > 0 || rate_of(w, row, "dropped_pps") > 0)
		return STYLE_WARN;
	return is_no(w, row, "up") || is_no(w, row, "link") ? STYLE_DIM : STYLE_NORMAL;
}

/* "17", and while they grow "1.2k!40/s". */
static bool devices_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const bool errors = strcmp(column, "errors") == 0;
	const double rate = rate_of(w, row, errors ? "errors_pps" : "dropped_pps");
	const struct value v = window_cell(w, row, window_column(w, column));
	char count[TEXT_NUMBER_MAX], text[TEXT_NUMBER_MAX];

	(void)arg;
	(void)style;
	if ((!errors && strcmp(column, "dropped") != 0) || rate <= 0 || v.type != VALUE_INT)
		return false;
	(void)buf_printf(out, "%s!%s/s", text_count((uint64_t)v.i, count), text_rate(rate, text));
	return true;
}

static int devices_open(struct pane *p, struct err *e)
{
	(void)e;
	((struct list_pane *)p)->list = list_new(p, &(struct list_spec){
		.table = "devices", .column = columns, .ncolumns = ARRAY_LEN(columns), .whole = true, .key = "name", .sort = "", .period_ms = 1000,
		.empty = "This host says that it has no network device.", .row_style = devices_style, .cell = devices_cell});
	return 0;
}

static unsigned devices_command(struct pane *p, int count, char **word, struct err *e)
{
	struct list *l = ((struct list_pane *)p)->list;
	char *device;
	int r;

	if (strcmp(word[0], "select") != 0 && strcmp(word[0], "new-here") != 0)
		return list_pane_command(p, count, word, e);
	if (!list_has_row(l))
		return REACT_DONE;
	device = list_text(l, "name");
	r = new_session_form(p->app, host_name(p->host), device, e);
	free(device);
	return r == 0 ? REACT_DRAW : REACT_DONE;
}

static void devices_name(struct pane *p, struct buf *out)
{
	(void)buf_printf(out, "devices of %s", *host_name(p->host) ? host_name(p->host) : "this host");
}

static const struct pane_word words[] = {
	{"new-here", "", "the form for a new session on the selected device"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_devices = {
	.name = "devices", .root = true, .title = "Devices", .summary = "the devices of a host, with their rates", .tab = '2', .size = sizeof(struct list_pane),
	.list = true, .words = words, .acts = "new-here", .open = devices_open, .close = list_pane_close, .update = list_pane_update, .draw = list_pane_draw,
	.command = devices_command, .status = list_pane_status, .name_of = devices_name,
};
