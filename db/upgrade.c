#include "upgrade.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "shard.h"
#include "sql.h"

static const char move_sql[] =
	"INSERT INTO addr(id,ip) SELECT id,ip FROM old.addr;"
	"INSERT INTO slot(capture,part) SELECT DISTINCT row>>36,(row&68719476735)>>16 FROM "
	"old.connection ORDER BY 1,2;"
	"INSERT INTO kind(proto,state,history,initiator,app,tunnel)"
	" SELECT DISTINCT proto,state,history,initiator,app,tunnel FROM old.connection;"
	"CREATE INDEX kind_words ON kind(history,state,proto,app,initiator,tunnel);"
	"INSERT INTO "
	"connection(row,start_ns,a,b,port_a,port_b,kind,duration_ns,packets_ab,bytes_ab,packets_ba,"
	"bytes_ba,"
	"payload_ab,payload_ba,handshake_ns,retrans_ab,retrans_ba,vlan,segment,offset)"
	" SELECT "
	"(s.id<<16)+(o.row&65535),o.start_ns,o.a,o.b,o.port_a,o.port_b,k.id,o.duration_ns,o."
	"packets_ab,o.bytes_ab,"
	"o.packets_ba,o.bytes_ba,o.payload_ab,o.payload_ba,o.handshake_ns,o.retrans_ab,o.retrans_"
	"ba,o.vlan,o.segment,o.offset"
	" FROM old.connection o NOT INDEXED CROSS JOIN slot s ON s.capture=o.row>>36 AND "
	"s.part=(o.row&68719476735)>>16"
	" CROSS JOIN kind k INDEXED BY kind_words ON k.history IS o.history AND k.state IS o.state "
	"AND k.proto IS o.proto"
	" AND k.app IS o.app AND k.initiator IS o.initiator AND k.tunnel IS o.tunnel;"
	"DROP INDEX kind_words;";

/* A log that is left beside a file would be taken for the log of the one that takes its place. */
static int without_log(sqlite3 *db, struct err *e)
{
	int64_t kept = 0;
	sqlite3_stmt *s = sql_prepare(db, "PRAGMA journal_mode=DELETE", e);
	int r = s ? sql_int(db, s, &kept, e) : -1;

	sqlite3_finalize(s);
	return r;
}

static int rows_move(sqlite3 *db, const char *path, struct err *e)
{
	sqlite3_stmt *s = sql_prepare(db, "ATTACH ?1 AS old", e);
	int r = -1;

	if (s) {
		sql_bind(s, "t", str_of(path));
		r = sql_run(db, s, e);
	}
	sqlite3_finalize(s);
	if (r == 0)
		r = sql_exec(db, "BEGIN IMMEDIATE", e);
	if (r == 0)
		r = sql_exec(db, shard_schema, e);
	if (r == 0)
		r = sql_exec(db, move_sql, e);
	for (const char *const *index = shard_indexes; r == 0 && *index; index++)
		r = sql_exec(db, *index, e);
	if (r == 0)
		r = sql_exec(db, "COMMIT; DETACH old", e);
	return r == 0 ? without_log(db, e) : -1;
}

static int old_closed(const char *path, struct err *e)
{
	sqlite3 *db = NULL;
	int r = sql_open(&db, path, SQL_WRITER, e);

	if (r == 0)
		r = without_log(db, e);
	sql_close(db);
	return r;
}

int upgrade_shard(const char *path, struct err *e)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char *made = xasprintf("%s.new", path);
	sqlite3 *db = NULL;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) { /* of one that was not finished */
		char *rest = xasprintf("%s%s", made, ends[i]);

		(void)unlink(rest);
		free(rest);
	}
	r = old_closed(path, e);
	if (r == 0)
		r = sql_open(&db, made, SQL_WRITER, e);
	if (r == 0)
		r = rows_move(db, path, e);
	sql_close(db);
	if (r == 0 && rename(made, path) != 0)
		r = err_errno(e, ERR_REFUSED, "cannot replace %s", path);
	free(made);
	return r;
}

int upgrade_catalog(sqlite3 *db, struct err *e)
{
	return sql_exec(db,
			"ALTER TABLE shard ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;"
			"UPDATE shard SET sealed=1;"
			"CREATE TEMP TABLE part_1 AS SELECT capture,part,shard FROM part;"
			"DELETE FROM part;"
			"WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i+1 FROM n WHERE i<15)"
			" INSERT INTO part(capture,part,shard) SELECT capture,part*16+i,shard FROM "
			"part_1,n;"
			"DROP TABLE part_1;",
			e);
}
