/* When a file is full: by packets, bytes, time. Knows no file: it is asked before and behind each
 * packet, and by a timer. */
#ifndef TAP_ROTATION_H
#define TAP_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

/* A packet is read so long after its stamp at most, where the machine has time: until then a file
 * that ends at a time waits for what is its own. */
#define ROTATION_LATE_NS INT64_C(100000000)
/* A wall clock that is slewed, and not set, is not farther off from the other one at a time that
 * is due. */
#define ROTATION_SLACK_NS INT64_C(1000000000)

enum rotation_clock { ROTATION_FREE, ROTATION_LOCAL, ROTATION_UTC }; /* FREE: not aligned */

struct rotation {
	uint64_t bytes, packets; /* of a file; 0: any number */
	int64_t every_ns;	 /* 0: never by time */
	enum rotation_clock clock;
	/* of the file that is written */
	int64_t due_ns;	     /* on the wall clock; 0: it does not count */
	int64_t due_mono_ns; /* on the other one, which nobody sets; 0: never */
};

/* A file begins. */
void rotation_begin(struct rotation *r, int64_t now_ns, int64_t mono_ns);
/* The first whole multiple of every_ns behind now_ns, as a clock shows it that is offset_ns ahead
 * of UTC. */
int64_t rotation_next(int64_t every_ns, int64_t now_ns, int64_t offset_ns);
/* Why the next packet belongs into another file; NULL: it does not. packets: in the file so far;
 * bytes: of the file when it is in there too. */
const char *rotation_before(const struct rotation *r, uint64_t packets, uint64_t bytes,
			    int64_t ts_ns);
/* Behind a packet: the file is full; NULL: it is not. */
const char *rotation_behind(const struct rotation *r, uint64_t packets);
/* Its time is over, and what belongs into it was read. */
bool rotation_due(const struct rotation *r, int64_t now_ns, int64_t mono_ns);
/* Nanoseconds until it is worth looking again; -1: no time is set. */
int64_t rotation_wait_ns(const struct rotation *r, int64_t now_ns, int64_t mono_ns);

#endif
