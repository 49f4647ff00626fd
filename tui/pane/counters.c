/* The named counters of a session. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

static const struct list_column columns[] = {
	{"name", "COUNTER", 16, 0, false}, {"pps", "PPS", 8, 0, false},	       {"bps", "RATE", 9, 0, false}, {"packets", "PACKETS", 10, 1, false},
	{"bytes", "BYTES", 10, 2, false},  {"mean_bytes", "MEAN", 8, 4, false}, {"last_time", "LAST", 27, 5, false}, {"filter", "FILTER", 0, 1, true},
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
	pane_target_name(p, out);
	(void)buf_add_str(out, " counters");
}

const struct pane_type pane_counters = {
	.name = "counters", .title = "Counters", .summary = "the counters of a session, live", .tab = '2', .size = sizeof(struct list_pane),
	.list = true, .open = counters_open, .close = list_pane_close, .update = list_pane_update, .draw = list_pane_draw,
	.command = list_pane_command, .status = list_pane_status, .name_of = counters_name,
};
