#include "catalog.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "sql.h"

#define CATALOG_SHARD_ROWS 1000000 /* past it new captures go to a new shard */

enum statement {
	S_HOST, S_HOST_ID, S_CAPTURE, S_CAPTURE_ID, S_PUT_CAPTURE, S_SEGMENT, S_EVENT, S_TOTALS, S_END, S_CONNECTIONS,
	S_JOURNAL, S_PUT_JOURNAL, S_PART, S_OPEN_SHARD, S_NEW_SHARD, S_PUT_PART, S_PUT_SHARD,
	S_COUNT
};

static const char *const statement_sql[S_COUNT] = {
	[S_HOST] = "INSERT OR IGNORE INTO host(name) VALUES(?1)",
	[S_HOST_ID] = "SELECT id FROM host WHERE name=?1",
	[S_CAPTURE] = "INSERT OR IGNORE INTO capture(host,name) VALUES(?1,?2)",
	[S_CAPTURE_ID] = "SELECT id FROM capture WHERE host=?1 AND name=?2",
	[S_PUT_CAPTURE] = "UPDATE capture SET session=?2,owner=?3,devices=?4,filter=?5,snaplen=?6,started_ns=?7,format=?8,note=?9,"
			  "words=?10,folder=?11 WHERE id=?1",
	[S_SEGMENT] = "INSERT OR REPLACE INTO segment(capture,number,name,sealed,packets,bytes,first_ns,last_ns,reason)"
		      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[S_EVENT] = "INSERT OR IGNORE INTO event(capture,time_ns,severity,sentence) VALUES(?1,?2,?3,?4)",
	[S_TOTALS] = "UPDATE capture SET seen_ns=?2,packets=?3,bytes=?4,dropped_device=?5,dropped_kernel=?6,dropped_buffer=?7,"
		     "dropped_disk=?8,own_packets=?9 WHERE id=?1",
	[S_END] = "UPDATE capture SET ended_ns=?2,reason=?3 WHERE id=?1",
	[S_CONNECTIONS] = "UPDATE capture SET connections=max(coalesce(connections,0),?2) WHERE id=?1",
	[S_JOURNAL] = "SELECT j.offset, coalesce(j.capture,0) FROM journal j JOIN host h ON h.id=j.host WHERE h.name=?1 AND j.name=?2",
	[S_PUT_JOURNAL] = "INSERT INTO journal(host,name,offset,capture) VALUES((SELECT id FROM host WHERE name=?1),?2,?3,nullif(?4,0))"
			  " ON CONFLICT(host,name) DO UPDATE SET offset=excluded.offset,capture=excluded.capture",
	[S_PART] = "SELECT shard FROM part WHERE capture=?1 AND part=?2",
	[S_OPEN_SHARD] = "SELECT id FROM shard WHERE rows<?1 ORDER BY id DESC LIMIT 1",
	[S_NEW_SHARD] = "INSERT INTO shard(rows) VALUES(0)",
	[S_PUT_PART] = "INSERT INTO part(capture,part,shard) VALUES(?1,?2,?3)",
	[S_PUT_SHARD] = "UPDATE shard SET min_ns=min(coalesce(min_ns,?2),?2),max_ns=max(coalesce(max_ns,?3),?3),rows=?4 WHERE id=?1",
};

/* Times are nanoseconds since the epoch. A capture's unique name is its host's and its own. */
static const char schema[] =
	"CREATE TABLE host(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
	"CREATE TABLE capture(id INTEGER PRIMARY KEY, host INTEGER NOT NULL REFERENCES host, name TEXT NOT NULL, session TEXT, owner TEXT,"
	" devices TEXT, filter TEXT, snaplen INTEGER, started_ns INTEGER, ended_ns INTEGER, seen_ns INTEGER, reason TEXT, format TEXT,"
	" note TEXT, words TEXT, folder TEXT, packets INTEGER, bytes INTEGER, dropped_device INTEGER, dropped_kernel INTEGER,"
	" dropped_buffer INTEGER, dropped_disk INTEGER, own_packets INTEGER, connections INTEGER, UNIQUE(host,name)) STRICT;"
	"CREATE INDEX capture_time ON capture(started_ns);"
	"CREATE TABLE segment(capture INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE, number INTEGER NOT NULL, name TEXT NOT NULL,"
	" sealed INTEGER NOT NULL, packets INTEGER, bytes INTEGER, first_ns INTEGER, last_ns INTEGER, reason TEXT,"
	" PRIMARY KEY(capture,number)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE event(capture INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE, time_ns INTEGER NOT NULL, severity TEXT NOT NULL,"
	" sentence TEXT NOT NULL, PRIMARY KEY(capture,time_ns,sentence)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE journal(host INTEGER NOT NULL REFERENCES host, name TEXT NOT NULL, offset INTEGER NOT NULL, capture INTEGER,"
	" PRIMARY KEY(host,name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE shard(id INTEGER PRIMARY KEY, min_ns INTEGER, max_ns INTEGER, rows INTEGER NOT NULL) STRICT;"
	"CREATE TABLE part(capture INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE, part INTEGER NOT NULL,"
	" shard INTEGER NOT NULL REFERENCES shard, PRIMARY KEY(capture,part)) STRICT, WITHOUT ROWID;";

struct catalog {
	sqlite3 *db;
	sqlite3_stmt *s[S_COUNT];
};

static int catalog_pragma(struct catalog *c, const char *name, int64_t *value, struct err *e)
{
	char *sql = xasprintf("PRAGMA %s", name);
	sqlite3_stmt *s = sql_prepare(c->db, sql, e);
	int r = s ? sql_int(c->db, s, value, e) : -1;

	sqlite3_finalize(s);
	free(sql);
	return r;
}

static int catalog_migrate(struct catalog *c, const char *path, struct err *e)
{
	int64_t version = 0, application = 0;
	char *mark;
	int r;

	if (catalog_pragma(c, "user_version", &version, e) != 0 || catalog_pragma(c, "application_id", &application, e) != 0)
		return -1;
	if (version > 0 && application != CATALOG_APPLICATION)
		return err_set(e, ERR_REFUSED, "%s is another program's database", path);
	if (version > CATALOG_VERSION)
		return err_set(e, ERR_REFUSED, "%s was made by a newer tapdeck (form %lld, this one knows %d): use that one", path,
			       (long long)version, CATALOG_VERSION);
	if (version == CATALOG_VERSION)
		return 0;
	mark = xasprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", CATALOG_APPLICATION, CATALOG_VERSION);
	r = sql_exec(c->db, "BEGIN IMMEDIATE", e);
	if (r == 0 && (sql_exec(c->db, schema, e) != 0 || sql_exec(c->db, mark, e) != 0 || sql_exec(c->db, "COMMIT", e) != 0)) {
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
		r = -1;
	}
	free(mark);
	return r;
}

int catalog_open(struct catalog **out, const char *folder, struct err *e)
{
	struct catalog *c = xcalloc(1, sizeof(*c));
	char *path = xasprintf("%s/catalog.db", folder);
	int r = sql_open(&c->db, path, SQL_WRITER_FULL, e);

	if (r == 0)
		r = catalog_migrate(c, path, e);
	for (int i = 0; r == 0 && i < S_COUNT; i++) {
		c->s[i] = sql_prepare(c->db, statement_sql[i], e);
		r = c->s[i] ? 0 : -1;
	}
	free(path);
	if (r != 0) {
		catalog_close(c);
		return -1;
	}
	*out = c;
	return 0;
}

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	sql_close(c->db);
	free(c);
}

sqlite3 *catalog_db(struct catalog *c)
{
	return c->db;
}

int catalog_begin(struct catalog *c, struct err *e)
{
	return sql_exec(c->db, "BEGIN IMMEDIATE", e);
}

int catalog_commit(struct catalog *c, struct err *e)
{
	return sql_exec(c->db, "COMMIT", e);
}

void catalog_rollback(struct catalog *c)
{
	if (!sqlite3_get_autocommit(c->db))
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

static int catalog_host(struct catalog *c, struct str host, int64_t *id, struct err *e)
{
	sql_bind(c->s[S_HOST], "t", host);
	if (sql_run(c->db, c->s[S_HOST], e) != 0)
		return -1;
	sql_bind(c->s[S_HOST_ID], "t", host);
	return sql_int(c->db, c->s[S_HOST_ID], id, e);
}

int catalog_capture(struct catalog *c, struct str host, struct str capture, int64_t *id, struct err *e)
{
	int64_t host_id = 0;

	if (catalog_host(c, host, &host_id, e) != 0)
		return -1;
	sql_bind(c->s[S_CAPTURE], "it", host_id, capture);
	if (sql_run(c->db, c->s[S_CAPTURE], e) != 0)
		return -1;
	sql_bind(c->s[S_CAPTURE_ID], "it", host_id, capture);
	return sql_int(c->db, c->s[S_CAPTURE_ID], id, e);
}

int catalog_put_capture(struct catalog *c, int64_t id, const struct msg_j_capture *m, struct err *e)
{
	sql_bind(c->s[S_PUT_CAPTURE], "ittttiitttt", id, m->session, m->owner, m->devices, m->filter, (int64_t)m->snaplen,
		 m->started_ns, m->format, m->note, m->words, m->folder);
	return sql_run(c->db, c->s[S_PUT_CAPTURE], e);
}

int catalog_put_segment(struct catalog *c, int64_t id, const struct msg_j_segment *m, struct err *e)
{
	sql_bind(c->s[S_SEGMENT], "iitiiiiit", id, (int64_t)m->number, m->name, (int64_t)m->sealed, (int64_t)m->packets,
		 (int64_t)m->bytes, m->first_ns, m->last_ns, m->reason);
	return sql_run(c->db, c->s[S_SEGMENT], e);
}

int catalog_put_event(struct catalog *c, int64_t id, int64_t time_ns, struct str severity, struct str sentence, struct err *e)
{
	sql_bind(c->s[S_EVENT], "iitt", id, time_ns, severity, sentence);
	return sql_run(c->db, c->s[S_EVENT], e);
}

int catalog_put_totals(struct catalog *c, int64_t id, const struct msg_j_second *m, struct err *e)
{
	sql_bind(c->s[S_TOTALS], "iiiiiiiii", id, m->time_ns, (int64_t)m->packets, (int64_t)m->bytes, (int64_t)m->dropped_device,
		 (int64_t)m->dropped_kernel, (int64_t)m->dropped_buffer, (int64_t)m->dropped_disk, (int64_t)m->own_packets);
	return sql_run(c->db, c->s[S_TOTALS], e);
}

int catalog_put_end(struct catalog *c, int64_t id, const struct msg_j_end *m, struct err *e)
{
	sql_bind(c->s[S_END], "iit", id, m->time_ns, m->reason);
	return sql_run(c->db, c->s[S_END], e);
}

int catalog_put_connections(struct catalog *c, int64_t id, int64_t connections, struct err *e)
{
	sql_bind(c->s[S_CONNECTIONS], "ii", id, connections);
	return sql_run(c->db, c->s[S_CONNECTIONS], e);
}

int catalog_journal(struct catalog *c, struct str host, struct str journal, int64_t *offset, int64_t *capture, struct err *e)
{
	sqlite3_stmt *s = c->s[S_JOURNAL];
	int rc;

	*offset = *capture = 0;
	sql_bind(s, "tt", host, journal);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*offset = sqlite3_column_int64(s, 0);
		*capture = sqlite3_column_int64(s, 1);
	}
	sqlite3_reset(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sql_error(c->db, "history", e);
}

int catalog_put_journal(struct catalog *c, struct str host, struct str journal, int64_t offset, int64_t capture, struct err *e)
{
	int64_t id = 0;

	if (catalog_host(c, host, &id, e) != 0)
		return -1;
	sql_bind(c->s[S_PUT_JOURNAL], "ttii", host, journal, offset, capture);
	return sql_run(c->db, c->s[S_PUT_JOURNAL], e);
}

int catalog_shard(struct catalog *c, int64_t capture, int64_t part, int64_t *shard, struct err *e)
{
	*shard = 0;
	sql_bind(c->s[S_PART], "ii", capture, part);
	if (sql_int(c->db, c->s[S_PART], shard, e) != 0)
		return -1;
	if (*shard)
		return 0;
	sql_bind(c->s[S_OPEN_SHARD], "i", (int64_t)CATALOG_SHARD_ROWS);
	if (sql_int(c->db, c->s[S_OPEN_SHARD], shard, e) != 0)
		return -1;
	if (!*shard) {
		if (sql_run(c->db, c->s[S_NEW_SHARD], e) != 0)
			return -1;
		*shard = sqlite3_last_insert_rowid(c->db);
	}
	sql_bind(c->s[S_PUT_PART], "iii", capture, part, *shard);
	return sql_run(c->db, c->s[S_PUT_PART], e);
}

int catalog_put_shard(struct catalog *c, int64_t shard, int64_t min_ns, int64_t max_ns, int64_t rows, struct err *e)
{
	sql_bind(c->s[S_PUT_SHARD], "iiii", shard, min_ns, max_ns, rows);
	return sql_run(c->db, c->s[S_PUT_SHARD], e);
}
