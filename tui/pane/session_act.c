#include "session_act.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "tui/app.h"

#define ASKED_WORDS 4

/* The row may have moved since the question was asked: what it named is what is meant. */
struct session_act {
	struct pane *pane;
	char *host, *word[ASKED_WORDS];
	size_t count;
};

struct session_act *session_act_new(struct pane *p)
{
	struct session_act *s = xcalloc(1, sizeof(*s));

	s->pane = p;
	return s;
}

static void asked_drop(struct session_act *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->word[i]);
	free(s->host);
	s->host = NULL;
	s->count = 0;
}

void session_act_free(struct session_act *s)
{
	if (!s)
		return;
	asked_drop(s);
	free(s);
}

static void say(struct session_act *s, const struct session_ref *r, const char *verb, const char *more)
{
	const char *const words[] = {verb, r->name, more};
	struct app *a = s->pane->app;

	app_verb(a, s->pane, hosts_get(app_hosts(a), r->host), words, more ? 3 : 2, NULL, NULL);
}

static void asked_yes(void *arg)
{
	struct session_act *s = arg;
	struct app *a = s->pane->app;

	app_verb(a, s->pane, hosts_get(app_hosts(a), s->host), (const char *const *)s->word, s->count, NULL, NULL);
}

static void ask(struct session_act *s, const struct session_ref *r, const char *what, const char *loss, const char *verb, const char *more,
		const char *also)
{
	const char *const words[ASKED_WORDS] = {verb, r->name, more, also};
	char *question = xasprintf("%s session %s on %s?", what, r->name, r->host);

	asked_drop(s);
	s->host = xstrdup(r->host);
	for (; s->count < ASKED_WORDS && words[s->count]; s->count++)
		s->word[s->count] = xstrdup(words[s->count]);
	app_confirm_loss(s->pane->app, question, loss, asked_yes, s);
	free(question);
}

/* "its 12 files (1.21 GB)"; owned by the caller. */
static char *files_text(const struct session_ref *r)
{
	char size[TEXT_NUMBER_MAX];

	return xasprintf("its %llu file%s (%s)", (unsigned long long)r->files, r->files == 1 ? "" : "s", text_bytes(r->file_bytes, size));
}

static void ask_stop(struct session_act *s, const struct session_ref *r)
{
	char *files = files_text(r), *loss;

	if (r->recording || r->files)
		loss = xasprintf("%s stay; what comes from now on is neither kept nor counted.", files);
	else
		loss = xstrdup("What it has counted stays on the list; what comes from now on is not counted.");
	ask(s, r, "Stop", loss, "stop", NULL, NULL);
	free(loss);
	free(files);
}

static void ask_dismiss(struct session_act *s, const struct session_ref *r)
{
	char *files = files_text(r), *loss;

	if (r->files)
		loss = xasprintf("Its totals and its reason leave the list; %s stay on the disk and in the history (5).", files);
	else
		loss = xstrdup("Its totals and its reason leave the list; it has no file.");
	ask(s, r, "Take off the list:", loss, "dismiss", NULL, NULL);
	free(loss);
	free(files);
}

/* What begins can be ended again; what was not recorded meanwhile is gone for good. */
static void record_toggle(struct session_act *s, const struct session_ref *r)
{
	if (r->recording)
		ask(s, r, "End the recording of", "The file is closed and stays; packets from now on are counted and not kept.", "record", "off",
		    NULL);
	else
		say(s, r, "record", "on");
}

void session_act_counter_remove(struct session_act *s, const struct session_ref *r, const char *counter, uint64_t packets)
{
	char *what = xasprintf("Remove counter %s of", counter), *loss, number[TEXT_NUMBER_MAX];

	loss = xasprintf("Its %s packets are no longer shown; what the journal has of it stays.", text_count(packets, number));
	ask(s, r, what, loss, "counter", "remove", counter);
	free(loss);
	free(what);
}

static bool act_form(struct session_act *s, const struct session_ref *r, const char *word)
{
	static const struct {
		const char *word;
		enum session_form_kind kind;
	} form[] = {{"modify-session", SESSION_FORM_MODIFY}, {"alert-session", SESSION_FORM_ALERT}, {"counter-session", SESSION_FORM_COUNTER_ADD}};

	for (size_t i = 0; i < ARRAY_LEN(form); i++) {
		if (strcmp(word, form[i].word) != 0)
			continue;
		if (r->running)
			session_form(s->pane, r, form[i].kind, "", form[i].kind == SESSION_FORM_MODIFY ? r->filter : "");
		else
			app_toast(s->pane->app, SEVERITY_NOTE, "%s has ended: this is for sessions that run", r->name);
		return true;
	}
	return false;
}

bool session_act_command(struct session_act *s, const struct session_ref *r, const char *word, struct err *e)
{
	(void)e;
	if (strcmp(word, "stop-session") == 0)
		ask_stop(s, r);
	else if (strcmp(word, "dismiss-session") == 0)
		ask_dismiss(s, r);
	else if (strcmp(word, "record-session") == 0)
		record_toggle(s, r);
	else if (strcmp(word, "rotate-session") == 0)
		say(s, r, "rotate", NULL);
	else if (strcmp(word, "save-session") == 0)
		say(s, r, "save", NULL);
	else
		return act_form(s, r, word);
	return true;
}
