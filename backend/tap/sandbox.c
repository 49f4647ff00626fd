#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/xalloc.h"

#define NOBODY 65534 /* uid and gid of a tap that root started: it owns nothing */

/* Debian's libcap is no dependency of ours: two words of bits by the call itself (capabilities(7)).
 */
static int set_capabilities(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	for (int i = 0; i < 2; i++) {
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].effective = (uint32_t)(effective >> (32 * i));
	}
	return (int)syscall(SYS_capset, &head, data);
}

static uint64_t permitted_now(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	if (syscall(SYS_capget, &head, data))
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

int sandbox_raise(struct err *e)
{
	uint64_t permitted = permitted_now();

	if (!(permitted >> CAP_NET_RAW & 1))
		return 0; /* opening says in its own words that there is no right */
	if (set_capabilities(permitted, UINT64_C(1) << CAP_NET_RAW))
		return err_errno(e, ERR_REFUSED, "the right to capture cannot be taken up");
	return 0;
}

void sandbox_lower(void)
{
	(void)set_capabilities(permitted_now(), 0); /* fewer rights are never refused */
}

static int leave_root(struct err *e)
{
	if (geteuid() != 0)
		return 0;
	/* the capabilities must be in effect for it, and must outlive the change */
	if (set_capabilities(permitted_now(), permitted_now()) ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return err_errno(e, ERR_REFUSED, "root's rights cannot be given up");
	return 0;
}

int sandbox_drop(struct err *e)
{
	uint64_t keep = permitted_now() & UINT64_C(1) << CAP_NET_RAW;

	if (leave_root(e))
		return -1;
	if (set_capabilities(keep, 0))
		return err_errno(e, ERR_REFUSED, "rights that are not needed cannot be given up");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(e, ERR_REFUSED, "gaining rights cannot be forbidden");
	return 0;
}

static const int allowed[] = {
	/* the loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	/* memory and the two threads */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	/* files that came as descriptors */
	SCMP_SYS(pwrite64),
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(fstat),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(writev),
	/* a device that returns, by libpcap */
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(bind),
	SCMP_SYS(ioctl),
	SCMP_SYS(fcntl),
	SCMP_SYS(eventfd2),
	SCMP_SYS(uname),
	SCMP_SYS(capget),
	SCMP_SYS(capset),
};

#if defined(__SANITIZE_ADDRESS__)
/* What the sanitizers' runtime needs besides: reports, and the search for leaks at the end. */
static const int allowed_sanitizer[] = {
	SCMP_SYS(openat),
	SCMP_SYS(readlink),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(clone),
	SCMP_SYS(ptrace),
	SCMP_SYS(wait4),
	SCMP_SYS(prctl),
	SCMP_SYS(getdents64),
	SCMP_SYS(prlimit64),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(newfstatat),
	SCMP_SYS(kill),
	SCMP_SYS(pipe2),
	SCMP_SYS(arch_prctl),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(getppid),
	SCMP_SYS(access),
	SCMP_SYS(dup2),
	SCMP_SYS(getuid),
};
#endif

static int allow_list(scmp_filter_ctx ctx, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] >= 0 && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, list[i], 0))
			return -1;
	}
	return 0;
}

static int allow_special(scmp_filter_ctx ctx, int control_fd, int netlink_fd)
{
	int bad = 0;

	/* packets, and what libpcap asks devices through; it cannot be connected, and nothing is
	 * sent by it */
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, AF_PACKET));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, AF_INET));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_EQ, AF_INET6));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)control_fd));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)netlink_fd));
#if !defined(__SANITIZE_ADDRESS__)
	/* fstat of the C library is newfstatat with an empty path; a path is refused by openat
	 * anyway */
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				SCMP_A3(SCMP_CMP_EQ, 0x1000));
#endif
	return bad;
}

/* What is not allowed fails with "not permitted" and does not end the tap: a C library that we have
 * not met may ask for something harmless, and that is no reason to lose a recording. */
int tap_sandbox_enter(int control_fd, int netlink_fd, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (!ctx)
		return err_set(e, ERR_REFUSED,
			       "the sandbox cannot be made (seccomp): out of memory");
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = allow_list(ctx, allowed, ARRAY_LEN(allowed));
#if defined(__SANITIZE_ADDRESS__)
	if (rc == 0)
		rc = allow_list(ctx, allowed_sanitizer, ARRAY_LEN(allowed_sanitizer));
#endif
	if (rc == 0)
		rc = allow_special(ctx, control_fd, netlink_fd);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc)
		return err_set(e, ERR_REFUSED,
			       "the sandbox cannot be entered (seccomp, error %d): a kernel "
			       "without it, or "
			       "a container that forbids it",
			       -rc);
	return 0;
}
