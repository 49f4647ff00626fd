#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tui/source.h"

static void expect(const char *word, enum source_kind kind, const char *host, const char *name, int asked)
{
	struct source s;
	struct err e = {0};
	int ask;

	assert_int_equal(source_parse(&s, word, &ask, &e), 0);
	assert_int_equal(s.kind, kind);
	assert_string_equal(s.host, host);
	assert_string_equal(s.name, name);
	assert_int_equal(ask, asked);
	source_release(&s);
}

static void refuse(const char *word, enum err_code code)
{
	struct source s;
	struct err e = {0};
	int ask;

	assert_int_equal(source_parse(&s, word, &ask, &e), -1);
	assert_int_equal(e.code, code);
	assert_true(strlen(e.text) > 10);
}

static void test_prefixes_say_the_kind(void **state)
{
	(void)state;
	expect("file:a.pcap", SOURCE_FILE, "", "a.pcap", 0);
	expect("session:web", SOURCE_SESSION, "", "web", 0);
	expect("dev:eth0", SOURCE_DEVICE, "", "eth0", 0);
	expect("file:host:odd", SOURCE_FILE, "", "host:odd", 0);
	expect("-", SOURCE_STDIN, "", "-", 0);
}

static void test_scp_rule(void **state)
{
	(void)state;
	expect("edge-01:/var/x.pcap", SOURCE_FILE, "edge-01", "/var/x.pcap", 0);
	expect("edge-01:dir/x.pcap", SOURCE_FILE, "edge-01", "dir/x.pcap", 0);
	expect("me@edge-01:web", SOURCE_SESSION, "me@edge-01", "web", 1);
	expect("edge-01:dev:eth0", SOURCE_DEVICE, "edge-01", "eth0", 0);
	expect("[2001:db8::1]:web", SOURCE_SESSION, "[2001:db8::1]", "web", 1);
	expect("me@[2001:db8::1]:/x", SOURCE_FILE, "me@[2001:db8::1]", "/x", 0);
	expect("local:web", SOURCE_SESSION, "", "web", 1);
	expect("./edge:/x", SOURCE_FILE, "", "./edge:/x", 0);
	expect("/tmp/a:b", SOURCE_FILE, "", "/tmp/a:b", 0);
}

static void test_ssh_addresses(void **state)
{
	(void)state;
	expect("ssh://edge/var/x.pcap", SOURCE_FILE, "edge", "/var/x.pcap", 0);
	expect("ssh://me@edge:2222/session:web", SOURCE_SESSION, "me@edge:2222", "web", 0);
	expect("ssh://[::1]:2222/dev:lo", SOURCE_DEVICE, "[::1]:2222", "lo", 0);
	refuse("ssh://edge", ERR_CALL);
	refuse("ssh://edge/", ERR_CALL);
	refuse("ssh://-oProxyCommand=x/y", ERR_CALL);
}

static void test_wrong_words(void **state)
{
	(void)state;
	refuse("", ERR_CALL);
	refuse(":x", ERR_CALL);
	refuse("edge:", ERR_CALL);
	refuse("-oProxyCommand=x:y", ERR_CALL);
	refuse("rpcap://h/eth0", ERR_REFUSED);
}

static void test_existing_file_before_session(void **state)
{
	char folder[] = "/tmp/test-source-XXXXXX";
	struct source s;
	struct err e = {0};
	char *target, *want;
	int ask, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	expect("web", SOURCE_SESSION, "", "web", 1);
	fd = open("web", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	expect("web", SOURCE_FILE, "", "web", 0);
	assert_int_equal(source_parse(&s, "web", &ask, &e), 0);
	target = source_target(&s);
	want = xasprintf("file:%s/web", folder);
	assert_string_equal(target, want);
	free(target);
	free(want);
	source_release(&s);
	assert_int_equal(unlink("web"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void test_targets(void **state)
{
	struct source s;
	struct err e = {0};
	char *target;
	int ask;

	(void)state;
	assert_int_equal(source_parse(&s, "edge:dir/x.pcap", &ask, &e), 0);
	target = source_target(&s);
	assert_string_equal(target, "file:dir/x.pcap"); /* relative to the home over there */
	free(target);
	source_release(&s);
	assert_int_equal(source_parse(&s, "dev:eth0", &ask, &e), 0);
	assert_null(source_target(&s));
	source_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes_say_the_kind),
		cmocka_unit_test(test_scp_rule),
		cmocka_unit_test(test_ssh_addresses),
		cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_existing_file_before_session),
		cmocka_unit_test(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
