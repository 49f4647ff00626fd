/* The capture as a stream of pcapng: what is read back is what was captured, and no more than the
 * credit is sent. */
#include "tap_rig.h"

struct stream {
	struct rig *r;
	uint32_t id;
	uint64_t credit; /* given so far */
	struct buf bytes;
	bool ended;
	char note[256];
};

static void stream_ask(struct stream *s, struct rig *r, uint64_t offset, uint64_t credit)
{
	static const char *const words[] = {"pcapng"};
	struct msg_stream m = {.offset = offset, .credit = credit};
	struct buf out;

	*s = (struct stream){.r = r, .id = ++r->id, .credit = credit};
	buf_init(&s->bytes, 64u << 20);
	buf_init(&out, 4096);
	assert_int_equal(msg_strs(&m.words, words, 1), 0);
	assert_int_equal(msg_put_stream(&out, &m), 0);
	rig_send(r, MSG_STREAM, RIG_CHANNEL, s->id, &out, NULL, 0);
	buf_release(&out);
}

static void stream_credit(struct stream *s, uint64_t bytes)
{
	const struct msg_credit m = {.bytes = bytes};
	struct buf out;

	buf_init(&out, 64);
	assert_int_equal(msg_put_credit(&out, &m), 0);
	rig_send(s->r, MSG_CREDIT, RIG_CHANNEL, s->id, &out, NULL, 0);
	buf_release(&out);
	s->credit += bytes;
}

/* Takes what comes until the stream ends or `bytes` are there. */
static void stream_take(struct stream *s, uint64_t offset, uint64_t bytes)
{
	struct frame f;
	struct msg_data data;
	struct msg_end end;
	struct err e;

	while (!s->ended && s->bytes.len < bytes) {
		rig_wait(s->r, RIG_CHANNEL, s->id, &f);
		if (f.type == MSG_END) {
			assert_int_equal(msg_get_end(f.payload, f.len, &end, &e), 0);
			assert_int_equal(end.offset, offset + s->bytes.len);
			snprintf(s->note, sizeof(s->note), "%.*s", (int)end.note.len, end.note.p);
			s->ended = true;
			return;
		}
		assert_int_equal(f.type, MSG_DATA);
		assert_int_equal(msg_get_data(f.payload, f.len, &data, &e), 0);
		assert_int_equal(data.offset, offset + s->bytes.len);
		assert_int_equal(buf_add(&s->bytes, data.bytes.p, data.bytes.len), 0);
		assert_true(s->bytes.len <= s->credit);
	}
}

/* Packets that the bytes hold; `sum` of what they captured, the time of the last. */
static uint64_t stream_read(const struct stream *s, uint64_t *sum, int64_t *last_ns)
{
	struct blocks *blocks = blocks_new();
	struct packet pk;
	uint64_t packets = 0;
	size_t used;
	struct err e;

	*sum = 0;
	for (size_t at = 0;; at += used) {
		enum blocks_result r = blocks_next(blocks, s->bytes.data + at, s->bytes.len - at,
						   at, &pk, &used, &e);

		if (r == BLOCKS_MORE)
			break;
		assert_true(r != BLOCKS_BAD);
		if (r != BLOCKS_PACKET)
			continue;
		packets++;
		*sum += pk.captured;
		*last_ns = pk.ts_ns;
	}
	blocks_free(blocks);
	return packets;
}

/* A session that runs: what is held comes at once, what is captured later follows, and there is no
 * end. */
static void test_live(void **state)
{
	struct tap t;
	struct rig r;
	struct stream s;
	uint64_t sum;
	int64_t last_ns = 0;

	(void)state;
	tap_start(&t);
	rig_start(&r);
	follow(&r, &t, false);
	tap_chunk(&t, CHUNK_STARTS_SEGMENT, 300);
	tap_wake(&t);
	wait_packets(&r, 300);
	stream_ask(&s, &r, 0, 1000);
	stream_take(&s, 0, 1000);
	assert_int_equal(s.bytes.len, 1000);
	stream_credit(&s, 1u << 20);
	stream_take(&s, 0, 300 * write_packet_bytes(60));
	assert_int_equal(stream_read(&s, &sum, &last_ns), 300);
	assert_int_equal(sum, 300 * 60);
	assert_true(last_ns == START_NS + 300 * INT64_C(1000000));
	tap_chunk(&t, 0, 1);
	tap_wake(&t);
	stream_take(&s, 0, s.bytes.len + 1);
	assert_int_equal(stream_read(&s, &sum, &last_ns), 301);
	assert_false(s.ended);
	buf_release(&s.bytes);
	rig_stop(&r);
	tap_end(&t);
}

/* A file: all of it, to its end; asked for from a place on, it goes on there. */
static void test_file(void **state)
{
	const char *folder = rig_captures();
	struct rig r;
	struct stream all, rest;
	uint64_t sum;
	int64_t last_ns = 0;

	(void)state;
	if (!folder)
		return;
	char *path = xasprintf("%s/d-mixed-linktypes.pcapng", folder);

	rig_start(&r);
	assert_int_equal(rig_open(&r, path), 0);
	stream_ask(&all, &r, 0, 64u << 20);
	stream_take(&all, 0, UINT64_MAX);
	assert_true(all.ended);
	assert_string_equal(all.note, "");
	assert_int_equal(stream_read(&all, &sum, &last_ns), 126);
	assert_int_equal(sum, 37237);
	stream_ask(&rest, &r, 1001, 64u << 20);
	stream_take(&rest, 1001, UINT64_MAX);
	assert_int_equal(rest.bytes.len, all.bytes.len - 1001);
	assert_memory_equal(rest.bytes.data, all.bytes.data + 1001, rest.bytes.len);
	buf_release(&all.bytes);
	buf_release(&rest.bytes);
	rig_stop(&r);
	free(path);
}

/* A file that says less than its packets have: readers of the copy (libpcap) would refuse it. */
static void test_snaplen_holds_the_packets(void **state)
{
	static const uint32_t header[6] = {0xa1b2c3d4u, 4u << 16 | 2, 0, 0, 60, 1};
	static const uint32_t head[4] = {1700000000u, 0, 100, 100};
	static const uint8_t packet[100];
	struct blocks *blocks = blocks_new();
	struct packet pk;
	struct stream s;
	struct rig r;
	struct buf b;
	struct err e;
	size_t used;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(buf_add(&b, header, sizeof(header)), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(buf_add(&b, head, sizeof(head)), 0);
		assert_int_equal(buf_add(&b, packet, sizeof(packet)), 0);
	}
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(b.data, b.len), "short.pcap", false, 0), 0);
	stream_ask(&s, &r, 0, 1u << 20);
	stream_take(&s, 0, UINT64_MAX);
	for (size_t at = 0; at < s.bytes.len; at += used)
		assert_true(blocks_next(blocks, s.bytes.data + at, s.bytes.len - at, at, &pk, &used,
					&e) > BLOCKS_MORE);
	assert_int_equal(blocks_interface(blocks, 0)->snaplen, 100);
	assert_int_equal(blocks_interface(blocks, 0)->packets, 2);
	blocks_free(blocks);
	buf_release(&s.bytes);
	buf_release(&b);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_live),
					   cmocka_unit_test(test_snaplen_holds_the_packets),
					   cmocka_unit_test(test_file)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
