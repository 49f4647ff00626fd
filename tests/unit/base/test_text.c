/* Text in and out: what is hostile, what is near, numbers and times both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include <math.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"

struct pair {
	const char *in, *out;
};

static void escaped(const char *in, size_t len, bool backslash, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	text_escape(&b, (struct str){in, len}, backslash);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void test_hostile(void **state)
{
	static const struct pair cases[] = {
		{"plain", "plain"},
		{"\x1b[31mred", "\\x1b[31mred"},
		{"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
		{"\x7f", "\\x7f"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xe6\x97\xa5", "\xe6\x97\xa5"},
		{"\xc2\x9b"
		 "31m",
		 "\\xc2\\x9b31m"}, /* C1: CSI */
		{"a\xe2\x80\xae"
		 "b",
		 "a\\xe2\\x80\\xae"
		 "b"},				     /* right-to-left override */
		{"\xe2\x81\xa6", "\\xe2\\x81\\xa6"}, /* isolate */
		{"\xe2\x80\x8b", "\\xe2\\x80\\x8b"}, /* zero width space */
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* line separator */
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xc0\xaf", "\\xc0\\xaf"},		      /* overlong slash */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* a surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* past U+10FFFF */
		{"cut \xe6\x97", "cut \\xe6\\x97"},
		{"\xee\x80\x80", "\\xee\\x80\\x80"}, /* private use */
		{"\xcd\xb8", "\\xcd\\xb8"},	     /* unassigned U+0378 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		escaped(cases[i].in, strlen(cases[i].in), false, cases[i].out);
	escaped("a\\b", 3, true, "a\\\\b");
	escaped("a\\b", 3, false, "a\\b");
	escaped("\0x", 2, true, "\\x00x");
}

static void test_full_buffer_cuts_between_characters(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	text_escape(&b,
		    str_of("abcd\x1b"
			   "efg"),
		    false);
	assert_string_equal(buf_str(&b), "abcd");
	buf_release(&b);
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width('a'), 1);
	assert_int_equal(text_width(0x65e5), 2);  /* a Chinese character */
	assert_int_equal(text_width(0x1f600), 2); /* a face */
	assert_int_equal(text_width(0x301), 0);	  /* combining acute */
	assert_int_equal(text_width(0x202e), -1);
	assert_int_equal(text_width(0x1b), -1);
	assert_int_equal(text_width(0x10ffff), -1);
	assert_int_equal(text_width(-1), -1);
}

static void test_counts(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = {
		{"0", 0},
		{"10", 10},
		{"10k", 10000},
		{"1.5M", 1500000},
		{"2G", 2000000000},
		{"1Ki", 1024},
		{"1.5Ki", 1536},
		{"4T", UINT64_C(4000000000000)},
		{"18446744073709551615", UINT64_MAX},
		{"0.001k", 1},
	};
	static const char *const bad[] = {
		"",    "k", "-1", "1x", "1.5", "1 k", "18446744073709551616", "99999999999T",
		".5k", "1."};
	struct err e;
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(text_parse_count(str_of(good[i].text), &n, &e), 0);
		assert_int_equal(n, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(text_parse_count(str_of(bad[i]), &n, &e), -1);
		assert_int_equal(e.code, ERR_CALL);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{"250ms", 250000000},  {"10s", 10000000000},
		{"10", 10000000000},   {"5m", 300000000000},
		{"2h", 7200000000000}, {"7d", 604800000000000},
		{"3us", 3000},	       {"8ns", 8},
		{"1.5s", 1500000000},  {"-2ms", -2000000},
		{"0.000000001", 1},
	};
	static const char *const bad[] = {"", "s", "10x", "1e3", "400000d", "--1s"};
	struct err e;
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(text_parse_duration(str_of(good[i].text), &ns, &e), 0);
		assert_int_equal(ns, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(text_parse_duration(str_of(bad[i]), &ns, &e), -1);
}

/* Truth: date -u -d ... +%s */
static void test_times(void **state)
{
	const int64_t now = INT64_C(1769854830) * NS_PER_S; /* 2026-01-31T10:20:30Z */
	static const struct {
		const char *text;
		int64_t seconds, ns;
	} good[] = {
		{"2026-01-31T10:20:30Z", 1769854830, 0},
		{"2026-01-31T10:20:30.000000001Z", 1769854830, 1},
		{"2026-01-31T10:20:30.5", 1769854830, 500000000},
		{"2026-01-31 12:20:30+02:00", 1769854830, 0},
		{"2026-01-31T02:20:30-0800", 1769854830, 0},
		{"2026-01-31 10:20", 1769854800, 0},
		{"2026-01-31", 1769817600, 0},
		{"10:20:30", 1769854830, 0},
		{"10:20", 1769854800, 0},
		{"@1769854830.25", 1769854830, 250000000},
		{"@0", 0, 0},
		{"now", 1769854830, 0},
		{"today", 1769817600, 0},
		{"yesterday", 1769731200, 0},
		{"2000-02-29", 951782400, 0},
		{"1969-12-31T23:59:59Z", -1, 0},
	};
	static const char *const bad[] = {"",
					  "2026",
					  "2026-02-30",
					  "2026-13-01",
					  "24:00",
					  "10:60",
					  "2026-01-31T",
					  "@",
					  "@99999999999",
					  "2026-01-31T10:20:30X",
					  "9999-01-01",
					  "tomorrow",
					  "2026-01-31 10"};
	struct err e;
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (text_parse_time(str_of(good[i].text), now, &ns, &e))
			fail_msg("%s: %s", good[i].text, e.text);
		assert_int_equal(ns, good[i].seconds * NS_PER_S + good[i].ns);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (text_parse_time(str_of(bad[i]), now, &ns, &e) == 0)
			fail_msg("%s was taken for a time", bad[i]);
}

static void test_every_day_comes_back(void **state)
{
	char text[TEXT_NUMBER_MAX];
	int64_t ns;

	(void)state;
	for (int64_t day = -100000; day < 100000; day += 37) {
		const int64_t want = day * 86400 * NS_PER_S + 12345678901;

		text_rfc3339(want, text);
		assert_int_equal(text_parse_time(str_of(text), 0, &ns, NULL), 0);
		assert_int_equal(ns, want);
	}
}

static void test_exact_forms(void **state)
{
	char t[TEXT_NUMBER_MAX];

	(void)state;
	assert_string_equal(text_seconds9(-1000, t), "-0.000001000");
	assert_string_equal(text_seconds9(12345678901, t), "12.345678901");
	assert_string_equal(text_seconds9(INT64_MIN, t), "-9223372036.854775808");
	assert_string_equal(text_ms6(51210000, t), "51.210000");
	assert_string_equal(text_ms6(-1, t), "-0.000001");
	assert_string_equal(text_rfc3339(1, t), "1970-01-01T00:00:00.000000001Z");
	assert_string_equal(text_rfc3339(-1, t), "1969-12-31T23:59:59.999999999Z");
	assert_string_equal(text_rfc3339(INT64_MAX, t), "2262-04-11T23:47:16.854775807Z");
	assert_string_equal(text_rfc3339(INT64_MIN, t), "1677-09-21T00:12:43.145224192Z");
}

static void test_forms_for_people(void **state)
{
	char t[TEXT_NUMBER_MAX];

	(void)state;
	assert_string_equal(text_count(999, t), "999");
	assert_string_equal(text_count(1000, t), "1.00k");
	assert_string_equal(text_count(1210000, t), "1.21M");
	assert_string_equal(text_count(999950, t), "1.00M");
	assert_string_equal(text_count(UINT64_MAX, t), "18447P");
	assert_string_equal(text_bytes(0, t), "0 B");
	assert_string_equal(text_bytes(1210000, t), "1.21 MB");
	assert_string_equal(text_bytes(99960, t), "100 kB");
	assert_string_equal(text_rate(0, t), "0");
	assert_string_equal(text_rate(12.34, t), "12.3");
	assert_string_equal(text_rate(1e6, t), "1.00M");
	assert_string_equal(text_rate(0.0 / 0.0, t), "0");
	assert_string_equal(text_duration(51200000, t), "51.2 ms");
	assert_string_equal(text_duration(12, t), "12 ns");
	assert_string_equal(text_duration(999999, t), "1.00 ms");
	assert_string_equal(text_duration(12345 * NS_PER_MS, t), "12.3 s");
	assert_string_equal(text_duration(192 * 60 * NS_PER_S, t), "3 h 12 m");
	assert_string_equal(text_duration(-192 * NS_PER_S, t), "-3 m 12 s");
	assert_string_equal(text_time(1769854830123456789, TEXT_UTC, t),
			    "2026-01-31 10:20:30.123456");
	assert_string_equal(text_time(1769854830123456789, TEXT_EPOCH, t), "1769854830.123456");
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	assert_string_equal(text_time(1769854830123456789, TEXT_LOCAL, t),
			    "2026-01-31 11:20:30.123456");
}

/* printf's own digits are the truth: three of them, and k M G as the number is divided down. */
static void printf_scaled(char *out, size_t room, double v)
{
	static const char *const unit[] = {"", "k", "M", "G", "T", "P"};
	unsigned i = 0;

	for (; v >= 999.5 && i < 5; i++)
		v /= 1000;
	(void)snprintf(out, room, "%.*f%s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, unit[i]);
}

static void test_digits_are_those_of_printf(void **state)
{
	uint64_t random = 88172645463325252u;
	char ours[TEXT_NUMBER_MAX], theirs[TEXT_NUMBER_MAX];

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t n;
		double v;

		random ^= random << 13; /* Marsaglia's xorshift */
		random ^= random >> 7;
		random ^= random << 17;
		n = random >> random % 60;
		v = i % 3 ? (double)(n % 1000000) / 8 : (double)(n % 1000000007) / 1e3;
		if (n >= 1000) {
			printf_scaled(theirs, sizeof(theirs), (double)n);
			assert_string_equal(text_count(n, ours), theirs);
		}
		if (v > 0) {
			printf_scaled(theirs, sizeof(theirs), v);
			assert_string_equal(text_rate(v, ours), theirs);
		}
		(void)snprintf(theirs, sizeof(theirs), "%lld", (long long)n - 5000);
		assert_string_equal(text_integer((int64_t)n - 5000, ours), theirs);
	}
	assert_string_equal(text_integer(INT64_MIN, ours), "-9223372036854775808");
	assert_string_equal(text_rate(1e-300, ours), "0.00");
	assert_string_equal(text_rate(0.125, ours), "0.12"); /* a half, to the even digit */
	assert_string_equal(text_rate(0.375, ours), "0.38");
	assert_string_equal(text_rate(1e18, ours), "1000P");
}

static void test_microseconds(void **state)
{
	char t[TEXT_NUMBER_MAX];

	(void)state;
	assert_string_equal(text_seconds6(0, t), "0.000000");
	assert_string_equal(text_seconds6(1234567499, t), "1.234567");
	assert_string_equal(text_seconds6(1234567500, t), "1.234568");
	assert_string_equal(text_seconds6(-1500, t), "-0.000002");
	assert_string_equal(text_seconds6(INT64_MIN, t), "-9223372036.854776");
}

static void test_nearest(void **state)
{
	static const char *const known[] = {"connections", "flows", "packets", "port_a", "state"};

	(void)state;
	assert_string_equal(text_nearest(str_of("conections"), known, 5), "connections");
	assert_string_equal(text_nearest(str_of("packet"), known, 5), "packets");
	assert_string_equal(text_nearest(str_of("conn"), known, 5), "connections");
	assert_null(text_nearest(str_of("zebra"), known, 5));
	assert_null(text_nearest(str_of(""), known, 5));
}

static void same_as_printf(double v)
{
	char ours[TEXT_NUMBER_MAX], theirs[400];

	for (unsigned decimals = 0; decimals <= 6; decimals++) {
		char *end = text_put_fixed(v, decimals, ours);

		if (!(v > -8796093022208.0 && v < 8796093022208.0)) {
			assert_null(end);
			continue;
		}
		assert_non_null(end);
		*end = 0;
		(void)snprintf(theirs, sizeof(theirs), "%.*f", (int)decimals, v);
		assert_string_equal(ours, theirs);
	}
}

static void test_fixed_gives_the_digits_of_printf(void **state)
{
	static const double some[] = {0,
				      -0.0,
				      0.5,
				      1.5,
				      2.5,
				      0.0000005,
				      1e-30,
				      -1e-7,
				      999.9995,
				      1e12,
				      8796093022207.999,
				      8796093022208.0,
				      INFINITY,
				      -INFINITY,
				      NAN};
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(some); i++)
		same_as_printf(some[i]);
	for (unsigned i = 0; i < 200000;
	     i++) { /* xorshift; of every size, and with halves at the end */
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		same_as_printf((double)(seed >> 11) / (double)(UINT64_C(1) << (10 + seed % 50)));
		same_as_printf((double)(seed % 2000001) / 16 / 1e3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_gives_the_digits_of_printf),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_full_buffer_cuts_between_characters),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_every_day_comes_back),
		cmocka_unit_test(test_exact_forms),
		cmocka_unit_test(test_forms_for_people),
		cmocka_unit_test(test_digits_are_those_of_printf),
		cmocka_unit_test(test_microseconds),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
