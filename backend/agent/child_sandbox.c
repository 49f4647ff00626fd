/* What is not on a list fails as not permitted, as in tap and reader: a call of libc that nobody
 * foresaw costs one name, not the answer. */
#include "child_sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/calls.h"
#include "base/xalloc.h"

/* What getaddrinfo(3) does to ask a server. */
static const int resolver[] = {
	SCMP_SYS(connect),  SCMP_SYS(sendto),	  SCMP_SYS(sendmmsg),	 SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),	  SCMP_SYS(poll),	 SCMP_SYS(ppoll),
	SCMP_SYS(uname),    SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getuid),
};

/* Files are read and never made; sockets are of IP: none to other processes of this machine's, none
 * to the kernel; no descriptor becomes anything new. */
static void allow_names(struct calls *c)
{
	static const uint64_t family[] = {AF_INET, AF_INET6};
	static const uint64_t waiting[] = {FIONREAD};

	calls_allow(c, resolver, ARRAY_LEN(resolver));
	calls_allow_values(c, SCMP_SYS(socket), 0, family, ARRAY_LEN(family));
	calls_allow_values(c, SCMP_SYS(ioctl), 1, waiting, ARRAY_LEN(waiting));
	calls_allow_without(c, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC);
}

static void allow_control(struct calls *c)
{
	static const uint64_t control[] = {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};

	calls_allow_values(c, SCMP_SYS(fcntl), 1, control, ARRAY_LEN(control));
}

/* --- what may be read --- */

#ifndef __SANITIZE_ADDRESS__
#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ_BENEATH (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WHOLE_FS                                                                                   \
	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) /* all of the first version's, Linux 5.13 */

static void may_read(int rules, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return; /* nothing there to read */
	/* fails for what is no file: then it stays closed */
	(void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* Names of services, protocols and hosts, and whom to ask. Where the kernel has no Landlock, it is
 * what anybody may read. */
static int read_only_names(struct err *e)
{
	const struct landlock_ruleset_attr all = {.handled_access_fs = WHOLE_FS};
	const int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	int r;

	if (rules < 0)
		return 0;
	may_read(rules, "/etc", READ_BENEATH);
	may_read(rules, "/etc/resolv.conf", READ_FILE); /* it may be a link to elsewhere */
	r = (int)syscall(SYS_landlock_restrict_self, rules, 0);
	if (r)
		err_errno(e, ERR_REFUSED, "a sandbox cannot be entered (Landlock)");
	close(rules);
	return r;
}
#else
static int read_only_names(struct err *e)
{
	(void)e; /* reports read /proc and the program itself */
	return 0;
}
#endif

int child_sandbox_compile(struct err *e)
{
	struct calls *c;

	if (read_only_names(e))
		return -1;
	c = calls_new();
	allow_control(c);
	allow_names(c);
	return calls_enter(c, e);
}

int child_sandbox_mend(struct err *e)
{
	static const int sync[] = {SCMP_SYS(fsync)};
	struct calls *c = calls_new();

	allow_control(c);
	calls_allow(c, sync, ARRAY_LEN(sync));
	return calls_enter(c, e);
}

int child_sandbox_pump(struct err *e)
{
	static const int carrying[] = {SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(recvfrom),
				       SCMP_SYS(recvmsg)};
	struct calls *c = calls_new();

	allow_control(c);
	calls_allow(c, carrying, ARRAY_LEN(carrying));
	return calls_enter(c, e);
}

int child_sandbox_sync(struct err *e)
{
	static const int sync[] = {SCMP_SYS(fsync)};
	struct calls *c = calls_new();

	calls_allow(c, sync, ARRAY_LEN(sync));
	return calls_enter(c, e);
}
