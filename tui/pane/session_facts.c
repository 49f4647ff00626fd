#include "session_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "tui/app.h"

#define FACTS_MAX 1024u /* rows of it: filter history and events are among them */
#define FACTS_PERIOD_MS 2000u

struct session_facts {
	struct app *app;
	struct feed *feed;
	struct host *host;
	char *session;
};

static void facts_changed(void *arg, struct feed *feed)
{
	(void)feed;
	app_dirty(((struct session_facts *)arg)->app);
}

struct session_facts *session_facts_new(struct app *a)
{
	struct session_facts *f = xcalloc(1, sizeof(*f));

	f->app = a;
	f->session = xstrdup("");
	return f;
}

void session_facts_free(struct session_facts *f)
{
	if (!f)
		return;
	feed_free(f->feed);
	free(f->session);
	free(f);
}

void session_facts_of(struct session_facts *f, struct host *h, const char *session)
{
	const char *const words[] = {session};

	if (f->host == h && strcmp(f->session, session) == 0)
		return;
	feed_free(f->feed);
	free(f->session);
	f->host = h;
	f->session = xstrdup(session);
	f->feed = feed_new(f->app, h, "", facts_changed, f);
	feed_ask(f->feed, &(struct feed_query){.table = "session", .words = words, .nwords = 1, .count = FACTS_MAX, .period_ms = FACTS_PERIOD_MS});
}

bool session_fact_at(const struct session_facts *f, unsigned i, struct str *name, struct str *value)
{
	const struct window *w = f->feed ? feed_window(f->feed) : NULL;
	struct value n, v;

	if (!w || i >= w->rows)
		return false;
	n = window_cell(w, i, window_column(w, "name"));
	v = window_cell(w, i, window_column(w, "value"));
	*name = n.type == VALUE_TEXT ? n.s : str_of("");
	*value = v.type == VALUE_TEXT ? v.s : str_of("");
	return true;
}

unsigned session_facts_serial(const struct session_facts *f)
{
	return f->feed ? (unsigned)feed_serial(f->feed) : 0;
}

struct str session_fact(const struct session_facts *f, const char *name)
{
	struct str n, v;

	for (unsigned i = 0; session_fact_at(f, i, &n, &v); i++)
		if (str_is(n, name))
			return v;
	return str_of("");
}

void session_facts_alerts(const struct session_facts *f, const char *session, struct buf *out)
{
	struct str n, v;

	for (unsigned i = 0; strcmp(f->session, session) == 0 && session_fact_at(f, i, &n, &v); i++)
		if (str_is(n, "alert"))
			(void)buf_printf(out, "%s%.*s", out->len ? "   " : "", (int)v.len, v.p); /* -1: more than can be shown */
}

static void recording_print(const struct session_facts *f, struct buf *out)
{
	const struct str recording = session_fact(f, "recording"), files = session_fact(f, "files"), state = session_fact(f, "state");
	const bool goes_on = str_is(state, "running") || str_is(state, "starting");

	if (!recording.len)
		return;
	if (str_is(recording, "yes") && goes_on)
		(void)buf_add_str(out, "recording");
	else if (files.len && !str_is(files, "0"))
		(void)buf_printf(out, "recorded: %.*s file%s", (int)files.len, files.p, str_is(files, "1") ? "" : "s");
	else
		(void)buf_add_str(out, goes_on ? "counting, nothing is recorded" : "nothing was recorded");
}

void session_facts_print(const struct session_facts *f, struct buf *out)
{
	struct str own, packets, past;
	char number[TEXT_NUMBER_MAX];
	uint64_t left;

	if (!f->feed || feed_state(f->feed) == FEED_FAILED)
		return;
	own = session_fact(f, "own_traffic");
	packets = session_fact(f, "own_packets");
	recording_print(f, out);
	if (str_is(own, "out") && packets.len && !str_is(packets, "0"))
		(void)buf_printf(out, "   own SSH traffic left out: %.*s packets", (int)packets.len, packets.p);
	else if (str_is(own, "in"))
		(void)buf_add_str(out, "   own SSH traffic counted in");
	past = session_fact(f, "past");
	if (past.len)
		(void)buf_printf(out, "   past held: %.*s (w writes it)", (int)past.len, past.p);
	if (text_parse_count(session_fact(f, "disk_free_bytes"), &left, NULL) == 0 && left > 0)
		(void)buf_printf(out, "   disk: %s left", text_bytes(left, number));
}
