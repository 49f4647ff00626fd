/* Sessions that come back (`persist`): whatever ended them but a person, or an end that they had
 * named themselves, they begin again under their name when the daemon is there, and go on trying
 * while they cannot. */
#ifndef AGENT_PERSIST_H
#define AGENT_PERSIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define PERSIST_AGAIN_NS (3 * NS_PER_S) /* between two tries */

struct control;
struct session;

/* Of a session; kept with its state. */
struct persist {
	bool recorded; /* recording is on, as it was last said */
	/* Of one that comes back: */
	bool back;	     /* it has not begun yet */
	int64_t gap_from_ns; /* nothing was seen since */
	char *gap_why;
	int64_t again_ns; /* of one that waits: the next try, monotonic; 0 at once */
};

void persist_release(struct persist *x);
/* It has ended and will begin again. */
bool persist_waits(const struct session *s);
/* Of one that has ended: begins it again where it is time to. The session may be gone then. */
void persist_tick(struct session *s, int64_t now_ns);
/* It ended: of itself, as it had been told to, it does not come back. */
void persist_ended(struct session *s);
/* Somebody wants it to be over. */
void persist_over(struct session *s);
/* Where a session that came back could not begin: it waits for its next try. `s` is gone then. */
void persist_failed(struct session *s, const struct err *e);
/* Before its tap begins: its journal has the gap. */
int persist_journal(const struct session *s, struct err *e);
/* It runs: tells that it is back. */
void persist_started(struct session *s);
/* What somebody should know who has asked for it. */
const char *persist_note(const struct session *s);

#endif
