/* What a process has cost, as /proc says it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../backend/agent/usage.h"
#include "base/clock.h"

#define TOUCHED_BYTES (32u * 1024 * 1024)

/* It uses CPU until it is ended; its name would lead a careless reader astray. */
static pid_t spinner(void)
{
	int fd[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		volatile char *touched = malloc(TOUCHED_BYTES);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)prctl(PR_SET_NAME, "a) 1 2 (3) ", 0, 0, 0);
		for (size_t i = 0; touched && i < TOUCHED_BYTES; i += 1024)
			touched[i] = 1;
		(void)!write(fd[1], "x", 1);
		for (volatile unsigned i = 0;; i++)
			;
	}
	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

static void test_child(void **state)
{
	const int64_t start_ns = clock_mono_ns();
	struct usage_rate rate = {0};
	struct usage u = {0};
	pid_t pid = spinner();

	(void)state;
	do /* it has its share of a busy machine sometime */
		assert_int_equal(usage_of(pid, &u), 0);
	while (u.cpu_ns < 100 * NS_PER_MS);
	assert_true(u.cpu_ns <= clock_mono_ns() - start_ns + 20 * NS_PER_MS);
	assert_true(u.memory_bytes >= TOUCHED_BYTES);
	assert_true(u.memory_bytes < 64ull * TOUCHED_BYTES);
	usage_look(&rate, &pid, 1, NS_PER_S);
	assert_true(rate.cpu_percent < 0); /* one look is no rate */
	assert_true(rate.memory_bytes >= TOUCHED_BYTES);
	rate.cpu_ns -= 50 * NS_PER_MS; /* as if it had used so much since */
	usage_look(&rate, &pid, 1, 2 * NS_PER_S);
	assert_true(rate.cpu_percent >= 5.0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(usage_of(pid, &u), -1);
	usage_look(&rate, &pid, 1, 3 * NS_PER_S);
	assert_true(rate.cpu_percent < 0);
	assert_int_equal(rate.memory_bytes, 0);
}

static void test_self_and_nobody(void **state)
{
	const pid_t none[] = {0, -1};
	struct usage_rate rate = {0};
	struct usage u;

	(void)state;
	assert_int_equal(usage_of(0, &u), 0);
	assert_true(u.memory_bytes > 0 && u.shared_bytes <= u.memory_bytes);
	usage_look(&rate, none, 2, NS_PER_S);
	assert_int_equal(rate.memory_bytes, 0);
	assert_true(rate.cpu_percent < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_self_and_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
