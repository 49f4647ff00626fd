/* sqlite3 in our way to fail: statements that are prepared once, bound by place, and say what went
 * wrong. */
#ifndef DB_SQL_H
#define DB_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* A writer's commit is on disk when it returns: who feeds a journal lets go of its bytes then.
 * A reader writes nothing, not even a checkpoint. */
enum sql_mode { SQL_WRITER, SQL_READER };

/* -1 with a sentence that names the file. A reader of a folder that cannot be written reads the
 * file as it is, where no log of newer rows lies beside it. */
int sql_open(sqlite3 **db, const char *path, enum sql_mode mode, struct err *e);
void sql_close(sqlite3 *db); /* with its statements; NULL is fine */
int sql_exec(sqlite3 *db, const char *sql, struct err *e);
int sql_error(sqlite3 *db, struct err *e); /* what just went wrong; -1 */
sqlite3_stmt *sql_prepare(sqlite3 *db, const char *sql, struct err *e);
/* Binds `fmt`: i int64_t, t struct str (text), o struct str (text; none is null), b struct str
 * (blob). From place 1. */
void sql_bind(sqlite3_stmt *s, const char *fmt, ...);
/* Runs a statement that gives no row, and resets it. */
int sql_run(sqlite3 *db, sqlite3_stmt *s, struct err *e);
/* Runs one that gives an integer: *value stays where there is no row. */
int sql_int(sqlite3 *db, sqlite3_stmt *s, int64_t *value, struct err *e);
int sql_pragma(sqlite3 *db, const char *name, int64_t *value, struct err *e);
/* 0: the file is whole, as far as can be seen without following its indexes. */
int sql_check(sqlite3 *db, struct err *e);
bool sql_file_damaged(const char *path);	  /* also: it is no database */
struct str sql_text(sqlite3_stmt *s, int column); /* borrowed until the next step */
int64_t sql_count(uint64_t n);			  /* past INT64_MAX it stays there */

#endif
