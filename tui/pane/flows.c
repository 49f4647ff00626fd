/* The flows of a capture: every figure of each direction, as columns. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

static int flows_open(struct pane *p, struct err *e)
{
	struct list_pane *lp = (struct list_pane *)p;
	const struct list_spec spec = {
		.table = "flows", .key = "id", .sort = "", .period_ms = 1000, .empty = "No flow in this capture.",
		.filter = p->argument && *p->argument ? p->argument : NULL,
	};

	if (!*p->target)
		return err_set(e, ERR_CALL, "flows of what: open a session or a capture first");
	lp->list = list_new(p, &spec);
	return 0;
}

static unsigned flows_command(struct pane *p, int count, char **word, struct err *e)
{
	struct list *l = ((struct list_pane *)p)->list;

	if (strcmp(word[0], "select") == 0)
		return list_pane_open(p, l, "capture-connection", "connection", e);
	return list_pane_command(p, count, word, e);
}

static void flows_name(struct pane *p, struct buf *out)
{
	pane_view_name(p, "flows", out);
}

const struct pane_type pane_flows = {
	.name = "flows", .title = "Flows", .summary = "the flows of a capture, with every figure", .tab = '6', .size = sizeof(struct list_pane),
	.list = true, .open = flows_open, .close = list_pane_close, .update = list_pane_update, .draw = list_pane_draw,
	.command = flows_command, .status = list_pane_status, .name_of = flows_name,
};
