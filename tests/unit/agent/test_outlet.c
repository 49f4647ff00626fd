/* What the outlets are made of: programs that are found, compressors, whose a session is, and the
 * look at chunks beside everybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <endian.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../backend/agent/errand.h"
#include "../../../backend/agent/follow.h"
#include "../../../backend/agent/outlet_private.h"
#include "../../../backend/agent/packing.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "capfile/blocks.h"
#include "capfile/write.h"

/* --- programs --- */

static void test_programs(void **state)
{
	static const char *const absent[] = {
		"", "no-such-program", "./sh", "bin/sh", "/nowhere/sh", "/etc", "/etc/passwd"};
	char *sh = errand_program("sh"), *whole = errand_program("/bin/sh");

	(void)state;
	assert_non_null(sh);
	assert_int_equal(sh[0], '/');
	assert_string_equal(whole, "/bin/sh");
	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		assert_null(errand_program(absent[i]));
	free(sh);
	free(whole);
}

struct said {
	int status;
	char *last;
	uv_loop_t *loop;
};

static void on_end(void *arg, int status, const char *last)
{
	struct said *said = arg;

	said->status = status;
	said->last = xstrdup(last);
	uv_stop(said->loop);
}

static void listen_on(uv_timer_t *timer)
{
	errand_listen(timer->data);
}

/* The last line of what it says, however much that is. */
static char *last_line_of(const char *script, int *status)
{
	struct said said = {0};
	struct account account;
	struct control c = {0};
	char *argv[] = {errand_program("sh"), (char *)(uintptr_t) "-c", (char *)(uintptr_t)script,
			NULL};
	struct errand_call call = {.control = &c,
				   .account = &account,
				   .argv = argv,
				   .in = -1,
				   .out = -1,
				   .fn = on_end,
				   .arg = &said};
	struct errand *x;
	uv_timer_t timer;
	uv_loop_t loop;
	struct err e;

	assert_int_equal(uv_loop_init(&loop), 0);
	c.loop = said.loop = &loop;
	c.children = children_new(&loop);
	account_of(&account, geteuid());
	assert_int_equal(errand_start(&x, &call, &e), 0);
	assert_int_equal(uv_timer_init(&loop, &timer), 0);
	timer.data = x;
	assert_int_equal(uv_timer_start(&timer, listen_on, 10, 10), 0);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	errand_free(x);
	account_release(&account);
	children_free(c.children);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	free(argv[0]);
	*status = said.status;
	return said.last;
}

static void test_last_words(void **state)
{
	static const struct {
		const char *script, *last;
		int code;
	} cases[] = {
		{"true", "", 0},
		{"echo one; echo two >&2; exit 3", "two", 3},
		{"printf 'no end'", "no end", 0},
		{"printf 'one\\n\\n  \\n'", "one", 0},
		{"printf 'a\\033[31mb\\n'", "a\\x1b[31mb", 0},
		{"seq 100000; echo last", "last", 0},
		{"printf 'far\\rnear'", "near", 0},
	};
	char text[64];
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *last = last_line_of(cases[i].script, &status);

		assert_string_equal(last, cases[i].last);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), cases[i].code);
		free(last);
	}
	free(last_line_of("kill -9 $$", &status));
	assert_string_equal(errand_status(status, text, sizeof(text)),
			    "was killed by signal 9 (Killed)");
}

/* --- compressors --- */

static void test_compressors(void **state)
{
	const struct compressor *xz = compressor_named("xz");
	struct err e;

	(void)state;
	assert_null(compressor_named("rar"));
	assert_string_equal(compressor_of("x-00001.pcapng.zst")->word, "zstd");
	assert_null(compressor_of("x-00001.pcapng"));
	assert_null(compressor_of("x"));
	assert_int_equal(compressor_check(xz, -1, &e), 0);
	assert_int_equal(compressor_check(xz, 0, &e), 0);
	assert_int_equal(compressor_check(xz, 10, &e), -1);
	assert_int_equal(e.code, ERR_CALL);
	assert_int_equal(compressor_check(compressor_named("gzip"), 0, &e), -1);
}

/* --- whose it is --- */

static void test_accounts(void **state)
{
	struct account a;
	struct err e;
	uid_t uid = 77;

	(void)state;
	account_of(&a, 4000000000u);
	assert_string_equal(a.home, "/");
	assert_int_equal(a.as.ngroups, 0);
	account_release(&a);
	assert_int_equal(account_named("no-such-user", 0, &uid, &e), -1);
	assert_int_equal(e.code, ERR_ABSENT);
	assert_int_equal(account_named("root", 1000, &uid, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	assert_int_equal(account_named("root", 0, &uid, &e), 0);
	assert_int_equal(uid, 0);
}

static void test_who_may(void **state)
{
	char command[] = "/bin/true", sign[] = "/tmp/sign";
	const struct who member = {.uid = 1000, .member = true}, owner = {.uid = 0, .owner = true};
	const struct spec pipe = {.pipe = command}, announce = {.announce = command},
			  watch = {.watch_file = sign}, none = {0};
	const struct spec *const specs[] = {&pipe, &announce, &watch};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		assert_int_equal(outlets_check(specs[i], &owner, &e), 0);
		assert_int_equal(outlets_check(specs[i], &member, &e), -1);
		assert_int_equal(e.code, ERR_REFUSED);
	}
	assert_int_equal(outlets_check(&none, &member, &e), 0);
}

/* --- files that wait --- */

#define FILES 100u

/* A command that never ends: the oldest go without, those that are not ready are never overtaken.
 */
static void test_announce_queue(void **state)
{
	char command[] = "/bin/true", name[] = "x", file[] = "x-1.pcapng";
	struct control c = {0};
	struct session s = {.control = &c, .name = name, .spec = {.announce = command}};
	struct outlets o = {.session = &s};
	unsigned waiting = 0;

	(void)state;
	s.segment = xcalloc(FILES, sizeof(*s.segment));
	s.nsegments = FILES;
	for (unsigned i = 0; i < FILES; i++)
		s.segment[i] = (struct segment){
			.number = i + 1, .name = file, .sealed = true, .way = SEGMENT_WAY_READY};
	o.announce.errand = (struct errand *)(uintptr_t)&o; /* it runs, and is not looked at */
	s.segment[90].way = SEGMENT_WAY_PACKING;
	outlet_announce_step(&o);
	for (unsigned i = 0; i < FILES; i++)
		waiting += s.segment[i].way == SEGMENT_WAY_READY;
	assert_int_equal(waiting, OUTLETS_ANNOUNCE_MAX + 9);
	assert_int_equal(o.dropped, 90 - OUTLETS_ANNOUNCE_MAX);
	assert_int_equal(s.segment[25].way, SEGMENT_WAY_DONE);
	assert_int_equal(s.segment[26].way, SEGMENT_WAY_READY);
	assert_int_equal(c.nevents, 1); /* told, and not for each */
	assert_non_null(strstr(c.event[0].sentence, "1 files were not announced"));
	s.segment[90].way = SEGMENT_WAY_READY;
	outlet_announce_step(&o);
	assert_int_equal(o.dropped, FILES - OUTLETS_ANNOUNCE_MAX);
	free(c.event[0].where);
	free(c.event[0].sentence);
	free(s.segment);
	session_notes_forget(&s);
}

static void test_ways(void **state)
{
	struct segment g = {0};

	(void)state;
	assert_string_equal(outlets_state(&g), "writing");
	assert_true(segment_is_part(&g));
	g.sealed = g.part = true;
	g.way = SEGMENT_WAY_HELD;
	assert_string_equal(outlets_state(&g), "held");
	assert_true(segment_is_part(&g));
	g.part = false;
	g.way = SEGMENT_WAY_PACKING;
	assert_string_equal(outlets_state(&g), "compressing");
	assert_false(segment_is_part(&g));
	g.way = SEGMENT_WAY_READY;
	assert_string_equal(outlets_state(&g), "sealed");
}

/* --- chunks --- */

#define SLOTS 4u

struct tape { /* a tap's side */
	struct chunks map;
	int fd[2];
	uint64_t packets;
	struct chunk_entry *entry;
	uint8_t *data;
	uint32_t used;
	struct follow *follow;
	struct blocks *blocks;
	uint8_t *piece;
	uint64_t seen, interfaces_seen;
};

static struct tape *tape_new(void)
{
	struct tape *t = xcalloc(1, sizeof(*t));
	struct err e;

	assert_int_equal(chunks_create(SLOTS, &t->fd[0], &t->fd[1], &e), 0);
	assert_int_equal(chunks_map(&t->map, t->fd[0], t->fd[1], CHUNKS_TAP, &e), 0);
	t->follow = xcalloc(1, sizeof(*t->follow));
	assert_int_equal(chunks_map(&t->follow->map, t->fd[0], t->fd[1], CHUNKS_ASIDE, &e), 0);
	t->blocks = blocks_new();
	t->piece = xmalloc(FOLLOW_BYTES);
	return t;
}

static void tape_free(struct tape *t)
{
	chunks_unmap(&t->follow->map);
	chunks_unmap(&t->map);
	close(t->fd[0]);
	close(t->fd[1]);
	blocks_free(t->blocks);
	free(t->follow);
	free(t->piece);
	free(t);
}

static void tape_put(struct tape *t, const struct buf *b)
{
	memcpy(t->data + t->used, b->data, b->len);
	t->used += (uint32_t)b->len;
	atomic_store(&t->entry->length, t->used);
}

/* The next chunk; with a header of so many interfaces where it begins a segment. */
static void tape_chunk(struct tape *t, unsigned interfaces)
{
	const uint64_t sequence = atomic_load(&t->map.head->next);
	struct buf b;

	if (sequence >= SLOTS)
		atomic_store(&t->map.head->entry[(sequence - SLOTS) % CHUNK_ENTRIES].sequence,
			     UINT64_MAX);
	t->entry = &t->map.head->entry[sequence % CHUNK_ENTRIES];
	t->entry->slot = (uint32_t)(sequence % SLOTS);
	t->entry->flags = interfaces ? CHUNK_STARTS_SEGMENT : 0;
	t->entry->first_packet = t->packets;
	atomic_store(&t->entry->length, 0);
	atomic_store(&t->entry->packets, 0);
	atomic_store(&t->entry->sequence, sequence);
	atomic_store(&t->map.head->next, sequence + 1);
	t->data = t->map.slot_base + (size_t)t->entry->slot * CHUNK_BYTES;
	t->used = 0;
	if (!interfaces)
		return;
	buf_init(&b, CHUNK_BYTES);
	assert_int_equal(write_section(&b, NULL), 0);
	for (unsigned i = 0; i < interfaces; i++)
		assert_int_equal(write_interface(&b, i ? "two" : "one", "", 1, 65535), 0);
	tape_put(t, &b);
	buf_release(&b);
}

static void tape_interface(struct tape *t)
{
	struct buf b;

	buf_init(&b, CHUNK_BYTES);
	assert_int_equal(write_interface(&b, "two", "", 1, 65535), 0);
	tape_put(t, &b);
	buf_release(&b);
}

/* Each holds its number. */
static void tape_packet(struct tape *t, uint32_t interface)
{
	const uint64_t number = ++t->packets;
	const uint32_t bytes = write_packet_bytes(sizeof(number));

	write_packet(t->data + t->used, interface, 1000, sizeof(number), sizeof(number),
		     (const uint8_t *)&number);
	t->used += bytes;
	atomic_store(&t->entry->packets, atomic_load(&t->entry->packets) + 1);
	atomic_store(&t->entry->length, t->used);
}

/* Reads on; what comes is one sound section, whose packets rise. Returns the last number that was
 * seen, or 0; *end: what follow_next said at the end. */
static uint64_t tape_read(struct tape *t, int64_t *end)
{
	struct packet pk;
	struct err e;
	int64_t n;
	size_t used;

	while ((n = follow_next(t->follow, t->piece)) > 0) {
		for (size_t at = 0; at < (size_t)n; at += used) {
			const enum blocks_result r = blocks_next(
				t->blocks, t->piece + at, (size_t)n - at, at, &pk, &used, &e);
			uint64_t number;

			assert_true(r == BLOCKS_PACKET || r == BLOCKS_OTHER);
			if (r != BLOCKS_PACKET)
				continue;
			memcpy(&number, pk.data, sizeof(number));
			assert_true(number > t->seen);
			t->seen = number;
		}
	}
	*end = n;
	return t->seen;
}

static void test_follow(void **state)
{
	struct tape *t = tape_new();
	int64_t end;

	(void)state;
	assert_int_equal(follow_next(t->follow, t->piece), 0);
	tape_chunk(t, 1);
	tape_packet(t, 0);
	assert_int_equal(tape_read(t, &end), 1);
	assert_int_equal(end, 0);
	tape_packet(t, 0); /* the same chunk, later */
	assert_int_equal(tape_read(t, &end), 2);
	tape_packet(t, 0);
	tape_chunk(t, 1); /* a segment: its header is known */
	tape_packet(t, 0);
	assert_int_equal(tape_read(t, &end), 4);
	tape_interface(t);
	tape_packet(t, 1);
	assert_int_equal(tape_read(t, &end), 5);
	assert_int_equal(blocks_interfaces(t->blocks), 2);
	tape_chunk(t, 2);
	tape_packet(t, 1);
	atomic_store(&t->map.head->ended, 1);
	assert_int_equal(tape_read(t, &end), 6);
	assert_int_equal(end, -1);
	assert_int_equal(blocks_interfaces(t->blocks), 2);
	assert_int_equal(t->follow->skipped, 0);
	tape_free(t);
}

/* It was slower than the tap: what it missed is counted, and what comes is understood. */
static void test_follow_behind(void **state)
{
	struct tape *t = tape_new();
	int64_t end;

	(void)state;
	tape_chunk(t, 1);
	tape_packet(t, 0);
	assert_int_equal(tape_read(t, &end), 1);
	for (unsigned i = 0; i < 20; i++) {
		tape_chunk(t, 0);
		tape_packet(t, 0);
	}
	assert_int_equal(tape_read(t, &end), 21);
	assert_int_equal(end, 0);
	assert_int_equal(t->follow->skipped, 20 - SLOTS / 2);
	tape_free(t);
}

/* An interface was told of in what it missed: its packets are counted as missed until a section
 * says it again. */
static void test_follow_unknown(void **state)
{
	struct tape *t = tape_new();
	int64_t end;

	(void)state;
	tape_chunk(t, 1);
	tape_packet(t, 0);
	assert_int_equal(tape_read(t, &end), 1);
	tape_interface(t);
	for (unsigned i = 0; i < 8; i++)
		tape_chunk(t, 0);
	tape_packet(t, 0);
	tape_packet(t, 1);
	tape_interface(t); /* a third, which must not be taken for the second */
	assert_int_equal(tape_read(t, &end), 2);
	assert_int_equal(t->follow->skipped, 1);
	assert_int_equal(blocks_interfaces(t->blocks), 1);
	tape_chunk(t, 2);
	tape_packet(t, 1);
	assert_int_equal(tape_read(t, &end), 4);
	assert_int_equal(t->follow->skipped, 1);
	tape_free(t);
}

/* It came too late for any header: nothing that could not be read comes out. */
static void test_follow_late(void **state)
{
	struct tape *t = tape_new();
	int64_t end;

	(void)state;
	tape_chunk(t, 1);
	for (unsigned i = 0; i < 8; i++)
		tape_chunk(t, 0);
	tape_packet(t, 0);
	assert_int_equal(tape_read(t, &end), 0);
	assert_int_equal(t->follow->skipped, 1);
	tape_chunk(t, 1);
	tape_packet(t, 0);
	assert_int_equal(tape_read(t, &end), 2);
	tape_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),      cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_compressors),   cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_who_may),	      cmocka_unit_test(test_announce_queue),
		cmocka_unit_test(test_ways),	      cmocka_unit_test(test_follow),
		cmocka_unit_test(test_follow_behind), cmocka_unit_test(test_follow_unknown),
		cmocka_unit_test(test_follow_late),
	};

	(void)signal(SIGCHLD, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
