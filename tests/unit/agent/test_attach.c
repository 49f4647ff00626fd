/* tapdeckd --attach: what a console starts here, and SSH over there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "driver.h"

struct attach {
	struct driver d;
	pid_t pid;
};

static int setup(void **state)
{
	static struct site site;

	if (site_make(&site))
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

static void attach_start(struct attach *a, const struct site *s)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	a->pid = fork();
	if (a->pid == 0) {
		(void)dup2(fd[1], 0);
		close(fd[0]);
		close(fd[1]);
		execl(s->program, "tapdeckd", "--attach", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	driver_use(&a->d, fd[0]);
}

/* It ends when its client does, not when a time is over. */
static void attach_end(struct attach *a)
{
	const int64_t start_ns = clock_mono_ns();
	int status;

	driver_free(&a->d);
	assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(clock_mono_ns() - start_ns < 10 * NS_PER_S);
}

/* One that nobody needs ends by itself, and takes its socket away. */
static void wait_no_daemon(const struct site *s)
{
	for (int i = 0; i < 300 && access(s->socket, F_OK) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	assert_int_equal(driver_socket(s->socket), -1);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* A classic pcap of one Ethernet frame with nothing in it. */
static void write_pcap(const char *path)
{
	static const unsigned char bytes[24 + 16 + 14] = {
		0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,	 0, 4, 0,
		1,    0,    0,	  0,	1, 0, 0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 14, 0, 0, 0,
	};

	write_file(path, (const char *)bytes, sizeof(bytes));
}

static void test_needs_no_daemon(void **state)
{
	struct site *s = need(state);
	struct attach a;

	attach_start(&a, s);
	assert_int_equal(driver_query(&a.d, 0, "devices", NULL), 0);
	assert_string_equal(driver_cell(&a.d, "name", "lo", "up"), "yes");
	assert_true(driver_cell(&a.d, "name", "lo", "rx_bps")[0] != 0);
	assert_int_equal(driver_query(&a.d, 0, "sessions", NULL), 0);
	assert_int_equal(a.d.window.rows, 0);
	assert_int_equal(driver_query(&a.d, 0, "journals", NULL), 0);
	assert_int_equal(driver_command(&a.d, "check filter tcp_port_80"), 0);
	assert_int_equal(driver_command(&a.d, "check filter tcp_port device lo"), ERR_CALL);
	assert_int_equal(driver_socket(s->socket), -1);
	attach_end(&a);
}

static void test_files(void **state)
{
	struct site *s = need(state);
	struct attach a;
	char path[128], target[256], folder[256];
	uint32_t channel;

	(void)snprintf(path, sizeof(path), "%s/one.pcap", s->folder);
	(void)snprintf(target, sizeof(target), "file:%s", path);
	(void)snprintf(folder, sizeof(folder), "file:%s", s->folder);
	write_pcap(path);
	attach_start(&a, s);
	channel = driver_open(&a.d, target);
	assert_int_equal(a.d.err.code, ERR_NONE);
	assert_int_equal(driver_query(&a.d, channel, "packets", NULL), 0);
	assert_int_equal(a.d.window.rows, 1);
	assert_int_equal(driver_query(&a.d, channel, "pakets", NULL), ERR_ABSENT);
	(void)driver_open(&a.d, folder);
	assert_int_equal(a.d.err.code, ERR_REFUSED);
	assert_non_null(strstr(a.d.err.text, "is a folder"));
	(void)driver_open(&a.d, "file:/nowhere/at/all.pcap");
	assert_int_equal(a.d.err.code, ERR_REFUSED);
	assert_non_null(strstr(a.d.err.text, "there is no file"));
	(void)driver_open(&a.d, "file:/dev/null");
	assert_int_equal(a.d.err.code, ERR_REFUSED);
	write_file(path, "no capture at all, but text that is long enough for a header", 60);
	channel = driver_open(&a.d, target);
	assert_int_equal(driver_query(&a.d, channel, "packets", NULL), ERR_REFUSED);
	assert_int_equal(driver_stream(&a.d, 0, "file", path, NULL), 0);
	assert_int_equal(a.d.stream.len, 60);
	attach_end(&a);
}

static void test_starts_a_daemon(void **state)
{
	struct site *s = need(state);
	struct attach a, b;
	uint32_t channel;

	attach_start(&a, s);
	attach_start(&b, s);
	assert_int_equal(driver_command(&a.d, "new one device lo record filter udp port 4000"), 0);
	assert_int_equal(driver_query(&b.d, 0, "sessions", NULL), 0);
	assert_string_equal(driver_cell(&b.d, "name", "one", "state"), "running");
	channel = driver_open(&b.d, "session:one");
	assert_int_equal(b.d.err.code, ERR_NONE);
	site_traffic(20, 4000);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(driver_query(&b.d, channel, "connections", NULL), 0);
		if (b.d.window.rows)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	assert_int_equal(b.d.window.rows, 1);
	attach_end(&a);
	/* The session does not mind that who began it has gone. */
	assert_int_equal(driver_query(&b.d, 0, "sessions", NULL), 0);
	assert_string_equal(driver_cell(&b.d, "name", "one", "state"), "running");
	assert_int_equal(driver_command(&b.d, "stop one"), 0);
	attach_end(&b);
	/* Nobody and nothing is left: the daemon goes, and what it knew stays. */
	wait_no_daemon(s);
	attach_start(&a, s);
	assert_int_equal(driver_query(&a.d, 0, "sessions", NULL), 0);
	assert_string_equal(driver_cell(&a.d, "name", "one", "state"), "ended");
	assert_string_equal(driver_cell(&a.d, "name", "one", "packets"), "20");
	assert_int_equal(driver_socket(s->socket), -1);
	assert_int_equal(driver_query(&a.d, 0, "files", "one"), 0);
	assert_int_equal(a.d.window.rows, 1);
	assert_int_equal(driver_command(&a.d, "dismiss one"), 0);
	attach_end(&a);
}

struct watch {
	struct window window;
	bool failed;
};

static void on_watched(void *arg, struct request *r, const struct answer *a)
{
	struct watch *w = arg;

	(void)r;
	if (a->error || (a->window && window_read(&w->window, a->window, NULL)))
		w->failed = true;
}

/* Until the watched table shows the state (NULL: has no row). */
static void wait_watched(struct attach *a, const struct watch *w, const char *is)
{
	const int64_t end_ns = clock_mono_ns() + 60 * NS_PER_S;
	struct value v;

	for (;;) {
		assert_int_equal(driver_query(&a->d, 0, "devices", NULL),
				 0); /* the loop comes round */
		assert_false(w->failed);
		v = window_cell(&w->window, 0, window_column(&w->window, "state"));
		if (is ? w->window.rows == 1 && str_is(v.s, is)
		       : w->window.ncolumns && w->window.rows == 0)
			return;
		assert_true(clock_mono_ns() < end_ns);
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
}

/* A console that looks at sessions sees them come and go, whichever process knows of them just now.
 */
/* The other side may not have noticed yet that the daemon died: what it had on its way then is
 * refused with these words. */
static void ask_beyond(struct attach *a, const char *table, const char *word)
{
	int r = driver_query(&a->d, 0, table, word);

	if (r == ERR_REFUSED && strstr(a->d.err.text, "gone"))
		r = driver_query(&a->d, 0, table, word);
	if (r)
		fail_msg("%s %s: %s", table, word, a->d.err.text);
}

static void test_watches_through(void **state)
{
	struct site *s = need(state);
	struct msg_query q = {.table = str_of("sessions"), .count = 10, .period_ms = 100};
	struct watch w = {0};
	struct attach a, b;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uint32_t channel;
	int fd;

	wait_no_daemon(s);
	attach_start(&a, s);
	attach_start(&b, s);
	(void)client_query(a.d.client, 0, &q, on_watched, &w);
	wait_watched(&a, &w, NULL);
	assert_int_equal(driver_command(&b.d, "new seen device lo record"), 0);
	wait_watched(&a, &w, "running");
	channel = driver_open(&a.d, "session:seen");
	assert_int_equal(a.d.err.code, ERR_NONE);
	fd = driver_socket(s->socket);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len), 0);
	close(fd);
	assert_int_equal(kill(cred.pid, SIGKILL), 0);
	wait_watched(&a, &w, "interrupted");
	assert_int_equal(driver_query(&a.d, channel, "connections", NULL), ERR_REFUSED);
	assert_non_null(strstr(a.d.err.text, "gone"));
	ask_beyond(&b, "files", "seen"); /* needs a daemon, which mends it */
	wait_watched(&a, &w, "failed");
	assert_int_equal(driver_command(&a.d, "dismiss seen"), 0);
	wait_watched(&a, &w, NULL);
	attach_end(&a);
	attach_end(&b);
	window_release(&w.window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs_no_daemon),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_starts_a_daemon),
		cmocka_unit_test(test_watches_through),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
