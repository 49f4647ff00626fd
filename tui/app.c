#include "tui/app.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/paths.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "guard.h"
#include "tui/command.h"
#include "tui/known.h"

#define ENDING_ROUNDS 16
#define FIXED_CLOCK_NS (INT64_C(1767323045) * NS_PER_S) /* 2026-01-02 03:04:05 UTC */

static void on_dirty(void *arg, bool asked)
{
	struct app *a = arg;

	if (asked)
		app_hurry(a);
	else
		app_dirty(a);
}

static void on_host_changed(void *arg, struct host *h)
{
	struct app *a = arg;

	if (a->closing)
		return;
	hub_link_changed(&a->hub, h);
	verbs_link_changed(a, h);
	if (host_state(h) == HOST_FAILED || host_state(h) == HOST_RETRY)
		app_event(a, 0, SEVERITY_WARN, host_name(h), host_error(h)->text);
	app_hurry(a);
}

static enum severity severity_of(struct str word)
{
	return str_is(word, "error") ? SEVERITY_ERROR : str_is(word, "warn") ? SEVERITY_WARN : SEVERITY_NOTE;
}

static void on_host_event(void *arg, struct host *h, const struct msg_event *m)
{
	struct app *a = arg;
	char *where = xasprintf("%s%s%.*s", host_name(h), m->where.len ? ":" : "", (int)m->where.len, m->where.len ? m->where.p : "");
	char *sentence = xstrndup(m->sentence.len ? m->sentence.p : "", m->sentence.len);

	app_event_told(a, m->time_ns, severity_of(m->severity), where, sentence);
	free(where);
	free(sentence);
}

static const struct hosts_ops hosts_ops = {on_host_changed, on_host_event};

static bool charset_utf8(const struct app *a, const char *charset)
{
	if (charset)
		return strcmp(charset, "utf8") == 0;
	if (!options_choice_is(&a->options, OPTION_CHARSET, "auto"))
		return options_choice_is(&a->options, OPTION_CHARSET, "utf8");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void hosts_known(struct app *a)
{
	struct known k = {0};
	struct err e = {.at = -1};

	if (known_load(&k, &e) < 0)
		app_event(a, 0, SEVERITY_WARN, "", e.text);
	for (size_t i = 0; i < k.count; i++)
		hosts_get(a->hosts, k.name[i]);
	known_release(&k);
}

static void state_open(struct app *a)
{
	struct err e = {.at = -1};

	a->state_folder = paths_state();
	if (a->state_folder && fdio_make_folder(a->state_folder, &e) == 0)
		return;
	app_event(a, 0, SEVERITY_WARN, "", e.text);
	free(a->state_folder);
	a->state_folder = NULL;
}

struct app *app_new(const struct console_options *o, struct err *e)
{
	struct app *a = xcalloc(1, sizeof(*a));

	if (uv_loop_init(&a->loop) < 0) {
		free(a);
		err_set(e, ERR_REFUSED, "no event loop can be made: too many files are open");
		return NULL;
	}
	hub_init(&a->hub, on_dirty, a);
	options_init(&a->options);
	events_init(a);
	a->keymap = keymap_new();
	a->profiles = profiles_new();
	a->no_config = o->no_config;
	a->theme = theme_table[0];
	a->fixed_clock = o->fixed_clock;
	a->hosts = hosts_new(&a->loop, true, &hosts_ops, a);
	if (!o->script) {
		state_open(a);
		hosts_known(a);
	}
	if (!o->no_config && config_read(a, e) < 0)
		app_toast_err(a, e);
	if (o->readonly)
		a->options.value[OPTION_READONLY] = a->readonly_fixed = true;
	if (o->theme && app_set_option(a, "theme", o->theme, e) < 0) {
		app_free(a);
		return NULL;
	}
	canvas_init(&a->canvas, o->width ? o->width : 80, o->height ? o->height : 24, charset_utf8(a, o->charset));
	return a;
}

static void on_left(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void app_free(struct app *a)
{
	a->closing = true;
	while (a->layer)
		app_layer_drop(a);
	for (int t = 0; t < APP_TABS; t++) {
		while (a->tab[t]) {
			struct pane *p = a->tab[t];
			a->tab[t] = p->below;
			app_pane_free(p);
		}
	}
	filling_release(a);
	verbs_release(a);
	guard_release(a);
	hub_release(&a->hub);
	hosts_free(a->hosts);
	/* What the others close is closed in a few rounds; what is left then is ours, or waits for what no longer comes. */
	for (int round = 0; round < ENDING_ROUNDS && uv_run(&a->loop, UV_RUN_NOWAIT); round++)
		;
	uv_walk(&a->loop, on_left, NULL);
	while (uv_run(&a->loop, UV_RUN_NOWAIT))
		;
	uv_loop_close(&a->loop);
	while (a->histories) {
		struct named_history *h = a->histories;
		a->histories = h->next;
		history_free(h->history);
		free(h->name);
		free(h);
	}
	events_release(a);
	keymap_free(a->keymap);
	profiles_free(a->profiles);
	canvas_release(&a->canvas);
	free(a->state_folder);
	free(a);
}

/* --- small questions --- */

uv_loop_t *app_loop(struct app *a)
{
	return &a->loop;
}

struct hosts *app_hosts(struct app *a)
{
	return a->hosts;
}

const struct options *app_options(const struct app *a)
{
	return &a->options;
}

bool app_paused(const struct app *a)
{
	return a->hub.paused;
}

bool app_narrow(const struct app *a)
{
	return a->canvas.width < 80 || a->canvas.height < 20;
}

int64_t app_now_ns(const struct app *a)
{
	return a->fixed_clock ? FIXED_CLOCK_NS : clock_now_ns();
}

struct pane *app_pane(struct app *a)
{
	return a->tab[a->current];
}

struct history *app_history(struct app *a, const char *name)
{
	struct named_history *h;
	char *path;

	for (h = a->histories; h; h = h->next) {
		if (strcmp(h->name, name) == 0)
			return h->history;
	}
	path = a->state_folder ? xasprintf("%s/history-%s", a->state_folder, name) : NULL;
	h = xcalloc(1, sizeof(*h));
	h->name = xstrdup(name);
	h->history = history_open(path);
	h->next = a->histories;
	a->histories = h;
	free(path);
	return h->history;
}

struct feed *feed_new(struct app *a, struct host *h, const char *target, feed_fn changed, void *arg)
{
	const struct feed_link link = host_link(h);

	return feed_new_on(&a->hub, &link, target, changed, arg);
}

struct feed *feed_new_local(struct app *a, const struct table *t, feed_fn changed, void *arg)
{
	return feed_new_table(&a->hub, t, changed, arg);
}

/* --- panes --- */

const struct pane_type *pane_find(const char *name)
{
	for (size_t i = 0; pane_types[i]; i++) {
		if (strcmp(pane_types[i]->name, name) == 0)
			return pane_types[i];
	}
	return NULL;
}

void app_pane_free(struct pane *p)
{
	app_layer_forget(p->app, p);
	if (p->type->close)
		p->type->close(p);
	verbs_forget(p->app, p);
	free(p->target);
	free(p->argument);
	free(p);
}

static bool pane_is(const struct pane *p, const struct pane_type *type, const struct host *h, const char *target, const char *argument)
{
	return p->type == type && p->host == h && strcmp(p->target, target) == 0 && strcmp(p->argument, argument) == 0;
}

/* Closes what lies above an equal one; false where there is none. */
static bool stack_show(struct app *a, int tab, const struct pane_type *type, struct host *h, const char *target, const char *argument)
{
	struct pane *p;

	for (p = a->tab[tab]; p && !pane_is(p, type, h, target, argument); p = p->below)
		;
	if (!p)
		return false;
	while (a->tab[tab] != p) {
		struct pane *top = a->tab[tab];
		a->tab[tab] = top->below;
		app_pane_free(top);
	}
	return true;
}

static void stack_bound(struct app *a, int tab)
{
	struct pane *p = a->tab[tab];
	int n = 1;

	for (; p && p->below; p = p->below) {
		if (++n <= APP_STACK_MAX || !p->below->below)
			continue;
		struct pane *gone = p->below;
		p->below = gone->below;
		app_pane_free(gone);
		return;
	}
}

int app_open(struct app *a, const char *name, const char *host, const char *target, const char *argument, struct err *e)
{
	const struct pane_type *type = pane_find(name);
	struct host *h = hosts_get(a->hosts, host ? host : "");
	struct pane *p;
	int tab, was = a->current;

	if (!type)
		return err_set(e, ERR_CALL, "there is no pane '%s'; F1 lists what can be opened", name);
	tab = type->tab - '1';
	a->current = tab;
	app_hurry(a);
	if (stack_show(a, tab, type, h, target ? target : "", argument ? argument : ""))
		return 0;
	p = xcalloc(1, type->size);
	p->type = type;
	p->app = a;
	p->host = h;
	p->target = xstrdup(target ? target : "");
	p->argument = xstrdup(argument ? argument : "");
	if (type->open && type->open(p, e) < 0) {
		free(p->target);
		free(p->argument);
		free(p);
		a->current = was;
		return -1;
	}
	p->below = a->tab[tab];
	a->tab[tab] = p;
	stack_bound(a, tab);
	return 0;
}

void app_tab(struct app *a, char tab)
{
	struct err e = {.at = -1};
	int was = a->current;

	if (tab < '1' || tab >= '1' + APP_TABS)
		return;
	a->current = tab - '1';
	app_hurry(a);
	if (a->tab[a->current])
		return;
	for (size_t i = 0; pane_types[i]; i++) {
		if (pane_types[i]->tab != tab || !pane_types[i]->root)
			continue;
		if (app_open(a, pane_types[i]->name, "", "", "", &e) < 0) {
			a->current = was;
			app_toast_err(a, &e);
		}
		return;
	}
	a->current = was;
	app_toast(a, SEVERITY_NOTE, "nothing is open there: `:open SOURCE` opens a capture, Enter on a row goes one level down");
}

void app_back(struct app *a)
{
	struct pane *p = a->tab[a->current];

	app_hurry(a);
	if (!p || !p->below) {
		if (a->current == 0)
			app_toast(a, SEVERITY_NOTE, "this is the first screen: Q quits");
		else
			app_tab(a, '1');
		return;
	}
	a->tab[a->current] = p->below;
	app_pane_free(p);
}

/* --- keys, size, time --- */

const char *pane_context(const struct app *a, bool *list)
{
	const struct pane *p = a->tab[a->current];

	*list = p && p->type->list;
	return p ? p->type->name : "";
}

void app_key(struct app *a, const char *key)
{
	const char *context;
	const struct key *k;
	bool list;

	app_hurry(a);
	if (a->layer) {
		a->layer->ops->key(a->layer, key);
		return;
	}
	context = pane_context(a, &list);
	k = keymap_key(a->keymap, context, list, key);
	if (k) {
		char *line = xstrdup(k->command); /* `bind` may change the table meanwhile */
		app_run(a, line);
		free(line);
	}
}

void app_resize(struct app *a, int width, int height)
{
	bool utf8 = a->canvas.utf8;

	canvas_release(&a->canvas);
	canvas_init(&a->canvas, width, height, utf8);
	app_hurry(a);
}

void app_set_pause(struct app *a, bool paused)
{
	hub_pause(&a->hub, paused);
	app_hurry(a);
}

void app_tick(struct app *a)
{
	for (int t = 0; t < APP_TABS; t++) {
		struct pane *p = a->tab[t];
		if (p && t == a->current && p->type->update && !app_paused(a))
			p->type->update(p);
	}
	if (a->toast && clock_mono_ns() > a->toast_until_ns) {
		free(a->toast);
		a->toast = NULL;
		a->dirty = true;
	}
	if (a->term)
		filling_tick(a);
	hub_tick(&a->hub);
}

void app_compose(struct app *a)
{
	canvas_clear(&a->canvas);
	frame_draw(a, canvas_area(&a->canvas));
}

int app_set_option(struct app *a, const char *name, const char *text, struct err *e)
{
	if (a->readonly_fixed && strcmp(name, option_table[OPTION_READONLY].name) == 0)
		return err_set(e, ERR_CALL, "this console was started with --readonly: start another one to act");
	if (options_set(&a->options, name, text, e) < 0)
		return -1;
	if (strcmp(name, "theme") == 0)
		a->theme = theme_find(text);
	app_hurry(a);
	return 0;
}
