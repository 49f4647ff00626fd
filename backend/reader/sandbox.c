/* No right at all: what is needed to read descriptors, talk to control and wait. Anything else
 * fails as not permitted. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/xalloc.h"
#include "state.h"

static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(close),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(shutdown),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sched_yield),
	SCMP_SYS(dup),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
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
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(unlink),
	SCMP_SYS(getuid),
	SCMP_SYS(uname),
	SCMP_SYS(ioctl),
	SCMP_SYS(mprotect),
	SCMP_SYS(mmap),
};
#endif

static int sandbox_calls(scmp_filter_ctx c, const int *call, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, call[i], 0) < 0)
			return -1;
	return 0;
}

/* Calls that are only allowed with certain arguments: no memory becomes code, no descriptor becomes
 * anything new. */
static int sandbox_arguments(scmp_filter_ctx c)
{
	static const int control[] = {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
				      F_GETFL,	       F_SETFL, F_GET_SEALS};

	for (size_t i = 0; i < ARRAY_LEN(control); i++)
		if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)control[i])) < 0)
			return -1;
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
		return -1;
	if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
		return -1;
	return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1(SCMP_CMP_EQ, FIONBIO));
}

int reader_sandbox_enter(struct err *e)
{
	struct rlimit files;
	scmp_filter_ctx c;
	int r = -1;

	/* A long recording has many segments. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!c)
		return err_set(e, ERR_REFUSED, "the reader cannot make its sandbox: out of memory");
	/* The counting thread is there already. */
	if (seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1) < 0)
		goto out;
	if (sandbox_calls(c, allowed, ARRAY_LEN(allowed)) < 0)
		goto out;
#ifdef __SANITIZE_ADDRESS__
	if (sandbox_calls(c, sanitizer, ARRAY_LEN(sanitizer)) < 0)
		goto out;
#endif
	if (sandbox_arguments(c) < 0)
		goto out;
	r = seccomp_load(c);
out:
	seccomp_release(c);
	return r < 0 ? err_set(e, ERR_REFUSED,
			       "the reader cannot enter its sandbox: the kernel refused the "
			       "seccomp filter")
		     : 0;
}
