/* What was typed, the newest last; a file of lines in the state folder. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "edit.h"

#define HISTORY_FILE_MAX (256u * 1024) /* bytes read of the file */

struct history {
	char *path;
	char *line[HISTORY_ENTRIES_MAX];
	int count;
};

static void history_push(struct history *h, const char *line, size_t len)
{
	if (h->count > 0 && strlen(h->line[h->count - 1]) == len && memcmp(h->line[h->count - 1], line, len) == 0)
		return;
	if (h->count == HISTORY_ENTRIES_MAX) {
		free(h->line[0]);
		memmove(&h->line[0], &h->line[1], sizeof(h->line[0]) * (HISTORY_ENTRIES_MAX - 1));
		h->count--;
	}
	h->line[h->count++] = xstrndup(line, len);
}

static void history_read(struct history *h)
{
	int fd = open(h->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *bytes, *line, *end;
	ssize_t n;

	if (fd < 0)
		return;
	bytes = xmalloc(HISTORY_FILE_MAX + 1);
	n = fdio_pread(fd, bytes, HISTORY_FILE_MAX, 0);
	close(fd);
	bytes[n > 0 ? n : 0] = 0;
	for (line = bytes; (end = strchr(line, '\n')); line = end + 1) {
		if (end > line && end - line < EDIT_TEXT_MAX)
			history_push(h, line, (size_t)(end - line));
	}
	free(bytes);
}

struct history *history_open(const char *path)
{
	struct history *h = xcalloc(1, sizeof(*h));

	if (path) {
		h->path = xstrdup(path);
		history_read(h);
	}
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (int i = 0; i < h->count; i++)
		free(h->line[i]);
	free(h->path);
	free(h);
}

/* Written whole and renamed: two consoles never leave half a file. */
static void history_write(const struct history *h)
{
	struct buf out;
	char *temporary = xasprintf("%s.%ld", h->path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int failed;

	buf_init(&out, HISTORY_FILE_MAX * 4);
	if (fd < 0)
		goto out;
	for (int i = 0; i < h->count; i++)
		buf_printf(&out, "%s\n", h->line[i]);
	failed = fdio_write_all(fd, buf_str(&out), out.len);
	if (close(fd) < 0 || failed || rename(temporary, h->path) < 0)
		unlink(temporary);
out:
	buf_release(&out);
	free(temporary);
}

void history_add(struct history *h, const char *line)
{
	if (!h || !line[0])
		return;
	history_push(h, line, strlen(line));
	if (h->path)
		history_write(h);
}

const char *history_at(const struct history *h, int back)
{
	return h && back >= 1 && back <= h->count ? h->line[h->count - back] : NULL;
}
