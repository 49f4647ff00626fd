/* What a short-lived child says, once. */
#ifndef AGENT_CHILD_ANSWER_H
#define AGENT_CHILD_ANSWER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CHILD_FD 3 /* the socket to control */

/* MSG_ERROR where e has a code, else `type` with that payload. */
int child_answer(uint16_t type, const struct buf *payload, const struct err *e);

#endif
