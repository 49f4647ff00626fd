/* Links: ways to reach a process that serves tables. Once open, a link is a descriptor that speaks our messages. */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <sys/types.h>

#include "base/err.h"

struct link;
struct link_type {
	const char *scheme;  /* "local", "store", "unix", "ssh" */
	const char *summary; /* for the manual */
	/* `spec`: what follows the scheme and its colon. Non-blocking from the start; what goes wrong later comes as
	 * an ERROR message on the descriptor (channel 0, id 0), so that nothing waits. */
	int (*open)(const char *spec, struct link *l, struct err *e);
};

struct link {
	const struct link_type *type;
	int fd;	   /* the caller's */
	pid_t pid; /* child to reap, 0 none */
};

/* "local" (child: tapdeckd --attach), "store" (child: tapdeck-store), "unix:PATH", "ssh:[USER@]HOST[:PORT]" (child: the
 * relay tapdeck-ssh). */
int link_open(const char *spec, struct link *l, struct err *e);
const struct link_type *const *link_types(void); /* ends with NULL */

#endif
