/* A reader has no right at all: in its sandbox nothing opens, connects, starts or becomes code. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../backend/reader/state.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZER 1 /* its runtime may open files and map memory */
#else
#define SANITIZER 0
#endif

static int try_open(void)
{
	return SANITIZER ? -1 : open("/etc/passwd", O_RDONLY);
}

static int try_create(void)
{
	return SANITIZER ? -1 : open("/tmp/tapdeck-must-not-be", O_CREAT | O_WRONLY, 0600);
}

static int try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int try_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int try_fork(void)
{
	return SANITIZER ? -1 : fork();
}

static int try_code(void)
{
	void *p = SANITIZER ? MAP_FAILED
			    : mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int try_truncate(void)
{
	return ftruncate(0, 0);
}

/* 0: everything was refused; else the number of the one that was not. */
static int tries(void)
{
	static int (*const all[])(void) = {try_open, try_create, try_socket,  try_exec,
					   try_fork, try_code,	 try_truncate};
	struct err e;

	if (reader_sandbox_enter(&e) < 0)
		return 100;
	for (int i = 0; i < (int)(sizeof(all) / sizeof(all[0])); i++)
		if (all[i]() >= 0)
			return i + 1;
	return errno == EPERM ? 0 : 101;
}

static void test_refused(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(tries());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
