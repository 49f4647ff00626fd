/* The tables of the history: their columns, and where each lies in SQL. */
#ifndef DB_TABLES_H
#define DB_TABLES_H

#include <sqlite3.h>

#include "table/table.h"

/* A column's SQL in the connection table of a shard (alias c). `addr`, `word`: it is a number of a
 * dictionary, and this its column there, as a row is shown (x: A's address, y: B's, k: the kind).
 * sql NULL: a shard does not have it (host, session, path). A row's number is SHARD_PART_BITS of
 * the connection's below its slot's. */
struct column_sql {
	const char *name;
	const char *sql;
	const char *addr;
	const char *word;
};

extern const struct table_type table_captures, table_files, table_history_connections,
	table_history_events, table_history_top, table_history_count, table_history_journals,
	table_history_minutes, table_history_hours;
extern const struct column_sql
	connection_sql[]; /* as the columns of table_history_connections, ended by NULL */
/* A cell of a statement's row: an integer, a text, or 16 bytes, which are an address. Texts are
 * borrowed until the next step. */
struct value column_value(sqlite3_stmt *s, int column);

#endif
