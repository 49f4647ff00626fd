/* A client: its channels, its requests that are under way, where each goes. */
#ifndef AGENT_PEER_H
#define AGENT_PEER_H

#include "base/map.h"
#include "control.h"
#include "wire/channel.h"

#define PEER_BINDINGS_MAX 1024u
#define PEER_PENDING_MAX 4096u
#define PEER_GREETS_NS (30 * NS_PER_S) /* within which HELLO must come */
#define PEER_CONGESTED_NS (30 * NS_PER_S) /* so long may nothing be read by it */

enum route { ROUTE_HERE, ROUTE_READER, ROUTE_UPSTREAM };

/* A channel number of a client's, bound by OPEN. */
struct binding {
	struct peer *peer;
	uint32_t channel;
	enum route route;
	struct reader_child *reader; /* NULL: none, or it died */
	uint32_t reader_channel;
	struct session *session; /* of a session channel; NULL otherwise */
	char *target;
};

/* A request that has no last answer yet. The payload is kept so that it can be asked again
 * elsewhere. */
struct pending {
	uint32_t channel, id;
	uint16_t type;
	enum route route;
	bool periodic;
	size_t len;
	uint8_t payload[];
};

/* The SSH connection that carries a client. */
struct own {
	char *name; /* "A:PORT - B:PORT"; NULL: none */
	char *filter;
};

struct peer {
	struct peer *next;
	struct control *control;
	struct channel *channel;
	uint64_t serial;
	struct who who;
	bool greeted;
	int64_t since_ns; /* monotonic */
	struct map *bindings; /* channel to struct binding */
	struct map *pending;  /* channel, id to struct pending */
	struct own own;
	int64_t congested_ns; /* since when; 0 not */
};

/* Whom an answer is for: the client may be gone by then. */
struct reply {
	uint64_t peer;
	uint32_t channel, id;
};

/* Takes the descriptors. */
struct peer *peer_new(struct control *c, int fd, int fd_out, const struct who *who);
void peer_free(struct peer *p);
struct peer *peer_of(struct control *c, uint64_t serial);
void peer_tick(struct peer *p, int64_t now_ns);

void reply_done(struct control *c, const struct reply *r, const char *note);
void reply_error(struct control *c, const struct reply *r, const struct err *e);

struct binding *peer_binding(struct peer *p, uint32_t channel);
void binding_free(struct binding *b);
/* A frame for the client, on its channel: the pending request is seen to, snapshots are skipped
 * where it does not read. */
void peer_forward(struct peer *p, uint32_t channel, const struct frame *f);
/* Every request of the channel (of all: UINT32_MAX) that went that way fails. */
void peer_fail(struct peer *p, uint32_t channel, enum route route, const struct err *e);
int pending_put(struct peer *p, const struct frame *f, enum route route, bool periodic);
struct pending *pending_get(struct peer *p, uint32_t channel, uint32_t id);
void pending_remove(struct peer *p, uint32_t channel, uint32_t id);
void hello_send(struct control *c, struct channel *channel);

/* --- route.c: what comes from a client --- */
void route_frame(struct peer *p, const struct frame *f);
/* Queries that are answered here because there was no daemon go to it now, and the other way. */
void route_to_upstream(struct peer *p);
/* Everything that went to a daemon which never answered is asked of the one that is there now. */
void route_again(struct peer *p);
void route_from_upstream(struct peer *p, const struct err *why);

/* --- own.c --- */
int own_set(struct own *own, const char *addr_a, unsigned port_a, const char *addr_b,
	    unsigned port_b, struct err *e);
void own_release(struct own *own);
/* SSH_CONNECTION's four words. -1: not there, or not what it says. */
int own_from_environment(struct msg_own *m, char **memory);

#endif
