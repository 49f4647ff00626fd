#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"

#define READ_BYTES (64u * 1024)		     /* asked of the kernel at once, at least */
#define READ_ROUNDS 16			     /* reads before others in the loop get their turn */
#define BLOCK_BYTES (64u * 1024)	     /* small frames are sent together up to this */
#define KEEP_BYTES (256u * 1024)	     /* a buffer above it is given back when it is empty */
#define RECEIVED_FDS_MAX (4 * FDIO_PASS_MAX) /* descriptors whose frame has not ended yet */

/* Bytes to be sent. Descriptors go with the first byte, so that a frame that has some begins a
 * block. */
struct block {
	struct block *next;
	struct buf bytes;
	size_t sent;
	int fd[FDIO_PASS_MAX];
	size_t nfd;
};

struct channel {
	uv_poll_t in, out; /* out only where fd_out is another descriptor */
	uv_timer_t later;  /* what must not be said from inside a call of the owner */
	unsigned handles;  /* that uv has still to close */
	int fd, fd_out;	   /* fd_out == fd where one serves both ways */
	bool in_socket, out_socket;
	const struct channel_ops *ops;
	void *arg;

	struct buf input;
	int fds[RECEIVED_FDS_MAX];
	size_t nfds;

	struct block *first, *last;
	size_t queued;
	struct buf scratch;

	bool paused, congested, closed;
	bool out_broken; /* nothing can be sent any more; what the peer had said is still read */
	bool told;	 /* gone was called */
	struct err why;	 /* for gone */
};

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

static void on_later(uv_timer_t *timer);
static void on_in(uv_poll_t *poll, int status, int events);
static void on_out(uv_poll_t *poll, int status, int events);

/* What must be said soon, from the loop. */
static void channel_later(struct channel *c)
{
	/* Not 0 ms: restarted from its own callback it would keep the loop from all else. Fails for
	 * a closing timer only. */
	(void)uv_timer_start(&c->later, on_later, 1, 0);
}

static void channel_poll(struct channel *c)
{
	const bool can = !c->closed && !c->told;
	const bool read_more = can && !c->paused;
	const bool write_more = can && c->first && !c->out_broken;
	int events = read_more ? UV_READABLE : 0;

	if (c->fd_out == c->fd)
		events |= write_more ? UV_WRITABLE : 0;
	else if (c->out.data && write_more)
		(void)uv_poll_start(&c->out, UV_WRITABLE, on_out); /* as below */
	else if (c->out.data)
		(void)uv_poll_stop(&c->out);
	if (!c->in.data)
		return;
	if (events)
		(void)uv_poll_start(&c->in, events, on_in); /* fails for a closing handle only */
	else
		(void)uv_poll_stop(&c->in);
}

static void poll_open(struct channel *c, uv_poll_t *poll, int fd)
{
	const int rc = uv_poll_init(c->later.loop, poll, fd);

	if (rc == 0) {
		poll->data = c;
		c->handles++;
		return;
	}
	err_set(&c->why, ERR_REFUSED, "descriptor %d cannot carry messages: %s", fd,
		uv_strerror(rc));
	c->out_broken = true;
	channel_later(c);
}

struct channel *channel_new(uv_loop_t *loop, int fd, int fd_out, const struct channel_ops *ops,
			    void *arg)
{
	struct channel *c = xcalloc(1, sizeof(*c));

	c->fd = fd;
	c->fd_out = fd_out < 0 ? fd : fd_out;
	c->in_socket = is_socket(fd);
	c->out_socket = is_socket(c->fd_out);
	c->ops = ops;
	c->arg = arg;
	err_clear(&c->why);
	buf_init(&c->input, FRAME_HEADER_BYTES + MSG_PAYLOAD_MAX + READ_BYTES);
	buf_init(&c->scratch, MSG_PAYLOAD_MAX);
	(void)uv_timer_init(loop, &c->later); /* always 0 */
	c->later.data = c;
	c->handles = 1;
	poll_open(c, &c->in, fd);
	if (c->fd_out != fd)
		poll_open(c, &c->out, c->fd_out);
	channel_poll(c);
	return c;
}

/* --- the way out --- */

static void block_free(struct block *b)
{
	for (size_t i = 0; i < b->nfd; i++)
		close(b->fd[i]);
	buf_release(&b->bytes);
	free(b);
}

static void queue_drop(struct channel *c)
{
	while (c->first) {
		struct block *b = c->first;

		c->first = b->next;
		block_free(b);
	}
	c->last = NULL;
	c->queued = 0;
}

/* No more can be sent. `why` has been filled, or its code is ERR_NONE where the peer has just gone.
 */
static void out_break(struct channel *c)
{
	c->out_broken = true;
	queue_drop(c);
	channel_poll(c);
	channel_later(c);
}

static ssize_t block_send(struct channel *c, struct block *b)
{
	const uint8_t *p = b->bytes.data + b->sent;
	const size_t len = b->bytes.len - b->sent;
	ssize_t n;

	if (c->out_socket)
		return fdio_send(c->fd_out, p, len, b->fd, b->nfd);
	do
		n = write(c->fd_out, p, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Sends until the kernel takes no more. */
static void queue_flush(struct channel *c)
{
	while (c->first && !c->out_broken) {
		struct block *b = c->first;
		const ssize_t n = block_send(c, b);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			if (errno != EPIPE && errno != ECONNRESET)
				err_errno(&c->why, ERR_REFUSED, "could not send");
			out_break(c);
			return;
		}
		for (size_t i = 0; n > 0 && i < b->nfd; i++)
			close(b->fd[i]);
		if (n > 0)
			b->nfd = 0;
		b->sent += (size_t)n;
		c->queued -= (size_t)n;
		if (b->sent < b->bytes.len)
			continue;
		c->first = b->next;
		if (!c->first)
			c->last = NULL;
		block_free(b);
	}
}

static struct block *block_new(struct channel *c)
{
	struct block *b = xcalloc(1, sizeof(*b));

	buf_init(&b->bytes, BLOCK_BYTES + FRAME_HEADER_BYTES + MSG_PAYLOAD_MAX);
	if (c->last)
		c->last->next = b;
	else
		c->first = b;
	c->last = b;
	return b;
}

static int fds_copy(struct block *b, const int *fd, size_t nfd)
{
	for (size_t i = 0; i < nfd; i++) {
		b->fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
		if (b->fd[i] < 0)
			return -1;
		b->nfd++;
	}
	return 0;
}

int channel_send_fds(struct channel *c, uint16_t type, uint32_t ch, uint32_t id,
		     const void *payload, size_t len, const int *fd, size_t nfd)
{
	const bool was_empty = !c->first;
	struct block *b = c->last;

	if (c->out_broken || c->told || c->closed)
		return -1;
	if (len > MSG_PAYLOAD_MAX || nfd > FDIO_PASS_MAX || (nfd > 0 && !c->out_socket)) {
		err_set(&c->why, ERR_REFUSED,
			"a message %s of %zu bytes and %zu descriptors cannot be sent here",
			msg_name(type), len, nfd);
		goto broken;
	}
	if (c->queued + FRAME_HEADER_BYTES + len > CHANNEL_QUEUE_MAX) {
		err_set(&c->why, ERR_PART, "the other end does not read: %zu bytes wait for it",
			c->queued);
		goto broken;
	}
	if (!b || nfd > 0 || b->bytes.len + len > BLOCK_BYTES)
		b = block_new(c);
	if (fds_copy(b, fd, nfd)) {
		err_errno(&c->why, ERR_REFUSED, "could not pass a descriptor");
		goto broken;
	}
	if (frame_put_fds(&b->bytes, type, (uint16_t)nfd, ch, id, payload, len)) {
		err_set(&c->why, ERR_REFUSED, "a message %s does not fit", msg_name(type));
		goto broken;
	}
	c->queued += FRAME_HEADER_BYTES + len;
	if (was_empty)
		queue_flush(c);
	if (was_empty && c->first)
		channel_poll(c);
	c->congested = c->congested || c->queued >= CHANNEL_CONGESTED;
	return c->out_broken ? -1 : 0;
broken:
	out_break(c);
	return -1;
}

int channel_send(struct channel *c, uint16_t type, uint32_t ch, uint32_t id, const void *payload,
		 size_t len)
{
	return channel_send_fds(c, type, ch, id, payload, len, NULL, 0);
}

size_t channel_queued(const struct channel *c)
{
	return c->queued;
}

bool channel_congested(const struct channel *c)
{
	return c->queued >= CHANNEL_CONGESTED;
}

static void on_writable(struct channel *c)
{
	queue_flush(c);
	if (!c->first)
		channel_poll(c);
	if (!c->congested || c->queued >= CHANNEL_CONGESTED || c->out_broken)
		return;
	c->congested = false;
	if (c->ops->writable)
		c->ops->writable(c->arg, c);
}

/* --- the way in --- */

static void tell_gone(struct channel *c)
{
	if (c->told || c->closed)
		return;
	c->told = true;
	channel_poll(c);
	c->ops->gone(c->arg, c, &c->why);
}

/* One whole frame; the descriptors that came with it are the callee's. */
static int frame_deliver(struct channel *c, const struct frame *f)
{
	int fd[FDIO_PASS_MAX];

	if (f->nfd > c->nfds)
		return err_set(&c->why, ERR_REFUSED, "a message %s came without its %u descriptors",
			       msg_name(f->type), f->nfd);
	for (size_t i = 0; i < f->nfd; i++)
		fd[i] = c->fds[i];
	c->nfds -= f->nfd;
	memmove(c->fds, c->fds + f->nfd, c->nfds * sizeof(c->fds[0]));
	c->ops->message(c->arg, c, f, fd, f->nfd);
	return 0;
}

/* The frames that are whole. -1: the peer broke the rules, `why` says how. */
static int input_deliver(struct channel *c)
{
	size_t at = 0, used = 0;
	struct frame f;
	int rc = 0;

	while (!c->closed && !c->paused && c->input.len - at >= FRAME_HEADER_BYTES) {
		rc = frame_get(c->input.data + at, c->input.len - at, &f, &used, &c->why);
		if (rc <= 0)
			break;
		at += used;
		if (frame_deliver(c, &f)) {
			rc = -1;
			break;
		}
	}
	buf_consume(&c->input, at);
	if (c->input.len == 0 && c->input.cap > KEEP_BYTES)
		buf_release(&c->input);
	return rc < 0 ? -1 : 0;
}

/* Room grows with what came, not with what a header promises: memory is taken for bytes that are
 * there. */
static size_t input_room(const struct channel *c)
{
	const size_t free_bytes = c->input.cap - c->input.len;

	if (c->input.data && free_bytes >= READ_BYTES / 4)
		return free_bytes;
	return c->input.len > READ_BYTES ? c->input.len : READ_BYTES;
}

static ssize_t input_read(struct channel *c, size_t room)
{
	uint8_t *to = buf_reserve(&c->input, room);
	size_t nfd = RECEIVED_FDS_MAX - c->nfds;
	ssize_t n;

	if (!to) {
		to = buf_reserve(&c->input, c->input.max - c->input.len);
		room = c->input.max - c->input.len;
	}
	if (c->in_socket) {
		n = fdio_recv(c->fd, to, room, c->fds + c->nfds, &nfd);
		c->nfds += n >= 0 ? nfd : 0;
	} else {
		do
			n = read(c->fd, to, room);
		while (n < 0 && errno == EINTR);
	}
	if (n > 0) {
		c->input.len += (size_t)n;
		c->input.data[c->input.len] = 0;
	}
	return n;
}

static void input_ended(struct channel *c, ssize_t n)
{
	if (n < 0 && errno != ECONNRESET && errno != EPIPE)
		err_errno(&c->why, ERR_REFUSED, "could not read");
	else if (c->input.len > 0)
		err_set(&c->why, ERR_PART, "the other end went away within a message");
	tell_gone(c);
}

enum pump { PUMP_ENDED, PUMP_DRAINED, PUMP_MORE };

/* Reads and delivers: until the end, until nothing is there, or until others should have their
 * turn. */
static enum pump input_pump(struct channel *c)
{
	for (int i = 0; i < READ_ROUNDS && !c->closed && !c->paused; i++) {
		const size_t room = input_room(c);
		const ssize_t n = input_read(c, room);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return PUMP_DRAINED;
		if (n <= 0) {
			input_ended(c, n);
			return PUMP_ENDED;
		}
		if (input_deliver(c)) {
			tell_gone(c);
			return PUMP_ENDED;
		}
		if ((size_t)n < room) /* most likely all; level-triggered polling tells of more */
			break;
	}
	return c->closed ? PUMP_ENDED : PUMP_MORE;
}

/* uv reports errors of the descriptor as a status: reading then says which. */
static void on_in(uv_poll_t *poll, int status, int events)
{
	struct channel *c = poll->data;

	if (status < 0)
		events = UV_READABLE;
	if (c->fd == c->fd_out && (events & UV_WRITABLE))
		on_writable(c);
	if (c->closed || c->told || c->paused || !(events & UV_READABLE))
		return;
	if (input_pump(c) != PUMP_ENDED && status < 0)
		channel_poll(c); /* libuv stopped it */
}

static void on_out(uv_poll_t *poll, int status, int events)
{
	(void)status; /* writing says what is wrong */
	(void)events;
	on_writable(poll->data);
}

/* After a pause: what had been read. After a failed write: what the peer had said before it went,
 * then its end. */
static void on_later(uv_timer_t *timer)
{
	struct channel *c = timer->data;
	enum pump pump;

	if (c->closed || c->told)
		return;
	if (!c->paused && input_deliver(c)) {
		tell_gone(c);
		return;
	}
	if (c->closed || !c->out_broken)
		return;
	pump = c->why.code == ERR_NONE && c->in.data && !c->paused ? input_pump(c) : PUMP_DRAINED;
	if (pump == PUMP_DRAINED)
		tell_gone(c);
	else if (pump == PUMP_MORE)
		channel_later(c);
}

void channel_pause(struct channel *c, bool paused)
{
	if (c->paused == paused || c->closed)
		return;
	c->paused = paused;
	channel_poll(c);
	if (!paused)
		channel_later(c);
}

/* --- the end --- */

static void on_closed(uv_handle_t *handle)
{
	struct channel *c = handle->data;

	if (--c->handles > 0)
		return;
	buf_release(&c->input);
	buf_release(&c->scratch);
	free(c);
}

void channel_close(struct channel *c)
{
	if (c->closed)
		return;
	queue_flush(c);
	queue_drop(c);
	c->closed = true;
	if (c->in.data)
		uv_close((uv_handle_t *)&c->in, on_closed);
	if (c->out.data)
		uv_close((uv_handle_t *)&c->out, on_closed);
	uv_close((uv_handle_t *)&c->later, on_closed);
	close(c->fd);
	if (c->fd_out != c->fd)
		close(c->fd_out);
	for (size_t i = 0; i < c->nfds; i++)
		close(c->fds[i]);
	c->nfds = 0;
}

int channel_fd(const struct channel *c)
{
	return c->fd;
}

void channel_set_arg(struct channel *c, const struct channel_ops *ops, void *arg)
{
	c->ops = ops;
	c->arg = arg;
}

/* --- messages --- */

int channel_send_error(struct channel *c, uint32_t ch, uint32_t id, const struct err *e)
{
	const struct msg_error m = {.code = e->code, .at = e->at, .sentence = str_of(e->text)};

	return channel_put_error(c, ch, id, &m);
}

int channel_send_done(struct channel *c, uint32_t ch, uint32_t id, const char *note)
{
	const struct msg_done m = {.note = str_of(note ? note : "")};

	return channel_put_done(c, ch, id, &m);
}

static int scratch_send(struct channel *c, uint16_t type, uint32_t ch, uint32_t id, int rc)
{
	if (rc && !c->out_broken && !c->told && !c->closed) {
		err_set(&c->why, ERR_REFUSED, "a message %s does not fit into %u bytes",
			msg_name(type), MSG_PAYLOAD_MAX);
		out_break(c);
	}
	if (rc == 0)
		rc = channel_send(c, type, ch, id, c->scratch.data, c->scratch.len);
	if (c->scratch.cap > KEEP_BYTES)
		buf_release(&c->scratch);
	return rc;
}

#define CHANNEL_PUT(number, NAME, name, summary)                                                   \
	int channel_put_##name(struct channel *c, uint32_t ch, uint32_t id,                        \
			       const struct msg_##name *m)                                         \
	{                                                                                          \
		buf_clear(&c->scratch);                                                            \
		return scratch_send(c, MSG_##NAME, ch, id, msg_put_##name(&c->scratch, m));        \
	}
MSG_LIST(CHANNEL_PUT)
