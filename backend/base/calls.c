#include "base/calls.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/xalloc.h"

#define AT_EMPTY_PATH_ONLY                                                                         \
	0x1000 /* AT_EMPTY_PATH: of a descriptor, as the C library's fstat asks */

struct calls {
	scmp_filter_ctx filter;
	int r; /* the first error, negative errno */
};

static const int basic[] = {
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
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
	SCMP_SYS(newfstatat),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(rseq),
	SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(access),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(dup2),
	SCMP_SYS(unlink),
	SCMP_SYS(getuid),
	SCMP_SYS(uname),
	SCMP_SYS(ioctl),
	SCMP_SYS(mprotect),
	SCMP_SYS(mmap),
};
#endif

static void calls_note(struct calls *c, int r)
{
	if (c->r == 0)
		c->r = r;
}

void calls_allow(struct calls *c, const int *call, size_t count)
{
	/* A call that this architecture does not have is below 0: there is nothing to allow. */
	for (size_t i = 0; i < count && c->r == 0; i++)
		if (call[i] >= 0)
			calls_note(c, seccomp_rule_add(c->filter, SCMP_ACT_ALLOW, call[i], 0));
}

void calls_allow_values(struct calls *c, int call, unsigned index, const uint64_t *value,
			size_t count)
{
	for (size_t i = 0; i < count && c->r == 0; i++) {
		const struct scmp_arg_cmp is = {
			.arg = index, .op = SCMP_CMP_EQ, .datum_a = value[i]};

		calls_note(c, seccomp_rule_add_array(c->filter, SCMP_ACT_ALLOW, call, 1, &is));
	}
}

void calls_allow_without(struct calls *c, int call, unsigned index, uint64_t bits)
{
	const struct scmp_arg_cmp none = {
		.arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};

	if (c->r == 0)
		calls_note(c, seccomp_rule_add_array(c->filter, SCMP_ACT_ALLOW, call, 1, &none));
}

struct calls *calls_new(void)
{
	static const uint64_t of_descriptor[] = {AT_EMPTY_PATH_ONLY};
	struct calls *c = xcalloc(1, sizeof(*c));

	c->filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!c->filter) {
		c->r = -ENOMEM;
		return c;
	}
	calls_note(c, seccomp_attr_set(c->filter, SCMP_FLTATR_CTL_TSYNC, 1));
	calls_allow(c, basic, ARRAY_LEN(basic));
#ifdef __SANITIZE_ADDRESS__
	calls_allow(c, sanitizer, ARRAY_LEN(sanitizer));
	(void)of_descriptor;
#else
	calls_allow_values(c, SCMP_SYS(newfstatat), 3, of_descriptor, ARRAY_LEN(of_descriptor));
	calls_allow_without(c, SCMP_SYS(mmap), 2, PROT_EXEC);
	calls_allow_without(c, SCMP_SYS(mprotect), 2, PROT_EXEC);
#endif
	return c;
}

int calls_enter(struct calls *c, struct err *e)
{
	int r = c->r;

	if (r == 0)
		r = seccomp_load(c->filter);
	if (c->filter)
		seccomp_release(c->filter);
	free(c);
	return r ? err_set(e, ERR_REFUSED,
			   "the sandbox cannot be entered (seccomp, error %d): a kernel without "
			   "it, or a container "
			   "that forbids it",
			   -r)
		 : 0;
}
