/* The tables of a capture: a row of the table of tables each, one file each. */
#ifndef READER_TABLES_H
#define READER_TABLES_H

#include "flow/connection.h"
#include "flow/figures.h"
#include "state.h"
#include "table/server.h"
#include "table/table.h"

/* X(NAME, "name", KIND, flags, "unit", "summary") gives the columns and, with its table's prefix,
 * their enum. */
#define TABLE_COLUMN(NAME, name, kind, flags, unit, summary)                                       \
	{name, KIND_##kind, flags, unit, summary},

#define CONNECTION_VLAN_TEXT 8

/* What one query asks of. */
struct ask {
	struct reader *reader;
	const struct table_kind *kind;
	struct capture *capture;
	struct pass *pass;		       /* NULL: every packet counts */
	struct survey *survey;		       /* NULL: the table needs none */
	struct connection connection;	       /* the row that is shown; its own copy */
	const struct pass_connection *counted; /* and its counts; NULL without a pass */
	uint64_t place, stamp; /* its place plus 1, 0: none; packets when it was looked up */
	const struct connection *shown; /* that row; NULL: it left memory */
	struct flow_figures figures;	/* of table_flows.c, of row figures_row - 1 */
	uint64_t figures_row, figures_stamp;
	struct packet_row *packet;  /* of table_packets.c */
	struct rowset *rows;	    /* of tables that are made at once */
	char text[SOURCE_NOTE_MAX]; /* of the cell that was asked for last */
};

struct table_kind {
	const struct table_type *type;
	const struct analysis_type *analysis; /* that makes its rows; may be NULL */
	/* What the table needs besides; the words of the query. May be NULL. */
	int (*open)(struct ask *a, const struct msg_query *q, struct err *e);
	void (*close)(struct ask *a); /* may be NULL */
	uint64_t (*rows)(void *ask);
	uint64_t (*version)(void *ask); /* may be NULL */
	struct value (*cell)(void *ask, uint64_t row, unsigned column);
	bool fixed;  /* says nothing of packets: complete at once */
	bool stands; /* cells change only with the version: first rows are final while others are
			read */
};

extern const struct table_kind table_summary, table_interfaces, table_connections, table_flows,
	table_packets, table_packet, table_hex, table_columns, table_endpoints, table_protocols,
	table_dns, table_tls, table_http, table_icmp;
extern const struct table_type type_summary, type_interfaces, type_connections, type_flows,
	type_packets, type_packet, type_hex, type_columns;

/* --- all.c --- */
extern const struct table_server_ops reader_tables;
const struct table_kind *const *table_kinds(size_t *count);
/* The number of the packet that `packet N` and `hex N` ask for; 0 for other tables. */
uint64_t ask_packet(const struct msg_query *q);

/* The unit of times of an interface: "microseconds". */
#define PRECISION_TEXT 24
const char *precision_name(uint8_t resolution, char text[PRECISION_TEXT]);

/* --- what several tables say of a packet: table_packet.c --- */
/* The packet that the query's word names, as it lies. */
int ask_read_packet(struct ask *a, const struct msg_query *q, struct packet *pk, struct err *e);
/* For tables that were made when they were opened. */
uint64_t ask_rowset_rows(void *ask);
struct value ask_rowset_cell(void *ask, uint64_t row, unsigned column);

/* --- what several tables say of a connection: connection_words.c --- */
/* The application by content, else by port; "" if unknown. */
const char *connection_app(const struct connection *c);
const char *connection_vlan(const struct connection *c, char text[CONNECTION_VLAN_TEXT]);
/* Rows, and the connection at a place, as the query counts; NULL when it left memory. */
uint64_t ask_connections(struct ask *a);
const struct connection *ask_connection(struct ask *a, uint64_t place);
uint64_t ask_connections_version(const struct ask *a);
/* Null for NS_NONE: none of its packets had a time. */
struct value ask_time(int64_t ts_ns);
struct value ask_duration(int64_t first_ns, int64_t last_ns);
/* Nanoseconds since the capture's first packet. */
struct value ask_since_start(const struct ask *a, int64_t ts_ns);

#endif
