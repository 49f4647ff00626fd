#include "catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "shard.h"
#include "sql.h"
#include "totals.h"
#include "upgrade.h"

enum statement {
	S_HOST,
	S_HOST_ID,
	S_CAPTURE,
	S_CAPTURE_ID,
	S_PUT_CAPTURE,
	S_SEGMENT,
	S_EVENT,
	S_EVENT_ONCE,
	S_TOTALS,
	S_END,
	S_CONNECTIONS,
	S_JOURNAL,
	S_PUT_JOURNAL,
	S_PART,
	S_OPEN_SHARD,
	S_NEW_SHARD,
	S_PUT_PART,
	S_PUT_SHARD,
	S_SHARD_ROWS,
	S_FULL_SHARD,
	S_SEAL_SHARD,
	S_LOST_JOURNALS,
	S_LOST_PARTS,
	S_LOST_SHARD,
	S_COUNT
};

static const char *const statement_sql[S_COUNT] = {
	[S_HOST] = "INSERT OR IGNORE INTO host(name) VALUES(?1)",
	[S_HOST_ID] = "SELECT id FROM host WHERE name=?1",
	[S_CAPTURE] = "INSERT OR IGNORE INTO capture(host,name) VALUES(?1,?2)",
	[S_CAPTURE_ID] = "SELECT id FROM capture WHERE host=?1 AND name=?2",
	[S_PUT_CAPTURE] = "UPDATE capture SET "
			  "session=?2,owner=?3,devices=?4,filter=?5,snaplen=?6,started_ns=?7,"
			  "format=?8,note=?9,"
			  "words=?10,folder=?11 WHERE id=?1",
	[S_SEGMENT] = "INSERT OR REPLACE INTO "
		      "segment(capture,number,name,sealed,packets,bytes,first_ns,last_ns,reason)"
		      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[S_EVENT] = "INSERT OR IGNORE INTO event(capture,time_ns,severity,sentence) "
		    "VALUES(?1,?2,?3,?4)",
	[S_EVENT_ONCE] = "INSERT INTO event(capture,time_ns,severity,sentence) SELECT ?1,?2,?3,?4"
			 " WHERE NOT EXISTS(SELECT 1 FROM event WHERE capture=?1 AND sentence=?4)",
	[S_TOTALS] = "UPDATE capture SET "
		     "seen_ns=?2,packets=?3,bytes=?4,dropped_device=?5,dropped_kernel=?6,dropped_"
		     "buffer=?7,"
		     "dropped_disk=?8,own_packets=?9 WHERE id=?1",
	/* Both journals have an end; why the capture ended is the tap's to say, the reader only
	 * "finished". */
	[S_END] = "UPDATE capture SET ended_ns=CASE WHEN ?3='finished' THEN coalesce(ended_ns,?2) "
		  "ELSE ?2 END,"
		  "reason=CASE WHEN ?3='finished' THEN coalesce(nullif(reason,''),?3) ELSE ?3 END "
		  "WHERE id=?1",
	[S_CONNECTIONS] =
		"UPDATE capture SET connections=max(coalesce(connections,0),?2) WHERE id=?1",
	[S_JOURNAL] = "SELECT j.offset, coalesce(j.capture,0) FROM journal j JOIN host h ON "
		      "h.id=j.host WHERE h.name=?1 AND j.name=?2",
	[S_PUT_JOURNAL] = "INSERT INTO journal(host,name,offset,capture) VALUES((SELECT id FROM "
			  "host WHERE name=?1),?2,?3,nullif(?4,0))"
			  " ON CONFLICT(host,name) DO UPDATE SET "
			  "offset=excluded.offset,capture=excluded.capture",
	[S_PART] = "SELECT shard FROM part WHERE capture=?1 AND part=?2",
	[S_OPEN_SHARD] = "SELECT id FROM shard WHERE rows<?1 AND sealed=0 ORDER BY id DESC LIMIT 1",
	[S_NEW_SHARD] = "INSERT INTO shard(rows) VALUES(0)",
	[S_PUT_PART] = "INSERT INTO part(capture,part,shard) VALUES(?1,?2,?3)",
	[S_PUT_SHARD] = "UPDATE shard SET "
			"min_ns=min(coalesce(min_ns,?2),?2),max_ns=max(coalesce(max_ns,?3),?3),"
			"rows=?4 WHERE id=?1",
	[S_SHARD_ROWS] = "SELECT rows FROM shard WHERE id=?1",
	[S_FULL_SHARD] =
		"SELECT id FROM shard WHERE rows>=?1 AND sealed=0 AND id<>?2 ORDER BY id LIMIT 1",
	[S_SEAL_SHARD] = "UPDATE shard SET sealed=1 WHERE id=?1",
	[S_LOST_JOURNALS] = "UPDATE journal SET offset=0 WHERE capture IN (SELECT capture FROM "
			    "part WHERE shard=?1)",
	[S_LOST_PARTS] = "DELETE FROM part WHERE shard=?1",
	[S_LOST_SHARD] = "DELETE FROM shard WHERE id=?1",
};

/* Times are nanoseconds since the epoch. A capture's unique name is its host's and its own. In
 * tables WITHOUT ROWID the key stands first: SQLite 3.40 takes another order for damage when it
 * checks. */
static const char schema[] =
	"CREATE TABLE host(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
	"CREATE TABLE capture(id INTEGER PRIMARY KEY, host INTEGER NOT NULL REFERENCES host, name "
	"TEXT NOT NULL, session TEXT, owner TEXT,"
	" devices TEXT, filter TEXT, snaplen INTEGER, started_ns INTEGER, ended_ns INTEGER, "
	"seen_ns INTEGER, reason TEXT, format TEXT,"
	" note TEXT, words TEXT, folder TEXT, packets INTEGER, bytes INTEGER, dropped_device "
	"INTEGER, dropped_kernel INTEGER,"
	" dropped_buffer INTEGER, dropped_disk INTEGER, own_packets INTEGER, connections INTEGER, "
	"UNIQUE(host,name)) STRICT;"
	"CREATE INDEX capture_time ON capture(started_ns);"
	"CREATE TABLE segment(capture INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE, "
	"number INTEGER NOT NULL, name TEXT NOT NULL,"
	" sealed INTEGER NOT NULL, packets INTEGER, bytes INTEGER, first_ns INTEGER, last_ns "
	"INTEGER, reason TEXT,"
	" PRIMARY KEY(capture,number)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE event(capture INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE, time_ns "
	"INTEGER NOT NULL, sentence TEXT NOT NULL,"
	" severity TEXT NOT NULL, PRIMARY KEY(capture,time_ns,sentence)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE journal(host INTEGER NOT NULL REFERENCES host, name TEXT NOT NULL, offset "
	"INTEGER NOT NULL, capture INTEGER,"
	" PRIMARY KEY(host,name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE shard(id INTEGER PRIMARY KEY AUTOINCREMENT, min_ns INTEGER, max_ns INTEGER, "
	"rows INTEGER NOT NULL, sealed INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE part(capture INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE, part "
	"INTEGER NOT NULL,"
	" shard INTEGER NOT NULL REFERENCES shard, PRIMARY KEY(capture,part)) STRICT, WITHOUT "
	"ROWID;";

struct catalog {
	sqlite3 *db;
	sqlite3_stmt *s[S_COUNT];
	struct totals *totals;
	bool unsettled; /* a number was given in this transaction */
};

/* Looks before anything is written: what is not ours, or newer, stays as it is to the last byte. */
static int catalog_look(const char *path, struct err *e)
{
	int64_t version = 0, application = 0, tables = 0;
	struct stat st;
	sqlite3 *db;
	sqlite3_stmt *s;
	int r = -1;

	if (stat(path, &st) != 0 || st.st_size == 0)
		return 0;
	if (sql_open(&db, path, SQL_READER, e) != 0)
		return -1;
	s = sql_prepare(db, "SELECT count(*) FROM sqlite_schema", e);
	if (!s || sql_int(db, s, &tables, e) != 0 ||
	    sql_pragma(db, "user_version", &version, e) != 0 ||
	    sql_pragma(db, "application_id", &application, e) != 0)
		goto out;
	if (application != CATALOG_APPLICATION && (version > 0 || tables > 0))
		err_set(e, ERR_REFUSED, "%s is another program's database: move it away", path);
	else if (version > CATALOG_VERSION)
		err_set(e, ERR_REFUSED,
			"%s was made by a newer tapdeck (form %" PRId64
			", this one knows %d): use that one",
			path, version, CATALOG_VERSION);
	else
		r = 0;
out:
	sql_close(db);
	return r;
}

/* Captures are numbered anew in a new catalog: shards of an earlier one would give them wrong
 * connections. They are kept under another name. */
static int catalog_put_aside(const char *folder, struct err *e)
{
	char *flows = xasprintf("%s/flows", folder);
	char *old = xasprintf("%s/flows.old-%" PRId64, folder, clock_now_ns());
	int r = rename(flows, old) == 0 || errno == ENOENT
			? 0
			: err_errno(e, ERR_REFUSED, "%s cannot be put aside for a new history",
				    flows);

	free(flows);
	free(old);
	return r;
}

/* A damaged shard is left to be found, and made again from the journals, when it is asked. */
static int catalog_upgrade_shard(const char *folder, int64_t number, struct err *e)
{
	char *path = shard_path(folder, number);
	struct shard *shard = NULL;
	int r = 0;

	if (access(path, F_OK) == 0 && shard_open(&shard, folder, number, e) != 0)
		r = sql_file_damaged(path) ? 0 : -1;
	shard_close(shard);
	free(path);
	return r;
}

/* What there was stays beside it, in its old form. */
static int catalog_keep_old(struct catalog *c, const char *folder, struct err *e)
{
	char *path = xasprintf("%s/catalog.form-1.db", folder);
	sqlite3_stmt *s = sql_prepare(c->db, "VACUUM INTO ?1", e);
	int r = -1;

	(void)unlink(path);
	if (s) {
		sql_bind(s, "t", str_of(path));
		r = sql_run(c->db, s, e);
	}
	sqlite3_finalize(s);
	free(path);
	return r;
}

static int catalog_prepare_upgrade(struct catalog *c, const char *folder, struct err *e)
{
	sqlite3_stmt *s;
	int r, rc = SQLITE_DONE;

	if (catalog_keep_old(c, folder, e) != 0)
		return -1;
	s = sql_prepare(c->db, "SELECT id FROM shard", e);
	r = s ? 0 : -1;
	while (r == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW)
		r = catalog_upgrade_shard(folder, sqlite3_column_int64(s, 0), e);
	sqlite3_finalize(s);
	if (r == 0 && rc != SQLITE_DONE)
		r = sql_error(c->db, e);
	return r;
}

static int catalog_make(struct catalog *c, const char *folder, struct err *e)
{
	int64_t version = 0;
	char *mark;
	int r;

	if (sql_pragma(c->db, "user_version", &version, e) != 0)
		return -1;
	if (version == CATALOG_VERSION)
		return 0;
	if ((version == 1 ? catalog_prepare_upgrade(c, folder, e) : catalog_put_aside(folder, e)) !=
	    0)
		return -1;
	mark = xasprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", CATALOG_APPLICATION,
			 CATALOG_VERSION);
	r = catalog_begin(c, e);
	if (r == 0 &&
	    ((version == 1 ? upgrade_catalog(c->db, e) : sql_exec(c->db, schema, e)) != 0 ||
	     sql_exec(c->db, mark, e) != 0 || catalog_commit(c, e) != 0)) {
		catalog_rollback(c);
		r = -1;
	}
	free(mark);
	return r;
}

int catalog_open(struct catalog **out, const char *folder, struct err *e)
{
	struct catalog *c = xcalloc(1, sizeof(*c));
	char *path = xasprintf("%s/catalog.db", folder);
	int r = catalog_look(path, e);

	if (r == 0)
		r = sql_open(&c->db, path, SQL_WRITER, e);
	if (r == 0)
		r = sql_check(c->db, e);
	if (r == 0)
		r = catalog_make(c, folder, e);
	for (int i = 0; r == 0 && i < S_COUNT; i++) {
		c->s[i] = sql_prepare(c->db, statement_sql[i], e);
		r = c->s[i] ? 0 : -1;
	}
	if (r == 0)
		r = totals_open(&c->totals, c->db, e);
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
	totals_close(c->totals);
	free(c);
}

struct totals *catalog_totals(struct catalog *c)
{
	return c->totals;
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
	if (sql_exec(c->db, "COMMIT", e) != 0)
		return -1;
	c->unsettled = false;
	return 0;
}

int catalog_settle(struct catalog *c, struct err *e)
{
	if (!c->unsettled)
		return 0;
	return catalog_commit(c, e) != 0 ? -1 : catalog_begin(c, e);
}

void catalog_rollback(struct catalog *c)
{
	c->unsettled = false;
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

int catalog_capture(struct catalog *c, struct str host, struct str capture, int64_t *id,
		    struct err *e)
{
	int64_t host_id = 0;

	if (catalog_host(c, host, &host_id, e) != 0)
		return -1;
	sql_bind(c->s[S_CAPTURE], "it", host_id, capture);
	if (sql_run(c->db, c->s[S_CAPTURE], e) != 0)
		return -1;
	c->unsettled = c->unsettled || sqlite3_changes(c->db) > 0;
	sql_bind(c->s[S_CAPTURE_ID], "it", host_id, capture);
	return sql_int(c->db, c->s[S_CAPTURE_ID], id, e);
}

int catalog_put_capture(struct catalog *c, int64_t id, const struct msg_j_capture *m, struct err *e)
{
	sql_bind(c->s[S_PUT_CAPTURE], "ittttiitttt", id, m->session, m->owner, m->devices,
		 m->filter, (int64_t)m->snaplen, m->started_ns, m->format, m->note, m->words,
		 m->folder);
	return sql_run(c->db, c->s[S_PUT_CAPTURE], e);
}

int catalog_put_segment(struct catalog *c, int64_t id, const struct msg_j_segment *m, struct err *e)
{
	sql_bind(c->s[S_SEGMENT], "iitiiiiit", id, (int64_t)m->number, m->name, (int64_t)m->sealed,
		 sql_count(m->packets), sql_count(m->bytes), m->first_ns, m->last_ns, m->reason);
	return sql_run(c->db, c->s[S_SEGMENT], e);
}

int catalog_put_event(struct catalog *c, int64_t id, int64_t time_ns, struct str severity,
		      struct str sentence, struct err *e)
{
	sql_bind(c->s[S_EVENT], "iitt", id, time_ns, severity, sentence);
	return sql_run(c->db, c->s[S_EVENT], e);
}

int catalog_put_event_once(struct catalog *c, int64_t id, int64_t time_ns, struct str severity,
			   struct str sentence, struct err *e)
{
	sql_bind(c->s[S_EVENT_ONCE], "iitt", id, time_ns, severity, sentence);
	return sql_run(c->db, c->s[S_EVENT_ONCE], e);
}

int catalog_put_totals(struct catalog *c, int64_t id, const struct msg_j_second *m, struct err *e)
{
	sql_bind(c->s[S_TOTALS], "iiiiiiiii", id, m->time_ns, sql_count(m->packets),
		 sql_count(m->bytes), sql_count(m->dropped_device), sql_count(m->dropped_kernel),
		 sql_count(m->dropped_buffer), sql_count(m->dropped_disk),
		 sql_count(m->own_packets));
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

int catalog_journal(struct catalog *c, struct str host, struct str journal, int64_t *offset,
		    int64_t *capture, struct err *e)
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
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sql_error(c->db, e);
}

int catalog_put_journal(struct catalog *c, struct str host, struct str journal, int64_t offset,
			int64_t capture, struct err *e)
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
	c->unsettled = true;
	sql_bind(c->s[S_PUT_PART], "iii", capture, part, *shard);
	return sql_run(c->db, c->s[S_PUT_PART], e);
}

int catalog_put_shard(struct catalog *c, int64_t shard, int64_t min_ns, int64_t max_ns,
		      int64_t rows, struct err *e)
{
	sql_bind(c->s[S_PUT_SHARD], "iiii", shard, min_ns, max_ns, rows);
	return sql_run(c->db, c->s[S_PUT_SHARD], e);
}

int catalog_shard_rows(struct catalog *c, int64_t shard, int64_t *rows, struct err *e)
{
	*rows = 0;
	sql_bind(c->s[S_SHARD_ROWS], "i", shard);
	return sql_int(c->db, c->s[S_SHARD_ROWS], rows, e);
}

int catalog_full_shard(struct catalog *c, int64_t rows, int64_t but, int64_t *shard, struct err *e)
{
	*shard = 0;
	sql_bind(c->s[S_FULL_SHARD], "ii", rows, but);
	return sql_int(c->db, c->s[S_FULL_SHARD], shard, e);
}

int catalog_seal_shard(struct catalog *c, int64_t shard, struct err *e)
{
	sql_bind(c->s[S_SEAL_SHARD], "i", shard);
	return sql_run(c->db, c->s[S_SEAL_SHARD], e);
}

int catalog_lose_shard(struct catalog *c, int64_t shard, struct err *e)
{
	for (int i = S_LOST_JOURNALS; i <= S_LOST_SHARD; i++) {
		sql_bind(c->s[i], "i", shard);
		if (sql_run(c->db, c->s[i], e) != 0)
			return -1;
	}
	return 0;
}
