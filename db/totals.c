/* Journals hold totals since the start; rows hold what a period added, so that a question needs no
 * row before its own. What was last said of each counter is kept beside its name: what is not newer
 * was taken up before. */
#include "totals.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "sql.h"

enum statement { S_COUNT_NAMES, S_NAME, S_SESSION, S_COUNTER, S_LAST, S_KEEP, S_COUNT };

/* ?1 the capture, ?2 the counter ("" the session), ?3 the period in seconds, ?4 the time, ?5 to ?7
 * packets, bytes, drops since the start. */
#define WHO "c.capture=?1 AND c.name=?2 AND c.period_s=?3 AND c.time_ns<?4"
#define ADDED(what, value)                                                                         \
	"CASE WHEN " value ">=c." what " THEN " value "-c." what " ELSE " value " END"
#define SESSION "s.capture=?1 AND s.name='' AND s.period_s=?3"

static const char *const statement_sql[S_COUNT] = {
	[S_COUNT_NAMES] = "SELECT count(*) FROM counter WHERE capture=?1 AND period_s=?2",
	/* a session's first period begins with it */
	[S_NAME] = "INSERT OR IGNORE INTO "
		   "counter(capture,name,period_s,time_ns,packets,bytes,dropped) SELECT ?1,?2,?3,"
		   "CASE WHEN ?2='' THEN max(coalesce(started_ns,0),0) ELSE 0 END,0,0,0 FROM capture "
		   "WHERE id=?1",
	[S_SESSION] =
		"INSERT OR IGNORE INTO total(counter,time_ns,duration_ns,packets,bytes,dropped) "
		"SELECT c.id,?4,?4-c.time_ns," ADDED("packets", "?5") "," ADDED(
			"bytes", "?6") "," ADDED("dropped", "?7") " FROM counter c WHERE " WHO,
	/* as long as the session's own; of one that was removed in the middle, since the session's
	   last */
	[S_COUNTER] = "INSERT OR IGNORE INTO total(counter,time_ns,duration_ns,packets,bytes) "
		      "SELECT c.id,?4,"
		      "coalesce((SELECT t.duration_ns FROM counter s JOIN total t ON "
		      "t.counter=s.id AND t.time_ns=?4 WHERE " SESSION
		      "),(SELECT max(?4-s.time_ns,0) FROM counter s WHERE " SESSION
		      "),?3*1000000000)," ADDED("packets", "?5") "," ADDED(
			      "bytes", "?6") " FROM counter c WHERE " WHO,
	[S_LAST] = "UPDATE counter AS c SET time_ns=?4,packets=?5,bytes=?6,dropped=?7 WHERE " WHO,
	[S_KEEP] = "DELETE FROM total WHERE counter IN (SELECT id FROM counter WHERE capture=?1 "
		   "AND period_s=?2) AND time_ns<?3",
};

static const char schema[] = "CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY, capture "
			     "INTEGER NOT NULL REFERENCES capture ON DELETE CASCADE,"
			     " name TEXT NOT NULL, period_s INTEGER NOT NULL, time_ns INTEGER NOT "
			     "NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL,"
			     " dropped INTEGER NOT NULL, UNIQUE(capture,period_s,name)) STRICT;"
			     "CREATE TABLE IF NOT EXISTS total(counter INTEGER NOT NULL REFERENCES "
			     "counter ON DELETE CASCADE, time_ns INTEGER NOT NULL,"
			     " duration_ns INTEGER NOT NULL, packets INTEGER NOT NULL, bytes "
			     "INTEGER NOT NULL, dropped INTEGER,"
			     " PRIMARY KEY(counter,time_ns)) STRICT, WITHOUT ROWID;";

const char totals_sql[] =
	"SELECT c.capture,h.name,k.session,c.name,t.time_ns,t.duration_ns,t.packets,t.bytes,"
	"CASE WHEN t.duration_ns>0 THEN t.packets*1e9/t.duration_ns END,CASE WHEN t.duration_ns>0 "
	"THEN t.bytes*8e9/t.duration_ns END,"
	"coalesce(t.dropped,d.dropped) FROM counter c CROSS JOIN total t ON t.counter=c.id JOIN "
	"capture k ON k.id=c.capture"
	" JOIN host h ON h.id=k.host"
	" LEFT JOIN counter s ON s.capture=c.capture AND s.name='' AND s.period_s=c.period_s"
	" LEFT JOIN total d ON d.counter=s.id AND d.time_ns=t.time_ns"
	" WHERE c.period_s=?3 AND (?4='' OR c.name=?4) AND t.time_ns>=?1 AND t.time_ns<=?2 ORDER "
	"BY t.time_ns DESC LIMIT ?5";

struct totals {
	sqlite3 *db;
	sqlite3_stmt *s[S_COUNT];
};

int totals_open(struct totals **out, sqlite3 *db, struct err *e)
{
	struct totals *t = xcalloc(1, sizeof(*t));
	int r = sql_exec(db, schema, e);

	t->db = db;
	for (int i = 0; r == 0 && i < S_COUNT; i++) {
		t->s[i] = sql_prepare(db, statement_sql[i], e);
		r = t->s[i] ? 0 : -1;
	}
	if (r == 0)
		*out = t;
	else
		totals_close(t);
	return r;
}

/* Statements end with their connection. */
void totals_close(struct totals *t)
{
	free(t);
}

struct row {
	int64_t capture, period_s, time_ns;
	struct str name;
	uint64_t packets, bytes, dropped;
};

static void row_bind(sqlite3_stmt *s, const struct row *r)
{
	sql_bind(s, "itiiiii", r->capture, r->name, r->period_s, r->time_ns, sql_count(r->packets),
		 sql_count(r->bytes), sql_count(r->dropped));
}

/* The name, where there are not too many. */
static int name_put(struct totals *t, const struct row *r, struct err *e)
{
	int64_t names = 0;

	sql_bind(t->s[S_NAME], "iti", r->capture, r->name, r->period_s);
	if (sql_run(t->db, t->s[S_NAME], e) != 0)
		return -1;
	if (sqlite3_changes(t->db) == 0)
		return 0;
	sql_bind(t->s[S_COUNT_NAMES], "ii", r->capture, r->period_s);
	return sql_int(t->db, t->s[S_COUNT_NAMES], &names, e) != 0 ? -1
								   : names > TOTALS_COUNTERS_MAX;
}

static int row_put(struct totals *t, const struct row *r, enum statement how, struct err *e)
{
	const int rc = name_put(t, r, e);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		row_bind(t->s[how], r);
		if (sql_run(t->db, t->s[how], e) != 0)
			return -1;
	}
	row_bind(t->s[S_LAST], r); /* of one too many: so it is not met again as a new one */
	return sql_run(t->db, t->s[S_LAST], e);
}

/* Once a period: what is older than there may be goes. */
static int rows_keep(struct totals *t, const struct row *r, struct err *e)
{
	int64_t names = 0, keep;

	sql_bind(t->s[S_COUNT_NAMES], "ii", r->capture, r->period_s);
	if (sql_int(t->db, t->s[S_COUNT_NAMES], &names, e) != 0)
		return -1;
	keep = TOTALS_ROWS_MAX / (names > 0 ? names : 1);
	keep = keep < TOTALS_PERIODS_LEAST ? TOTALS_PERIODS_LEAST : keep;
	keep = keep > TOTALS_PERIODS_MOST ? TOTALS_PERIODS_MOST : keep;
	sql_bind(t->s[S_KEEP], "iii", r->capture, r->period_s,
		 r->time_ns - keep * r->period_s * NS_PER_S);
	return sql_run(t->db, t->s[S_KEEP], e);
}

/* Before 1970 nothing was counted: such a time is none, and differences of others fit. */
static bool is_ours(uint32_t period_s, int64_t time_ns)
{
	return (period_s == 60 || period_s == 3600) && time_ns >= 0;
}

int totals_put_session(struct totals *t, int64_t capture, const struct msg_j_second *m,
		       struct err *e)
{
	const struct row r = {.capture = capture,
			      .period_s = m->period_s,
			      .time_ns = m->time_ns,
			      .name = str_of(""),
			      .packets = m->packets,
			      .bytes = m->bytes,
			      .dropped = m->dropped_device + m->dropped_kernel + m->dropped_buffer +
					 m->dropped_disk};

	if (!is_ours(m->period_s, m->time_ns))
		return 0;
	return row_put(t, &r, S_SESSION, e) != 0 ? -1 : rows_keep(t, &r, e);
}

int totals_put_counter(struct totals *t, int64_t capture, const struct msg_j_counter *m,
		       struct err *e)
{
	const struct row r = {.capture = capture,
			      .period_s = m->period_s,
			      .time_ns = m->time_ns,
			      .name = m->name,
			      .packets = m->packets,
			      .bytes = m->bytes};

	if (!is_ours(m->period_s, m->time_ns) || m->name.len == 0)
		return 0;
	return row_put(t, &r, S_COUNTER, e);
}
