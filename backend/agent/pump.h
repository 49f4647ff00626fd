/* Carries the packets of a session into a program's standard input while they come: a process of
 * its own, without rights, which nobody waits for. */
#ifndef AGENT_PUMP_H
#define AGENT_PUMP_H

#include "base/str.h"
#include "control.h"

/* Of a file that is written, to a compressor: without this, it is of no use. */
#define PUMP_STUCK_NS (60 * NS_PER_S)
/* Of chunks, to a command: from then on it is told that packets are passed over. */
#define PUMP_SLOW_NS (10 * NS_PER_S)

enum pump_what {
	PUMP_CHUNKS, /* fd: chunks, release; both for reading only */
	PUMP_FILE,   /* fd: a file that grows until pump_no_more */
};

struct pump;
struct pump_ops {
	/* Something that people should know. */
	void (*said)(void *arg, const char *severity, struct str sentence);
	/* It is gone. whole: it carried all that there was, `bytes` of them. pump_free is the
	 * callee's. */
	void (*gone)(void *arg, bool whole, uint64_t bytes);
};

/* Descriptors stay the caller's. */
int pump_start(struct pump **p, struct control *c, enum pump_what what, int to, const int *fd,
	       const struct pump_ops *ops, void *arg, struct err *e);
/* The file is complete: once its end is carried over, the pump goes. */
void pump_no_more(struct pump *p);
/* Ends it where it runs. */
void pump_free(struct pump *p);

/* `--pump chunks|file`, the process: writes to descriptor 1, is spoken to on 3, reads 4 (and 5).
 * What it says: EVENT, and END when it has carried everything. */
int pump_main(const char *what);

#endif
