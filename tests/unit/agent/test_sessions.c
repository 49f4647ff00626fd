/* A real daemon, its taps and readers, in a network of our own: what a user relies on when things
 * go well, and when they die. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/file.h>

#include "driver.h"
#include "journal/journal.h"

static int setup(void **state)
{
	static struct site site;

	if (!site_make(&site))
		return 0;
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

static void connect_to(struct driver *d, const struct site *s)
{
	const int fd = driver_socket(s->socket);

	assert_true(fd >= 0);
	driver_use(d, fd);
}

static void ok(struct driver *d, const char *line)
{
	if (driver_command(d, line))
		print_error("%s: %s\n", line, d->err.text);
	assert_int_equal(d->err.code, ERR_NONE);
}

static void refused(struct driver *d, const char *line, int code, const char *says)
{
	assert_int_equal(driver_command(d, line), code);
	if (!strstr(d->err.text, says))
		print_error("%s: \"%s\" does not say \"%s\"\n", line, d->err.text, says);
	assert_non_null(strstr(d->err.text, says));
}

static uint64_t cell_number(struct driver *d, const char *name, const char *column)
{
	assert_int_equal(driver_query(d, 0, "sessions", NULL), 0);
	return strtoull(driver_cell(d, "name", name, column), NULL, 10);
}

/* Until the daemon has counted so many. */
static uint64_t wait_packets(struct driver *d, const char *name, uint64_t packets)
{
	uint64_t n = 0;

	for (int i = 0; i < 200 && n < packets; i++) {
		n = cell_number(d, name, "packets");
		if (n < packets)
			nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	return n;
}

static void wait_state(struct driver *d, const char *name, const char *is)
{
	for (int i = 0; i < 200; i++) {
		assert_int_equal(driver_query(d, 0, "sessions", NULL), 0);
		if (strcmp(driver_cell(d, "name", name, "state"), is) == 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	assert_string_equal(driver_cell(d, "name", name, "state"), is);
}

/* The path of the only file of a session. */
static char *file_path(struct driver *d, const char *name)
{
	assert_int_equal(driver_query(d, 0, "files", name), 0);
	assert_int_equal(d->window.rows, 1);
	return xstrdup(driver_cell(d, NULL, NULL, "path"));
}

/* As tcpdump counts them; it complains about a file that is not whole. */
static uint64_t tcpdump_packets(const char *path)
{
	const char *argv[] = {"tcpdump", "--count", "-r", path, NULL};
	char *text = site_output(argv);
	const char *at = strstr(text, " packet");
	uint64_t n = 0;

	assert_null(strstr(text, "truncated"));
	while (at && at > text && at[-1] >= '0' && at[-1] <= '9')
		at--;
	n = at ? strtoull(at, NULL, 10) : 0;
	if (!at)
		print_error("tcpdump: %s\n", text);
	free(text);
	return n;
}

static pid_t child_of(pid_t parent, const char *name)
{
	char *text = xasprintf("/proc/%ld/task/%ld/children", (long)parent, (long)parent),
	     list[4096] = "", *save = NULL;
	const int fd = open(text, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, list, sizeof(list) - 1) : -1;
	pid_t found = 0;

	list[n > 0 ? n : 0] = 0;
	close(fd);
	free(text);
	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *path = xasprintf("/proc/%s/cmdline", w), line[256] = "";
		const int c = open(path, O_RDONLY);

		n = c >= 0 ? read(c, line, sizeof(line) - 1) : 0;
		for (ssize_t i = 0; i + 1 < n; i++)
			line[i] = line[i] ? line[i] : ' ';
		if (strstr(line, name))
			found = (pid_t)strtol(w, NULL, 10);
		close(c);
		free(path);
	}
	return found;
}

/* --- */

static void test_count(void **state)
{
	struct driver d;

	connect_to(&d, need(state));
	ok(&d, "new web device lo filter udp port 4000");
	site_traffic(50, 4000);
	site_traffic(50, 4001);
	assert_int_equal(wait_packets(&d, "web", 50), 50);
	assert_string_equal(driver_cell(&d, "name", "web", "state"), "running");
	assert_string_equal(driver_cell(&d, "name", "web", "devices"), "lo");
	assert_int_equal(driver_query(&d, 0, "poll", "web"), 0);
	assert_true(d.window.rows > 0);
	ok(&d, "modify web udp port 4001");
	site_traffic(30, 4001);
	assert_int_equal(wait_packets(&d, "web", 80), 80);
	ok(&d, "stop web");
	assert_int_equal(cell_number(&d, "web", "packets"), 80);
	assert_string_equal(driver_cell(&d, "name", "web", "state"), "ended");
	assert_string_equal(driver_cell(&d, "name", "web", "reason"), "stop");
	assert_int_equal(cell_number(&d, "web", "files"), 0);
	ok(&d, "dismiss web");
	assert_int_equal(driver_query(&d, 0, "sessions", NULL), 0);
	assert_int_equal(d.window.rows, 0);
	driver_free(&d);
}

static void test_record(void **state)
{
	struct driver d;
	uint32_t channel;
	char *path;

	connect_to(&d, need(state));
	ok(&d, "new rec device lo record counter all=udp counter none=tcp filter udp port 4000");
	channel = driver_open(&d, "session:rec");
	assert_int_equal(d.err.code, ERR_NONE);
	site_traffic(200, 4000);
	assert_int_equal(wait_packets(&d, "rec", 200), 200);
	assert_int_equal(driver_query(&d, channel, "connections", NULL), 0);
	assert_int_equal(d.window.rows, 1);
	ok(&d, "rotate rec");
	site_traffic(10, 4000);
	assert_int_equal(wait_packets(&d, "rec", 210), 210);
	ok(&d, "stop rec");
	assert_int_equal(driver_query(&d, channel, "counters", NULL), 0);
	assert_string_equal(driver_cell(&d, "name", "all", "packets"), "210");
	assert_string_equal(driver_cell(&d, "name", "none", "packets"), "0");
	/* The wall has them too, and the session itself as one more. */
	assert_int_equal(driver_query(&d, 0, "wall", NULL), 0);
	assert_int_equal(d.window.rows, 3);
	assert_string_equal(driver_cell(&d, "key", "rec/all", "packets"), "210");
	assert_string_equal(driver_cell(&d, "key", "rec/none", "packets"), "0");
	assert_string_equal(driver_cell(&d, "key", "rec", "packets"), "210");
	assert_string_equal(driver_cell(&d, "key", "rec", "counter"), "");
	assert_int_equal(driver_query(&d, channel, "connections", NULL), 0);
	assert_int_equal(d.window.rows, 2);
	assert_int_equal(driver_query(&d, 0, "files", "rec"), 0);
	assert_int_equal(d.window.rows, 2);
	path = xstrdup(driver_cell(&d, NULL, NULL, "path"));
	assert_int_equal(tcpdump_packets(path), 200);
	assert_int_equal(driver_stream(&d, 0, "segment", "rec", strrchr(path, '/') + 1), 0);
	{
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(d.stream.len, st.st_size);
	}
	free(path);
	assert_int_equal(driver_query(&d, 0, "journals", NULL), 0);
	assert_true(d.window.rows >= 2);
	driver_free(&d);
	/* Nobody has it open now: its reader is gone, and comes back from the files. */
	connect_to(&d, *state);
	channel = driver_open(&d, "session:rec");
	assert_int_equal(driver_query(&d, channel, "connections", NULL), 0);
	assert_int_equal(d.window.rows, 2);
	ok(&d, "dismiss rec");
	driver_free(&d);
}

static void test_refusals(void **state)
{
	struct driver d;

	connect_to(&d, need(state));
	refused(&d, "new x device lo filter tcp prot 80", ERR_CALL, "");
	assert_int_equal(driver_query(&d, 0, "sessions", NULL), 0);
	assert_int_equal(d.window.rows, 0);
	refused(&d, "new x device eth77", ERR_ABSENT, "eth77");
	refused(&d, "new x device lo recrod", ERR_CALL, "did you mean \"record\"");
	refused(&d, "new x device lo alert speed>3", ERR_CALL, "alert speed>3: ");
	refused(&d, "new x device lo alert pps>3_then_save", ERR_CALL, "no past");
	refused(&d, "new x device lo stop-when tcp prot 80", ERR_CALL, "");
	refused(&d, "new x device lo past 470MB record", ERR_CALL, "past");
	refused(&d, "new ../x device lo", ERR_CALL, "");
	refused(&d, "stop nobody", ERR_ABSENT, "nobody");
	refused(&d, "stpo x", ERR_CALL, "did you mean \"stop\"");
	ok(&d, "check filter tcp_port_80");
	refused(&d, "check filter tcp_prot_80", ERR_CALL, "");
	assert_true(d.err.at >= 4);
	ok(&d, "new twice device lo");
	refused(&d, "new twice device lo", ERR_CALL, "already");
	refused(&d, "modify twice tcp prot 80", ERR_CALL, "");
	refused(&d, "dismiss twice", ERR_CALL, "stop");
	refused(&d, "counter twice add a=tcp_prot", ERR_CALL, "");
	ok(&d, "counter twice add a=tcp_port_80");
	refused(&d, "counter twice add a=tcp_port_80", ERR_CALL, "already");
	ok(&d, "counter twice change a=udp_port_4000");
	refused(&d, "rotate twice", ERR_CALL, "recording");
	refused(&d, "save twice", ERR_CALL, "past 30s");
	refused(&d, "alert twice pps>1_for_soon", ERR_CALL, "behind \"for\"");
	assert_int_equal(d.err.at, 10);
	ok(&d, "alert twice pps>1000000_for_1h");
	refused(&d, "alert twice remove 2", ERR_ABSENT, "`show twice`");
	ok(&d, "alert twice remove 1");
	site_traffic(5, 4000);
	assert_int_equal(wait_packets(&d, "twice", 5) >= 5, 1);
	assert_int_equal(driver_query(&d, 0, "counters", "twice"), 0);
	assert_string_equal(driver_cell(&d, "name", "a", "packets"), "5");
	/* many at once: all or none */
	refused(&d, "counter twice add b=udp add c=tcp_prot", ERR_CALL, "counter c");
	refused(&d, "counter twice add b=udp add b=tcp", ERR_CALL, "already");
	refused(&d, "counter twice remove a change a=udp", ERR_ABSENT, "no counter");
	refused(&d, "counter twice add", ERR_CALL, "add C=FILTER");
	refused(&d, "counter twice b=udp", ERR_CALL, "add C=FILTER");
	assert_int_equal(driver_query(&d, 0, "counters", "twice"), 0);
	assert_int_equal(d.window.rows, 1);
	ok(&d, "counter twice add b=udp add c=icmp change a=tcp add e=arp remove c");
	assert_int_equal(driver_query(&d, 0, "counters", "twice"), 0);
	assert_int_equal(d.window.rows, 3);
	assert_string_equal(driver_cell(&d, "name", "a", "filter"), "tcp");
	assert_string_equal(driver_cell(&d, "name", "e", "filter"), "arp");
	ok(&d, "counter twice remove a b e");
	assert_int_equal(driver_query(&d, 0, "counters", "twice"), 0);
	assert_int_equal(d.window.rows, 0);
	ok(&d, "stop twice");
	ok(&d, "dismiss twice");
	assert_int_equal(driver_query(&d, 0, "sesions", NULL), ERR_ABSENT);
	assert_non_null(strstr(d.err.text, "sessions"));
	(void)driver_open(&d, "file:/etc/passwd");
	assert_int_equal(d.err.code, ERR_REFUSED);
	assert_int_equal(driver_stream(&d, 0, "journal", "../../../etc/passwd", NULL), ERR_ABSENT);
	assert_int_equal(driver_stream(&d, 0, "file", "/etc/passwd", NULL), ERR_REFUSED);
	driver_free(&d);
}

static void test_tap_killed(void **state)
{
	struct site *s = need(state);
	struct driver d;
	char *path;

	connect_to(&d, s);
	ok(&d, "new killed device lo record filter udp port 4000");
	site_traffic(300, 4000);
	assert_int_equal(wait_packets(&d, "killed", 300), 300);
	assert_int_equal(kill(child_of(s->daemon, "tapdeck-tap"), SIGKILL), 0);
	wait_state(&d, "killed", "failed");
	assert_int_equal(cell_number(&d, "killed", "packets"), 300);
	path = file_path(&d, "killed");
	assert_null(strstr(path, ".part"));
	assert_int_equal(tcpdump_packets(path), 300);
	assert_non_null(strstr(d.events, "the process that captured is gone"));
	free(path);
	ok(&d, "dismiss killed");
	driver_free(&d);
}

/* In the middle of traffic: what had been published is in the file, which is whole, and is what the
 * session says. */
static void test_tap_killed_busy(void **state)
{
	struct site *s = need(state);
	struct driver d;

	connect_to(&d, s);
	for (unsigned round = 0; round < 5; round++) {
		const struct timespec wait = {.tv_nsec = 10000000 + 37000000 * (long)round};
		pid_t sender;
		char *path;

		ok(&d, "new busy device lo record filter udp port 4000");
		sender = fork();
		if (sender == 0) {
			for (;;)
				site_traffic(1000, 4000);
		}
		nanosleep(&wait, NULL);
		assert_int_equal(kill(child_of(s->daemon, "tapdeck-tap"), SIGKILL), 0);
		wait_state(&d, "busy", "failed");
		(void)kill(sender, SIGKILL);
		(void)waitpid(sender, NULL, 0);
		path = file_path(&d, "busy");
		assert_int_equal(tcpdump_packets(path), cell_number(&d, "busy", "packets"));
		free(path);
		ok(&d, "dismiss busy");
	}
	driver_free(&d);
}

/* The records of that type in the journal of the only capture of a session. */
static unsigned journal_records(struct driver *d, const char *session, uint16_t type)
{
	struct journal_record r;
	uint64_t at = 0;
	unsigned count = 0;
	char *name;

	assert_int_equal(driver_query(d, 0, "session", session), 0);
	name = xasprintf("%s/tap.journal", driver_cell(d, "name", "capture", "value"));
	assert_int_equal(driver_stream(d, 0, "journal", name, NULL), 0);
	while (journal_get(d->stream.data + at, d->stream.len - at, at, &r, NULL) == 1) {
		count += r.type == type;
		at = r.next;
	}
	free(name);
	return count;
}

/* Before its first second was over, and with nothing seen: none is told, which is not "unknown". */
static void test_killed_at_once(void **state)
{
	struct site *s = need(state);
	struct driver d;

	connect_to(&d, s);
	ok(&d, "new once device lo record filter udp port 4999");
	assert_int_equal(kill(child_of(s->daemon, "tapdeck-tap"), SIGKILL), 0);
	wait_state(&d, "once", "failed");
	assert_int_equal(journal_records(&d, "once", MSG_J_SECOND), 1);
	assert_int_equal(journal_records(&d, "once", MSG_J_END), 1);
	ok(&d, "dismiss once");
	driver_free(&d);
}

static void test_reader_killed(void **state)
{
	struct site *s = need(state);
	struct driver d;
	uint32_t channel;
	char *path;

	connect_to(&d, s);
	ok(&d, "new lost device lo record filter udp port 4000");
	channel = driver_open(&d, "session:lost");
	site_traffic(100, 4000);
	assert_int_equal(wait_packets(&d, "lost", 100), 100);
	assert_int_equal(kill(child_of(s->daemon, "--read"), SIGKILL), 0);
	site_traffic(100, 4000);
	assert_int_equal(wait_packets(&d, "lost", 200), 200);
	for (int i = 0; i < 100; i++) { /* the new one catches up */
		assert_int_equal(driver_query(&d, channel, "connections", NULL), 0);
		if (d.window.rows == 2)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	assert_int_equal(d.window.rows, 2);
	assert_non_null(strstr(d.events, "another one has been started"));
	ok(&d, "stop lost");
	path = file_path(&d, "lost");
	assert_int_equal(tcpdump_packets(path), 200);
	free(path);
	ok(&d, "dismiss lost");
	driver_free(&d);
}

static void test_daemon_killed(void **state)
{
	struct site *s = need(state);
	struct driver d;
	char *path;

	connect_to(&d, s);
	ok(&d, "new cut device lo record filter udp port 4000");
	site_traffic(100, 4000);
	assert_int_equal(wait_packets(&d, "cut", 100), 100);
	(void)site_end(s, SIGKILL);
	driver_free(&d);
	site_start(s);
	connect_to(&d, s);
	wait_state(&d, "cut", "failed");
	assert_int_equal(cell_number(&d, "cut", "packets"), 100);
	path = file_path(&d, "cut");
	assert_null(strstr(path, ".part"));
	assert_int_equal(tcpdump_packets(path), 100);
	free(path);
	ok(&d, "dismiss cut");
	driver_free(&d);
}

static void test_daemon_killed_busy(void **state)
{
	struct site *s = need(state);
	struct driver d;

	for (unsigned round = 0; round < 3; round++) {
		const struct timespec wait = {.tv_nsec = 20000000 + 150000000 * (long)round};
		pid_t sender;
		char *path;

		connect_to(&d, s);
		ok(&d, "new torn device lo record filter udp port 4000");
		sender = fork();
		if (sender == 0) {
			for (;;)
				site_traffic(1000, 4000);
		}
		nanosleep(&wait, NULL);
		(void)site_end(s, SIGKILL);
		driver_free(&d);
		site_start(s);
		connect_to(&d, s);
		wait_state(&d, "torn", "failed");
		(void)kill(sender, SIGKILL);
		(void)waitpid(sender, NULL, 0);
		path = file_path(&d, "torn");
		assert_int_equal(tcpdump_packets(path), cell_number(&d, "torn", "packets"));
		free(path);
		ok(&d, "dismiss torn");
		driver_free(&d);
	}
}

/* Until nobody writes in the folder of a file: its tap drains what it had. */
static void wait_unlocked(const char *path)
{
	char *journal = xasprintf("%.*s/tap.journal", (int)(strrchr(path, '/') - path), path);
	const int fd = open(journal, O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 500 && flock(fd, LOCK_EX | LOCK_NB); i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	close(fd);
	free(journal);
}

#define LONG_BYTES ((off_t)768 << 20)

/* Records 100 packets, kills the daemon, and damages the file: cut at `keep` (-1: whole), then
 * `bytes` of junk. A new daemon is there then. Its path, which ends in .part. */
static char *damage(struct site *s, struct driver *d, const char *name, off_t keep, off_t bytes)
{
	static const char words[] = "what no capture file has. ";
	char *junk = xmalloc((size_t)bytes);
	char *path, *line = xasprintf("new %s device lo record filter udp port 4000", name);
	off_t end;
	int fd;

	ok(d, line);
	free(line);
	site_traffic(100, 4000);
	assert_int_equal(wait_packets(d, name, 100), 100);
	path = file_path(d, name);
	(void)site_end(s, SIGKILL);
	driver_free(d);
	wait_unlocked(path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	end = keep >= 0 ? keep : lseek(fd, 0, SEEK_END);
	assert_int_equal(ftruncate(fd, end), 0);
	for (off_t i = 0; i < bytes; i++)
		junk[i] = words[i % (off_t)(sizeof(words) - 1)];
	assert_int_equal(pwrite(fd, junk, (size_t)bytes, end), bytes);
	close(fd);
	free(junk);
	site_start(s);
	connect_to(d, s);
	return path;
}

/* Of what is damaged all that is whole stays, of what cannot be mended everything; the daemon goes
 * on. */
static void test_damaged_files(void **state)
{
	struct site *s = need(state);
	struct driver d;
	struct stat st;
	pid_t child = 0;
	char *path;

	connect_to(&d, s);
	free(damage(s, &d, "tail", -1, 64));
	wait_state(&d, "tail", "failed");
	path = file_path(&d, "tail");
	assert_null(strstr(path, ".part"));
	assert_int_equal(tcpdump_packets(path), 100);
	free(path);

	path = damage(s, &d, "none", 0, 64);
	wait_state(&d, "none", "failed");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 64);
	assert_int_equal(driver_query(&d, 0, "events", NULL), 0);
	assert_non_null(
		strstr(driver_cell(&d, "where", "none", "sentence"), "keeps its name .part"));
	free(path);

	/* Long enough that who looks through it can be met and killed, as a fault of its own would.
	 */
	path = damage(s, &d, "long", -1, LONG_BYTES);
	for (int i = 0; i < 20000 && child == 0; i++) {
		child = child_of(s->daemon, "--mend");
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	assert_true(child > 0);
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(driver_query(&d, 0, "sessions", NULL), 0); /* it answers meanwhile */
	assert_string_equal(driver_cell(&d, "name", "long", "state"), "interrupted");
	assert_int_equal(kill(child, SIGKILL), 0);
	wait_state(&d, "long", "failed");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > LONG_BYTES);
	free(path);
	ok(&d, "new after device lo");
	ok(&d, "stop after");
	ok(&d, "dismiss after");
	ok(&d, "dismiss tail");
	ok(&d, "dismiss none");
	ok(&d, "dismiss long");
	driver_free(&d);
}

static void test_daemon_stopped(void **state)
{
	struct site *s = need(state);
	struct driver d;
	char *path;
	int status;

	connect_to(&d, s);
	ok(&d, "new drained device lo record filter udp port 4000");
	site_traffic(100, 4000);
	status = site_end(s, SIGTERM);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	driver_free(&d);
	site_start(s);
	connect_to(&d, s);
	wait_state(&d, "drained", "ended");
	assert_int_equal(cell_number(&d, "drained", "packets"), 100);
	path = file_path(&d, "drained");
	assert_int_equal(tcpdump_packets(path), 100);
	free(path);
	ok(&d, "dismiss drained");
	driver_free(&d);
}

static void test_rotation(void **state)
{
	struct driver d;

	connect_to(&d, need(state));
	ok(&d, "new rot device lo record packets 100 keep 2 filter udp port 4000");
	for (unsigned i = 1; i <= 5; i++) {
		site_traffic(100, 4000);
		for (int k = 0; k < 100; k++) { /* until the next segment is there */
			assert_int_equal(driver_query(&d, 0, "files", "rot"), 0);
			if (d.window.rows &&
			    strtoull(driver_cell(&d, "state", "writing", "number"), NULL, 10) > i)
				break;
			nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		}
	}
	ok(&d, "stop rot");
	assert_int_equal(cell_number(&d, "rot", "packets"), 500);
	assert_int_equal(cell_number(&d, "rot", "files"), 2);
	assert_int_equal(driver_query(&d, 0, "files", "rot"), 0);
	assert_string_equal(driver_cell(&d, NULL, NULL, "packets"), "100");
	assert_int_equal(tcpdump_packets(driver_cell(&d, NULL, NULL, "path")), 100);
	ok(&d, "dismiss rot");
	driver_free(&d);
}

static void test_stop_after(void **state)
{
	struct driver d;

	connect_to(&d, need(state));
	ok(&d, "new few device lo stop-after 50 filter udp port 4000");
	site_traffic(60, 4000);
	wait_state(&d, "few", "ended");
	assert_int_equal(cell_number(&d, "few", "packets"), 50);
	assert_string_equal(driver_cell(&d, "name", "few", "state"), "ended");
	ok(&d, "new time device lo stop-after 1s");
	wait_state(&d, "time", "ended");
	ok(&d, "dismiss few");
	ok(&d, "dismiss time");
	driver_free(&d);
}

/* As driver_cell, of a row by its place. */
static const char *cell_at(struct driver *d, uint32_t row, const char *column)
{
	static char text[4096];
	const int c = window_column(&d->window, column);
	const struct value v = window_cell(&d->window, row, c);
	struct buf b;

	assert_true(c >= 0);
	buf_init(&b, sizeof(text));
	value_print_raw(&b, d->window.columns[c].kind, &v);
	(void)snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_release(&b);
	return text;
}

/* Rotation is at the packet: however fast they come, each file has what was asked for. */
static void test_files_of_packets(void **state)
{
	struct driver d;

	connect_to(&d, need(state));
	ok(&d, "new exact device lo record packets 70 stop-after 5 filter udp port 4000");
	site_traffic(400, 4000);
	wait_state(&d, "exact", "ended");
	assert_int_equal(cell_number(&d, "exact", "packets"), 350);
	assert_int_equal(driver_query(&d, 0, "files", "exact"), 0);
	assert_int_equal(d.window.rows, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(cell_at(&d, i, "packets"), "70");
		assert_int_equal(tcpdump_packets(cell_at(&d, i, "path")), 70);
	}
	assert_string_equal(cell_at(&d, 4, "reason"), "stop-after");
	ok(&d, "dismiss exact");
	driver_free(&d);
}

/* Records of a segment in the tap's journal, the last of each: their `sealed`. */
static void journal_segments(const char *path, uint8_t *sealed, unsigned count)
{
	static uint8_t bytes[1 << 20];
	const int fd = open(path, O_RDONLY);
	const ssize_t n = read(fd, bytes, sizeof(bytes));
	struct journal_record r;
	struct msg_j_segment m;
	uint64_t at = 0;

	assert_true(n > 0);
	close(fd);
	memset(sealed, 0xff, count);
	while (journal_get(bytes + at, (size_t)n - at, at, &r, NULL) == 1) {
		if (r.type == MSG_J_SEGMENT &&
		    msg_get_j_segment(r.payload, r.len, &m, NULL) == 0 && m.number < count)
			sealed[m.number] = m.sealed;
		at = r.next;
	}
	assert_int_equal(at, n);
}

/* A file that went is gone for the journal too; what stays is newer than the rest. */
static void test_keep(void **state)
{
	uint8_t sealed[8];
	struct driver d;
	char *path;

	connect_to(&d, need(state));
	ok(&d, "new ring device lo record packets 10 keep 3 keep 100MB stop-after 7 filter udp port "
	       "4000");
	site_traffic(100, 4000);
	wait_state(&d, "ring", "ended");
	assert_int_equal(cell_number(&d, "ring", "packets"), 70);
	assert_int_equal(cell_number(&d, "ring", "files"), 3);
	assert_int_equal(driver_query(&d, 0, "files", "ring"), 0);
	assert_string_equal(driver_cell(&d, NULL, NULL, "number"), "5");
	path = xstrdup(driver_cell(&d, NULL, NULL, "path"));
	(void)snprintf(strrchr(path, '/'), 16, "/tap.journal");
	journal_segments(path, sealed, 8);
	for (unsigned i = 1; i <= 7; i++)
		assert_int_equal(sealed[i], i < 5 ? SEGMENT_REMOVED : SEGMENT_COMPLETE);
	free(path);
	ok(&d, "dismiss ring");
	ok(&d, "new age device lo record every 1s keep 2s filter udp port 4000");
	for (unsigned i = 0; i < 200 && cell_number(&d, "age", "file_bytes") < 1; i++)
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	for (unsigned i = 0; i < 400; i++) { /* without any packet: files come and go */
		assert_int_equal(driver_query(&d, 0, "files", "age"), 0);
		if (strtoull(driver_cell(&d, NULL, NULL, "number"), NULL, 10) > 2)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	assert_true(strtoull(driver_cell(&d, NULL, NULL, "number"), NULL, 10) > 2);
	assert_true(d.window.rows <= 5);
	assert_int_equal(tcpdump_packets(driver_cell(&d, NULL, NULL, "path")), 0);
	ok(&d, "stop age");
	ok(&d, "dismiss age");
	driver_free(&d);
}

/* The client goes without a word: what was its alone goes, also from the list; the rest stays. */
static void test_ephemeral(void **state)
{
	struct site *site = need(state);
	struct driver d;

	connect_to(&d, site);
	ok(&d, "new mine device lo ephemeral filter udp port 4000");
	ok(&d, "new ours device lo filter udp port 4000");
	driver_free(&d);
	connect_to(&d, site);
	wait_state(&d, "mine", "");
	assert_string_equal(driver_cell(&d, "name", "ours", "state"), "running");
	ok(&d, "stop ours");
	ok(&d, "dismiss ours");
	driver_free(&d);
}

static void test_record_on_off(void **state)
{
	struct driver d;
	char *path;

	connect_to(&d, need(state));
	ok(&d, "new sw device lo filter udp port 4000");
	site_traffic(10, 4000);
	assert_int_equal(wait_packets(&d, "sw", 10), 10);
	ok(&d, "record sw on");
	assert_int_equal(driver_query(&d, 0, "files", "sw"), 0);
	assert_int_equal(d.window.rows, 1); /* it was answered when the file was there */
	nanosleep(&(struct timespec){.tv_nsec = 100000000},
		  NULL); /* the file is on its way to the tap */
	site_traffic(20, 4000);
	assert_int_equal(wait_packets(&d, "sw", 30), 30);
	ok(&d, "record sw off");
	site_traffic(5, 4000);
	assert_int_equal(wait_packets(&d, "sw", 35), 35);
	ok(&d, "stop sw");
	path = file_path(&d, "sw");
	assert_int_equal(tcpdump_packets(path), 20);
	free(path);
	ok(&d, "dismiss sw");
	driver_free(&d);
}

/* Two ends of a TCP connection on loopback. */
static void tcp_pair(int fd[2], uint16_t port[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&a, sizeof(a)), 0);
	port[1] = ntohs(a.sin_port);
	fd[1] = accept(listener, NULL, NULL);
	assert_int_equal(getsockname(fd[0], (struct sockaddr *)&a, &len), 0);
	port[0] = ntohs(a.sin_port);
	close(listener);
}

static void wait_fact(struct driver *d, const char *session, const char *fact, const char *is)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(driver_query(d, 0, "session", session), 0);
		if (strstr(driver_cell(d, "name", fact, "value"), is))
			return;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	assert_string_equal(driver_cell(d, "name", fact, "value"), is);
}

static void test_own_traffic(void **state)
{
	struct site *s = need(state);
	struct driver d, carried;
	struct msg_own m = {.addr_a = str_of("127.0.0.1"), .addr_b = str_of("127.0.0.1")};
	int fd[2], other[2];
	uint16_t port[2];

	tcp_pair(fd, port);
	m.port_a = port[0];
	m.port_b = port[1];
	tcp_pair(other, port);
	connect_to(&d, s);
	connect_to(&carried, s);
	client_send_own(carried.client, &m);
	assert_int_equal(driver_query(&carried, 0, "sessions", NULL), 0); /* so OWN was seen */
	ok(&d, "new own device lo own-traffic out filter tcp");
	assert_int_equal(write(fd[0], "x", 1), 1);
	assert_int_equal(write(other[0], "x", 1), 1);
	assert_int_equal(wait_packets(&d, "own", 2),
			 2); /* data and its acknowledgement, of the other only */
	wait_fact(&d, "own", "own_packets", "2");
	wait_fact(&d, "own", "left_out", "to now");
	driver_free(&carried);
	wait_fact(&d, "own", "left_out", "Z to 2"); /* it has gone: a time stands there */
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* the tap has heard of it */
	assert_int_equal(write(fd[0], "x", 1), 1);
	assert_int_equal(wait_packets(&d, "own", 4), 4);
	ok(&d, "stop own");
	ok(&d, "dismiss own");
	driver_free(&d);
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		close(other[i]);
	}
}

/* Frames: see wire/frame.h. */
static void test_foreign_bytes(void **state)
{
	static const uint8_t huge[16] = {0xff, 0xff, 0xff, 0xff, 0, 1},
			     half[10] = {0, 0, 0, 40, 0, 1};
	struct site *s = need(state);
	struct driver d;
	char junk[4096];
	int fd[3];

	for (int i = 0; i < 3; i++)
		assert_true((fd[i] = driver_socket(s->socket)) >= 0);
	memset(junk, 'x', sizeof(junk));
	assert_true(write(fd[0], junk, sizeof(junk)) > 0);
	assert_true(write(fd[1], huge, sizeof(huge)) > 0);
	assert_true(write(fd[2], half, sizeof(half)) > 0);
	/* The first two are hung up on; all we read before is HELLO. */
	for (int i = 0; i < 2; i++)
		while (read(fd[i], junk, sizeof(junk)) > 0)
			;
	connect_to(&d, s);
	assert_int_equal(driver_query(&d, 0, "sessions", NULL), 0);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	driver_free(&d);
}

/* A client that asks and never reads costs nobody anything. */
static void test_deaf_client(void **state)
{
	struct site *s = need(state);
	struct driver d;
	struct msg_query q = {.table = str_of("events"), .count = 1000, .period_ms = 100};
	const struct msg_hello hello = {.protocol = WIRE_PROTOCOL, .program = str_of("deaf")};
	struct buf payload, out;
	int fd = driver_socket(s->socket);

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&out, MSG_PAYLOAD_MAX);
	assert_int_equal(msg_put_hello(&payload, &hello), 0);
	assert_int_equal(frame_put(&out, MSG_HELLO, 0, 0, payload.data, payload.len), 0);
	buf_clear(&payload);
	assert_int_equal(msg_put_query(&payload, &q), 0);
	for (uint32_t i = 1; i < 200; i++)
		assert_int_equal(frame_put(&out, MSG_QUERY, 0, i, payload.data, payload.len), 0);
	assert_int_equal(write(fd, out.data, out.len), out.len);
	connect_to(&d, s);
	ok(&d, "new deaf device lo");
	site_traffic(100, 4000);
	assert_true(wait_packets(&d, "deaf", 100) >= 100);
	ok(&d, "stop deaf");
	ok(&d, "dismiss deaf");
	driver_free(&d);
	close(fd);
	buf_release(&payload);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_tap_killed),
		cmocka_unit_test(test_killed_at_once),
		cmocka_unit_test(test_reader_killed),
		cmocka_unit_test(test_tap_killed_busy),
		cmocka_unit_test(test_daemon_killed),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_daemon_stopped),
		cmocka_unit_test(test_daemon_killed_busy),
		cmocka_unit_test(test_foreign_bytes),
		cmocka_unit_test(test_deaf_client),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_stop_after),
		cmocka_unit_test(test_files_of_packets),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_ephemeral),
		cmocka_unit_test(test_record_on_off),
		cmocka_unit_test(test_own_traffic),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
