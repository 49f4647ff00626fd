/* Connections that left memory and came back. Each stay is told in records of its own, which count
 * from its first packet on: all records of a stay bear the same start, and the last of them
 * replaces the others. A row is the sum over its stays; where there is more than one, the shard
 * keeps them, so that a record that comes twice changes nothing. */
#ifndef DB_PIECES_H
#define DB_PIECES_H

#include <sqlite3.h>

#include "base/err.h"
#include "wire/msg.h"

#define PIECES_HISTORY_MAX 64u /* letters of a history that is put together */
#define PIECES_WORD_MAX 256u   /* bytes of a state, an application */

#define PIECES_SCHEMA                                                                              \
	"CREATE TABLE piece(row INTEGER NOT NULL, start_ns INTEGER NOT NULL, duration_ns INTEGER " \
	"NOT NULL, kind INTEGER NOT NULL,"                                                         \
	" packets_ab INTEGER NOT NULL, bytes_ab INTEGER NOT NULL, packets_ba INTEGER NOT NULL, "   \
	"bytes_ba INTEGER NOT NULL,"                                                               \
	" payload_ab INTEGER NOT NULL, payload_ba INTEGER NOT NULL, handshake_ns INTEGER,"         \
	" retrans_ab INTEGER NOT NULL, retrans_ba INTEGER NOT NULL, segment INTEGER NOT NULL, "    \
	"offset INTEGER NOT NULL,"                                                                 \
	" PRIMARY KEY(row,start_ns)) STRICT, WITHOUT ROWID;"

struct pieces;

int pieces_open(struct pieces **p, sqlite3 *db, struct err *e);
void pieces_close(struct pieces *p); /* NULL is fine */
/* A record of a connection whose row is there. 0: the row has one stay, which this record is the
 * last word on; 1: *sum is what the row must say (its words are borrowed from `p` and `m` until the
 * next call); -1. */
int pieces_add(struct pieces *p, int64_t row, int64_t kind, const struct msg_j_connection *m,
	       struct msg_j_connection *sum, struct err *e);

#endif
