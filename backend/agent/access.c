#include "access.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xalloc.h"

/* What it takes: anybody who may connect; the owner of the session; the owner of the daemon. Root
 * may everything. */
enum need { NEED_CONNECT, NEED_SESSION, NEED_DAEMON };

static const struct rule {
	const char *word;
	enum need need;
} rules[] = {
	{"devices", NEED_CONNECT}, {"sessions", NEED_CONNECT}, {"events", NEED_CONNECT},
	{"wall", NEED_CONNECT},
	{"check", NEED_CONNECT},   {"new", NEED_CONNECT},      {"session", NEED_SESSION},
	{"poll", NEED_SESSION},	   {"counters", NEED_SESSION}, {"files", NEED_SESSION},
	{"open", NEED_SESSION},	   {"modify", NEED_SESSION},   {"stop", NEED_SESSION},
	{"dismiss", NEED_SESSION}, {"counter", NEED_SESSION},  {"record", NEED_SESSION},
	{"rotate", NEED_SESSION},  {"segment", NEED_SESSION},  {"journals", NEED_DAEMON},
	{"journal", NEED_DAEMON},
};

int access_who(int fd, gid_t group, struct who *who, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t groups[256];
	socklen_t bytes = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return err_errno(e, ERR_REFUSED, "the kernel does not say who asks");
	*who = (struct who){
		.uid = cred.uid, .pid = cred.pid, .owner = cred.uid == 0 || cred.uid == geteuid()};
	if (group == (gid_t)-1)
		return 0;
	who->member = cred.gid == group;
	/* More groups than fit: ERANGE, and only the first one counts. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes))
		return 0;
	for (size_t i = 0; i < bytes / sizeof(groups[0]); i++)
		who->member = who->member || groups[i] == group;
	return 0;
}

int access_connect(const struct who *who, struct err *e)
{
	if (who->owner || who->member)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "this daemon is not yours to ask (uid %lu): ask its owner, or to be put "
		       "into the group that it was started for",
		       (unsigned long)who->uid);
}

int access_check(const struct who *who, const char *word, uid_t owner_uid, struct err *e)
{
	enum need need = NEED_DAEMON; /* what is not in the table */

	if (who->owner)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].word, word) == 0)
			need = rules[i].need;
	if (!who->member)
		return access_connect(who, e);
	if (need == NEED_CONNECT || (need == NEED_SESSION && owner_uid == who->uid))
		return 0;
	if (need == NEED_SESSION)
		return err_set(
			e, ERR_REFUSED,
			"\"%s\": this session is another user's (uid %lu); only they and root may",
			word, (unsigned long)owner_uid);
	return err_set(e, ERR_REFUSED, "\"%s\" is for the owner of this daemon only", word);
}

bool access_event(const struct who *who, uid_t owner_uid)
{
	return who->owner || owner_uid == (uid_t)-1 || owner_uid == who->uid;
}
