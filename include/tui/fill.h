/* Filling the history: the journals of a host are brought to the store, from where it stopped. */
#ifndef TUI_FILL_H
#define TUI_FILL_H

#include "tui/hosts.h"

struct fill;

/* It is over; e->code ERR_NONE: the store has all that the host had when it was asked. The fill is gone after the call.
 * A link that is lost on the way: the rest is taken up another time. */
typedef void (*fill_fn)(void *arg, struct fill *f, const struct err *e);

/* Never NULL; never calls from inside. `hosts` must live until it is over or cancelled. */
struct fill *fill_start(struct hosts *hosts, struct host *host, fill_fn done, void *arg);
void fill_cancel(struct fill *f); /* no callback comes after it; NULL is fine */

#endif
