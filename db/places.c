#include "places.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "sql.h"
#include "tables.h"
#include "totals.h"

#define PLACES_LIST_MAX (64u << 20)

struct places {
	sqlite3 *db;
	sqlite3_stmt *segment;
	struct place *place; /* in the order of numbers */
	size_t count;
	bool all; /* every capture is meant */
};

static const char captures_sql[] =
	"SELECT c.id,h.name,c.session,c.folder FROM capture c JOIN host h ON h.id=c.host WHERE "
	"(?1='' OR h.name=?1) AND (?2='' OR c.session=?2"
	" OR c.name=?2) AND (?3=0 OR c.id=?3) AND c.started_ns IS NOT NULL AND c.started_ns<=?4 "
	"AND coalesce(c.ended_ns,?6)>=?5 ORDER BY c.id";

static int places_load(struct places *p, const struct question *q, struct err *e)
{
	sqlite3_stmt *s = sql_prepare(p->db, captures_sql, e);
	size_t room = 0;
	int rc;

	if (!s)
		return -1;
	sql_bind(s, "ttiiii", str_of(q->host ? q->host : ""), str_of(q->session ? q->session : ""),
		 q->capture, q->to_ns, q->from_ns, INT64_MAX);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct str host = sql_text(s, 1), session = sql_text(s, 2), folder;
		if (p->count == room) {
			room = room ? 2 * room : 64;
			p->place = xreallocarray(p->place, room, sizeof(*p->place));
		}
		folder = sql_text(s, 3);
		p->place[p->count++] = (struct place){.id = sqlite3_column_int64(s, 0),
						      .host = xstrndup(host.p, host.len),
						      .session = xstrndup(session.p, session.len),
						      .folder = xstrndup(folder.p, folder.len)};
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : sql_error(p->db, e);
}

int places_open(struct places **out, const char *folder, const struct question *q, struct err *e)
{
	struct places *p = xcalloc(1, sizeof(*p));
	char *path = xasprintf("%s/catalog.db", folder);
	int r = sql_open(&p->db, path, SQL_READER, e);

	free(path);
	if (r == 0)
		r = sql_exec(p->db, "BEGIN", e); /* else each look-up takes its locks */
	if (r == 0) {
		p->segment = sql_prepare(
			p->db, "SELECT name FROM segment WHERE capture=?1 AND number=?2 AND "
			"sealed<>2", e);
		r = p->segment ? places_load(p, q, e) : -1;
	}
	p->all = !q->host && !q->session && q->capture == 0 && q->from_ns == INT64_MIN &&
		 q->to_ns == INT64_MAX;
	if (r != 0) {
		places_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

void places_close(struct places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		free(p->place[i].host);
		free(p->place[i].session);
		free(p->place[i].folder);
	}
	free(p->place);
	sql_close(p->db);
	free(p);
}

static struct place *places_at(const struct places *p, int64_t capture)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->place[middle].id < capture)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->count && p->place[low].id == capture ? &p->place[low] : NULL;
}

const struct place *places_find(const struct places *p, int64_t capture)
{
	return places_at(p, capture);
}

void places_mark(struct places *p, int64_t capture)
{
	struct place *place = places_at(p, capture);

	if (place)
		place->marked = true;
}

char *places_path(struct places *p, const struct place *place, int64_t segment)
{
	char *path = NULL;

	sql_bind(p->segment, "ii", place->id, segment);
	if (*place->folder && sqlite3_step(p->segment) == SQLITE_ROW) {
		struct str name = sql_text(p->segment, 0);
		path = xasprintf("%s/%.*s", place->folder, (int)name.len, name.p);
	}
	sqlite3_reset(p->segment);
	return path;
}

char *places_list(const struct places *p)
{
	struct buf list;
	char *text;

	if (p->count == 0)
		return NULL;
	if (p->all)
		return xstrdup("");
	buf_init(&list,
		 PLACES_LIST_MAX); /* of captures that fit into memory, at most 10 digits each */
	for (size_t i = 0; i < p->count; i++)
		(void)buf_printf(&list, "%c%" PRId64, i ? ',' : '[', p->place[i].id);
	(void)buf_add_byte(&list, ']');
	text = xstrdup(buf_str(&list));
	buf_release(&list);
	return text;
}

int64_t places_only(const struct places *p)
{
	return p->count == 1 && !p->all ? p->place[0].id : 0;
}

int places_shards(struct places *p, int64_t from_ns, int64_t to_ns, struct place_shard **shard,
		  struct err *e)
{
	sqlite3_stmt *s = sql_prepare(
		p->db,
		"SELECT id,max_ns,rows FROM shard WHERE rows>0 AND min_ns<=?1 AND max_ns>=?2 AND"
		" (?3=0 OR id IN (SELECT shard FROM part WHERE capture=?3)) ORDER BY max_ns DESC",
		e);
	int count = 0, rc;

	*shard = NULL;
	if (!s)
		return -1;
	sql_bind(s, "iii", to_ns, from_ns, places_only(p));
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		*shard = xreallocarray(*shard, (size_t)count + 1, sizeof(**shard));
		(*shard)[count++] = (struct place_shard){.number = sqlite3_column_int64(s, 0),
							 .max_ns = sqlite3_column_int64(s, 1),
							 .rows = sqlite3_column_int64(s, 2)};
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? count : sql_error(p->db, e);
}

/* --- tables from the catalog: the SQL's columns stand as the table's --- */

static struct value plain_cell(sqlite3_stmt *s, int column)
{
	if (sqlite3_column_type(s, column) == SQLITE_FLOAT)
		return value_real(sqlite3_column_double(s, column));
	if (sqlite3_column_type(s, column) == SQLITE_INTEGER)
		return value_int(sqlite3_column_int64(s, column));
	if (sqlite3_column_type(s, column) == SQLITE_TEXT && sqlite3_column_bytes(s, column) > 0)
		return value_str(sql_text(s, column));
	return value_null();
}

/* Takes the statement; NULL is an error that was told. */
static int places_rows(struct places *p, struct rowset *rows, bool marked, sqlite3_stmt *s,
		       const struct table_type *type, struct err *e)
{
	struct value v[TABLE_COLUMNS_MAX];
	int rc;

	if (!s)
		return -1;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const struct place *place = places_at(p, sqlite3_column_int64(s, 0));
		if (!place || (marked && !place->marked))
			continue;
		for (unsigned i = 0; i < type->ncolumns; i++)
			v[i] = plain_cell(s, (int)i);
		rowset_add(rows, v);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : sql_error(p->db, e);
}

static int places_fill(struct places *p, struct rowset *rows, bool marked, const char *sql,
		       const struct table_type *type, const int64_t *times_ns, struct err *e)
{
	sqlite3_stmt *s = sql_prepare(p->db, sql, e);

	if (s && times_ns)
		sql_bind(s, "ii", times_ns[0], times_ns[1]);
	return places_rows(p, rows, marked, s, type, e);
}

int places_captures(struct places *p, struct rowset *rows, bool marked, struct err *e)
{
	static const char sql[] =
		"SELECT "
		"c.id,h.name,c.session,c.devices,c.filter,c.started_ns,coalesce(c.ended_ns,c.seen_"
		"ns,c.started_ns)-c.started_ns,"
		"coalesce(nullif(c.reason,''),CASE WHEN c.ended_ns IS NULL THEN 'running' ELSE "
		"'ended' END),c.packets,c.bytes,"
		"c.dropped_device+c.dropped_kernel+c.dropped_buffer+c.dropped_disk,c.connections,"
		"(SELECT count(*) FROM segment s WHERE s.capture=c.id AND s.sealed<>2),(SELECT "
		"sum(bytes) FROM segment s WHERE s.capture=c.id AND s.sealed<>2),c.owner,"
		"c.note,c.name,c.folder FROM capture c JOIN host h ON h.id=c.host";

	return places_fill(p, rows, marked, sql, &table_captures, NULL, e);
}

int places_files(struct places *p, struct rowset *rows, bool marked, int64_t from_ns, int64_t to_ns,
		 struct err *e)
{
	static const char sql[] =
		"SELECT "
		"s.capture,h.name,c.session,s.number,s.name,s.packets,s.bytes,nullif(s.first_ns,0),"
		"nullif(s.last_ns,0),"
		"CASE s.sealed WHEN 0 THEN 'writing' WHEN 2 THEN 'removed'||coalesce(': '||nullif(s."
		"reason,''),'') ELSE coalesce(nullif(s.reason,''),'sealed') END,"
		"CASE WHEN s.sealed<>2 THEN nullif(c.folder,'')||'/'||s.name END"
		" FROM segment s JOIN capture c ON c.id=s.capture JOIN host h ON h.id=c.host"
		" WHERE s.packets=0 OR s.sealed=0 OR (s.first_ns<=?2 AND s.last_ns>=?1)";

	return places_fill(p, rows, marked, sql, &table_files, (const int64_t[]){from_ns, to_ns},
			   e);
}

int places_events(struct places *p, struct rowset *rows, bool marked, int64_t from_ns,
		  int64_t to_ns, struct err *e)
{
	static const char sql[] =
		"SELECT v.capture,h.name,c.session,v.time_ns,v.severity,v.sentence FROM event v "
		"JOIN capture c ON c.id=v.capture"
		" JOIN host h ON h.id=c.host WHERE v.time_ns>=?1 AND v.time_ns<=?2";

	return places_fill(p, rows, marked, sql, &table_history_events,
			   (const int64_t[]){from_ns, to_ns}, e);
}

/* The newest are enough where all captures are meant and time is the order. */
int places_totals(struct places *p, struct rowset *rows, const struct question *q, struct err *e)
{
	const int64_t period_s = q->kind == QUESTION_HOURS ? 3600 : 60,
		      most = p->all && !q->has_filter && q->sort < 0 ? q->limit + 1
								     : QUESTION_LIMIT_MAX;
	sqlite3_stmt *s = sql_prepare(p->db, totals_sql, e);

	if (s)
		sql_bind(s, "iiiti", q->from_ns, q->to_ns, period_s,
			 str_of(q->counter ? q->counter : ""), most);
	return places_rows(p, rows, q->has_filter, s, q->type, e);
}

static int journals_fill(struct rowset *rows, sqlite3 *db, struct err *e)
{
	sqlite3_stmt *s = sql_prepare(
		db, "SELECT h.name,j.name,j.offset FROM journal j JOIN host h ON h.id=j.host", e);
	int rc = SQLITE_ERROR, r = -1;

	while (s && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const struct value v[] = {value_str(sql_text(s, 0)), value_str(sql_text(s, 1)),
					  value_int(sqlite3_column_int64(s, 2))};

		rowset_add(rows, v);
	}
	if (s)
		r = rc == SQLITE_DONE ? 0 : sql_error(db, e);
	sqlite3_finalize(s);
	return r;
}

int places_journals(const char *folder, struct table *t, struct err *e)
{
	struct rowset *rows = rowset_new(&table_history_journals);
	char *path = xasprintf("%s/catalog.db", folder);
	sqlite3 *db = NULL;
	int r = sql_open(&db, path, SQL_READER, e);

	if (r == 0)
		r = journals_fill(rows, db, e);
	sql_close(db);
	free(path);
	if (r == 0)
		*t = rowset_table(rows, true);
	else
		rowset_free(rows);
	return r;
}
