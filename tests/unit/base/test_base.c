/* Addresses, words, maps, buffers, errors, checksums, paths, programs that are started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/crc.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/map.h"
#include "base/paths.h"
#include "base/spawn.h"
#include "base/words.h"
#include "base/xalloc.h"

/* The cases of RFC 5952, sections 4 and 5, and of its errata's discussion. */
static void test_ip6_text(void **state)
{
	static const char *const cases[][2] = {
		{"2001:0db8::0001", "2001:db8::1"},
		{"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:DB8::ABCD", "2001:db8::abcd"},
		{"::", "::"},
		{"::1", "::1"},
		{"fe80::", "fe80::"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"},
		{"0:2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"1:2:3:4:5:6::", "1:2:3:4:5:6::"},
		{"10.1.2.3", "10.1.2.3"},
		{"255.255.255.255", "255.255.255.255"},
		{"00:1B:44:11:3a:b7", "00:1b:44:11:3a:b7"},
	};
	char text[ADDR_TEXT_MAX];
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(addr_parse(str_of(cases[i][0]), &a, NULL), 0);
		assert_string_equal(addr_text(&a, text), cases[i][1]);
	}
}

static void test_addr_wrong(void **state)
{
	static const char *const bad[] = {"",		"10.1.2",  "10.1.2.256",
					  "10.1.2.3.4", "1::2::3", "g::1",
					  "10.1.2.3 ",	"host",	   "00:1b:44:11:3a"};
	struct addr a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(addr_parse(str_of(bad[i]), &a, &e), -1);
		assert_int_equal(e.code, ERR_CALL);
	}
	assert_int_equal(addr_parse((struct str){"1.2.3.4\0x", 9}, &a, NULL), -1);
}

static bool in_net(const char *text, const char *net)
{
	struct addr a, n;
	unsigned bits;

	assert_int_equal(addr_parse(str_of(text), &a, NULL), 0);
	assert_int_equal(addr_parse_net(str_of(net), &n, &bits, NULL), 0);
	return addr_in_net(&a, &n, bits);
}

static void test_nets(void **state)
{
	struct addr n;
	unsigned bits;

	(void)state;
	assert_true(in_net("10.1.2.3", "10.0.0.0/8"));
	assert_true(in_net("10.1.2.3", "10.1/16"));
	assert_true(in_net("10.1.2.3", "10"));
	assert_false(in_net("11.1.2.3", "10"));
	assert_true(in_net("10.1.2.131", "10.1.2.128/25"));
	assert_false(in_net("10.1.2.127", "10.1.2.128/25"));
	assert_true(in_net("1.2.3.4", "0.0.0.0/0"));
	assert_false(in_net("::1", "0.0.0.0/0"));
	assert_true(in_net("2001:db8:1::5", "2001:db8::/32"));
	assert_false(in_net("2001:db9::5", "2001:db8::/32"));
	assert_true(in_net("::1", "::1"));
	assert_int_equal(addr_parse_net(str_of("10.0.0.0/33"), &n, &bits, NULL), -1);
	assert_int_equal(addr_parse_net(str_of("10.0.0.0/"), &n, &bits, NULL), -1);
	assert_int_equal(addr_parse_net(str_of("::/129"), &n, &bits, NULL), -1);
	assert_int_equal(addr_parse_net(str_of("1.2.3.4.5/8"), &n, &bits, NULL), -1);
}

static void test_words(void **state)
{
	struct words w;
	struct err e;

	(void)state;
	assert_int_equal(words_parse(&w, " new 'a b'c \"d \\\" \\\\\" e\\ f '' # rest", &e), 0);
	assert_int_equal(w.count, 5);
	assert_string_equal(w.word[1], "a bc");
	assert_string_equal(w.word[2], "d \" \\");
	assert_string_equal(w.word[3], "e f");
	assert_string_equal(w.word[4], "");
	assert_null(w.word[5]);
	assert_int_equal(w.at[1], 5);
	words_release(&w);
	assert_int_equal(words_parse(&w, "a#b #c", &e), 0);
	assert_int_equal(w.count, 1);
	assert_string_equal(w.word[0], "a#b");
	words_release(&w);
	assert_int_equal(words_parse(&w, "", &e), 0);
	assert_int_equal(w.count, 0);
	words_release(&w);
	assert_int_equal(words_parse(&w, "ab 'cd", &e), -1);
	assert_int_equal(e.at, 3);
	assert_int_equal(words_parse(&w, "ab\\", &e), -1);
	assert_int_equal(e.at, 2);
}

static void test_words_limits(void **state)
{
	char *line = xmalloc(WORDS_LINE_MAX + 2);
	struct words w;
	struct err e;

	(void)state;
	memset(line, 'a', WORDS_LINE_MAX + 1);
	line[WORDS_LINE_MAX + 1] = 0;
	assert_int_equal(words_parse(&w, line, &e), -1);
	for (int i = 0; i <= WORDS_MAX * 2; i++)
		line[i] = i % 2 ? ' ' : 'a';
	line[WORDS_MAX * 2 + 1] = 0;
	assert_int_equal(words_parse(&w, line, &e), -1);
	line[WORDS_MAX * 2 - 1] = 0;
	assert_int_equal(words_parse(&w, line, &e), 0);
	assert_int_equal(w.count, WORDS_MAX);
	words_release(&w);
	free(line);
}

static void test_quote_round_trip(void **state)
{
	static const char alphabet[] = "ab '\"\\#\n\t$";
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char word[9] = "";
		struct words w;
		struct buf b;

		for (int i = 0; i < (round % 9 > 8 ? 8 : round % 9); i++) {
			seed = seed * 1103515245u + 12345u;
			word[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		buf_init(&b, 256);
		words_quote(&b, word);
		assert_int_equal(words_parse(&w, buf_str(&b), NULL), 0);
		assert_int_equal(w.count, 1);
		assert_string_equal(w.word[0], word);
		words_release(&w);
		buf_release(&b);
	}
}

static void test_map(void **state)
{
	struct map *m = map_new(10000);
	static int value[10001];
	size_t iter = 0, seen = 0, len;
	const void *key;
	void *v;

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(map_put(m, &i, sizeof(i), &value[i]), 0);
	assert_int_equal(map_put(m, "more", 4, &value[0]), -1);
	for (int i = 0; i < 10000; i += 2)
		assert_ptr_equal(map_remove(m, &i, sizeof(i)), &value[i]);
	assert_int_equal(map_count(m), 5000);
	for (int i = 0; i < 10000; i++)
		assert_ptr_equal(map_get(m, &i, sizeof(i)), i % 2 ? &value[i] : NULL);
	while (map_next(m, &iter, &key, &len, &v)) {
		int i;

		memcpy(&i, key, sizeof(i));
		assert_ptr_equal(v, &value[i]);
		assert_ptr_equal(map_remove(m, &i, sizeof(i)), v);
		seen++;
	}
	assert_int_equal(seen, 5000);
	assert_int_equal(map_count(m), 0);
	for (int round = 0; round < 200000;
	     round++) { /* marks of what was removed do not pile up */
		assert_int_equal(map_put(m, &round, sizeof(round), &value[0]), 0);
		assert_non_null(map_remove(m, &round, sizeof(round)));
	}
	assert_int_equal(map_put(m, "", 0, &value[1]), 0);
	assert_ptr_equal(map_get(m, "", 0), &value[1]);
	map_free(m);
	assert_int_equal(map_seed(), map_seed());
}

static void test_buf(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_printf(&b, "%s", "12345"), 0);
	assert_int_equal(buf_printf(&b, "%s", "678901"), -1);
	assert_string_equal(buf_str(&b), "12345");
	assert_int_equal(buf_add_u32(&b, 0x41424344), 0);
	assert_int_equal(buf_add_u16(&b, 1), -1);
	assert_string_equal(buf_str(&b), "12345ABCD");
	buf_consume(&b, 5);
	assert_string_equal(buf_str(&b), "ABCD");
	assert_null(buf_reserve(&b, 7));
	assert_non_null(buf_reserve(&b, 6));
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void test_err(void **state)
{
	char big[3 * ERR_TEXT_MAX];
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, ERR_REFUSED, "no \x1b[2J%s", "a\nb"), -1);
	assert_string_equal(e.text, "no \\x1b[2Ja\\x0ab");
	assert_int_equal(e.at, -1);
	err_wrap(&e, "while reading %s", "x\x07");
	assert_string_equal(e.text, "while reading x\\x07: no \\x1b[2Ja\\x0ab");
	assert_int_equal(e.code, ERR_REFUSED);
	assert_int_equal(err_at(&e, 7, "here"), -1);
	assert_int_equal(e.at, 7);
	assert_int_equal(e.code, ERR_CALL);
	for (size_t i = 0; i + 1 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xbc", 2);
	big[sizeof(big) - 1] = 0;
	err_set(&e, ERR_PART, "x%s", big);
	assert_true(strlen(e.text) >= ERR_TEXT_MAX - 3);
	assert_null(strchr(e.text, '\\')); /* cut between characters */
	assert_int_equal(err_set(NULL, ERR_PART, "nobody listens"), -1);
	errno = ENOENT;
	err_errno(&e, ERR_ABSENT, "could not open %s", "/x");
	assert_string_equal(e.text, "could not open /x: No such file or directory");
}

/* The check values of RFC 3720, B.4. */
static void test_crc(void **state)
{
	uint8_t bytes[32];

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
	assert_int_equal(crc32c(crc32c(0, bytes, 7), bytes + 7, 25), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
}

static void read_until_end(int fd, char *text, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, text + n, room - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = 0;
}

/* The descriptors arrive at the places asked for, whatever numbers they had, and no other comes
 * along. */
static void test_spawn_descriptors(void **state)
{
	const char *const argv[] = {
		"sh", "-c", "echo 0 >&0; echo 1; echo 2 >&2; echo 3 >&3; ls /proc/self/fd | wc -l",
		NULL};
	int one[2], two[2], extra;
	char text[256];
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(one, O_CLOEXEC), 0);
	assert_int_equal(pipe2(two, O_CLOEXEC), 0);
	extra = dup(one[0]); /* not CLOEXEC: must not leak */
	struct spawn s = {.path = "/bin/sh",
			  .argv = (char *const *)(uintptr_t)argv,
			  .fd = {one[1], one[1], two[1], two[1]},
			  .nfd = 4,
			  .no_new_privs = true,
			  .die_with_parent = true};
	pid = spawn_start(&s, &e);
	assert_true(pid > 0);
	close(one[1]);
	close(two[1]);
	read_until_end(one[0], text, sizeof(text));
	assert_string_equal(text, "0\n1\n5\n"); /* 0 to 3, and the folder that ls itself reads */
	read_until_end(two[0], text, sizeof(text));
	assert_string_equal(text, "2\n3\n");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(one[0]);
	close(two[0]);
	close(extra);
}

/* What a command of a user's is given: their ids and groups, a folder, limits, a place behind others. */
static void test_spawn_as_other(void **state)
{
	static const gid_t groups[] = {65534, 4242};
	const struct spawn_as nobody = {.uid = 65534, .gid = 65534, .group = groups, .ngroups = 2};
	const char *const argv[] = {"sh", "-c",
				    "pwd; nice; ulimit -n; ulimit -c; id -u; id -g; id -G; "
				    "grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/self/status",
				    NULL};
	const bool root = geteuid() == 0;
	char text[512];
	int out[2], folder;
	struct err e;
	pid_t pid;

	(void)state;
	folder = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder > 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct spawn s = {.path = "/bin/sh",
			  .argv = (char *const *)(uintptr_t)argv,
			  .fd = {-1, out[1], 2},
			  .nfd = 3,
			  .no_new_privs = true,
			  .die_with_parent = true,
			  .as = root ? &nobody : NULL,
			  .folder = folder,
			  .nice = 3,
			  .idle_io = true,
			  .limit = {{RLIMIT_NOFILE, 77}, {RLIMIT_CORE, 0}},
			  .nlimits = 2};
	const int usual = getpriority(PRIO_PROCESS, 0);
	char wanted[128];

	pid = spawn_start(&s, &e);
	assert_true(pid > 0);
	close(out[1]);
	read_until_end(out[0], text, sizeof(text));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	snprintf(wanted, sizeof(wanted), "/usr\n%d\n77\n0\n", usual + 3 > 19 ? 19 : usual + 3);
	assert_memory_equal(text, wanted, strlen(wanted));
	if (root) {
		assert_non_null(strstr(text, "\n0\n65534\n65534\n65534 4242\n"));
		assert_non_null(strstr(text, "CapPrm:\t0000000000000000\n"));
		assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
	}
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
	s.nlimits = SPAWN_LIMITS_MAX + 1;
	assert_int_equal(spawn_start(&s, &e), -1);
	close(out[0]);
	close(folder);
}

/* A folder that the other may not enter: nothing is run. */
static void test_spawn_elsewhere(void **state)
{
	const struct spawn_as nobody = {.uid = 65534, .gid = 65534};
	char path[] = "/tmp/tapdeck-spawn-XXXXXX";
	const char *const argv[] = {"true", NULL};
	int folder;
	struct err e;

	(void)state;
	if (geteuid() != 0)
		return;
	assert_non_null(mkdtemp(path)); /* 0700 */
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct spawn s = {.path = "/bin/true",
			  .argv = (char *const *)(uintptr_t)argv,
			  .fd = {-1, -1, 2},
			  .nfd = 3,
			  .as = &nobody,
			  .folder = folder};

	assert_int_equal(spawn_start(&s, &e), -1);
	close(folder);
	(void)rmdir(path);
}

static void test_spawn_fails_here(void **state)
{
	const char *const argv[] = {"nothing", NULL};
	struct spawn s = {.path = "/nonexistent/program",
			  .argv = (char *const *)(uintptr_t)argv,
			  .fd = {-1, -1, 2},
			  .nfd = 3};
	struct err e;
	int status;

	(void)state;
	assert_int_equal(spawn_start(&s, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1); /* nobody is left to be reaped */
	assert_null(spawn_sibling("no-such-sibling", &e));
	assert_non_null(strstr(e.text, "no-such-sibling"));
}

static void test_spawn_signals(void **state)
{
	const char *const argv[] = {"sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status", NULL};
	struct spawn s = {.path = "/bin/sh",
			  .argv = (char *const *)(uintptr_t)argv,
			  .fd = {-1, -1, -1},
			  .nfd = 3,
			  .new_session = true};
	sigset_t block, before;
	unsigned long long ignored;
	const char *at;
	char text[256];
	int out[2];
	pid_t pid;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	s.fd[1] = out[1];
	pid = spawn_start(&s, NULL);
	close(out[1]);
	read_until_end(out[0], text, sizeof(text));
	close(out[0]);
	waitpid(pid, NULL, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
	at = strstr(text, "SigIgn:");
	assert_non_null(at);
	ignored = strtoull(at + 7, NULL, 16); /* whatever started this test may ignore others */
	assert_int_equal(ignored >> (SIGPIPE - 1) & 1, 0);
	assert_int_equal(ignored >> (SIGCHLD - 1) & 1, 0);
}

static void test_fds_pass(void **state)
{
	int pair[2], fd[2], got[2];
	char byte = 0;
	size_t n = 1;
	struct stat st;

	(void)state;
	assert_int_equal(fdio_socketpair(pair, NULL), 0);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fdio_send(pair[0], "x", 1, fd, 2), 1);
	assert_int_equal(fdio_recv(pair[1], &byte, 1, got, &n), 1);
	assert_int_equal(n, 1); /* room for one: the other is closed, not leaked */
	assert_int_equal(fcntl(got[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(got[0], &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(fstat(got[0] + 1, &st), -1);
	close(got[0]);
	close(pair[0]);
	n = 1;
	assert_int_equal(fdio_recv(pair[1], &byte, 1, got, &n), 0);
	close(pair[1]);
	close(fd[0]);
	close(fd[1]);
}

static void test_folders_and_paths(void **state)
{
	char base[] = "/tmp/tapdeck-test-XXXXXX";
	char *folder, *file;
	struct stat st;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(base));
	folder = xasprintf("%s/a/b/c", base);
	assert_int_equal(fdio_make_folder(folder, &e), 0);
	assert_int_equal(fdio_make_folder(folder, &e), 0);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	file = xasprintf("%s/file", folder);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	free(folder);
	folder = xasprintf("%s/under", file);
	assert_int_equal(fdio_make_folder(folder, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	free(folder);
	setenv("XDG_CONFIG_HOME", base, 1);
	unsetenv("TAPDECK_CONFIG");
	folder = paths_config();
	assert_memory_equal(folder, base, strlen(base));
	assert_string_equal(folder + strlen(base), "/tapdeck/tapdeck.conf");
	free(folder);
	setenv("TAPDECK_SOCKET", "/tmp/own-socket", 1);
	folder = paths_socket_own(0, &e);
	assert_string_equal(folder, "/tmp/own-socket");
	free(folder);
	unlink(file);
	free(file);
	for (const char *const *part = (const char *const[]){"/a/b/c", "/a/b", "/a", "", NULL};
	     *part; part++) {
		folder = xasprintf("%s%s", base, *part);
		assert_int_equal(rmdir(folder), 0);
		free(folder);
	}
}

static void test_log_line(void **state)
{
	char text[512];
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	log_info("not heard");
	log_open(fd[1], LOG_LEVEL_INFO, "test");
	log_debug("not this");
	log_warn("host said %s", "\x1b]0;title\x07");
	log_open(-1, LOG_LEVEL_INFO, "test");
	close(fd[1]);
	read_until_end(fd[0], text, sizeof(text));
	close(fd[0]);
	assert_non_null(strstr(text, " warn test["));
	assert_non_null(strstr(text, "] host said \\x1b]0;title\\x07\n"));
	assert_null(strstr(text, "not"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip6_text),
		cmocka_unit_test(test_addr_wrong),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_limits),
		cmocka_unit_test(test_quote_round_trip),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_spawn_descriptors),
		cmocka_unit_test(test_spawn_as_other),
		cmocka_unit_test(test_spawn_elsewhere),
		cmocka_unit_test(test_spawn_fails_here),
		cmocka_unit_test(test_spawn_signals),
		cmocka_unit_test(test_fds_pass),
		cmocka_unit_test(test_folders_and_paths),
		cmocka_unit_test(test_log_line),
	};

	(void)signal(SIGCHLD, SIG_DFL); /* ignored by who started us, children would reap themselves */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
