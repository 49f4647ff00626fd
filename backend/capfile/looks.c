#include "looks.h"

#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"

struct look {
	const char *magic;
	size_t len;
	const char *sentence; /* behind the name */
};

static const struct look looks[] = {
	{"\x1f\x8b", 2, "is compressed with gzip: gunzip it first"},
	{"\x28\xb5\x2f\xfd", 4, "is compressed with zstd: run unzstd on it first"},
	{"\xfd\x37\x7a\x58\x5a\x00", 6, "is compressed with xz: run unxz on it first"},
	{"\x04\x22\x4d\x18", 4, "is compressed with lz4: run unlz4 on it first"},
	{"BZh", 3, "is compressed with bzip2, which is not read: run bunzip2 on it first"},
	{"PK\x03\x04", 4, "is a zip archive: unpack it, and name a capture in it"},
	{"snoop\0\0\0", 8,
	 "is a snoop capture, which is not read: editcap makes a pcapng file of it"},
	{"GMBU", 4,
	 "is a Network Monitor capture, which is not read: editcap makes a pcapng file of it"},
	{"RTSS", 4,
	 "is a Network Monitor capture, which is not read: editcap makes a pcapng file of it"},
	{"TDJRNL1\n", 8, "is a journal, not a capture: its history shows what is in it"},
	{"\x7f"
	 "ELF",
	 4, "is a program, not a capture"},
	{"SQLite format 3", 15, "is a database, not a capture"},
};

static bool all_text(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') || p[i] == 0x7f)
			return false;
	return true;
}

bool looks_foreign(const char *name, const uint8_t *p, size_t len, struct err *e)
{
	const size_t shown = len < 24 ? len : 24;

	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		if (len < looks[i].len || memcmp(p, looks[i].magic, looks[i].len) != 0)
			continue;
		(void)err_set(e, ERR_REFUSED, "%s %s", name, looks[i].sentence);
		return true;
	}
	if (!all_text(p, shown))
		return false;
	(void)err_set(e, ERR_REFUSED, "%s is text, not a capture: it begins with \"%.*s\"", name,
		      (int)shown, (const char *)p);
	return true;
}

int looks_kind(int fd, const char *name, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, ERR_REFUSED, "%s cannot be looked at", name);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s is a folder: name a capture file in it", name);
	if (!S_ISREG(st.st_mode))
		return err_set(
			e, ERR_REFUSED,
			"%s is not a plain file: packets are read at places, which it has not",
			name);
	return 0;
}
