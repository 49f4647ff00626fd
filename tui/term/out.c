#include "out.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"

#define OUT_WAITING_MAX (1u << 20) /* bytes: a frame of the largest screen, and a clipboard */

int out_open(struct out *o, int fd, struct err *e)
{
	*o = (struct out){.fd = fd, .memory = memfd_create("screen", MFD_CLOEXEC)};
	o->file = o->memory < 0 ? NULL : fdopen(o->memory, "w");
	if (o->file)
		return 0;
	if (o->memory >= 0)
		close(o->memory);
	return err_errno(e, ERR_REFUSED, "there is no memory for the screen");
}

void out_close(struct out *o)
{
	(void)fclose(o->file); /* it is memory */
	free(o->bytes);
}

/* Room for `more` bytes behind those that wait; -1: they would be too many. */
static int out_room(struct out *o, size_t more)
{
	const size_t waiting = o->len - o->sent;

	if (more > OUT_WAITING_MAX - waiting)
		return -1;
	if (o->sent > 0)
		memmove(o->bytes, o->bytes + o->sent, waiting);
	o->sent = 0;
	o->len = waiting;
	if (o->len + more > o->cap) {
		o->cap = o->len + more;
		o->bytes = xreallocarray(o->bytes, o->cap, 1);
	}
	return 0;
}

int out_add(struct out *o, const char *bytes, size_t len)
{
	if (out_room(o, len) < 0)
		return -1;
	memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
	return 0;
}

static void out_take(struct out *o)
{
	const off_t size = lseek(o->memory, 0, SEEK_CUR);
	ssize_t n = 0;

	if (size <= 0)
		return;
	if (out_room(o, (size_t)size) == 0)
		n = fdio_pread(o->memory, o->bytes + o->len, (size_t)size, 0);
	if (n > 0)
		o->len += (size_t)n;
	(void)lseek(o->memory, 0, SEEK_SET);
}

void out_flush(struct out *o)
{
	ssize_t n = 0;

	out_take(o);
	while (o->sent < o->len && n >= 0) {
		n = write(o->fd, o->bytes + o->sent, o->len - o->sent);
		if (n > 0)
			o->sent += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 0;
	}
	if (n < 0 && errno != EAGAIN) /* nobody is there any more: the input says so too */
		o->sent = o->len;
}

void out_finish(struct out *o, int ms)
{
	const int64_t until = clock_mono_ns() + ms * NS_PER_MS;
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};

	for (out_flush(o); out_waits(o) && ms > 0; out_flush(o)) {
		(void)poll(&p, 1, ms);
		ms = (int)((until - clock_mono_ns()) / NS_PER_MS);
	}
}

bool out_waits(const struct out *o)
{
	return o->sent < o->len;
}
