#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/calls.h"
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

int sandbox_raise_all(struct err *e)
{
	if (set_capabilities(permitted_now(), permitted_now()))
		return err_errno(e, ERR_REFUSED, "root's rights cannot be taken up");
	return 0;
}

/* By the calls themselves: those of the C library are for all threads at once, and end the process
 * where one of them has given up its rights before. */
static int leave_root(struct err *e)
{
	if (syscall(SYS_geteuid) != 0)
		return 0;
	/* the capabilities must be in effect for it, and must outlive the change */
	if (set_capabilities(permitted_now(), permitted_now()) ||
	    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || syscall(SYS_setgroups, 0, NULL) ||
	    syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
	    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
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
	/* the loop and the two threads */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sysinfo),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	/* files that came as descriptors */
	SCMP_SYS(pwrite64),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),
	SCMP_SYS(sync_file_range),
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

int tap_sandbox_enter(int control_fd, const int *netlink_fd, size_t count, struct err *e)
{
	/* packets, and what libpcap asks devices through; it cannot be connected, and nothing is
	 * sent by it */
	static const uint64_t family[] = {AF_PACKET, AF_UNIX, AF_INET, AF_INET6};
	const uint64_t control = (uint64_t)control_fd;
	struct calls *c = calls_new();

	calls_allow(c, allowed, ARRAY_LEN(allowed));
	calls_allow_values(c, SCMP_SYS(socket), 0, family, ARRAY_LEN(family));
	calls_allow_values(c, SCMP_SYS(sendmsg), 0, &control, 1);
	for (size_t i = 0; i < count; i++) {
		const uint64_t netlink = (uint64_t)netlink_fd[i];

		calls_allow_values(c, SCMP_SYS(sendto), 0, &netlink, 1);
	}
	return calls_enter(c, e);
}
