/* Packets: the list, the tree of the selected one's fields, its bytes. `goto N` and `goto TIME`; `bpf EXPR` leaves only what
 * matches. The argument is a row filter, and "packet N" behind it selects one. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define WIDE 140 /* columns from which tree and bytes stand beside the list */

enum part { PART_LIST, PART_TREE, PART_HEX, PARTS };

struct packets_pane {
	struct pane pane;
	struct list *list, *tree, *hex;
	enum part focus;
	char *shown; /* number of the packet in tree and hex */
};

static const struct list_column list_columns[] = {
	{"number", "NO.", 8, 0, false}, {"rel_s", "TIME", 13, 0, false}, {"delta_s", "DELTA", 11, 5, false},
	{"connection", "CONN", 6, 3, false}, {"src", "FROM", 15, 1, false}, {"dst", "TO", 15, 1, false},
	{"proto", "PROTO", 6, 2, false}, {"length", "LEN", 6, 2, false}, {"info", "INFO", 0, 0, true},
};

static const struct list_column hex_columns[] = {
	{"offset", "", 6, 0, false}, {"hex", "", 48, 0, false}, {"text", "", 0, 1, true},
};

static const struct list_column tree_columns[] = {
	{"name", "", 28, 0, false}, {"value", "", 0, 0, true},
};

/* The depth of a field indents its name. */
static bool tree_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value depth = window_cell(w, row, window_column(w, "depth")), name = window_cell(w, row, window_column(w, "name"));

	(void)arg;
	if (strcmp(column, "name") != 0)
		return false;
	if (depth.i == 0)
		*style = STYLE_TITLE;
	(void)buf_printf(out, "%*s", (int)(2 * (depth.i < 16 ? depth.i : 16)), "");
	value_print_text(out, KIND_TEXT, &name, TEXT_UTC);
	return true;
}

static enum style packets_style(void *arg, const struct window *w, uint32_t row)
{
	const struct value direction = window_cell(w, row, window_column(w, "direction"));

	(void)arg;
	if (direction.type != VALUE_TEXT || direction.s.len < 2)
		return STYLE_DIM;
	return STYLE_NORMAL;
}

/* Tree and bytes follow the selection. */
static void packets_changed(void *arg, struct list *l)
{
	struct packets_pane *p = arg;
	char *number = list_has_row(l) ? list_text(l, "number") : xstrdup("");
	const char *words[] = {number};

	if (strcmp(number, p->shown) == 0) {
		free(number);
		return;
	}
	free(p->shown);
	p->shown = number;
	list_set_words(p->tree, words, *number ? 1 : 0);
	list_set_words(p->hex, words, *number ? 1 : 0);
}

static void packets_lists(struct packets_pane *p, const char *filter)
{
	static const char *const none[] = {"0"};

	p->tree = list_new(&p->pane, &(struct list_spec){
		.table = "packet", .words = none, .nwords = 1, .column = tree_columns, .ncolumns = ARRAY_LEN(tree_columns),
		.also = "depth,offset,length", .key = "name", .sort = "", .empty = "", .cell = tree_cell, .arg = p});
	p->hex = list_new(&p->pane, &(struct list_spec){
		.table = "hex", .words = none, .nwords = 1, .column = hex_columns, .ncolumns = ARRAY_LEN(hex_columns), .key = "offset",
		.sort = "", .empty = "", .arg = p});
	p->list = list_new(&p->pane, &(struct list_spec){
		.table = "packets", .column = list_columns, .ncolumns = ARRAY_LEN(list_columns), .also = "direction,time", .key = "number",
		.sort = "", .filter = filter, .period_ms = 1000, .follow = pane_is_live(&p->pane), .empty = "No packet here.",
		.row_style = packets_style, .changed = packets_changed, .arg = p});
}

static int packets_open(struct pane *pane, struct err *e)
{
	struct packets_pane *p = (struct packets_pane *)pane;
	const char *argument = pane->argument ? pane->argument : "", *packet = strstr(argument, "packet ");
	char *filter;

	if (!*pane->target)
		return err_set(e, ERR_CALL, "packets of what: open a session or a capture first");
	p->shown = xstrdup("");
	filter = xstrndup(argument, packet ? (size_t)(packet - argument) : strlen(argument));
	packets_lists(p, filter);
	free(filter);
	if (packet)
		list_select(p->list, packet + strlen("packet "));
	return 0;
}

static void packets_close(struct pane *pane)
{
	struct packets_pane *p = (struct packets_pane *)pane;

	list_free(p->list);
	list_free(p->tree);
	list_free(p->hex);
	free(p->shown);
}

static void packets_update(struct pane *pane)
{
	struct packets_pane *p = (struct packets_pane *)pane;

	list_update(p->list);
	list_update(p->tree);
	list_update(p->hex);
}

static void draw_part(struct packets_pane *p, struct list *l, enum part part, const char *title, struct area a, bool focused)
{
	const bool active = focused && p->focus == part;

	if (a.height > 2)
		list_draw(l, area_frame(a, title, active), active);
}

static void packets_draw(struct pane *pane, struct area a, bool focused)
{
	struct packets_pane *p = (struct packets_pane *)pane;
	const bool wide = a.width >= WIDE;
	const int list_height = wide ? a.height : a.height >= 24 ? a.height - 16 : a.height / 2, list_width = wide ? a.width - 72 : a.width;
	const int rest = wide ? a.height : a.height - list_height, tree_height = wide ? rest - 12 : rest >= 10 ? rest * 3 / 5 : rest;
	struct area side;

	if (a.height < 12) { /* one part at a time: Tab goes to the next */
		struct list *const part[] = {p->list, p->tree, p->hex};

		list_draw(part[p->focus], a, focused);
		return;
	}
	side = wide ? area_part(a, list_width, 0, 72, a.height) : area_part(a, 0, list_height, a.width, rest);
	list_draw(p->list, area_part(a, 0, 0, list_width, list_height), focused && p->focus == PART_LIST);
	draw_part(p, p->tree, PART_TREE, *p->shown ? p->shown : "fields", area_part(side, 0, 0, side.width, tree_height), focused);
	draw_part(p, p->hex, PART_HEX, "bytes", area_part(side, 0, tree_height, side.width, side.height - tree_height), focused);
}

/* A number is a packet's; anything else is a time since the first packet or a time of day: the packet at or behind it. */
static unsigned packets_goto(struct packets_pane *p, int count, char **word, struct err *e)
{
	if (count < 2) {
		err_set(e, ERR_CALL, "goto NUMBER, or goto TIME (12.5s since the first packet, or a time of day)");
		return REACT_DONE;
	}
	if (word[1][strspn(word[1], "0123456789")] == '\0') {
		list_select(p->list, word[1]);
		return REACT_DRAW;
	}
	return list_command(p->list, count, word, e);
}

static unsigned packets_command(struct pane *pane, int count, char **word, struct err *e)
{
	struct packets_pane *p = (struct packets_pane *)pane;
	struct list *const part[] = {p->list, p->tree, p->hex};

	if (strcmp(word[0], "next-part") == 0 || strcmp(word[0], "previous-part") == 0) {
		p->focus = (p->focus + (word[0][0] == 'n' ? 1 : PARTS - 1)) % PARTS;
		return REACT_DRAW;
	}
	if (strcmp(word[0], "bpf") == 0) {
		list_set_bpf(p->list, count > 1 ? word[1] : "");
		return REACT_DRAW;
	}
	if (strcmp(word[0], "goto") == 0)
		return packets_goto(p, count, word, e);
	if (strcmp(word[0], "select") == 0) {
		p->focus = p->focus == PART_LIST ? PART_TREE : p->focus;
		return REACT_DRAW;
	}
	return list_command(part[p->focus], count, word, e);
}

static void packets_status(struct pane *pane, struct buf *out)
{
	list_status(((struct packets_pane *)pane)->list, out);
}

static void packets_name(struct pane *p, struct buf *out)
{
	pane_target_name(p, out);
	(void)buf_add_str(out, " packets");
}

static const struct pane_word words[] = {
	{"goto", "NUMBER|TIME", "packet NUMBER, or the first one at or behind TIME"},
	{"bpf", "[EXPR]", "only packets that match, in libpcap's language"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_packets = {
	.name = "packets", .title = "Packets", .summary = "packets, the fields of one, its bytes", .tab = '6', .size = sizeof(struct packets_pane),
	.list = true, .words = words, .open = packets_open, .close = packets_close, .update = packets_update, .draw = packets_draw,
	.command = packets_command, .status = packets_status, .name_of = packets_name,
};
