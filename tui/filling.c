/* The history is filled from the journals of every host that is up, whenever a console is there to do so: by itself, and more
 * often while somebody looks at it. One filling a host: two would bring the store the same bytes twice. */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/clock.h"
#include "base/xalloc.h"

#define FILLING_NS (30 * NS_PER_S) /* from the end of one to the start of the next, of one host */
#define FILLING_FIRST_NS (2 * NS_PER_S) /* after a host is up: the first screen goes first */

static void filling_done(void *arg, struct fill *f, const struct err *e)
{
	struct filling *g = arg;

	(void)f;
	g->fill = NULL;
	g->last_ns = clock_mono_ns();
	if (e->code != ERR_NONE && !g->told)
		app_event(g->app, 0, SEVERITY_WARN, host_name(g->host), e->text);
	g->told = e->code != ERR_NONE;
}

static struct filling *filling_of(struct app *a, struct host *h)
{
	struct filling *g;

	for (g = a->fillings; g; g = g->next) {
		if (g->host == h)
			return g;
	}
	g = xcalloc(1, sizeof(*g));
	g->app = a;
	g->host = h;
	g->last_ns = clock_mono_ns() - FILLING_NS + FILLING_FIRST_NS;
	g->next = a->fillings;
	a->fillings = g;
	return g;
}

void app_fill(struct app *a, int64_t older_ns)
{
	for (struct host *h = hosts_next(a->hosts, NULL); h; h = hosts_next(a->hosts, h)) {
		struct filling *g;
		if (strcmp(host_name(h), "store") == 0 || host_state(h) != HOST_UP)
			continue;
		g = filling_of(a, h);
		if (!g->fill && clock_mono_ns() - g->last_ns >= older_ns)
			g->fill = fill_start(a->hosts, h, filling_done, g);
	}
}

void filling_tick(struct app *a)
{
	app_fill(a, FILLING_NS);
}

void filling_release(struct app *a)
{
	while (a->fillings) {
		struct filling *g = a->fillings;
		a->fillings = g->next;
		fill_cancel(g->fill);
		free(g);
	}
}
