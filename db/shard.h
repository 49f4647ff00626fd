/* A shard: about a million connections in a file of its own, with the addresses that they name. Can
 * be made again from the journals; is dropped by unlink. Rows are numbered in the shard: the
 * connections of a capture come in parts of 2^16 numbers, each part has a slot in its shard, and a
 * row's number is its slot's and the connection's own within the part. A later record of the same
 * connection so finds its row without a search. A shard that is being filled has no index and is
 * read through; one that is full gets them at once, sealed. */
#ifndef DB_SHARD_H
#define DB_SHARD_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/msg.h"

#define SHARD_PART_BITS 16 /* connections of one part: 2^16. tables.c has it in its SQL */
#define SHARD_ID_BITS 36   /* of a connection's number */
#define SHARD_ID_MAX ((UINT64_C(1) << SHARD_ID_BITS) - 1)
#define SHARD_CAPTURE_MAX ((INT64_C(1) << 26) - 1)
#define SHARD_VERSION 2
#define SHARD_LONG_NS INT64_C(3600000000000) /* longer connections are in an index of their own */
#define SHARD_LONG_SQL "3600000000000"
#define SHARD_TICK_BITS                                                                            \
	30 /* indexes keep the time in ticks of 2^30 ns, about a second: half the bytes */

struct shard;

extern const char shard_schema[];
extern const char *const shard_indexes[]; /* ended by NULL; a sealed shard has them all */

/* FOLDER/flows/NUMBER.db, made where it is not. */
int shard_open(struct shard **s, const char *folder, int64_t number, struct err *e);
void shard_close(struct shard *s);		      /* NULL is fine */
char *shard_path(const char *folder, int64_t number); /* the caller's */
int shard_begin(struct shard *s, struct err *e);
int shard_commit(struct shard *s, struct err *e);
enum shard_put { SHARD_FAILED = -1, SHARD_TAKEN = 0, SHARD_NONSENSE = 1 };
/* SHARD_NONSENSE: no connection can be like that (*e says how); nothing was changed. SHARD_FAILED:
 * the shard must be closed, which takes back what was not committed. */
enum shard_put shard_put(struct shard *s, int64_t capture, const struct msg_j_connection *m,
			 struct err *e);
int64_t shard_rows(const struct shard *s);
/* Of what was put since it was opened; min > max: nothing was. */
void shard_times(const struct shard *s, int64_t *min_ns, int64_t *max_ns);
/* Outside of a transaction: makes one of the indexes that are missing. 1: one was made; 0: all are
 * there; -1: *e. */
int shard_seal(struct shard *s, struct err *e);
int shard_sealed(sqlite3 *db, bool *sealed, struct err *e); /* all indexes are there */
/* The capture has a fourth of it or more; 0, which is none, has not. */
bool shard_mostly(sqlite3 *db, int64_t capture);
int shard_check(sqlite3 *db, struct err *e); /* 0: it is of the form that is known here */

#endif
