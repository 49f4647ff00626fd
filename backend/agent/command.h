/* What the files of the verbs share. */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include "session.h"

/* A verb that is being run. */
struct call {
	struct control *control;
	struct peer *peer;
	struct reply reply;
	const struct msg_command *m;
	struct session *session; /* the one that is named, or the channel's */
	const struct str *word;	 /* what stands behind verb and name */
	size_t count;
};

int command_need_running(const struct call *c, struct err *e);

#define COMMAND_COUNTER_USAGE                                                                      \
	"counter NAME add C=FILTER | change C=FILTER | remove C..., one or more of them"

#endif
