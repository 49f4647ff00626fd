/* What goes to the terminal: curses writes into memory, the terminal takes it as fast as it can, and nobody ever waits for it. */
#ifndef TUI_TERM_OUT_H
#define TUI_TERM_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

struct out {
	FILE *file; /* for curses */
	int memory; /* its descriptor */
	int fd;	    /* the terminal, non-blocking */
	char *bytes; /* not yet taken by the terminal: from `sent` to `len` */
	size_t sent, len, cap;
};

/* `fd` is borrowed. */
int out_open(struct out *o, int fd, struct err *e);
void out_close(struct out *o);
/* Behind what waits already. -1: that is more than is kept. */
int out_add(struct out *o, const char *bytes, size_t len);
/* Takes over what curses wrote, and writes what the terminal takes now. */
void out_flush(struct out *o);
/* The same, and waits for a slow terminal, `ms` at most. */
void out_finish(struct out *o, int ms);
bool out_waits(const struct out *o);

#endif
