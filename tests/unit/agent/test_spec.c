/* The WORDS of `new`, as somebody types them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../backend/agent/session.h"
#include "base/words.h"
#include "base/xalloc.h"

static int parse(struct spec *s, const char *line, struct err *e)
{
	struct str word[64];
	struct words w;
	int r;

	assert_int_equal(words_parse(&w, line, e), 0);
	for (int i = 0; i < w.count; i++)
		word[i] = str_of(w.word[i]);
	r = spec_parse(s, word, (size_t)w.count, e);
	words_release(&w);
	return r;
}

static void test_capstats_line(void **state)
{
	struct spec s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s, "web filter tcp port 80", &e), 0);
	assert_string_equal(s.name, "web");
	assert_string_equal(s.filter, "tcp port 80");
	assert_false(s.record);
	assert_int_equal(s.ndevices, 0);
	assert_int_equal(s.snaplen, 262144);
	assert_int_equal(s.buffer_bytes, 4 << 20);
	assert_int_equal(s.wait_ms, 250);
	assert_false(s.own_out);
	spec_release(&s);
}

static void test_all_words(void **state)
{
	struct spec s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s,
			       "a device eth0,eth1 on there record counter web=tcp port 80 counter "
			       "dns=udp port 53 snaplen 96 buffer 8 "
			       "promiscuous direction out own-traffic out every 60s size 100MB "
			       "packets 5k keep 7d stop-after 3 ephemeral "
			       "format pcapng names x-%Y%m%d-%N utc wait-ms 100 note 'two words' "
			       "filter host 10.0.0.1 and 'tcp or udp'",
			       &e),
			 0);
	assert_string_equal(s.filter, "host 10.0.0.1 and tcp or udp");
	assert_int_equal(s.ndevices, 2);
	assert_string_equal(s.device[1], "eth1");
	assert_int_equal(s.ncounters, 2);
	assert_string_equal(s.counter[0].filter, "tcp port 80");
	assert_string_equal(s.counter[1].name, "dns");
	assert_int_equal(s.snaplen, 96);
	assert_int_equal(s.buffer_bytes, 8000000);
	assert_true(s.promiscuous && s.own_out && s.record && s.ephemeral && !s.pcap);
	assert_int_equal(s.direction, 2);
	assert_int_equal(s.every_ns, INT64_C(60000000000));
	assert_int_equal(s.size_bytes, 100000000);
	assert_int_equal(s.packets, 5000);
	assert_int_equal(s.keep.time_ns, INT64_C(604800000000000));
	assert_int_equal(s.stop.number, 3);
	assert_int_equal(s.wait_ms, 100);
	assert_string_equal(s.note, "two words");
	spec_release(&s);
}

static void test_keep(void **state)
{
	struct spec s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s, "a record keep 20 stop-after 1GB", &e), 0);
	assert_int_equal(s.keep.number, 20);
	assert_int_equal(s.stop.bytes, 1000000000);
	spec_release(&s);
}

/* What the files go through. */
static void test_outlets(void **state)
{
	struct spec s;
	struct err e;

	(void)state;
	assert_int_equal(parse(&s,
			       "a record compress zstd:19:live pipe 'tcpdump -r -' announce \"mv "
			       "-t '/a b'\" watch-file /tmp/x user bob",
			       &e),
			 0);
	assert_string_equal(s.compress, "zstd");
	assert_int_equal(s.compress_level, 19);
	assert_true(s.compress_live);
	assert_string_equal(s.pipe, "tcpdump -r -");
	assert_string_equal(s.announce, "mv -t '/a b'");
	assert_string_equal(s.watch_file, "/tmp/x");
	assert_string_equal(s.user, "bob");
	spec_release(&s);
	assert_int_equal(parse(&s, "a record compress xz", &e), 0);
	assert_int_equal(s.compress_level, -1);
	assert_false(s.compress_live);
	spec_release(&s);
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"a filtre tcp", "did you mean \"filter\""},
		{"a persist ephemeral", "not both"},
		{"a record compress rar", "gzip, zstd, lz4 or xz"},
		{"a record compress gzip:99", "gzip, zstd, lz4 or xz"},
		{"a record compress gzip:6:lives", "gzip, zstd, lz4 or xz"},
		{"a compress gzip", "record"},
		{"a announce /bin/true", "record"},
		{"a pipe", "needs a value"},
		{"a pipe '\"x'", "quote"},
		{"a record watch-file sign", "whole path"},
		{"a filter", "needs an expression"},
		{"a filter tcp record filter udp", "one filter"},
		{"a counter tcp", "NAME=FILTER"},
		{"a counter x=", "needs a filter"},
		{"a counter x=tcp counter x=udp", "two counters"},
		{"a device", "needs a value"},
		{"a device eth0,,eth1", "joined by commas"},
		{"a snaplen 999999", "between"},
		{"a snaplen x", "snaplen"},
		{"a direction up", "\"in\" or \"out\""},
		{"a record format erf", "\"pcapng\" or \"pcap\""},
		{"a every 60s", "record"},
		{"a record every 1ms", "at least a second"},
		{"a record names ../x", "pattern"},
		{"a record names %Q", "pattern"},
		{"a record format pcap device a,b", "several need pcapng"},
		{".hidden", "begin"},
		{"-x", "begin"},
		{"'a b'", "made of letters"},
		{"0123456789012345678901234567890123456789012345678901234567890123456789",
		 "1 to 64"},
	};
	struct spec s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&s, cases[i].line, &e), -1);
		assert_int_equal(e.code, ERR_CALL);
		if (!strstr(e.text, cases[i].says))
			print_error("%s: %s\n", cases[i].line, e.text);
		assert_non_null(strstr(e.text, cases[i].says));
		spec_release(&s);
	}
	assert_int_equal(spec_parse(&s, NULL, 0, &e), -1);
	spec_release(&s);
}

static void test_many_counters(void **state)
{
	const struct {
		unsigned count, filter_bytes;
		const char *says; /* NULL: taken */
	} cases[] = {
		{SPEC_COUNTERS_MAX, 20, NULL},
		{SPEC_COUNTERS_MAX + 1, 20, "at most 4096 counters"},
		{4000, 200, "more than 524288 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str *word = xcalloc(1 + 2 * (size_t)cases[i].count, sizeof(*word));
		struct spec s;
		struct err e;
		int r;

		word[0] = str_of("many");
		for (unsigned k = 0; k < cases[i].count; k++) {
			word[1 + 2 * k] = str_of("counter");
			word[2 + 2 * k] = str_of(xasprintf("c%u=udp port %-*u", k,
							   (int)cases[i].filter_bytes - 9, k + 1));
		}
		r = spec_parse(&s, word, 1 + 2 * (size_t)cases[i].count, &e);
		assert_int_equal(r, cases[i].says ? -1 : 0);
		if (cases[i].says)
			assert_non_null(strstr(e.text, cases[i].says));
		else
			assert_int_equal(s.ncounters, cases[i].count);
		for (unsigned k = 0; k < cases[i].count; k++)
			free((char *)(uintptr_t)word[2 + 2 * k].p);
		free(word);
		spec_release(&s);
	}
}

static void test_own(void **state)
{
	struct own own = {0};
	struct err e;

	(void)state;
	assert_int_equal(own_set(&own, "10.0.0.1", 4711, "10.0.0.2", 22, &e), 0);
	assert_string_equal(
		own.filter,
		"tcp and ((src host 10.0.0.1 and src port 4711 and dst host 10.0.0.2 and dst port "
		"22) or "
		"(src host 10.0.0.2 and src port 22 and dst host 10.0.0.1 and dst port 4711))");
	assert_int_equal(own_set(&own, "::ffff:10.0.0.1", 4711, "fe80::1%eth0", 22, &e), 0);
	assert_string_equal(own.name, "10.0.0.1 port 4711 - fe80::1 port 22");
	assert_int_equal(own_set(&own, "10.0.0.1) or (tcp", 4711, "10.0.0.2", 22, &e), -1);
	assert_int_equal(own_set(&own, "10.0.0.1", 0, "10.0.0.2", 22, &e), -1);
	assert_string_equal(own.name, "10.0.0.1 port 4711 - fe80::1 port 22");
	own_release(&own);
}

static void test_own_environment(void **state)
{
	static const char *const bad[] = {"10.0.0.1 4711 10.0.0.2", "10.0.0.1 4711 10.0.0.2 70000",
					  "x 1 y 2", "", "10.0.0.1 '4711 10.0.0.2 22"};
	struct msg_own m;
	char *memory = NULL;

	(void)state;
	assert_int_equal(setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22", 1), 0);
	assert_int_equal(own_from_environment(&m, &memory), 0);
	assert_true(str_is(m.addr_a, "192.0.2.1") && str_is(m.addr_b, "192.0.2.2"));
	assert_int_equal(m.port_a, 50000);
	assert_int_equal(m.port_b, 22);
	free(memory);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(setenv("SSH_CONNECTION", bad[i], 1), 0);
		memory = NULL;
		assert_int_equal(own_from_environment(&m, &memory), -1);
		assert_null(memory);
	}
	unsetenv("SSH_CONNECTION");
}

static void test_access(void **state)
{
	const struct who root = {.owner = true}, member = {.uid = 1000, .member = true},
			 other = {.uid = 1001};
	struct err e;

	(void)state;
	assert_int_equal(access_connect(&other, &e), -1);
	assert_int_equal(access_connect(&member, &e), 0);
	assert_int_equal(access_check(&root, "journal", (uid_t)-1, &e), 0);
	assert_int_equal(access_check(&root, "stop", 1000, &e), 0);
	assert_int_equal(access_check(&member, "new", 1000, &e), 0);
	assert_int_equal(access_check(&member, "sessions", (uid_t)-1, &e), 0);
	assert_int_equal(access_check(&member, "stop", 1000, &e), 0);
	assert_int_equal(access_check(&member, "stop", 0, &e), -1);
	assert_int_equal(access_check(&member, "open", 1001, &e), -1);
	assert_int_equal(access_check(&member, "journal", (uid_t)-1, &e), -1);
	assert_int_equal(access_check(&member, "a word of tomorrow", 1000, &e), -1);
	assert_int_equal(access_check(&other, "sessions", (uid_t)-1, &e), -1);
}

static void test_capture_names(void **state)
{
	(void)state;
	assert_true(capture_name_ok(str_of("web-20260101T000000Z")));
	assert_false(capture_name_ok(str_of("..")));
	assert_false(capture_name_ok(str_of("")));
	assert_false(capture_name_ok(str_of("a/b")));
	assert_false(capture_name_ok((struct str){"a\0b", 3}));
}

static void test_patterns(void **state)
{
	char *name;

	(void)state;
	name = segment_pattern("x-%Y%m%d-%H%M%S-%N", INT64_C(1767225661000000000), true, 7);
	assert_string_equal(name, "x-20260101-000101-00007");
	free(name);
	(void)setenv("TZ", "XXX-05:30", 1);
	tzset();
	name = segment_pattern("x-%Y%m%d-%H%M%S-%N", INT64_C(1767225661000000000), false, 7);
	assert_string_equal(name, "x-20260101-053101-00007");
	free(name);
	(void)unsetenv("TZ");
	tzset();
	name = segment_pattern("x", 0, true, 12);
	assert_string_equal(name, "x-00012");
	free(name);
	assert_null(segment_pattern("x%", 0, true, 1));
	assert_null(segment_pattern("%q", 0, true, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capstats_line),
		cmocka_unit_test(test_all_words),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_outlets),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_counters),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_environment),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_capture_names),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
