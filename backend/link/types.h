/* The link types, one file each. */
#ifndef LINK_TYPES_H
#define LINK_TYPES_H

#include "link/link.h"

extern const struct link_type link_local, link_store, link_unix, link_ssh;

/* Starts argv[0] (a sibling program) with one end of a socket pair as descriptor 0; the other is
 * l->fd. */
int link_child(struct link *l, const char *const *argv, struct err *e);

#endif
