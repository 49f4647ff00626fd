/* A socket to the host: straight, or through a jump host by ssh(1) itself. */
#ifndef SSH_CONNECT_H
#define SSH_CONNECT_H

#include "base/err.h"
#include "config.h"

#define CONNECT_TIMEOUT_MS 15000

/* The descriptor, the caller's; -1 with a sentence. */
int connect_host(const struct config *c, struct err *e);

#endif
