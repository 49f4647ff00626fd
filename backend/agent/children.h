/* The processes that this one started: each is reaped once, and who started it is told. */
#ifndef AGENT_CHILDREN_H
#define AGENT_CHILDREN_H

#include <sys/types.h>
#include <uv.h>

struct children;
/* `status` as waitpid gives it. */
typedef void (*child_fn)(void *arg, pid_t pid, int status);

struct children *children_new(uv_loop_t *loop);
void children_free(struct children *c); /* freed when the loop comes round */
/* fn may be NULL: only reaped. */
void children_add(struct children *c, pid_t pid, child_fn fn, void *arg);
/* No callback comes any more; it is still reaped. */
void children_forget(struct children *c, void *arg);

#endif
