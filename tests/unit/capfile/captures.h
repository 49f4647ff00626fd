/* Files for the tests: the shared captures where they are, and files of bytes. */
#ifndef TEST_CAPTURES_H
#define TEST_CAPTURES_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"

/* The folder of shared captures, or NULL (said in one line). The caller frees it. */
static inline char *captures_folder(void)
{
	const char *said = getenv("TAPDECK_CAPTURES");
	const char *folder = said ? said : "../shared/captures";

	if (access(folder, R_OK) == 0)
		return xstrdup(folder);
	print_message("no shared captures at %s: their truth is not tested\n", folder);
	return NULL;
}

static inline uint8_t *file_bytes(const char *path, size_t *len)
{
	struct stat st;
	uint8_t *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	p = xmalloc(*len + 1);
	assert_int_equal(fdio_pread(fd, p, *len, 0), (ssize_t)*len);
	close(fd);
	return p;
}

/* A file in memory that holds these bytes. */
static inline int fd_of_bytes(const void *p, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fdio_pwrite_all(fd, p, len, 0), 0);
	return fd;
}

#endif
