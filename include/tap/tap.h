/* The tap: one process a session; holds the devices; copies packets into chunks, runs the counters, writes segments and
 * its journal to descriptors that it is given. Knows no path; payload is opaque to it. */
#ifndef TAP_TAP_H
#define TAP_TAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "capfile/chunk.h"

/* Descriptor 3 speaks messages with control (TAP_*). Opens the devices, drops everything, enters seccomp, then starts.
 * `--probe`: opens one packet socket and says whether that may be (exit 0 or 3). Returns the exit status. */
int tap_main(int argc, char **argv);

struct table_type;
/* A row of the device list: for tapdeckd's `devices` table and for patterns. */
struct device {
	char name[64], description[128];
	char addresses[512]; /* joined by blanks */
	int up, link;	     /* 1 yes, 0 no, -1 unknown */
	int64_t speed_bps;   /* -1 unknown */
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, errors, dropped;
	int is_default;	     /* carries the default route */
};
/* The devices of this machine (own namespace); owned by the caller, free. Needs no right. */
int device_list(struct device **list, size_t *count, struct err *e);

#endif
