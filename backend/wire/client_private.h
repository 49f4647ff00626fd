/* What the two files of the asking side share: client.c has the link, client_request.c the
 * requests. */
#ifndef WIRE_CLIENT_PRIVATE_H
#define WIRE_CLIENT_PRIVATE_H

#include "base/map.h"
#include "wire/client.h"

enum request_kind { REQUEST_ONCE, REQUEST_QUERY, REQUEST_STREAM };

struct request {
	struct client *client;
	enum request_kind kind;
	uint32_t channel, id;
	bool periodic;	/* a QUERY with a period: its windows do not end it */
	bool requeried; /* from inside its last answer */
	bool held;
	bool refused;  /* could not even be written: answered from the loop */
	bool dead;     /* cancelled from inside its own callback */
	unsigned busy; /* callbacks under way */
	uint64_t owed; /* bytes handed over and not given back as credit */
	answer_fn fn;
	void *arg;
};

struct client {
	struct channel *channel;
	const struct client_ops *ops;
	void *arg;
	struct map *requests; /* id (u32) to struct request */
	uint32_t next_id, next_channel;
	struct buf waiting; /* frames for after HELLO */
	uv_timer_t timer;   /* PING */
	uv_timer_t later;   /* failures are told from the loop, not from inside a call */
	unsigned handles;
	bool ready, lost, told, freed;
	unsigned busy; /* callbacks under way */
	int64_t made_ns, heard_ns, tick_ns, ping_ns;
	int64_t rtt_ns, best_rtt_ns, offset_ns;
	char *host, *version;
	struct err why;
};

/* Failures are told soon, from the loop. */
void client_later(struct client *c);
/* Answers with an error; the request is gone after it. */
void request_fail(struct request *r, const struct err *e);
/* Without an answer: none comes any more. */
void request_remove(struct request *r);
/* A frame that answers a request, or nobody's. */
void client_take_answer(struct client *c, const struct frame *f);

#endif
