/* What systemd tells a service and is told by it: sd_listen_fds(3) and sd_notify(3) without the
 * library. */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

#include "base/err.h"

/* The listening unix socket that was handed over, and its path (the caller's): 1. 0: none was; -1:
 * what was is of no use. Children do not hear of it. */
int notify_listener(int *fd, char **path, struct err *e);
/* "READY=1", "STATUS=...". To nobody where nobody waits for it. */
void notify_tell(const char *state);
/* The configuration is being read again; READY=1 ends it. */
void notify_reloading(void);

#endif
