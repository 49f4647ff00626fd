/* A network namespace of others: a thread that is in it opens what must be opened there. What is
 * open is read from wherever. */
#ifndef TAP_SPACE_H
#define TAP_SPACE_H

#include "base/err.h"

#define TAP_SPACES_MAX 16u

struct space;

/* Before sandbox_drop: entering takes root's rights, which the thread then gives up as the tap does
 * itself. ns_fd is taken. name: "netns:NAME". */
int space_open(struct space **s, const char *name, int ns_fd, struct err *e);
void space_close(struct space *s);
const char *space_name(const struct space *s);
int space_netlink(const struct space *s); /* for linkstate_get, from any thread */
/* Runs fn there, and waits for it. */
void space_run(struct space *s, void (*fn)(void *arg), void *arg);

#endif
