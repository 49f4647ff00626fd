/* What is not on a list fails as not permitted, as in tap and reader: a call of libc that nobody
 * foresaw costs one name, not the answer. */
#include "child_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/xalloc.h"

/* Memory, descriptors that are open already, the clock, the end. */
static const int basic[] = {
	SCMP_SYS(read),		SCMP_SYS(pread64),	  SCMP_SYS(write),
	SCMP_SYS(close),	SCMP_SYS(lseek),	  SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),	SCMP_SYS(munmap),	  SCMP_SYS(mremap),
	SCMP_SYS(brk),		SCMP_SYS(madvise),	  SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(time),		  SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom),	SCMP_SYS(getpid),	  SCMP_SYS(gettid),
	SCMP_SYS(tgkill),	SCMP_SYS(exit),		  SCMP_SYS(exit_group),
};

/* What getaddrinfo(3) does to ask a server. */
static const int resolver[] = {
	SCMP_SYS(connect),  SCMP_SYS(sendto),	  SCMP_SYS(sendmmsg),	 SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),	  SCMP_SYS(poll),	 SCMP_SYS(ppoll),
	SCMP_SYS(uname),    SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getuid),
};

#ifdef __SANITIZE_ADDRESS__
/* What the sanitizers' runtime does besides: reports, the leak check at the end and its maps. */
static const int sanitizer[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getdents64),
	SCMP_SYS(getdents),
	SCMP_SYS(clone),
	SCMP_SYS(capget),
	SCMP_SYS(arch_prctl),
	SCMP_SYS(wait4),
	SCMP_SYS(prctl),
	SCMP_SYS(ptrace),
	SCMP_SYS(kill),
	SCMP_SYS(getppid),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(access),
	SCMP_SYS(pipe2),
	SCMP_SYS(sched_yield),
	SCMP_SYS(ioctl),
	SCMP_SYS(mprotect),
	SCMP_SYS(mmap),
};
#endif

static int allow(scmp_filter_ctx c, const int *call, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, call[i], 0) < 0)
			return -1;
	return 0;
}

/* No memory becomes code; no descriptor becomes anything new. */
static int allow_basic(scmp_filter_ctx c)
{
	static const int control[] = {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};

	if (allow(c, basic, ARRAY_LEN(basic)) < 0)
		return -1;
#ifdef __SANITIZE_ADDRESS__
	if (allow(c, sanitizer, ARRAY_LEN(sanitizer)) < 0)
		return -1;
#endif
	for (size_t i = 0; i < ARRAY_LEN(control); i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)control[i])) < 0)
			return -1;
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
		return -1;
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* Files are read and never made; sockets are of IP: none to other processes of this machine's, none
 * to the kernel. */
static int allow_names(scmp_filter_ctx c)
{
	static const int family[] = {AF_INET, AF_INET6};

	if (allow(c, resolver, ARRAY_LEN(resolver)) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(family); i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family[i])) < 0)
			return -1;
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			     SCMP_A1(SCMP_CMP_EQ, FIONREAD)) < 0)
		return -1;
#ifndef __SANITIZE_ADDRESS__
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
			     SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)) <
	    0)
		return -1;
#endif
	return 0;
}

static int enter(scmp_filter_ctx c, int made, struct err *e)
{
	int r = made;

	if (r >= 0)
		r = seccomp_load(c);
	seccomp_release(c);
	return r < 0 ? err_set(e, ERR_REFUSED,
			       "a sandbox cannot be entered: the kernel refused the seccomp filter")
		     : 0;
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

static scmp_filter_ctx begin(struct err *e)
{
	const scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!c)
		err_set(e, ERR_REFUSED, "a sandbox cannot be made: out of memory");
	return c;
}

int child_sandbox_compile(struct err *e)
{
	scmp_filter_ctx c;
	int r;

	if (read_only_names(e))
		return -1;
	c = begin(e);
	if (!c)
		return -1;
	r = allow_basic(c);
	if (r >= 0)
		r = allow_names(c);
	return enter(c, r, e);
}

int child_sandbox_mend(struct err *e)
{
	scmp_filter_ctx c = begin(e);
	int r;

	if (!c)
		return -1;
	r = allow_basic(c);
	if (r >= 0)
		r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fsync), 0);
	return enter(c, r, e);
}
