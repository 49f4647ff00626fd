/* Several people and one daemon of root: each may see and do what is theirs, root everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <grp.h>

#include "driver.h"

#include "../../../backend/agent/session.h"

/* Two people of the group that may ask, and nothing else of this machine's. */
#define GROUP "nogroup"
#define GID 65534
#define ANNA 64001
#define BERT 64002

static int setup(void **state)
{
	static struct site site;

	if (!site_make(&site))
		return 0;
	site.group = GROUP;
	site_start(&site);
	*state = &site;
	return 0;
}

static int teardown(void **state)
{
	if (*state)
		site_remove(*state);
	return 0;
}

static struct site *need(void **state)
{
	if (!*state)
		skip();
	return *state;
}

/* The kernel tells the daemon who connected, not who writes. */
static void connect_as(struct driver *d, const struct site *s, uid_t uid)
{
	int fd;

	assert_int_equal(setgroups(0, NULL), 0);
	assert_int_equal(setresgid(uid ? GID : 0, uid ? GID : 0, 0), 0);
	assert_int_equal(setresuid(uid, uid, 0), 0);
	fd = driver_socket(s->socket);
	assert_int_equal(setresuid(0, 0, 0), 0);
	assert_int_equal(setresgid(0, 0, 0), 0);
	assert_true(fd >= 0);
	driver_use(d, fd);
}

/* What had been sent to it before is there once a question is answered. */
static const char *events_told(struct driver *d)
{
	assert_int_equal(driver_query(d, 0, "sessions", NULL), 0);
	return d->events ? d->events : "";
}

/* The sentence is a row of the table that this client sees. */
static bool events_listed(struct driver *d, const char *session)
{
	assert_int_equal(driver_query(d, 0, "events", NULL), 0);
	return driver_cell(d, "where", session, "sentence")[0] != 0;
}

static void test_events(void **state)
{
	struct site *s = need(state);
	struct driver root, anna, bert;

	connect_as(&root, s, 0);
	connect_as(&anna, s, ANNA);
	connect_as(&bert, s, BERT);
	/* So that their HELLO was seen. */
	assert_int_equal(driver_query(&root, 0, "sessions", NULL), 0);
	assert_int_equal(driver_query(&bert, 0, "sessions", NULL), 0);
	assert_int_equal(driver_command(&anna, "new hers device lo filter udp port 4000"), 0);
	assert_non_null(strstr(events_told(&anna), "started on lo"));
	assert_non_null(strstr(events_told(&root), "started on lo"));
	assert_string_equal(events_told(&bert), "");
	assert_true(events_listed(&anna, "hers"));
	assert_true(events_listed(&root, "hers"));
	assert_false(events_listed(&bert, "hers"));
	assert_int_equal(driver_command(&bert, "new his device lo filter udp port 4000"), 0);
	assert_non_null(strstr(events_told(&bert), "started on lo"));
	assert_false(events_listed(&anna, "his"));
	assert_true(events_listed(&root, "his"));
	/* Another's session of the same name, later, shows nothing of the former. */
	assert_int_equal(driver_command(&anna, "stop hers"), 0);
	assert_int_equal(driver_command(&anna, "dismiss hers"), 0);
	assert_int_equal(driver_command(&bert, "new hers device lo count"), 0);
	assert_int_equal(driver_query(&bert, 0, "events", NULL), 0);
	assert_int_equal(bert.window.rows, 2);
	driver_free(&root);
	driver_free(&anna);
	driver_free(&bert);
}

static void test_sessions_of_others(void **state)
{
	static const char *const lines[] = {
		"stop mine",   "modify mine tcp", "counter mine add a=tcp",
		"rotate mine", "save mine",	  "alert mine pps>1",
		"dismiss mine"};
	struct site *s = need(state);
	struct driver anna, bert;

	connect_as(&anna, s, ANNA);
	connect_as(&bert, s, BERT);
	assert_int_equal(driver_command(&anna, "new mine device lo record filter udp port 4000"),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(driver_command(&bert, lines[i]), ERR_REFUSED);
		assert_non_null(strstr(bert.err.text, "another user's"));
	}
	(void)driver_open(&bert, "session:mine");
	assert_int_equal(bert.err.code, ERR_REFUSED);
	assert_int_equal(driver_query(&bert, 0, "session", "mine"), ERR_REFUSED);
	assert_int_equal(driver_query(&bert, 0, "sessions", NULL), 0);
	assert_string_equal(driver_cell(&bert, "name", "mine", "state"), "running");
	assert_int_equal(driver_command(&anna, "stop mine"), 0);
	assert_int_equal(driver_command(&anna, "dismiss mine"), 0);
	driver_free(&anna);
	driver_free(&bert);
	/* Of no group: the socket itself refuses. */
	assert_int_equal(setresuid(ANNA, ANNA, 0), 0);
	assert_int_equal(driver_socket(s->socket), -1);
	assert_int_equal(setresuid(0, 0, 0), 0);
}

static char *only_file(struct driver *d, const char *session)
{
	assert_int_equal(driver_query(d, 0, "files", session), 0);
	assert_int_equal(d->window.rows, 1);
	return xstrdup(driver_cell(d, NULL, NULL, "path"));
}

static void record(struct driver *d, const char *name)
{
	char *line = xasprintf("new %s device lo record filter udp port 4000", name);

	assert_int_equal(driver_command(d, line), 0);
	site_traffic(50, 4000);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(driver_query(d, 0, "sessions", NULL), 0);
		if (strcmp(driver_cell(d, "name", name, "packets"), "50") == 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	free(line);
}

static void owned(const char *path, uid_t uid)
{
	char *folder = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path),
	     *journal = xasprintf("%s/tap.journal", folder);
	const char *all[] = {path, folder, journal};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_int_equal(stat(all[i], &st), 0);
		assert_int_equal(st.st_uid, uid);
		assert_int_equal(st.st_mode & 0077, 0);
	}
	free(folder);
	free(journal);
}

/* What is recorded for somebody is theirs, also after a crash; root's stays root's. */
static void test_files(void **state)
{
	struct site *s = need(state);
	struct driver anna, root;
	char *path;

	connect_as(&anna, s, ANNA);
	record(&anna, "files");
	path = only_file(&anna, "files");
	owned(path, ANNA);
	free(path);
	(void)site_end(s, SIGKILL);
	driver_free(&anna);
	site_start(s);
	connect_as(&anna, s, ANNA);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(driver_query(&anna, 0, "sessions", NULL), 0);
		if (strcmp(driver_cell(&anna, "name", "files", "state"), "failed") == 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	path = only_file(&anna, "files");
	assert_null(strstr(path, ".part"));
	owned(path, ANNA);
	assert_int_equal(driver_stream(&anna, 0, "segment", "files", strrchr(path, '/') + 1), 0);
	assert_true(anna.stream.len > 50 * 16);
	free(path);
	connect_as(&root, s, 0);
	record(&root, "roots");
	assert_int_equal(driver_command(&root, "stop roots"), 0);
	path = only_file(&root, "roots");
	owned(path, 0);
	free(path);
	assert_int_equal(driver_command(&root, "dismiss roots"), 0);
	driver_free(&root);
	driver_free(&anna);
}

/* The owner may do in their folder what they like: the daemon goes nowhere by it that they could
 * not. */
static void test_names_that_lead_elsewhere(void **state)
{
	struct site *s = need(state);
	struct driver anna;
	char *path, *secret = xasprintf("%s/secret", s->folder);
	const char *file;
	int fd;

	fd = open(secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "of root alone", 13), 13);
	close(fd);
	connect_as(&anna, s, ANNA);
	record(&anna, "tricks");
	assert_int_equal(driver_command(&anna, "stop tricks"), 0);
	path = only_file(&anna, "tricks");
	file = strrchr(path, '/') + 1;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(secret, path), 0);
	assert_int_equal(driver_stream(&anna, 0, "segment", "tricks", file), ERR_ABSENT);
	assert_int_equal(anna.stream.len, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(secret, path), 0); /* as only root could: it stays root's */
	assert_int_equal(driver_stream(&anna, 0, "segment", "tricks", file), ERR_ABSENT);
	assert_int_equal(anna.stream.len, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(driver_stream(&anna, 0, "segment", "tricks", file), ERR_ABSENT);
	assert_int_equal(driver_command(&anna, "dismiss tricks"), 0);
	driver_free(&anna);
	free(path);
	free(secret);
}

/* The table, where this version has no way yet to say it. */
static void test_table(void **state)
{
	static const struct who owner = {.uid = 0, .owner = true}, member = {.uid = ANNA, .member = true},
				stranger = {.uid = BERT};
	static char command[] = "gzip -c", eth[] = "eth0", inside[] = "netns:7/eth0", usb[] = "usbmon1";
	struct spec plain = {.device = {eth}, .ndevices = 1}, wrong[] = {
		{.pipe = command}, {.announce = command}, {.watch_file = command}, {.user = command},
		{.device = {eth, inside}, .ndevices = 2}, {.device = {usb}, .ndevices = 1}};
	struct err e;

	(void)state;
	assert_int_equal(access_new(&member, &plain, &e), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(access_new(&owner, &wrong[i], &e), 0);
		assert_int_equal(access_new(&member, &wrong[i], &e), -1);
		assert_int_equal(e.code, ERR_REFUSED);
		assert_non_null(strstr(e.text, "for the owner of this daemon only"));
	}
	assert_int_equal(access_check(&member, "stop", ANNA, &e), 0);
	assert_int_equal(access_check(&member, "stop", BERT, &e), -1);
	assert_int_equal(access_check(&member, "no such request", ANNA, &e), -1);
	assert_int_equal(access_check(&stranger, "stop", BERT, &e), -1);
	assert_int_equal(access_check(&stranger, "devices", BERT, &e), -1);
	assert_int_equal(access_check(&owner, "no such request", BERT, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_sessions_of_others),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_names_that_lead_elsewhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
