/* The catalog: captures, their files and events, how far each journal was taken up, and which shard
 * holds what. Small and precious; every commit is on disk. */
#ifndef DB_CATALOG_H
#define DB_CATALOG_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "wire/msg.h"

#define CATALOG_APPLICATION 0x54415044 /* "TAPD" */
#define CATALOG_VERSION 2
#define CATALOG_SHARD_ROWS 1000000 /* past it, or sealed, a shard takes no new parts */

struct catalog;

/* Opens or makes FOLDER/catalog.db. Error: a newer one, another program's, damage; the file is then
 * as it was. */
int catalog_open(struct catalog **c, const char *folder, struct err *e);
void catalog_close(struct catalog *c);
sqlite3 *catalog_db(struct catalog *c);
int catalog_begin(struct catalog *c, struct err *e);
int catalog_commit(struct catalog *c, struct err *e);
void catalog_rollback(struct catalog *c);
/* Commits and begins again where a number (of a capture, a shard) was given since the last commit:
 * rows of a shard that bear it may be on disk only after it. */
int catalog_settle(struct catalog *c, struct err *e);

/* The number of a host's capture by its unique name; made where it is not. */
int catalog_capture(struct catalog *c, struct str host, struct str capture, int64_t *id,
		    struct err *e);
int catalog_put_capture(struct catalog *c, int64_t id, const struct msg_j_capture *m,
			struct err *e);
int catalog_put_segment(struct catalog *c, int64_t id, const struct msg_j_segment *m,
			struct err *e);
int catalog_put_event(struct catalog *c, int64_t id, int64_t time_ns, struct str severity,
		      struct str sentence, struct err *e);
/* Not where the capture has one of these words already. */
int catalog_put_event_once(struct catalog *c, int64_t id, int64_t time_ns, struct str severity,
			   struct str sentence, struct err *e);
/* Totals so far; the last one stays. */
int catalog_put_totals(struct catalog *c, int64_t id, const struct msg_j_second *m, struct err *e);
/* Rows by the minute and hour (totals.h). */
struct totals *catalog_totals(struct catalog *c);
int catalog_put_end(struct catalog *c, int64_t id, const struct msg_j_end *m, struct err *e);
int catalog_put_connections(struct catalog *c, int64_t id, int64_t connections, struct err *e);

/* How far a journal was taken up; *capture 0 where it is not known yet. */
int catalog_journal(struct catalog *c, struct str host, struct str journal, int64_t *offset,
		    int64_t *capture, struct err *e);
int catalog_put_journal(struct catalog *c, struct str host, struct str journal, int64_t offset,
			int64_t capture, struct err *e);

/* The shard that holds this capture's connections of this part (2^16 numbers a part); made
 * where there is none. */
int catalog_shard(struct catalog *c, int64_t capture, int64_t part, int64_t *shard, struct err *e);
int catalog_put_shard(struct catalog *c, int64_t shard, int64_t min_ns, int64_t max_ns,
		      int64_t rows, struct err *e);
int catalog_shard_rows(struct catalog *c, int64_t shard, int64_t *rows,
		       struct err *e); /* as last put */
/* One with so many rows and without indexes, but not `but`; *shard 0: none. */
int catalog_full_shard(struct catalog *c, int64_t rows, int64_t but, int64_t *shard, struct err *e);
int catalog_seal_shard(struct catalog *c, int64_t shard, struct err *e); /* it has its indexes */
/* The shard is gone: the journals of its captures are taken up from their beginning again. */
int catalog_lose_shard(struct catalog *c, int64_t shard, struct err *e);

#endif
