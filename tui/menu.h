#ifndef TUI_MENU_H
#define TUI_MENU_H

#include "app_private.h"

/* Texts are owned. */
struct menu_item {
	char *keys, *text, *detail, *command;
};

struct menu {
	struct layer layer;
	char *title;
	char *note; /* over the items, as many lines as it needs; may be NULL */
	struct menu_item *item;
	size_t nitems;
	size_t *match; /* of the items: what is shown, best first */
	size_t nmatch, at, top;
	int keys_width, text_width;
	bool search;  /* has a line to type into */
	bool letters; /* `keys` choose */
	struct edit edit;
	void (*chosen)(struct menu *m, size_t index); /* the menu is off the screen and freed after it */
	void (*plain)(void *arg, size_t index);
	void (*yes)(void *arg);
};

struct menu *menu_new(struct app *a, const char *title, bool search, void (*chosen)(struct menu *, size_t), void *arg);
void menu_add(struct menu *m, const char *keys, const char *text, const char *detail, const char *command);
void menu_show(struct menu *m, size_t selected);

#endif
