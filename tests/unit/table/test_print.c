/* Values and tables in every format: exact where scripts read, harmless where people do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "table/print.h"

static void raw_is(enum kind kind, struct value v, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	value_print_raw(&b, kind, &v);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void text_is(enum kind kind, struct value v, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	value_print_text(&b, kind, &v, TEXT_UTC);
	assert_string_equal(buf_str(&b), want);
	buf_release(&b);
}

static void test_raw_values(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(str_of("2001:DB8:0::1"), &a, NULL), 0);
	raw_is(KIND_COUNT, value_int(1210000), "1210000");
	raw_is(KIND_BYTES, value_int(-5), "-5");
	raw_is(KIND_TEXT, value_text("a\x1b[m\\"), "a\\x1b[m\\");
	raw_is(KIND_ADDR, value_addr(&a), "2001:db8::1");
	raw_is(KIND_PORT, value_int(65535), "65535");
	raw_is(KIND_FLOW, value_int(24), "12.1");
	raw_is(KIND_FLOW, value_int(25), "12.2");
	raw_is(KIND_TIME, value_int(1769854830000000001), "2026-01-31T10:20:30.000000001Z");
	raw_is(KIND_SECONDS, value_int(-1500000000), "-1.500000000");
	raw_is(KIND_MS, value_int(51210000), "51.210000");
	raw_is(KIND_PPS, value_real(12.5), "12.500");
	raw_is(KIND_BPS, value_int(1000), "1000.000");
	raw_is(KIND_SHARE, value_real(0.25), "0.250000");
	raw_is(KIND_BOOL, value_int(1), "yes");
	raw_is(KIND_BOOL, value_int(0), "no");
	raw_is(KIND_REAL, value_real(0.0 / 0.0), "");
	raw_is(KIND_COUNT, value_null(), "");
	raw_is(KIND_SERIES, value_text("1 2 3"), "1 2 3");
	raw_is(KIND_TIME, value_real(1e300),
	       "1970-01-01T00:00:00.000000000Z"); /* hostile, but no crash */
}

static void test_values_for_people(void **state)
{
	(void)state;
	text_is(KIND_BYTES, value_int(1210000), "1.21 MB");
	text_is(KIND_BYTES, value_int(-3), "-3");
	text_is(KIND_COUNT, value_int(1210000), "1210000");
	text_is(KIND_MS, value_int(51200000), "51.2 ms");
	text_is(KIND_SECONDS, value_int(12345678901), "12.345679");
	text_is(KIND_PPS, value_real(12345), "12.3k");
	text_is(KIND_SHARE, value_real(0.123), "12.3 %");
	text_is(KIND_TIME, value_int(1769854830123456789), "2026-01-31 10:20:30.123456");
	text_is(KIND_TEXT,
		value_text("\xe2\x80\xae"
			   "x"),
		"\\xe2\\x80\\xaex");
	text_is(KIND_BOOL, value_int(1), "yes");
	text_is(KIND_TEXT, value_null(), "");
}

static void test_compare(void **state)
{
	struct value v[8];
	struct addr a = {.family = ADDR_IP4}, b = {.family = ADDR_IP6};

	(void)state;
	v[0] = value_null();
	v[1] = value_int(INT64_MIN);
	v[2] = value_real(-1.5);
	v[3] = value_int(INT64_MAX);
	v[4] = value_text("");
	v[5] = value_text("b");
	v[6] = value_addr(&a);
	v[7] = value_addr(&b);
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 8; j++)
			assert_int_equal((value_compare(&v[i], &v[j]) > 0) -
						 (value_compare(&v[i], &v[j]) < 0),
					 (i > j) - (i < j));
	v[0] = value_int((INT64_C(1) << 53) + 1);
	v[1] = value_real(9007199254740992.0);
	assert_true(value_compare(&v[0], &v[1]) > 0); /* not rounded away */
}

static struct column columns[] = {
	{"id", KIND_COUNT, 0, "", ""},	    {"name", KIND_TEXT, 0, "", ""},
	{"rel_s", KIND_SECONDS, 0, "", ""}, {"up", KIND_BOOL, 0, "", ""},
	{"flow", KIND_FLOW, 0, "", ""},
};

static void printed(enum print_format format, bool header, unsigned width, uint32_t rows,
		    const char *want)
{
	struct value cells[15] = {
		value_int(1),
		value_text("plain"),
		value_int(1500000000),
		value_int(1),
		value_int(2),
		value_int(20),
		value_text("a,\"b\"\t\n\\\x1b"),
		value_null(),
		value_int(0),
		value_int(3),
		value_null(),
		value_text("\xe6\x97\xa5"),
		value_int(0),
		value_null(),
		value_null(),
	};
	const struct window w = {.ncolumns = 5, .columns = columns, .rows = rows, .cells = cells};
	const struct print_options o = {.format = format, .header = header, .width = width};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct printer *p = printer_new(out, &o);

	assert_int_equal(printer_add(p, &w, NULL), 0);
	assert_int_equal(printer_end(p, NULL), 0);
	printer_free(p);
	assert_int_equal(fclose(out), 0);
	if (strcmp(text, want) != 0)
		fail_msg("printed:\n%s\nnot:\n%s", text, want);
	free(text);
}

static void test_csv(void **state)
{
	(void)state;
	printed(PRINT_CSV, true, 0, 3,
		"id,name,rel_s,up,flow\n"
		"1,plain,1.500000000,yes,1.1\n"
		"20,\"a,\"\"b\"\"\\x09\\x0a\\\\x1b\",,no,1.2\n"
		",\xe6\x97\xa5,0.000000000,,\n");
	printed(PRINT_CSV, true, 0, 0, "id,name,rel_s,up,flow\n");
	printed(PRINT_CSV, false, 0, 0, "");
}

static void test_tsv(void **state)
{
	(void)state;
	printed(PRINT_TSV, true, 0, 3,
		"id\tname\trel_s\tup\tflow\n"
		"1\tplain\t1.500000000\tyes\t1.1\n"
		"20\ta,\"b\"\\t\\n\\\\\\x1b\t\tno\t1.2\n"
		"\t\xe6\x97\xa5\t0.000000000\t\t\n");
}

static void test_json(void **state)
{
	(void)state;
	printed(PRINT_JSON, true, 0, 3,
		"[\n"
		"{\"id\":1,\"name\":\"plain\",\"rel_s\":1.500000000,\"up\":\"yes\",\"flow\":\"1."
		"1\"},\n"
		"{\"id\":20,\"name\":\"a,\\\"b\\\"\\\\x09\\\\x0a\\\\\\\\x1b\",\"rel_s\":null,"
		"\"up\":\"no\",\"flow\":\"1.2\"},\n"
		"{\"id\":null,\"name\":\"\xe6\x97\xa5\",\"rel_s\":0.000000000,\"up\":null,\"flow\":"
		"null}\n"
		"]\n");
	printed(PRINT_JSON, true, 0, 0, "[]\n");
	printed(PRINT_JSONL, true, 0, 1,
		"{\"id\":1,\"name\":\"plain\",\"rel_s\":1.500000000,\"up\":\"yes\",\"flow\":\"1."
		"1\"}\n");
	printed(PRINT_JSONL, true, 0, 0, "");
}

static void test_text(void **state)
{
	(void)state;
	printed(PRINT_TEXT, true, 0, 3,
		"id  name                   rel_s  up   flow\n"
		" 1  plain               1.500000  yes   1.1\n"
		"20  a,\"b\"\\x09\\x0a\\\\x1b            no    1.2\n"
		"    \xe6\x97\xa5                  0.000000\n");
	printed(PRINT_TEXT, true, 12, 1, "id  name\n 1  plain  1\n");
	printed(PRINT_TEXT, false, 0, 1, "1  plain  1.500000  yes  1.1\n");
}

static void test_windows_follow(void **state)
{
	struct value cells[5] = {value_int(1)};
	struct window w = {.ncolumns = 5, .columns = columns, .rows = 1, .cells = cells};
	const struct print_options o = {.format = PRINT_JSON};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct printer *p = printer_new(out, &o);
	struct err e;

	(void)state;
	assert_int_equal(printer_add(p, &w, &e), 0);
	assert_int_equal(printer_add(p, &w, &e), 0);
	w.ncolumns = 4;
	assert_int_equal(printer_add(p, &w, &e), -1);
	assert_int_equal(printer_end(p, &e), 0);
	printer_free(p);
	assert_int_equal(fclose(out), 0);
	assert_memory_equal(text + len - 4, "}\n]\n", 4);
	assert_non_null(strstr(text, "},\n{"));
	free(text);
}

static void test_full_disk_is_told(void **state)
{
	const struct print_options o = {.format = PRINT_JSON};
	FILE *out = fopen("/dev/full", "w");
	struct printer *p = printer_new(out, &o);
	struct err e;

	(void)state;
	assert_int_equal(printer_end(p, &e), -1);
	assert_non_null(strstr(e.text, "No space left"));
	printer_free(p);
	(void)fclose(out); /* fails for the same reason */
}

static void test_formats(void **state)
{
	enum print_format f;
	struct err e;

	(void)state;
	assert_int_equal(print_format_parse(str_of("jsonl"), &f, &e), 0);
	assert_int_equal(f, PRINT_JSONL);
	assert_int_equal(print_format_parse(str_of("jsn"), &f, &e), -1);
	assert_int_equal(e.code, ERR_CALL);
	assert_non_null(strstr(e.text, "did you mean \"json\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw_values),
		cmocka_unit_test(test_values_for_people),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_tsv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_windows_follow),
		cmocka_unit_test(test_full_disk_is_told),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
