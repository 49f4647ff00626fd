/* A second thread counts the same as the first does: connections, totals, tags and rows, whatever
 * the packets are and however they are handed over; and it stands in the sandbox too. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../backend/reader/state.h"
#include "flow/figures.h"
#include "../decode/packets.h"

#define PACKETS 20000u
#define ROWS_MAX 15000u /* fewer than packets */

struct counts {
	struct capture capture;
	struct index index;
};

static void counts_open(struct counts *s)
{
	static const struct flows_options none;

	capture_init(&s->capture, &none, false, false);
	index_init(&s->index);
}

static void counts_close(struct counts *s)
{
	capture_release(&s->capture);
	index_release(&s->index);
}

static void put_ip4_of(struct made *m, unsigned n, unsigned protocol, unsigned payload,
		       unsigned fragment)
{
	put16(m, 0x4500);
	put16(m, 20 + payload);
	put16(m, n);
	put16(m, fragment);
	put16(m, 64u << 8 | protocol);
	put16(m, 0);
	put32(m, 0x0a000001 + n % 251);
	put32(m, 0x0a010001 + n % 17);
}

/* What stands in a header of data: nothing, timestamps in the usual order and in another, a block
 * of SACK. */
static unsigned put_options(struct made *m, unsigned n)
{
	static const uint8_t options[3][12] = {{1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9},
					       {8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 1},
					       {1, 1, 5, 10, 0, 0, 9, 0, 0, 0, 9, 9}};

	for (unsigned i = 0; m && n % 4 && i < sizeof(options[0]); i++)
		put8(m, options[n % 4 - 1][i]);
	return n % 4 ? sizeof(options[0]) : 0;
}

/* A SYN with options, or data; now and then out of order or once more. */
static void put_segment(struct made *m, unsigned n)
{
	const bool syn = n < 2000;
	const unsigned payload = syn ? 0 : 10, options = syn ? 8 : put_options(NULL, n);

	put_ip4_of(m, n, 6, 20 + options + payload, 0);
	put16(m, 1024 + n % 251);
	put16(m, 80);
	put32(m, syn ? 1000 : 1001 + (n * 7919u) % 400 * 10);
	put32(m, 0);
	put16(m, (20 + options) / 4 << 12 | (syn ? 0x02 : n % 11 ? 0x10 : 0x30));
	put16(m, 5000);
	put32(m, n % 11 ? 0 : 3); /* no checksum; an urgent pointer */
	if (syn) {
		put32(m, 0x020405b4);
		put32(m, 0x01030307);
	} else {
		put_options(m, n);
	}
	for (unsigned i = 0; i < payload; i++)
		put8(m, 'x');
}

static void put_udp6(struct made *m, unsigned n)
{
	put32(m, 0x60000000);
	put16(m, 8 + 4);
	put16(m, 17u << 8 | 64);
	for (unsigned i = 0; i < 2; i++) {
		put32(m, 0xfd000000);
		put32(m, 0);
		put32(m, 0);
		put32(m, n % 97 + i);
	}
	put16(m, 5000 + n % 97);
	put16(m, 6000);
	put16(m, 8 + 4);
	put16(m, 0);
	put32(m, n);
}

static void put_packet(struct made *m, unsigned n)
{
	m->len = 0;
	put_eth(m, n % 5 == 3 ? 0x86dd : n % 5 == 4 ? 0x0806 : 0x0800);
	if (n % 5 == 3) {
		put_udp6(m, n);
	} else if (n % 5 == 4) {
		put32(m, 0x00010800);
		put32(m, 0x06040001);
	} else if (n % 50 == 7) { /* a later fragment without its first */
		put_ip4_of(m, n, 17, 8, 100);
		put32(m, 0);
		put32(m, 0);
	} else {
		put_segment(m, n);
	}
}

static void feed(struct counter *k, struct counts *s, bool now, unsigned from, unsigned to)
{
	struct made m;

	counter_begin(k, &s->capture, &s->index, ROWS_MAX, now);
	for (unsigned n = from; n < to; n++) {
		put_packet(&m, n);
		const struct taken t = {
			.pk = {.data = m.bytes,
			       .captured = m.len,
			       .length = m.len + n % 3,
			       .link_type = 1,
			       .ts_ns = INT64_C(1700000000000000000) + n * INT64_C(1000000),
			       .has_time = n % 1000 != 5,
			       .number = n + 1,
			       .offset = 24 + n * 100},
			.place = 24 + n * 100,
			.interface = n % 2,
			.shown = n % 2};

		counter_add(k, &t);
	}
	counter_wait(k);
}

static void figures_same(const struct flows *a, const struct flows *b, uint64_t number)
{
	struct flow_figures of_a, of_b;

	for (unsigned i = 0; i < 2; i++) {
		assert_true(flows_figures(a, number, i, &of_a));
		assert_true(flows_figures(b, number, i, &of_b));
		assert_memory_equal(&of_a, &of_b, sizeof(of_a));
	}
}

static void assert_same(const struct counts *a, const struct counts *b)
{
	struct index_entry x = {0}, y = {0};
	unsigned u, v;

	assert_int_equal(a->capture.totals.packets, PACKETS);
	assert_int_equal(a->capture.totals.wire_bytes, b->capture.totals.wire_bytes);
	assert_int_equal(a->capture.totals.other_packets, b->capture.totals.other_packets);
	assert_int_equal(a->capture.totals.interface[1].bytes,
			 b->capture.totals.interface[1].bytes);
	assert_int_equal(a->capture.nwaiting, b->capture.nwaiting);
	assert_int_equal(flows_count(a->capture.flows), flows_count(b->capture.flows));
	assert_true(flows_count(a->capture.flows) > 300);
	for (uint64_t i = 0; i < flows_count(a->capture.flows); i++) {
		assert_memory_equal(flows_at(a->capture.flows, i), flows_at(b->capture.flows, i),
				    sizeof(struct connection));
		figures_same(a->capture.flows, b->capture.flows, i + 1);
	}
	assert_int_equal(index_count(&a->index), ROWS_MAX);
	assert_int_equal(index_count(&b->index), ROWS_MAX);
	for (uint64_t row = 0; row < ROWS_MAX; row++) {
		assert_true(index_get(&a->index, row, &x) && index_get(&b->index, row, &y));
		assert_memory_equal(&x, &y, sizeof(x));
		assert_int_equal(capture_connection(&a->capture, row, &u),
				 capture_connection(&b->capture, row, &v));
		assert_int_equal(u, v);
	}
}

static void test_the_same(void **state)
{
	struct counter *k = counter_new();
	struct counts one, two;

	(void)state;
	counts_open(&one);
	counts_open(&two);
	feed(k, &one, true, 0, PACKETS);
	/* Handed over in pieces of every size, one of them many times what the ring holds. */
	feed(k, &two, false, 0, 1);
	for (unsigned n = 1; n < 2000; n += n % 70 + 1)
		feed(k, &two, false, n, n + n % 70 + 1 < 2000 ? n + n % 70 + 1 : 2000);
	feed(k, &two, false, 2000, PACKETS);
	assert_same(&one, &two);
	counts_close(&one);
	counts_close(&two);
	counter_free(k);
}

/* --- the sandbox --- */

static void sandboxed(int ready, int go)
{
	struct counter *k = counter_new();
	struct err e;
	char byte = 0;

	if (!k || reader_sandbox_enter(&e) < 0)
		_exit(1);
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(2);
	counter_free(k);
	_exit(0);
}

/* Threads of the process that a seccomp filter holds, and all of them. */
static void threads_count(pid_t pid, unsigned *held, unsigned *all)
{
	char command[128], line[128];

	*held = *all = 0;
	(void)snprintf(command, sizeof(command), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(command);

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(command, sizeof(command), "/proc/%d/task/%.20s/status", (int)pid,
			       entry->d_name);
		FILE *f = fopen(command, "r");

		assert_non_null(f);
		++*all;
		while (fgets(line, sizeof(line), f))
			*held += strcmp(line, "Seccomp:\t2\n") == 0;
		(void)fclose(f);
	}
	(void)closedir(dir);
}

static void test_in_the_sandbox(void **state)
{
	int ready[2], go[2], status;
	unsigned held, all;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	(void)fflush(NULL);
	pid_t pid = fork();

	if (pid == 0)
		sandboxed(ready[1], go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	threads_count(pid, &held, &all);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(held, all);
	assert_int_equal(all, sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same),
					   cmocka_unit_test(test_in_the_sandbox)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
