#include "panes.h"

#include <stddef.h>

const struct pane_type *const pane_types[] = {
	&pane_sessions,
	&pane_session,
	&pane_events,
	&pane_devices,
	&pane_counters,
	&pane_counter,
	&pane_wall,
	&pane_connections,
	&pane_connection,
	&pane_hosts,
	&pane_history,
	&pane_history_files,
	&pane_history_connections,
	&pane_capture,
	&pane_capture_connections,
	&pane_capture_connection,
	&pane_packets,
	&pane_flows,
	&pane_endpoints,
	&pane_protocols,
	&pane_dns,
	&pane_tls,
	&pane_http,
	&pane_icmp,
	NULL,
};
