/* Messages and frames: every message comes back as it went, in bytes that are written down, and
 * lengths that lie are found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "wire/frame.h"
#include "wire/msg.h"

/* --- any message, filled with values that differ from field to field --- */

static void fill_U8(uint8_t *v, unsigned n)
{
	*v = (uint8_t)(0x80 + n);
}
static void fill_U16(uint16_t *v, unsigned n)
{
	*v = (uint16_t)(0x8000 + n);
}
static void fill_U32(uint32_t *v, unsigned n)
{
	*v = 0x80000000u + n;
}
static void fill_U64(uint64_t *v, unsigned n)
{
	*v = UINT64_C(0x8000000000000000) + n;
}
static void fill_I64(int64_t *v, unsigned n)
{
	*v = -1000000 - (int64_t)n;
}
static void fill_STR(struct str *v, unsigned n)
{
	*v = (struct str){"hello\0\xff world, a long text" + n % 8, n % 8 + 9};
}
static void fill_BLOB(struct str *v, unsigned n)
{
	fill_STR(v, n);
}
static void fill_STRS(struct strs *v, unsigned n)
{
	v->count = n % 8 + 2;
	for (unsigned i = 0; i < v->count; i++)
		fill_STR(&v->at[i], i);
}

static void same_U8(const uint8_t *a, const uint8_t *b)
{
	assert_int_equal(*a, *b);
}
static void same_U16(const uint16_t *a, const uint16_t *b)
{
	assert_int_equal(*a, *b);
}
static void same_U32(const uint32_t *a, const uint32_t *b)
{
	assert_int_equal(*a, *b);
}
static void same_U64(const uint64_t *a, const uint64_t *b)
{
	assert_int_equal(*a, *b);
}
static void same_I64(const int64_t *a, const int64_t *b)
{
	assert_int_equal(*a, *b);
}
static void same_STR(const struct str *a, const struct str *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->p, b->p, a->len);
}
static void same_BLOB(const struct str *a, const struct str *b)
{
	same_STR(a, b);
}
static void same_STRS(const struct strs *a, const struct strs *b)
{
	assert_int_equal(a->count, b->count);
	for (unsigned i = 0; i < a->count; i++)
		same_STR(&a->at[i], &b->at[i]);
}

#define FILL(kind, field) fill_##kind(&in.field, n++);
#define SAME(kind, field) same_##kind(&in.field, &out.field);

/* Each message: round trip; cut at every byte it is refused or has lost whole fields only; more
 * behind it is skipped. */
#define MESSAGE_TEST(number, NAME, name, summary)                                                  \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		static struct msg_##name in, out;                                                  \
		unsigned n = 0;                                                                    \
		struct err e;                                                                      \
		struct buf b;                                                                      \
		(void)state;                                                                       \
		F_##NAME(FILL) buf_init(&b, 1 << 20);                                              \
		assert_int_equal(msg_put_##name(&b, &in), 0);                                      \
		assert_int_equal(msg_get_##name(b.data, b.len, &out, &e), 0);                      \
		F_##NAME(SAME) for (size_t cut = 0; cut < b.len; cut++)                            \
		{                                                                                  \
			uint8_t *part = xmalloc(cut);                                              \
			memcpy(part, b.data, cut);                                                 \
			if (msg_get_##name(part, cut, &out, &e))                                   \
				assert_int_equal(e.code, ERR_REFUSED);                             \
			free(part);                                                                \
		}                                                                                  \
		assert_int_equal(buf_add(&b, "from the future", 15), 0);                           \
		assert_int_equal(msg_get_##name(b.data, b.len, &out, &e), 0);                      \
		F_##NAME(SAME) assert_string_equal(msg_name(number), #NAME);                       \
		assert_string_equal(msg_summary(number), summary);                                 \
		buf_release(&b);                                                                   \
	}
MSG_LIST(MESSAGE_TEST)

static void golden(const struct buf *b, const char *want, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, want, len);
}

/* HELLO and ERROR are frozen for ever: these bytes never change. */
static void test_golden_hello(void **state)
{
	static const char want[] = "\0\0\0\1"
				   "\0\0\0\7tapdeck"
				   "\0\0\0\3"
				   "0.1"
				   "\0\0\0\0"
				   "\0\0\0\2ab"
				   "\0\0\0\4root"
				   "\x18\x8f\xc7\xda\x2c\x8b\x1c\x00";
	const struct msg_hello m = {.protocol = 1,
				    .program = str_of("tapdeck"),
				    .version = str_of("0.1"),
				    .features = str_of(""),
				    .host = str_of("ab"),
				    .user = str_of("root"),
				    .now_ns = INT64_C(0x188fc7da2c8b1c00)};
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(msg_put_hello(&b, &m), 0);
	golden(&b, want, sizeof(want) - 1);
	buf_release(&b);
}

static void test_golden_error(void **state)
{
	static const char want[] = "\0\0\0\2"
				   "\xff\xff\xff\xff\xff\xff\xff\xff"
				   "\0\0\0\5wrong";
	const struct msg_error m = {.code = 2, .at = -1, .sentence = str_of("wrong")};
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(msg_put_error(&b, &m), 0);
	golden(&b, want, sizeof(want) - 1);
	buf_release(&b);
}

static void test_golden_query(void **state)
{
	static const char want[] = "\0\0\0\5flows"
				   "\0\0\0\2"
				   "\0\0\0\1"
				   "1"
				   "\0\0\0\3"
				   "2.1"
				   "\0\0\0\2id"
				   "\0\0\0\0"
				   "\0\0\0\3tcp"
				   "\0\0\0\3-id"
				   "\0\0\0\0\0\0\0\5"
				   "\0\0\0\x32"
				   "\0\0\3\xe8"
				   "\0\0\0\1";
	static struct msg_query m;
	struct buf b;

	(void)state;
	m = (struct msg_query){.table = str_of("flows"),
			       .words = {.count = 2, .at = {str_of("1"), str_of("2.1")}},
			       .columns = str_of("id"),
			       .filter = str_of(""),
			       .bpf = str_of("tcp"),
			       .sort = str_of("-id"),
			       .first = 5,
			       .count = 50,
			       .period_ms = 1000,
			       .flags = QUERY_OUTER};
	buf_init(&b, 1024);
	assert_int_equal(msg_put_query(&b, &m), 0);
	golden(&b, want, sizeof(want) - 1);
	buf_release(&b);
}

static void test_golden_window(void **state)
{
	static const char want[] = "\0\0\0\1t"
				   "\0\0\0\2\0\0"
				   "\0\0\0\0\0\0\0\1"
				   "\0\0\0\2"
				   "\0\0\0\0\0\0\0\3"
				   "\2"
				   "\0\0\0\0\0\0\0\4"
				   "\0\0\0\0\0\0\0\5"
				   "\0\0\0\3"
				   "cut"
				   "\0\0\0\1r";
	const struct msg_window m = {.table = str_of("t"),
				     .columns = {"\0\0", 2},
				     .first = 1,
				     .count = 2,
				     .total = 3,
				     .state = WINDOW_PARTIAL,
				     .done = 4,
				     .of = 5,
				     .note = str_of("cut"),
				     .rows = str_of("r")};
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(msg_put_window(&b, &m), 0);
	golden(&b, want, sizeof(want) - 1);
	buf_release(&b);
}

static void test_old_peer_misses_fields(void **state)
{
	struct msg_hello m;

	(void)state;
	assert_int_equal(msg_get_hello((const uint8_t *)"\0\0\0\2", 4, &m, NULL), 0);
	assert_int_equal(m.protocol, 2);
	assert_int_equal(m.program.len, 0);
	assert_non_null(m.host.p);
	assert_int_equal(m.now_ns, 0);
	assert_int_equal(msg_get_hello(NULL, 0, &m, NULL), 0);
}

static void test_counts_that_lie(void **state)
{
	static struct msg_command m;
	struct msg_done done;
	struct err e;

	(void)state;
	assert_int_equal(msg_get_command((const uint8_t *)"\xff\xff\xff\xff", 4, &m, &e), -1);
	assert_int_equal(m.words.count, 0);
	assert_int_equal(msg_get_command((const uint8_t *)"\0\0\0\1\0\0\0\2x", 9, &m, &e), -1);
	assert_int_equal(msg_get_done((const uint8_t *)"\x7f\xff\xff\xff"
						       "abc",
				      7, &done, &e),
			 -1);
	assert_non_null(strstr(e.text, "DONE"));
}

static void test_too_long(void **state)
{
	char *big = xcalloc(1, MSG_PAYLOAD_MAX + 1);
	const struct msg_done m = {.note = {big, MSG_PAYLOAD_MAX}};
	const char *many[MSG_STRS_MAX + 1];
	static struct strs strs;
	struct buf b;

	(void)state;
	buf_init(&b, MSG_PAYLOAD_MAX * 2);
	assert_int_equal(buf_add_str(&b, "before"), 0);
	assert_int_equal(msg_put_done(&b, &m), -1);
	assert_string_equal(buf_str(&b), "before");
	assert_int_equal(frame_put(&b, 1, 0, 0, big, MSG_PAYLOAD_MAX + 1), -1);
	assert_string_equal(buf_str(&b), "before");
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = "w";
	assert_int_equal(msg_strs(&strs, many, ARRAY_LEN(many)), -1);
	assert_int_equal(strs.count, MSG_STRS_MAX);
	buf_release(&b);
	free(big);
}

static void test_frames(void **state)
{
	struct frame f;
	struct err e;
	size_t used = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(frame_put_fds(&b, 8, 2, 3, 4, "abc", 3), 0);
	golden(&b,
	       "\0\0\0\3\0\x8\0\2\0\0\0\3\0\0\0\4"
	       "abc",
	       19);
	for (size_t cut = 0; cut < b.len; cut++)
		assert_int_equal(frame_get(b.data, cut, &f, &used, &e), 0);
	assert_int_equal(frame_get(b.data, b.len, &f, &used, &e), 1);
	assert_int_equal(used, 19);
	assert_int_equal(f.type, 8);
	assert_int_equal(f.nfd, 2);
	assert_int_equal(f.channel, 3);
	assert_int_equal(f.id, 4);
	assert_memory_equal(f.payload, "abc", 3);
	assert_int_equal(frame_get((const uint8_t *)"SSH-2.0-OpenSSH_9.2", 19, &f, &used, &e), -1);
	assert_int_equal(
		frame_get((const uint8_t *)"\0\0\0\0\0\1\0\x19\0\0\0\0\0\0\0\0", 16, &f, &used, &e),
		-1);
	buf_release(&b);
}

static void test_print(void **state)
{
	static const struct msg_error m = {.code = 2, .at = 7, .sentence = {"bad \x1b[m", 7}};
	struct buf b, line;

	(void)state;
	buf_init(&b, 1024);
	buf_init(&line, 4096);
	assert_int_equal(msg_put_error(&b, &m), 0);
	msg_print(&line, MSG_ERROR, b.data, b.len);
	assert_string_equal(buf_str(&line), "ERROR code=2 at=7 sentence=\"bad \\x1b[m\"");
	buf_clear(&line);
	msg_print(&line, MSG_ERROR, b.data, b.len - 1);
	assert_string_equal(buf_str(&line), "ERROR code=2 at=7 sentence=(damaged)");
	buf_clear(&line);
	msg_print(&line, 999, b.data, b.len);
	assert_string_equal(buf_str(&line), "message 999, 23 bytes");
	buf_clear(&line);
	msg_describe(&line, MSG_ERROR);
	assert_string_equal(buf_str(&line), "u32 code, i64 at, str sentence");
	assert_string_equal(msg_name(999), "?");
	buf_release(&line);
	buf_release(&b);
}

#define MESSAGE_ROW(number, NAME, name, summary) cmocka_unit_test(test_##name),

int main(void)
{
	const struct CMUnitTest tests[] = {
		MSG_LIST(MESSAGE_ROW) cmocka_unit_test(test_golden_hello),
		cmocka_unit_test(test_golden_error),
		cmocka_unit_test(test_golden_query),
		cmocka_unit_test(test_golden_window),
		cmocka_unit_test(test_old_peer_misses_fields),
		cmocka_unit_test(test_counts_that_lie),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
