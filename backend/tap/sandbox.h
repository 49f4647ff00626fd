/* What the tap may still do once its devices are open. */
#ifndef TAP_SANDBOX_H
#define TAP_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* CAP_NET_RAW is permitted for the life of the tap, and in effect only while a device is opened.
 * Per thread. */
int sandbox_raise(struct err *e);
void sandbox_lower(void);
/* All that the tap was started with, for entering a namespace. */
int sandbox_raise_all(struct err *e);
/* Everything but CAP_NET_RAW is given up for good, root's uid and groups included; nothing new can
 * be gained. Of this thread alone: each gives up its own. */
int sandbox_drop(struct err *e);
/* The calls that are left, for all threads. control_fd: the only one for messages with descriptors;
 * netlink_fd: the only ones that questions are sent to, so that no packet can be. */
int tap_sandbox_enter(int control_fd, const int *netlink_fd, size_t count, struct err *e);

#endif
