/* Who a session belongs to, as its commands need it: ids, groups, home. */
#ifndef AGENT_ACCOUNT_H
#define AGENT_ACCOUNT_H

#include "base/spawn.h"

struct account {
	uid_t uid;
	char *home; /* "/" where the machine does not know them */
	gid_t *group;
	struct spawn_as as;
	bool other; /* this process must become them first */
};

/* Of a user that the machine may not know (any more): no groups, then. */
void account_of(struct account *a, uid_t uid);
void account_release(struct account *a);
/* For spawn: NULL where it is who runs this process anyhow. Borrowed. */
const struct spawn_as *account_as(const struct account *a);
/* `user NAME`: whose the session is that `asker` asks for. Only root can give something to others,
 * and only a daemon of root's can. */
int account_named(const char *name, uid_t asker, uid_t *uid, struct err *e);

#endif
