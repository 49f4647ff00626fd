/* The sentences for what is no capture; the names of link types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "captures.h"

struct refusal {
	const char *bytes;
	size_t len;
	const char *sentence;
};

static void other_files_are_named(void **state)
{
	static const struct refusal rows[] = {
		{"", 0, "it is empty"},
		{"\xd4\xc3\xb2\xa1\2\0\4\0", 8, "too short"},
		{"\x0a\x0d\x0d\x0a", 4, "too short"},
		{"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", 12, "too short"},
		{"\xd4\xc3", 2, "too short"},
		{"\xd4\xc3\xb2\xa1\7\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "version 7.4"},
		{"\x1f\x8b\x08\0\0\0\0\0", 8, "gunzip it first"},
		{"\x28\xb5\x2f\xfd\0\0", 6, "zstd"},
		{"\xfd"
		 "7zXZ\0\0",
		 7, "xz"},
		{"\x04\x22\x4d\x18", 4, "lz4"},
		{"hello world, this is text\n", 26,
		 "is text, not a capture: it begins with \"hello world, this"},
		{"\x7f"
		 "ELF\2\1\1",
		 7, "a program"},
		{"\0\1\2\3\4", 5, "00 01 02 03, which is neither pcap nor pcapng"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct capfile *f;
		struct err e;

		assert_int_equal(
			capfile_open(&f, fd_of_bytes(rows[i].bytes, rows[i].len), "it", &e), -1);
		assert_int_equal(e.code, ERR_REFUSED);
		if (!strstr(e.text, rows[i].sentence))
			fail_msg("%s: not \"%s\"", rows[i].sentence, e.text);
	}
}

static void folders_and_pipes_are_named(void **state)
{
	struct capfile *f;
	struct err e;
	int pipe_fd[2];

	(void)state;
	assert_int_equal(capfile_open(&f, open("/tmp", O_RDONLY | O_CLOEXEC), "/tmp", &e), -1);
	assert_string_equal(e.text, "/tmp is a folder: name a capture file in it");
	assert_int_equal(pipe(pipe_fd), 0);
	assert_int_equal(capfile_open(&f, pipe_fd[0], "a pipe", &e), -1);
	assert_non_null(strstr(e.text, "not a plain file"));
	close(pipe_fd[1]);
}

static void link_types_have_names(void **state)
{
	char room[24];

	(void)state;
	assert_string_equal(link_type_name(0, room), "NULL");
	assert_string_equal(link_type_name(1, room), "EN10MB");
	assert_string_equal(link_type_name(101, room), "RAW");
	assert_string_equal(link_type_name(113, room), "LINUX_SLL");
	assert_string_equal(link_type_name(276, room), "LINUX_SLL2");
	assert_string_equal(link_type_name(289, room), "ATSC_ALP");
	assert_string_equal(link_type_name(65000, room), "LINKTYPE_65000");
	assert_string_equal(link_type_name(UINT32_MAX, room), "LINKTYPE_4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_files_are_named),
		cmocka_unit_test(folders_and_pipes_are_named),
		cmocka_unit_test(link_types_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
