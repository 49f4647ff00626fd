/* `--attach`: the way on to a daemon, the user's own or root's; started where one is needed and
 * there is none. */
#ifndef AGENT_UPSTREAM_H
#define AGENT_UPSTREAM_H

#include "peer.h"

struct upstream;

struct upstream *upstream_new(struct control *c);
void upstream_free(struct upstream *u);
/* It is connected now. */
bool upstream_is_open(const struct upstream *u);
/* true: a daemon is connected. Starts none. */
bool upstream_try(struct upstream *u);
/* As upstream_try; but where files tell of sessions that ran when their daemon died, one is started that mends them. */
bool upstream_mend(struct upstream *u);
/* A daemon, started if need be. */
int upstream_need(struct upstream *u, struct err *e);
/* The same frame, on the same channel and id: there is one client only. */
void upstream_forward(struct upstream *u, const struct frame *f);
void upstream_send(struct upstream *u, uint16_t type, uint32_t channel, uint32_t id,
		   const void *payload, size_t len);
/* While there is no daemon: what its files say of sessions that have ended. */
void upstream_local_sessions(struct control *c);
/* Once a second: a daemon may have come. */
void upstream_tick(struct upstream *u);

#endif
