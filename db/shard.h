/* A shard: about a million connections in a file of its own, with the addresses that they name. Can
 * be made again from the journals; is dropped by unlink. A connection's row number is its capture's
 * and its own number, so that a later record of the same connection replaces the earlier. */
#ifndef DB_SHARD_H
#define DB_SHARD_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/msg.h"

#define SHARD_PART_BITS 20 /* connections of one capture in one shard: 2^20 */
#define SHARD_ID_BITS 36   /* of a row number; the capture's number stands above them */
#define SHARD_ID_MAX ((UINT64_C(1) << SHARD_ID_BITS) - 1)
#define SHARD_CAPTURE_MAX ((INT64_C(1) << 26) - 1)
#define SHARD_VERSION 1
#define SHARD_LONG_NS INT64_C(3600000000000) /* longer connections are in an index of their own */
#define SHARD_LONG_SQL "3600000000000"

struct shard;

extern const char shard_schema[];

/* FOLDER/flows/NUMBER.db, made where it is not. */
int shard_open(struct shard **s, const char *folder, int64_t number, struct err *e);
void shard_close(struct shard *s);		      /* NULL is fine */
char *shard_path(const char *folder, int64_t number); /* the caller's */
int shard_begin(struct shard *s, struct err *e);
int shard_commit(struct shard *s, struct err *e);
void shard_rollback(struct shard *s);
enum shard_put { SHARD_FAILED = -1, SHARD_TAKEN = 0, SHARD_NONSENSE = 1 };
/* SHARD_NONSENSE: no connection can be like that (*e says how); nothing was changed. */
enum shard_put shard_put(struct shard *s, int64_t capture, const struct msg_j_connection *m,
			 struct err *e);
int64_t shard_rows(const struct shard *s);
/* Of what was put since it was opened; min > max: nothing was. */
void shard_times(const struct shard *s, int64_t *min_ns, int64_t *max_ns);

#endif
