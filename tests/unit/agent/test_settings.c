/* tapdeckd.conf: what its lines mean, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../backend/agent/settings.h"

static int line(struct settings *s, const char *text, struct err *e)
{
	*e = (struct err){.at = -1};
	return settings_line(s, text, e);
}

static void test_values(void **state)
{
	struct settings s;
	struct err e;

	(void)state;
	settings_init(&s);
	assert_int_equal(s.limits.size_bytes, 10000000000);
	assert_int_equal(s.limits.free_percent, 5);
	assert_int_equal(line(&s, "", &e), 0);
	assert_int_equal(line(&s, "  # nothing", &e), 0);
	assert_int_equal(line(&s, "group 0", &e), 0);
	assert_int_equal(line(&s, "captures '/srv/a b'  # there", &e), 0);
	assert_string_equal(s.captures, "/srv/a b");
	assert_int_equal(line(&s, "limit size 50GB", &e), 0);
	assert_int_equal(s.limits.size_bytes, 50000000000);
	assert_int_equal(line(&s, "limit time 12h", &e), 0);
	assert_int_equal(s.limits.time_ns, 12 * 3600 * NS_PER_S);
	assert_int_equal(line(&s, "limit time 0", &e), 0);
	assert_int_equal(s.limits.time_ns, 0);
	assert_int_equal(line(&s, "limit free 10%", &e), 0);
	assert_int_equal(line(&s, "limit free 2G", &e), 0);
	assert_int_equal(s.limits.free_percent, 10);
	assert_int_equal(s.limits.free_bytes, 2000000000);
	assert_int_equal(line(&s, "limit sessions 3", &e), 0);
	assert_int_equal(line(&s, "limit clients 9", &e), 0);
	assert_int_equal(line(&s, "limit buffer 64MB", &e), 0);
	assert_int_equal(s.sessions, 3);
	assert_int_equal(s.clients, 9);
	assert_int_equal(s.buffer_bytes, 64000000);
	assert_int_equal(line(&s, "log-level debug", &e), 0);
	assert_int_equal(s.log_level, LOG_LEVEL_DEBUG);
	settings_release(&s);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *line, *says;
	} wrong[] = {
		{"limit sesions 3", "did you mean \"limit sessions\""},
		{"captures", "captures takes one word"},
		{"captures /a /b", "captures takes one word"},
		{"captures here", "begins with /"},
		{"limit", "there is no setting \"limit\""},
		{"limit size", "takes one word"},
		{"limit size -1", "limit size"},
		{"limit size many", "limit size"},
		{"limit free 100%", "between 0 and 99"},
		{"limit free x%", "limit free"},
		{"limit sessions 0", "between 1 and 256"},
		{"limit sessions 257", "between 1 and 256"},
		{"limit buffer 2T", "limit buffer"},
		{"limit time 0.5s", "a second or more"},
		{"limit time -5", "a second or more"},
		{"group nobody-has-this-name", "groupadd"},
		{"log 'x", "not closed"},
		{"log-level loud", "not \"loud\""},
	};
	struct settings s;
	struct err e;

	(void)state;
	settings_init(&s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(line(&s, wrong[i].line, &e), -1);
		if (!strstr(e.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].line, e.text);
	}
	assert_int_equal(s.limits.size_bytes, LIMITS_SIZE_BYTES);
	settings_release(&s);
}

static void file_put(const char *path, const char *text, size_t len, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int read_it(const char *path, const char *text, size_t len, mode_t mode, struct err *e)
{
	struct settings s;
	int r;

	file_put(path, text, len, mode);
	settings_init(&s);
	*e = (struct err){.at = -1};
	r = settings_read(&s, path, true, e);
	settings_release(&s);
	return r;
}

static void test_file(void **state)
{
	static const char good[] = "# one\nlimit sessions 3\n\nlimit free 1%",
			  bad[] = "\n\nlimit x 1\n";
	static char huge[SETTINGS_BYTES_MAX + 1];
	char path[] = "/tmp/test-settings-XXXXXX";
	struct settings s;
	struct err e;
	const int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(read_it(path, good, sizeof(good) - 1, 0644, &e), 0);
	assert_int_equal(read_it(path, bad, sizeof(bad) - 1, 0644, &e), -1);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, ":3: there is no setting"));
	assert_int_equal(e.code, ERR_CALL);
	assert_int_equal(read_it(path, good, sizeof(good), 0600, &e), -1); /* its 0 too */
	assert_non_null(strstr(e.text, "no text"));
	assert_int_equal(read_it(path, good, sizeof(good) - 1, 0666, &e), -1);
	assert_non_null(strstr(e.text, "chmod go-w"));
	memset(huge, '#', sizeof(huge));
	assert_int_equal(read_it(path, huge, sizeof(huge), 0600, &e), -1);
	assert_non_null(strstr(e.text, "longer than"));
	unlink(path);
	settings_init(&s);
	assert_int_equal(settings_read(&s, path, false, &e), 0);
	assert_int_equal(settings_read(&s, path, true, &e), -1);
	assert_int_equal(settings_read(&s, "/", true, &e), -1);
	assert_non_null(strstr(e.text, "is no file"));
	settings_release(&s);
}

static void test_group(void **state)
{
	const struct group *mine;
	gid_t group = 77;
	struct err e;

	(void)state;
	assert_int_equal(settings_group("4242", &group, &e), 0);
	assert_int_equal(group, 4242);
	assert_int_equal(settings_group("42x", &group, &e), -1);
	assert_int_equal(settings_group("-1", &group, &e), -1);
	assert_int_equal(settings_group("99999999999999999999", &group, &e), -1);
	mine = getgrgid(0);
	if (mine) {
		assert_int_equal(settings_group(mine->gr_name, &group, &e), 0);
		assert_int_equal(group, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
