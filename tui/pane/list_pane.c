#include "list_pane.h"

#include <stdlib.h>
#include <string.h>

void list_pane_close(struct pane *p)
{
	list_free(((struct list_pane *)p)->list);
}

void list_pane_update(struct pane *p)
{
	list_update(((struct list_pane *)p)->list);
}

void list_pane_draw(struct pane *p, struct area a, bool focused)
{
	list_draw(((struct list_pane *)p)->list, a, focused);
}

unsigned list_pane_command(struct pane *p, int count, char **word, struct err *e)
{
	if (strcmp(word[0], "cancel") == 0)
		return pane_stop_reading(p, list_feed(((struct list_pane *)p)->list));
	return list_command(((struct list_pane *)p)->list, count, word, e);
}

void list_pane_status(struct pane *p, struct buf *out)
{
	list_status(((struct list_pane *)p)->list, out);
}

unsigned list_pane_open(struct pane *p, struct list *l, const char *pane, const char *column, struct err *e)
{
	char *text;
	int r;

	if (!list_ready(l))
		return REACT_DONE;
	text = list_text(l, column);
	r = app_open(p->app, pane, host_name(p->host), p->target, text, e);
	free(text);
	return r == 0 ? REACT_DRAW : REACT_DONE;
}

void pane_target_name(const struct pane *p, struct buf *out)
{
	const char *colon = strchr(p->target, ':'), *slash = strrchr(p->target, '/');

	if (strncmp(p->target, "file:", 5) == 0 && slash)
		(void)buf_add_str(out, slash + 1);
	else
		(void)buf_add_str(out, colon ? colon + 1 : p->target);
}

void pane_endpoint(struct buf *out, const struct value *addr, const struct value *port)
{
	const bool brackets = addr->type == VALUE_ADDR && addr->a.family == ADDR_IP6 && port->type == VALUE_INT;

	if (brackets)
		(void)buf_add_byte(out, '[');
	value_print_raw(out, KIND_ADDR, addr);
	if (brackets)
		(void)buf_add_byte(out, ']');
	if (port->type != VALUE_INT)
		return;
	(void)buf_add_byte(out, ':');
	value_print_raw(out, KIND_PORT, port);
}

bool pane_is_live(const struct pane *p)
{
	return strncmp(p->target, "session:", 8) == 0;
}

void pane_view_name(const struct pane *p, const char *view, struct buf *out)
{
	const struct pane *below = p->below;

	if (!below || strcmp(below->target, p->target) != 0) {
		pane_target_name(p, out);
		(void)buf_add_str(out, " ");
	}
	(void)buf_add_str(out, view);
}

unsigned pane_stop_reading(struct pane *p, const struct feed *f)
{
	static const char *const words[] = {"cancel"};

	if (pane_is_live(p) || feed_window(f)->state != WINDOW_READING || !*p->target)
		return REACT_NONE;
	app_verb_on(p->app, p, p->host, p->target, words, 1, NULL, NULL);
	return REACT_DRAW;
}
