/* Before the start: `check new NAME WORDS` says what would be, and how long the disk would last. */
#ifndef AGENT_FORESEE_H
#define AGENT_FORESEE_H

#include "session.h"

/* Takes the contents of spec. Answers r, perhaps a moment later: rates need two looks. */
void foresee_start(struct control *c, struct spec *spec, const struct who *who,
		   const struct reply *r);
void foresee_free(struct control *c); /* those that are not answered */

#endif
