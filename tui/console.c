/* The console's own commands. */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/words.h"
#include "config.h"
#include "guard.h"
#include "base/xalloc.h"
#include "tui/command.h"
#include "tui/list.h"
#include "tui/new_session.h"
#include "tui/source.h"
#include "tui/term.h"

static int too_few(const struct command *c, struct err *e)
{
	return err_set(e, ERR_CALL, "a word is missing: %s %s", c->name, c->words);
}

static int run_quit(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	guard_quit(a);
	return 0;
}

static int run_back(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	app_back(a);
	return 0;
}

/* What is under way is stopped first; only then Esc goes back. */
static int run_cancel(struct app *a, int count, char **word, struct err *e)
{
	struct pane *p = app_pane(a);
	static char cancel[] = "cancel";
	char *words[] = {cancel, NULL};
	unsigned react = REACT_NONE;

	(void)count;
	if (p && p->type->command)
		react = p->type->command(p, 1, words, e);
	if (react == REACT_NONE && strcmp(word[0], "escape") == 0)
		app_back(a);
	return 0;
}

static int run_tab(struct app *a, int count, char **word, struct err *e)
{
	if (count < 2 || word[1][1] || word[1][0] < '1' || word[1][0] >= '1' + APP_TABS)
		return err_set(e, ERR_CALL, "tab wants a number from 1 to %d", APP_TABS);
	app_tab(a, word[1][0]);
	return 0;
}

int app_open_source(struct app *a, const char *word, struct err *e)
{
	struct source s;
	char *target;
	int ask = 0, result;

	if (source_parse(&s, word, &ask, e) < 0)
		return -1;
	target = source_target(&s);
	if (!target)
		result = err_set(e, ERR_CALL, "%s must become a session first: new NAME device %s", word, s.name ? s.name : word);
	else
		result = app_open(a, s.kind == SOURCE_FILE ? "summary" : "connections", s.host, target, "", e);
	free(target);
	source_release(&s);
	return result;
}

static int run_open(struct app *a, int count, char **word, struct err *e)
{
	if (count < 2)
		return err_set(e, ERR_CALL, "open wants a capture, or a pane and what it shows: open PANE [HOST [TARGET [ARGUMENT]]]");
	if (!pane_find(word[1]))
		return app_open_source(a, word[1], e);
	return app_open(a, word[1], count > 2 ? word[2] : "", count > 3 ? word[3] : "", count > 4 ? word[4] : "", e);
}

static int run_help(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	app_help(a);
	return 0;
}

static int run_palette(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	app_palette(a);
	return 0;
}

static int run_command(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	app_command_prompt(a, NULL);
	return 0;
}

static int run_pause(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	app_set_pause(a, !app_paused(a));
	return 0;
}

static int run_set(struct app *a, int count, char **word, struct err *e)
{
	if (count == 1) {
		app_settings(a);
		return 0;
	}
	if (count < 3)
		return err_set(e, ERR_CALL, "set wants an option and its value; F2 lists them");
	return app_set_option(a, word[1], word[2], e);
}

static int run_theme(struct app *a, int count, char **word, struct err *e)
{
	if (count < 2)
		return err_set(e, ERR_CALL, "theme wants a name: %s", option_table[OPTION_THEME].choices);
	return app_set_option(a, "theme", word[1], e);
}

static bool context_known(const char *context)
{
	return strcmp(context, "all") == 0 || strcmp(context, "list") == 0 || pane_find(context);
}

/* bind [CONTEXT] KEY COMMAND: the context is left out where the first word is a key. */
static int run_bind(struct app *a, int count, char **word, struct err *e)
{
	bool has_context = count > 2 && context_known(word[1]);
	const char *context = has_context ? word[1] : "all";
	int key = has_context ? 2 : 1, result;
	char *line;

	if (count <= key + 1)
		return err_set(e, ERR_CALL, "bind wants a key and a command: bind [all|list|PANE] KEY COMMAND");
	line = words_join_quoted(count - key - 1, word + key + 1);
	result = keymap_bind(a->keymap, context, word[key], count == key + 2 ? word[key + 1] : line, e);
	free(line);
	return result;
}

/* Out of the configuration file it is known from now on; typed, it goes into that file too. */
static int run_profile(struct app *a, int count, char **word, struct err *e)
{
	char *words;
	int r;

	if (count < 3)
		return err_set(e, ERR_CALL, "profile wants a name and words of `new`: profile NAME WORDS");
	words = words_join_quoted(count - 2, word + 2);
	r = app_profile(a, word[1], words, e);
	free(words);
	return r;
}

static int run_redraw(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	(void)e;
	hub_retry(&a->hub);
	if (a->term)
		term_repaint(a->term);
	app_hurry(a);
	return 0;
}

static int run_suspend(struct app *a, int count, char **word, struct err *e)
{
	(void)count;
	(void)word;
	if (!a->term)
		return err_set(e, ERR_CALL, "there is no terminal to give back");
	term_suspend(a->term);
	app_hurry(a);
	return 0;
}

static int run_screenshot(struct app *a, int count, char **word, struct err *e)
{
	if (count < 2)
		return err_set(e, ERR_CALL, "screenshot wants the name of a file");
	if (app_screenshot(a, word[1], e) < 0)
		return -1;
	if (a->term)
		app_toast(a, SEVERITY_NOTE, "the screen is in %s", word[1]);
	return 0;
}

/* --- verbs --- */

/* Takes `on HOST` out of new's words; NULL where there is none. Borrowed. */
static char *verb_host(int *count, char **word)
{
	for (int i = 2; i + 1 < *count; i++) {
		char *host = word[i + 1];
		if (strcmp(word[i], "on") != 0)
			continue;
		memmove(&word[i], &word[i + 2], sizeof(*word) * (size_t)(*count - i - 2));
		*count -= 2;
		return host;
	}
	return NULL;
}

/* A verb of CONTRACT, for the daemon of the host that NAME stands on: in the console it never waits. */
static int run_verb(struct app *a, int count, char **word, struct err *e)
{
	const struct command *c = command_find(word[0], COMMAND_CONSOLE);
	char *host = NULL, *name = NULL, *whole, *on = NULL;

	if (count < 2)
		return too_few(c, e);
	if (source_split(word[1], &host, &name, e) < 0)
		return -1;
	if (strcmp(word[0], "new") == 0)
		on = verb_host(&count, word);
	whole = word[1];
	word[1] = name;
	app_verb(a, NULL, hosts_get(a->hosts, on ? on : host), (const char *const *)word, (size_t)count, NULL, NULL);
	word[1] = whole;
	free(host);
	free(name);
	return 0;
}

static int run_new_words(struct app *a, int count, char **word, struct err *e)
{
	char **expanded = profile_expand(a->profiles, &count, word, e), **list;
	int r;

	if (!expanded)
		return -1;
	list = xcalloc((size_t)count + 1, sizeof(*list)); /* run_verb moves what is in it */
	memcpy(list, expanded, sizeof(*list) * (size_t)count);
	r = run_verb(a, count, list, e);
	free(list);
	profile_words_free(expanded);
	return r;
}

/* Alone it is the form, on the host that is looked at; with words it is the verb. */
static int run_new(struct app *a, int count, char **word, struct err *e)
{
	const struct pane *p = app_pane(a);
	const bool store = p && strcmp(host_name(p->host), "store") == 0;

	if (count > 1)
		return run_new_words(a, count, word, e);
	return new_session_form(a, p && !store ? host_name(p->host) : "", "", e);
}

/* The views of a capture, as the menu offers them. */
static const char *const views[] = {
	"summary", "connections", "packets", "flows", "endpoints", "protocols", "dns", "tls", "http", "icmp",
};

static void view_chosen(void *arg, size_t index)
{
	char *command = xasprintf("view %s", views[index]);

	app_run(arg, command);
	free(command);
}

static int view_menu(struct app *a)
{
	char *item[ARRAY_LEN(views)];

	for (size_t i = 0; i < ARRAY_LEN(views); i++)
		item[i] = xasprintf("%-12s%s", views[i], pane_find(views[i])->summary);
	app_menu(a, "View", (const char *const *)item, ARRAY_LEN(views), 0, view_chosen, a);
	for (size_t i = 0; i < ARRAY_LEN(views); i++)
		free(item[i]);
	return 0;
}

/* Another pane over what is looked at: of an opened capture its own kind of connections. */
static int run_view(struct app *a, int count, char **word, struct err *e)
{
	struct pane *p = app_pane(a);
	const char *name = count > 1 ? word[1] : "";
	int opened;

	if (count == 1 && p && (*p->target || p->type->view_row))
		return view_menu(a);
	if (!p || (count > 1 && !pane_find(name)))
		return err_set(e, ERR_CALL, "view wants a pane: summary, connections, packets, flows, endpoints, protocols, dns, tls, http, icmp or counters");
	opened = *name && !*p->target && p->type->view_row ? p->type->view_row(p, name, e) : 0;
	if (opened)
		return opened < 0 ? -1 : 0;
	if (!*p->target)
		return err_set(e, ERR_CALL, "choose a session (1) or open a capture first: then there is something to view");
	if (strcmp(name, "connections") == 0 && strncmp(p->target, "file:", 5) == 0)
		name = "capture-connections";
	return app_open(a, name, host_name(p->host), p->target, "", e);
}

const struct command console_commands[] = {
	{"open", "SOURCE | PANE [HOST [TARGET [ARGUMENT]]]", COMMAND_CONSOLE, "opens a capture or a pane", run_open, NULL},
	{"help", "", COMMAND_CONSOLE, "keys and commands of this screen, searchable; Enter runs", run_help, NULL},
	{"palette", "", COMMAND_CONSOLE, "finds any command by some of its letters", run_palette, NULL},
	{"command", "", COMMAND_CONSOLE, "a line to type a command into", run_command, NULL},
	{"tab", "N", COMMAND_CONSOLE, "shows tab 1 to 6", run_tab, NULL},
	{"back", "", COMMAND_CONSOLE, "one level up", run_back, NULL},
	{"escape", "", COMMAND_CONSOLE, "stops what is under way, else one level up", run_cancel, NULL},
	{"cancel", "", COMMAND_CONSOLE, "stops what is under way; what was read stays", run_cancel, NULL},
	{"pause", "", COMMAND_CONSOLE, "holds the display, or lets it go on; nothing else stops", run_pause, NULL},
	{"set", "[OPTION VALUE]", COMMAND_CONSOLE | COMMAND_CONFIG, "changes an option; alone: lists them", run_set, NULL},
	{"theme", "NAME", COMMAND_CONSOLE | COMMAND_CONFIG, "other colours", run_theme, NULL},
	{"bind", "[all|list|PANE] KEY COMMAND", COMMAND_CONSOLE | COMMAND_CONFIG, "gives a key a command; '' takes it away", run_bind, NULL},
	{"profile", "NAME WORDS", COMMAND_CONSOLE | COMMAND_CONFIG, "keeps words of `new` under a name, in tapdeck.conf", run_profile, NULL},
	{"screenshot", "FILE", COMMAND_CONSOLE, "the screen as text", run_screenshot, NULL},
	{"redraw", "", COMMAND_CONSOLE, "paints the whole screen anew and tries again what failed", run_redraw, NULL},
	{"suspend", "", COMMAND_CONSOLE, "gives the terminal back to the shell until `fg`", run_suspend, NULL},
	{"quit", "", COMMAND_CONSOLE, "ends the console; sessions go on", run_quit, NULL},
	{"view", "[PANE]", COMMAND_CONSOLE, "another pane over the same session or capture; alone: a menu of them", run_view, NULL},
	{"new", "[NAME [on HOST] [filter F] [device D] [record] ...]", COMMAND_CONSOLE | COMMAND_ACTS, "starts a session; alone: a form", run_new, NULL},
	{"modify", "NAME FILTER", COMMAND_CONSOLE | COMMAND_ACTS, "another filter, without losing a packet", run_verb, NULL},
	{"stop", "NAME", COMMAND_CONSOLE | COMMAND_ACTS, "ends a session; it stays on the list", run_verb, NULL},
	{"dismiss", "NAME", COMMAND_CONSOLE | COMMAND_ACTS, "takes an ended session off the list", run_verb, NULL},
	{"record", "NAME on|off", COMMAND_CONSOLE | COMMAND_ACTS, "starts or ends recording", run_verb, NULL},
	{"rotate", "NAME", COMMAND_CONSOLE | COMMAND_ACTS, "begins a new file now", run_verb, NULL},
	{"save", "NAME", COMMAND_CONSOLE | COMMAND_ACTS, "writes the past that is kept into a file", run_verb, NULL},
	{"counter", "NAME add C=FILTER | change C=FILTER | remove C", COMMAND_CONSOLE | COMMAND_ACTS, "counters of a session", run_verb, NULL},
	{"alert", "NAME EXPR | remove EXPR|N | off", COMMAND_CONSOLE | COMMAND_ACTS, "tells when the expression is true, and may act", run_verb, NULL},
	{.name = NULL},
};

/* --- running what is said --- */

/* Every pane may have parts; one that has not does nothing. */
static const struct pane_word part_words[] = {
	{"next-part", "", "the next part of the pane has the keys"},
	{"previous-part", "", "the part before has the keys"},
	{0},
};

static bool pane_has_word(const struct pane *p, const char *name)
{
	for (const struct pane_word *w = p->type->words; w && w->name; w++) {
		if (strcmp(w->name, name) == 0)
			return true;
	}
	for (const struct pane_word *w = list_words; p->type->list && w->name; w++) {
		if (strcmp(w->name, name) == 0)
			return true;
	}
	return strcmp(name, "next-part") == 0 || strcmp(name, "previous-part") == 0;
}

static bool words_at(const struct pane_word *w, size_t *i, struct said *s)
{
	for (; w && w->name; w++) {
		if ((*i)-- == 0) {
			*s = (struct said){w->name, w->words, w->summary};
			return true;
		}
	}
	return false;
}

bool app_said(const struct app *a, size_t i, struct said *s)
{
	const struct pane *p = a->tab[a->current];

	if (words_at(p ? p->type->words : NULL, &i, s) || words_at(p && p->type->list ? list_words : NULL, &i, s) ||
	    words_at(part_words, &i, s))
		return true;
	for (const struct command *c = console_commands; c->name; c++) {
		if (i-- == 0) {
			*s = (struct said){c->name, c->words, c->summary};
			return true;
		}
	}
	return false;
}

static int unknown_word(const struct app *a, const char *word, struct err *e)
{
	const char *known[256], *near;
	size_t n = 0;
	struct said s;

	while (n < ARRAY_LEN(known) && app_said(a, n, &s))
		known[n++] = s.name;
	near = text_nearest(str_of(word), known, n);
	return err_set(e, ERR_CALL, "there is no command '%s' here%s%s%s", word, near ? "; did you mean '" : "; F1 lists them",
		       near ? near : "", near ? "'?" : "");
}

static int words_run(struct app *a, int count, char **word, struct err *e)
{
	struct pane *p = app_pane(a);
	const struct command *c;

	app_hurry(a);
	if (guard_word(a, word[0], e) < 0)
		return -1;
	if (p && p->type->command && pane_has_word(p, word[0])) {
		err_clear(e);
		p->type->command(p, count, word, e);
		return e->code == ERR_NONE ? 0 : -1;
	}
	c = command_find(word[0], COMMAND_CONSOLE);
	if (!c)
		return unknown_word(a, word[0], e);
	return c->run(a, count, word, e);
}

int app_run_words(struct app *a, int count, char **word, struct err *e)
{
	return words_run(a, count, word, e);
}

static int line_run(struct app *a, const char *line, struct err *e)
{
	struct words w = {0};
	int result = 0;

	if (words_parse(&w, line, e) < 0)
		return -1;
	if (w.count > 0)
		result = words_run(a, w.count, w.word, e);
	words_release(&w);
	return result;
}

int app_run(struct app *a, const char *line)
{
	struct err e = {.code = ERR_NONE, .at = -1};

	if (line_run(a, line, &e) == 0)
		return 0;
	app_toast_err(a, &e);
	return -1;
}

/* --- the line for commands --- */

static int command_accept(void *arg, const char *text, struct err *e)
{
	return line_run(arg, text, e);
}

static int command_check(void *arg, const char *text, struct err *e)
{
	struct words w = {0};

	(void)arg;
	if (words_parse(&w, text, e) < 0)
		return -1;
	words_release(&w);
	return 0;
}

static void command_complete(void *arg, const char *text, size_t at, struct buf *out)
{
	const struct app *a = arg;
	struct said s;

	if (memchr(text, ' ', at)) {
		for (size_t i = 0; strncmp(text, "open ", 5) == 0 && pane_types[i]; i++) {
			if (strncmp(pane_types[i]->name, text + 5, at - 5) == 0)
				buf_printf(out, "%s\n", pane_types[i]->name);
		}
		return;
	}
	for (size_t i = 0; app_said(a, i, &s); i++) {
		if (strncmp(s.name, text, at) == 0)
			buf_printf(out, "%s\n", s.name);
	}
}

void app_command_prompt(struct app *a, const char *begin)
{
	char *text = begin ? xasprintf("%s ", begin) : NULL;
	const struct prompt_spec s = {
		.label = ":",
		.text = text,
		.history = "command",
		.check = command_check,
		.complete = command_complete,
		.accept = command_accept,
		.arg = a,
	};

	app_prompt(a, &s);
	free(text);
}
