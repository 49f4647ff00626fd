#ifndef TUI_LAYER_H
#define TUI_LAYER_H

#include "tui/canvas.h"

struct app;
struct pane;
struct layer;

/* What lies over the panes and takes all keys: prompt, form, menu, help. */
struct layer_ops {
	void (*draw)(struct layer *l, struct area screen);
	/* The layer may be gone after it. */
	void (*key)(struct layer *l, const char *key);
	void (*free)(struct layer *l);
};

struct layer {
	const struct layer_ops *ops;
	struct app *app;
	struct pane *pane;   /* that had the focus: the layer goes with it */
	const void *owner;   /* the `arg` of who asked */
	void (*closed)(void *arg);
	void *arg;
};

void app_layer_set(struct app *a, struct layer *l); /* takes it; what was there is closed */
void app_layer_drop(struct app *a);		     /* Esc */
void app_layer_forget(struct app *a, const void *owner); /* the owner or pane is going: no callback comes */
struct layer *layer_new(size_t size, const struct layer_ops *ops, struct app *a, void (*closed)(void *), void *arg);

#endif
