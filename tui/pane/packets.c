/* Packets: the list, the tree of the selected one's fields, its bytes. `goto N` and `goto TIME`; `bpf EXPR` leaves only what
 * matches. The argument is a row filter, and "packet N" behind it selects one. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define WIDE 150      /* columns from which tree and bytes stand beside the list */
#define SIDE 78	      /* columns of tree and bytes there: a line of bytes in its frame */
#define HEX_BYTES 16  /* of a line, as the table `hex` has them */
#define HEX_X 9	      /* column of a line's first byte: signs, offset */
#define HEX_TEXT_X 58 /* and of their text */

enum part { PART_LIST, PART_TREE, PART_HEX, PARTS };

struct packets_pane {
	struct pane pane;
	struct list *list, *tree, *hex;
	enum part focus;
	char *shown;	    /* number of the packet in tree and hex; "" none yet */
	struct feed *place; /* of `goto TIME`: which packet is it */
};

static const struct list_column list_columns[] = {
	{.name = "number", .title = "NO.", .width = 7},
	{.name = "rel_s", .title = "TIME", .width = 11},
	{.name = "delta_s", .title = "DELTA", .width = 10, .priority = 5},
	{.name = "connection", .title = "CONN", .width = 6, .priority = 4},
	{.name = "src", .title = "FROM", .width = 15, .priority = 1},
	{.name = "dst", .title = "TO", .width = 15, .priority = 1},
	{.name = "proto", .title = "PROTO", .width = 6, .priority = 3},
	{.name = "length", .title = "LEN", .width = 6, .priority = 2},
	{.name = "info", .title = "INFO", .width = 24, .stretch = true},
};

static const struct list_column hex_columns[] = {
	{.name = "offset", .title = "", .width = 6},
	{.name = "hex", .title = "", .width = 48},
	{.name = "text", .title = "", .priority = 1, .stretch = true},
};

static const struct list_column tree_columns[] = {
	{.name = "name", .title = "", .width = 20},
	{.name = "value", .title = "", .stretch = true},
};

static bool packets_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value length = window_cell(w, row, window_column(w, "length")), captured = window_cell(w, row, window_column(w, "captured"));

	(void)arg;
	(void)style;
	if (strcmp(column, "length") != 0 || length.type != VALUE_INT)
		return false;
	(void)buf_printf(out, "%lld%s", (long long)length.i, captured.type == VALUE_INT && captured.i < length.i ? "+" : "");
	return true;
}

/* The depth of a field indents its name. */
static bool tree_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value depth = window_cell(w, row, window_column(w, "depth")), name = window_cell(w, row, window_column(w, "name"));

	(void)arg;
	if (depth.i == 0)
		*style = STYLE_TITLE;
	if (strcmp(column, "name") != 0)
		return false;
	(void)buf_printf(out, "%*s", (int)(2 * (depth.i < 16 ? depth.i : 16)), "");
	value_print_text(out, KIND_TEXT, &name, TEXT_UTC);
	return true;
}

static enum style packets_style(void *arg, const struct window *w, uint32_t row)
{
	(void)arg;
	return window_cell(w, row, window_column(w, "connection")).type == VALUE_NULL ? STYLE_DIM : STYLE_NORMAL;
}

/* Tree and bytes follow the selection; they keep the last packet while the next row is on its way. */
static void packets_changed(void *arg, struct list *l)
{
	struct packets_pane *p = arg;
	char *number = list_has_row(l) ? list_text(l, "number") : xstrdup("");
	const char *words[] = {number};

	if (!*number || strcmp(number, p->shown) == 0) {
		free(number);
		return;
	}
	free(p->shown);
	p->shown = number;
	list_set_words(p->tree, words, 1);
	list_set_words(p->hex, words, 1);
}

/* The bytes of the selected field come into view. */
static void tree_changed(void *arg, struct list *l)
{
	struct packets_pane *p = arg;
	const struct value offset = list_value(l, "offset");

	if (p->focus == PART_TREE && offset.type == VALUE_INT && offset.i >= 0)
		list_goto(p->hex, (uint64_t)offset.i / HEX_BYTES);
}

static void packets_lists(struct packets_pane *p, const char *filter)
{
	p->tree = list_new(&p->pane, &(struct list_spec){
		.table = "packet", .column = tree_columns, .ncolumns = ARRAY_LEN(tree_columns), .also = "depth,offset,length", .key = "offset",
		.sort = "", .empty = "", .headless = true, .cell = tree_cell, .changed = tree_changed, .arg = p});
	p->hex = list_new(&p->pane, &(struct list_spec){
		.table = "hex", .column = hex_columns, .ncolumns = ARRAY_LEN(hex_columns), .key = "offset", .sort = "", .empty = "",
		.headless = true, .arg = p});
	p->list = list_new(&p->pane, &(struct list_spec){
		.table = "packets", .column = list_columns, .ncolumns = ARRAY_LEN(list_columns), .also = "time,captured,interface",
		.key = "number", .sort = "", .filter = filter, .period_ms = 1000, .follow = pane_is_live(&p->pane),
		.empty = pane_is_live(&p->pane) ? "No packet is kept yet: those that are recorded can be looked into." : "No packet here.",
		.row_style = packets_style, .cell = packets_cell, .changed = packets_changed, .arg = p});
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
	feed_free(p->place);
	free(p->shown);
}

static void packets_update(struct pane *pane)
{
	struct packets_pane *p = (struct packets_pane *)pane;

	list_update(p->list);
	list_update(p->tree);
	list_update(p->hex);
}

/* --- drawing --- */

static bool shown_is_selected(const struct packets_pane *p)
{
	char *number = list_text(p->list, "number");
	const bool same = strcmp(number, p->shown) == 0;

	free(number);
	return same;
}

/* What is known of the packet apart from its bytes. */
static void frame_title(const struct packets_pane *p, struct buf *out)
{
	const struct value time = list_value(p->list, "time"), length = list_value(p->list, "length"), captured = list_value(p->list, "captured"),
			   device = list_value(p->list, "interface");
	char text[TEXT_NUMBER_MAX];

	(void)buf_printf(out, "packet %s", p->shown);
	if (!shown_is_selected(p))
		return;
	if (time.type == VALUE_INT)
		(void)buf_printf(out, "  %s", text_time(time.i, TEXT_UTC, text));
	if (length.type == VALUE_INT)
		(void)buf_printf(out, "  %lld bytes", (long long)length.i);
	if (captured.type == VALUE_INT && captured.i != length.i)
		(void)buf_printf(out, ", %lld of them captured", (long long)captured.i);
	if (device.type == VALUE_TEXT) {
		(void)buf_add_str(out, "  ");
		value_print_text(out, KIND_TEXT, &device, TEXT_UTC);
	}
}

/* The bytes of the selected field, in both forms. */
static void hex_mark(const struct packets_pane *p, struct area a)
{
	const struct value offset = list_value(p->tree, "offset"), length = list_value(p->tree, "length");
	const int64_t top = (int64_t)list_top(p->hex), shown = (int64_t)a.height * HEX_BYTES;
	int64_t end;

	if (offset.type != VALUE_INT || length.type != VALUE_INT || length.i <= 0 || offset.i < 0 || offset.i > INT32_MAX)
		return;
	end = length.i > INT32_MAX ? INT32_MAX : offset.i + length.i;
	for (int64_t i = offset.i > top * HEX_BYTES ? offset.i : top * HEX_BYTES; i < end && i < top * HEX_BYTES + shown; i++) {
		const int y = (int)(i / HEX_BYTES - top), at = (int)(i % HEX_BYTES);

		area_style(a, HEX_X + 3 * at, y, i + 1 < end && at + 1 < HEX_BYTES ? 3 : 2, STYLE_MATCH);
		area_style(a, HEX_TEXT_X + at, y, 1, STYLE_MATCH);
	}
}

static void part_draw(struct packets_pane *p, enum part part, struct area a, bool focused)
{
	const bool active = focused && p->focus == part;

	if (part == PART_LIST) {
		list_draw(p->list, a, active);
		return;
	}
	if (!*p->shown)
		return;
	list_draw(part == PART_TREE ? p->tree : p->hex, a, active);
	if (part == PART_HEX)
		hex_mark(p, a);
}

static void framed_draw(struct packets_pane *p, enum part part, struct area a, bool focused)
{
	struct buf title;

	if (a.height < 3 || !*p->shown)
		return;
	buf_init(&title, 512);
	if (part == PART_TREE)
		frame_title(p, &title);
	else
		(void)buf_add_str(&title, "bytes");
	part_draw(p, part, area_frame(a, buf_str(&title), focused && p->focus == part), focused);
	buf_release(&title);
}

static void packets_draw(struct pane *pane, struct area a, bool focused)
{
	struct packets_pane *p = (struct packets_pane *)pane;
	const bool wide = a.width >= WIDE;
	const int list_height = wide ? a.height : a.height >= 24 ? a.height * 2 / 5 : a.height / 2, rest = a.height - list_height;
	const struct area side = wide ? area_part(a, a.width - SIDE, 0, SIDE, a.height) : area_part(a, 0, list_height, a.width, rest);
	const int tree_height = wide ? side.height * 2 / 3 : side.height >= 12 ? side.height - 6 : side.height;
	struct area below = area_part(side, 0, tree_height, side.width, side.height - tree_height);

	if (a.height < 14 && !wide) { /* one part at a time: Enter and Tab go to the next */
		part_draw(p, p->focus, a, focused);
		return;
	}
	part_draw(p, PART_LIST, area_part(a, 0, 0, wide ? a.width - SIDE - 1 : a.width, list_height), focused);
	if (below.height < 3) { /* room for one of the two */
		framed_draw(p, p->focus == PART_HEX ? PART_HEX : PART_TREE, side, focused);
		return;
	}
	framed_draw(p, PART_TREE, area_part(side, 0, 0, side.width, tree_height), focused);
	framed_draw(p, PART_HEX, below, focused);
}

/* --- goto and bpf --- */

static void place_answered(void *arg, struct feed *f)
{
	struct packets_pane *p = arg;
	const struct window *w = feed_window(f);
	const struct value number = window_cell(w, 0, window_column(w, "number"));
	char text[32];

	if (feed_state(f) == FEED_FAILED)
		app_toast_err(p->pane.app, feed_error(f));
	else if (feed_state(f) != FEED_READY || (w->rows == 0 && w->state == WINDOW_READING && !pane_is_live(&p->pane)))
		return; /* not there yet: the file is still read */
	else if (number.type != VALUE_INT)
		app_toast(p->pane.app, SEVERITY_NOTE, "no packet of these is at or behind that time");
	else {
		(void)snprintf(text, sizeof(text), "%lld", (long long)number.i);
		list_select(p->list, text);
	}
	feed_cancel(f);
}

/* The first packet of those that are listed at or behind a time: since the first packet, or of a day. */
static int goto_time(struct packets_pane *p, const char *text, struct err *e)
{
	const struct value first = list_value(p->list, "time");
	const char *listed = list_filter(p->list);
	char number[TEXT_NUMBER_MAX], *filter;
	int64_t ns;
	struct err ignored;

	if (text_parse_duration(str_of(text), &ns, &ignored) == 0)
		filter = xasprintf("%s%s%srel_s >= %s", *listed ? "(" : "", listed, *listed ? ") and " : "", text_seconds9(ns, number));
	else if (text_parse_time(str_of(text), first.type == VALUE_INT ? first.i : app_now_ns(p->pane.app), &ns, e) == 0)
		filter = xasprintf("%s%s%stime >= \"%s\"", *listed ? "(" : "", listed, *listed ? ") and " : "", text_rfc3339(ns, number));
	else
		return -1;
	feed_free(p->place);
	p->place = feed_new(p->pane.app, p->pane.host, p->pane.target, place_answered, p);
	feed_ask(p->place, &(struct feed_query){.table = "packets", .columns = "number", .filter = filter, .bpf = list_bpf(p->list), .count = 1,
						.period_ms = 200});
	free(filter);
	return 0;
}

/* Digits alone are a packet's number. */
static int goto_accept(void *arg, const char *text, struct err *e)
{
	struct packets_pane *p = arg;

	if (!*text || text[strspn(text, "0123456789")])
		return goto_time(p, text, e);
	list_select(p->list, text);
	return 0;
}

static int bpf_accept(void *arg, const char *text, struct err *e)
{
	(void)e;
	list_set_bpf(((struct packets_pane *)arg)->list, text);
	return 0;
}

static void packets_prompt(struct packets_pane *p, bool bpf)
{
	app_prompt(p->pane.app, &(struct prompt_spec){
		.label = bpf ? "packets that match (tcpdump's words): " : "go to packet, seconds or time: ", .text = bpf ? list_bpf(p->list) : "",
		.history = bpf ? "bpf" : "goto", .accept = bpf ? bpf_accept : goto_accept, .arg = p});
}

static unsigned packets_command(struct pane *pane, int count, char **word, struct err *e)
{
	struct packets_pane *p = (struct packets_pane *)pane;
	struct list *const part[] = {p->list, p->tree, p->hex};
	const bool bpf = strcmp(word[0], "bpf") == 0;
	struct buf text;

	if (strcmp(word[0], "cancel") == 0)
		return pane_stop_reading(pane, list_feed(p->list));
	if (strcmp(word[0], "next-part") == 0 || strcmp(word[0], "previous-part") == 0) {
		p->focus = (p->focus + (word[0][0] == 'n' ? 1 : PARTS - 1)) % PARTS;
		return REACT_DRAW;
	}
	if (strcmp(word[0], "select") == 0) {
		p->focus = p->focus == PART_LIST ? PART_TREE : p->focus == PART_TREE ? PART_HEX : PART_LIST;
		return REACT_DRAW;
	}
	if (!bpf && strcmp(word[0], "goto") != 0)
		return list_command(part[p->focus], count, word, e);
	if (count < 2) {
		packets_prompt(p, bpf);
		return REACT_DRAW;
	}
	buf_init(&text, FORM_TEXT_MAX);
	for (int i = 1; i < count; i++)
		(void)buf_printf(&text, "%s%s", i > 1 ? " " : "", word[i]);
	if (bpf)
		list_set_bpf(p->list, buf_str(&text));
	else
		(void)goto_accept(p, buf_str(&text), e);
	buf_release(&text);
	return REACT_DRAW;
}

static void packets_status(struct pane *pane, struct buf *out)
{
	list_status(((struct packets_pane *)pane)->list, out);
}

static void packets_name(struct pane *p, struct buf *out)
{
	pane_view_name(p, "packets", out);
}

static const struct pane_word words[] = {
	{"goto", "[NUMBER|TIME]", "packet NUMBER, or the first one at or behind TIME"},
	{"bpf", "[EXPR]", "only packets that match, in libpcap's language"},
	{NULL, NULL, NULL},
};

const struct pane_type pane_packets = {
	.name = "packets",
	.title = "Packets",
	.summary = "packets, the fields of one, its bytes",
	.tab = '6',
	.size = sizeof(struct packets_pane),
	.list = true,
	.words = words,
	.open = packets_open,
	.close = packets_close,
	.update = packets_update,
	.draw = packets_draw,
	.command = packets_command,
	.status = packets_status,
	.name_of = packets_name,
};
