/* Takes up journals: bytes of a host's journal, by offset, into catalog and shards. Rows of a shard
 * are committed first, the journal's offset last, in the catalog's own commit: what a crash leaves
 * is taken up again and changes nothing. */
#ifndef DB_FEED_H
#define DB_FEED_H

#include <stdbool.h>

#include "base/err.h"
#include "catalog.h"

struct feeds;

struct feeds *feeds_new(struct catalog *c, const char *folder);
void feeds_free(struct feeds *f);
/* The bytes must continue what is there (or begin at the offset that the catalog keeps): else
 * ERR_CALL with that offset. 0: what was whole is on disk. */
int feeds_add(struct feeds *f, const struct msg_feed *m, struct err *e);
/* A piece of the work on shards that are full: an index, half a second at most. resting: little is
 * fed, so that smaller shards, and the one that was fed last, get theirs as well. 1: more may be to
 * do; 0: nothing is; -1: *e, and the shards are right as they are. */
int feeds_seal(struct feeds *f, bool resting, struct err *e);
/* Somebody could not read this shard. 0: nothing is wrong with it; -1: it was put aside and its
 * journals begin anew, or that failed (*e says). */
int feeds_look(struct feeds *f, int64_t shard, struct err *e);

#endif
