/* The two directions of each connection, N.1 and N.2. Definitions: what is counted is said in each
 * column's sentence. */
#include <stdio.h>

#include "flow/figures.h"
#include "tables.h"

#define FLOWS(X)                                                                                   \
	X(ID, "id", FLOW, 0, "", "N.1 from A to B, N.2 from B to A, of connection N.")             \
	X(CONNECTION, "connection", COUNT, 0, "", "The connection's number.")                      \
	X(SRC, "src", ADDR, 0, "", "Who sends.")                                                   \
	X(SPORT, "sport", PORT, 0, "", "The sender's port.")                                       \
	X(DST, "dst", ADDR, 0, "", "Who is sent to.")                                              \
	X(DPORT, "dport", PORT, 0, "", "The receiver's port.")                                     \
	X(PACKETS, "packets", COUNT, 0, "packets", "Packets of this direction.")                   \
	X(BYTES, "bytes", BYTES, 0, "bytes", "Bytes on the wire, whole frames.")                   \
	X(IP_BYTES, "ip_bytes", BYTES, 0, "bytes", "Bytes by the lengths in the IP headers.")      \
	X(PAYLOAD_BYTES, "payload_bytes", BYTES, 0, "bytes",                                       \
	  "Bytes that the transport carried by its headers, repeated ones included.")              \
	X(UNIQUE_BYTES, "unique_bytes", BYTES, 0, "bytes",                                         \
	  "Payload bytes of the sequence space that were seen, each counted once.")                \
	X(DURATION_S, "duration_s", SECONDS, 0, "s",                                               \
	  "Time from this direction's first packet to its last.")                                  \
	X(RETRANS_PACKETS, "retrans_packets", COUNT, 0, "packets",                                 \
	  "Segments with payload that overlaps what was seen before.")                             \
	X(RETRANS_BYTES, "retrans_bytes", BYTES, 0, "bytes",                                       \
	  "Payload bytes that were seen before: payload_bytes less unique_bytes.")                 \
	X(OUT_OF_ORDER, "out_of_order", COUNT, 0, "packets",                                       \
	  "Segments that begin before the highest byte seen and fill a hole.")                     \
	X(SYN_PACKETS, "syn_packets", COUNT, 0, "packets", "Packets with SYN.")                    \
	X(FIN_PACKETS, "fin_packets", COUNT, 0, "packets", "Packets with FIN.")                    \
	X(RST_PACKETS, "rst_packets", COUNT, 0, "packets", "Packets with RST.")                    \
	X(ZERO_WINDOW, "zero_window", COUNT, 0, "", "How often it advertised a window of 0.")      \
	X(WINDOW, "window", COUNT, 0, "",                                                          \
	  "The window that it advertised last, as it stands in the header.")                       \
	X(WINDOW_SCALE, "window_scale", COUNT, 0, "bits",                                          \
	  "The shift that its SYN offered; empty where none was seen.")                            \
	X(MSS, "mss", BYTES, 0, "bytes",                                                           \
	  "The largest segment that its SYN asked for; empty where none was seen.")                \
	X(HANDSHAKE_MS, "handshake_ms", MS, 0, "ms",                                               \
	  "The connection's time from SYN to the ACK that completes the handshake, or to the RST " \
	  "with ACK that refuses it.")                                                             \
	X(START_S, "start_s", SECONDS, COLUMN_HIDDEN, "s",                                         \
	  "Time of its first packet since the capture's first.")                                   \
	X(PROTO, "proto", TEXT, COLUMN_HIDDEN, "", "The connection's protocol.")                   \
	X(APP, "app", TEXT, COLUMN_HIDDEN, "", "The connection's application.")                    \
	X(FIRST_SEQ, "first_seq", COUNT, COLUMN_HIDDEN, "",                                        \
	  "The initial sequence number, or that of the first byte seen.")                          \
	X(NEXT_SEQ, "next_seq", COUNT, COLUMN_HIDDEN, "",                                          \
	  "The sequence number behind the highest byte seen.")                                     \
	X(LAST_ACK, "last_ack", COUNT, COLUMN_HIDDEN, "", "What it acknowledged last.")

#define FLOW_ENUM(NAME, name, kind, flags, unit, summary) FLOW_##NAME,
#define FIGURE_ENUM(NAME, name, kind, unit, summary) FLOW_##NAME,
enum flow_column { FLOWS(FLOW_ENUM) FLOW_FIGURES(FIGURE_ENUM) FLOW_COLUMNS };
#define FLOW_FIGURE_FIRST FLOW_ACK_PACKETS

#define IP_PROTOCOL_TCP 6u

#define FIGURE_COLUMN(NAME, name, kind, unit, summary) {name, KIND_##kind, 0, unit, summary},
static const struct column columns[] = {FLOWS(TABLE_COLUMN) FLOW_FIGURES(FIGURE_COLUMN)};
_Static_assert(FLOW_COLUMNS - FLOW_FIGURE_FIRST == FIGURES, "the figures are the last columns");

const struct table_type type_flows = {
	.name = "flows",
	.summary = "One row a direction of a connection.",
	.arguments = "",
	.columns = columns,
	.ncolumns = FLOW_COLUMNS,
};

static uint64_t rows(void *ask)
{
	return 2 * ask_connections(ask);
}

static uint64_t version(void *ask)
{
	return ask_connections_version(ask);
}

static struct value end_of(const struct connection *c, bool a, bool want_port)
{
	if (!want_port)
		return value_addr(a ? &c->addr_a : &c->addr_b);
	return c->has_ports ? value_int(a ? c->port_a : c->port_b) : value_null();
}

/* What only TCP has, and what the packets that match a filter cannot tell alone. */
static struct value tcp_cell(const struct flow *f, enum flow_column column)
{
	switch (column) {
	case FLOW_RETRANS_BYTES:
		return value_count(f->payload - f->unique);
	case FLOW_OUT_OF_ORDER:
		return value_count(f->out_of_order);
	case FLOW_SYN_PACKETS:
		return value_count(f->syn_packets);
	case FLOW_FIN_PACKETS:
		return value_count(f->fin_packets);
	case FLOW_RST_PACKETS:
		return value_count(f->rst_packets);
	case FLOW_ZERO_WINDOW:
		return value_count(f->zero_window);
	case FLOW_WINDOW:
		return f->packets ? value_int(f->window) : value_null();
	case FLOW_WINDOW_SCALE:
		return f->scale < 0 ? value_null() : value_int(f->scale);
	case FLOW_MSS:
		return f->mss ? value_int(f->mss) : value_null();
	case FLOW_FIRST_SEQ:
		return f->packets ? value_int(f->first_seq) : value_null();
	case FLOW_NEXT_SEQ:
		return f->packets ? value_int(f->next_seq) : value_null();
	case FLOW_LAST_ACK:
		return f->packets ? value_int(f->last_ack) : value_null();
	default:
		return value_null();
	}
}

/* "40-79:3 1280-2559:17": tshark's ranges of packet lengths. */
static struct value sizes_cell(struct ask *a)
{
	size_t at = 0;

	for (unsigned i = 0; i < FIGURE_SIZES; i++) {
		const unsigned start = i ? 10u << i : 0;
		const uint32_t n = a->figures.sizes[i];
		char end[16] = "+";

		if (!n)
			continue;
		if (i + 1 < FIGURE_SIZES)
			(void)snprintf(end, sizeof(end), "-%u", (20u << i) - 1);
		at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, "%s%u%s:%u",
				       at ? " " : "", start, end, n);
	}
	return value_text(a->text);
}
_Static_assert(FIGURE_SIZES * sizeof(" 2560-5119:4294967295") < SOURCE_NOTE_MAX, "all ranges fit");

/* Figures of the whole flow: the packets that match a filter cannot tell them alone. */
static struct value figure_cell(struct ask *a, const struct connection *c, uint64_t row,
				enum flow_column column)
{
	int64_t v;

	if (a->pass)
		return value_null();
	if (a->figures_row != row + 1 || a->figures_stamp != a->stamp) {
		(void)flows_figures(a->capture->flows, c->number, row & 1, &a->figures);
		a->figures_row = row + 1;
		a->figures_stamp = a->stamp;
	}
	v = a->figures.value[column - FLOW_FIGURE_FIRST];
	if (v == FIGURE_UNKNOWN)
		return value_null();
	switch (columns[column].kind) {
	case KIND_TEXT:
		return sizes_cell(a);
	case KIND_REAL:
		return value_real((double)v / 1000);
	case KIND_SHARE:
		return value_real((double)v / 1e6);
	case KIND_BPS:
		return value_real((double)v);
	default:
		return value_int(v);
	}
}

static struct value cell(void *ask, uint64_t row, unsigned column)
{
	struct ask *a = ask;
	const struct connection *c = ask_connection(a, row / 2);
	unsigned side = row & 1;

	if (!c)
		return value_null();
	const struct flow *f = &c->flow[side];

	if (column >= FLOW_FIGURE_FIRST)
		return figure_cell(a, c, row, column);
	switch ((enum flow_column)column) {
	case FLOW_ID:
		return value_count(2 * c->number + side);
	case FLOW_CONNECTION:
		return value_count(c->number);
	case FLOW_SRC:
		return end_of(c, side == 0, false);
	case FLOW_SPORT:
		return end_of(c, side == 0, true);
	case FLOW_DST:
		return end_of(c, side != 0, false);
	case FLOW_DPORT:
		return end_of(c, side != 0, true);
	case FLOW_PACKETS:
		return value_count(f->packets);
	case FLOW_BYTES:
		return value_count(f->bytes);
	case FLOW_IP_BYTES:
		return value_count(f->ip_bytes);
	case FLOW_PAYLOAD_BYTES:
		return value_count(f->payload);
	case FLOW_DURATION_S:
		return f->packets ? ask_duration(f->first_ns, f->last_ns) : value_null();
	case FLOW_START_S:
		return f->packets ? ask_since_start(a, f->first_ns) : value_null();
	case FLOW_HANDSHAKE_MS:
		return c->handshake_ns < 0 ? value_null() : value_int(c->handshake_ns);
	case FLOW_PROTO:
		return value_text(ip_protocol_name(c->protocol));
	case FLOW_APP:
		return connection_app(c)[0] ? value_text(connection_app(c)) : value_null();
	case FLOW_RETRANS_PACKETS:
		return c->protocol == IP_PROTOCOL_TCP ? value_count(f->retrans_packets)
						      : value_null();
	case FLOW_UNIQUE_BYTES:
		return a->pass ? value_null() : value_count(f->unique);
	default:
		return c->protocol == IP_PROTOCOL_TCP && !a->pass ? tcp_cell(f, column)
								  : value_null();
	}
}

const struct table_kind table_flows = {
	.type = &type_flows, .rows = rows, .version = version, .cell = cell};
