#include "remember.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/xalloc.h"

#define NAME_BYTES 128u
#define SUFFIX ".read"
#define RECENT_NS (100 * NS_PER_MS) /* a change so soon before may have had a second with the same time */
#define FREE_BYTES_MIN (UINT64_C(1) << 30) /* of the file system: others need it more */
#define FILES_MAX 4096u			   /* that are looked at when room is made */

struct remembered {
	int folder;
	int capture;	 /* to see that it has not changed */
	int fd;		 /* what is written; -1: it was there */
	char name[NAME_BYTES];
};

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

/* The parts before the last two are the file's, whatever is in it. */
static void name_of(const struct stat *st, char name[NAME_BYTES])
{
	(void)snprintf(name, NAME_BYTES,
		       "%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 SUFFIX,
		       (uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
		       (uint64_t)ns_of(&st->st_mtim), (uint64_t)ns_of(&st->st_ctim));
}

/* Ours, and nobody else may write there: what lies in it is believed. -1: there is none. */
static int folder_open(void)
{
	char *path = paths_cache();
	struct stat st;
	struct err e;
	int fd = -1;

	if (fdio_make_folder(path, &e) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd < 0 || (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 022)))
		return fd;
	close(fd);
	return -1;
}

static int file_open(int folder, const char *name)
{
	/* Without waiting for whatever may stand there. */
	const int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & 077)) {
		(void)futimens(fd, NULL); /* it was used; whether that can be noted is no matter */
		return fd;
	}
	close(fd);
	return -1;
}

/* A file without a name, where there is room for it. */
static int file_make(int folder, const struct stat *st)
{
	const int64_t age = clock_now_ns() - ns_of(&st->st_ctim);
	struct statvfs fs;

	if ((age >= 0 && age < RECENT_NS) || fstatvfs(folder, &fs) ||
	    (uint64_t)fs.f_bavail * fs.f_frsize < FREE_BYTES_MIN + (uint64_t)st->st_size)
		return -1;
	return openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int offer_send(struct reader_child *r, int fd, bool filled)
{
	const struct msg_read_cache m = {.filled = filled};
	struct buf b;
	int rc;

	buf_init(&b, MSG_PAYLOAD_MAX);
	rc = msg_put_read_cache(&b, &m);
	if (rc == 0)
		rc = reader_child_send(r, MSG_READ_CACHE, &b, &fd, 1);
	buf_release(&b);
	return rc;
}

static bool switched_off(void)
{
	const char *word = getenv(REMEMBER_ENV);

	return word && strcmp(word, "off") == 0;
}

void remember_offer(struct reader_child *r, int fd, const struct stat *st)
{
	struct remembered *m;
	int there;

	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size < REMEMBER_FILE_MIN || switched_off())
		return;
	m = xcalloc(1, sizeof(*m));
	*m = (struct remembered){.folder = folder_open(), .capture = -1, .fd = -1};
	name_of(st, m->name);
	there = m->folder < 0 ? -1 : file_open(m->folder, m->name);
	if (there < 0 && m->folder >= 0) {
		m->fd = file_make(m->folder, st);
		m->capture = m->fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	}
	if ((there < 0 && m->capture < 0) ||
	    offer_send(r, there < 0 ? m->fd : there, there >= 0)) {
		remember_free(m);
		m = NULL;
	}
	r->remembered = m;
	if (there >= 0)
		close(there);
}

bool remember_busy(const struct reader_child *r)
{
	return r->channel && r->remembered && r->remembered->fd >= 0;
}

void remember_free(struct remembered *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	if (m->capture >= 0)
		close(m->capture);
	if (m->folder >= 0)
		close(m->folder);
	free(m);
}

/* --- room --- */

struct old {
	int64_t used_ns;
	uint64_t bytes;
	char name[NAME_BYTES];
};

static int older_first(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return x->used_ns < y->used_ns ? -1 : x->used_ns > y->used_ns;
}

static bool old_take(int folder, const char *name, struct old *o)
{
	const size_t len = strlen(name), suffix = sizeof(SUFFIX) - 1;
	struct stat st;

	if (len <= suffix || len >= NAME_BYTES || strcmp(name + len - suffix, SUFFIX) != 0 ||
	    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	*o = (struct old){.used_ns = ns_of(&st.st_mtim), .bytes = (uint64_t)st.st_blocks * 512};
	memcpy(o->name, name, len + 1);
	return true;
}

/* Of the same device and inode: what was known of a former state of the capture. */
static bool same_capture(const char *a, const char *b)
{
	const char *dash = strchr(a, '-');

	dash = dash ? strchr(dash + 1, '-') : NULL;
	return dash && strncmp(a, b, (size_t)(dash - a) + 1) == 0;
}

/* Former states of the capture go, then the longest unused until the rest is not too much. */
static void folder_trim(int folder, const char *name)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct old *old = xcalloc(FILES_MAX, sizeof(*old));
	const struct dirent *entry;
	uint64_t bytes = 0;
	size_t n = 0;

	while (d && n < FILES_MAX && (entry = readdir(d)) != NULL) {
		if (!old_take(folder, entry->d_name, &old[n]))
			continue;
		if (same_capture(name, entry->d_name) && strcmp(name, entry->d_name) != 0)
			(void)unlinkat(folder, entry->d_name, 0);
		else
			bytes += old[n++].bytes;
	}
	qsort(old, n, sizeof(*old), older_first);
	for (size_t i = 0; i < n && bytes > REMEMBER_BYTES_MAX; i++) {
		bytes -= old[i].bytes;
		(void)unlinkat(folder, old[i].name, 0);
	}
	free(old);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

/* --- the reader is through --- */

/* The file gets its name: whole, or not at all. What has the name was not believed, or comes from
 * another one who read the same. No second name between: a kill would leave it behind. */
static int file_name(const struct remembered *m)
{
	char own[64];

	(void)snprintf(own, sizeof(own), "/proc/self/fd/%d", m->fd);
	if (linkat(AT_FDCWD, own, m->folder, m->name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST || unlinkat(m->folder, m->name, 0))
		return -1;
	return linkat(AT_FDCWD, own, m->folder, m->name, AT_SYMLINK_FOLLOW);
}

void remember_told(struct reader_child *r, bool sound)
{
	struct remembered *m = r->remembered;
	char name[NAME_BYTES];
	struct stat st;

	if (!m)
		return;
	if (m->fd < 0 && !sound)
		(void)unlinkat(m->folder, m->name, 0);
	if (m->fd >= 0 && sound && fstat(m->capture, &st) == 0) {
		name_of(&st, name);
		if (strcmp(name, m->name) == 0 && file_name(m) == 0)
			folder_trim(m->folder, m->name);
		else
			log_info("what was learnt of %s is not kept: %s", r->name,
				 strcmp(name, m->name) ? "it changed meanwhile" : strerror(errno));
	}
	remember_free(m);
	r->remembered = NULL;
}
