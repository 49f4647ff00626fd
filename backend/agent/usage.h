/* What a process has cost: CPU time and memory, as the kernel counts. */
#ifndef AGENT_USAGE_H
#define AGENT_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct usage {
	int64_t cpu_ns;	       /* user and system, of all its threads, since its start */
	uint64_t memory_bytes; /* resident */
	uint64_t shared_bytes; /* of it, with others or with files */
};

/* 0 is this process. -1: it is gone, or may not be looked at. */
int usage_of(pid_t pid, struct usage *u);

/* Of the processes of a session, second by second. */
struct usage_rate {
	int64_t cpu_ns, at_ns; /* at the last look; at_ns 0: never */
	double cpu_percent;    /* of one processor, since the look before; < 0 unknown */
	uint64_t memory_bytes; /* what they share is counted once; 0 unknown */
};
void usage_look(struct usage_rate *r, const pid_t *pid, unsigned count, int64_t now_ns);

#endif
