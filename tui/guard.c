/* What keeps a hand from doing harm: the read-only console, and the question before sessions go with this one. */
#include "guard.h"

#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "tui/command.h"

/* A session that goes with its client, which this console is. */
struct mine {
	struct mine *next;
	const struct host *host;
	char *name;
};

bool app_readonly(const struct app *a)
{
	return a->options.value[OPTION_READONLY] != 0;
}

static bool list_holds(const char *words, const char *word, size_t len)
{
	for (const char *at = words; at && *at; at += strspn(at, " ")) {
		const size_t n = strcspn(at, " ");

		if (n == len && memcmp(at, word, n) == 0)
			return true;
		at += n;
	}
	return false;
}

bool app_acts(const struct app *a, const char *command)
{
	const size_t len = strcspn(command, " ");
	const struct pane *p = a->tab[a->current];
	const struct command *c;
	char *name;

	if (p && list_holds(p->type->acts, command, len))
		return true;
	name = xstrndup(command, len);
	c = command_find(name, COMMAND_CONSOLE);
	free(name);
	return c && (c->contexts & COMMAND_ACTS);
}

int guard_word(const struct app *a, const char *word, struct err *e)
{
	if (!app_readonly(a) || !app_acts(a, word))
		return 0;
	return err_set(e, ERR_REFUSED, "this console is read-only: %s is not done%s", word,
		       a->readonly_fixed ? "" : " (`set readonly off` changes that)");
}

/* What only asks is let through; whatever else a host is told changes something. */
int guard_verb(const struct app *a, const char *const *words, size_t count, struct err *e)
{
	static const char *const harmless[] = {"check", "cancel"};

	if (!app_readonly(a) || count == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (strcmp(words[0], harmless[i]) == 0)
			return 0;
	return err_set(e, ERR_REFUSED, "this console is read-only: %s is not done", words[0]);
}

/* --- sessions that go with this console --- */

void guard_began(struct app *a, const struct host *h, const char *name)
{
	struct mine *m = xcalloc(1, sizeof(*m));

	m->host = h;
	m->name = xstrdup(name);
	m->next = a->mine;
	a->mine = m;
}

void guard_ended(struct app *a, const struct host *h, const char *name)
{
	for (struct mine **at = &a->mine; *at; at = &(*at)->next) {
		struct mine *m = *at;

		if (m->host != h || strcmp(m->name, name) != 0)
			continue;
		*at = m->next;
		free(m->name);
		free(m);
		return;
	}
}

void app_session_ended(struct app *a, const struct host *h, struct str name)
{
	char *text;

	if (!a->mine)
		return;
	text = xstrndup(name.p, name.len);
	guard_ended(a, h, text);
	free(text);
}

static void quit_yes(void *arg)
{
	((struct app *)arg)->quit = true;
}

void guard_quit(struct app *a)
{
	struct buf loss;
	size_t count = 0;

	if (!a->mine) {
		quit_yes(a);
		return;
	}
	buf_init(&loss, 1024);
	for (const struct mine *m = a->mine; m; m = m->next, count++)
		(void)buf_printf(&loss, "%s%s", count ? ", " : "", m->name); /* -1: there are more than can be named */
	(void)buf_printf(&loss, " end%s with this console: said to be ephemeral. Files that were recorded stay, all other sessions go on.",
			 count == 1 ? "s" : "");
	app_confirm_loss(a, "Quit, and end what is ephemeral?", buf_str(&loss), quit_yes, a);
	buf_release(&loss);
}

void guard_release(struct app *a)
{
	while (a->mine) {
		struct mine *m = a->mine;

		a->mine = m->next;
		free(m->name);
		free(m);
	}
}
