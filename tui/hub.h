/* What all feeds of a console share: the channels by host and target, and the pause. */
#ifndef TUI_HUB_H
#define TUI_HUB_H

#include "tui/feed.h"
#include "wire/client.h"

/* Where clients come from: a host, or a test's. `arg` tells one from another. */
struct feed_link {
	struct client *(*client)(void *arg, struct err *e); /* opens what is not open */
	unsigned (*epoch)(void *arg);
	bool (*up)(void *arg);
	const struct err *(*error)(void *arg);
	void *arg;
};

/* A channel that is bound to a target, shared by all who ask there. */
struct route {
	struct route *next;
	struct feed_link link;
	char *target;
	unsigned users;
	unsigned epoch;	  /* of the link that `channel` is good for */
	bool bound;
	uint32_t channel; /* 0 where target is "" */
	struct request *opening;
	struct err error; /* why the target cannot be opened */
};

struct hub {
	struct route *routes;
	struct feed *feeds;
	unsigned round; /* of walks over the feeds */
	bool paused;
	/* A window was taken; `asked`: the user waits for it. */
	void (*dirty)(void *arg, bool asked);
	void *arg;
};

void hub_init(struct hub *h, void (*dirty)(void *arg, bool asked), void *arg);
void hub_release(struct hub *h); /* all feeds must be gone */
/* Holds windows back; off: what was held is asked for again. */
void hub_pause(struct hub *h, bool paused);
unsigned hub_held(const struct hub *h);
/* Every question has its answer: nothing that the user asked for is on its way. */
bool hub_settled(const struct hub *h);
/* State or epoch of a link changed (arg of its feed_link): ask again, or call windows stale. */
void hub_link_changed(struct hub *h, const void *link_arg);

/* The user wants what failed to be tried again. */
void hub_retry(struct hub *h);
/* Time goes by: what stopped coming is tried again. */
void hub_tick(struct hub *h);

struct route *route_use(struct hub *h, const struct feed_link *link, const char *target);
void route_leave(struct hub *h, struct route *r);
/* The client of now, and the channel on it; NULL with a sentence. */
struct client *route_client(struct route *r, uint32_t *channel, struct err *e);

/* `channel` of it is not believed any more: the target is opened anew for the next question. */
void route_renew(struct route *r, uint32_t channel);

struct feed_link host_link(struct host *h);
struct feed *feed_new_on(struct hub *hub, const struct feed_link *link, const char *target, feed_fn changed, void *arg);
struct feed *feed_new_table(struct hub *hub, const struct table *t, feed_fn changed, void *arg);

/* Makes the window of a question to a table in this process. */
int window_of_table(const struct table *t, const struct feed_query *q, struct window *w, struct err *e);

#endif
