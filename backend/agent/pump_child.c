/* The process that carries bytes into a program. It holds nothing that others need: a program that
 * does not read costs packets of its own and nobody else's. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "child_answer.h"
#include "child_sandbox.h"
#include "follow.h"
#include "pump.h"
#include "rights.h"
#include "wire/frame.h"
#include "wire/msg.h"

#define TO_FD 1
#define FROM_FD 4
#define RELEASE_FD 5
#define LOOK_MS 10     /* for what is new */
#define BLOCKED_MS 500 /* a look at the clock while it does not read */
#define TELL_NS (10 * NS_PER_S)

struct pumping {
	struct follow *follow; /* NULL: a file */
	uint64_t offset;       /* of the file */
	uint8_t *piece;
	size_t len, done;
	uint64_t total;
	bool no_more;	  /* control said so, or is gone */
	int64_t stuck_ns; /* it has read nothing since; 0: it does */
	bool slow_told;
	uint64_t skipped_told;
	int64_t told_ns;
};

/* --- what is told --- */

static void tell(const char *severity, const char *sentence)
{
	const struct msg_event m = {.time_ns = clock_now_ns(),
				    .severity = str_of(severity),
				    .sentence = str_of(sentence)};
	const struct err none = {0};
	struct buf payload;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	if (msg_put_event(&payload, &m) == 0)
		(void)child_answer(MSG_EVENT, &payload, &none); /* control may be gone */
	buf_release(&payload);
}

static void tell_end(const struct pumping *p)
{
	const struct msg_end m = {.offset = p->total};
	const struct err none = {0};
	struct buf payload;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	if (msg_put_end(&payload, &m) == 0)
		(void)child_answer(MSG_END, &payload, &none); /* control may be gone */
	buf_release(&payload);
}

/* Not each time, but what is new, and at the end. */
static void tell_skipped(struct pumping *p, bool now)
{
	const int64_t ns = clock_mono_ns();
	char text[200];

	if (!p->follow || p->follow->skipped == p->skipped_told)
		return;
	if (!now && p->told_ns && ns - p->told_ns < TELL_NS)
		return;
	(void)snprintf(text, sizeof(text),
		       "it reads slower than packets come: %llu were passed over for it",
		       (unsigned long long)(p->follow->skipped - p->skipped_told));
	tell("warn", text);
	p->skipped_told = p->follow->skipped;
	p->told_ns = ns;
}

/* --- carrying --- */

/* More to write. 0: not now; -1: everything was carried. */
static int piece_next(struct pumping *p)
{
	int64_t n;

	if (p->follow) {
		n = follow_next(p->follow, p->piece);
		tell_skipped(p, n < 0);
	} else {
		const bool last = p->no_more; /* looked at before the file is */

		n = fdio_pread(FROM_FD, p->piece, FOLLOW_BYTES, p->offset);
		if (n == 0 && last)
			n = -1;
		else if (n < 0)
			return -2;
		if (n > 0)
			p->offset += (uint64_t)n;
	}
	p->done = 0;
	p->len = n > 0 ? (size_t)n : 0;
	return n > 0 ? 1 : (int)n;
}

/* false: it takes no more for ever. */
static bool piece_write(struct pumping *p)
{
	const ssize_t n = write(TO_FD, p->piece + p->done, p->len - p->done);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	p->done += (size_t)n;
	p->total += (uint64_t)n;
	p->stuck_ns = 0;
	p->slow_told = false;
	return true;
}

/* It does not read. false: it is given up. */
static bool stuck_look(struct pumping *p)
{
	const int64_t now_ns = clock_mono_ns();

	if (!p->stuck_ns)
		p->stuck_ns = now_ns;
	if (!p->follow && now_ns - p->stuck_ns > PUMP_STUCK_NS) {
		tell("warn", "it has taken nothing for 60 seconds");
		return false;
	}
	if (p->follow && !p->slow_told && now_ns - p->stuck_ns > PUMP_SLOW_NS) {
		tell("warn", "it has read nothing for 10 seconds: what it has no time for will be "
			     "passed over, and counted");
		p->slow_told = true;
	}
	return true;
}

/* Control says nothing but that there is no more. */
static void control_look(struct pumping *p)
{
	uint8_t ignored[64];
	const ssize_t n = recv(CHILD_FD, ignored, sizeof(ignored), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		p->no_more = true;
}

/* 1: go on; 0: everything was carried; -1: it broke off. */
static int pump_turn(struct pumping *p)
{
	struct pollfd fd[2] = {{.fd = p->no_more ? -1 : CHILD_FD, .events = POLLIN},
			       {.fd = TO_FD, .events = 0}};
	const int more = p->done < p->len ? 1 : piece_next(p);

	if (more < 0)
		return more == -1 ? 0 : -1;
	fd[1].events = more ? POLLOUT : 0;
	if (poll(fd, 2, more ? BLOCKED_MS : LOOK_MS) < 0 && errno != EINTR)
		return -1;
	if (fd[0].revents)
		control_look(p);
	if (p->no_more && p->follow)
		return -1; /* chunks end by themselves: control is gone */
	if (fd[1].revents & (POLLERR | POLLNVAL))
		return -1; /* nobody reads any more */
	if (!more)
		return 1;
	if (fd[1].revents & POLLOUT)
		return piece_write(p) ? 1 : -1;
	return stuck_look(p) ? 1 : -1;
}

static int follow_start(struct pumping *p, struct err *e)
{
	p->follow = xcalloc(1, sizeof(*p->follow));
	return chunks_map(&p->follow->map, FROM_FD, RELEASE_FD, CHUNKS_ASIDE, e);
}

int pump_main(const char *what)
{
	struct pumping p = {0};
	struct err e;
	int r = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	p.piece = xmalloc(FOLLOW_BYTES);
	if (strcmp(what, "chunks") == 0)
		r = follow_start(&p, &e);
	if (r || rights_drop(&e) || fdio_set_nonblock(TO_FD) || child_sandbox_pump(&e))
		return 1;
	do
		r = pump_turn(&p);
	while (r > 0);
	if (r == 0)
		tell_end(&p);
	return r ? 1 : 0;
}
