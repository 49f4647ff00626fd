/* sqlite3 in our way to fail: statements that are prepared once, bound by place, and say what went wrong. */
#ifndef DB_SQL_H
#define DB_SQL_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum sql_mode {
	SQL_WRITER_FULL,   /* the catalog: committed means on disk */
	SQL_WRITER_NORMAL, /* a shard: can be made again from the journals */
	SQL_READER,
};

/* -1 with a sentence that names the file. */
int sql_open(sqlite3 **db, const char *path, enum sql_mode mode, struct err *e);
void sql_close(sqlite3 *db); /* NULL is fine */
int sql_exec(sqlite3 *db, const char *sql, struct err *e);
int sql_error(sqlite3 *db, const char *doing, struct err *e); /* -1 */
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, struct err *e);
/* Binds `fmt`: i int64_t, t struct str (text; NULL p: null), b struct str (blob), n null (no argument). From place 1. */
void sql_bind(sqlite3_stmt *s, const char *fmt, ...);
/* Runs a statement that gives no row, and resets it. */
int sql_run(sqlite3 *db, sqlite3_stmt *s, struct err *e);
/* Runs one that gives an integer: *value stays where there is no row. */
int sql_int(sqlite3 *db, sqlite3_stmt *s, int64_t *value, struct err *e);
struct str sql_text(sqlite3_stmt *s, int column); /* borrowed until the next step */

#endif
