/* The named counters of a session. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

static const struct list_column columns[] = {
	{.name = "name", .title = "COUNTER", .width = 16},
	{.name = "pps", .title = "PPS", .width = 8},
	{.name = "bps", .title = "RATE", .width = 9},
	{.name = "packets", .title = "PACKETS", .width = 10, .priority = 1},
	{.name = "bytes", .title = "BYTES", .width = 9, .priority = 3},
	{.name = "mean_bytes", .title = "MEAN", .width = 8, .priority = 4},
	{.name = "last_time", .title = "LAST", .width = 27, .priority = 5},
	{.name = "filter", .title = "FILTER", .width = 24, .priority = 1, .stretch = true},
};

static int counters_open(struct pane *p, struct err *e)
{
	if (!pane_is_live(p))
		return err_set(e, ERR_CALL, "counters of what: choose a session first (tab 1)");
	((struct list_pane *)p)->list = list_new(p, &(struct list_spec){
		.table = "counters", .column = columns, .ncolumns = ARRAY_LEN(columns), .key = "name", .sort = "", .period_ms = 1000,
		.empty = "No counter: add one with  :counter NAME add COUNTER=FILTER"});
	return 0;
}

static void counters_name(struct pane *p, struct buf *out)
{
	pane_view_name(p, "counters", out);
}

const struct pane_type pane_counters = {
	.name = "counters", .title = "Counters", .summary = "the counters of a session, live", .tab = '2', .size = sizeof(struct list_pane),
	.list = true, .open = counters_open, .close = list_pane_close, .update = list_pane_update, .draw = list_pane_draw,
	.command = list_pane_command, .status = list_pane_status, .name_of = counters_name,
};
