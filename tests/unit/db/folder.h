/* A folder of a test's own under /tmp, removed with all that is in it. */
#ifndef TESTS_UNIT_DB_FOLDER_H
#define TESTS_UNIT_DB_FOLDER_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int folder_unlink(const char *path, const struct stat *st, int what, struct FTW *place)
{
	(void)st;
	(void)place;
	return what == FTW_DP ? rmdir(path) : unlink(path);
}

static inline void folder_remove(const char *folder)
{
	(void)nftw(folder, folder_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void folder_make(char folder[64])
{
	(void)snprintf(folder, 64, "/tmp/tapdeck-store-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

/* The state is the folder's name. */
static inline int folder_setup(void **state)
{
	char *folder = malloc(64);

	assert_non_null(folder);
	folder_make(folder);
	*state = folder;
	return 0;
}

static inline int folder_teardown(void **state)
{
	folder_remove(*state);
	free(*state);
	return 0;
}

#endif
