#include "access.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "spec.h"
#include "wire/access.def"

/* What a member may; root and the owner of the daemon may everything. */
enum member { ANY, OWN, NONE };

static const struct rule {
	const char *word;
	enum member member;
} rules[] = {
#define A(word, member, summary) {word, member},
	ACCESS_RULES(A)
#undef A
};

/* What is not in the table is for the owner. */
static enum member rule_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].word, word) == 0)
			return rules[i].member;
	return NONE;
}

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
	const enum member member = rule_of(word);

	if (who->owner)
		return 0;
	if (!who->member)
		return access_connect(who, e);
	if (member == ANY || (member == OWN && owner_uid == who->uid))
		return 0;
	if (member == OWN)
		return err_set(
			e, ERR_REFUSED,
			"\"%s\": this session is another user's (uid %lu); only they and root may",
			word, (unsigned long)owner_uid);
	return err_set(e, ERR_REFUSED, "\"%s\" is for the owner of this daemon only", word);
}

int access_new(const struct who *who, const struct spec *s, struct err *e)
{
	const struct {
		bool said;
		const char *word;
	} words[] = {
		{s->pipe, "new pipe"},
		{s->announce, "new announce"},
		{s->watch_file, "new watch-file"},
		{s->user, "new user"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].said && access_check(who, words[i].word, who->uid, e))
			return -1;
	for (unsigned i = 0; i < s->ndevices; i++)
		if (access_device(who, s->device[i], e))
			return -1;
	return 0;
}

int access_device(const struct who *who, const char *name, struct err *e)
{
	static const char device[] = "device ";
	const size_t skip = sizeof(device) - 1;

	if (who->owner)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strncmp(rules[i].word, device, skip) == 0 && rules[i].member != ANY &&
		    strncmp(rules[i].word + skip, name, strlen(rules[i].word + skip)) == 0)
			return err_set(e, ERR_REFUSED,
				       "the device \"%s\" is for the owner of this daemon only",
				       name);
	return 0;
}

bool access_event(const struct who *who, uid_t owner_uid)
{
	return who->owner || owner_uid == (uid_t)-1 || owner_uid == who->uid;
}
