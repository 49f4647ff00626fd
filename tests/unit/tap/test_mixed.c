/* What a tap does at the same time: saves beside files that rotate and are still to come, control
 * that dies meanwhile, and everything at random. No packet lost or twice, files whole, in order. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#define PAST_BYTES (4u << 20)
#define SECOND 200000u /* the first number of the second device */

static void begin(struct rig *r, size_t devices, struct msg_tap_start m)
{
	static const char *const device[] = {"d0", "e0"};

	m.session = str_of("test");
	m.buffer_bytes = RIG_RING_BYTES;
	m.chunks = 16;
	m.wait_ms = 250;
	m.past_bytes = PAST_BYTES;
	if (!m.file_format.len)
		m.file_format = str_of("pcapng");
	rig_begin_as(r, device, devices, m, 16, NULL);
	if (r->error[0])
		fail_msg("%s", r->error);
	for (uint32_t i = 0; i < devices; i++)
		rig_filter(r, i, "udp");
}

static void record_now(struct rig *r)
{
	const struct msg_tap_record on = {.on = 1};
	struct buf b;

	buf_init(&b, 64);
	msg_put_tap_record(&b, &on);
	rig_send(r, MSG_TAP_RECORD, 0, &b, NULL, 0);
	buf_release(&b);
}

static bool rig_saved(struct rig *r, uint64_t v)
{
	return r->saves >= v;
}

static bool rig_needed(struct rig *r, uint64_t v)
{
	return r->needs >= v;
}

static void control_dies(struct rig *r)
{
	int status;

	shutdown(r->sock, SHUT_RDWR);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The file of the recording is asked for, and not there yet, when the save is. */
static void recording_begins_and_past_is_saved(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_veth("d0", "d1");
	rig_veth("e0", "e1");
	begin(&r, 1, (struct msg_tap_start){0});
	rig_traffic("d1", 1000, 0, 1000, 0);
	rig_wait(&r, rig_packets, 1000, "packets");
	record_now(&r);
	rig_save(&r, 2);
	rig_wait(&r, rig_sealed, 1, "the save");
	assert_int_equal(r.sealed.number, 2);
	assert_int_equal(rig_file(&r, 2, seen, true), 1000);
	rig_all_once(seen, 0, 1000);
	rig_traffic("d1", 1000, 1000, 1000, 0);
	rig_wait(&r, rig_packets, 2000, "packets");
	rig_stop(&r);
	memset(seen, 0, RIG_NUMBERS);
	assert_int_equal(rig_file(&r, 1, seen, true), 1000);
	rig_all_once(seen, 1000, 1000);
	rig_release(&r);
	free(seen);
}

/* What was recorded goes on in the recording's last file, not in the save's, and is not lost. The
 * number of the save lies between the two. */
static void dies(struct rig *r, bool save_first)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);

	begin(r, 1, (struct msg_tap_start){.record = 1});
	rig_traffic("d1", 1000, 0, 1000, 0);
	rig_wait(r, rig_packets, 1000, "packets");
	r->give_files = false;
	rig_save(r, 2);
	if (save_first)
		rig_wait(r, rig_sealed, 1, "the save");
	rig_plain(r, MSG_TAP_ROTATE);
	rig_wait(r, rig_needed, 2, "the next file to be asked for");
	assert_int_equal(r->wanted[0], 3);
	rig_wait(r, rig_sealed, 1, "the save"); /* it waits for nobody's file */
	assert_int_equal(r->sealed.number, 2);
	rig_traffic("d1", 1000, 1000, 1000, 0);
	rig_wait(r, rig_packets, 2000, "packets");
	control_dies(r);
	assert_int_equal(rig_file(r, 1, seen, true), 2000);
	rig_all_once(seen, 0, 2000);
	memset(seen, 0, RIG_NUMBERS);
	assert_int_equal(rig_file(r, 2, seen, true), 1000);
	rig_release(r);
	free(seen);
}

static void control_dies_beside_a_save(void **state)
{
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	dies(&r, true);
	dies(&r, false);
}

static void saves_are_no_files_of_a_number_of_them(void **state)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	begin(&r, 1,
	      (struct msg_tap_start){.record = 1, .rotate_packets = 1000, .stop_segments = 2});
	rig_traffic("d1", 1000, 0, 500, 0);
	rig_wait(&r, rig_packets, 500, "packets");
	rig_save(&r, 2);
	rig_wait(&r, rig_sealed, 1, "the save");
	rig_traffic("d1", 1000, 500, 3000, 0);
	while (rig_poll(&r))
		;
	assert_int_equal(waitpid(r.pid, NULL, 0), r.pid);
	assert_int_equal(rig_file(&r, 1, seen, true), 1000);
	assert_int_equal(rig_file(&r, 3, seen, true), 1000);
	rig_all_once(seen, 0, 2000);
	rig_release(&r);
	free(seen);
}

static bool rig_lost(struct rig *r, uint64_t v)
{
	return r->stats.dropped_disk >= v;
}

/* The first file cannot be made: it is counted all the same, as lost, and recorded when there is
 * one. */
static void no_file_to_begin_with(void **state)
{
	static const char *const device = "d0";
	const struct msg_tap_start start = {.record = 1,
					    .session = str_of("test"),
					    .buffer_bytes = RIG_RING_BYTES,
					    .chunks = 8,
					    .file_format = str_of("pcapng")};
	const struct msg_tap_segment none = {.number = 1};
	const struct msg_tap_record off = {.reason = str_of("disk"), .lost = 1};
	struct buf blob, b;
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1);
	struct msg_tap_filter filter = {.text = str_of("udp")};
	struct rig r;

	(void)state;
	if (!rig_namespace())
		skip();
	rig_begin_as(&r, &device, 1, start, 8, "");
	blob = rig_compile("udp", true);
	filter.program = (struct str){(const char *)blob.data, blob.len};
	buf_init(&b, 1u << 20);
	msg_put_tap_filter(&b, &filter);
	rig_send(&r, MSG_TAP_FILTER, 77, &b, NULL, 0);
	buf_clear(&b);
	msg_put_tap_segment(&b, &none);
	rig_send(&r, MSG_TAP_SEGMENT, 0, &b, NULL, 0);
	buf_clear(&b);
	msg_put_tap_record(&b, &off);
	rig_send(&r, MSG_TAP_RECORD, 0, &b, NULL, 0);
	rig_wait(&r, rig_done, 77, "the filter");
	rig_traffic("d1", 1000, 0, 100, 0);
	rig_wait(&r, rig_lost, 100, "packets that are lost");
	record_now(&r);
	rig_wait(&r, rig_needed, 2, "a file to be asked for");
	assert_int_equal(r.wanted[1], 1);
	rig_segment(&r, 1, NULL);
	rig_traffic("d1", 1000, 100, 100, 0);
	rig_wait(&r, rig_packets, 200, "packets");
	rig_stop(&r);
	assert_int_equal(rig_file(&r, 1, seen, true) + r.stats.dropped_disk, 200);
	rig_all_once(seen, 150, 50);
	buf_release(&b);
	buf_release(&blob);
	rig_release(&r);
	free(seen);
}

static bool rig_devices(struct rig *r, uint64_t v)
{
	return r->devices >= v;
}

/* Another device in the place of one: programs that were made for the one are not shown packets of
 * the other. */
static void programs_go_with_their_device(void **state)
{
	struct msg_tap_add add = {.remove = 1};
	struct rig r;
	struct buf b;

	(void)state;
	if (!rig_namespace())
		skip();
	begin(&r, 2, (struct msg_tap_start){0});
	rig_when(&r, "save", "udp"); /* of the first */
	buf_init(&b, 4096);
	msg_put_tap_add(&b, &add);
	rig_ask(&r, MSG_TAP_ADD, &b);
	add = (struct msg_tap_add){.name = str_of("d0")};
	buf_clear(&b);
	msg_put_tap_add(&b, &add);
	rig_ask(&r, MSG_TAP_ADD, &b);
	rig_wait(&r, rig_devices, 3, "the device");
	rig_filter(&r, 0, "udp");
	rig_traffic("d1", 1000, 0, 100, 0);
	rig_wait(&r, rig_packets, 100, "packets");
	assert_int_equal(r.matches, 0);
	rig_when(&r, "save", "udp");
	rig_traffic("d1", 1000, 0, 100, 0);
	rig_wait(&r, rig_packets, 200, "packets");
	assert_int_equal(r.matches, 1);
	rig_stop(&r);
	buf_release(&b);
	rig_release(&r);
}

/* --- everything at random --- */

struct mix {
	struct rig r;
	uint64_t random;
	uint32_t saves, given, counters;
};

static uint32_t dice(struct mix *m, uint32_t sides)
{
	m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(m->random >> 33) % sides;
}

/* Files come late, in their order or not. */
static void give_one(struct mix *m)
{
	struct rig *r = &m->r;

	if (m->given < r->nwanted)
		rig_segment(r, r->wanted[m->given++ % ARRAY_LEN(r->wanted)], NULL);
}

static void act(struct mix *m)
{
	struct rig *r = &m->r;

	switch (dice(m, 7)) {
	case 0:
		if (r->nwanted - m->given < 8)
			rig_plain(r, MSG_TAP_ROTATE);
		break;
	case 1:
		if (r->saves == m->saves) {
			rig_save(r, 0);
			m->saves++;
		}
		break;
	case 2:
		rig_counters(r, "add", dice(m, 100), 50);
		break;
	case 3:
		rig_counters(r, "remove", dice(m, 100), 20);
		break;
	case 4:
		rig_filter(r, dice(m, 2), dice(m, 2) ? "udp" : "ip");
		break;
	default:
		give_one(m);
	}
	rig_poll(r);
}

/* Of each device without a hole. */
static void save_is_a_run(const uint8_t *seen)
{
	for (uint32_t first = 0; first <= SECOND; first += SECOND) {
		uint32_t from = first, to;

		while (from < first + SECOND && !seen[from])
			from++;
		for (to = from; to < first + SECOND && seen[to]; to++)
			assert_int_equal(seen[to], 1);
		for (; to < first + SECOND; to++)
			if (seen[to])
				fail_msg("a save has a hole before %u", to);
	}
}

static void check_files(struct mix *m, uint32_t each)
{
	uint8_t *seen = xcalloc(RIG_NUMBERS, 1), *saved = xcalloc(RIG_NUMBERS, 1);
	uint32_t count = 0;

	for (uint32_t i = 1; i <= m->r.top; i++) {
		char *path = xasprintf("%s/%u", m->r.dir, i);

		if (access(path, F_OK) == 0 && m->r.is_saved[i]) {
			memset(saved, 0, RIG_NUMBERS);
			rig_file(&m->r, i, saved, true);
			save_is_a_run(saved);
		} else if (access(path, F_OK) == 0) {
			count += rig_file(&m->r, i, seen, true);
		}
		free(path);
	}
	rig_all_once(seen, 0, each);
	rig_all_once(seen, SECOND, each);
	assert_int_equal(count, 2 * each);
	free(seen);
	free(saved);
}

static void mixed(uint64_t seed, const char *format, bool dies_meanwhile)
{
	const uint32_t each = 30000;
	struct mix *m = xcalloc(1, sizeof(*m));
	struct rig *r = &m->r;
	pid_t sender[2];

	begin(r, 2,
	      (struct msg_tap_start){
		      .record = 1, .rotate_packets = 7000, .file_format = str_of(format)});
	m->random = seed;
	r->give_files = false;
	sender[0] = rig_traffic_start("d1", 1000, 0, each, 0);
	sender[1] = rig_traffic_start("e1", 1000, SECOND, each, 0);
	while (r->stats.packets < 2 * each) {
		act(m);
		r->event[0] = 0;
	}
	rig_join(sender[0]);
	rig_join(sender[1]);
	rig_wait(r, rig_saved, m->saves, "the last save");
	while (!dies_meanwhile && m->given < r->nwanted)
		give_one(m);
	if (dies_meanwhile)
		control_dies(r);
	else
		rig_stop(r);
	assert_int_equal(r->stats.packets, 2 * each);
	assert_int_equal(r->stats.dropped_buffer + r->stats.dropped_kernel + r->stats.dropped_disk,
			 0);
	check_files(m, each);
	rig_release(r);
	free(m);
}

static void all_at_random(void **state)
{
	const char *turns = getenv("TAPDECK_TEST_TURNS");
	const uint32_t n = turns ? (uint32_t)strtoul(turns, NULL, 10) : 1;

	(void)state;
	if (!rig_namespace())
		skip();
	for (uint32_t i = 0; i < n; i++) {
		print_message("turn %u\n", i);
		mixed(4 * i + 1, "pcapng", false);
		mixed(4 * i + 2, "pcapng", true);
		mixed(4 * i + 3, "pcap", false);
		mixed(4 * i + 4, "pcap", true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recording_begins_and_past_is_saved),
		cmocka_unit_test(control_dies_beside_a_save),
		cmocka_unit_test(saves_are_no_files_of_a_number_of_them),
		cmocka_unit_test(no_file_to_begin_with),
		cmocka_unit_test(programs_go_with_their_device),
		cmocka_unit_test(all_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
