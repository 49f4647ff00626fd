#include "owner.h"
#include "tables.h"

#define CONNECTIONS(X)                                                                             \
	X(ID, "id", COUNT, 0, "",                                                                  \
	  "The connection's number: 1, 2, 3 in the order of first packets.")                       \
	X(PROTO, "proto", TEXT, 0, "",                                                             \
	  "Its protocol: tcp, udp, sctp, icmp, icmp6 or the name of another IP protocol.")         \
	X(ADDR_A, "addr_a", ADDR, 0, "", "The address of A, who sent the first packet seen.")      \
	X(PORT_A, "port_a", PORT, 0, "",                                                           \
	  "A's port; the identifier of an echo; empty where there is none.")                       \
	X(ADDR_B, "addr_b", ADDR, 0, "", "The address of B.")                                      \
	X(PORT_B, "port_b", PORT, 0, "",                                                           \
	  "B's port; the identifier of an echo; empty where there is none.")                       \
	X(PACKETS_AB, "packets_ab", COUNT, 0, "packets", "Packets from A to B.")                   \
	X(BYTES_AB, "bytes_ab", BYTES, 0, "bytes", "Bytes on the wire from A to B, whole frames.") \
	X(PACKETS_BA, "packets_ba", COUNT, 0, "packets", "Packets from B to A.")                   \
	X(BYTES_BA, "bytes_ba", BYTES, 0, "bytes", "Bytes on the wire from B to A, whole frames.") \
	X(PAYLOAD_AB, "payload_ab", BYTES, 0, "bytes",                                             \
	  "Bytes that the transport carried from A to B by its headers, repeated ones included.")  \
	X(PAYLOAD_BA, "payload_ba", BYTES, 0, "bytes",                                             \
	  "Bytes that the transport carried from B to A by its headers, repeated ones included.")  \
	X(START_S, "start_s", SECONDS, 0, "s",                                                     \
	  "Time of its first packet since the capture's first.")                                   \
	X(DURATION_S, "duration_s", SECONDS, 0, "s", "Time from its first packet to its last.")    \
	X(STATE, "state", TEXT, 0, "",                                                             \
	  "Zeek's conn_state: S0 no reply, S1 established, SF closed, REJ refused, RSTO and RSTR " \
	  "reset, OTH midstream, and so on.")                                                      \
	X(HISTORY, "history", TEXT, 0, "",                                                         \
	  "Zeek's history: s SYN, h SYN-ACK, a ACK, d data, f FIN, r RST, t retransmission, g "    \
	  "gap, w zero window, c bad checksum; capitals are the initiator's, or A's where it is "  \
	  "unknown.")                                                                              \
	X(INITIATOR, "initiator", TEXT, 0, "",                                                     \
	  "Who began it, a or b, by SYN or SYN-ACK; empty where that was not seen.")               \
	X(APP, "app", TEXT, 0, "",                                                                 \
	  "The application by its content; by the server's port where little was said yet, or "    \
	  "the beginning was not seen.")                                                           \
	X(HANDSHAKE_MS, "handshake_ms", MS, 0, "ms",                                               \
	  "Time from the SYN to the ACK that completes the handshake, or to the RST with ACK "     \
	  "that refuses it.")                                                                      \
	X(RETRANS_AB, "retrans_ab", COUNT, 0, "packets",                                           \
	  "Segments from A with payload that overlaps what was seen before.")                      \
	X(RETRANS_BA, "retrans_ba", COUNT, 0, "packets",                                           \
	  "Segments from B with payload that overlaps what was seen before.")                      \
	X(TUNNEL, "tunnel", TEXT, 0, "", "The innermost tunnel around it.")                        \
	X(VLAN, "vlan", TEXT, 0, "", "The innermost VLAN's number.")                               \
	X(PACKETS, "packets", COUNT, COLUMN_HIDDEN, "packets", "Packets of both directions.")      \
	X(BYTES, "bytes", BYTES, COLUMN_HIDDEN, "bytes", "Bytes on the wire of both directions.")  \
	X(PPS, "pps", PPS, COLUMN_HIDDEN, "packets/s",                                             \
	  "Packets of the last whole second, of a live session.")                                  \
	X(BPS, "bps", BPS, COLUMN_HIDDEN, "bit/s",                                                 \
	  "Bits on the wire of the last whole second, of a live session.")                         \
	X(START_TIME, "start_time", TIME, COLUMN_HIDDEN, "", "Time of its first packet.")          \
	X(LAST_TIME, "last_time", TIME, COLUMN_HIDDEN, "", "Time of its last packet.")             \
	X(LAST_S, "last_s", SECONDS, COLUMN_HIDDEN, "s",                                           \
	  "Time of its last packet since the capture's first.")                                    \
	X(CLOSED, "closed", BOOL, COLUMN_HIDDEN, "", "Whether nothing more is expected of it.")    \
	X(FIRST_PACKET, "first_packet", COUNT, COLUMN_HIDDEN, "",                                  \
	  "The number of its first packet.")                                                       \
	X(LAST_PACKET, "last_packet", COUNT, COLUMN_HIDDEN, "", "The number of its last packet.")  \
	X(PROCESS, "process", TEXT, COLUMN_HIDDEN, "",                                             \
	  "The process of this machine that has its socket, of a live session, where the kernel "  \
	  "tells.")                                                                                \
	X(USER, "user", TEXT, COLUMN_HIDDEN, "", "Whose socket it is, of a live session.")         \
	X(UNIT, "unit", TEXT, COLUMN_HIDDEN, "",                                                   \
	  "The systemd unit of that process: a service, or a scope as of a container.")            \
	X(PID, "pid", COUNT, COLUMN_HIDDEN, "", "That process's number.")

#define CONNECTION_ENUM(NAME, name, kind, flags, unit, summary) CONNECTION_##NAME,
enum connection_column { CONNECTIONS(CONNECTION_ENUM) CONNECTION_COLUMNS };

static const struct column columns[] = {CONNECTIONS(TABLE_COLUMN)};

const struct table_type type_connections = {
	.name = "connections",
	.summary = "One row a connection, both directions in it.",
	.arguments = "",
	.columns = columns,
	.ncolumns = CONNECTION_COLUMNS,
};

static uint64_t rows(void *ask)
{
	struct ask *a = ask;

	if (a->capture->live)
		pipeline_clock(a->reader);
	return ask_connections(a);
}

static uint64_t version(void *ask)
{
	return ask_connections_version(ask);
}

static struct value text(const char *s)
{
	return value_text(s && s[0] ? s : NULL);
}

static struct value port(const struct connection *c, uint16_t number)
{
	return c->has_ports ? value_int(number) : value_null();
}

static struct value rate(const struct ask *a, const struct connection *c, bool bits)
{
	uint32_t packets, bytes;

	if (!capture_rate(a->capture, c->number, &packets, &bytes))
		return value_null();
	return value_real(bits ? 8.0 * bytes : packets);
}

static struct value words(struct ask *a, const struct connection *c, enum connection_column column)
{
	switch (column) {
	case CONNECTION_PROTO:
		return text(ip_protocol_name(c->protocol));
	case CONNECTION_STATE:
		return text(connection_state_name(c));
	case CONNECTION_HISTORY:
		return text(c->history);
	case CONNECTION_INITIATOR:
		return text(c->initiator == 'a' ? "a" : c->initiator == 'b' ? "b" : NULL);
	case CONNECTION_APP:
		return text(connection_app(c));
	case CONNECTION_TUNNEL:
		return text(proto_name(c->tunnel));
	case CONNECTION_VLAN:
		return text(connection_vlan(c, a->text));
	default:
		return value_null();
	}
}

/* Numbers of outermost headers are others. */
static struct value owner(const struct ask *a, const struct connection *c,
			  enum connection_column column)
{
	const struct owner *o = a->capture->decode.outer
					? NULL
					: owners_of(a->reader->owners, c->number);

	if (!o)
		return value_null();
	switch (column) {
	case CONNECTION_PROCESS:
		return text(o->process);
	case CONNECTION_USER:
		return text(o->user);
	case CONNECTION_UNIT:
		return text(o->unit);
	default:
		return o->pid ? value_count(o->pid) : value_null();
	}
}

static struct value times(const struct ask *a, const struct connection *c,
			  enum connection_column column)
{
	switch (column) {
	case CONNECTION_START_S:
		return ask_since_start(a, c->start_ns);
	case CONNECTION_LAST_S:
		return ask_since_start(a, c->last_ns);
	case CONNECTION_DURATION_S:
		return ask_duration(c->start_ns, c->last_ns);
	case CONNECTION_START_TIME:
		return ask_time(c->start_ns);
	case CONNECTION_LAST_TIME:
		return ask_time(c->last_ns);
	case CONNECTION_HANDSHAKE_MS:
		return c->handshake_ns < 0 ? value_null() : value_int(c->handshake_ns);
	default:
		return value_null();
	}
}

static struct value counts(const struct connection *c, enum connection_column column)
{
	const struct flow *ab = &c->flow[0], *ba = &c->flow[1];

	switch (column) {
	case CONNECTION_PACKETS_AB:
		return value_count(ab->packets);
	case CONNECTION_BYTES_AB:
		return value_count(ab->bytes);
	case CONNECTION_PACKETS_BA:
		return value_count(ba->packets);
	case CONNECTION_BYTES_BA:
		return value_count(ba->bytes);
	case CONNECTION_PAYLOAD_AB:
		return value_count(ab->payload);
	case CONNECTION_PAYLOAD_BA:
		return value_count(ba->payload);
	case CONNECTION_RETRANS_AB:
		return value_count(ab->retrans_packets);
	case CONNECTION_RETRANS_BA:
		return value_count(ba->retrans_packets);
	case CONNECTION_PACKETS:
		return value_count(ab->packets + ba->packets);
	case CONNECTION_BYTES:
		return value_count(ab->bytes + ba->bytes);
	default:
		return value_null();
	}
}

static struct value cell(void *ask, uint64_t row, unsigned column)
{
	struct ask *a = ask;
	const struct connection *c = ask_connection(a, row);

	if (!c)
		return column == CONNECTION_ID && a->counted ? value_count(a->counted->number)
							     : value_null();
	switch ((enum connection_column)column) {
	case CONNECTION_ID:
		return value_count(c->number);
	case CONNECTION_ADDR_A:
		return value_addr(&c->addr_a);
	case CONNECTION_PORT_A:
		return port(c, c->port_a);
	case CONNECTION_ADDR_B:
		return value_addr(&c->addr_b);
	case CONNECTION_PORT_B:
		return port(c, c->port_b);
	case CONNECTION_PPS:
		return rate(a, c, false);
	case CONNECTION_BPS:
		return rate(a, c, true);
	case CONNECTION_CLOSED:
		return value_int(c->closed);
	case CONNECTION_FIRST_PACKET:
		return value_count(c->first_packet);
	case CONNECTION_LAST_PACKET:
		return value_count(c->last_packet);
	case CONNECTION_PROTO:
	case CONNECTION_STATE:
	case CONNECTION_HISTORY:
	case CONNECTION_INITIATOR:
	case CONNECTION_APP:
	case CONNECTION_TUNNEL:
	case CONNECTION_VLAN:
		return words(a, c, column);
	case CONNECTION_PROCESS:
	case CONNECTION_USER:
	case CONNECTION_UNIT:
	case CONNECTION_PID:
		return owner(a, c, column);
	case CONNECTION_START_S:
	case CONNECTION_LAST_S:
	case CONNECTION_DURATION_S:
	case CONNECTION_START_TIME:
	case CONNECTION_LAST_TIME:
	case CONNECTION_HANDSHAKE_MS:
		return times(a, c, column);
	default:
		return counts(c, column);
	}
}

const struct table_kind table_connections = {
	.type = &type_connections, .rows = rows, .version = version, .cell = cell};
