/* Forms that change a running session, each with the command that does the same; what is typed is checked where it will run. */
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "base/xalloc.h"
#include "session_act.h"
#include "tui/app.h"
#include "tui/form_check.h"

#define FIELDS_MAX 2
#define REST_MS 200u /* of typing, before somebody is asked */

static const struct form_kind {
	const char *title; /* with the session's name behind it */
	const char *verb, *op; /* op: NULL or the third word */
	const char *label, *hint, *history;
	bool filter;  /* the text is one, else an expression */
	bool counter; /* NAME=TEXT */
	const char *submit;
} kinds[] = {
	[SESSION_FORM_MODIFY] = {"Another filter for", "modify", NULL, "Filter", "as tcpdump's; empty: every packet. No count and no packet is lost",
				 "filter", true, false, "Change"},
	[SESSION_FORM_ALERT] = {"An alert of", "alert", NULL, "When", "pps > 1000 for 10s then save (or record on, stop, rotate). `:alert NAME remove N` takes one away", "alert",
				false, false, "Set"},
	[SESSION_FORM_COUNTER_ADD] = {"A counter of", "counter", "add", "Counts", "as tcpdump's: udp port 53", "filter", true, true, "Add"},
	[SESSION_FORM_COUNTER_CHANGE] = {"Another filter for a counter of", "counter", "change", "Counts", "as tcpdump's: udp port 53", "filter",
					 true, true, "Change"},
};

struct session_form {
	const struct form_kind *kind;
	struct app *app;
	struct host *host;
	struct form *form;
	struct form_check *check;
	char *session, *device; /* device: the first, whose link type the filter is for */
};

static void on_checked(void *arg, const struct err *e, const char *note)
{
	struct session_form *f = arg;

	/* An older host checks nothing but filters: then it is told when it is set. */
	if (!f->kind->filter && e->code != ERR_NONE && strncmp(e->text, "check ", 6) == 0)
		form_say(f->form, "text", STYLE_DIM, -1, "");
	else
		form_check_say(f->form, "text", e, f->kind->filter ? note : "");
}

static void form_changed(void *arg, struct form *form, size_t field)
{
	struct session_form *f = arg;
	const char *text = form_text(form, "text");
	const char *const filter[] = {"check", "filter", text, "device", f->device};
	const char *const alert[] = {"check", "new", "check", "alert", text};

	(void)field;
	f->form = form;
	form_check_drop(f->check);
	if (!*text)
		form_say(form, "text", STYLE_DIM, -1, f->kind->filter ? "empty: every packet" : "");
	else if (f->kind->filter)
		form_check_ask(f->check, f->host, filter, *f->device ? 5 : 3, REST_MS);
	else
		form_check_ask(f->check, f->host, alert, 5, REST_MS);
}

/* The words of the verb; `joined` holds NAME=TEXT and is the caller's. Returns their number. */
static size_t form_words(const struct session_form *f, const struct form *form, const char *word[4], char **joined)
{
	size_t n = 0;

	word[n++] = f->kind->verb;
	word[n++] = f->session;
	if (f->kind->op)
		word[n++] = f->kind->op;
	*joined = f->kind->counter ? xasprintf("%s=%s", form_text(form, "counter"), form_text(form, "text")) : xstrdup(form_text(form, "text"));
	word[n++] = *joined;
	return n;
}

static void form_command(void *arg, const struct form *form, struct buf *out)
{
	const struct session_form *f = arg;
	const bool here = !*host_name(f->host) || strcmp(host_name(f->host), "local") == 0;
	const char *word[4];
	char *joined, *whole = here ? xstrdup(f->session) : xasprintf("%s:%s", host_name(f->host), f->session);
	const size_t n = form_words(f, form, word, &joined);

	word[1] = whole;
	(void)buf_add_str(out, "tapdeck");
	for (size_t i = 0; i < n; i++) {
		(void)buf_add_str(out, " ");
		words_quote(out, word[i]);
	}
	free(whole);
	free(joined);
}

static int form_submitted(void *arg, struct form *form, struct err *e)
{
	struct session_form *f = arg;
	const char *word[4];
	char *joined;
	size_t n;

	if (f->kind->counter && !*form_text(form, "counter"))
		return err_set(e, ERR_CALL, "a counter needs a name");
	if ((f->kind->counter || !f->kind->filter) && !*form_text(form, "text"))
		return err_set(e, ERR_CALL, "%s", f->kind->filter ? "a counter needs a filter" : "an alert needs an expression");
	n = form_words(f, form, word, &joined);
	app_verb(f->app, NULL, f->host, word, n, NULL, NULL);
	free(joined);
	return 0;
}

static void form_closed(void *arg)
{
	struct session_form *f = arg;

	form_check_free(f->check);
	free(f->session);
	free(f->device);
	free(f);
}

void session_form(struct pane *p, const struct session_ref *r, enum session_form_kind kind, const char *counter, const char *text)
{
	struct session_form *f = xcalloc(1, sizeof(*f));
	char *title = xasprintf("%s %s on %s", kinds[kind].title, r->name, r->host);
	struct field field[FIELDS_MAX];
	size_t n = 0;

	*f = (struct session_form){.kind = &kinds[kind], .app = p->app, .host = hosts_get(app_hosts(p->app), r->host), .session = xstrdup(r->name)};
	f->device = xstrndup(r->devices, strcspn(r->devices, ","));
	f->check = form_check_new(p->app, on_checked, f);
	if (kinds[kind].counter)
		field[n++] = (struct field){.name = "counter", .label = "Name", .kind = kind == SESSION_FORM_COUNTER_CHANGE ? FIELD_NOTE : FIELD_TEXT,
					    .text = counter, .width = 24, .hint = "letters, digits, . _ -"};
	if (kind == SESSION_FORM_ALERT && r->alerts && *r->alerts)
		field[n++] = (struct field){.name = "now", .label = "Now", .kind = FIELD_NOTE, .text = r->alerts};
	field[n++] = (struct field){.name = "text", .label = kinds[kind].label, .kind = FIELD_TEXT, .text = text, .hint = kinds[kind].hint,
				    .history = kinds[kind].history};
	f->form = app_form(p->app, &(struct form_spec){.title = title, .field = field, .nfields = n, .submit = kinds[kind].submit,
						       .changed = form_changed, .command = form_command, .submitted = form_submitted,
						       .closed = form_closed, .arg = f});
	free(title);
}
