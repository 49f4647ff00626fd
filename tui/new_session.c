#include "tui/new_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "config.h"
#include "new_fields.h"
#include "tui/form_check.h"
#include "tui/new_word.h"

#define REST_MS 400u /* of typing, before it is asked what the words would do */

/* Lives until the form is closed. */
struct new_session {
	struct app *app;
	struct form *form;
	struct host *host;
	struct feed *devices;
	char *device; /* asked for at the start, ticked when the list comes */
	struct form_check *filter, *words;
	bool filter_wrong; /* that is said where it is typed */
	char *profile; /* the one whose words are shown */
};

/* --- checked on the host that will run it --- */

static void filter_checked(void *arg, const struct err *e, const char *note)
{
	struct new_session *n = arg;

	n->filter_wrong = e->code != ERR_NONE;
	form_check_say(n->form, "filter", e, note);
}

static void check_filter(struct new_session *n)
{
	const char *text = form_text(n->form, "filter"), *device = form_text(n->form, "devices");
	char *first = xstrndup(device, strcspn(device, ","));
	const char *const words[] = {"check", "filter", text, "device", first};

	if (*text) {
		form_check_ask(n->filter, n->host, words, *first ? 5 : 3, 0);
	} else {
		form_check_drop(n->filter);
		n->filter_wrong = false;
		form_say(n->form, "filter", STYLE_DIM, -1, "empty: every packet");
	}
	free(first);
}

/* How long the disk lasts, or what does not go together. An older host knows no such question. */
static void words_checked(void *arg, const struct err *e, const char *note)
{
	struct new_session *n = arg;
	const bool old = e->code != ERR_NONE && strncmp(e->text, "check ", 6) == 0;

	if (old || (e->code != ERR_NONE && n->filter_wrong))
		form_say(n->form, "mode", STYLE_DIM, -1, "");
	else if (e->code != ERR_NONE)
		form_say(n->form, "mode", STYLE_ERROR, -1, e->text);
	else
		form_say(n->form, "mode", STYLE_GOOD, -1, note);
}

static void check_words(struct new_session *n)
{
	struct new_words w = {0};

	new_words_add(&w, "check");
	new_words_make(n->form, false, &w);
	form_check_ask(n->words, n->host, (const char *const *)w.word, w.count, REST_MS);
	new_words_release(&w);
}

/* --- devices, with rates that move --- */

/* A name a line, and behind it what helps to choose: rates, speed, addresses. */
static void devices_choices(const struct window *w, struct buf *out)
{
	for (uint32_t row = 0; row < w->rows; row++) {
		const struct value name = window_cell(w, row, window_column(w, "name")), rx = window_cell(w, row, window_column(w, "rx_bps")),
				   tx = window_cell(w, row, window_column(w, "tx_bps")), up = window_cell(w, row, window_column(w, "up")),
				   addresses = window_cell(w, row, window_column(w, "addresses"));

		value_print_raw(out, KIND_TEXT, &name);
		(void)buf_add_str(out, up.type == VALUE_INT && up.i == 0 ? "\tdown " : "\t");
		if (rx.type != VALUE_NULL) {
			(void)buf_add_str(out, "in ");
			value_print_text(out, KIND_BPS, &rx, TEXT_UTC);
			(void)buf_add_str(out, "  out ");
			value_print_text(out, KIND_BPS, &tx, TEXT_UTC);
			(void)buf_add_str(out, "  ");
		}
		if (addresses.type == VALUE_TEXT)
			value_print_text(out, KIND_TEXT, &addresses, TEXT_UTC);
		(void)buf_add_str(out, "\n");
	}
}

static void devices_changed(void *arg, struct feed *f)
{
	struct new_session *n = arg;
	const struct window *w = feed_window(f);
	struct buf text;

	if (feed_state(f) == FEED_FAILED) {
		form_say(n->form, "devices", STYLE_ERROR, -1, feed_error(f)->text);
		return;
	}
	buf_init(&text, 65536);
	devices_choices(w, &text);
	form_set_choices(n->form, "devices", buf_str(&text));
	if (n->device && w->rows) {
		form_set(n->form, "devices", n->device);
		free(n->device);
		n->device = NULL;
	}
	buf_release(&text);
	app_dirty(n->app);
}

static void devices_ask(struct new_session *n)
{
	feed_free(n->devices);
	n->devices = feed_new(n->app, n->host, "", devices_changed, n);
	feed_ask(n->devices, &(struct feed_query){.table = "devices", .columns = "name,up,rx_bps,tx_bps,addresses", .count = 64, .period_ms = 1000});
}

/* --- profiles --- */

static void profile_choices(const struct app *a, struct buf *out)
{
	const char *name, *words;

	(void)buf_add_str(out, "none\n");
	for (size_t i = 0; profiles_at(a->profiles, i, &name, &words); i++)
		(void)buf_printf(out, "%s\n", name); /* -1: more than can be shown */
}

/* Another one was chosen: its words take the place of what stands in the fields. */
static void profile_show(struct new_session *n)
{
	const char *name = form_text(n->form, "profile"), *line = profiles_find(n->app->profiles, name);
	struct words w = {0};

	if (strcmp(name, n->profile) == 0)
		return;
	free(n->profile);
	n->profile = xstrdup(name);
	if (words_parse(&w, line ? line : "", NULL) == 0)
		new_words_show(n->form, w.count, w.word);
	words_release(&w);
}

/* All but the name: `new NAME` stands in front. */
static int profile_keep(struct new_session *n, const char *name, struct err *e)
{
	struct new_words w = {0};
	char *line;
	int r;

	new_words_make(n->form, true, &w);
	line = words_join_quoted((int)w.count - 2, w.word + 2);
	r = app_profile(n->app, name, line, e);
	free(line);
	new_words_release(&w);
	return r;
}

/* --- the form --- */

static void new_command(void *arg, const struct form *f, struct buf *out)
{
	struct new_words w = {0};

	(void)arg;
	new_words_make(f, true, &w);
	(void)buf_add_str(out, "tapdeck");
	for (size_t i = 0; i < w.count; i++) {
		(void)buf_add_str(out, " ");
		words_quote(out, w.word[i]);
	}
	new_words_release(&w);
}

static void section_show(const struct new_session *n, struct form *f)
{
	const char *section = form_text(f, "more"), *name, *words;

	for (size_t i = 0; new_field_at(i); i++)
		form_show(f, new_field_at(i)->word, strcmp(new_field_at(i)->section, section) == 0);
	form_show(f, "keep-as", strcmp(section, "other") == 0);
	form_show(f, "profile", profiles_at(n->app->profiles, 0, &name, &words));
}

static void new_changed(void *arg, struct form *f, size_t field)
{
	struct new_session *n = arg;
	struct host *host;

	(void)field;
	n->form = f;
	profile_show(n);
	section_show(n, f);
	host = hosts_get(app_hosts(n->app), form_text(f, "host"));
	if (host != n->host || !n->devices) {
		n->host = host;
		devices_ask(n);
	}
	check_filter(n);
	check_words(n);
}

static int new_submitted(void *arg, struct form *f, struct err *e)
{
	struct new_session *n = arg;
	struct new_words w = {0};

	if (!*form_text(f, "name"))
		return err_set(e, ERR_CALL, "a session needs a name");
	if (*form_text(f, "keep-as") && profile_keep(n, form_text(f, "keep-as"), e) < 0)
		return -1;
	new_words_make(f, false, &w);
	app_verb(n->app, NULL, n->host, (const char *const *)w.word, w.count, NULL, NULL);
	new_words_release(&w);
	app_tab(n->app, '1'); /* where it is seen */
	return 0;
}

static void new_closed(void *arg)
{
	struct new_session *n = arg;

	feed_free(n->devices);
	form_check_free(n->filter);
	form_check_free(n->words);
	free(n->profile);
	free(n->device);
	free(n);
}

static void host_choices(struct app *a, struct buf *out)
{
	struct host *h = NULL;

	while ((h = hosts_next(app_hosts(a), h)))
		if (strcmp(host_name(h), "store") != 0)
			(void)buf_printf(out, "%s\n", *host_name(h) ? host_name(h) : "local");
}

/* A word's field as the form takes it. */
static struct field field_of(const struct new_field *f)
{
	const struct new_word *w = new_word_find(f->word);
	const bool tick = f->yes || (w && w->takes == NEW_NOTHING);

	return (struct field){.name = f->word, .label = f->label, .kind = f->choices ? FIELD_CHOICE : tick ? FIELD_TICK : FIELD_TEXT,
			      .text = f->yes ? "yes" : "", .choices = f->choices, .history = f->history, .width = f->width,
			      .hint = f->hint ? f->hint : w ? w->summary : NULL};
}

static size_t fields_make(struct field field[FORM_FIELDS_MAX], const char *name, const char *host, const char *hosts, const char *profiles)
{
	const struct field basic[] = {
		{.name = "name", .label = "Name", .kind = FIELD_TEXT, .text = name, .width = 24},
		{.name = "host", .label = "Host", .kind = FIELD_CHOICE, .text = *host ? host : "local", .choices = hosts},
		{.name = "devices", .label = "Device", .kind = FIELD_TICKS, .text = "", .choices = "", .hint = "none ticked: the one of the default route"},
		{.name = "filter", .label = "Filter", .kind = FIELD_TEXT, .text = "", .history = "filter",
		 .hint = "as tcpdump's: tcp port 443 and host 10.1.2.3"},
		{.name = "mode", .label = "Do", .kind = FIELD_CHOICE, .text = "record", .choices = "record\ncount"},
		{.name = "profile", .label = "Profile", .kind = FIELD_CHOICE, .text = "none", .choices = profiles,
		 .hint = "words that were kept; More, other keeps these under a name"},
		{.name = "more", .label = "More", .kind = FIELD_CHOICE, .text = "basic", .choices = NEW_SECTIONS, .hint = "Space shows the fields of the next section below"},
	};
	size_t n = 0;

	for (; n < ARRAY_LEN(basic); n++)
		field[n] = basic[n];
	for (size_t i = 0; new_field_at(i) && n + 1 < FORM_FIELDS_MAX; i++)
		field[n++] = field_of(new_field_at(i));
	field[n++] = (struct field){.name = "keep-as", .label = "Keep as", .kind = FIELD_TEXT, .text = "", .width = 24,
				    .hint = "a name: Start keeps these words as a profile, in tapdeck.conf"};
	return n;
}

int new_session_form(struct app *a, const char *host, const char *device, struct err *e)
{
	struct new_session *n;
	struct buf hosts, profiles;
	struct field field[FORM_FIELDS_MAX];
	char name[32], clock[TEXT_NUMBER_MAX];
	size_t fields;

	if (app_readonly(a))
		return err_set(e, ERR_REFUSED, "this console is read-only: no session is started from it");
	n = xcalloc(1, sizeof(*n));
	buf_init(&hosts, 65536);
	buf_init(&profiles, 65536);
	host_choices(a, &hosts);
	profile_choices(a, &profiles);
	/* "2026-11-21 01:38:21": the seconds of the day make a name that is free */
	(void)text_time(app_now_ns(a), TEXT_UTC, clock);
	(void)snprintf(name, sizeof(name), "s%.2s%.2s%.2s", clock + 11, clock + 14, clock + 17);
	n->app = a;
	n->device = *device ? xstrdup(device) : NULL;
	n->profile = xstrdup("none");
	n->filter = form_check_new(a, filter_checked, n);
	n->words = form_check_new(a, words_checked, n);
	fields = fields_make(field, name, host, buf_str(&hosts), buf_str(&profiles));
	(void)app_form(a, &(struct form_spec){.title = "New session", .field = field, .nfields = fields, .submit = "Start",
					      .changed = new_changed, .command = new_command, .submitted = new_submitted,
					      .closed = new_closed, .arg = n});
	buf_release(&hosts);
	buf_release(&profiles);
	return 0;
}
