/* What stands round the panes: tabs and clock, the path and state, the newest event, the keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app_private.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "tui/term.h"

#define ANY_COLUMNS 6 /* "^P any": whatever else has no room, this has */

static const struct {
	const char *name, *brief;
} tab_name[APP_TABS] = {{"Sessions", "Sess"}, {"Live", "Live"}, {"Connections", "Conn"}, {"Hosts", "Host"}, {"History", "Hist"},
			{"Analysis", "Anal"}};

static int clock_draw(const struct app *a, struct area bar)
{
	time_t seconds = (time_t)(app_now_ns(a) / NS_PER_S);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&seconds, &tm))
		return 0;
	strftime(text, sizeof(text), bar.width >= 96 ? "%H:%M:%S UTC" : bar.width >= 72 ? "%H:%M:%S" : "%H:%M", &tm);
	area_right(bar, bar.width - 1 - (int)strlen(text), 0, STYLE_TAB, text, (int)strlen(text));
	return (int)strlen(text) + 2;
}

static void bar_draw(const struct app *a, struct area bar)
{
	bool brief = bar.width < 80;
	int x = 1;

	area_fill(bar, ' ', STYLE_TAB);
	if (bar.width >= 92)
		x += area_text(bar, x, 0, STYLE_TAB, "tapdeck ");
	bar.width -= clock_draw(a, bar);
	for (int t = 0; t < APP_TABS; t++) {
		char text[32];
		bool active = t == a->current;
		snprintf(text, sizeof(text), "%c%d %s%c", active ? '[' : ' ', t + 1, brief ? tab_name[t].brief : tab_name[t].name, active ? ']' : ' ');
		x += area_text(bar, x, 0, active ? STYLE_TAB_ACTIVE : STYLE_TAB, text);
	}
}

static void path_print(const struct pane *p, struct buf *out)
{
	if (p->below) {
		path_print(p->below, out);
		buf_add_str(out, " > ");
	}
	if (p->type->name_of)
		p->type->name_of((struct pane *)(uintptr_t)p, out);
	else
		buf_add_str(out, p->type->title);
}

/* Where there is no room for all of the path, what is nearest to the user stays. Columns drawn. */
static int path_draw(const struct pane *p, struct area line)
{
	struct buf out;
	struct str path;
	int x = 0;

	buf_init(&out, 8192);
	path_print(p, &out);
	path = (struct str){buf_str(&out), out.len};
	if (canvas_columns(path) > line.width)
		x = area_text(line, 0, 0, STYLE_DIM, line.canvas->utf8 ? "\u2026" : "~");
	while (canvas_columns(path) + x > line.width && path.len > 0)
		text_utf8_next(&path);
	x += area_str(line, x, 0, STYLE_TITLE, path, line.width - x);
	buf_release(&out);
	return x;
}

static int badges_draw(const struct app *a, struct area line)
{
	char text[96];
	int width;

	if (!app_paused(a) && a->skipped == 0 && !app_readonly(a))
		return 0;
	width = snprintf(text, sizeof(text), "%s", app_readonly(a) ? " READ-ONLY " : "");
	if (app_paused(a))
		snprintf(text + width, sizeof(text) - (size_t)width, " PAUSED: %u held, p goes on ", hub_held(&a->hub));
	else if (a->skipped)
		snprintf(text + width, sizeof(text) - (size_t)width, " slow terminal ");
	width = (int)strlen(text) < line.width ? (int)strlen(text) : line.width;
	area_str(line, line.width - width, 0, STYLE_BADGE, str_of(text), width);
	return width + 1;
}

static void status_draw(struct app *a, struct area line)
{
	struct pane *p = app_pane(a);
	struct buf out;
	int x;

	line.width -= badges_draw(a, line);
	if (!p)
		return;
	x = 3 + path_draw(p, area_part(line, 1, 0, line.width * 2 / 3, 1));
	buf_init(&out, 8192);
	if (p->type->status)
		p->type->status(p, &out);
	area_cut(line, x, 0, STYLE_NORMAL, (struct str){buf_str(&out), out.len}, line.width - x);
	buf_release(&out);
}

static bool key_wanted(const struct key *k, bool letters)
{
	return (k->key[0] == 'f' && k->key[1] >= '1' && k->key[1] <= '9') != letters;
}

/* The keys of this place with a label, function keys or the letters that do the same. */
static void keys_draw(const struct app *a, struct area line)
{
	bool list, letters = options_choice_is(&a->options, OPTION_FUNCTION_BAR, "letters");
	const char *context = pane_context(a, &list);
	int x = 0;

	area_fill(line, ' ', STYLE_LABEL);
	for (int f = 1; f <= 10; f++) {
		char name[TERM_KEY_MAX], label[64];
		const struct key *k;
		snprintf(name, sizeof(name), "f%d", f);
		k = keymap_key(a->keymap, context, list, name);
		if (!k || !k->label[0] || !key_wanted(k, false) || (app_readonly(a) && app_acts(a, k->command)))
			continue;
		keymap_keys(a->keymap, context, list, k->command, label, sizeof(label));
		if (letters && strchr(label, ' '))
			memmove(label, strchr(label, ' ') + 1, strlen(strchr(label, ' ')));
		label[strcspn(label, " ")] = 0;
		if (x + (int)strlen(label) + (int)strlen(k->label) + 2 > line.width - ANY_COLUMNS)
			break;
		x += area_text(line, x, 0, STYLE_KEY, label);
		x += area_text(line, x, 0, STYLE_LABEL, k->label) + 1;
	}
	if (x + 26 <= line.width)
		area_text(line, x + 1, 0, STYLE_LABEL, ": command  Ctrl-P anything");
	else
		area_text(line, x, 0, STYLE_LABEL, "^P any");
}

#define TOAST_LINES 3

/* A sentence that its line has no room for takes lines of the pane. */
static bool toast_long(const struct app *a, enum style style, const char *sign, struct area pane, struct area line)
{
	char *text = xasprintf("%s%s", sign, a->toast);
	const int more = canvas_columns(str_of(text)) / (line.width - 2), above = more < TOAST_LINES ? more : TOAST_LINES - 1;
	struct area all = area_part(pane, 0, pane.height - above, pane.width, above + 1);
	const bool is_long = more > 0 && !a->toast_text && !a->layer && pane.height > above;

	if (is_long) {
		all.height = above + 1; /* the line is the one below the pane */
		area_fill(all, ' ', STYLE_NORMAL);
		(void)area_lines(all, style, text);
	}
	free(text);
	return is_long;
}

/* The user's text with the caret below stands over the sentence. */
static void toast_draw(const struct app *a, struct area pane, struct area line)
{
	static const enum style style[] = {STYLE_NORMAL, STYLE_WARN, STYLE_ERROR};
	static const char *const sign[] = {"", "! ", "! "};
	struct area two;
	int at;

	if (!a->toast || toast_long(a, style[a->toast_severity], sign[a->toast_severity], pane, line))
		return;
	area_fill(line, ' ', STYLE_NORMAL);
	at = area_text(line, 1, 0, style[a->toast_severity], sign[a->toast_severity]);
	area_text(line, 1 + at, 0, style[a->toast_severity], a->toast);
	if (!a->toast_text || pane.height < 3)
		return;
	two = area_part(pane, 0, pane.height - 2, pane.width, 2);
	area_fill(two, ' ', STYLE_NORMAL);
	area_text(two, 1, 0, STYLE_INPUT, a->toast_text);
	area_text(two, 1 + (a->toast_at < two.width - 2 ? a->toast_at : two.width - 2), 1, STYLE_ERROR, "^");
}

void frame_draw(struct app *a, struct area s)
{
	bool keys = !options_choice_is(&a->options, OPTION_FUNCTION_BAR, "off"), low = s.height < 20;
	int foot = (keys ? 1 : 0) + (low ? 0 : 1);
	struct area body = area_part(s, 0, 2, s.width, s.height - 2 - foot);
	struct area toast = area_part(s, 0, low ? s.height - 1 : s.height - foot, s.width, 1);
	struct pane *p = app_pane(a);

	if (s.width < APP_LEAST_WIDTH || s.height < APP_LEAST_HEIGHT) {
		area_printf(s, 0, 0, STYLE_NORMAL, "tapdeck needs %dx%d", APP_LEAST_WIDTH, APP_LEAST_HEIGHT);
		return;
	}
	if (p)
		p->type->draw(p, body, !a->layer);
	bar_draw(a, area_part(s, 0, 0, s.width, 1));
	status_draw(a, area_part(s, 0, 1, s.width, 1));
	if (keys)
		keys_draw(a, area_part(s, 0, s.height - 1, s.width, 1));
	toast_draw(a, body, toast);
	if (a->layer)
		a->layer->ops->draw(a->layer, s);
}
