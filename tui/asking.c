/* Verbs that panes say to hosts: each runs on its own, a toast tells how it went. */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "guard.h"

/* What it does to sessions that live with this console. */
static void verb_learn(struct verb *v, const char *const *words, size_t count)
{
	if (count < 2)
		return;
	v->session = xstrdup(words[1]);
	v->ends = strcmp(words[0], "stop") == 0 || strcmp(words[0], "dismiss") == 0;
	for (size_t i = 2; i < count && strcmp(words[0], "new") == 0; i++)
		v->begins = v->begins || strcmp(words[i], "ephemeral") == 0;
}

static void verb_free(struct verb *v)
{
	struct verb **at = &v->app->verbs;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	route_leave(&v->app->hub, v->route);
	free(v->name);
	free(v->session);
	free(v);
}

static void verb_end(struct verb *v, const struct err *e, const char *note)
{
	struct app *a = v->app;

	if (v->begins && e->code == ERR_NONE)
		guard_began(a, v->route->link.arg, v->session);
	if (v->ends && e->code == ERR_NONE)
		guard_ended(a, v->route->link.arg, v->session);
	if (v->done)
		v->done(v->pane, v->arg, e, note);
	else if (e->code != ERR_NONE)
		app_toast(a, SEVERITY_ERROR, "%s: %s", v->name, e->text);
	else if (note[0])
		app_toast(a, SEVERITY_NOTE, "%s: %s", v->name, note);
	verb_free(v);
	app_hurry(a);
}

static void verb_answer(void *arg, struct request *r, const struct answer *answer)
{
	struct verb *v = arg;
	struct err none = {.code = ERR_NONE, .at = -1};
	char *note;

	(void)r;
	if (!answer->last)
		return;
	v->request = NULL;
	note = answer->done ? xstrndup(answer->done->note.p ? answer->done->note.p : "", answer->done->note.len) : xstrdup("");
	verb_end(v, answer->error ? answer->error : &none, note);
	free(note);
}

void app_verb_on(struct app *a, struct pane *p, struct host *h, const char *target, const char *const *words, size_t count,
		 app_verb_fn done, void *arg)
{
	struct feed_link link = host_link(h);
	struct verb *v = xcalloc(1, sizeof(*v));
	struct client *c;
	struct err e = {.at = -1};
	uint32_t channel = 0;

	v->app = a;
	v->pane = p;
	v->done = done;
	v->arg = arg;
	v->name = xasprintf("%s%s%s", count > 0 ? words[0] : "", count > 1 ? " " : "", count > 1 ? words[1] : "");
	v->route = route_use(&a->hub, &link, target ? target : "");
	v->next = a->verbs;
	a->verbs = v;
	verb_learn(v, words, count);
	c = guard_verb(a, words, count, &e) == 0 ? route_client(v->route, &channel, &e) : NULL;
	if (!c) {
		v->begins = v->ends = false;
		verb_end(v, &e, "");
		return;
	}
	v->request = client_command(c, channel, words, count, verb_answer, v);
}

void app_verb(struct app *a, struct pane *p, struct host *h, const char *const *words, size_t count, app_verb_fn done, void *arg)
{
	app_verb_on(a, p, h, "", words, count, done, arg);
}

/* The pane goes: what it asked for is still done. */
void verbs_forget(struct app *a, struct pane *p)
{
	for (struct verb *v = a->verbs; v; v = v->next) {
		if (v->pane == p) {
			v->pane = NULL;
			v->done = NULL;
		}
	}
}

/* The client of a link that was closed here is gone without a word, and its requests with it. */
void verbs_link_changed(struct app *a, const void *link_arg)
{
	struct verb *next;

	for (struct verb *v = a->verbs; v; v = next) {
		next = v->next;
		if (v->route->link.arg != link_arg || v->route->link.up(v->route->link.arg))
			continue;
		v->request = NULL;
		verb_end(v, v->route->link.error(v->route->link.arg), "");
		next = a->verbs;
	}
}

void verbs_release(struct app *a)
{
	for (struct verb *v = a->verbs, *next; v; v = next) {
		next = v->next;
		if (v->request)
			client_cancel(v->request);
		verb_free(v);
	}
}
