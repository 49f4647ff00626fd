#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "names.h"
#include "table/row.h"
#include "table/view.h"

#define SNAPSHOT_MS 1000u /* of what still grows: the first one is taken */
#define STOP_WAIT_NS NS_PER_S /* for rows of all that was read, behind a ctrl-c */

/* Windows of one table, one behind the other: the next is asked for before this one is printed. */
struct pull {
	struct cli *cli;
	struct printer *printer;
	struct names *names; /* NULL: numbers stay numbers */
	const struct cli_ask *ask;
	struct request *request;
	struct msg_query query;
	struct window window;
	uint64_t left; /* rows still wanted */
	bool hurried;  /* ctrl-c: what there is */
	bool woken;    /* hurried or done */
	bool asked;    /* in this answer: the request goes on */
	bool done;
	int r;
	struct err *e;
};

static uint32_t window_rows(const struct cli *c, uint64_t left)
{
	const uint32_t most = c->opt.print.format == PRINT_TEXT ? CLI_WINDOW_ROWS : CLI_WINDOW_RAW_ROWS;

	return left < most ? (uint32_t)left : most;
}

/* Which of the texts an error's place is in. */
static const char *fault_text(const struct cli_options *o, const struct err *e)
{
	if (o->bpf && (!o->filter || strstr(e->text, "bpf")))
		return o->bpf;
	if (o->filter)
		return o->filter;
	return o->columns && !o->sort ? o->columns : o->sort;
}

static void pull_done(struct pull *p)
{
	p->done = p->woken = true;
}

/* The last window says whether the table is whole. */
static void pull_end(struct pull *p)
{
	const struct window *w = &p->window;

	pull_done(p);
	if (p->r)
		return;
	if (p->hurried && w->state != WINDOW_COMPLETE && w->note && w->note[0])
		p->r = err_set(p->e, ERR_PART, "interrupted: %s", w->note);
	else if (p->hurried && w->state != WINDOW_COMPLETE)
		p->r = err_set(p->e, ERR_PART, "interrupted: %llu of %llu bytes were read", (unsigned long long)w->done,
			       (unsigned long long)w->of);
	else if (w->state == WINDOW_PARTIAL)
		p->r = err_set(p->e, ERR_PART, "%s", w->note && w->note[0] ? w->note : "a part of it could not be read");
}

/* Standard input became a file whose name nobody gave. */
static void spool_hide(const struct cli_ask *ask, struct window *w)
{
	const int column = ask->spool ? window_column(w, "file") : -1;

	for (uint32_t i = 0; column >= 0 && i < w->rows; i++) {
		struct value *v = &w->cells[(size_t)i * w->ncolumns + (unsigned)column];

		if (v->type == VALUE_TEXT && str_is(v->s, ask->spool))
			v->s = str_of("-");
	}
}

static void pull_window(struct pull *p, struct request *r, const struct msg_window *m)
{
	struct window *w = &p->window;
	bool more;

	if (window_read(w, m, p->e)) {
		p->r = -1;
		pull_done(p);
		return;
	}
	p->left -= w->rows < p->left ? w->rows : p->left;
	more = w->rows > 0 && p->left > 0 && w->first + w->rows < w->total;
	if (more) {
		p->query.first = w->first + w->rows;
		p->query.count = window_rows(p->cli, p->left);
		client_requery(r, &p->query);
		p->asked = true;
	}
	spool_hide(p->ask, w);
	if (p->names)
		names_window(p->names, w);
	if (printer_add(p->printer, w, p->e)) {
		p->r = -1;
		more = false;
	}
	if (!more)
		pull_end(p);
}

static void on_window(void *arg, struct request *r, const struct answer *a)
{
	struct pull *p = arg;

	if (p->done)
		return;
	if (a->error) {
		*p->e = *a->error;
		p->cli->fault = fault_text(&p->cli->opt, a->error);
		p->r = -1;
		pull_done(p);
		p->request = NULL;
		return;
	}
	p->asked = false;
	if (a->window && (a->last || a->window->first == p->query.first)) /* else it repeats the one before */
		pull_window(p, r, a->window);
	if (a->last && !p->asked)
		p->request = NULL;
}

static void on_stopped(void *arg, struct request *r, const struct answer *a)
{
	(void)arg, (void)r, (void)a; /* the window says where it stopped */
}

/* The first ctrl-c ends the reading, which says where it was; the second ends the wait. */
static void pull_hurry(void *arg)
{
	static const char *const words[] = {"cancel"};
	struct pull *p = arg;

	p->hurried = p->woken = true;
	if (p->ask->channel)
		(void)client_command(p->ask->client, p->ask->channel, words, ARRAY_LEN(words), on_stopped, NULL);
}

/* Rows of all that was read come soon, unless a filter or a second look still runs over it. */
static int pull_hurried(struct pull *p)
{
	int r = 0;

	if (!p->done && p->ask->channel)
		r = cli_sleep(p->cli, STOP_WAIT_NS, &p->done, p->e);
	if (r || p->done)
		return r;
	p->query.period_ms = SNAPSHOT_MS;
	client_requery(p->request, &p->query);
	return cli_wait(p->cli, &p->done, p->e);
}

static struct str str_or_empty(const char *s)
{
	return str_of(s ? s : "");
}

static void query_of(const struct cli *c, const struct cli_ask *ask, struct msg_query *q)
{
	const struct cli_options *o = &c->opt;

	*q = (struct msg_query){
		.table = str_of(ask->table),
		.columns = str_or_empty(o->columns),
		.filter = str_or_empty(o->filter),
		.bpf = str_or_empty(o->bpf),
		.sort = str_or_empty(o->sort),
		.count = window_rows(c, o->limit),
		.flags = o->outer ? QUERY_OUTER : 0,
	};
	(void)msg_strs(&q->words, ask->words, ask->nwords); /* far fewer than it holds */
}

static int pull_run(struct pull *p, const struct cli_ask *ask)
{
	struct cli *c = p->cli;
	int r;

	p->ask = ask;
	p->request = client_query(ask->client, ask->channel, &p->query, on_window, p);
	cli_on_interrupt(c, pull_hurry, p);
	r = cli_wait(c, &p->woken, p->e);
	if (r == 0)
		r = pull_hurried(p);
	cli_on_interrupt(c, NULL, NULL);
	if (p->request)
		client_cancel(p->request);
	return r ? r : p->r;
}

int cli_print(struct cli *c, const struct cli_ask *ask, struct err *e)
{
	struct pull p = {.cli = c, .left = c->opt.limit, .e = e};
	struct err end = {0};
	int r;

	query_of(c, ask, &p.query);
	p.printer = printer_new(c->out, &c->opt.print);
	if (c->opt.names && c->opt.print.format == PRINT_TEXT)
		p.names = names_new();
	r = pull_run(&p, ask);
	if ((r == 0 || e->code == ERR_PART) && printer_end(p.printer, &end)) {
		*e = end;
		r = -1;
	}
	printer_free(p.printer);
	window_release(&p.window);
	names_free(p.names);
	return r;
}

/* --- rows in memory --- */

static void put_rows(struct buf *out, const struct table *t, const struct view *v, const unsigned *column, unsigned ncolumns,
		     uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t row = view_row(v, i);

		for (unsigned k = 0; k < ncolumns; k++) {
			struct value value = t->cell(t->data, row, column[k]);

			(void)row_put_cell(out, &value); /* checked by window_read */
		}
	}
}

static int rows_window(const struct cli_options *o, const struct table *t, struct window *w, struct err *e)
{
	unsigned column[TABLE_COLUMNS_MAX];
	struct msg_window m = {.table = str_of(t->type->name)};
	struct view *v;
	struct buf names, cells;
	int n, r = -1;

	v = view_new(t, str_or_empty(o->filter), str_or_empty(o->sort), NULL, NULL, e);
	if (!v)
		return -1;
	buf_init(&names, MSG_PAYLOAD_MAX);
	buf_init(&cells, MSG_PAYLOAD_MAX);
	n = view_columns(t->type, str_or_empty(o->columns), column, e);
	if (n < 0)
		goto out;
	while (!view_step(v, NS_PER_S, true))
		;
	m.total = view_total(v);
	m.count = (uint32_t)(m.total < o->limit ? m.total : o->limit);
	(void)row_put_columns(&names, t->type, column, (unsigned)n); /* as put_rows */
	put_rows(&cells, t, v, column, (unsigned)n, m.count);
	m.columns = (struct str){buf_str(&names), names.len};
	m.rows = (struct str){buf_str(&cells), cells.len};
	r = window_read(w, &m, e);
out:
	buf_release(&names);
	buf_release(&cells);
	view_free(v);
	return r;
}

int cli_print_rows(struct cli *c, struct rowset *rows, struct err *e)
{
	struct table t = rowset_table(rows, false);
	struct window w = {0};
	struct printer *p;
	int r;

	if (rows_window(&c->opt, &t, &w, e)) {
		c->fault = fault_text(&c->opt, e);
		return -1;
	}
	p = printer_new(c->out, &c->opt.print);
	r = printer_add(p, &w, e);
	if (r == 0)
		r = printer_end(p, e);
	printer_free(p);
	window_release(&w);
	return r;
}

/* --- for the program's own use --- */

struct rows_reply {
	struct window *w;
	bool done;
	int r;
	struct err *e;
};

static void on_rows(void *arg, struct request *r, const struct answer *a)
{
	struct rows_reply *reply = arg;

	(void)r;
	if (a->error) {
		*reply->e = *a->error;
		reply->r = -1;
	} else if (a->window) {
		reply->r = window_read(reply->w, a->window, reply->e);
	}
	reply->done = true;
}

int cli_fetch_rows(struct cli *c, const struct cli_ask *ask, const char *columns, const char *filter, struct window *w,
		   struct err *e)
{
	struct rows_reply reply = {.w = w, .e = e};
	struct msg_query q = {
		.table = str_of(ask->table),
		.columns = str_of(columns),
		.filter = str_of(filter),
		.count = CLI_WINDOW_ROWS,
	};
	struct request *r;

	(void)msg_strs(&q.words, ask->words, ask->nwords); /* far fewer than it holds */
	r = client_query(ask->client, ask->channel, &q, on_rows, &reply);
	if (cli_wait(c, &reply.done, e)) {
		client_cancel(r);
		return -1;
	}
	return reply.r;
}

char *cli_cell(const struct window *w, uint32_t row, const char *column)
{
	int at = window_column(w, column);
	struct value v = window_cell(w, row, at);
	struct buf text;
	char *copy;

	buf_init(&text, MSG_PAYLOAD_MAX);
	if (at >= 0 && v.type == VALUE_TEXT)
		(void)buf_add(&text, v.s.p, v.s.len); /* a cell is shorter than its message */
	else if (at >= 0)
		value_print_raw(&text, w->columns[at].kind, &v);
	copy = xstrndup(buf_str(&text), text.len);
	buf_release(&text);
	return copy;
}
