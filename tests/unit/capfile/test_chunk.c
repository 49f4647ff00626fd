/* The protocol of chunks: a tap, a reader and control, each with its own mapping, in threads and
 * processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "capfile/chunk.h"

#define SLOTS 4u
#define CHUNKS 3000u
#define PIECE 512u

struct memory {
	int chunks, release, chunks_ro, release_ro;
};

static struct memory memory_new(uint32_t slots)
{
	struct memory m;
	struct err e;

	assert_int_equal(chunks_create(slots, &m.chunks, &m.release, &e), 0);
	m.chunks_ro = chunks_readonly_fd(m.chunks, &e);
	m.release_ro = chunks_readonly_fd(m.release, &e);
	assert_true(m.chunks_ro >= 0 && m.release_ro >= 0);
	return m;
}

static void memory_close(struct memory *m)
{
	close(m->chunks);
	close(m->release);
	close(m->chunks_ro);
	close(m->release_ro);
}

static uint8_t byte_of(uint64_t sequence, uint32_t at)
{
	return (uint8_t)(sequence * 31 + at);
}

/* What a tap does: takes the place of a sequence, then publishes PIECE bytes at a time. */
static void tap_begin(struct chunks *c, uint64_t sequence, uint32_t slot, uint32_t flags)
{
	struct chunk_entry *entry = &c->head->entry[sequence % CHUNK_ENTRIES];

	atomic_store(&entry->sequence, UINT64_MAX);
	entry->slot = slot;
	entry->flags = flags;
	entry->file_offset = sequence * 4 * PIECE;
	atomic_store(&entry->length, 0);
	atomic_store(&entry->sequence, sequence);
	atomic_store(&c->head->next, sequence + 1);
}

static void tap_publish(struct chunks *c, uint64_t sequence, uint32_t bytes)
{
	struct chunk_entry *entry = &c->head->entry[sequence % CHUNK_ENTRIES];
	const uint32_t from = atomic_load(&entry->length);
	uint8_t *slot = c->slot_base + (size_t)entry->slot * CHUNK_BYTES;

	for (uint32_t i = from; i < from + bytes; i++)
		slot[i] = byte_of(sequence, i);
	atomic_store_explicit(&entry->length, from + bytes, memory_order_release);
}

static void *tap_run(void *arg)
{
	const struct memory *m = arg;
	struct chunks c;
	struct err e;

	if (chunks_map(&c, m->chunks, m->release_ro, CHUNKS_TAP, &e) < 0)
		return NULL;
	for (uint64_t s = 0; s < CHUNKS; s++) {
		while (atomic_load(&c.release->released) + SLOTS <= s)
			sched_yield();
		tap_begin(&c, s, (uint32_t)(s % SLOTS), 0);
		for (unsigned i = 0; i < 4; i++)
			tap_publish(&c, s, PIECE);
	}
	atomic_store(&c.head->ended, 1);
	chunks_unmap(&c);
	return arg;
}

/* Reads chunk s while it grows. */
static void reader_take(const struct chunks *c, uint64_t s)
{
	const struct chunk_entry *entry;
	const uint8_t *data;
	uint32_t length = 0, seen = 0;

	while (seen < 4 * PIECE) {
		entry = chunks_get(c, s, &data, &length);
		if (!entry || length == seen) {
			sched_yield();
			continue;
		}
		assert_true(length > seen && length % PIECE == 0);
		for (; seen < length; seen++)
			assert_int_equal(data[seen], byte_of(s, seen));
	}
}

static void a_reader_sees_what_a_tap_publishes(void **state)
{
	struct memory m = memory_new(SLOTS);
	struct chunks c;
	struct err e;
	pthread_t tap;
	void *done;

	(void)state;
	assert_int_equal(chunks_map(&c, m.chunks_ro, m.release, CHUNKS_READER, &e), 0);
	assert_int_equal(atomic_load(&c.release->released), UINT64_MAX);
	atomic_store(&c.release->released, 0);
	assert_int_equal(pthread_create(&tap, NULL, tap_run, &m), 0);
	for (uint64_t s = 0; s < CHUNKS; s++) {
		reader_take(&c, s);
		atomic_store(&c.release->released, s + 1);
	}
	assert_int_equal(pthread_join(tap, &done), 0);
	assert_ptr_equal(done, &m);
	assert_int_equal(atomic_load(&c.head->ended), 1);
	chunks_unmap(&c);
	memory_close(&m);
}

static void a_taken_place_is_not_given(void **state)
{
	struct memory m = memory_new(2);
	struct chunks tap;
	const uint8_t *data;
	uint32_t length;
	struct err e;

	(void)state;
	assert_int_equal(chunks_map(&tap, m.chunks, m.release_ro, CHUNKS_TAP, &e), 0);
	assert_null(chunks_get(&tap, 0, &data, &length));
	assert_null(chunks_get(&tap, UINT64_MAX, &data, &length));
	tap_begin(&tap, 5, 1, CHUNK_NOT_FOR_READER);
	tap_publish(&tap, 5, PIECE);
	assert_int_equal(chunks_get(&tap, 5, &data, &length)->flags, CHUNK_NOT_FOR_READER);
	assert_int_equal(length, PIECE);
	tap_begin(&tap, 5 + CHUNK_ENTRIES, 0, 0);
	assert_null(chunks_get(&tap, 5, &data, &length));
	assert_non_null(chunks_get(&tap, 5 + CHUNK_ENTRIES, &data, &length));
	chunks_unmap(&tap);
	memory_close(&m);
}

/* A tap that lies does not make its reader look outside. */
static void lies_in_shared_memory_are_refused(void **state)
{
	struct memory m = memory_new(3);
	struct chunks tap, reader;
	const uint8_t *data;
	uint32_t length;
	struct err e;

	(void)state;
	assert_int_equal(chunks_map(&tap, m.chunks, m.release_ro, CHUNKS_TAP, &e), 0);
	assert_int_equal(chunks_map(&reader, m.chunks_ro, m.release, CHUNKS_READER, &e), 0);
	tap_begin(&tap, 1, 3, 0);
	assert_null(chunks_get(&reader, 1, &data, &length));
	tap_begin(&tap, 1, 2, 0);
	atomic_store(&tap.head->entry[1].length, CHUNK_BYTES + 1);
	assert_null(chunks_get(&reader, 1, &data, &length));
	atomic_store(&tap.head->entry[1].length, CHUNK_BYTES);
	assert_non_null(chunks_get(&reader, 1, &data, &length));
	assert_ptr_equal(data + CHUNK_BYTES, (uint8_t *)reader.head + reader.map_bytes);
	chunks_unmap(&reader);
	tap.head->slots = 300;
	assert_int_equal(chunks_map(&reader, m.chunks_ro, m.release, CHUNKS_READER, &e), -1);
	tap.head->slots = 3;
	tap.head->slots_offset = 0;
	assert_int_equal(chunks_map(&reader, m.chunks_ro, m.release, CHUNKS_READER, &e), -1);
	chunks_unmap(&tap);
	memory_close(&m);
}

static void rights_are_those_of_the_descriptor(void **state)
{
	struct memory m = memory_new(2);
	struct chunks c;
	struct err e;

	(void)state;
	assert_int_equal(chunks_map(&c, m.chunks_ro, m.release, CHUNKS_TAP, &e), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.chunks_ro, 0),
			 MAP_FAILED);
	assert_int_equal(pwrite(m.chunks_ro, "x", 1, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(chunks_map(&c, m.chunks_ro, m.release_ro, CHUNKS_READER, &e), -1);
	assert_int_equal(ftruncate(m.chunks, 4096), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(m.release, 1 << 20), -1);
	assert_int_equal(chunks_map(&c, m.release, m.chunks, CHUNKS_CONTROL, &e), -1);
	assert_int_equal(chunks_create(1, &m.chunks, &m.release, &e), -1);
	assert_int_equal(chunks_create(CHUNK_SLOTS_MAX + 1, &m.chunks, &m.release, &e), -1);
	memory_close(&m);
}

static void memory_that_can_shrink_is_refused(void **state)
{
	struct memory m = memory_new(2);
	int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct chunks c;
	struct err e;

	(void)state;
	assert_int_equal(ftruncate(loose, 4 << 20), 0);
	assert_int_equal(chunks_map(&c, loose, m.release, CHUNKS_READER, &e), -1);
	assert_non_null(strstr(e.text, "can change its size"));
	assert_int_equal(chunks_map(&c, 1000, m.release, CHUNKS_READER, &e), -1);
	close(loose);
	memory_close(&m);
}

/* The tap is killed in the middle of a piece: control still has every published byte, and none that
 * was not. */
static void control_has_what_a_killed_tap_published(void **state)
{
	struct memory m = memory_new(SLOTS);
	struct chunks c;
	const uint8_t *data;
	uint32_t length = 0;
	struct err e;
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (chunks_map(&c, m.chunks, m.release_ro, CHUNKS_TAP, &e) < 0)
			_exit(1);
		for (uint64_t s = 0; s < 3; s++) {
			tap_begin(&c, s, (uint32_t)s, CHUNK_STARTS_SEGMENT);
			tap_publish(&c, s, PIECE);
			tap_publish(&c, s, PIECE);
		}
		memset(c.slot_base + 2 * CHUNK_BYTES + 2 * PIECE, 0xff, PIECE);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(chunks_map(&c, m.chunks, m.release, CHUNKS_CONTROL, &e), 0);
	assert_int_equal(atomic_load(&c.head->next), 3);
	assert_int_equal(atomic_load(&c.head->ended), 0);
	for (uint64_t s = atomic_load(&c.head->written); s < 3; s++) {
		assert_int_equal(chunks_get(&c, s, &data, &length)->file_offset, s * 4 * PIECE);
		assert_int_equal(length, 2 * PIECE);
		for (uint32_t i = 0; i < length; i++)
			assert_int_equal(data[i], byte_of(s, i));
	}
	chunks_unmap(&c);
	memory_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_sees_what_a_tap_publishes),
		cmocka_unit_test(a_taken_place_is_not_given),
		cmocka_unit_test(lies_in_shared_memory_are_refused),
		cmocka_unit_test(rights_are_those_of_the_descriptor),
		cmocka_unit_test(memory_that_can_shrink_is_refused),
		cmocka_unit_test(control_has_what_a_killed_tap_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
