#include "sql.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define SQL_BUSY_MS 5000
#define SQL_WAL_BYTES "67108864" /* kept of a write-ahead log after a checkpoint */

int sql_error(sqlite3 *db, const char *doing, struct err *e)
{
	const int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;

	if ((code & 0xff) == SQLITE_FULL)
		return err_set(e, ERR_PART, "%s: the disk is full: the captures stay, and are taken up when there is room", doing);
	if ((code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_CANTOPEN)
		return err_set(e, ERR_REFUSED, "%s: the folder of the history cannot be written", doing);
	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		return err_set(e, ERR_REFUSED, "%s: the database is damaged: move it away, it is made again from the journals", doing);
	return err_set(e, ERR_REFUSED, "%s: %s", doing, db ? sqlite3_errmsg(db) : "no memory");
}

int sql_exec(sqlite3 *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_error(db, "history", e);
	return 0;
}

/* One writer is the only one that checkpoints; readers never do, and trust no schema. */
static const char *sql_settings(enum sql_mode mode)
{
	if (mode == SQL_READER)
		return "PRAGMA query_only=1; PRAGMA trusted_schema=0; PRAGMA cache_size=-32768;";
	if (mode == SQL_WRITER_FULL)
		return "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		       "PRAGMA journal_size_limit=" SQL_WAL_BYTES ";";
	return "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
	       "PRAGMA journal_size_limit=" SQL_WAL_BYTES ";";
}

int sql_open(sqlite3 **db, const char *path, enum sql_mode mode, struct err *e)
{
	const int flags = mode == SQL_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int rc = -1;

	*db = NULL;
	if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_extended_result_codes(*db, 1);
		sqlite3_busy_timeout(*db, SQL_BUSY_MS);
		(void)sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		if (mode == SQL_READER)
			(void)sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		rc = sql_exec(*db, sql_settings(mode), e);
	} else {
		sql_error(*db, "history", e);
	}
	if (rc == 0)
		return 0;
	err_wrap(e, "%s", path);
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

sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) == SQLITE_OK)
		return s;
	sql_error(db, sql, e);
	return NULL;
}

void sql_bind(sqlite3_stmt *s, const char *fmt, ...)
{
	va_list ap;
	struct str t;

	va_start(ap, fmt);
	for (int i = 1; *fmt; fmt++, i++) {
		if (*fmt == 'i') {
			sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
		} else if (*fmt == 'n') {
			sqlite3_bind_null(s, i);
		} else {
			t = va_arg(ap, struct str);
			if (!t.p && t.len == 0 && *fmt == 't')
				t.p = "";
			if (*fmt == 'b')
				sqlite3_bind_blob(s, i, t.p, (int)t.len, SQLITE_TRANSIENT);
			else
				sqlite3_bind_text(s, i, t.p, (int)t.len, SQLITE_TRANSIENT);
		}
	}
	va_end(ap);
}

int sql_run(sqlite3 *db, sqlite3_stmt *s, struct err *e)
{
	const int rc = sqlite3_step(s);
	const int r = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : sql_error(db, "history", e);

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
		r = sql_error(db, "history", e);
	sqlite3_reset(s);
	return r;
}

struct str sql_text(sqlite3_stmt *s, int column)
{
	const char *p = (const char *)sqlite3_column_text(s, column);

	return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(s, column) : 0};
}
