/* Links: what opens, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link/link.h"

static void refused(const char *spec, enum err_code code, const char *says)
{
	struct link l;
	struct err e;

	assert_int_equal(link_open(spec, &l, &e), -1);
	assert_int_equal(e.code, code);
	if (!strstr(e.text, says))
		print_error("%s: %s\n", spec, e.text);
	assert_non_null(strstr(e.text, says));
}

static void test_refused(void **state)
{
	char path[300] = "unix:/";

	(void)state;
	memset(path + 6, 'x', sizeof(path) - 7);
	path[sizeof(path) - 1] = 0;
	refused("", ERR_CALL, "is no link");
	refused("telnet:host", ERR_CALL, "is no link");
	refused("unixes", ERR_CALL, "is no link");
	refused("unix", ERR_CALL, "1 to");
	refused(path, ERR_CALL, "1 to");
	refused("unix:/nowhere/socket", ERR_REFUSED, "/nowhere/socket");
	refused("ssh:", ERR_CALL, "needs a host");
	refused("ssh:-oProxyCommand=x", ERR_CALL, "does not begin");
	refused("local:there", ERR_CALL, "takes no address");
	refused("store:there", ERR_CALL, "takes no address");
}

static void test_unix(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/tapdeck-link-XXXXXX", spec[128];
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct link l;
	struct err e;
	char byte = 0;
	int there;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", folder);
	(void)snprintf(spec, sizeof(spec), "unix:%s", at.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(link_open(spec, &l, &e), 0);
	assert_string_equal(l.type->scheme, "unix");
	assert_int_equal(l.pid, 0);
	assert_true(fcntl(l.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
	there = accept(fd, NULL, NULL);
	assert_int_equal(write(there, "x", 1), 1);
	assert_int_equal(read(l.fd, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(there);
	close(l.fd);
	close(fd);
	assert_int_equal(unlink(at.sun_path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void test_table(void **state)
{
	const struct link_type *const *t = link_types();
	unsigned n = 0;

	(void)state;
	for (; *t; t++, n++)
		assert_true((*t)->scheme[0] && (*t)->summary[0] && (*t)->open);
	assert_int_equal(n, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
