/* Segments in any order, again, with holes: bytes come out once and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/stream.h"
#include "base/buf.h"

#define FIRST 0xfffffff0u /* so that the numbers wrap on the way */

struct out {
	struct tcp_stream stream;
	struct tcp_stream_pool pool;
	struct buf text; /* a hole is written as [n] */
	uint64_t last;	 /* packet of the latest piece */
};

static void on_piece(void *arg, const struct tcp_stream_piece *p)
{
	struct out *o = arg;

	if (p->gap)
		(void)buf_printf(&o->text, "[%u]", p->gap);
	(void)buf_add(&o->text, p->data, p->length);
	o->last = p->mark->packet;
}

static int begin(void **state)
{
	struct out *o = calloc(1, sizeof(*o));

	buf_init(&o->text, 64u << 20);
	tcp_stream_start(&o->stream, FIRST);
	*state = o;
	return 0;
}

static int end(void **state)
{
	struct out *o = *state;

	tcp_stream_release(&o->stream, &o->pool);
	assert_int_equal(o->pool.bytes, 0);
	assert_int_equal(o->stream.nheld, 0);
	buf_release(&o->text);
	free(o);
	return 0;
}

static void add_cut(struct out *o, uint64_t packet, uint32_t at, const char *text,
		    uint32_t captured)
{
	const struct tcp_stream_segment g = {.seq = FIRST + at,
					     .length = (uint32_t)strlen(text),
					     .captured = captured,
					     .data = (const uint8_t *)text,
					     .mark = {.packet = packet}};

	tcp_stream_add(&o->stream, &o->pool, &g, on_piece, o);
}

static void add(struct out *o, uint64_t packet, uint32_t at, const char *text)
{
	add_cut(o, packet, at, text, (uint32_t)strlen(text));
}

static void is(const struct out *o, const char *text)
{
	assert_string_equal(buf_str(&o->text), text);
}

static void test_order(void **state)
{
	struct out *o = *state;

	add(o, 1, 0, "the first ");
	add(o, 2, 16, "third");
	is(o, "the first ");
	add(o, 3, 10, "second");
	is(o, "the first secondthird");
	assert_int_equal(o->last, 2);
}

static void test_again(void **state)
{
	struct out *o = *state;

	add(o, 1, 0, "abcd");
	add(o, 2, 0, "abcd");
	add(o, 3, 2, "cdef");
	add(o, 4, 8, "ij");
	add(o, 5, 8, "ijk");
	add(o, 6, 7, "hi");
	add(o, 7, 6, "gh");
	is(o, "abcdefghijk");
}

static void test_hole(void **state)
{
	struct out *o = *state;

	add(o, 1, 0, "ab");
	add(o, 2, 5, "fg");
	add(o, 3, 9, "jk");
	is(o, "ab");
	tcp_stream_end(&o->stream, &o->pool, on_piece, o);
	is(o, "ab[3]fg[2]jk");
	assert_int_equal(o->pool.gaps, 2);
	assert_int_equal(o->pool.gap_bytes, 5);
}

static void test_cut(void **state)
{
	struct out *o = *state;

	add_cut(o, 1, 0, "abcdef", 2);
	add(o, 2, 6, "gh");
	is(o, "ab[4]gh");
}

static void test_bounds(void **state)
{
	struct out *o = *state;

	/* Nobody ever sends the first byte. */
	for (uint32_t i = 0; i < 4 * TCP_STREAM_PIECES_MAX; i++) {
		add(o, i, 1 + 2 * i, "xy");
		assert_true(o->stream.nheld <= TCP_STREAM_PIECES_MAX);
	}
	assert_true(o->stream.held_bytes <= TCP_STREAM_HELD_MAX);
	assert_int_equal(o->pool.gaps, 1);
	assert_int_equal(strncmp(buf_str(&o->text), "[1]xyxy", 7), 0);
}

static void test_middle(void **state)
{
	struct out *o = *state;

	o->stream = (struct tcp_stream){0};
	add(o, 1, 77, "from here on");
	is(o, "from here on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, begin, end),
		cmocka_unit_test_setup_teardown(test_again, begin, end),
		cmocka_unit_test_setup_teardown(test_hole, begin, end),
		cmocka_unit_test_setup_teardown(test_cut, begin, end),
		cmocka_unit_test_setup_teardown(test_bounds, begin, end),
		cmocka_unit_test_setup_teardown(test_middle, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
