/* The past that a tap holds, one packet in N, and what a match asks for: against real devices. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../backend/tap/save.h"
#include "rig.h"

#define PAST_BYTES (2u << 20)
#define BLOCK_BYTES (32 + RIG_PACKET_BYTES) /* of a packet in pcapng */

static void begin(struct rig *r, const char *const *devices, size_t count, struct msg_tap_start m)
{
	m.session = str_of("test");
	m.buffer_bytes = RIG_RING_BYTES;
	m.chunks = 8;
	if (!m.file_format.len)
		m.file_format = str_of("pcapng");
	rig_begin_as(r, devices, count, m, 8, NULL);
	if (r->error[0])
		fail_msg("%s", r->error);
}

static void begin_one(struct rig *r, struct msg_tap_start m)
{
	const char *device = "d0";

	begin(r, &device, 1, m);
	rig_filter(r, 0, "udp");
}

/* What a file has is the numbers from one on without a hole; that one. */
static uint32_t run_of(const uint8_t *seen, uint32_t count)
{
	uint32_t first = 0;

	while (!seen[first])
		first++;
	rig_all_once(seen, first, count);
	return first;
}

static void the_last_of_it_is_saved(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;
	uint32_t n;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("d0", "d1");
	begin_one(&r, (struct msg_tap_start){.past_bytes = PAST_BYTES});
	rig_traffic("d1", 1000, 0, 100000, 0); /* more than all slots hold */
	rig_wait(&r, rig_packets, 100000, "packets");
	assert_true(r.stats.past_bytes <= PAST_BYTES &&
		    r.stats.past_bytes > PAST_BYTES - 2 * BLOCK_BYTES);
	assert_true(r.stats.past_ns > 0);
	rig_save(&r, 1);
	rig_wait(&r, rig_sealed, 1, "the save");
	n = rig_file(&r, 1, seen, true);
	assert_int_equal(n, r.sealed.packets);
	assert_true(n > PAST_BYTES / BLOCK_BYTES - 2 && n <= PAST_BYTES / BLOCK_BYTES);
	assert_int_equal(run_of(seen, n), 100000 - n);
	assert_int_equal(r.saved.number, 1);
	assert_int_equal(r.saved.first_packet, 100000 - n);
	rig_stop(&r);
	assert_int_equal(r.needs, 0); /* nothing is recorded */
	assert_int_equal(r.stats.dropped_buffer + r.stats.dropped_kernel, 0);
	rig_release(&r);
	free(seen);
}

/* Each save is a run of numbers while packets come; none is lost for it; two at once are refused,
 * and a tap that is told to end writes the one that was asked for. */
static void capture_goes_on_beside_it(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;
	pid_t sender;

	(void)state;
	if (!rig_namespace())
		skip();
	begin_one(&r, (struct msg_tap_start){.past_bytes = PAST_BYTES});
	rig_traffic("d1", 1000, 0, 30000, 0);
	sender = rig_traffic_start("d1", 1000, 30000, 150000, 0);
	for (uint32_t i = 1; i <= 5; i++) {
		rig_save(&r, i);
		rig_wait(&r, rig_sealed, i, "a save");
		memset(seen, 0, RIG_NUMBERS);
		assert_int_equal(rig_file(&r, i, seen, true), r.sealed.packets);
		assert_int_equal(run_of(seen, (uint32_t)r.sealed.packets), r.saved.first_packet);
	}
	rig_join(sender);
	rig_wait(&r, rig_packets, 180000, "packets");
	rig_save(&r, 6);
	rig_stop(&r);
	assert_int_equal(r.seals, 6);
	memset(seen, 0, RIG_NUMBERS);
	assert_int_equal(run_of(seen, rig_file(&r, 6, seen, true)), r.saved.first_packet);
	assert_int_equal(seen[179999], 1);
	assert_int_equal(r.stats.packets, 180000);
	assert_int_equal(r.stats.dropped_buffer + r.stats.dropped_kernel, 0);
	rig_release(&r);
	free(seen);
}

static bool window_empty(struct rig *r, uint64_t packets)
{
	return r->stats.packets >= packets && r->stats.past_bytes == 0;
}

static void a_time_bounds_it(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	begin_one(&r, (struct msg_tap_start){.past_bytes = PAST_BYTES, .past_ns = 3 * NS_PER_S});
	rig_traffic("d1", 1000, 0, 500, 0);
	rig_wait(&r, window_empty, 500, "the window to go on");
	rig_traffic("d1", 1000, 500, 100, 0);
	rig_save(&r, 1);
	rig_wait(&r, rig_sealed, 1, "the save");
	assert_int_equal(rig_file(&r, 1, seen, true), 100);
	rig_all_once(seen, 500, 100);
	assert_int_equal(r.saved.first_packet, 500);
	rig_wait(&r, window_empty, 600, "the window to go on");
	rig_save(&r, 2);
	rig_wait(&r, rig_sealed, 2, "a save of nothing");
	assert_int_equal(rig_file(&r, 2, seen, true), 0); /* an empty capture is one */
	assert_int_equal(r.saved.first_packet, 600);
	rig_stop(&r);
	rig_release(&r);
	free(seen);
}

/* Recorded packets and saved ones do not get into each other's files; classic pcap in microseconds.
 */
static void beside_a_recording(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct msg_tap_record on = {.on = 1};
	struct rig r;
	struct buf b;

	(void)state;
	if (!rig_namespace())
		skip();
	begin_one(&r, (struct msg_tap_start){.past_bytes = PAST_BYTES,
					     .file_format = str_of("pcap"),
					     .microseconds = 1});
	assert_int_equal(r.device.nanoseconds, 0);
	rig_traffic("d1", 1000, 0, 1000, 0);
	rig_wait(&r, rig_packets, 1000, "packets");
	buf_init(&b, 64);
	msg_put_tap_record(&b, &on);
	rig_ask(&r, MSG_TAP_RECORD, &b); /* segment 1 */
	buf_release(&b);
	rig_traffic("d1", 1000, 1000, 1000, 0);
	rig_wait(&r, rig_packets, 2000, "packets");
	rig_save(&r, 2);
	rig_wait(&r, rig_sealed, 1, "the save");
	assert_int_equal(r.sealed.number, 2);
	assert_int_equal(rig_file(&r, 2, seen, true), 2000);
	rig_all_once(seen, 0, 2000);
	assert_int_equal(r.sealed.bytes, 24 + 2000 * (16 + RIG_PACKET_BYTES));
	rig_stop(&r);
	memset(seen, 0, RIG_NUMBERS);
	assert_int_equal(rig_file(&r, 1, seen, true), 1000);
	rig_all_once(seen, 1000, 1000);
	rig_release(&r);
	free(seen);
}

/* Of two devices that are merged: every fifth of all, and the past is of those. */
static void one_packet_in_five(void **state)
{
	const char *devices[] = {"d0", "e0"};
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;
	uint32_t n;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("e0", "e1");
	begin(&r, devices, 2, (struct msg_tap_start){.past_bytes = PAST_BYTES, .sample = 5});
	rig_filter(&r, 0, "udp");
	rig_filter(&r, 1, "udp");
	rig_counter(&r, "add", "udp", false);
	rig_traffic("d1", 1000, 0, 2003, 0);
	rig_traffic("e1", 1000, 10000, 2003, 0);
	rig_wait(&r, rig_packets, 4006, "packets");
	rig_save(&r, 1);
	rig_wait(&r, rig_sealed, 1, "the save");
	n = rig_file(&r, 1, seen, true);
	assert_int_equal(n, 4006 / 5);
	assert_int_equal(r.stats.packets, 4006);
	rig_stop(&r);
	rig_release(&r);
	free(seen);
}

static bool rig_matched(struct rig *r, uint64_t v)
{
	return r->matches >= v;
}

static void matches_ask_and_end(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_start(&r, "d0", true);
	rig_when(&r, "save", "udp port 1001");
	assert_string_equal(r.error, "");
	rig_when(&r, "dance", "udp");
	assert_non_null(strstr(r.error, "\"save\" or \"stop\""));
	rig_when(&r, "stop", "udp[8:4] = 77"); /* the number */
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1001, 1000, 50, 0);
	rig_wait(&r, rig_matched, 1, "a match");
	assert_string_equal(r.matched, "save");
	rig_traffic("d1", 1000, 0, 200, 0);
	while (rig_poll(&r))
		;
	assert_string_equal(r.matched, "stop");
	assert_int_equal(r.matches,
			 2); /* of 50 that asked for a save within a second one was told */
	assert_true(r.ended);
	assert_int_equal(waitpid(r.pid, NULL, 0), r.pid);
	rig_file(&r, 1, seen, true);
	rig_all_once(seen, 0, 78);
	assert_int_equal(seen[78], 0);
	assert_int_equal(r.stats.packets, 50 + 78);
	rig_release(&r);
	free(seen);
}

static void a_full_disk_ends_the_save_alone(void **state)
{
	char dir[sizeof(((struct rig *)0)->dir)];
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_run("mkdir -p /tmp/tapdeck-past-full && mount -t tmpfs -o size=1m none "
		"/tmp/tapdeck-past-full");
	begin_one(&r, (struct msg_tap_start){.past_bytes = PAST_BYTES});
	rig_traffic("d1", 1000, 0, 20000, 0);
	rig_wait(&r, rig_packets, 20000, "packets");
	rig_save_in(&r, 1, "/tmp/tapdeck-past-full");
	rig_wait(&r, rig_sealed, 1, "the end of the save");
	memcpy(dir, r.dir, sizeof(dir));
	snprintf(r.dir, sizeof(r.dir), "/tmp/tapdeck-past-full");
	assert_int_equal(rig_file(&r, 1, seen, true), r.sealed.packets);
	assert_int_equal(run_of(seen, (uint32_t)r.sealed.packets), r.saved.first_packet);
	memcpy(r.dir, dir, sizeof(dir));
	rig_run("umount /tmp/tapdeck-past-full && rmdir /tmp/tapdeck-past-full");
	rig_save(&r, 2);
	rig_wait(&r, rig_sealed, 2, "another");
	memset(seen, 0, RIG_NUMBERS);
	assert_true(rig_file(&r, 2, seen, true) > 15000);
	rig_stop(&r);
	assert_int_equal(r.stats.dropped_disk, 0);
	rig_release(&r);
	free(seen);
}

/* Packets as another clock stamps them: an adapter's, or ours before it was set. */
static void other_clocks(void **state)
{
	static const int64_t behind_ns[] = {0, 37 * NS_PER_S, -3600 * NS_PER_S};
	const uint8_t data[RIG_PACKET_BYTES] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(behind_ns); i++) {
		struct output *o = xcalloc(1, sizeof(*o));
		struct save_bounds b = {.ns = 30 * NS_PER_S};
		struct save_range r;
		int64_t now_ns = clock_now_ns();
		int fd[2];
		struct err e;

		assert_int_equal(chunks_create(4, &fd[0], &fd[1], &e), 0);
		assert_int_equal(chunks_map(&o->chunks, fd[0], fd[1], CHUNKS_TAP, &e), 0);
		assert_int_equal(output_init(o, &e), 0);
		output_add_interface(o, "x", 1, 0, "");
		for (int64_t k = 0; k < 100; k++) { /* one each second, the last one now */
			const struct source_packet p = {.ts_ns = now_ns - behind_ns[i] -
								 (99 - k) * NS_PER_S,
							.captured = sizeof(data),
							.length = sizeof(data),
							.data = data};

			assert_int_equal(output_packet(o, 0, &p), 0);
		}
		output_publish(o);
		o->slot[o->last_slot].came_mono_ns -= 99 * NS_PER_S;
		b.now_ns = now_ns;
		b.now_mono_ns = clock_mono_ns();
		save_look(o, &b, &r);
		assert_in_range(r.first_packet, 69, 70);
		assert_in_range(r.held_ns, 28 * NS_PER_S, 30 * NS_PER_S);
		output_release(o);
		close(fd[0]);
		close(fd[1]);
		free(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_clocks),
		cmocka_unit_test(the_last_of_it_is_saved),
		cmocka_unit_test(capture_goes_on_beside_it),
		cmocka_unit_test(a_time_bounds_it),
		cmocka_unit_test(beside_a_recording),
		cmocka_unit_test(one_packet_in_five),
		cmocka_unit_test(matches_ask_and_end),
		cmocka_unit_test(a_full_disk_ends_the_save_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
