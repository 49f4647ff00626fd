/* A line at the bottom: label, text, and below it the caret and what is wrong there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"

#define COMPLETIONS_MAX 65536 /* bytes */

struct prompt {
	struct layer layer;
	struct prompt_spec spec;
	char *label, *history;
	struct edit edit;
	struct err error;
	bool right; /* checked, and nothing is wrong */
	char *choices; /* completions, joined by blanks; shown until the next key */
};

static void prompt_draw(struct layer *layer, struct area a)
{
	struct prompt *p = (struct prompt *)layer;
	int y = a.height - 2, label, column;
	struct area foot = area_part(a, 0, y, a.width, 2);

	area_fill(foot, ' ', STYLE_NORMAL);
	label = area_str(foot, 1, 0, STYLE_KEY, str_of(p->label), a.width / 2) + 1;
	edit_draw(&p->edit, foot, label, 0, a.width - label - 1, STYLE_INPUT, true);
	if (p->choices) {
		area_text(foot, 1, 1, STYLE_DIM, p->choices);
		return;
	}
	if (p->error.code == ERR_NONE) {
		column = p->right ? 1 + area_text(foot, 1, 1, STYLE_GOOD, "ok  ") : 1;
		area_text(foot, column, 1, STYLE_DIM, "Enter accept  Esc cancel");
		if (p->history)
			area_text(foot, column + 26, 1, STYLE_DIM, a.width < 72 ? "Tab complete  Up earlier" : "Tab complete  Up Ctrl-R earlier ones");
		return;
	}
	column = p->error.at >= 0 ? label + edit_column(&p->edit, (size_t)p->error.at) : 1;
	if (p->error.at >= 0 && column + 4 < a.width / 2) {
		area_text(foot, column, 1, STYLE_ERROR, "^");
		area_cut(foot, column + 2, 1, STYLE_ERROR, str_of(p->error.text), a.width - column - 3);
		return;
	}
	area_cut(foot, 1, 1, STYLE_ERROR, str_of(p->error.text), a.width - 4);
	if (p->error.at >= 0 && column > canvas_columns(str_of(p->error.text)) + 1)
		area_text(foot, column, 1, STYLE_ERROR, "^");
}

static void prompt_check(struct prompt *p)
{
	struct err none;

	if (p->spec.later && p->edit.len > 0) { /* what was said of the text before stays until the answer: nothing flickers */
		(void)p->spec.check(p->spec.arg, p->edit.text, &none);
		return;
	}
	err_clear(&p->error);
	p->error.at = -1;
	p->right = false;
	if (p->spec.check && p->edit.len > 0 && p->spec.check(p->spec.arg, p->edit.text, &p->error) == 0)
		err_clear(&p->error);
}

/* The layer is taken off while the owner works: he may open another one. */
static void prompt_accept(struct prompt *p)
{
	struct app *a = p->layer.app;
	struct err e = {.at = -1};

	history_add(p->edit.history, p->edit.text);
	a->layer = NULL;
	if (p->spec.accept && p->spec.accept(p->spec.arg, p->edit.text, &e) < 0 && !a->layer) {
		p->error = e;
		a->layer = &p->layer;
		return;
	}
	if (p->layer.closed)
		p->layer.closed(p->layer.arg);
	p->layer.ops->free(&p->layer);
	free(p);
}

static size_t word_begin(const struct edit *ed)
{
	size_t at = ed->at;

	while (at > 0 && !strchr(" ()[],\"'=<>!~", ed->text[at - 1]))
		at--;
	return at;
}

static void prompt_insert(struct prompt *p, const char *choice, size_t len)
{
	size_t have = p->edit.at - word_begin(&p->edit);

	if (len > have)
		edit_insert(&p->edit, (struct str){choice + have, len - have});
}

/* One completion is put in; several share what they have in common and are shown. */
static void prompt_complete(struct prompt *p)
{
	struct buf out;
	char *line, *next;
	size_t common, lines = 0;

	if (!p->spec.complete)
		return;
	buf_init(&out, COMPLETIONS_MAX);
	p->spec.complete(p->spec.arg, p->edit.text, p->edit.at, &out);
	line = xstrdup(buf_str(&out));
	buf_release(&out);
	common = strcspn(line, "\n");
	for (char *at = line; (next = strchr(at, '\n')); at = next + 1, lines++) {
		size_t same = 0;
		while (same < common && at[same] == line[same])
			same++;
		common = same;
	}
	if (lines > 0)
		prompt_insert(p, line, common);
	if (lines == 1)
		edit_insert(&p->edit, str_of(" "));
	for (char *at = line; lines > 1 && *at; at++)
		*at = *at == '\n' ? ' ' : *at;
	if (lines > 1)
		p->choices = line;
	else
		free(line);
}

static void prompt_key(struct layer *layer, const char *key)
{
	struct prompt *p = (struct prompt *)layer;
	bool changed;

	free(p->choices);
	p->choices = NULL;
	if (strcmp(key, "escape") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "ctrl-g") == 0) {
		app_layer_drop(layer->app);
		return;
	}
	if (strcmp(key, "enter") == 0) {
		prompt_accept(p);
		return;
	}
	if (strcmp(key, "backspace") == 0 && p->edit.len == 0) {
		app_layer_drop(layer->app);
		return;
	}
	if (strcmp(key, "tab") == 0 || strcmp(key, "ctrl-space") == 0) {
		prompt_complete(p);
		prompt_check(p);
		return;
	}
	if (edit_key(&p->edit, key, &changed) && changed)
		prompt_check(p);
}

static void prompt_free(struct layer *layer)
{
	struct prompt *p = (struct prompt *)layer;

	edit_release(&p->edit);
	free(p->label);
	free(p->history);
	free(p->choices);
}

static const struct layer_ops prompt_ops = {prompt_draw, prompt_key, prompt_free};

void app_prompt(struct app *a, const struct prompt_spec *s)
{
	struct prompt *p = (struct prompt *)layer_new(sizeof(*p), &prompt_ops, a, s->closed, s->arg);

	p->spec = *s;
	p->label = xstrdup(s->label ? s->label : "");
	p->history = s->history ? xstrdup(s->history) : NULL;
	edit_init(&p->edit, s->text, s->history ? app_history(a, s->history) : NULL);
	p->error.at = -1;
	app_layer_set(a, &p->layer);
}

void prompt_say(struct app *a, const void *arg, const struct err *e)
{
	struct prompt *p = (struct prompt *)a->layer;

	if (!p || p->layer.ops != &prompt_ops || p->spec.arg != arg || p->edit.len == 0)
		return;
	p->error = *e;
	p->right = e->code == ERR_NONE;
	app_hurry(a);
}
