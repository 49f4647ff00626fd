/* A filter of rows is checked while it is typed, where it will run: only the far side knows all columns of its table. */
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "list_private.h"

/* Each text has a question of its own: no answer can be about another text than what stands there. */
static void check_answered(void *arg, struct feed *f)
{
	struct list *l = arg;
	struct err e = {.at = -1};
	const bool wrong = feed_state(f) == FEED_FAILED && feed_error(f)->code == ERR_CALL;

	if (wrong)
		e = *feed_error(f);
	if (wrong || feed_state(f) == FEED_READY)
		prompt_say(l->app, l, &e);
	if (feed_state(f) == FEED_READY)
		feed_cancel(f);
}

int list_check(void *arg, const char *text, struct err *e)
{
	struct list *l = arg;

	(void)e;
	feed_free(l->check);
	l->check = l->local ? feed_new_table(&l->app->hub, &l->table, check_answered, l)
			    : feed_new_on(&l->app->hub, &l->link, l->target, check_answered, l);
	feed_ask(l->check, &(struct feed_query){.table = l->spec.table, .words = (const char *const *)l->words, .nwords = l->spec.nwords,
						.columns = l->spec.key, .filter = text, .count = 1, .flags = l->spec.flags});
	return 0;
}

void list_check_end(void *arg)
{
	struct list *l = arg;

	feed_free(l->check);
	l->check = NULL;
}
