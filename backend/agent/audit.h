/* The audit log: who asked for what, and what came of it, one line a request that acts or opens.
 * Closed to others, bounded, and never waited for: another thread writes it. */
#ifndef AGENT_AUDIT_H
#define AGENT_AUDIT_H

#include "peer.h"

#define AUDIT_BYTES_MAX (16u * 1024 * 1024)	/* then it becomes .1, and the one before goes */
#define AUDIT_QUEUE_MAX (4u * 1024 * 1024)	/* of lines that the disk did not take yet */
#define AUDIT_REQUEST_MAX 2000u			/* bytes of a request's words in a line */
#define AUDIT_NOTES_MAX (4u * PEER_PENDING_MAX) /* requests without an answer, of all clients */

struct audit;

/* From now on there, opened anew; NULL: at the usual place, and where that cannot be, nowhere,
 * which the log tells. */
int audit_use(struct control *c, const char *path, struct err *e);
/* What is queued is written. */
void audit_free(struct audit *a);
/* A request that acts or opens: words[0] is the verb. Its end is told later, by the same numbers.
 */
void audit_begin(const struct peer *p, const struct reply *r, const char *verb,
		 const struct strs *words);
/* e NULL: done. Nothing happens for a request that was not begun. */
void audit_end(struct control *c, const struct reply *r, const struct err *e);
/* The client is gone: what it has asked for has no answer. */
void audit_gone(const struct peer *p);
/* A question that was not answered, for want of rights. */
void audit_denied(const struct peer *p, const char *table, const struct strs *words,
		  const struct err *e);
/* Somebody who was not let in. */
void audit_refused(struct control *c, const struct who *who, const struct err *e);

#endif
