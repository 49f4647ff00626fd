#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOBODY 65534u /* Debian's nobody and nogroup; owns nothing */

int rights_drop(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_errno(e, ERR_REFUSED, "could not give up rights");
	if (geteuid() != 0)
		return 0;
	/* Leaving uid 0 for good empties the capability sets as well (capabilities(7)). */
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return errno == EPERM ? 0 : err_errno(e, ERR_REFUSED, "could not become nobody");
	if (setuid(0) == 0)
		return err_set(e, ERR_REFUSED, "could not give up root for good");
	return 0;
}

int rights_limit(unsigned cpu_s, unsigned long memory_bytes, struct err *e)
{
	const struct rlimit cpu = {cpu_s, cpu_s}, core = {0, 0};

	if (setrlimit(RLIMIT_CPU, &cpu) || setrlimit(RLIMIT_CORE, &core))
		return err_errno(e, ERR_REFUSED, "could not set limits");
#ifndef __SANITIZE_ADDRESS__ /* its shadow takes terabytes of address space */
	const struct rlimit memory = {memory_bytes, memory_bytes};

	if (setrlimit(RLIMIT_AS, &memory))
		return err_errno(e, ERR_REFUSED, "could not limit memory");
#else
	(void)memory_bytes;
#endif
	return 0;
}
