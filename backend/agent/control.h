/* Control: what tapdeckd is, as the daemon and as `--attach`: messages, who may what, the list of
 * sessions and opened files. It starts the others and passes frames on; it interprets no packet. */
#ifndef AGENT_CONTROL_H
#define AGENT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "access.h"
#include "base/err.h"
#include "children.h"
#include "compile.h"
#include "limits.h"
#include "table/server.h"
#include "usage.h"

#define CONTROL_PEERS_MAX 1024u
#define CONTROL_SESSIONS_MAX 256u
#define CONTROL_READERS_MAX 512u
#define CONTROL_EVENTS_MAX 1000u

enum control_role { CONTROL_ATTACH, CONTROL_DAEMON };

struct peer;
struct session;
struct reader_child;
struct fetch;
struct foreseen;
struct devices;
struct mender;
struct upstream;
struct audit;
struct socket_watch;

struct event {
	int64_t time_ns;
	const char *severity; /* a literal */
	uid_t owner;	      /* of the session that it is about; -1: it is everybody's */
	char *where, *sentence;
};

struct control {
	uv_loop_t *loop;
	enum control_role role;
	char host[256];
	char *captures; /* where recordings go */
	char *state;	/* the folder of what must be remembered */
	gid_t group;	/* who may ask besides the owner; -1 nobody */
	/* As the configuration has them (settings.h). */
	struct limits limits; /* of recordings that say none */
	unsigned sessions_max, clients_max;
	uint64_t buffer_max_bytes;
	char *socket;	     /* the daemon's; NULL */
	struct audit *audit; /* the daemon's; NULL */
	int64_t started_ns;  /* monotonic */
	struct usage_rate usage; /* of this process */
	struct children *children;
	struct compiler *compiler;
	struct mender *mender;
	struct devices *devices;
	struct socket_watch *sockets; /* a daemon's; NULL */
	struct table_server *tables;
	struct event event[CONTROL_EVENTS_MAX]; /* a ring */
	uint64_t nevents;			/* ever */
	struct peer *peers;
	unsigned npeers;
	uint64_t last_serial;
	struct session *sessions; /* the oldest first */
	unsigned nsessions;
	struct reader_child *readers;
	unsigned nreaders;
	struct fetch *fetches;
	struct foreseen *foreseen; /* of `check new`, not answered yet */
	struct upstream *upstream; /* attach only */
	struct peer *asking;	   /* whose frame is being looked at; NULL none */
	uv_timer_t tick;	   /* once a second */
	uv_timer_t later;	   /* streams that had their share of a turn */
	uv_timer_t fast;	   /* while something may end within a second */
	unsigned handles;
	uint64_t generation; /* goes up when something that a table shows has changed */
	bool on_demand;	     /* ends when nobody needs it */
	bool stopping;
	int64_t idle_since_ns, stop_deadline_ns;
};

struct control *control_new(uv_loop_t *loop, enum control_role role, struct err *e);
void control_free(struct control *c);
/* Ends all sessions and then the loop. */
void control_stop(struct control *c);
/* Tables are to be looked at again. */
void control_changed(struct control *c);
void control_tick(struct control *c);
/* Of an attached process: it ends when its client is gone and nothing is being written down. */
void control_left(struct control *c);

/* "error" "warn" "note"; where: session, device or host. Kept, and told to every client that may
 * see it: of a session's its owner, who may alone watch it besides the owner of the daemon. */
void control_event(struct control *c, const char *severity, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- the daemon's door --- */
struct listener;
/* Takes the socket's place: one daemon a path. `fd`: it listens there already, as somebody else has
 * arranged (taken); -1: it is made. */
int listener_open(struct listener **l, struct control *c, const char *path, int fd, struct err *e);
/* The control's group may come in from now on; what others arranged stays as it is. */
int listener_group(struct listener *l, struct err *e);
void listener_close(struct listener *l);

#endif
