/* A descriptor that speaks messages, in a libuv loop: reads frames, queues answers, passes descriptors. */
#ifndef WIRE_CHANNEL_H
#define WIRE_CHANNEL_H

#include <stdbool.h>
#include <uv.h>

#include "wire/frame.h"
#include "wire/msg.h"

#define CHANNEL_QUEUE_MAX (64u * 1024 * 1024) /* bytes unsent, at most: past it the peer is given up */
#define CHANNEL_CONGESTED (256u * 1024)	      /* past it snapshots are skipped and streams wait */

struct channel;

struct channel_ops {
	/* A frame. fd[0..nfd) came with it (with the first byte of it); they are the callee's to close. The frame is
	 * borrowed for the call. The channel may be closed from inside. */
	void (*message)(void *arg, struct channel *c, const struct frame *f, const int *fd, size_t nfd);
	/* The other end is gone (e->code ERR_NONE), or broke the rules. Called once, never after channel_close. */
	void (*gone)(void *arg, struct channel *c, const struct err *e);
	/* The queue went below CHANNEL_CONGESTED again. May be NULL. */
	void (*writable)(void *arg, struct channel *c);
};

/* Takes `fd` (a stream socket, or any readable descriptor with fd_out for the way back; else fd_out = -1). */
struct channel *channel_new(uv_loop_t *loop, int fd, int fd_out, const struct channel_ops *ops, void *arg);
/* Closes at once; freed when the loop comes round. What is queued is tried once, without waiting. */
void channel_close(struct channel *c);
/* Queues a frame and tries to send it. Payload is copied, fds are dup'ed. -1: the queue is full, the channel is
 * given up and `gone` will come. */
int channel_send(struct channel *c, uint16_t type, uint32_t ch, uint32_t id, const void *payload, size_t len);
int channel_send_fds(struct channel *c, uint16_t type, uint32_t ch, uint32_t id, const void *payload,
		     size_t len, const int *fd, size_t nfd);
size_t channel_queued(const struct channel *c); /* bytes unsent */
bool channel_congested(const struct channel *c);
/* Stops and starts reading (back-pressure on the peer). */
void channel_pause(struct channel *c, bool paused);
int channel_fd(const struct channel *c);
void channel_set_arg(struct channel *c, const struct channel_ops *ops, void *arg);

/* The two answers everybody gives. */
int channel_send_error(struct channel *c, uint32_t ch, uint32_t id, const struct err *e);
int channel_send_done(struct channel *c, uint32_t ch, uint32_t id, const char *note);

/* channel_put(c, ch, id, query, &m): encode and send. */
#define CHANNEL_PROTOTYPE(number, NAME, name, summary) \
	int channel_put_##name(struct channel *c, uint32_t ch, uint32_t id, const struct msg_##name *m);
MSG_LIST(CHANNEL_PROTOTYPE)

#endif
