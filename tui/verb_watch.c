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
	uint64_t left; /* rows */
	bool ended;    /* the request is gone */
	bool done;
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

static void on_row(void *arg, struct request *r, const struct answer *a)
{
	struct watch *s = arg;

	(void)r;
	s->ended = a->last;
	if (s->done)
		return;
	if (a->error) {
		*s->e = *a->error;
		s->r = -1;
	} else if (window_read(&s->window, a->window, s->e)) {
		s->r = -1;
	} else {
		watch_rates(s);
		s->r = printer_add(s->printer, &s->window, s->e);
		if (s->r == 0 && fflush(s->cli->out))
			s->r = err_errno(s->e, ERR_REFUSED, "standard output");
		s->left -= s->left > 0;
	}
	s->done = s->r || s->left == 0;
}

static void watch_stop(void *arg)
{
	struct watch *s = arg;

	s->done = true;
}

static int watch_run(struct cli *c, struct client *client, const struct msg_query *q, struct err *e)
{
	struct watch s = {.cli = c, .e = e, .left = c->opt.limit};
	struct request *request;
	struct err end = {0};

	s.printer = printer_new(c->out, &c->opt.print);
	cli_on_interrupt(c, watch_stop, &s);
	request = client_query(client, 0, q, on_row, &s);
	if (cli_wait(c, &s.done, e))
		s.r = -1;
	cli_on_interrupt(c, NULL, NULL);
	if (!s.ended)
		client_cancel(request);
	if (s.r == 0 && printer_end(s.printer, &end)) {
		*e = end;
		s.r = -1;
	}
	printer_free(s.printer);
	window_release(&s.window);
	return s.r;
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
	static const char usage[] = "tapdeck watch NAME frequency SECONDS";
	const char *words[4];
	size_t n = 0;
	struct msg_query q = {.table = str_of("poll"), .sort = str_of("-time"), .count = 1, .period_ms = 1000};
	struct client *client;
	char *host, *name;
	int r = -1;

	if (cli_options_take(c, &count, word, e))
		return -1;
	if (count != 2 && !(count == 4 && strcmp(word[2], "frequency") == 0))
		return err_set(e, ERR_CALL, "%s: it has %d words", usage, count);
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
	client = cli_daemon(c, host, e);
	if (client)
		r = watch_run(c, client, &q, e);
	free(host);
	free(name);
	return r;
}
