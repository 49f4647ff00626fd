#include "tui/new_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "tui/app.h"

#define NEW_WORDS_MAX 32

/* Lives until the form is closed and the last check has been answered. */
struct new_session {
	struct app *app;
	struct form *form;
	struct host *host;
	struct feed *devices;
	char *device; /* asked for at the start, ticked when the list comes */
	unsigned checks, serial; /* answers that are awaited; the newest question */
	bool closed;
};

struct check {
	struct new_session *n;
	unsigned serial;
};

static void new_session_free(struct new_session *n)
{
	if (!n->closed || n->checks)
		return;
	free(n->device);
	free(n);
}

/* --- the filter, checked on the host that will run it --- */

static void check_answered(struct pane *p, void *arg, const struct err *e, const char *note)
{
	struct check *c = arg;
	struct new_session *n = c->n;

	(void)p;
	n->checks--;
	if (!n->closed && c->serial == n->serial) {
		if (e->code)
			form_say(n->form, "filter", STYLE_ERROR, e->at, e->text);
		else
			form_say(n->form, "filter", STYLE_GOOD, -1, *note ? note : "ok");
		app_dirty(n->app);
	}
	free(c);
	new_session_free(n);
}

static void check_filter(struct new_session *n)
{
	const char *text = form_text(n->form, "filter"), *device = form_text(n->form, "devices");
	char *first = xstrndup(device, strcspn(device, ","));
	const char *words[] = {"check", "filter", text, "device", first};
	struct check *c;

	n->serial++;
	if (!*text) {
		form_say(n->form, "filter", STYLE_DIM, -1, "empty: every packet");
	} else {
		c = xcalloc(1, sizeof(*c));
		*c = (struct check){.n = n, .serial = n->serial};
		n->checks++;
		app_verb(n->app, NULL, n->host, words, *first ? 5 : 3, check_answered, c);
	}
	free(first);
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

	if (n->closed)
		return;
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

/* --- the words of `new` --- */

struct made {
	const char *word[NEW_WORDS_MAX];
	size_t count;
};

static void add_pair(struct made *m, const char *word, const char *value)
{
	if (!*value)
		return;
	m->word[m->count++] = word;
	m->word[m->count++] = value;
}

static void make_words(const struct form *f, struct made *m)
{
	m->count = 0;
	m->word[m->count++] = "new";
	m->word[m->count++] = *form_text(f, "name") ? form_text(f, "name") : "?";
	add_pair(m, "device", form_text(f, "devices"));
	add_pair(m, "filter", form_text(f, "filter"));
	m->word[m->count++] = form_text(f, "mode");
	add_pair(m, "snaplen", form_text(f, "snaplen"));
	add_pair(m, "buffer", form_text(f, "buffer"));
	add_pair(m, "own-traffic", *form_text(f, "own") ? "out" : "in");
	add_pair(m, "note", form_text(f, "note"));
}

static void new_command(void *arg, const struct form *f, struct buf *out)
{
	struct made m;
	const char *host = form_text(f, "host");

	(void)arg;
	make_words(f, &m);
	(void)buf_add_str(out, "tapdeck");
	for (size_t i = 0; i < m.count; i++) {
		(void)buf_add_str(out, " ");
		words_quote(out, m.word[i]);
		if (i == 1 && *host && strcmp(host, "local") != 0) {
			(void)buf_add_str(out, " on ");
			words_quote(out, host);
		}
	}
}

/* --- the form --- */

static void new_changed(void *arg, struct form *f, size_t field)
{
	struct new_session *n = arg;
	struct host *host;

	n->form = f;
	host = hosts_get(app_hosts(n->app), form_text(f, "host"));
	if (host != n->host || !n->devices) {
		n->host = host;
		devices_ask(n);
	}
	(void)field;
	check_filter(n);
}

static int new_submitted(void *arg, struct form *f, struct err *e)
{
	struct new_session *n = arg;
	struct made m;

	if (!*form_text(f, "name"))
		return err_set(e, ERR_CALL, "a session needs a name");
	make_words(f, &m);
	app_verb(n->app, NULL, n->host, m.word, m.count, NULL, NULL);
	app_tab(n->app, '1'); /* where it is seen */
	return 0;
}

static void new_closed(void *arg)
{
	struct new_session *n = arg;

	feed_free(n->devices);
	n->closed = true;
	n->form = NULL;
	new_session_free(n);
}

static void host_choices(struct app *a, struct buf *out)
{
	struct host *h = NULL;

	while ((h = hosts_next(app_hosts(a), h)))
		if (strcmp(host_name(h), "store") != 0)
			(void)buf_printf(out, "%s\n", *host_name(h) ? host_name(h) : "local");
}

int new_session_form(struct app *a, const char *host, const char *device, struct err *e)
{
	struct new_session *n = xcalloc(1, sizeof(*n));
	struct buf hosts;
	char name[32], clock[TEXT_NUMBER_MAX];

	(void)e;
	buf_init(&hosts, 65536);
	host_choices(a, &hosts);
	/* "2026-11-21 01:38:21": the seconds of the day make a name that is free */
	(void)text_time(app_now_ns(a), TEXT_UTC, clock);
	(void)snprintf(name, sizeof(name), "s%.2s%.2s%.2s", clock + 11, clock + 14, clock + 17);
	n->app = a;
	n->device = *device ? xstrdup(device) : NULL;
	const struct field field[] = {
		{.name = "name", .label = "Name", .kind = FIELD_TEXT, .text = name, .width = 24},
		{.name = "host", .label = "Host", .kind = FIELD_CHOICE, .text = *host ? host : "local", .choices = buf_str(&hosts)},
		{.name = "devices", .label = "Device", .kind = FIELD_TICKS, .text = "", .choices = "", .hint = "none ticked: the one of the default route"},
		{.name = "filter", .label = "Filter", .kind = FIELD_TEXT, .text = "", .history = "filter",
		 .hint = "as tcpdump's: tcp port 443 and host 10.1.2.3"},
		{.name = "mode", .label = "Do", .kind = FIELD_CHOICE, .text = "record", .choices = "record\ncount"},
		{.name = "snaplen", .label = "Snaplen", .kind = FIELD_TEXT, .text = "", .width = 8, .hint = "bytes kept of a packet; empty: all"},
		{.name = "buffer", .label = "Buffer", .kind = FIELD_TEXT, .text = "", .width = 6, .hint = "MB in the kernel; empty: 64 to record, 4 to count"},
		{.name = "own", .label = "Own SSH", .kind = FIELD_TICK, .text = "yes", .hint = "leaves out the SSH connections that carry attached consoles"},
		{.name = "note", .label = "Note", .kind = FIELD_TEXT, .text = "", .history = "note"},
	};
	(void)app_form(a, &(struct form_spec){.title = "New session", .field = field, .nfields = ARRAY_LEN(field), .submit = "Start",
					      .changed = new_changed, .command = new_command, .submitted = new_submitted,
					      .closed = new_closed, .arg = n});
	buf_release(&hosts);
	return 0;
}
