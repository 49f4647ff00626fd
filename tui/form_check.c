#include "tui/form_check.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "tui/app.h"

#define WORDS_MOST 128

struct form_check {
	struct app *app;
	form_check_fn answered;
	void *arg;
	struct host *host;
	char *word[WORDS_MOST];
	size_t count;
	uv_timer_t timer;
	unsigned serial, awaited; /* of the newest question; answers that are on their way */
	bool closed, timer_gone;
};

struct question {
	struct form_check *check;
	unsigned serial;
};

static void words_drop(struct form_check *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->word[i]);
	c->count = 0;
}

static void check_free(struct form_check *c)
{
	if (!c->closed || !c->timer_gone || c->awaited)
		return;
	words_drop(c);
	free(c);
}

static void on_timer_gone(uv_handle_t *h)
{
	struct form_check *c = h->data;

	c->timer_gone = true;
	check_free(c);
}

struct form_check *form_check_new(struct app *a, form_check_fn answered, void *arg)
{
	struct form_check *c = xcalloc(1, sizeof(*c));

	c->app = a;
	c->answered = answered;
	c->arg = arg;
	(void)uv_timer_init(app_loop(a), &c->timer); /* always 0 */
	c->timer.data = c;
	return c;
}

void form_check_free(struct form_check *c)
{
	if (!c)
		return;
	c->closed = true;
	uv_close((uv_handle_t *)&c->timer, on_timer_gone);
}

static void on_answer(struct pane *p, void *arg, const struct err *e, const char *note)
{
	struct question *q = arg;
	struct form_check *c = q->check;

	(void)p;
	c->awaited--;
	if (!c->closed && q->serial == c->serial) {
		c->answered(c->arg, e, note);
		app_dirty(c->app);
	}
	free(q);
	check_free(c);
}

static void check_send(struct form_check *c)
{
	struct question *q = xcalloc(1, sizeof(*q));

	*q = (struct question){.check = c, .serial = c->serial};
	c->awaited++;
	app_verb(c->app, NULL, c->host, (const char *const *)c->word, c->count, on_answer, q);
}

static void on_rest(uv_timer_t *t)
{
	check_send(t->data);
}

void form_check_drop(struct form_check *c)
{
	c->serial++;
	(void)uv_timer_stop(&c->timer);
}

void form_check_ask(struct form_check *c, struct host *h, const char *const *words, size_t count, unsigned rest_ms)
{
	form_check_drop(c);
	words_drop(c);
	c->host = h;
	for (; c->count < count && c->count < WORDS_MOST; c->count++)
		c->word[c->count] = xstrdup(words[c->count]);
	if (rest_ms)
		(void)uv_timer_start(&c->timer, on_rest, rest_ms, 0); /* fails only for one that is closing */
	else
		check_send(c);
}

void form_check_say(struct form *f, const char *field, const struct err *e, const char *note)
{
	if (e->code != ERR_NONE)
		form_say(f, field, STYLE_ERROR, e->at, e->text);
	else
		form_say(f, field, STYLE_GOOD, -1, *note ? note : "ok");
}
