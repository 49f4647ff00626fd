#include "tables.h"

#include <string.h>

#include "base/xalloc.h"
#include "sql.h"

static const struct column captures_columns[] = {
	{"id", KIND_COUNT, 0, "", "the capture's number in this history"},
	{"host", KIND_TEXT, 0, "", "where it was made"},
	{"session", KIND_TEXT, 0, "", "the session that made it"},
	{"devices", KIND_TEXT, 0, "", "devices, joined by commas"},
	{"filter", KIND_TEXT, 0, "", "capture filter at the start"},
	{"start_time", KIND_TIME, 0, "", "when it began"},
	{"duration_s", KIND_SECONDS, 0, "",
	 "from the start to the end, or to the last sign of life"},
	{"state", KIND_TEXT, 0, "", "running, or why it ended"},
	{"packets", KIND_COUNT, 0, "", "packets that passed the filter"},
	{"bytes", KIND_BYTES, 0, "", "their bytes on the wire"},
	{"dropped", KIND_COUNT, 0, "", "packets lost, over all causes"},
	{"connections", KIND_COUNT, 0, "", "connections numbered"},
	{"files", KIND_COUNT, 0, "", "files recorded"},
	{"file_bytes", KIND_BYTES, 0, "", "bytes of its files"},
	{"owner", KIND_TEXT, COLUMN_HIDDEN, "", "who started it"},
	{"note", KIND_TEXT, 0, "", "the note that was given"},
	{"name", KIND_TEXT, COLUMN_HIDDEN, "",
	 "its unique name on its host, the stem of its files"},
	{"folder", KIND_TEXT, COLUMN_HIDDEN, "", "where its files lie on its host"},
};

static const struct column files_columns[] = {
	{"capture", KIND_COUNT, 0, "", "the capture's number in this history"},
	{"host", KIND_TEXT, 0, "", "where it lies"},
	{"session", KIND_TEXT, 0, "", "the session that made it"},
	{"number", KIND_COUNT, 0, "", "segment: 1, 2, 3 in a capture"},
	{"name", KIND_TEXT, 0, "", "file name"},
	{"packets", KIND_COUNT, 0, "", "packets in it"},
	{"bytes", KIND_BYTES, 0, "", "bytes of the file"},
	{"first_time", KIND_TIME, 0, "", "time of its first packet"},
	{"last_time", KIND_TIME, 0, "", "time of its last packet"},
	{"state", KIND_TEXT, 0, "", "writing, why it was sealed, or why it was removed"},
	{"path", KIND_TEXT, 0, "", "folder and name"},
};

static const struct column connections_columns[] = {
	{"capture", KIND_COUNT, 0, "", "the capture's number in this history"},
	{"host", KIND_TEXT, 0, "", "where it was seen"},
	{"session", KIND_TEXT, 0, "", "the session that saw it"},
	{"id", KIND_COUNT, 0, "", "its number in the capture"},
	{"proto", KIND_TEXT, 0, "", "protocol"},
	{"addr_a", KIND_ADDR, 0, "", "who sent the first packet seen"},
	{"port_a", KIND_PORT, 0, "", "its port"},
	{"addr_b", KIND_ADDR, 0, "", "the other end"},
	{"port_b", KIND_PORT, 0, "", "its port"},
	{"packets_ab", KIND_COUNT, 0, "", "packets from A to B"},
	{"bytes_ab", KIND_BYTES, 0, "", "bytes on the wire from A to B"},
	{"packets_ba", KIND_COUNT, 0, "", "packets from B to A"},
	{"bytes_ba", KIND_BYTES, 0, "", "bytes on the wire from B to A"},
	{"payload_ab", KIND_BYTES, COLUMN_HIDDEN, "", "payload bytes from A to B"},
	{"payload_ba", KIND_BYTES, COLUMN_HIDDEN, "", "payload bytes from B to A"},
	{"start_time", KIND_TIME, 0, "", "time of its first packet"},
	{"duration_s", KIND_SECONDS, 0, "", "from its first to its last packet"},
	{"state", KIND_TEXT, 0, "", "Zeek's connection state"},
	{"history", KIND_TEXT, 0, "", "Zeek's history of the connection"},
	{"initiator", KIND_TEXT, COLUMN_HIDDEN, "", "who opened it: a, b, or empty"},
	{"app", KIND_TEXT, 0, "", "application"},
	{"handshake_ms", KIND_MS, 0, "", "from SYN to the ACK that completes the handshake or the RST that refuses it"},
	{"retrans_ab", KIND_COUNT, 0, "", "retransmitted segments from A to B"},
	{"retrans_ba", KIND_COUNT, 0, "", "retransmitted segments from B to A"},
	{"tunnel", KIND_TEXT, COLUMN_HIDDEN, "", "tunnel around it"},
	{"vlan", KIND_TEXT, COLUMN_HIDDEN, "", "VLAN"},
	{"path", KIND_TEXT, COLUMN_HIDDEN, "", "the file with its first packet, on its host"},
	{"offset", KIND_COUNT, COLUMN_HIDDEN, "",
	 "where its first packet lies in that file, bytes"},
	{"packets", KIND_COUNT, COLUMN_HIDDEN, "", "packets, both ways"},
	{"bytes", KIND_BYTES, COLUMN_HIDDEN, "", "bytes on the wire, both ways"},
	{"payload", KIND_BYTES, COLUMN_HIDDEN, "", "payload bytes, both ways"},
	{"retrans", KIND_COUNT, COLUMN_HIDDEN, "", "retransmitted segments, both ways"},
};

const struct column_sql connection_sql[] = {
	{"capture", "(SELECT capture FROM slot WHERE id=c.row>>16)", NULL, NULL},
	{"host", NULL, NULL, NULL},
	{"session", NULL, NULL, NULL},
	{"id", "(SELECT (part<<16)+(c.row&65535) FROM slot WHERE id=c.row>>16)", NULL, NULL},
	{"proto", "c.kind", NULL, "k.proto"},
	{"addr_a", "c.a", "x.ip", NULL},
	{"port_a", "c.port_a", NULL, NULL},
	{"addr_b", "c.b", "y.ip", NULL},
	{"port_b", "c.port_b", NULL, NULL},
	{"packets_ab", "c.packets_ab", NULL, NULL},
	{"bytes_ab", "c.bytes_ab", NULL, NULL},
	{"packets_ba", "c.packets_ba", NULL, NULL},
	{"bytes_ba", "c.bytes_ba", NULL, NULL},
	{"payload_ab", "c.payload_ab", NULL, NULL},
	{"payload_ba", "c.payload_ba", NULL, NULL},
	{"start_time", "c.start_ns", NULL, NULL},
	{"duration_s", "c.duration_ns", NULL, NULL},
	{"state", "c.kind", NULL, "k.state"},
	{"history", "c.kind", NULL, "k.history"},
	{"initiator", "c.kind", NULL, "k.initiator"},
	{"app", "c.kind", NULL, "k.app"},
	{"handshake_ms", "c.handshake_ns", NULL, NULL},
	{"retrans_ab", "c.retrans_ab", NULL, NULL},
	{"retrans_ba", "c.retrans_ba", NULL, NULL},
	{"tunnel", "c.kind", NULL, "k.tunnel"},
	{"vlan", "c.vlan", NULL, NULL},
	{"path", NULL, NULL, NULL},
	{"offset", "c.offset", NULL, NULL},
	{"packets", "(c.packets_ab+c.packets_ba)", NULL, NULL},
	{"bytes", "(c.bytes_ab+c.bytes_ba)", NULL, NULL},
	{"payload", "(c.payload_ab+c.payload_ba)", NULL, NULL},
	{"retrans", "(c.retrans_ab+c.retrans_ba)", NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

static const struct column events_columns[] = {
	{"capture", KIND_COUNT, 0, "", "the capture's number in this history"},
	{"host", KIND_TEXT, 0, "", "where it happened"},
	{"session", KIND_TEXT, 0, "", "the session"},
	{"time", KIND_TIME, 0, "", "when"},
	{"severity", KIND_TEXT, 0, "", "error, warn or note"},
	{"sentence", KIND_TEXT, 0, "", "what happened"},
};

static const struct column totals_columns[] = {
	{"capture", KIND_COUNT, 0, "", "the capture's number in this history"},
	{"host", KIND_TEXT, 0, "", "where it was counted"},
	{"session", KIND_TEXT, 0, "", "the session"},
	{"counter", KIND_TEXT, 0, "", "the counter's name; empty: the session itself"},
	{"time", KIND_TIME, 0, "", "the end of the minute or hour"},
	{"duration_s", KIND_SECONDS, 0, "", "how much of it was counted"},
	{"packets", KIND_COUNT, 0, "", "packets in it"},
	{"bytes", KIND_BYTES, 0, "", "their bytes on the wire"},
	{"pps", KIND_PPS, 0, "packets a second", "their rate"},
	{"bps", KIND_BPS, 0, "bits a second", "their rate"},
	{"dropped", KIND_COUNT, 0, "", "packets that the session lost in it, over all causes"},
};

static const struct column top_columns[] = {
	{"key", KIND_TEXT, 0, "", "what the rows are summed by"},
	{"bytes", KIND_BYTES, 0, "", "bytes on the wire, both ways"},
	{"packets", KIND_COUNT, 0, "", "packets, both ways"},
	{"connections", KIND_COUNT, 0, "", "connections"},
};

static const struct column count_columns[] = {
	{"connections", KIND_COUNT, 0, "", "connections"},
	{"packets", KIND_COUNT, 0, "", "packets, both ways"},
	{"bytes", KIND_BYTES, 0, "", "bytes on the wire, both ways"},
	{"first_time", KIND_TIME, 0, "", "start of the first"},
	{"last_time", KIND_TIME, 0, "", "start of the last"},
};

static const struct column journals_columns[] = {
	{"host", KIND_TEXT, 0, "", "whose journal"},
	{"journal", KIND_TEXT, 0, "", "its name"},
	{"offset", KIND_BYTES, 0, "", "bytes that were taken up"},
};

const struct table_type table_captures = {"captures", "every capture that was made", "[QUESTION]",
					  captures_columns, ARRAY_LEN(captures_columns)};
const struct table_type table_files = {"files", "the files of captures", "[QUESTION]",
				       files_columns, ARRAY_LEN(files_columns)};
const struct table_type table_history_connections = {
	"connections", "every connection that was seen", "[QUESTION]", connections_columns,
	ARRAY_LEN(connections_columns)};
const struct table_type table_history_events = {"events", "what happened in captures", "[QUESTION]",
						events_columns, ARRAY_LEN(events_columns)};
const struct table_type table_history_minutes = {"minutes", "sessions and their counters by the minute",
						 "[QUESTION]", totals_columns,
						 ARRAY_LEN(totals_columns)};
const struct table_type table_history_hours = {"hours", "sessions and their counters by the hour",
					       "[QUESTION]", totals_columns,
					       ARRAY_LEN(totals_columns)};
const struct table_type table_history_top = {"top", "sums by a key, the largest first",
					     "[QUESTION]", top_columns, ARRAY_LEN(top_columns)};
const struct table_type table_history_count = {"count", "sums over all that was found",
					       "[QUESTION]", count_columns,
					       ARRAY_LEN(count_columns)};
const struct table_type table_history_journals = {"journals", "how far each journal was taken up",
						  "", journals_columns,
						  ARRAY_LEN(journals_columns)};

static void addr_from(sqlite3_stmt *s, int column, struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = sqlite3_column_blob(s, column);

	*a = (struct addr){0};
	if (!ip || sqlite3_column_bytes(s, column) != 16)
		return;
	a->family = memcmp(ip, mapped, sizeof(mapped)) == 0 ? ADDR_IP4 : ADDR_IP6;
	if (a->family == ADDR_IP4)
		memcpy(a->bytes, ip + 12, 4);
	else
		memcpy(a->bytes, ip, 16);
}

struct value column_value(sqlite3_stmt *s, int column)
{
	struct addr a;

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		return value_int(sqlite3_column_int64(s, column));
	case SQLITE_FLOAT:
		return value_real(sqlite3_column_double(s, column));
	case SQLITE_TEXT:
		return value_str(sql_text(s, column));
	case SQLITE_BLOB:
		addr_from(s, column, &a);
		return value_addr(&a);
	default:
		return value_null();
	}
}
