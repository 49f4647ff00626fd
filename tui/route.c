#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "hub.h"

static struct client *link_client(void *arg, struct err *e)
{
	return host_client(arg, e);
}

static unsigned link_epoch(void *arg)
{
	return host_epoch(arg);
}

static bool link_up(void *arg)
{
	enum host_state state = host_state(arg);

	return state == HOST_UP || state == HOST_OPENING;
}

static const struct err *link_error(void *arg)
{
	return host_error(arg);
}

struct feed_link host_link(struct host *h)
{
	return (struct feed_link){link_client, link_epoch, link_up, link_error, h};
}

struct route *route_use(struct hub *h, const struct feed_link *link, const char *target)
{
	struct route *r;

	for (r = h->routes; r; r = r->next) {
		if (r->link.arg == link->arg && strcmp(r->target, target) == 0) {
			r->users++;
			return r;
		}
	}
	r = xcalloc(1, sizeof(*r));
	r->link = *link;
	r->target = xstrdup(target);
	r->users = 1;
	r->next = h->routes;
	h->routes = r;
	return r;
}

static void route_close(struct route *r)
{
	struct client *c;

	if (!r->bound || !r->channel || r->epoch != r->link.epoch(r->link.arg) || !r->link.up(r->link.arg))
		return;
	c = r->link.client(r->link.arg, NULL);
	if (!c || r->epoch != r->link.epoch(r->link.arg))
		return;
	if (r->opening)
		client_cancel(r->opening);
	r->opening = NULL;
	client_close_channel(c, r->channel);
}

void route_renew(struct route *r, uint32_t channel)
{
	if (!r->target[0] || !r->bound || r->channel != channel)
		return; /* another of its questions did so */
	route_close(r);
	r->bound = false;
}

void route_leave(struct hub *h, struct route *r)
{
	struct route **at = &h->routes;

	if (!r || --r->users > 0)
		return;
	route_close(r);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r->target);
	free(r);
}

static void route_opened(void *arg, struct request *request, const struct answer *a)
{
	struct route *r = arg;

	(void)request;
	if (a->error)
		r->error = *a->error;
	if (a->last)
		r->opening = NULL;
}

struct client *route_client(struct route *r, uint32_t *channel, struct err *e)
{
	struct client *c = r->link.client(r->link.arg, e);
	unsigned epoch = r->link.epoch(r->link.arg);

	if (!c)
		return NULL;
	if (!r->target[0]) {
		*channel = 0;
		return c;
	}
	if (!r->bound || r->epoch != epoch || r->error.code != ERR_NONE) {
		err_clear(&r->error);
		r->bound = true;
		r->epoch = epoch;
		r->opening = NULL;
		r->channel = client_open(c, r->target, route_opened, r);
	}
	*channel = r->channel;
	return c;
}
