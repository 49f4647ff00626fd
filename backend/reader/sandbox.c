/* No right at all: what is needed to read descriptors, talk to control and wait. Anything else
 * fails as not permitted. The counting thread is there already. */
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "base/calls.h"
#include "base/xalloc.h"
#include "state.h"

static const int allowed[] = {
	SCMP_SYS(readv),     SCMP_SYS(writev),	 SCMP_SYS(pwrite64),   SCMP_SYS(fdatasync),
	SCMP_SYS(fsync),     SCMP_SYS(sendmsg),	 SCMP_SYS(recvmsg),    SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),  SCMP_SYS(shutdown), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl), SCMP_SYS(poll),	 SCMP_SYS(ppoll),      SCMP_SYS(dup),
};

int reader_sandbox_enter(struct err *e)
{
	/* No descriptor becomes anything new. */
	static const uint64_t control[] = {F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
					   F_GETFL,	    F_SETFL, F_GET_SEALS};
	static const uint64_t blocking[] = {FIONBIO};
	struct rlimit files;
	struct calls *c;

	/* A long recording has many segments. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	c = calls_new();
	calls_allow(c, allowed, ARRAY_LEN(allowed));
	calls_allow_values(c, SCMP_SYS(fcntl), 1, control, ARRAY_LEN(control));
	calls_allow_values(c, SCMP_SYS(ioctl), 1, blocking, ARRAY_LEN(blocking));
	return calls_enter(c, e);
}
