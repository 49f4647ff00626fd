/* What a child of ours gives up before it looks at foreign bytes. */
#ifndef AGENT_RIGHTS_H
#define AGENT_RIGHTS_H

#include "base/err.h"

/* Becomes nobody where it is root, gives up all capabilities, dumps no core. */
int rights_drop(struct err *e);
/* Seconds of CPU and bytes of memory, at most. */
int rights_limit(unsigned cpu_s, unsigned long memory_bytes, struct err *e);

#endif
