/* Names of addresses and ports for people (--names): asked of the system in this process, in the time that is left for it, once
 * each. What has no name by then stays as it is. */
#ifndef TUI_NAMES_H
#define TUI_NAMES_H

#include "table/row.h"

#define NAMES_MAX 65536u	       /* addresses; further ones stay numbers */
#define NAMES_THREADS 16u	       /* that ask at once: an answer may take seconds */
#define NAMES_WAIT_MS 2000u	       /* for the names of one window */
#define NAMES_WAIT_ALL_MS 10000u       /* in the life of the process: then what is known is used */

struct names;

struct names *names_new(void);
void names_free(struct names *n); /* NULL is fine */
/* Puts names for the addresses and ports of the window, which own no memory in it: names must live longer. */
void names_window(struct names *n, struct window *w);

#endif
