/* The tap against real devices: nothing lost, nothing twice, files whole, whatever happens. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/journal.h"
#include "rig.h"

static uint8_t *seen_new(void)
{
	return xcalloc(RIG_NUMBERS, 1);
}

/* Records of a type in the journal, which must be sound up to its end. */
static uint32_t journal_count(struct rig *r, uint16_t type)
{
	static uint8_t bytes[1 << 20];
	ssize_t len = pread(r->journal_fd, bytes, sizeof(bytes), 0);
	uint64_t at = 0;
	uint32_t count = 0;
	struct journal_record rec;
	struct err e;
	int rc;

	assert_true(len > 0);
	while ((rc = journal_get(bytes + at, (size_t)len - at, at, &rec, &e)) == 1) {
		count += rec.type == type;
		at = rec.next;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(at, len);
	return count;
}

static void tools_read(struct rig *r, uint32_t number)
{
	char *command = xasprintf("tcpdump -r %s/%u -w /dev/null 2>&1 | grep -qv truncated && "
				  "capinfos -c %s/%u >/dev/null",
				  r->dir, number, r->dir, number);

	rig_run(command);
	free(command);
}

static void records_whole(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("d0", "d1");
	rig_start(&r, "d0", true);
	assert_int_equal(r.device.link_type, 1);
	assert_int_equal(r.device.nanoseconds, 1);
	assert_true(r.device.buffer_bytes >= RIG_RING_BYTES);
	rig_filter(&r, 0, "udp port 1000");
	rig_counter(&r, "add", "ip and udp[8:4] & 1 = 1", false);
	kill(r.pid, SIGSTOP); /* as on a machine that has no time for it */
	rig_traffic("d1", 1000, 0, 50000, 0);
	kill(r.pid, SIGCONT);
	rig_traffic("d1", 1001, 0, 100, 0); /* not of the filter */
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 50000);
	rig_all_once(seen, 0, 50000);
	memset(seen, 0, RIG_NUMBERS);
	assert_int_equal(rig_chunks(&r, seen), 50000);
	assert_int_equal(r.stats.packets, 50000);
	assert_int_equal(r.stats.bytes, 50000 * RIG_PACKET_BYTES);
	assert_int_equal(r.counted, 25000);
	assert_int_equal(r.stats.dropped_kernel + r.stats.dropped_buffer + r.stats.dropped_disk, 0);
	assert_int_equal(r.seals, 1);
	assert_int_equal(r.sealed.packets, 50000);
	tools_read(&r, 1);
	assert_int_equal(journal_count(&r, MSG_J_SEGMENT), 2);
	assert_int_equal(journal_count(&r, MSG_J_DEVICE), 1);
	assert_int_equal(journal_count(&r, MSG_J_END), 1);
	rig_release(&r);
	free(seen);
}

static void classic_pcap(void **state)
{
	const char *device = "d0";
	uint8_t *seen = seen_new();
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_begin(&r, &device, 1, true, "pcap", 8, NULL);
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1000, 0, 30000, 0);
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 30000);
	rig_all_once(seen, 0, 30000);
	assert_int_equal(r.sealed.packets, 30000);
	assert_int_equal(r.sealed.bytes, 24 + 30000 * (16 + RIG_PACKET_BYTES));
	rig_release(&r);
	free(seen);
}

static void filter_changes_lose_nothing(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;
	pid_t a, b;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_filter(&r, 0, "udp port 1000");
	a = rig_traffic_start("d1", 1000, 0, 40000, 0);
	b = rig_traffic_start("d1", 1001, 200000, 40000, 0);
	for (int i = 0; i < 6; i++)
		rig_filter(&r, 0, i % 2 ? "udp port 1000" : "udp port 1000 or udp port 1001");
	rig_join(a);
	rig_join(b);
	rig_stop(&r);
	rig_file(&r, 1, seen, false);
	rig_all_once(seen, 0, 40000);
	for (uint32_t i = 200000; i < 240000; i++)
		assert_true(seen[i] <= 1);
	assert_int_equal(r.stats.dropped_kernel, 0);
	assert_int_equal(journal_count(&r, MSG_J_FILTER), 6);
	rig_release(&r);
	free(seen);
}

static void rotation_loses_nothing(void **state)
{
	uint8_t *seen = seen_new();
	uint32_t total = 0;
	struct rig r;
	pid_t a;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_filter(&r, 0, "udp");
	a = rig_traffic_start("d1", 1000, 0, 60000, 0);
	for (uint32_t i = 1; i <= 4; i++) {
		rig_plain(&r, MSG_TAP_ROTATE);
		rig_wait(&r, rig_sealed, i, "a seal");
		tools_read(&r, i);
	}
	rig_join(a);
	rig_stop(&r);
	assert_int_equal(r.seals, 5);
	for (uint32_t i = 1; i <= 5; i++)
		total += rig_file(&r, i, seen, true);
	assert_int_equal(total, 60000);
	rig_all_once(seen, 0, 60000);
	rig_release(&r);
	free(seen);
}

static void own_traffic_is_left_out(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_filter(&r, 0, "udp");
	rig_counter(&r, "add", "udp port 1001", true);
	rig_traffic("d1", 1000, 0, 1000, 0);
	rig_traffic("d1", 1001, 2000, 500, 0);
	rig_wait(&r, rig_packets, 1000, "packets");
	rig_counter(&r, "remove", "udp port 1001", true);
	rig_traffic("d1", 1001, 4000, 10, 0);
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 1010);
	rig_all_once(seen, 0, 1000);
	rig_all_once(seen, 4000, 10);
	assert_int_equal(r.stats.own_packets, 500);
	assert_int_equal(r.stats.packets, 1010);
	assert_int_equal(journal_count(&r, MSG_J_OWN), 2);
	rig_release(&r);
	free(seen);
}

static void many_counters(void **state)
{
	uint8_t *seen = seen_new();
	uint64_t sum = 0;
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("m0", "m1");
	rig_start(&r, "m0", true);
	rig_filter(&r, 0, "udp");
	rig_counters(&r, "add", 0, RIG_COUNTERS);
	assert_string_equal(r.error, "");
	rig_traffic("m1", 1000, 0, 20 * RIG_COUNTERS, 0);
	rig_wait(&r, rig_packets, 20 * RIG_COUNTERS, "packets");
	rig_counters(&r, "remove", 1000, 24); /* while it runs: the others go on */
	assert_string_equal(r.error, "");
	rig_traffic("m1", 1000, 20 * RIG_COUNTERS, 20 * RIG_COUNTERS, 0);
	rig_stop(&r);
	for (uint32_t i = 0; i < RIG_COUNTERS; i++) {
		assert_int_equal(r.counts[i], i < 1000 ? 40 : 20);
		sum += r.counts[i];
	}
	assert_int_equal(sum, r.stats.packets - 20 * 24);
	/* minute, hour, last second; what was removed says its last then */
	assert_true(journal_count(&r, MSG_J_COUNTER) >= 3 * RIG_COUNTERS);
	assert_int_equal(journal_count(&r, MSG_J_FILTER), RIG_COUNTERS + 24);
	rig_release(&r);
	free(seen);
}

static void two_devices_in_order(void **state)
{
	const char *devices[] = {"d0", "e0"};
	uint8_t *seen = seen_new();
	struct rig r;
	pid_t a, b;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("e0", "e1");
	rig_begin(&r, devices, 2, true, "pcapng", 16, NULL);
	rig_filter(&r, 0, "udp");
	rig_filter(&r, 1, "udp");
	a = rig_traffic_start("d1", 1000, 0, 5000, 50);
	b = rig_traffic_start("e1", 1000, 100000, 5000, 50);
	rig_join(a);
	rig_join(b);
	rig_traffic("d1", 1000, 200000, 100, 0); /* the other is silent: it holds up nobody */
	rig_wait(&r, rig_packets, 10100, "packets");
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 10100);
	rig_all_once(seen, 0, 5000);
	rig_all_once(seen, 100000, 5000);
	rig_release(&r);
	free(seen);
}

static void device_goes_and_returns(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("g0", "g1");
	rig_start(&r, "g0", true);
	rig_filter(&r, 0, "udp");
	rig_traffic("g1", 1000, 0, 100, 0);
	rig_wait(&r, rig_packets, 100, "packets");
	rig_run("ip link set g0 down");
	rig_wait(&r, rig_told, (uintptr_t) "is down", "down");
	rig_run("ip link set g0 up && ip link set g1 up");
	rig_wait(&r, rig_told, (uintptr_t) "up again", "up");
	rig_traffic("g1", 1000, 100, 100, 0);
	rig_wait(&r, rig_packets, 200, "packets after up");
	rig_run("ip link del g0");
	rig_wait(&r, rig_told, (uintptr_t) "is gone", "gone");
	rig_veth("g0", "g1");
	rig_wait(&r, rig_told, (uintptr_t) "is back", "back");
	rig_traffic("g1", 1000, 200, 100, 0);
	rig_wait(&r, rig_packets, 300, "packets after return");
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 300);
	rig_all_once(seen, 0, 300);
	assert_int_equal(journal_count(&r, MSG_J_GAP), 1);
	rig_release(&r);
	free(seen);
}

static void killed_tap_leaves_chunks(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;
	int status;
	uint32_t n;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1000, 0, 20000, 0);
	rig_wait(&r, rig_packets, 20000, "packets");
	kill(r.pid, SIGKILL);
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	n = rig_chunks(&r, seen);
	assert_int_equal(n, 20000);
	rig_all_once(seen, 0, 20000);
	rig_release(&r);
	free(seen);
}

/* The file ends with a whole packet; what was not written is counted; counting goes on. */
static void full_disk(void **state)
{
	const char *device = "d0";
	uint8_t *seen = seen_new();
	char dir[sizeof(((struct rig *)0)->dir)];
	struct rig r;
	uint32_t n;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_run("mkdir -p /tmp/tapdeck-tap-full && mount -t tmpfs -o size=2m none "
		"/tmp/tapdeck-tap-full");
	rig_begin(&r, &device, 1, true, "pcapng", 16, "/tmp/tapdeck-tap-full");
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1000, 0, 40000, 0);
	rig_wait(&r, rig_sealed, 1, "the seal of a full disk");
	rig_traffic("d1", 1000, 40000, 1000, 0);
	rig_wait(&r, rig_packets, 41000, "counting goes on");
	rig_stop(&r);
	assert_non_null(strstr(r.event, "No space left"));
	memcpy(dir, r.dir, sizeof(dir));
	snprintf(r.dir, sizeof(r.dir), "/tmp/tapdeck-tap-full");
	n = rig_file(&r, 1, seen, true);
	assert_int_equal(n, r.sealed.packets);
	assert_true(n > 10000);
	rig_all_once(seen, 0, n);
	assert_int_equal(r.stats.dropped_disk, 41000 - n);
	assert_int_equal(r.stats.packets, 41000);
	rig_run("umount /tmp/tapdeck-tap-full && rmdir /tmp/tapdeck-tap-full");
	memcpy(r.dir, dir, sizeof(dir));
	rig_release(&r);
	free(seen);
}

static void control_that_dies(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;
	int status;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1000, 0, 5000, 0);
	shutdown(r.sock, SHUT_RDWR);
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	assert_int_equal(status, 0);
	assert_int_equal(rig_file(&r, 1, seen, true), 5000);
	assert_int_equal(atomic_load(&r.chunks.head->ended), 1);
	assert_int_equal(journal_count(&r, MSG_J_END), 1);
	rig_release(&r);
	free(seen);
}

/* What only the kernel knows holds from the first packet, also behind a change of the filter. */
static void direction_and_tags(void **state)
{
	uint8_t *seen = seen_new();
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_filter(&r, 0, "inbound and udp");
	rig_traffic("d1", 1000, 0, 100, 0);
	rig_traffic("d0", 1000, 1000, 100, 0);
	rig_filter(&r, 0, "outbound and udp and not vlan");
	rig_traffic("d1", 1000, 2000, 100, 0);
	rig_traffic("d0", 1000, 3000, 100, 0);
	rig_filter(&r, 0, "vlan 7");
	rig_traffic("d1", 1000, 4000, 100, 0);
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 200);
	rig_all_once(seen, 0, 100);
	rig_all_once(seen, 3000, 100);
	rig_release(&r);
	free(seen);
}

/* A reader that never lets go: the recording does not notice. */
static void slow_reader(void **state)
{
	const char *device = "d0";
	uint8_t *seen = seen_new();
	uint32_t marked = 0;
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_begin(&r, &device, 1, true, "pcapng", 16, NULL);
	atomic_store(&r.chunks.release->released, 0);
	rig_filter(&r, 0, "udp");
	for (uint32_t i = 0; i < 8; i++) {
		rig_traffic("d1", 1000, i * 25000, 25000, 0);
		rig_wait(&r, rig_packets, (i + 1) * 25000, "packets");
	}
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 200000);
	rig_all_once(seen, 0, 200000);
	assert_int_equal(r.stats.dropped_buffer, 0);
	for (uint64_t s = 0; s < atomic_load(&r.chunks.head->next); s++)
		marked +=
			(r.chunks.head->entry[s % CHUNK_ENTRIES].flags & CHUNK_NOT_FOR_READER) != 0;
	assert_true(marked > 3);
	rig_release(&r);
	free(seen);
}

static void what_cannot_be_opened(void **state)
{
	const char *absent = "nosuch0", *down = "f0", *some[] = {"d0", "nosuch0"},
		   *mixed[] = {"d0", "any"};
	uint8_t *seen = seen_new();
	struct rig r;
	int status;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_begin(&r, &absent, 1, true, "pcapng", 4, NULL);
	assert_non_null(strstr(r.error, "no such device"));
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	assert_int_equal(WEXITSTATUS(status), ERR_REFUSED);
	rig_release(&r);
	rig_begin(&r, some, 2, true, "pcapng", 4, NULL);
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1000, 0, 50, 0);
	rig_wait(&r, rig_packets, 50, "packets of the one that is there");
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true), 50);
	rig_release(&r);
	rig_begin(&r, mixed, 2, true, "pcap", 4, NULL);
	assert_non_null(strstr(r.error, "different link types"));
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	rig_release(&r);
	rig_run("ip link add f0 type veth peer name f1");
	rig_begin(&r, &down, 1, true, "pcapng", 4, NULL);
	assert_non_null(strstr(r.error, "is down"));
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	rig_release(&r);
	free(seen);
}

static void devices_are_listed(void **state)
{
	struct device *list;
	size_t count;
	struct err e;
	bool lo = false;

	(void)state;
	assert_int_equal(device_list(&list, &count, &e), 0);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		lo = lo ||
		     (strcmp(list[i].name, "lo") == 0 && strstr(list[i].addresses, "127.0.0.1"));
	assert_true(lo);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_listed),
		cmocka_unit_test(records_whole),
		cmocka_unit_test(classic_pcap),
		cmocka_unit_test(filter_changes_lose_nothing),
		cmocka_unit_test(rotation_loses_nothing),
		cmocka_unit_test(own_traffic_is_left_out),
		cmocka_unit_test(many_counters),
		cmocka_unit_test(two_devices_in_order),
		cmocka_unit_test(device_goes_and_returns),
		cmocka_unit_test(killed_tap_leaves_chunks),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(control_that_dies),
		cmocka_unit_test(direction_and_tags),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(what_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
