/* The calls that are left to children which look at foreign bytes and are neither tap nor reader.
 */
#ifndef AGENT_CHILD_SANDBOX_H
#define AGENT_CHILD_SANDBOX_H

#include "base/err.h"

/* For libpcap's compiler: memory, its descriptor, reading under /etc, asking DNS. */
int child_sandbox_compile(struct err *e);
/* For who looks through a file: memory, and the descriptors that it has. */
int child_sandbox_mend(struct err *e);
/* Carries bytes from where it may read to where it may write. */
int child_sandbox_pump(struct err *e);
/* Syncs a file, and nothing else. */
int child_sandbox_sync(struct err *e);

#endif
