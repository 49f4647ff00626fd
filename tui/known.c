#include "tui/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/paths.h"
#include "base/str.h"
#include "base/xalloc.h"

#define KNOWN_BYTES_MAX ((size_t)KNOWN_MAX * (KNOWN_NAME_MAX + 1))

static char *known_path(const char *tail)
{
	char *folder = paths_state(), *path = xasprintf("%s/hosts%s", folder, tail);

	free(folder);
	return path;
}

int known_check(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0 || len > KNOWN_NAME_MAX || name[0] == '-')
		return err_set(e, ERR_CALL, "'%s' is no name of a host", name);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == '/' || (unsigned char)name[i] == 0x7f)
			return err_set(e, ERR_CALL, "'%s' is no name of a host", name);
	if (strcmp(name, "local") == 0 || strcmp(name, "store") == 0)
		return err_set(e, ERR_CALL, "'%s' is this machine's own: name another host", name);
	return 0;
}

static void known_put(struct known *k, const char *name, size_t len)
{
	k->name = xreallocarray(k->name, k->count + 1, sizeof(*k->name));
	k->name[k->count++] = xstrndup(name, len);
}

/* Lines that are no host's name are passed over: the file may have been edited. */
static void known_parse(struct known *k, const char *text)
{
	while (*text && k->count < KNOWN_MAX) {
		size_t len = strcspn(text, "\n");
		char *name = xstrndup(text, len);

		if (known_check(name, NULL) == 0)
			known_put(k, name, len);
		free(name);
		text += len + (text[len] == '\n');
	}
}

int known_load(struct known *k, struct err *e)
{
	char *path = known_path("");
	struct buf text;
	uint8_t *room;
	ssize_t n = 0;
	int fd, r = 0;

	*k = (struct known){0};
	buf_init(&text, KNOWN_BYTES_MAX + 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		r = errno == ENOENT ? 0 : err_errno(e, ERR_REFUSED, "%s", path);
		goto out;
	}
	room = buf_reserve(&text, KNOWN_BYTES_MAX);
	n = room ? fdio_pread(fd, room, KNOWN_BYTES_MAX, 0) : 0;
	if (n < 0) {
		r = err_errno(e, ERR_REFUSED, "%s", path);
		goto out;
	}
	text.len = (size_t)n;
	if (n > 0) {
		text.data[n] = 0; /* the reserve leaves a byte for the end */
		known_parse(k, buf_str(&text));
	}
out:
	if (fd >= 0)
		close(fd);
	buf_release(&text);
	free(path);
	return r;
}

void known_release(struct known *k)
{
	for (size_t i = 0; i < k->count; i++)
		free(k->name[i]);
	free(k->name);
	*k = (struct known){0};
}

static int known_write(const struct known *k, struct err *e)
{
	char *folder = paths_state(), *path = known_path(""), *part = known_path(".part");
	struct buf text;
	int fd = -1, r = -1;

	buf_init(&text, KNOWN_BYTES_MAX);
	for (size_t i = 0; i < k->count; i++)
		if (buf_add_str(&text, k->name[i]) || buf_add_byte(&text, '\n'))
			goto full;
	if (fdio_make_folder(folder, e))
		goto out;
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fdio_write_all(fd, text.data, text.len) || fsync(fd) || rename(part, path))
		err_errno(e, ERR_REFUSED, "%s", path);
	else
		r = 0;
	goto out;
full:
	err_set(e, ERR_REFUSED, "%s holds no more than %u hosts", path, KNOWN_MAX);
out:
	if (fd >= 0 && close(fd) && r == 0)
		r = err_errno(e, ERR_REFUSED, "%s", path);
	buf_release(&text);
	free(folder);
	free(path);
	free(part);
	return r;
}

static size_t known_find(const struct known *k, const char *name)
{
	size_t i = 0;

	while (i < k->count && strcmp(k->name[i], name) != 0)
		i++;
	return i;
}

int known_add(const char *name, struct err *e)
{
	struct known k;
	int r = 0;

	if (known_check(name, e) || known_load(&k, e))
		return -1;
	if (known_find(&k, name) == k.count) {
		known_put(&k, name, strlen(name));
		r = k.count > KNOWN_MAX ? err_set(e, ERR_REFUSED, "no more than %u hosts: remove one", KNOWN_MAX)
					: known_write(&k, e);
	}
	known_release(&k);
	return r;
}

int known_remove(const char *name, struct err *e)
{
	struct known k;
	size_t at;
	int r;

	if (known_load(&k, e))
		return -1;
	at = known_find(&k, name);
	if (at == k.count) {
		r = err_set(e, ERR_ABSENT, "no host '%s' (tapdeck hosts lists those that are known)", name);
	} else {
		free(k.name[at]);
		memmove(&k.name[at], &k.name[at + 1], sizeof(*k.name) * (k.count - at - 1));
		k.count--;
		r = known_write(&k, e);
	}
	known_release(&k);
	return r;
}
