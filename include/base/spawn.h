/* Start a program: an argument list, never a shell; only the named descriptors go along. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"

#define SPAWN_FD_MAX 16
#define SPAWN_LIMITS_MAX 4

/* Somebody else, for good: who is root becomes them, with their groups and no capability. */
struct spawn_as {
	uid_t uid;
	gid_t gid;
	const gid_t *group; /* supplementary ones */
	size_t ngroups;
};
/* setrlimit(2); never above what this process may itself. */
struct spawn_limit {
	int resource;
	rlim_t most;
};

struct spawn {
	const char *path;	   /* the program; by PATH when it has no slash */
	char *const *argv;	   /* ended by NULL */
	char *const *envp;	   /* NULL: this process's */
	int fd[SPAWN_FD_MAX];	   /* fd[i] becomes descriptor i; -1 is /dev/null; all others are closed */
	int nfd;		   /* at least 3 */
	bool no_new_privs;
	bool die_with_parent;	   /* PR_SET_PDEATHSIG SIGKILL */
	bool new_session;	   /* setsid */
	const struct spawn_as *as; /* NULL: who we are */
	int folder;		   /* a descriptor of the folder that it runs in, entered with its own rights; 0: ours */
	int nice;		   /* added to ours; 0 */
	bool idle_io;		   /* the disk is its own only while nobody else wants it */
	struct spawn_limit limit[SPAWN_LIMITS_MAX];
	int nlimits;
};

/* The pid, or -1 with a sentence (also when exec itself failed over there). The caller reaps it. */
pid_t spawn_start(const struct spawn *s, struct err *e);
/* The path of a sibling program: beside this executable, else in ../libexec/tapdeck beside its folder,
 * else as installed (PREFIX of the build). Owned by the caller. NULL with a sentence if it is nowhere. */
char *spawn_sibling(const char *program, struct err *e);

#endif
