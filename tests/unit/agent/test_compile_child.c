/* The child that compiles: behind its walls it says what libpcap says without them, and whoever
 * took it over by a filter's text could do nothing with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <linux/landlock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#ifdef __SANITIZE_ADDRESS__
#define SANITIZER 1
#else
#define SANITIZER 0
#endif

#include "../../../backend/agent/child_sandbox.h"
#include "base/fdio.h"
#include "bpf/program.h"
#include "driver.h"

#define TEXT_HOST "filters.example"
#define LINK_TYPE 1u

/* --- the child, asked as control asks it --- */

static void request_put(struct buf *out, const char *text)
{
	const struct msg_compile m = {
		.link_type = LINK_TYPE, .snaplen = 262144, .text = str_of(text)};
	struct buf payload;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(out, MSG_PAYLOAD_MAX);
	assert_int_equal(msg_put_compile(&payload, &m), 0);
	assert_int_equal(frame_put(out, MSG_COMPILE, 0, 0, payload.data, payload.len), 0);
	buf_release(&payload);
}

static pid_t child_start(const char *program, int fd)
{
	const pid_t pid = fork();

	if (pid == 0) {
		(void)dup2(fd, 3);
		execl(program, "tapdeckd", "--compile", (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* The program, or the sentence of an error, in `out`; whether it was a program. */
static bool ask(const char *program, const char *text, struct buf *out)
{
	struct msg_program good;
	struct msg_error bad;
	struct buf request, in;
	struct frame f;
	struct err e;
	size_t used;
	ssize_t n;
	int fd[2];
	pid_t pid;

	request_put(&request, text);
	buf_init(&in, MSG_PAYLOAD_MAX);
	buf_init(out, MSG_PAYLOAD_MAX);
	assert_int_equal(fdio_socketpair(fd, &e), 0);
	pid = child_start(program, fd[1]);
	close(fd[1]);
	assert_int_equal(fdio_write_all(fd[0], request.data, request.len), 0);
	while ((n = read(fd[0], buf_reserve(&in, 65536), 65536)) > 0)
		in.len += (size_t)n;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (frame_get(in.data, in.len, &f, &used, &e) != 1)
		fail_msg("\"%s\" has no answer", text);
	if (f.type == MSG_PROGRAM) {
		assert_int_equal(msg_get_program(f.payload, f.len, &good, &e), 0);
		(void)buf_add(out, good.program.p, good.program.len);
	} else {
		assert_int_equal(msg_get_error(f.payload, f.len, &bad, &e), 0);
		(void)buf_add(out, bad.sentence.p, bad.sentence.len);
	}
	close(fd[0]);
	buf_release(&request);
	buf_release(&in);
	return f.type == MSG_PROGRAM;
}

static void same(const char *program, const char *text)
{
	struct buf free_one, walled;
	struct err e = {0};
	bool good;

	buf_init(&free_one, MSG_PAYLOAD_MAX);
	good = bpf_compile_text(LINK_TYPE, 262144, str_of(text), false, &free_one, &e) == 0;
	assert_int_equal(ask(program, text, &walled), good);
	if (!good)
		assert_string_equal(buf_str(&walled), e.text);
	else if (walled.len != free_one.len || memcmp(walled.data, free_one.data, walled.len) != 0)
		fail_msg("\"%s\" is another program behind the walls", text);
	buf_release(&walled);
	buf_release(&free_one);
}

static void test_same_answers(void **state)
{
	static const char *const texts[] = {
		"",
		"tcp port 80",
		"port http or port domain",
		"tcp portrange 1-1024 and not port ssh",
		"host localhost",
		"host 10.1.2.3 or net 192.168.0.0/16 or ip6 net 2001:db8::/32",
		"ether host 00:11:22:33:44:55 and vlan 5",
		"ip proto ospf or ip proto 47",
		"ip proto \\tcp and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
		"icmp6 or sctp or mpls or pppoes",
		"tcp prt 80",
		"port nosuchservice",
		"(tcp",
		"inbound",
	};
	struct site *s = *state;
	char *many = xstrdup("host 10.0.0.1");

	if (!s) {
		print_message("a folder of the test's own is missing: nothing is compiled\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		same(s->program, texts[i]);
	for (int i = 2; i < 250; i++) { /* memory, for the optimizer */
		char *longer = xasprintf("%s or host 10.0.0.%d", many, i);

		free(many);
		many = longer;
	}
	same(s->program, many);
	free(many);
}

/* --- names: a server of our own answers --- */

/* RFC 1035 4.1: the question comes back with one address behind it, or with none for AAAA. */
static void server_answer(int fd)
{
	static const uint8_t address[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77};
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t p[512];
	const ssize_t n =
		recvfrom(fd, p, sizeof(p) - sizeof(address), 0, (struct sockaddr *)&from, &len);
	ssize_t end = 12;

	while (end < n && p[end])
		end += p[end] + 1;
	end += 5;
	if (n < 12 || end > n)
		return;
	p[2] = 0x81;
	p[3] = 0x80;
	p[7] = p[end - 3] == 1; /* type A */
	memset(p + 8, 0, 4);
	memcpy(p + end, address, sizeof(address));
	(void)sendto(fd, p, (size_t)end + (p[7] ? sizeof(address) : 0), 0, (struct sockaddr *)&from,
		     len);
}

static pid_t server_start(void)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(53),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	pid_t pid;

	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			server_answer(fd);
	close(fd);
	return pid;
}

/* In a mount namespace of its own process; false: this machine lets nobody do that. */
static bool resolv_conf_use(const struct site *s)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/resolv.conf", s->folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	(void)!write(fd, "nameserver 127.0.0.1\n", 21);
	close(fd);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
}

static void test_names(void **state)
{
	struct site *s = *state;
	struct buf got, wanted;
	pid_t server;

	if (!s || !resolv_conf_use(s)) {
		print_message("names are asked for as root alone, in a mount namespace of the test's own\n");
		return;
	}
	server = server_start();
	assert_true(ask(s->program, "host 192.0.2.77", &wanted));
	if (!ask(s->program, "host " TEXT_HOST, &got))
		fail_msg("%s", buf_str(&got));
	assert_int_equal(got.len, wanted.len);
	assert_memory_equal(got.data, wanted.data, got.len);
	buf_release(&got);
	buf_release(&wanted);
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
}

/* --- the walls --- */

#define CAN_READ 0x3au /* bits of walls_try */

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* Each bit is something that could be done all the same. */
static unsigned walls_try(const char *own_file)
{
	static const char *const reads[] = {"/proc/self/environ", "/root", "/proc/1/cmdline"};
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};
	unsigned can = 0;

	can |= (open(own_file, O_WRONLY) >= 0) << 0;
	can |= (open(own_file, O_RDONLY) >= 0) << 1;
	can |= (open("/tmp/tapdeck-made", O_WRONLY | O_CREAT, 0600) >= 0) << 2;
	for (unsigned i = 0; i < ARRAY_LEN(reads); i++)
		can |= (unsigned)(open(reads[i], O_RDONLY) >= 0) << (3 + i);
	can |= (unsigned)(socket(AF_UNIX, SOCK_STREAM, 0) >= 0) << 6;
	can |= (unsigned)(socket(AF_NETLINK, SOCK_RAW, 0) >= 0) << 7;
	can |= (unsigned)(socket(AF_PACKET, SOCK_RAW, 0) >= 0) << 8;
	can |= (unsigned)(kill(getppid(), 0) == 0) << 9;
	can |= (unsigned)(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0) << 10;
	can |= (unsigned)(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0) != MAP_FAILED)
	       << 11;
	can |= (unsigned)(unlink(own_file) == 0) << 12;
	can |= (unsigned)(chmod(own_file, 0777) == 0) << 13;
	can |= (unsigned)(rename(own_file, "/tmp/tapdeck-moved") == 0) << 14;
	can |= (unsigned)(fork() >= 0) << 15;
	(void)execv("/bin/true", argv);
	return can;
}

static void test_walls(void **state)
{
	struct site *s = *state;
	unsigned can = ~0u;
	struct err e;
	char path[128];
	int fd[2];
	pid_t pid;

	if (!s || SANITIZER) {
		print_message("the walls are looked at as root and without a sanitizer, whose runtime needs most of what they "
			      "forbid\n");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/mine", s->folder);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (child_sandbox_compile(&e) == 0)
			can = walls_try(path);
		(void)!write(fd[1], &can, sizeof(can));
		_exit(0);
	}
	assert_int_equal(read(fd[0], &can, sizeof(can)), sizeof(can));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (!has_landlock()) {
		print_message("no Landlock here: what anybody may read stays readable\n");
		can &= ~CAN_READ;
	}
	assert_int_equal(can, 0);
	close(fd[0]);
	close(fd[1]);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_answers),
		cmocka_unit_test(test_walls),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
