#include "cli.h"

#include "tui/fill.h"

/* The history is filled from this machine's journals before it is asked: no console need have been open. */
struct filling {
	bool done;
	struct err error;
};

static void on_filled(void *arg, struct fill *f, const struct err *e)
{
	struct filling *s = arg;

	(void)f;
	s->done = true;
	s->error = *e;
}

/* What the history does not have yet is no reason not to answer from what it has. */
static int history_fill(struct cli *c, struct err *e)
{
	struct filling s = {.error = {.code = ERR_NONE}};
	struct fill *f = fill_start(c->hosts, hosts_get(c->hosts, "local"), on_filled, &s);

	if (cli_wait(c, &s.done, e)) {
		fill_cancel(f);
		return -1;
	}
	if (s.error.code == ERR_NONE)
		return 0;
	err_wrap(&s.error, "the history was not brought up to date");
	cli_note(s.error.text);
	return 0;
}

int verb_history(struct cli *c, int count, char **word, struct err *e)
{
	struct cli_ask ask = {.table = word[0], .words = (const char *const *)word + 1};

	if (cli_options_take(c, &count, word, e) || history_fill(c, e))
		return -1;
	ask.nwords = (size_t)count - 1;
	ask.client = cli_client(c, "store", e);
	if (!ask.client)
		return -1;
	if (count == 2)
		c->fault = word[1];
	return cli_print(c, &ask, e);
}
