/* Sums by keys, over all shards: rows are added up by the numbers that a shard has for them, and
 * those become words once a shard. */
#ifndef DB_SUMS_H
#define DB_SUMS_H

#include <sqlite3.h>
#include <stdbool.h>

#include "question.h"
#include "table/table.h"

struct sums;

struct sums *sums_new(const struct question *q); /* borrowed, longer than the sums */
void sums_free(struct sums *s);			 /* NULL is fine */
/* A row of a PLAN_TOP. */
void sums_add(struct sums *s, sqlite3_stmt *row);
/* After the last row of a shard. */
int sums_end_shard(struct sums *s, sqlite3 *shard, struct err *e);
/* As rows of table_history_top; true: there were more keys than are kept. */
bool sums_rows(const struct sums *s, struct rowset *rows);

#endif
