#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/xalloc.h"

#define PUMP_PIECE_BYTES (256u * 1024)
#define PUMP_NOISE_MAX (64u * 1024) /* bytes that shell start-up files may print before our stream begins */
#define PUMP_STDERR_MAX 2048u

struct pump {
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	int local, remote;
	struct buf up, down;   /* to the far program, to us */
	struct buf noise, stderr_text;
	bool found;	       /* our stream has begun */
	bool local_end, remote_end;
};

/* The header of HELLO behind its length, and the protocol's number: what our stream begins with. */
static const uint8_t pump_hello[] = {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

/* Text before the stream is a login's talk, not ours: passed over, told if the stream never comes. */
static int pump_hunt(struct pump *p, struct err *e)
{
	size_t skip = 0;

	if (p->found || p->down.len < 4 + sizeof(pump_hello))
		return 0;
	while (skip + 4 + sizeof(pump_hello) <= p->down.len &&
	       memcmp(p->down.data + skip + 4, pump_hello, sizeof(pump_hello)) != 0)
		skip++;
	p->found = skip + 4 + sizeof(pump_hello) <= p->down.len;
	if (buf_add(&p->noise, p->down.data, skip) != 0)
		return err_set(e, ERR_REFUSED, "the far side talks, but not our language: %.200s", buf_str(&p->noise));
	buf_consume(&p->down, skip);
	return 0;
}

static int pump_read_remote(struct pump *p, struct err *e)
{
	char text[1024];
	ssize_t n;

	for (;;) {
		uint8_t *room = p->down.len < PUMP_WINDOW_BYTES ? buf_reserve(&p->down, PUMP_PIECE_BYTES) : NULL;
		if (!room)
			break;
		n = libssh2_channel_read(p->channel, (char *)room, PUMP_PIECE_BYTES);
		if (n == 0 || n == LIBSSH2_ERROR_EAGAIN)
			break;
		if (n < 0)
			return err_set(e, ERR_REFUSED, "the SSH connection broke (%d)", (int)n);
		p->down.len += (size_t)n;
	}
	while ((n = libssh2_channel_read_stderr(p->channel, text, sizeof(text))) > 0)
		if (p->stderr_text.len + (size_t)n < PUMP_STDERR_MAX)
			(void)buf_add(&p->stderr_text, text, (size_t)n);
	p->remote_end = libssh2_channel_eof(p->channel) == 1;
	return pump_hunt(p, e);
}

static int pump_write_remote(struct pump *p, struct err *e)
{
	while (p->up.len > 0) {
		ssize_t n = libssh2_channel_write(p->channel, (char *)p->up.data, p->up.len);
		if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
			return 0; /* the same bytes must come again: they stay at the front */
		if (n < 0)
			return err_set(e, ERR_REFUSED, "the SSH connection broke (%d)", (int)n);
		buf_consume(&p->up, (size_t)n);
	}
	return 0;
}

static void pump_read_local(struct pump *p)
{
	uint8_t *room = p->up.len < PUMP_PIECE_BYTES ? buf_reserve(&p->up, PUMP_PIECE_BYTES) : NULL;
	ssize_t n;

	if (!room)
		return;
	n = read(p->local, room, PUMP_PIECE_BYTES);
	if (n > 0)
		p->up.len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		p->local_end = true;
}

static void pump_write_local(struct pump *p)
{
	while (p->found && p->down.len > 0) {
		ssize_t n = write(p->local, p->down.data, p->down.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			p->local_end = p->local_end || errno != EAGAIN;
			return;
		}
		buf_consume(&p->down, (size_t)n);
	}
}

static int pump_wait(struct pump *p)
{
	int directions = libssh2_session_block_directions(p->session), seconds = 0;
	struct pollfd fd[2] = {
		{.fd = p->local, .events = 0},
		{.fd = p->remote, .events = POLLIN},
	};

	if (p->up.len < PUMP_PIECE_BYTES)
		fd[0].events |= POLLIN;
	if (p->found && p->down.len)
		fd[0].events |= POLLOUT;
	if (p->down.len >= PUMP_WINDOW_BYTES)
		fd[1].events = 0; /* our side is slow: the window closes by itself */
	if ((directions & LIBSSH2_SESSION_BLOCK_OUTBOUND) || (p->up.len && directions == 0))
		fd[1].events |= POLLOUT;
	(void)libssh2_keepalive_send(p->session, &seconds);
	return poll(fd, 2, seconds > 0 && seconds < 10 ? seconds * 1000 : 10000);
}

/* Why the far program ended, in words that help. */
static int pump_ended(struct pump *p, struct err *e)
{
	int status;

	libssh2_channel_close(p->channel);
	status = libssh2_channel_get_exit_status(p->channel);
	if (status == 127 || strstr(buf_str(&p->stderr_text), "not found"))
		return err_set(e, ERR_REFUSED, "there is no tapdeckd in the PATH over there: install it, or copy the static one to ~/bin or /usr/local/bin");
	if (p->stderr_text.len)
		return err_set(e, ERR_REFUSED, "tapdeckd over there ended: %s", buf_str(&p->stderr_text));
	if (!p->found && p->down.len + p->noise.len)
		return err_set(e, ERR_REFUSED, "the far side talks, but not our language: %.100s%.100s",
			       buf_str(&p->noise), buf_str(&p->down));
	return err_set(e, ERR_REFUSED, "tapdeckd over there ended with status %d", status);
}

static int pump_loop(struct pump *p, struct err *e)
{
	while (!p->local_end) {
		pump_read_local(p);
		if (pump_write_remote(p, e) != 0 || pump_read_remote(p, e) != 0)
			return -1;
		pump_write_local(p);
		if (p->remote_end && (p->down.len == 0 || !p->found))
			return pump_ended(p, e);
		if (pump_wait(p) < 0 && errno != EINTR)
			return err_errno(e, ERR_REFUSED, "poll");
	}
	return 0;
}

int pump_run(LIBSSH2_SESSION *session, LIBSSH2_CHANNEL *channel, int local, int remote, int *started, struct err *e)
{
	struct pump p = {.session = session, .channel = channel, .local = local, .remote = remote};
	int r;

	buf_init(&p.up, 4 * PUMP_PIECE_BYTES);
	buf_init(&p.down, 2 * (size_t)PUMP_WINDOW_BYTES);
	buf_init(&p.noise, PUMP_NOISE_MAX);
	buf_init(&p.stderr_text, PUMP_STDERR_MAX + 1);
	libssh2_session_set_blocking(session, 0);
	fdio_set_nonblock(local);
	r = pump_loop(&p, e);
	*started = p.found;
	libssh2_session_set_blocking(session, 1);
	buf_release(&p.up);
	buf_release(&p.down);
	buf_release(&p.noise);
	buf_release(&p.stderr_text);
	return r;
}
