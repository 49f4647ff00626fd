/* Fields to fill in: what they hold and how keys change it. form_draw.c shows it. */
#include "tui/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "form_private.h"

static void choices_release(struct form_field *f)
{
	for (size_t i = 0; i < f->nchoices; i++) {
		free(f->choice[i].value);
		free(f->choice[i].detail);
	}
	free(f->choice);
	f->choice = NULL;
	f->nchoices = f->at = 0;
}

static void choices_parse(struct form_field *f, const char *lines)
{
	for (const char *line = lines; line && *line;) {
		size_t len = strcspn(line, "\n"), value = strcspn(line, "\t\n");
		struct choice *c;
		f->choice = xreallocarray(f->choice, f->nchoices + 1, sizeof(*f->choice));
		c = &f->choice[f->nchoices++];
		c->value = xstrndup(line, value);
		c->detail = value < len ? xstrndup(line + value + 1, len - value - 1) : xstrdup("");
		c->ticked = false;
		line += len + (line[len] == '\n');
	}
}

/* Is `value` one of the words that commas join? */
static bool list_holds(const char *list, const char *value)
{
	size_t len = strlen(value);

	for (const char *at = list; *at;) {
		size_t n = strcspn(at, ",");
		if (n == len && memcmp(at, value, n) == 0)
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

/* Makes `text` of what is chosen. */
void form_text_update(struct form_field *f)
{
	struct buf out;

	if (f->spec.kind != FIELD_CHOICE && f->spec.kind != FIELD_TICKS)
		return;
	buf_init(&out, FORM_TEXT_MAX);
	for (size_t i = 0; i < f->nchoices; i++) {
		bool in = f->spec.kind == FIELD_CHOICE ? i == f->at : f->choice[i].ticked;
		if (in)
			buf_printf(&out, "%s%s", out.len ? "," : "", f->choice[i].value);
	}
	free(f->text);
	f->text = xstrdup(buf_str(&out));
	buf_release(&out);
}

static void field_set(struct form_field *f, const char *text)
{
	if (f->spec.kind == FIELD_TEXT || f->spec.kind == FIELD_NOTE) {
		edit_set(&f->edit, text);
		return;
	}
	if (f->spec.kind == FIELD_TICK) {
		free(f->text);
		f->text = xstrdup(strcmp(text, "yes") == 0 ? "yes" : "");
		return;
	}
	for (size_t i = 0; i < f->nchoices; i++) {
		f->choice[i].ticked = list_holds(text, f->choice[i].value);
		if (f->spec.kind == FIELD_CHOICE && strcmp(text, f->choice[i].value) == 0)
			f->at = i;
	}
	form_text_update(f);
}

static struct form_field *field_named(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->nfields; i++) {
		if (strcmp(f->field[i].spec.name, name) == 0)
			return (struct form_field *)(uintptr_t)&f->field[i];
	}
	return NULL;
}

const char *form_text(const struct form *form, const char *name)
{
	const struct form_field *f = field_named(form, name);

	if (!f)
		return "";
	return f->spec.kind == FIELD_TEXT || f->spec.kind == FIELD_NOTE ? f->edit.text : f->text;
}

void form_set(struct form *form, const char *name, const char *text)
{
	struct form_field *f = field_named(form, name);

	if (f)
		field_set(f, text);
	app_hurry(form->layer.app);
}

void form_show(struct form *form, const char *name, bool shown)
{
	struct form_field *f = field_named(form, name);

	if (f)
		f->hidden = !shown;
	app_hurry(form->layer.app);
}

void form_set_choices(struct form *form, const char *name, const char *choices)
{
	struct form_field *f = field_named(form, name);
	char *before;
	size_t at;

	if (!f)
		return;
	before = xstrdup(f->text);
	at = f->at;
	choices_release(f);
	choices_parse(f, choices);
	f->at = at < f->nchoices ? at : 0;
	field_set(f, before);
	free(before);
	app_hurry(form->layer.app);
}

void form_say(struct form *form, const char *name, enum style style, int at, const char *sentence)
{
	struct form_field *f = field_named(form, name);

	if (!f)
		return;
	free(f->say);
	f->say = sentence && sentence[0] ? xstrdup(sentence) : NULL;
	f->say_at = at;
	f->say_style = style;
	app_hurry(form->layer.app);
}

static void form_changed(struct form *f)
{
	err_clear(&f->error);
	if (f->spec.changed)
		f->spec.changed(f->spec.arg, f, f->focus);
}

static void form_free(struct layer *layer)
{
	struct form *f = (struct form *)layer;

	for (size_t i = 0; i < f->nfields; i++) {
		edit_release(&f->field[i].edit);
		choices_release(&f->field[i]);
		free(f->field[i].text);
		free(f->field[i].say);
	}
	free(f->title);
}

void form_close(struct form *f)
{
	if (f->busy)
		f->gone = true;
	else if (f->layer.app->layer == &f->layer)
		app_layer_drop(f->layer.app);
}

static void form_submit(struct form *f)
{
	struct app *a = f->layer.app;
	int result;

	err_clear(&f->error);
	for (size_t i = 0; i < f->nfields; i++)
		history_add(f->field[i].edit.history, f->field[i].edit.text ? f->field[i].edit.text : "");
	a->layer = NULL;
	f->busy = true;
	result = f->spec.submitted ? f->spec.submitted(f->spec.arg, f, &f->error) : 0;
	f->busy = false;
	if (result < 0 && !f->gone && !a->layer) {
		a->layer = &f->layer;
		return;
	}
	if (f->layer.closed)
		f->layer.closed(f->layer.arg);
	form_free(&f->layer);
	free(f);
}

static void form_step(struct form *f, int step)
{
	size_t i = f->focus;

	do {
		i = (i + (size_t)((int)f->nfields + step)) % f->nfields;
	} while ((f->field[i].spec.kind == FIELD_NOTE || f->field[i].hidden) && i != f->focus);
	f->focus = i;
}

/* true: the key was the field's. */
static bool choice_key(struct form *form, struct form_field *f, const char *key)
{
	size_t n = f->nchoices ? f->nchoices : 1;

	if (strcmp(key, "space") == 0 || strcmp(key, "right") == 0)
		f->at = (f->at + 1) % n;
	else if (strcmp(key, "left") == 0)
		f->at = (f->at + n - 1) % n;
	else
		return false;
	form_text_update(f);
	form_changed(form);
	return true;
}

static bool ticks_key(struct form *form, struct form_field *f, const char *key)
{
	if (strcmp(key, "down") == 0 && f->at + 1 < f->nchoices) {
		f->at++;
		return true;
	}
	if (strcmp(key, "up") == 0 && f->at > 0) {
		f->at--;
		return true;
	}
	if (strcmp(key, "space") != 0 || f->at >= f->nchoices)
		return false;
	f->choice[f->at].ticked = !f->choice[f->at].ticked;
	form_text_update(f);
	form_changed(form);
	return true;
}

static bool field_key(struct form *form, struct form_field *f, const char *key)
{
	bool changed;

	if (f->spec.kind == FIELD_CHOICE)
		return choice_key(form, f, key);
	if (f->spec.kind == FIELD_TICKS)
		return ticks_key(form, f, key);
	if (f->spec.kind == FIELD_TICK) {
		if (strcmp(key, "space") != 0)
			return false;
		field_set(f, f->text[0] ? "" : "yes");
		form_changed(form);
		return true;
	}
	if (strcmp(key, "up") == 0 || strcmp(key, "down") == 0 || !edit_key(&f->edit, key, &changed))
		return false;
	if (changed)
		form_changed(form);
	return true;
}

static void form_copy(struct form *f)
{
	struct buf out;

	if (!f->spec.command)
		return;
	buf_init(&out, FORM_TEXT_MAX * 4);
	f->spec.command(f->spec.arg, f, &out);
	app_copy(f->layer.app, buf_str(&out));
	buf_release(&out);
}

static void form_key(struct layer *layer, const char *key)
{
	struct form *f = (struct form *)layer;

	if (strcmp(key, "escape") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "f10") == 0)
		app_layer_drop(layer->app);
	else if (strcmp(key, "enter") == 0)
		form_submit(f);
	else if (strcmp(key, "ctrl-y") == 0)
		form_copy(f);
	else if (field_key(f, &f->field[f->focus], key))
		return;
	else if (strcmp(key, "tab") == 0 || strcmp(key, "down") == 0)
		form_step(f, 1);
	else if (strcmp(key, "shift-tab") == 0 || strcmp(key, "up") == 0)
		form_step(f, -1);
}

static const struct layer_ops form_ops = {form_draw, form_key, form_free};

struct form *app_form(struct app *a, const struct form_spec *s)
{
	struct form *f = (struct form *)layer_new(sizeof(*f), &form_ops, a, s->closed, s->arg);

	f->spec = *s;
	f->title = xstrdup(s->title);
	f->nfields = s->nfields < FORM_FIELDS_MAX ? s->nfields : FORM_FIELDS_MAX;
	for (size_t i = 0; i < f->nfields; i++) {
		struct form_field *field = &f->field[i];
		field->spec = s->field[i];
		field->text = xstrdup("");
		field->say_at = -1;
		edit_init(&field->edit, "", field->spec.history ? app_history(a, field->spec.history) : NULL);
		choices_parse(field, field->spec.choices);
		field_set(field, s->field[i].text ? s->field[i].text : "");
		field->spec.text = field->spec.choices = NULL;
	}
	if (f->nfields > 0 && f->field[0].spec.kind == FIELD_NOTE)
		form_step(f, 1);
	app_layer_set(a, &f->layer);
	for (size_t i = 0; i < f->nfields && s->changed && a->layer == &f->layer; i++) {
		if (f->field[i].spec.kind != FIELD_NOTE)
			s->changed(s->arg, f, i);
	}
	return f;
}
