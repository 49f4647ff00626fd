/* A shard: about a million connections in a file of its own, with the addresses that they name. Can be made again from the
 * journals; is dropped by unlink. A connection's row number is its capture's and its own number, so that a later record of
 * the same connection replaces the earlier. */
#ifndef DB_SHARD_H
#define DB_SHARD_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/msg.h"

#define SHARD_PART_BITS 20 /* connections of one capture in one shard: 2^20 */

struct shard;

/* FOLDER/flows/NUMBER.db, made where it is not. */
int shard_open(struct shard **s, const char *folder, int64_t number, struct err *e);
void shard_close(struct shard *s);
char *shard_path(const char *folder, int64_t number); /* the caller's */
int shard_begin(struct shard *s, struct err *e);
int shard_commit(struct shard *s, struct err *e);
void shard_rollback(struct shard *s);
int shard_put(struct shard *s, int64_t capture, const struct msg_j_connection *m, struct err *e);
int64_t shard_rows(struct shard *s);
void shard_times(const struct shard *s, int64_t *min_ns, int64_t *max_ns); /* of what was put since it was opened */

#endif
