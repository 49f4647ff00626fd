/* The devices of this machine, with rates from two looks while somebody asks. */
#ifndef AGENT_DEVICES_H
#define AGENT_DEVICES_H

#include "control.h"

struct devices;
struct devices *devices_new(struct control *c);
void devices_free(struct devices *d);
/* Somebody asks: looks at once, and goes on looking for a while. The table is borrowed. */
int devices_table(struct devices *d, struct table *t, struct err *e);
/* Rates are known (or nobody can say). */
bool devices_ready(const struct devices *d);
/* What comes and goes a second, between two looks of now. */
struct device_rate {
	double rx_bytes, tx_bytes, rx_packets, tx_packets;
};
/* -1: it is not known, or not yet. */
int devices_rate(const struct devices *d, const char *name, struct device_rate *r);
bool devices_is(const struct table *t);
/* The LINKTYPE_ that a capture on it most likely has, for checking filters before it is open. */
uint32_t devices_link_type(const char *name);

#endif
