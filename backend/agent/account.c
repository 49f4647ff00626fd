#include "account.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

#define GROUPS_MAX 1024 /* of one user; more are left out */
#define NOGROUP 65534u	/* of a user that the machine does not know (any more) */

void account_of(struct account *a, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);
	int count = GROUPS_MAX;

	*a = (struct account){.uid = uid,
			      .home = xstrdup(pw && pw->pw_dir ? pw->pw_dir : "/"),
			      .other = geteuid() == 0 && uid != 0};
	a->as = (struct spawn_as){.uid = uid, .gid = pw ? pw->pw_gid : NOGROUP};
	if (!pw || !a->other)
		return;
	a->group = xcalloc(GROUPS_MAX, sizeof(*a->group));
	/* -1: there are more; as many as there is room for are filled in (getgrouplist(3)). */
	if (getgrouplist(pw->pw_name, pw->pw_gid, a->group, &count) < 0)
		count = GROUPS_MAX;
	a->as.group = a->group;
	a->as.ngroups = (size_t)count;
}

void account_release(struct account *a)
{
	free(a->home);
	free(a->group);
	*a = (struct account){0};
}

const struct spawn_as *account_as(const struct account *a)
{
	return a->other ? &a->as : NULL;
}

int account_named(const char *name, uid_t asker, uid_t *uid, struct err *e)
{
	const struct passwd *pw = getpwnam(name);

	if (!pw)
		return err_set(e, ERR_ABSENT, "\"user\": there is no user \"%s\" on this machine",
			       name);
	*uid = pw->pw_uid;
	if (*uid == asker)
		return 0;
	if (asker != 0)
		return err_set(e, ERR_REFUSED,
			       "\"user %s\": only root may say that a session is another user's",
			       name);
	if (geteuid() != 0)
		return err_set(e, ERR_REFUSED,
			       "\"user %s\": this daemon is not root's, so that all of its "
			       "sessions are its own user's",
			       name);
	return 0;
}
