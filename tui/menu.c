/* Lists over the panes: one of many, yes or no, and the searchable ones (help, palette). */
#include "menu.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define NOTE_COLUMNS 64
#define NOTE_ROWS 6

static bool has_letters(const char *text, const char *typed)
{
	for (; *typed; typed++) {
		while (*text && tolower((unsigned char)*text) != tolower((unsigned char)*typed))
			text++;
		if (!*text)
			return false;
		text++;
	}
	return true;
}

/* 0: does not match. Begins with > holds > has the letters in order. */
static int menu_score(const struct menu_item *m, const char *typed)
{
	const char *at;

	if (!typed[0])
		return 1;
	at = strcasestr(m->text, typed);
	if (at)
		return at == m->text ? 5 : 4;
	if (strcasestr(m->detail, typed))
		return 3;
	return has_letters(m->text, typed) ? 2 : 0;
}

static void menu_filter(struct menu *m)
{
	m->nmatch = 0;
	for (int score = 5; score > 0; score--) {
		for (size_t i = 0; i < m->nitems; i++) {
			if (menu_score(&m->item[i], m->search ? m->edit.text : "") == score)
				m->match[m->nmatch++] = i;
		}
	}
	m->at = 0;
}

static int menu_widest(const struct menu *m)
{
	size_t widest = strlen(m->title) + 6;

	for (size_t i = 0; i < m->nitems; i++) {
		size_t n = strlen(m->item[i].keys) + strlen(m->item[i].text) + strlen(m->item[i].detail) + 8;
		widest = n > widest ? n : widest;
	}
	return (int)widest;
}

static void menu_row(const struct menu *m, struct area a, size_t row, int y)
{
	const struct menu_item *item = &m->item[m->match[row]];
	int keys = m->keys_width, text = m->text_width, most = m->search ? a.width / 3 : a.width / 2;

	if (text > most && item->detail[0])
		text = most;
	if (keys)
		area_str(a, 1, y, STYLE_KEY, str_of(item->keys), keys);
	area_str(a, 1 + keys + (keys > 0), y, STYLE_NORMAL, str_of(item->text), item->detail[0] ? text : a.width - keys - 2);
	if (item->detail[0] && keys + text + 4 < a.width)
		area_str(a, keys + text + 4, y, STYLE_DIM, str_of(item->detail), a.width - keys - text - 5);
	if (row == m->at)
		area_style(a, 0, y, a.width, STYLE_SELECTED);
}

/* With a note the box is as wide as that reads well. Lines that it takes, with the empty one behind it. */
static int menu_note_lines(const struct menu *m, int *width, int most)
{
	const int wanted = canvas_columns(str_of(m->note)) + 4, good = wanted < NOTE_COLUMNS ? wanted : NOTE_COLUMNS;
	struct canvas c;
	int lines;

	if (*width < good)
		*width = good < most ? good : most;
	if (canvas_init(&c, *width - 2, NOTE_ROWS, true) < 0)
		return 0;
	lines = area_lines(canvas_area(&c), STYLE_NORMAL, m->note);
	canvas_release(&c);
	return lines + 1;
}

static void menu_draw(struct layer *layer, struct area screen)
{
	struct menu *m = (struct menu *)layer;
	int width = menu_widest(m), rows, head = m->search ? 2 : 0, height;
	struct area box, in;

	width = m->search || width > screen.width - 4 ? screen.width - 4 : width;
	if (m->note)
		head = menu_note_lines(m, &width, screen.width - 4);
	height = (int)m->nitems + head + 2;
	height = height > screen.height - 4 ? screen.height - 4 : height;
	box = area_part(screen, (screen.width - width) / 2, (screen.height - height) / 2, width, height);
	area_fill(box, ' ', STYLE_NORMAL);
	in = area_frame(box, m->title, true);
	if (m->search) {
		int n = area_text(in, 1, 0, STYLE_KEY, "find: ") + 1;
		edit_draw(&m->edit, in, n, 0, in.width - n - 1, STYLE_INPUT, true);
	}
	if (m->note)
		area_lines(area_part(in, 0, 0, in.width, head), STYLE_NORMAL, m->note);
	rows = in.height - head;
	if (rows < 1)
		return;
	if (m->at < m->top)
		m->top = m->at;
	if (m->at >= m->top + (size_t)rows)
		m->top = m->at - (size_t)rows + 1;
	in = area_part(in, 0, head, in.width, rows);
	for (int y = 0; y < rows && m->top + (size_t)y < m->nmatch; y++)
		menu_row(m, in, m->top + (size_t)y, y);
	if (m->nmatch == 0)
		area_text(in, 1, 0, STYLE_DIM, "nothing matches; Backspace shows more");
}

static void menu_choose(struct menu *m)
{
	struct app *a = m->layer.app;
	size_t index;

	if (m->nmatch == 0)
		return;
	index = m->match[m->at];
	a->layer = NULL;
	if (m->layer.closed)
		m->layer.closed(m->layer.arg);
	m->chosen(m, index);
	m->layer.ops->free(&m->layer);
	free(m);
	app_hurry(a);
}

static bool menu_move(struct menu *m, const char *key)
{
	size_t last = m->nmatch ? m->nmatch - 1 : 0;

	if (strcmp(key, "down") == 0 || strcmp(key, "ctrl-n") == 0 || (!m->search && strcmp(key, "j") == 0))
		m->at += m->at < last;
	else if (strcmp(key, "up") == 0 || strcmp(key, "ctrl-p") == 0 || (!m->search && strcmp(key, "k") == 0))
		m->at -= m->at > 0;
	else if (strcmp(key, "page-down") == 0)
		m->at = m->at + 10 < last ? m->at + 10 : last;
	else if (strcmp(key, "page-up") == 0)
		m->at = m->at > 10 ? m->at - 10 : 0;
	else if (strcmp(key, "home") == 0)
		m->at = 0;
	else if (strcmp(key, "end") == 0)
		m->at = last;
	else
		return false;
	return true;
}

static void menu_key(struct layer *layer, const char *key)
{
	struct menu *m = (struct menu *)layer;
	bool changed;

	if (strcmp(key, "escape") == 0 || strcmp(key, "f10") == 0 || strcmp(key, "ctrl-c") == 0 || (!m->search && strcmp(key, "q") == 0)) {
		app_layer_drop(layer->app);
		return;
	}
	if (strcmp(key, "enter") == 0) {
		menu_choose(m);
		return;
	}
	for (size_t i = 0; m->letters && i < m->nmatch; i++) {
		if (strcmp(m->item[m->match[i]].keys, key) == 0) {
			m->at = i;
			menu_choose(m);
			return;
		}
	}
	if (menu_move(m, key) || !m->search)
		return;
	if (edit_key(&m->edit, key, &changed) && changed)
		menu_filter(m);
}

static void menu_free(struct layer *layer)
{
	struct menu *m = (struct menu *)layer;

	for (size_t i = 0; i < m->nitems; i++) {
		free(m->item[i].keys);
		free(m->item[i].text);
		free(m->item[i].detail);
		free(m->item[i].command);
	}
	free(m->item);
	free(m->match);
	free(m->title);
	free(m->note);
	if (m->search)
		edit_release(&m->edit);
}

static const struct layer_ops menu_ops = {menu_draw, menu_key, menu_free};

struct menu *menu_new(struct app *a, const char *title, bool search, void (*chosen)(struct menu *, size_t), void *arg)
{
	struct menu *m = (struct menu *)layer_new(sizeof(*m), &menu_ops, a, NULL, arg);

	m->title = xstrdup(title);
	m->search = search;
	m->chosen = chosen;
	if (search)
		edit_init(&m->edit, "", NULL);
	return m;
}

void menu_add(struct menu *m, const char *keys, const char *text, const char *detail, const char *command)
{
	struct menu_item *item;

	m->item = xreallocarray(m->item, m->nitems + 1, sizeof(*m->item));
	item = &m->item[m->nitems++];
	item->keys = xstrdup(keys);
	item->text = xstrdup(text);
	item->detail = xstrdup(detail);
	item->command = xstrdup(command);
	if ((int)strlen(keys) > m->keys_width)
		m->keys_width = (int)strlen(keys);
	if ((int)strlen(text) > m->text_width)
		m->text_width = (int)strlen(text);
}

void menu_show(struct menu *m, size_t selected)
{
	m->match = xcalloc(m->nitems ? m->nitems : 1, sizeof(*m->match));
	menu_filter(m);
	m->at = selected < m->nmatch ? selected : 0;
	app_layer_set(m->layer.app, &m->layer);
}

/* --- one of many, yes or no --- */

static void plain_chosen(struct menu *m, size_t index)
{
	m->plain(m->layer.arg, index);
}

void app_menu(struct app *a, const char *title, const char *const *item, size_t count, size_t selected,
	      void (*chosen)(void *arg, size_t index), void *arg)
{
	struct menu *m = menu_new(a, title, false, plain_chosen, arg);

	m->plain = chosen;
	for (size_t i = 0; i < count; i++)
		menu_add(m, "", item[i], "", "");
	menu_show(m, selected);
}

static void confirm_chosen(struct menu *m, size_t index)
{
	if (index == 0)
		m->yes(m->layer.arg);
}

void app_confirm(struct app *a, const char *question, void (*yes)(void *arg), void *arg)
{
	app_confirm_loss(a, question, NULL, yes, arg);
}

void app_confirm_loss(struct app *a, const char *question, const char *loss, void (*yes)(void *arg), void *arg)
{
	struct menu *m;

	if (!a->options.value[OPTION_CONFIRM]) {
		yes(arg);
		return;
	}
	m = menu_new(a, question, false, confirm_chosen, arg);
	m->yes = yes;
	m->note = loss ? xstrdup(loss) : NULL;
	menu_add(m, "y", "Yes", "", "");
	menu_add(m, "n", "No", "", "");
	m->letters = true;
	menu_show(m, 1);
}
