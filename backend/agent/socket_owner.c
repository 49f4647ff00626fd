/* An inode's process: its number stands in /proc/PID/fd. All processes are walked through in
 * slices, those first that had others; and not again before twenty times what it took is over. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "socket.h"

#define HOT_MAX 32u    /* processes that had others lately */
#define WALKS_MAX 2u   /* then it is nobody's that we may look into */
#define REST_FACTOR 20 /* a walk may take a twentieth of the time */
#define LOOK_EVERY 64u /* files between two looks at the clock */
#define PATH_BYTES 64u
#define CGROUP_BYTES 4096u

struct socket_finder {
	struct map *wanted; /* inode to entry */
	pid_t hot[HOT_MAX];
	unsigned nhot, hot_at;
	DIR *all;     /* /proc, in a walk */
	bool walking; /* over all of them, behind the hot ones */
	DIR *files;   /* of the process in hand */
	pid_t pid;
	bool known; /* its name and unit have been read */
	char process[16], unit[SOCKET_UNIT_MAX];
	int64_t took_ns, not_before_ns;
};

struct socket_finder *socket_finder_new(void)
{
	return xcalloc(1, sizeof(struct socket_finder));
}

static void files_close(struct socket_finder *f)
{
	if (f->files)
		closedir(f->files);
	f->files = NULL;
}

static void finder_clear(struct socket_finder *f)
{
	files_close(f);
	if (f->all)
		closedir(f->all);
	f->all = NULL;
	map_free(f->wanted);
	f->wanted = NULL;
}

void socket_finder_free(struct socket_finder *f)
{
	if (!f)
		return;
	finder_clear(f);
	free(f);
}

bool socket_find_begin(struct socket_finder *f, struct socket_list *list)
{
	finder_clear(f);
	f->wanted = map_new(SOCKETS_MAX);
	for (uint32_t i = 0; i < list->count; i++) {
		struct socket_entry *x = list->at[i];

		if (!x->pid && x->walks < WALKS_MAX)
			(void)map_put(f->wanted, &x->inode, sizeof(x->inode), x); /* it fits */
	}
	f->walking = false;
	f->hot_at = 0;
	f->took_ns = 0;
	if (map_count(f->wanted) > 0)
		return true;
	finder_clear(f);
	return false;
}

/* --- a process --- */

static ssize_t read_small(pid_t pid, const char *file, char *out, size_t room)
{
	char path[PATH_BYTES];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file); /* it fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, out, room - 1);
	close(fd);
	out[n > 0 ? n : 0] = 0;
	return n;
}

/* The innermost service or scope of a path as systemd makes them. */
static void unit_of_path(const char *path, char unit[SOCKET_UNIT_MAX])
{
	static const char *const kinds[] = {".service", ".scope"};

	for (const char *at = path; at; at = strchr(at, '/')) {
		size_t len;

		at += *at == '/';
		len = strcspn(at, "/\n");
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			const size_t n = strlen(kinds[k]);

			if (len > n && len < SOCKET_UNIT_MAX &&
			    memcmp(at + len - n, kinds[k], n) == 0) {
				memcpy(unit, at, len);
				unit[len] = 0;
			}
		}
	}
}

/* cgroups(7): "0::/path" of version 2, "1:name=systemd:/path" of version 1. */
static void read_unit(pid_t pid, char unit[SOCKET_UNIT_MAX])
{
	char text[CGROUP_BYTES], *next;

	unit[0] = 0;
	if (read_small(pid, "cgroup", text, sizeof(text)) <= 0)
		return;
	for (char *line = text; line && *line; line = next) {
		const char *path = strchr(line, '/');

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (path && (strncmp(line, "0::", 3) == 0 || strstr(line, ":name=systemd:")))
			unit_of_path(path, unit);
	}
}

static void read_process(struct socket_finder *f)
{
	f->known = true;
	f->process[0] = 0;
	if (read_small(f->pid, "comm", f->process, sizeof(f->process)) < 0)
		f->process[0] = 0;
	f->process[strcspn(f->process, "\n")] = 0;
	read_unit(f->pid, f->unit);
}

static void keep_hot(struct socket_finder *f)
{
	unsigned i = 0;

	while (i < f->nhot && f->hot[i] != f->pid)
		i++;
	if (i == f->nhot && f->nhot < HOT_MAX)
		f->nhot++;
	if (i == HOT_MAX)
		i--;
	memmove(f->hot + 1, f->hot, i * sizeof(f->hot[0]));
	f->hot[0] = f->pid;
	f->hot_at += f->hot_at <= i && !f->walking; /* the next one stays the next */
}

static void take_file(struct socket_finder *f, const struct dirent *d, struct socket_list *list)
{
	static const char socket[] = "socket:[";
	char link[PATH_BYTES];
	struct socket_entry *x;
	uint64_t inode;
	ssize_t n;

	if (!isdigit((unsigned char)d->d_name[0]))
		return;
	n = readlinkat(dirfd(f->files), d->d_name, link, sizeof(link) - 1);
	if (n <= (ssize_t)sizeof(socket) || memcmp(link, socket, sizeof(socket) - 1) != 0)
		return;
	link[n] = 0;
	inode = strtoull(link + sizeof(socket) - 1, NULL, 10);
	x = map_get(f->wanted, &inode, sizeof(inode));
	if (!x)
		return;
	if (!f->known) {
		read_process(f);
		keep_hot(f);
	}
	x->pid = f->pid;
	memcpy(x->process, f->process, sizeof(x->process));
	memcpy(x->unit, f->unit, sizeof(x->unit));
	x->changed = list->round;
	(void)map_remove(f->wanted, &inode, sizeof(inode));
}

/* --- all of them --- */

static void open_files(struct socket_finder *f, pid_t pid)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid); /* it fits */
	f->pid = pid;
	f->known = false;
	f->files = opendir(path); /* NULL: not ours, or gone */
}

/* The next process: the hot ones, then all. false: there is none. */
static bool next_process(struct socket_finder *f)
{
	const struct dirent *d;

	files_close(f);
	if (!f->walking && f->hot_at < f->nhot) {
		open_files(f, f->hot[f->hot_at++]);
		return true;
	}
	if (!f->walking) {
		if (clock_mono_ns() < f->not_before_ns)
			return false;
		f->walking = true;
		f->all = opendir("/proc");
	}
	while (f->all && (d = readdir(f->all)) != NULL) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		open_files(f, (pid_t)strtol(d->d_name, NULL, 10));
		return true;
	}
	return false;
}

/* Whoever is not found after all is not looked for for ever. */
static void find_end(struct socket_finder *f)
{
	size_t iter = 0;
	void *value;

	while (f->walking && map_next(f->wanted, &iter, NULL, NULL, &value)) {
		struct socket_entry *x = value;

		x->walks++;
	}
	if (f->walking)
		f->not_before_ns = clock_mono_ns() + f->took_ns * REST_FACTOR;
	finder_clear(f);
}

bool socket_find_step(struct socket_finder *f, struct socket_list *list)
{
	const int64_t from = clock_mono_ns();
	int64_t now = from;
	unsigned n = 0;

	while (f->wanted && now - from < SOCKETS_SLICE_NS) {
		const struct dirent *d = f->files ? readdir(f->files) : NULL;
		const bool found_all = map_count(f->wanted) == 0;

		if (d && !found_all)
			take_file(f, d, list);
		else if (found_all || !next_process(f))
			break;
		if (++n % LOOK_EVERY == 0 || !d)
			now = clock_mono_ns();
	}
	f->took_ns += clock_mono_ns() - from;
	if (now - from >= SOCKETS_SLICE_NS)
		return true;
	find_end(f);
	return false;
}
