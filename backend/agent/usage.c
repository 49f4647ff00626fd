#include "usage.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"

#define STAT_BYTES_MAX 1024u

/* A file of /proc, ended by 0. */
static bool proc_read(pid_t pid, const char *name, char text[STAT_BYTES_MAX])
{
	char path[64];
	ssize_t n;
	int fd;

	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	else
		(void)snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = fdio_pread(fd, text, STAT_BYTES_MAX - 1, 0);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* Fields are counted behind the name, which may hold anything: proc(5), stat. */
static int64_t cpu_of(const char *stat)
{
	enum { UTIME = 14, BEHIND_NAME = 3 };
	const int64_t hz = sysconf(_SC_CLK_TCK);
	const char *at = strrchr(stat, ')');
	unsigned long long user, system;
	char *end;

	if (!at || hz <= 0)
		return -1;
	at++;
	for (int field = BEHIND_NAME; field < UTIME; field++) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
	}
	user = strtoull(at, &end, 10);
	system = strtoull(end, &end, 10);
	return (int64_t)(user + system) * (NS_PER_S / hz);
}

int usage_of(pid_t pid, struct usage *u)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long size, resident, shared;
	char text[STAT_BYTES_MAX], *end;

	*u = (struct usage){0};
	if (!proc_read(pid, "stat", text) || (u->cpu_ns = cpu_of(text)) < 0 ||
	    !proc_read(pid, "statm", text))
		return -1;
	size = strtoull(text, &end, 10);
	resident = strtoull(end, &end, 10);
	shared = strtoull(end, &end, 10);
	if (size == 0)
		return -1; /* it has ended, and is not reaped yet */
	u->memory_bytes = resident * page;
	u->shared_bytes = shared * page;
	return 0;
}

void usage_look(struct usage_rate *r, const pid_t *pid, unsigned count, int64_t now_ns)
{
	int64_t cpu_ns = 0;
	uint64_t memory = 0;
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++) {
		struct usage u;

		if (pid[i] <= 0 || usage_of(pid[i], &u))
			continue;
		cpu_ns += u.cpu_ns;
		/* The first one holds what the others only look at. */
		memory += found++ ? u.memory_bytes - u.shared_bytes : u.memory_bytes;
	}
	/* One that came or went between two looks makes no rate. */
	r->cpu_percent =
		found && r->at_ns && now_ns > r->at_ns && cpu_ns >= r->cpu_ns
			? 100.0 * (double)(cpu_ns - r->cpu_ns) / (double)(now_ns - r->at_ns)
			: -1.0;
	r->cpu_ns = cpu_ns;
	r->at_ns = found ? now_ns : 0;
	r->memory_bytes = memory;
}
