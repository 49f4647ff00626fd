/* The asking side of the protocol, for the console, the command line and tests: requests with callbacks. */
#ifndef WIRE_CLIENT_H
#define WIRE_CLIENT_H

#include "wire/channel.h"

struct client;
struct request;

struct client_ops {
	/* HELLO came: the far side is ours and understands us. */
	void (*ready)(void *arg, struct client *c, const struct msg_hello *hello);
	void (*event)(void *arg, struct client *c, const struct msg_event *event); /* may be NULL */
	/* The link is gone; all requests have been answered with this error before. */
	void (*gone)(void *arg, struct client *c, const struct err *e);
};

/* Takes the descriptor (both directions). `program` is for HELLO. Requests may be made at once: they wait for HELLO. */
struct client *client_new(uv_loop_t *loop, int fd, const char *program, const struct client_ops *ops, void *arg);
/* No callback comes after it. */
void client_free(struct client *c);
/* Round trip in ns as last measured by PING (every 5 s; dead after 20 s of silence); -1 unknown. Offset: how far
 * the far clock is ahead, ns, from the smallest round trip. */
int64_t client_rtt_ns(const struct client *c);
int64_t client_offset_ns(const struct client *c);
const char *client_host(const struct client *c);    /* from HELLO; "" before */
const char *client_version(const struct client *c); /* from HELLO; "" before */

/* An answer. Exactly one of the pointers is set. `last`: no more will come, the request is gone after the call, but
 * that a client_requery from inside it keeps it: so the next rows of a long table come without sorting it again.
 * Everything is borrowed for the call. */
struct answer {
	const struct err *error;
	const struct msg_done *done;
	const struct msg_window *window;
	const struct msg_data *data;
	const struct msg_end *end;
	bool last;
};
typedef void (*answer_fn)(void *arg, struct request *r, const struct answer *a);

/* Binds a new channel number to the target (see OPEN); requests to it may follow at once. 0 is the far process. */
uint32_t client_open(struct client *c, const char *target, answer_fn fn, void *arg);
void client_close_channel(struct client *c, uint32_t channel);
struct request *client_query(struct client *c, uint32_t channel, const struct msg_query *q, answer_fn fn, void *arg);
/* The same request with another window or other words: same id, no gap. */
void client_requery(struct request *r, const struct msg_query *q);
struct request *client_command(struct client *c, uint32_t channel, const char *const *words, size_t count,
			       answer_fn fn, void *arg);
/* A stream: DATA answers, then END. Credit is given back by itself as data is handed over. */
struct request *client_stream(struct client *c, uint32_t channel, const char *const *words, size_t count,
			      uint64_t offset, answer_fn fn, void *arg);
/* A stream stops sending while held (credit is not given). */
void client_stream_hold(struct request *r, bool hold);
struct request *client_feed(struct client *c, const struct msg_feed *m, answer_fn fn, void *arg);
void client_send_own(struct client *c, const struct msg_own *m);
/* No callback comes after it; the far side is told. */
void client_cancel(struct request *r);

#endif
