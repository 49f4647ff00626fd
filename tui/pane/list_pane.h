/* A pane that is one list: what is the same for all of them. */
#ifndef PANE_LIST_PANE_H
#define PANE_LIST_PANE_H

#include "tui/app.h"
#include "tui/list.h"
#include "tui/pane.h"

struct list_pane {
	struct pane pane;
	struct list *list;
};

void list_pane_close(struct pane *p);
void list_pane_update(struct pane *p);
void list_pane_draw(struct pane *p, struct area a, bool focused);
unsigned list_pane_command(struct pane *p, int count, char **word, struct err *e);
void list_pane_status(struct pane *p, struct buf *out);

/* Opens another pane over the same host and target, its argument the selected row's `column`. REACT_DONE where none is. */
unsigned list_pane_open(struct pane *p, struct list *l, const char *pane, const char *column, struct err *e);
/* "session:web" is "web", "file:/x/y.pcap" is "y.pcap". */
void pane_target_name(const struct pane *p, struct buf *out);
/* "10.0.0.1:443", "[2001:db8::1]:443", "10.0.0.1" */
void pane_endpoint(struct buf *out, const struct value *addr, const struct value *port);
bool pane_is_live(const struct pane *p); /* its target is a session */
/* On the path: `view` alone where the pane below is over the same target, else the target's name before it. */
void pane_view_name(const struct pane *p, const char *view, struct buf *out);
/* "cancel": a file that is being read is read no further, what was read stays. REACT_NONE: nothing is being read. */
unsigned pane_stop_reading(struct pane *p, const struct feed *f);

#endif
