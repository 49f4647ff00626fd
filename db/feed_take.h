/* What taking up a journal keeps, shared by feed.c (bytes, shards) and feed_take.c (records). */
#ifndef DB_FEED_TAKE_H
#define DB_FEED_TAKE_H

#include "base/buf.h"
#include "base/map.h"
#include "feed.h"
#include "journal/journal.h"
#include "shard.h"

#define FEEDS_SHARDS_OPEN 4u

/* A journal that is being taken up: what is behind its last whole record. */
struct feed {
	uint64_t offset;     /* of tail's first byte */
	int64_t capture;     /* 0: not known yet */
	int64_t part, shard; /* of the connection before: where the next one goes as well, mostly;
				shard 0: none */
	struct buf tail;
};

enum taken {
	TAKE_FAILED = -1,
	TAKE_DONE = 0,
	TAKE_NONSENSE = 1
}; /* nonsense: whole, but not to be understood */

struct open_shard {
	int64_t number;
	struct shard *shard;
	bool begun;
	uint64_t used;
};

struct feeds {
	struct catalog *catalog;
	char *folder;
	struct map *feeds; /* "host\njournal" -> struct feed */
	struct open_shard shard[FEEDS_SHARDS_OPEN];
	uint64_t turn;
	struct str host;     /* of the bytes that are being added */
	int64_t connections; /* the highest number met, 0 none */
	int64_t wanted; /* shard that the last bytes used: the one to look at after an error; 0 none
			 */
};

/* The shard, open and in a transaction. */
int feeds_shard(struct feeds *f, int64_t number, struct open_shard **out, struct err *e);
/* Records of types that are not known here are for later readers of the journal: passed over. */
enum taken record_take(struct feeds *f, struct feed *feed, const struct journal_record *r,
		       struct err *e);

#endif
