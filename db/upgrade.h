/* Histories of earlier forms. */
#ifndef DB_UPGRADE_H
#define DB_UPGRADE_H

#include <sqlite3.h>

#include "base/err.h"

/* Form 1 of a shard (rows numbered by capture, words in each row, no slots) as form 2: made beside
 * it and put in its place, so that a crash leaves the one or the other. Nobody has it open. */
int upgrade_shard(const char *path, struct err *e);
/* Form 1 of the catalog, within its transaction: parts are of 2^16 connections, shards have a mark
 * for their indexes. */
int upgrade_catalog(sqlite3 *db, struct err *e);

#endif
