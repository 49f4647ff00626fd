#include "feed_take.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "base/clock.h"
#include "journal/journal.h"
#include "sql.h"

#define FEEDS_JOURNALS_MAX 65536u /* journals that are remembered */
#define FEEDS_RECORD_MAX (JOURNAL_HEADER_BYTES + JOURNAL_RECORD_MAX)
#define FEEDS_TAIL_MAX (FEEDS_RECORD_MAX + MSG_PAYLOAD_MAX)
#define FEEDS_SEAL_ROWS 65536 /* fewer are read through in 10 ms */
#define FEEDS_NAME_MAX 4096u  /* bytes of a host's and a journal's name */

struct feeds *feeds_new(struct catalog *c, const char *folder)
{
	struct feeds *f = xcalloc(1, sizeof(*f));

	f->catalog = c;
	f->folder = xstrdup(folder);
	f->feeds = map_new(FEEDS_JOURNALS_MAX);
	return f;
}

static void feed_free(struct feed *feed)
{
	buf_release(&feed->tail);
	free(feed);
}

void feeds_free(struct feeds *f)
{
	size_t iter = 0, len;
	const void *key;
	void *feed;

	if (!f)
		return;
	while (map_next(f->feeds, &iter, &key, &len, &feed))
		feed_free(feed);
	map_free(f->feeds);
	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++)
		shard_close(f->shard[i].shard);
	free(f->folder);
	free(f);
}

/* --- shards in use: the one that was used longest ago is closed for another --- */

/* Its rows may be on disk before the catalog says so: they are taken up again then, as the same
 * rows. */
static int feeds_commit_shard(struct feeds *f, struct open_shard *s, struct err *e)
{
	int64_t min_ns, max_ns;

	if (!s->begun)
		return 0;
	if (shard_commit(s->shard, e) != 0)
		return -1;
	s->begun = false;
	shard_times(s->shard, &min_ns, &max_ns);
	if (min_ns > max_ns)
		return 0;
	return catalog_put_shard(f->catalog, s->number, min_ns, max_ns, shard_rows(s->shard), e);
}

static int feeds_commit_shards(struct feeds *f, struct err *e)
{
	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++)
		if (feeds_commit_shard(f, &f->shard[i], e) != 0)
			return -1;
	return 0;
}

static void feeds_rollback(struct feeds *f)
{
	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++) {
		if (!f->shard[i].begun)
			continue;
		shard_close(f->shard[i].shard); /* what it holds in memory is wrong now */
		f->shard[i] = (struct open_shard){0};
	}
	catalog_rollback(f->catalog);
}

/* The catalog's word comes last: fewer rows than it says were lost. */
static int feeds_open_shard(struct feeds *f, struct open_shard *s, int64_t number, struct err *e)
{
	int64_t rows;

	if (catalog_shard_rows(f->catalog, number, &rows, e) != 0 ||
	    shard_open(&s->shard, f->folder, number, e) != 0)
		return -1;
	if (shard_rows(s->shard) >= rows)
		return 0;
	shard_close(s->shard);
	s->shard = NULL;
	return err_set(e, ERR_PART, "shard %" PRId64 " of the history has lost rows", number);
}

static int feeds_get_shard(struct feeds *f, int64_t number, struct open_shard **out, struct err *e)
{
	struct open_shard *s = NULL, *oldest = &f->shard[0];

	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++) {
		if (f->shard[i].shard && f->shard[i].number == number)
			s = &f->shard[i];
		if (f->shard[i].used < oldest->used)
			oldest = &f->shard[i];
	}
	if (!s) {
		s = oldest;
		if (feeds_commit_shard(f, s, e) != 0)
			return -1;
		shard_close(s->shard);
		*s = (struct open_shard){.number = number};
		f->wanted = number;
		if (feeds_open_shard(f, s, number, e) != 0)
			return -1;
	}
	s->used = ++f->turn;
	*out = s;
	return 0;
}

int feeds_shard(struct feeds *f, int64_t number, struct open_shard **out, struct err *e)
{
	if (feeds_get_shard(f, number, out, e) != 0)
		return -1;
	if (!(*out)->begun && shard_begin((*out)->shard, e) != 0)
		return -1;
	(*out)->begun = true;
	return 0;
}

/* Said once a place, in the log and as an event of the capture, however often these bytes come. */
static int feed_say(struct feeds *f, const struct feed *feed, const char *text, struct err *e)
{
	log_warn("%s", text);
	if (feed->capture == 0)
		return 0;
	return catalog_put_event_once(f->catalog, feed->capture, clock_now_ns(), str_of("warn"),
				      str_of(text), e);
}

static int feed_take(struct feeds *f, struct feed *feed, const struct journal_record *r,
		     struct err *e)
{
	const enum taken got = record_take(f, feed, r, e);
	char text[256];

	if (got != TAKE_NONSENSE)
		return (int)got;
	(void)snprintf(text, sizeof(text),
		       "the journal of %.*s has a record before byte %" PRIu64
		       " that cannot be understood: left out",
		       f->host.len > 100 ? 100 : (int)f->host.len, f->host.p, r->next);
	return feed_say(f, feed, text, e);
}

/* --- bytes --- */

static struct str feed_key(const struct msg_feed *m, struct buf *key)
{
	buf_init(key, 2 * FEEDS_NAME_MAX + 2);
	(void)buf_add(key, m->host.p, m->host.len); /* their lengths are known */
	(void)buf_add_byte(key, 0);
	(void)buf_add(key, m->journal.p, m->journal.len);
	return (struct str){(const char *)key->data, key->len};
}

static void feeds_forget(struct feeds *f, const struct msg_feed *m)
{
	struct buf key;
	const struct str k = feed_key(m, &key);
	struct feed *feed = map_remove(f->feeds, k.p, k.len);

	if (feed)
		feed_free(feed);
	buf_release(&key);
}

static void feeds_forget_all(struct feeds *f)
{
	size_t iter = 0, len;
	const void *key;
	void *feed;

	while (map_next(f->feeds, &iter, &key, &len, &feed))
		feed_free(feed);
	map_free(f->feeds);
	f->feeds = map_new(FEEDS_JOURNALS_MAX);
}

static struct feed *feeds_get(struct feeds *f, const struct msg_feed *m, struct err *e)
{
	struct buf key;
	const struct str k = feed_key(m, &key);
	struct feed *feed = map_get(f->feeds, k.p, k.len);
	int64_t offset = 0;

	if (feed)
		goto out;
	if (map_count(f->feeds) == FEEDS_JOURNALS_MAX)
		feeds_forget_all(f); /* the catalog remembers them */
	feed = xcalloc(1, sizeof(*feed));
	buf_init(&feed->tail, FEEDS_TAIL_MAX);
	if (catalog_journal(f->catalog, m->host, m->journal, &offset, &feed->capture, e) != 0) {
		feed_free(feed);
		feed = NULL;
		goto out;
	}
	feed->offset = (uint64_t)offset;
	(void)map_put(f->feeds, k.p, k.len, feed); /* there is room */
out:
	buf_release(&key);
	return feed;
}

/* Where the bytes at `at` of the tail are no record: the place of the next whole one, or where to
 * go on looking with more bytes (the same place: nothing is wrong yet). */
static size_t feed_skip(const struct feed *feed, size_t at, int got, const struct journal_record *r)
{
	const size_t left = feed->tail.len - at;
	const uint64_t here = feed->offset + at;
	uint64_t next = r->next;

	if (left == 0)
		return at;
	if (got == 0) /* a length that lies waits for bytes that never come: a whole record behind
			 it shows it */
		next = journal_resync(feed->tail.data + at, left, here);
	if (next > here)
		return (size_t)(next - feed->offset);
	return got < 0 && left > FEEDS_RECORD_MAX ? feed->tail.len - FEEDS_RECORD_MAX : at;
}

/* Takes the whole records of the tail; how many bytes they were in *used. What stands before and
 * behind damage is kept. */
static int feed_records(struct feeds *f, struct feed *feed, size_t *used, struct err *e)
{
	char text[256];

	for (*used = 0;;) {
		const uint64_t here = feed->offset + *used;
		struct journal_record r;
		const int got = journal_get(feed->tail.data + *used, feed->tail.len - *used, here,
					    &r, NULL);
		size_t next;

		if (got == 1) {
			if (feed_take(f, feed, &r, e) != 0)
				return -1;
			*used = (size_t)(r.next - feed->offset);
			continue;
		}
		next = feed_skip(feed, *used, got, &r);
		if (next == *used)
			return 0;
		(void)snprintf(text, sizeof(text),
			       "the journal of %.*s is damaged at byte %" PRIu64
			       ": %zu bytes are left out",
			       f->host.len > 100 ? 100 : (int)f->host.len, f->host.p, here,
			       next - *used);
		if (feed_say(f, feed, text, e) != 0)
			return -1;
		*used = next;
	}
}

static int feed_apply(struct feeds *f, struct feed *feed, const struct msg_feed *m, struct err *e)
{
	size_t used = 0;

	f->connections = 0;
	if (catalog_begin(f->catalog, e) != 0 || feed_records(f, feed, &used, e) != 0)
		return -1;
	if (f->connections &&
	    catalog_put_connections(f->catalog, feed->capture, f->connections, e) != 0)
		return -1;
	if (feeds_commit_shards(f, e) != 0)
		return -1;
	if (catalog_put_journal(f->catalog, m->host, m->journal, (int64_t)(feed->offset + used),
				feed->capture, e) != 0 ||
	    catalog_commit(f->catalog, e) != 0)
		return -1;
	buf_consume(&feed->tail, used);
	feed->offset += used;
	return 0;
}

static int shown(struct str s)
{
	return s.len > 400 ? 400 : (int)s.len;
}

static int feed_continue(struct feed *feed, const struct msg_feed *m, struct err *e)
{
	if (m->offset == feed->offset)
		buf_clear(&feed->tail);
	if (m->offset != feed->offset + feed->tail.len || m->offset > INT64_MAX - m->bytes.len)
		return err_set(e, ERR_CALL,
			       "the journal %.*s goes on at %" PRIu64 ", not at %" PRIu64,
			       shown(m->journal), m->journal.p, feed->offset, m->offset);
	if (buf_add(&feed->tail, m->bytes.p, m->bytes.len) != 0)
		return err_set(e, ERR_CALL, "the journal %.*s comes in pieces that are too long",
			       shown(m->journal), m->journal.p);
	return 0;
}

int feeds_add(struct feeds *f, const struct msg_feed *m, struct err *e)
{
	struct feed *feed;

	if (m->host.len == 0 || m->host.len > FEEDS_NAME_MAX || m->journal.len == 0 ||
	    m->journal.len > FEEDS_NAME_MAX)
		return err_set(e, ERR_CALL, "a journal has a host and a name, of %u bytes at most",
			       FEEDS_NAME_MAX);
	feed = feeds_get(f, m, e);
	if (!feed || feed_continue(feed, m, e) != 0)
		return -1;
	f->host = m->host;
	f->wanted = 0;
	if (feed_apply(f, feed, m, e) == 0)
		return 0;
	feeds_rollback(f);
	feeds_forget(f, m); /* what it knew may have been rolled back: the catalog knows */
	if (f->wanted)
		(void)feeds_look(f, f->wanted, e);
	return -1;
}

/* --- sealing: a full shard gets its indexes when rows go elsewhere, a smaller one when little is
 * fed --- */

static int feeds_seal_shard(struct feeds *f, int64_t number, struct err *e)
{
	struct open_shard *s = NULL;
	int r = feeds_get_shard(f, number, &s, e);

	if (r == 0)
		r = shard_seal(s->shard, e);
	if (r != 0)
		return r;
	if (catalog_begin(f->catalog, e) != 0 || catalog_seal_shard(f->catalog, number, e) != 0 ||
	    catalog_commit(f->catalog, e) != 0) {
		catalog_rollback(f->catalog);
		return -1;
	}
	return 1;
}

int feeds_seal(struct feeds *f, bool resting, struct err *e)
{
	int64_t number = 0;

	if (catalog_full_shard(f->catalog, resting ? FEEDS_SEAL_ROWS : CATALOG_SHARD_ROWS,
			       resting ? 0 : f->wanted, &number, e) != 0)
		return -1;
	return number ? feeds_seal_shard(f, number, e) : 0;
}

/* --- a shard that is not what it was --- */

static void shard_put_aside(const char *path, int64_t now_ns)
{
	static const char *const ends[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char *from = xasprintf("%s%s", path, ends[i]);
		char *to = xasprintf("%s.damaged-%" PRId64 "%s", path, now_ns, ends[i]);

		(void)rename(from, to); /* what is not there, or stays, is in nobody's way: numbers
					   are not used again */
		free(from);
		free(to);
	}
}

static bool feeds_shard_lost(struct feeds *f, const char *path, int64_t number)
{
	struct shard *shard = NULL;
	int64_t rows = 0;
	bool lost;

	if (catalog_shard_rows(f->catalog, number, &rows, NULL) != 0)
		return false;
	if (access(path, F_OK) != 0)
		return rows > 0;
	if (sql_file_damaged(path))
		return true;
	if (shard_open(&shard, f->folder, number, NULL) != 0)
		return false;
	lost = shard_rows(shard) < rows;
	shard_close(shard);
	return lost;
}

int feeds_look(struct feeds *f, int64_t number, struct err *e)
{
	char *path = shard_path(f->folder, number);
	int r = 0;

	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++) {
		if (!f->shard[i].shard || f->shard[i].number != number)
			continue;
		shard_close(f->shard[i].shard);
		f->shard[i] = (struct open_shard){0};
	}
	if (!feeds_shard_lost(f, path, number))
		goto out;
	r = -1;
	if (catalog_begin(f->catalog, e) != 0 || catalog_lose_shard(f->catalog, number, e) != 0 ||
	    catalog_commit(f->catalog, e) != 0) {
		catalog_rollback(f->catalog);
		goto out;
	}
	shard_put_aside(path, clock_now_ns());
	feeds_forget_all(f);
	err_set(e, ERR_PART,
		"%s was damaged: it was put aside, and is made again from the journals", path);
	log_warn("%s", e ? e->text : path);
out:
	free(path);
	return r;
}
