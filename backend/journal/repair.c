#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "journal/journal.h"

#define RECORD_BYTES_MAX (JOURNAL_HEADER_BYTES + JOURNAL_RECORD_MAX)
#define WINDOW_BYTES (2 * RECORD_BYTES_MAX) /* whatever begins in its first half is whole in it */

static ssize_t window_read(int fd, uint8_t *window, uint64_t at, struct err *e)
{
	const ssize_t n = fdio_pread(fd, window, WINDOW_BYTES, at);

	return n < 0 ? err_errno(e, ERR_PART, "the journal cannot be read at byte %llu",
				 (unsigned long long)at)
		     : n;
}

/* Behind the last whole record of the window; the same when there is none. */
static uint64_t window_walk(const uint8_t *window, size_t len, uint64_t base)
{
	struct journal_record r;
	uint64_t at = base;

	while (journal_get(window + (at - base), len - (size_t)(at - base), at, &r, NULL) > 0)
		at = r.next;
	return at;
}

/* *end: behind the last whole record of the file that follows the magic. */
static int find_end(int fd, uint64_t *end, struct err *e)
{
	uint8_t *window = xmalloc(WINDOW_BYTES);
	uint64_t at = JOURNAL_MAGIC_BYTES, next;
	ssize_t len;

	*end = at;
	while ((len = window_read(fd, window, at, e)) > 0) {
		next = window_walk(window, (size_t)len, at);
		if (next > at) {
			at = *end = next;
			continue;
		}
		next = journal_resync(window, (size_t)len, at);
		if (next == 0 && len < (ssize_t)WINDOW_BYTES)
			break;
		at = next ? next : at + WINDOW_BYTES - RECORD_BYTES_MAX;
	}
	free(window);
	return len < 0 ? -1 : 0;
}

int journal_repair(int fd, uint64_t *end, struct err *e)
{
	char magic[JOURNAL_MAGIC_BYTES];
	struct stat st;
	const ssize_t n = fdio_pread(fd, magic, sizeof(magic), 0);

	*end = 0;
	if (n < 0 || fstat(fd, &st) < 0)
		return err_errno(e, ERR_REFUSED, "the journal cannot be read");
	if (memcmp(magic, JOURNAL_MAGIC, (size_t)n) != 0)
		return err_set(e, ERR_REFUSED,
			       "the file does not begin as a journal does: it is left as it is");
	if (n == (ssize_t)JOURNAL_MAGIC_BYTES && find_end(fd, end, e) < 0)
		return -1;
	if ((uint64_t)st.st_size > *end && ftruncate(fd, (off_t)*end) < 0)
		return err_errno(e, ERR_PART, "the journal cannot be cut at byte %llu",
				 (unsigned long long)*end);
	if (fsync(fd) < 0)
		return err_errno(e, ERR_PART, "the journal cannot be brought to the disk");
	return 0;
}
