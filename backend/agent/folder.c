#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOGROUP 65534u /* of a user that the machine does not know (any more) */

struct visit {
	int fd;
	bool switched;
};

/* The file system's view of who we are, and no other: nobody can signal or trace us for it, and the
 * rights that override permissions are gone meanwhile (capabilities(7)). */
static int become(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	/* Both give the former one, and change nothing for -1. */
	if ((uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid)
		return 0;
	errno = EPERM;
	return -1;
}

static void visit_end(const struct visit *v)
{
	const int why = errno;

	if (v->switched)
		(void)become(0, 0); /* never refused to root */
	close(v->fd);
	errno = why;
}

/* It lies in a folder of ours, so that its owner is whom we gave it to. */
static int visit_begin(struct visit *v, const char *path)
{
	struct stat st;
	int r;

	*v = (struct visit){.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
	if (v->fd < 0)
		return -1;
	if (geteuid() != 0)
		return 0;
	r = fstat(v->fd, &st);
	if (r == 0 && st.st_uid == 0)
		return 0;
	if (r == 0) {
		v->switched = true;
		r = become(st.st_uid, st.st_gid);
	}
	if (r)
		visit_end(v);
	return r;
}

int folder_make(const char *path, uid_t owner)
{
	const struct passwd *pw;

	if (mkdir(path, 0700))
		return -1;
	if (geteuid() != 0 || owner == 0)
		return 0;
	pw = getpwuid(owner);
	if (lchown(path, owner, pw ? pw->pw_gid : NOGROUP) == 0)
		return 0;
	const int why = errno;

	(void)rmdir(path);
	errno = why;
	return -1;
}

static int regular_only(int fd)
{
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

int folder_open(const char *path, const char *name, int flags)
{
	struct visit v;
	int fd;

	if (visit_begin(&v, path))
		return -1;
	/* A fifo in its place would wait. */
	fd = openat(v.fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	visit_end(&v);
	return regular_only(fd);
}

int folder_unlink(const char *path, const char *name)
{
	struct visit v;
	int r;

	if (visit_begin(&v, path))
		return -1;
	r = unlinkat(v.fd, name, 0);
	visit_end(&v);
	return r;
}

int folder_rename(const char *path, const char *from, const char *to)
{
	struct visit v;
	struct stat st;
	int r;

	if (visit_begin(&v, path))
		return -1;
	r = renameat2(v.fd, from, v.fd, to, RENAME_NOREPLACE);
	/* Not every file system knows the flag. */
	if (r && errno == EINVAL && fstatat(v.fd, to, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
		r = renameat(v.fd, from, v.fd, to);
	visit_end(&v);
	return r;
}

bool folder_has(const char *path, const char *name)
{
	struct visit v;
	struct stat st;
	int r;

	if (visit_begin(&v, path))
		return true;
	r = fstatat(v.fd, name, &st, AT_SYMLINK_NOFOLLOW);
	visit_end(&v);
	return r == 0 || errno != ENOENT;
}

int folder_sync(const char *path)
{
	struct visit v;
	int fd, r;

	if (visit_begin(&v, path))
		return -1;
	fd = openat(v.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	visit_end(&v);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}
