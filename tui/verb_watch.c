#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"

#define PERIOD_MAX_NS (24 * 3600 * NS_PER_S)
#define BITS_PER_BYTE 8.0

/* Totals of one row, to make the next one's rates of. */
struct totals {
	int64_t time_ns, packets, bytes;
};

struct watch {
	struct cli *cli;
	struct printer *printer;
	struct window window;
	struct totals before;
	bool have_before;
	struct client *client;
	const struct msg_query *query;
	struct request *request; /* for rows; NULL: it is gone */
	struct request *state;	 /* for the session's; the same */
	uint64_t left;		 /* rows */
	bool over;		 /* the session is: one more row, where it is another */
	bool done;
	const char *name;
	int r;
	struct err *e;
};

static struct value *watch_cell(struct window *w, const char *name)
{
	int column = window_column(w, name);

	return column >= 0 && w->rows == 1 ? &w->cells[column] : NULL;
}

static int64_t cell_int(const struct value *v)
{
	return v && v->type == VALUE_INT ? v->i : 0;
}

/* The far side's rates are those of its last second; here they are since the row before (CONTRACT: watch). */
static void watch_rates(struct watch *s)
{
	struct window *w = &s->window;
	struct value *pps = watch_cell(w, "pps"), *bps = watch_cell(w, "bps");
	const struct totals now = {
		cell_int(watch_cell(w, "time")),
		cell_int(watch_cell(w, "packets")),
		cell_int(watch_cell(w, "bytes")),
	};
	double seconds = (double)(now.time_ns - s->before.time_ns) / (double)NS_PER_S;

	if (s->have_before && seconds > 0 && pps)
		*pps = value_real((double)(now.packets - s->before.packets) / seconds);
	if (s->have_before && seconds > 0 && bps)
		*bps = value_real((double)(now.bytes - s->before.bytes) * BITS_PER_BYTE / seconds);
	s->before = now;
	s->have_before = true;
}

static int watch_print(struct watch *s)
{
	if (printer_add(s->printer, &s->window, s->e))
		return -1;
	s->left -= s->left > 0;
	return fflush(s->cli->out) ? err_errno(s->e, ERR_REFUSED, "standard output") : 0;
}

/* Of a session that is over the newest row may have been printed before. */
static bool is_news(struct watch *s)
{
	return !s->over || !s->have_before || cell_int(watch_cell(&s->window, "time")) != s->before.time_ns ||
	       cell_int(watch_cell(&s->window, "packets")) != s->before.packets;
}

static void on_row(void *arg, struct request *r, const struct answer *a)
{
	struct watch *s = arg;

	(void)r;
	if (a->last)
		s->request = NULL;
	if (s->done)
		return;
	if (a->error) {
		*s->e = *a->error;
		s->r = -1;
	} else if (window_read(&s->window, a->window, s->e)) {
		s->r = -1;
	} else if (is_news(s)) {
		watch_rates(s);
		s->r = watch_print(s);
	}
	s->done = s->r || s->left == 0 || s->over;
}

/* Its totals stand still from here on: they are asked for once more, which ends the watch. */
static void watch_last(struct watch *s, const char *reason)
{
	struct msg_query once = *s->query;
	char *note = xasprintf("the session %s has ended%s%s", s->name, *reason ? ": " : "", reason);

	cli_note(note);
	free(note);
	s->over = true;
	if (s->request)
		client_cancel(s->request);
	once.period_ms = 0;
	s->request = client_query(s->client, 0, &once, on_row, s);
}

static void state_read(struct watch *s, const struct window *w)
{
	char *state = cli_cell(w, 0, "state"), *reason = cli_cell(w, 0, "reason");

	if (strcmp(state, "ended") == 0 || strcmp(state, "failed") == 0)
		watch_last(s, reason);
	free(state);
	free(reason);
}

static void on_state(void *arg, struct request *r, const struct answer *a)
{
	struct watch *s = arg;
	struct window w = {0};

	(void)r;
	if (a->last)
		s->state = NULL;
	if (s->done || s->over)
		return;
	if (!a->error && window_read(&w, a->window, NULL) == 0 && w.rows == 1) {
		state_read(s, &w);
	} else if (!a->error && s->have_before) {
		cli_note("the session is on the list no more");
		s->done = true;
	}
	if (!s->request && !s->done) /* the first answer; what is wrong with the session is told where its rows are */
		s->request = client_query(s->client, 0, s->query, on_row, s);
	window_release(&w);
}

/* Whether the session still runs, before its rows and as often as they come: those of one that has ended would come for ever. */
static void ask_state(struct watch *s)
{
	char *filter = xasprintf("name == \"%s\"", s->name); /* no quote is part of a session's name */
	const struct msg_query q = {.table = str_of("sessions"),
				    .columns = str_of("state,reason"),
				    .filter = str_of(filter),
				    .count = 1,
				    .period_ms = s->query->period_ms};

	s->state = client_query(s->client, 0, &q, on_state, s);
	free(filter);
}

static void watch_stop(void *arg)
{
	struct watch *s = arg;

	s->done = true;
}

static int watch_run(struct watch *s)
{
	struct cli *c = s->cli;
	struct err end = {0};

	s->left = c->opt.limit;
	s->printer = printer_new(c->out, &c->opt.print);
	cli_on_interrupt(c, watch_stop, s);
	ask_state(s);
	if (cli_wait(c, &s->done, s->e))
		s->r = -1;
	cli_on_interrupt(c, NULL, NULL);
	if (s->request)
		client_cancel(s->request);
	if (s->state)
		client_cancel(s->state);
	if (s->r == 0 && printer_end(s->printer, &end)) {
		*s->e = end;
		s->r = -1;
	}
	printer_free(s->printer);
	window_release(&s->window);
	return s->r;
}

static int period_parse(struct cli *c, const char *word, uint32_t *period_ms, struct err *e)
{
	int64_t period_ns;

	c->fault = word;
	if (text_parse_duration(str_of(word), &period_ns, e))
		return -1;
	if (period_ns < 100 * NS_PER_MS || period_ns > PERIOD_MAX_NS)
		return err_at(e, 0, "'%s': a row every 0.1 s to 24 h", word);
	c->fault = NULL;
	*period_ms = (uint32_t)(period_ns / NS_PER_MS);
	return 0;
}

int verb_watch(struct cli *c, int count, char **word, struct err *e)
{
	static const char usage[] = "tapdeck watch NAME [frequency SECONDS]";
	const char *words[4];
	size_t n = 0;
	struct msg_query q = {.table = str_of("poll"), .sort = str_of("-time"), .count = 1, .period_ms = 1000};
	struct watch s = {.cli = c, .query = &q, .e = e};
	char *host, *name;
	int r = -1;

	if (cli_options_take(c, &count, word, e))
		return -1;
	if (count < 2)
		return err_set(e, ERR_CALL, "%s: NAME is missing (tapdeck list shows the sessions)", usage);
	if (count != 2 && !(count == 4 && strcmp(word[2], "frequency") == 0))
		return err_set(e, ERR_CALL, "%s: behind NAME stands nothing else than that", usage);
	if (count == 4 && period_parse(c, word[3], &q.period_ms, e))
		return -1;
	if (c->opt.filter || c->opt.sort || c->opt.bpf)
		return err_set(e, ERR_CALL, "watch prints a row a time: --filter, --sort and --bpf mean nothing there");
	if (source_split(word[1], &host, &name, e))
		return -1;
	words[n++] = name;
	if (c->opt.counter) {
		words[n++] = "counter";
		words[n++] = c->opt.counter;
	}
	(void)msg_strs(&q.words, words, n); /* three at most */
	q.columns = str_of(c->opt.columns ? c->opt.columns : "");
	s.name = name;
	s.client = cli_daemon(c, host, e);
	if (s.client)
		r = watch_run(&s);
	free(host);
	free(name);
	return r;
}
