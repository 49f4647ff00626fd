/* Devices in network namespaces of others: `netns:PID/eth0`, `netns:NAME/eth0`. */
#ifndef AGENT_NETNS_H
#define AGENT_NETNS_H

#include <net/if.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define NETNS_MAX 16u /* of a session: their descriptors go with its start */
#define NETNS_PREFIX "netns:"

struct netns_list;

bool netns_is(const char *device);
/* The namespace's part of the name, without the device. */
struct str netns_part(const char *device);
/* Opens what `device` is in, unless it is open: for root's daemon, asked by root. *list: made where
 * it is NULL. */
int netns_need(struct netns_list **list, const char *device, bool allowed, struct err *e);
void netns_free(struct netns_list *list);
unsigned netns_count(const struct netns_list *list);
const char *netns_name(const struct netns_list *list, unsigned i); /* "netns:NAME" */
/* Of those that are there, for the tap; -1: it is gone. The list's. */
int netns_fd(const struct netns_list *list, unsigned i);
/* The tap has them: held open here, a namespace would outlive everybody in it. */
void netns_close(struct netns_list *list);
/* The name means another namespace now, or none. Said once. */
bool netns_gone(struct netns_list *list, unsigned i);
/* Names of its devices, for if_freenameindex; NULL: none. */
struct if_nameindex *netns_devices(const struct netns_list *list, unsigned i);

#endif
