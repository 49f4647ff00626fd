/* One row each in all.c, one file each beside it. */
#ifndef TUI_PANE_PANES_H
#define TUI_PANE_PANES_H

#include "tui/pane.h"

extern const struct pane_type pane_sessions;
extern const struct pane_type pane_session;
extern const struct pane_type pane_events;
extern const struct pane_type pane_devices;
extern const struct pane_type pane_counters;
extern const struct pane_type pane_counter;
extern const struct pane_type pane_wall;
extern const struct pane_type pane_connections;
extern const struct pane_type pane_connection;
extern const struct pane_type pane_hosts;
extern const struct pane_type pane_history;
extern const struct pane_type pane_history_files;
extern const struct pane_type pane_history_connections;
extern const struct pane_type pane_capture;
extern const struct pane_type pane_capture_connections;
extern const struct pane_type pane_capture_connection;
extern const struct pane_type pane_packets;
extern const struct pane_type pane_flows;
extern const struct pane_type pane_endpoints;
extern const struct pane_type pane_protocols;
extern const struct pane_type pane_dns;
extern const struct pane_type pane_tls;
extern const struct pane_type pane_http;
extern const struct pane_type pane_icmp;

#endif
