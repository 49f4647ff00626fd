/* The dictionaries of a shard: addresses, kinds (the words of a connection: protocol, state,
 * history, ...) and slots (which capture's connections lie where) by small numbers. They are held
 * in memory while the shard is written, so that no row costs a look-up. */
#ifndef DB_NAMES_H
#define DB_NAMES_H

#include <sqlite3.h>

#include "base/err.h"
#include "wire/msg.h"

struct names;

/* Reads what the shard has. `db` is borrowed, longer than the names. */
int names_open(struct names **n, sqlite3 *db, struct err *e);
void names_close(struct names *n); /* NULL is fine */
/* Each gives the number, and makes it where there is none. After a rollback the names are wrong:
 * close them. */
int names_addr(struct names *n, const uint8_t ip[16], int64_t *id, struct err *e);
int names_kind(struct names *n, const struct msg_j_connection *m, int64_t *id, struct err *e);
int names_slot(struct names *n, int64_t capture, int64_t part, int64_t *id, struct err *e);

#endif
