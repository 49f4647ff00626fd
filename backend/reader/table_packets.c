/* Packets: rows are made when they are asked for. What the index knows does not touch the file. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tables.h"

#define PACKETS(X)                                                                                 \
	X(NUMBER, "number", COUNT, 0, "", "The packet's number: 1, 2, 3 in the capture's order.")  \
	X(TIME, "time", TIME, 0, "", "When it was seen.")                                          \
	X(REL_S, "rel_s", SECONDS, 0, "s", "Time since the capture's first packet.")               \
	X(DELTA_S, "delta_s", SECONDS, 0, "s", "Time since the packet before it in the capture.")  \
	X(INTERFACE, "interface", COUNT, 0, "", "The number of its interface, from 0.")            \
	X(CONNECTION, "connection", COUNT, 0, "",                                                  \
	  "The number of its connection; empty for what is not IP.")                               \
	X(DIRECTION, "direction", TEXT, 0, "", "ab or ba, within its connection.")                 \
	X(SRC, "src", ADDR, 0, "", "Who sent it: IP address, else that of the link.")              \
	X(DST, "dst", ADDR, 0, "", "Who it was sent to: IP address, else that of the link.")       \
	X(PROTO, "proto", TEXT, 0, "", "Its IP protocol, else the innermost that was recognised.") \
	X(LENGTH, "length", BYTES, 0, "bytes", "Bytes on the wire.")                               \
	X(CAPTURED, "captured", BYTES, 0, "bytes", "Bytes of it that were kept.")                  \
	X(INFO, "info", TEXT, 0, "",                                                               \
	  "What it says, in one line; sequence numbers are relative to their connection.")         \
	X(SPORT, "sport", PORT, COLUMN_HIDDEN, "", "The sender's port.")                           \
	X(DPORT, "dport", PORT, COLUMN_HIDDEN, "", "The receiver's port.")                         \
	X(FLOW, "flow", FLOW, COLUMN_HIDDEN, "",                                                   \
	  "Its connection's number and direction, N.1 or N.2.")                                    \
	X(RETRANSMISSION, "retransmission", BOOL, COLUMN_HIDDEN, "",                               \
	  "Whether its payload overlaps what was seen before.")                                    \
	X(PAYLOAD, "payload", BYTES, COLUMN_HIDDEN, "bytes",                                       \
	  "Bytes that its transport carries, by the headers.")                                     \
	X(APP, "app", TEXT, COLUMN_HIDDEN, "",                                                     \
	  "The application, where this packet's content tells it.")                                \
	X(TTL, "ttl", COUNT, COLUMN_HIDDEN, "", "Time to live, or hop limit.")                     \
	X(VLAN, "vlan", COUNT, COLUMN_HIDDEN, "", "The innermost VLAN's number.")                  \
	X(TUNNEL, "tunnel", TEXT, COLUMN_HIDDEN, "", "The innermost tunnel around it.")

#define PACKET_ENUM(NAME, name, kind, flags, unit, summary) PACKET_##NAME,
enum packet_column { PACKETS(PACKET_ENUM) PACKET_COLUMNS };

#define INFO_BYTES_MAX 4096u
#define MAC_BYTES 6u

static const struct column columns[] = {PACKETS(TABLE_COLUMN)};

const struct table_type type_packets = {
	.name = "packets",
	.summary = "One row a packet.",
	.arguments = "",
	.columns = columns,
	.ncolumns = PACKET_COLUMNS,
};

/* The row that was decoded last: several of its cells cost one look. Nothing in it points into the
 * packet. */
struct packet_row {
	struct walker walker;
	uint64_t row; /* UINT64_MAX: none */
	bool there, has_info;
	struct addr src, dst;
	const char *proto, *app, *tunnel;
	uint32_t captured, payload;
	uint16_t sport, dport, vlan;
	uint8_t ttl;
	bool has_ports, has_ip, has_vlan;
	struct buf info;
};

static int open_rows(struct ask *a, const struct msg_query *q, struct err *e)
{
	(void)q;
	(void)e;
	a->packet = xcalloc(1, sizeof(*a->packet));
	a->packet->row = UINT64_MAX;
	walker_init(&a->packet->walker, &a->reader->source);
	buf_init(&a->packet->info, INFO_BYTES_MAX);
	return 0;
}

static void close_rows(struct ask *a)
{
	walker_release(&a->packet->walker);
	buf_release(&a->packet->info);
	free(a->packet);
}

/* --- rows: those of the index, or those of them that match --- */

/* The first match that is still in the index. */
static uint64_t first_match(const struct ask *a)
{
	uint64_t low = pages_first(&a->pass->matches), high = a->pass->matches.count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (*(const uint64_t *)pages_at(&a->pass->matches, middle) < a->reader->index.first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t first_row(const struct ask *a)
{
	if (a->reader->index.first == 0)
		return 0;
	return a->pass ? first_match(a) : a->reader->index.first;
}

static uint64_t rows(void *ask)
{
	const struct ask *a = ask;
	uint64_t count = a->pass ? a->pass->matches.count
				 : pipeline_rows(a->reader, a->capture->decode.outer);
	uint64_t first = first_row(a);

	return count > first ? count - first : 0;
}

static uint64_t version(void *ask)
{
	return first_row(ask) + ((const struct ask *)ask)->capture->settled;
}

static uint64_t index_row_of(const struct ask *a, uint64_t row)
{
	row += first_row(a);
	if (!a->pass)
		return row;
	const uint64_t *match = pages_at(&a->pass->matches, row);

	return match ? *match : UINT64_MAX;
}

/* --- a row --- */

static void mac(struct addr *a, const uint8_t *p)
{
	a->family = ADDR_MAC;
	memcpy(a->bytes, p, MAC_BYTES);
}

static void ip(struct addr *a, uint8_t family, const uint8_t *p)
{
	a->family = family;
	memcpy(a->bytes, p, family == ADDR_IP4 ? 4 : 16);
}

/* Bytes that nobody reads are no protocol, unless there is nothing else. */
static const char *innermost(const struct decoded *d)
{
	unsigned n = d->nlayers;

	while (n > 1 && d->layer[n - 1].protocol == PROTO_DATA)
		n--;
	return n ? proto_name(d->layer[n - 1].protocol) : NULL;
}

static void row_ends(struct packet_row *r, const struct decoded *d, const struct packet *pk)
{
	r->src = r->dst = (struct addr){0};
	r->has_ip = d->flags & DECODE_IP;
	if (r->has_ip) {
		ip(&r->src, d->family, d->src);
		ip(&r->dst, d->family, d->dst);
		r->proto = ip_protocol_name(d->ip_protocol);
		return;
	}
	r->proto = innermost(d);
	if (d->nlayers == 0 || d->layer[0].protocol != PROTO_ETH ||
	    pk->captured < d->layer[0].offset + 2 * MAC_BYTES)
		return;
	mac(&r->dst, pk->data + d->layer[0].offset);
	mac(&r->src, pk->data + d->layer[0].offset + MAC_BYTES);
}

/* Where the connection's numbers begin, so that they can be shown from 0. */
static struct info_context row_context(const struct ask *a, uint64_t index_row)
{
	unsigned tag;
	uint64_t number = capture_connection(a->capture, index_row, &tag);
	const struct connection *c = number ? flows_number(a->capture->flows, number) : NULL;

	if (!c)
		return (struct info_context){.scale = -1};
	const struct flow *own = &c->flow[tag & TAG_B_TO_A], *other = &c->flow[!(tag & TAG_B_TO_A)];
	/* A side that never spoke has no beginning of its own: what is acknowledged stands as it
	 * is. */
	return (struct info_context){.base_seq = own->first_seq,
				     .base_ack = other->packets ? other->first_seq : 0,
				     .relative = true,
				     .scale = other->scale >= 0 ? own->scale : -1};
}

static void row_read(struct ask *a, uint64_t index_row, bool want_info)
{
	struct packet_row *r = a->packet;
	struct packet pk;
	struct decoded d;
	struct err e;
	const struct decode_options o = {.outer = a->capture->decode.outer, .app = true};

	r->row = index_row;
	r->has_info = want_info;
	r->there = walker_read(&r->walker, &a->reader->index, index_row, &pk, &e) == 0;
	if (!r->there)
		return;
	decode_packet(&d, &o, pk.link_type, pk.data, pk.captured, pk.length);
	row_ends(r, &d, &pk);
	r->app = proto_name(d.app);
	r->tunnel = proto_name(d.tunnel);
	r->captured = pk.captured;
	r->payload = d.payload_bytes;
	r->has_ports = d.flags & DECODE_PORTS;
	r->sport = d.sport;
	r->dport = d.dport;
	r->ttl = d.ttl;
	r->has_vlan = d.vlan_count > 0;
	r->vlan = d.vlan;
	if (!want_info)
		return;
	const struct info_context context = row_context(a, index_row);

	buf_clear(&r->info);
	decode_info(&r->info, &d, pk.data, pk.captured, &context);
}

static struct value text(const char *s)
{
	return value_text(s && s[0] ? s : NULL);
}

static struct value read_cell(struct ask *a, uint64_t index_row, enum packet_column column)
{
	struct packet_row *r = a->packet;

	if (r->row != index_row || (column == PACKET_INFO && !r->has_info))
		row_read(a, index_row, column == PACKET_INFO);
	if (!r->there)
		return value_null();
	switch (column) {
	case PACKET_SRC:
		return value_addr(&r->src);
	case PACKET_DST:
		return value_addr(&r->dst);
	case PACKET_PROTO:
		return text(r->proto);
	case PACKET_CAPTURED:
		return value_int(r->captured);
	case PACKET_INFO:
		return value_str((struct str){buf_str(&r->info), r->info.len});
	case PACKET_SPORT:
		return r->has_ports ? value_int(r->sport) : value_null();
	case PACKET_DPORT:
		return r->has_ports ? value_int(r->dport) : value_null();
	case PACKET_PAYLOAD:
		return r->has_ip ? value_int(r->payload) : value_null();
	case PACKET_APP:
		return text(r->app);
	case PACKET_TTL:
		return r->has_ip ? value_int(r->ttl) : value_null();
	case PACKET_VLAN:
		return r->has_vlan ? value_int(r->vlan) : value_null();
	case PACKET_TUNNEL:
		return text(r->tunnel);
	default:
		return value_null();
	}
}

/* --- cells of the index --- */

static struct value time_cell(const struct ask *a, uint64_t index_row,
			      const struct index_entry *entry, enum packet_column column)
{
	struct index_entry before;

	if (entry->ts_ns == INDEX_NO_TIME)
		return value_null();
	if (column == PACKET_TIME)
		return value_int(entry->ts_ns);
	if (column == PACKET_REL_S)
		return ask_since_start(a, entry->ts_ns);
	if (index_row == 0 || !index_get(&a->reader->index, index_row - 1, &before) ||
	    before.ts_ns == INDEX_NO_TIME)
		return value_null();
	return value_int(entry->ts_ns - before.ts_ns);
}

static struct value connection_cell(const struct ask *a, uint64_t index_row,
				    enum packet_column column)
{
	unsigned tag;
	uint64_t number = capture_connection(a->capture, index_row, &tag);

	if (number == 0)
		return value_null();
	switch (column) {
	case PACKET_CONNECTION:
		return value_count(number);
	case PACKET_DIRECTION:
		return value_text(tag & TAG_B_TO_A ? "ba" : "ab");
	case PACKET_FLOW:
		return value_count(2 * number + (tag & TAG_B_TO_A ? 1 : 0));
	default:
		return value_int(tag & TAG_RETRANSMISSION ? 1 : 0);
	}
}

static struct value cell(void *ask, uint64_t row, unsigned column)
{
	struct ask *a = ask;
	uint64_t index_row = index_row_of(a, row);
	struct index_entry entry;

	if (!index_get(&a->reader->index, index_row, &entry))
		return value_null();
	switch ((enum packet_column)column) {
	case PACKET_NUMBER:
		return value_count(index_number(&a->reader->index, index_row));
	case PACKET_TIME:
	case PACKET_REL_S:
	case PACKET_DELTA_S:
		return time_cell(a, index_row, &entry, column);
	case PACKET_INTERFACE:
		return value_int(a->reader->source.interface[entry.interface].shown);
	case PACKET_LENGTH:
		return value_int(entry.length);
	case PACKET_CONNECTION:
	case PACKET_DIRECTION:
	case PACKET_FLOW:
	case PACKET_RETRANSMISSION:
		return connection_cell(a, index_row, column);
	default:
		return read_cell(a, index_row, column);
	}
}

const struct table_kind table_packets = {
	.type = &type_packets,
	.open = open_rows,
	.close = close_rows,
	.rows = rows,
	.version = version,
	.cell = cell,
	.stands = true,
};
