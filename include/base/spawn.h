/* Start a program: an argument list, never a shell; only the named descriptors go along. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define SPAWN_FD_MAX 16

struct spawn {
	const char *path;	   /* the program; by PATH when it has no slash */
	char *const *argv;	   /* ended by NULL */
	char *const *envp;	   /* NULL: this process's */
	int fd[SPAWN_FD_MAX];	   /* fd[i] becomes descriptor i; -1 is /dev/null; all others are closed */
	int nfd;		   /* at least 3 */
	bool no_new_privs;
	bool die_with_parent;	   /* PR_SET_PDEATHSIG SIGKILL */
	bool new_session;	   /* setsid */
};

/* The pid, or -1 with a sentence (also when exec itself failed over there). The caller reaps it. */
pid_t spawn_start(const struct spawn *s, struct err *e);
/* The path of a sibling program: beside this executable, else in ../libexec/tapdeck beside its folder,
 * else as installed (PREFIX of the build). Owned by the caller. NULL with a sentence if it is nowhere. */
char *spawn_sibling(const char *program, struct err *e);

#endif
