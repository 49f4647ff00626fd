#include "sql.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"

#define SQL_BUSY_MS 5000
#define SQL_WAL_BYTES "67108864" /* kept of a write-ahead log after a checkpoint */

static int sql_code(sqlite3 *db)
{
	return db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
}

int sql_error(sqlite3 *db, struct err *e)
{
	const char *path = db ? sqlite3_db_filename(db, "main") : NULL;

	path = path && *path ? path : "the history";
	switch (sql_code(db)) {
	case SQLITE_FULL:
		return err_set(
			e, ERR_PART,
			"%s: the disk is full: the captures stay as they are, and are taken up "
			"when there is room",
			path);
	case SQLITE_READONLY:
		return err_set(e, ERR_REFUSED,
			       "%s cannot be written: look at the rights of its folder", path);
	case SQLITE_CANTOPEN:
		return err_set(e, ERR_REFUSED,
			       "%s cannot be opened: look whether it is there, and at its rights",
			       path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(e, ERR_REFUSED,
			       "%s is damaged: move it away, it is made again from the journals",
			       path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_REFUSED, "%s is held by another program: try again", path);
	default:
		return err_set(e, ERR_REFUSED, "%s: %s", path,
			       db ? sqlite3_errmsg(db) : "no memory");
	}
}

int sql_exec(sqlite3 *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_error(db, e);
}

/* --- open --- */

/* The writer is the only one that checkpoints. Readers trust no schema, and map the file: nobody
 * cuts one, and a question's process may end at any moment. The last statement of each touches the
 * file, so that it fails here and not later. */
static const char *const settings[] = {
	[SQL_WRITER] = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		       "PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536;"
		       "PRAGMA journal_size_limit=" SQL_WAL_BYTES ";"
		       "SELECT count(*) FROM sqlite_schema",
	[SQL_READER] = "PRAGMA query_only=1; PRAGMA trusted_schema=0; PRAGMA cache_size=-32768;"
		       "PRAGMA mmap_size=1073741824;"
		       "SELECT count(*) FROM sqlite_schema",
};

static int sql_begin(sqlite3 **db, const char *name, int flags, enum sql_mode mode, struct err *e)
{
	if (sqlite3_open_v2(name, db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(*db, SQL_BUSY_MS);
		(void)sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		(void)sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, mode == SQL_READER,
					NULL);
		return sql_exec(*db, settings[mode], e);
	}
	return sql_error(*db, e);
}

/* A file with a log beside it must not be taken for all there is. */
static bool sql_has_log(const char *path)
{
	char *log = xasprintf("%s-wal", path);
	struct stat st;
	const bool has = stat(log, &st) == 0 && st.st_size > 0;

	free(log);
	return has;
}

/* The path as a name that says: nobody writes it (%, ? and # mean something there). */
static char *sql_name_still(const char *path)
{
	char *name = xmalloc(3 * strlen(path) + sizeof("file:?immutable=1"));
	char *at = stpcpy(name, "file:");

	for (const char *p = path; *p; p++) {
		if (strchr("%?#", *p)) {
			static const char hex[] = "0123456789ABCDEF";
			*at++ = '%';
			*at++ = hex[(unsigned char)*p >> 4];
			*at++ = hex[*p & 15];
		} else {
			*at++ = *p;
		}
	}
	memcpy(at, "?immutable=1", sizeof("?immutable=1"));
	return name;
}

static int sql_open_still(sqlite3 **db, const char *path, struct err *e)
{
	char *name = sql_name_still(path);
	int r;

	sqlite3_close_v2(*db);
	*db = NULL;
	r = sql_begin(db, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, SQL_READER, e);
	free(name);
	return r;
}

int sql_open(sqlite3 **db, const char *path, enum sql_mode mode, struct err *e)
{
	const int flags = mode == SQL_READER ? SQLITE_OPEN_READONLY
					     : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	struct stat st;
	int r;

	*db = NULL;
	r = sql_begin(db, path, flags, mode, e);
	if (r != 0 && mode == SQL_READER &&
	    (sql_code(*db) == SQLITE_READONLY || sql_code(*db) == SQLITE_CANTOPEN) &&
	    stat(path, &st) == 0 && !sql_has_log(path))
		r = sql_open_still(db, path, e);
	if (r == 0)
		return 0;
	sqlite3_close_v2(*db);
	*db = NULL;
	return -1;
}

void sql_close(sqlite3 *db)
{
	sqlite3_stmt *s;

	while (db && (s = sqlite3_next_stmt(db, NULL)))
		sqlite3_finalize(s);
	sqlite3_close(db);
}

/* --- statements --- */

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) == SQLITE_OK)
		return s;
	sql_error(db, e);
	return NULL;
}

/* What is bound lives until the statement is reset, in every caller: nothing is copied. */
void sql_bind(sqlite3_stmt *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (int i = 1; *fmt; fmt++, i++) {
		struct str t;

		if (*fmt == 'i') {
			sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
			continue;
		}
		t = va_arg(ap, struct str);
		if (*fmt == 'o' && t.len == 0)
			sqlite3_bind_null(s, i);
		else if (*fmt == 'b')
			sqlite3_bind_blob64(s, i, t.p, t.len, SQLITE_STATIC);
		else
			sqlite3_bind_text64(s, i, t.p ? t.p : "", t.len, SQLITE_STATIC,
					    SQLITE_UTF8);
	}
	va_end(ap);
}

int sql_run(sqlite3 *db, sqlite3_stmt *s, struct err *e)
{
	const int rc = sqlite3_step(s);
	const int r = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : sql_error(db, e);

	sqlite3_reset(s);
	return r;
}

int sql_int(sqlite3 *db, sqlite3_stmt *s, int64_t *value, struct err *e)
{
	const int rc = sqlite3_step(s);
	int r = 0;

	if (rc == SQLITE_ROW)
		*value = sqlite3_column_int64(s, 0);
	else if (rc != SQLITE_DONE)
		r = sql_error(db, e);
	sqlite3_reset(s);
	return r;
}

int sql_pragma(sqlite3 *db, const char *name, int64_t *value, struct err *e)
{
	char *sql = xasprintf("PRAGMA %s", name);
	sqlite3_stmt *s = sql_prepare(db, sql, e);
	const int r = s ? sql_int(db, s, value, e) : -1;

	sqlite3_finalize(s);
	free(sql);
	return r;
}

int sql_check(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *s = sql_prepare(db, "PRAGMA quick_check(1)", e);
	int rc, r = -1;

	if (!s)
		return -1;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && str_is(sql_text(s, 0), "ok"))
		r = 0;
	else if (rc == SQLITE_ROW)
		err_set(e, ERR_REFUSED,
			"%s is damaged: move it away, it is made again from the journals",
			sqlite3_db_filename(db, "main"));
	else
		sql_error(db, e);
	sqlite3_finalize(s);
	return r;
}

bool sql_file_damaged(const char *path)
{
	sqlite3 *db = NULL;
	int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
	bool damaged;

	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
		  (code == SQLITE_OK && sql_check(db, NULL) != 0);
	sqlite3_close_v2(db);
	return damaged;
}

struct str sql_text(sqlite3_stmt *s, int column)
{
	const char *p = (const char *)sqlite3_column_text(s, column);

	return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(s, column) : 0};
}

int64_t sql_count(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}
