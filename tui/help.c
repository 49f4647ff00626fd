/* Help, palette and settings: searchable lists made of the tables; Enter runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "menu.h"
#include "base/xalloc.h"

#define KEYS_MAX 40

/* A word that cannot be said alone: its usage begins with something that is not in brackets. */
static bool wants_words(const struct app *a, const char *command)
{
	struct said s;

	for (size_t i = 0; app_said(a, i, &s); i++) {
		if (strcmp(s.name, command) == 0)
			return s.words[0] && (s.words[0] != '[' || strchr(s.words, ']')[1]);
	}
	return false;
}

static void line_chosen(struct menu *m, size_t index)
{
	struct app *a = m->layer.app;
	const char *command = m->item[index].command;

	if (wants_words(a, command))
		app_command_prompt(a, command);
	else
		app_run(a, command);
}

/* The summary of a command line's first word; "" where it is none. */
static const char *summary_of(const struct app *a, const char *command)
{
	size_t len = strcspn(command, " ");
	struct said s;

	for (size_t i = 0; app_said(a, i, &s); i++) {
		if (strlen(s.name) == len && strncmp(s.name, command, len) == 0)
			return s.summary;
	}
	return "";
}

static bool listed(const struct menu *m, const char *command)
{
	for (size_t i = 0; i < m->nitems; i++) {
		if (strcmp(m->item[i].command, command) == 0)
			return true;
	}
	return false;
}

static void add_keys_of(struct menu *m, struct app *a, const char *only)
{
	bool list;
	const char *context = pane_context(a, &list);
	struct key k;

	for (size_t i = 0; keymap_at(a->keymap, i, &k); i++) {
		const struct key *bound = keymap_key(a->keymap, context, list, k.key);
		char keys[KEYS_MAX];
		if (strcmp(k.context, only) != 0 || !bound || strcmp(bound->context, k.context) != 0 ||
		    strcmp(bound->command, k.command) != 0 || listed(m, k.command))
			continue;
		if (app_readonly(a) && app_acts(a, k.command))
			continue;
		keymap_keys(a->keymap, context, list, k.command, keys, sizeof(keys));
		menu_add(m, keys, k.command, summary_of(a, k.command), k.command);
	}
}

/* One line a command that has keys here, with all of them; what only this pane has comes first. */
static void add_keys(struct menu *m, struct app *a)
{
	bool list;

	add_keys_of(m, a, pane_context(a, &list));
	add_keys_of(m, a, "list");
	add_keys_of(m, a, "");
}

/* Those that want a word are put into the command line, the others run. */
static void add_words(struct menu *m, const struct app *a)
{
	struct said s;

	for (size_t i = 0; app_said(a, i, &s); i++) {
		char *text = xasprintf("%s%s%s", s.name, s.words[0] ? " " : "", s.words);
		if (!listed(m, s.name) && !(app_readonly(a) && app_acts(a, s.name)))
			menu_add(m, "", text, s.summary, s.name);
		free(text);
	}
}

static void add_panes(struct menu *m)
{
	for (size_t i = 0; pane_types[i]; i++) {
		char *command = xasprintf("open %s", pane_types[i]->name);
		if (pane_types[i]->root && !listed(m, command))
			menu_add(m, "", command, pane_types[i]->summary, command);
		free(command);
	}
}

static void searchable(struct app *a, const char *title)
{
	struct menu *m = menu_new(a, title, true, line_chosen, a);

	add_keys(m, a);
	add_words(m, a);
	add_panes(m);
	menu_show(m, 0);
}

void app_help(struct app *a)
{
	struct pane *p = app_pane(a);
	char *title = xasprintf("%s: lowercase acts on the row, UPPERCASE opens a view, digits are tabs, Esc goes back",
				p ? p->type->title : "Help");

	searchable(a, title);
	free(title);
}

void app_palette(struct app *a)
{
	searchable(a, "Any command: some of its letters find it, Enter runs it");
}

/* --- settings --- */

static int setting_accept(void *arg, const char *text, struct err *e)
{
	struct app *a = arg;

	return app_set_option(a, option_table[a->setting].name, text, e);
}

static void setting_complete(void *arg, const char *text, size_t at, struct buf *out)
{
	const struct option *o = &option_table[((const struct app *)arg)->setting];
	const char *words = o->choices ? o->choices : "on off";

	while (*words && o->kind != OPTION_NUMBER) {
		size_t len = strcspn(words, " ");
		if (len >= at && strncmp(words, text, at) == 0)
			buf_printf(out, "%.*s\n", (int)len, words);
		words += len;
		words += strspn(words, " ");
	}
}

static void setting_chosen(struct menu *m, size_t index)
{
	const struct option *o = &option_table[index];
	char *label = xasprintf("%s (%s): ", o->name, o->choices ? o->choices : o->kind == OPTION_FLAG ? "on off" : "number");
	const struct prompt_spec p = {.label = label, .complete = setting_complete, .accept = setting_accept, .arg = m->layer.app};

	m->layer.app->setting = (enum option_id)index;
	app_prompt(m->layer.app, &p);
	free(label);
}

void app_settings(struct app *a)
{
	struct menu *m = menu_new(a, "Options (tapdeck.conf: set NAME VALUE)", false, setting_chosen, a);

	for (int id = 0; id < OPTION_COUNT; id++) {
		struct buf value;
		char *text;
		buf_init(&value, 64);
		options_print(&a->options, (enum option_id)id, &value);
		text = xasprintf("%s %s", option_table[id].name, buf_str(&value));
		menu_add(m, "", text, option_table[id].summary, "");
		free(text);
		buf_release(&value);
	}
	menu_show(m, 0);
}
