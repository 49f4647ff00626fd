/* Who may make which request of a daemon. */
#ifndef AGENT_ACCESS_H
#define AGENT_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Who asks, as the kernel says (SO_PEERCRED, SO_PEERGROUPS). */
struct who {
	uid_t uid;
	pid_t pid;
	bool owner;  /* root, or the user whose daemon this is */
	bool member; /* of the group that may ask (-g) */
};

/* Of a unix socket. `group`: (gid_t)-1 for none. */
int access_who(int fd, gid_t group, struct who *who, struct err *e);
/* May be connected at all. */
int access_connect(const struct who *who, struct err *e);
/* The request `word` (a verb, a table, "stream segment") about something that `owner_uid` owns;
 * (uid_t)-1: nobody's. */
int access_check(const struct who *who, const char *word, uid_t owner_uid, struct err *e);
/* The words of `new`. */
struct spec;
int access_new(const struct who *who, const struct spec *s, struct err *e);
/* A device by its name, as it stands behind `device` or as a pattern has found it. */
int access_device(const struct who *who, const char *name, struct err *e);
/* May hear of what happens to a session of `owner_uid`'s; (uid_t)-1: to no session. */
bool access_event(const struct who *who, uid_t owner_uid);

#endif
