/* Preloaded: calls that fail, or take their time, as disks do. FAULTS holds words CALL:FROM:COUNT:ERRNO:MS: from the
 * FROMth such call on COUNT of them wait MS milliseconds, and fail with ERRNO where that is not 0. Calls: pwrite, write (to
 * plain files), fsync, fdatasync, renameat2, and openat of a name that ends with .part and is to be made.
 * Read once, at the start: a sandbox lets nobody read files later. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

enum { PWRITE, WRITE, FSYNC, FDATASYNC, RENAMEAT2, OPENAT, CALLS };

static const char *const names[CALLS] = {"pwrite", "write", "fsync", "fdatasync", "renameat2", "openat"};

static struct fault {
	unsigned from, count, error, ms;
	_Atomic unsigned seen;
} faults[CALLS];
static void *real[CALLS];

__attribute__((constructor)) static void begin(void)
{
	const char *said = getenv("FAULTS");
	char *text = said ? strdup(said) : NULL, *save = NULL;

	for (int i = 0; i < CALLS; i++)
		real[i] = dlsym(RTLD_NEXT, names[i]);
	for (char *w = text ? strtok_r(text, " ", &save) : NULL; w; w = strtok_r(NULL, " ", &save)) {
		char name[16];
		unsigned v[4];

		if (sscanf(w, "%15[a-z0-9]:%u:%u:%u:%u", name, v, v + 1, v + 2, v + 3) != 5)
			abort();
		for (int i = 0; i < CALLS; i++)
			if (strcmp(name, names[i]) == 0)
				faults[i] = (struct fault){v[0], v[1], v[2], v[3], 0};
	}
	free(text);
}

/* true: it fails, errno says how. */
static int fails(int call)
{
	struct fault *f = &faults[call];
	const unsigned n = f->from ? atomic_fetch_add(&f->seen, 1) + 1 : 0;

	if (!f->from || n < f->from || n - f->from >= f->count)
		return 0;
	if (f->ms)
		(void)nanosleep(&(struct timespec){f->ms / 1000, (long)(f->ms % 1000) * 1000000}, NULL);
	if (f->error)
		errno = (int)f->error;
	return f->error != 0;
}

/* A function as an object, without a cast that a compiler may refuse. */
#define CALL(type, call) (((union { void *p; type f; }){.p = real[call]}).f)

ssize_t pwrite(int fd, const void *p, size_t len, off_t at);
ssize_t pwrite64(int fd, const void *p, size_t len, off_t at);
ssize_t write(int fd, const void *p, size_t len);
int fsync(int fd);
int fdatasync(int fd);
int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t write_fn(int, const void *, size_t);
typedef int sync_fn(int);
typedef int rename_fn(int, const char *, int, const char *, unsigned);
typedef int open_fn(int, const char *, int, ...);

ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
	return fails(PWRITE) ? -1 : CALL(pwrite_fn *, PWRITE)(fd, p, len, at);
}

ssize_t pwrite64(int fd, const void *p, size_t len, off_t at)
{
	return pwrite(fd, p, len, at);
}

ssize_t write(int fd, const void *p, size_t len)
{
	struct stat st;

	return faults[WRITE].from && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fails(WRITE) ? -1 : CALL(write_fn *, WRITE)(fd, p, len);
}

int fsync(int fd)
{
	return fails(FSYNC) ? -1 : CALL(sync_fn *, FSYNC)(fd);
}

int fdatasync(int fd)
{
	return fails(FDATASYNC) ? -1 : CALL(sync_fn *, FDATASYNC)(fd);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return fails(RENAMEAT2) ? -1 : CALL(rename_fn *, RENAMEAT2)(from_fd, from, to_fd, to, flags);
}

int openat(int fd, const char *path, int flags, ...)
{
	const size_t len = strlen(path);
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if ((flags & O_CREAT) && len > 5 && strcmp(path + len - 5, ".part") == 0 && fails(OPENAT))
		return -1;
	return CALL(open_fn *, OPENAT)(fd, path, flags, mode);
}
