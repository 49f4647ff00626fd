#include <stdlib.h>

#include "app_private.h"
#include "base/xalloc.h"

struct layer *layer_new(size_t size, const struct layer_ops *ops, struct app *a, void (*closed)(void *), void *arg)
{
	struct layer *l = xcalloc(1, size);

	l->ops = ops;
	l->app = a;
	l->pane = app_pane(a);
	l->owner = arg;
	l->closed = closed;
	l->arg = arg;
	return l;
}

static void layer_free(struct layer *l)
{
	l->ops->free(l);
	free(l);
}

void app_layer_drop(struct app *a)
{
	struct layer *l = a->layer;

	if (!l)
		return;
	a->layer = NULL;
	if (l->closed)
		l->closed(l->arg);
	layer_free(l);
	app_hurry(a);
}

void app_layer_set(struct app *a, struct layer *l)
{
	app_layer_drop(a);
	a->layer = l;
	app_hurry(a);
}

void app_layer_forget(struct app *a, const void *owner)
{
	struct layer *l = a->layer;

	if (!l || !owner || (l->owner != owner && l->pane != owner))
		return;
	a->layer = NULL;
	if (l->closed && l->owner != owner) /* whoever it is for lives on and must know */
		l->closed(l->arg);
	layer_free(l);
	app_hurry(a);
}
