/* The outlets of a session: what its files go through when they are complete (held back until a
 * file is there, compressed, announced), and the command that its packets go into as they come. The
 * capture waits for none of them: what dies or makes no way is told, and done without. */
#ifndef AGENT_OUTLET_H
#define AGENT_OUTLET_H

#include "session.h"

#define OUTLETS_PACKING_MAX 2u	   /* compressors of a session at once */
#define OUTLETS_PACKING_ALL_MAX 8u /* of all sessions */
#define OUTLETS_WAITING_TOLD 8u	   /* files that wait to be compressed: then it is told */
#define OUTLETS_ANNOUNCE_MAX 64u   /* files that wait to be announced: the oldest go without */
#define OUTLETS_COMMAND_NS (60 * NS_PER_S) /* for one announcement; for the end of `pipe` */
#define OUTLETS_LEAVING_NS (10 * NS_PER_S) /* as much, where the daemon is to end */
#define OUTLETS_TERM_NS (5 * NS_PER_S)	   /* from TERM to KILL */

/* Whether what the words ask for can be had: programs, levels, and who may. */
int outlets_check(const struct spec *spec, const struct who *who, struct err *e);
/* The session is about to run; its chunks are there. Nothing is done where no word asks for it. */
int outlets_start(struct session *s, struct err *e);
void outlets_free(struct session *s);

/* A file of the session's is being written. */
void outlets_opened(struct session *s, const struct segment *g);
/* true: this complete file is to keep its name .part for now. */
bool outlets_hold(struct session *s, struct segment *g);
/* It is complete, and (unless it is held, or could not be renamed) has its name. */
void outlets_sealed(struct session *s, struct segment *g);
/* It is about to be removed. */
void outlets_removed(struct session *s, const struct segment *g);
/* The tap is gone: nothing more comes, and what is held is shown. */
void outlets_ended(struct session *s);
/* Something is still to be done for its files. */
bool outlets_busy(const struct session *s);
/* After the death of the daemon: files that were held are shown, what was being compressed is as
 * before, or is done. */
void outlets_recover(struct session *s);

/* "writing", "held", "compressing", "sealed". */
const char *outlets_state(const struct segment *g);

#endif
