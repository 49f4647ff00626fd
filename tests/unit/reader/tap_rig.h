/* A tap of the test's own, and what control tells a reader of a live session. */
#ifndef TESTS_READER_TAP_RIG_H
#define TESTS_READER_TAP_RIG_H

#include <sys/eventfd.h>

#include "capfile/blocks.h"
#include "capfile/chunk.h"
#include "capfile/write.h"
#include "rig.h"

#define SLOTS 8u
#define START_NS (INT64_C(1700000000) * 1000000000)

/* The tap's side: slots are taken in turn. */
struct tap {
	int chunks_fd, release_fd, wake;
	struct chunks map;
	uint64_t sequence;  /* being filled */
	uint64_t packets;   /* of the session */
	struct buf segment; /* what a recording would have on disk */
};

static RIG_UNUSED struct chunk_entry *tap_entry(struct tap *t)
{
	return &t->map.head->entry[t->sequence % CHUNK_ENTRIES];
}

static RIG_UNUSED void tap_begin(struct tap *t, uint32_t flags)
{
	struct chunk_entry *e = tap_entry(t);

	atomic_store(&e->sequence, UINT64_MAX);
	e->slot = (uint32_t)(t->sequence % SLOTS);
	e->flags = flags;
	e->segment = 1;
	e->file_offset = t->segment.len;
	e->first_packet = t->packets;
	atomic_store(&e->length, 0);
	atomic_store(&e->packets, 0);
	atomic_store(&e->sequence, t->sequence);
	atomic_store(&t->map.head->next, t->sequence + 1);
}

static RIG_UNUSED void tap_add(struct tap *t, const void *p, size_t len)
{
	struct chunk_entry *e = tap_entry(t);
	uint32_t length = atomic_load(&e->length);

	memcpy(t->map.slot_base + (size_t)e->slot * CHUNK_BYTES + length, p, len);
	assert_int_equal(buf_add(&t->segment, p, len), 0);
	atomic_store(&e->length, length + (uint32_t)len);
}

static RIG_UNUSED void tap_header(struct tap *t)
{
	struct buf b;

	buf_init(&b, 65536);
	assert_int_equal(write_section(&b, NULL), 0);
	assert_int_equal(write_interface(&b, "veth0", "", 1, 65535), 0);
	tap_add(t, b.data, b.len);
	buf_release(&b);
}

/* Packet number packets + 1: UDP from port 1000 + number % 50 to port 9. */
static RIG_UNUSED void tap_packet(struct tap *t)
{
	uint8_t p[60] = {2,  0, 0, 0, 0, 2,  2,	 0, 0, 0,  0, 1, 8, 0,	0x45, 0, 0,
			 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,    0, 2};
	uint8_t block[128];
	unsigned port = 1000 + (unsigned)(++t->packets % 50);

	p[34] = (uint8_t)(port >> 8);
	p[35] = (uint8_t)port;
	p[37] = 9;
	p[39] = 26;
	write_packet(block, 0, START_NS + (int64_t)t->packets * 1000000, sizeof(p), sizeof(p), p);
	tap_add(t, block, write_packet_bytes(sizeof(p)));
	atomic_fetch_add(&tap_entry(t)->packets, 1);
}

static RIG_UNUSED void tap_wake(struct tap *t)
{
	uint64_t one = 1;

	assert_int_equal(write(t->wake, &one, sizeof(one)), sizeof(one));
}

/* A whole chunk of so many packets. */
static RIG_UNUSED void tap_chunk(struct tap *t, uint32_t flags, unsigned packets)
{
	tap_begin(t, flags);
	if (flags & CHUNK_STARTS_SEGMENT)
		tap_header(t);
	for (unsigned i = 0; i < packets; i++)
		tap_packet(t);
	t->sequence++;
}

static RIG_UNUSED void tap_start(struct tap *t)
{
	struct err e;

	memset(t, 0, sizeof(*t));
	buf_init(&t->segment, 64u << 20);
	assert_int_equal(chunks_create(SLOTS, &t->chunks_fd, &t->release_fd, &e), 0);
	assert_int_equal(chunks_map(&t->map, t->chunks_fd, t->release_fd, CHUNKS_CONTROL, &e), 0);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(t->wake >= 0);
}

static RIG_UNUSED void tap_end(struct tap *t)
{
	chunks_unmap(&t->map);
	close(t->chunks_fd);
	close(t->release_fd);
	close(t->wake);
	buf_release(&t->segment);
}

/* --- control's side --- */

static RIG_UNUSED void follow(struct rig *r, struct tap *t, bool record)
{
	const struct msg_read_chunks m = {
		.session = str_of("test"), .record = record, .memory_bytes = 1u << 24};
	struct err e;
	int readonly = chunks_readonly_fd(t->chunks_fd, &e);
	int fd[3] = {readonly, t->release_fd, t->wake};
	struct buf out;

	assert_true(readonly >= 0);
	buf_init(&out, 4096);
	assert_int_equal(msg_put_read_chunks(&out, &m), 0);
	rig_send(r, MSG_READ_CHUNKS, 0, ++r->id, &out, fd, 3);
	buf_release(&out);
	close(readonly);
	if (rig_answer(r, 0, r->id) < 0)
		fail_msg("%s", r->error.text);
}

static RIG_UNUSED void finish(struct rig *r)
{
	struct buf none;

	buf_init(&none, 16);
	rig_send(r, MSG_READ_FINISH, 0, ++r->id, &none, NULL, 0);
	if (rig_answer(r, 0, r->id) < 0)
		fail_msg("%s", r->error.text);
}

/* Asks again until the summary counts so many packets. */
static RIG_UNUSED void wait_packets(struct rig *r, int64_t packets)
{
	uint32_t id = rig_ask(r, &(struct rig_query){.table = "summary", .period_ms = 10});

	do {
		assert_int_equal(rig_window(r, id), 0);
	} while (rig_int(r, 0, "packets") < packets);
	assert_int_equal(rig_int(r, 0, "packets"), packets);
	rig_cancel(r, id);
}

static RIG_UNUSED void ask_once(struct rig *r, const char *table, const char *filter)
{
	uint32_t id = rig_ask(
		r, &(struct rig_query){.table = table, .filter = filter, .period_ms = 60000});

	assert_int_equal(rig_window(r, id), 0);
	rig_cancel(r, id);
}

#endif
