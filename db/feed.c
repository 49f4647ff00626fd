#include "feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "shard.h"

#define FEEDS_JOURNALS_MAX 65536u /* journals with a begun record in memory */
#define FEEDS_SHARDS_OPEN 4u
#define FEEDS_TAIL_MAX (2u * JOURNAL_RECORD_MAX)

/* A journal that is being taken up: what is behind its last whole record. */
struct feed {
	uint64_t offset; /* of tail's first byte */
	int64_t capture;
	struct buf tail;
};

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
	struct str host; /* of the bytes that are being added */
	int64_t connections; /* the highest number met, 0 none */
};

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

static int feeds_shard(struct feeds *f, int64_t number, struct open_shard **out, struct err *e)
{
	struct open_shard *s = NULL, *oldest = NULL;

	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++) {
		if (f->shard[i].shard && f->shard[i].number == number)
			s = &f->shard[i];
		if (!f->shard[i].begun && (!oldest || f->shard[i].used < oldest->used))
			oldest = &f->shard[i];
	}
	if (!s) {
		s = oldest;
		if (!s)
			return err_set(e, ERR_REFUSED, "history: too many shards in one piece of a journal");
		shard_close(s->shard);
		*s = (struct open_shard){.number = number};
		if (shard_open(&s->shard, f->folder, number, e) != 0)
			return -1;
	}
	if (!s->begun && shard_begin(s->shard, e) != 0)
		return -1;
	s->begun = true;
	s->used = ++f->turn;
	*out = s;
	return 0;
}

static int feeds_commit_shards(struct feeds *f, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++) {
		struct open_shard *s = &f->shard[i];
		int64_t min_ns, max_ns;

		if (!s->begun)
			continue;
		s->begun = false;
		if (shard_commit(s->shard, e) != 0) {
			r = -1;
			continue;
		}
		shard_times(s->shard, &min_ns, &max_ns);
		if (min_ns <= max_ns && catalog_put_shard(f->catalog, s->number, min_ns, max_ns, shard_rows(s->shard), e) != 0)
			r = -1;
	}
	return r;
}

static void feeds_rollback(struct feeds *f)
{
	for (size_t i = 0; i < FEEDS_SHARDS_OPEN; i++) {
		if (f->shard[i].begun)
			shard_rollback(f->shard[i].shard);
		f->shard[i].begun = false;
	}
	catalog_rollback(f->catalog);
}

/* --- records --- */

static int take_capture(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_capture m;

	if (msg_get_j_capture(r->payload, r->len, &m, e) != 0 ||
	    catalog_capture(f->catalog, f->host, m.capture, &feed->capture, e) != 0)
		return -1;
	return catalog_put_capture(f->catalog, feed->capture, &m, e);
}

static int take_connection(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_connection m;
	struct open_shard *s = NULL;
	int64_t number = 0;

	if (msg_get_j_connection(r->payload, r->len, &m, e) != 0)
		return -1;
	if (catalog_shard(f->catalog, feed->capture, (int64_t)(m.id >> SHARD_PART_BITS), &number, e) != 0 ||
	    feeds_shard(f, number, &s, e) != 0)
		return -1;
	if ((int64_t)m.id > f->connections)
		f->connections = (int64_t)m.id;
	return shard_put(s->shard, feed->capture, &m, e);
}

static int take_segment(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_segment m;

	return msg_get_j_segment(r->payload, r->len, &m, e) != 0 ? -1 : catalog_put_segment(f->catalog, feed->capture, &m, e);
}

static int take_second(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_second m;

	return msg_get_j_second(r->payload, r->len, &m, e) != 0 ? -1 : catalog_put_totals(f->catalog, feed->capture, &m, e);
}

static int take_end(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_end m;

	return msg_get_j_end(r->payload, r->len, &m, e) != 0 ? -1 : catalog_put_end(f->catalog, feed->capture, &m, e);
}

static int take_event(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_event m;

	if (msg_get_j_event(r->payload, r->len, &m, e) != 0)
		return -1;
	return catalog_put_event(f->catalog, feed->capture, m.time_ns, m.severity, m.sentence, e);
}

static int put_sentence(struct feeds *f, int64_t capture, int64_t time_ns, const char *severity, const char *sentence, struct err *e)
{
	return catalog_put_event(f->catalog, capture, time_ns, str_of(severity), str_of(sentence), e);
}

static int take_gap(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_gap m;
	char text[512];

	if (msg_get_j_gap(r->payload, r->len, &m, e) != 0)
		return -1;
	(void)snprintf(text, sizeof(text), "gap on %.*s for %.3f s: %.*s (%" PRIu64 " packets lost)", (int)m.where.len, m.where.p,
		       (double)(m.to_ns - m.from_ns) / 1e9, (int)m.why.len, m.why.p, m.lost);
	return put_sentence(f, feed->capture, m.from_ns, "warn", text, e);
}

static int take_filter(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_filter m;
	char text[1024];

	if (msg_get_j_filter(r->payload, r->len, &m, e) != 0)
		return -1;
	(void)snprintf(text, sizeof(text), "filter%s%.*s changed from '%.*s' to '%.*s' after %" PRIu64 " packets", m.counter.len ? " of " : "",
		       (int)m.counter.len, m.counter.p, (int)m.before.len, m.before.p, (int)m.after.len, m.after.p, m.packets);
	return put_sentence(f, feed->capture, m.time_ns, "note", text, e);
}

static int take_own(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	struct msg_j_own m;
	char text[512];

	if (msg_get_j_own(r->payload, r->len, &m, e) != 0)
		return -1;
	(void)snprintf(text, sizeof(text), "own traffic %.*s: %.*s (%" PRIu64 " packets left out so far)", (int)m.op.len, m.op.p,
		       (int)m.connection.len, m.connection.p, m.packets);
	return put_sentence(f, feed->capture, m.time_ns, "note", text, e);
}

static const struct {
	uint16_t type;
	int (*take)(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e);
} takers[] = {
	{MSG_J_CAPTURE, take_capture}, {MSG_J_CONNECTION, take_connection}, {MSG_J_SEGMENT, take_segment}, {MSG_J_SECOND, take_second},
	{MSG_J_END, take_end},	       {MSG_J_EVENT, take_event},	    {MSG_J_GAP, take_gap},	   {MSG_J_FILTER, take_filter},
	{MSG_J_OWN, take_own},
};

/* Other records are for later readers of the journal: passed over. A damaged payload is said and passed over too. */
static int feed_take(struct feeds *f, struct feed *feed, const struct journal_record *r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
		if (takers[i].type != r->type)
			continue;
		if (r->type != MSG_J_CAPTURE && feed->capture == 0)
			return err_set(e, ERR_PART, "the journal does not say which capture it is of");
		return takers[i].take(f, feed, r, e);
	}
	return 0;
}

/* --- bytes --- */

static struct feed *feeds_get(struct feeds *f, const struct msg_feed *m, struct err *e)
{
	char *key = xasprintf("%.*s\n%.*s", (int)m->host.len, m->host.p, (int)m->journal.len, m->journal.p);
	struct feed *feed = map_get(f->feeds, key, strlen(key));
	int64_t offset = 0;

	if (feed)
		goto out;
	feed = xcalloc(1, sizeof(*feed));
	buf_init(&feed->tail, FEEDS_TAIL_MAX);
	if (catalog_journal(f->catalog, m->host, m->journal, &offset, &feed->capture, e) != 0 ||
	    map_put(f->feeds, key, strlen(key), feed) != 0) {
		feed_free(feed);
		feed = NULL;
		err_wrap(e, "history of %.*s", (int)m->host.len, m->host.p);
	} else {
		feed->offset = (uint64_t)offset;
	}
out:
	free(key);
	return feed;
}

/* Takes the whole records of the tail; how many bytes they were in *used. Where the journal is damaged, what stands before
 * the damage is kept. */
static int feed_records(struct feeds *f, struct feed *feed, size_t *used, bool *damaged, struct err *e)
{
	struct journal_record r;
	int got;

	*used = 0;
	while ((got = journal_get(feed->tail.data + *used, feed->tail.len - *used, feed->offset + *used, &r, e)) == 1) {
		if (feed_take(f, feed, &r, e) != 0)
			return -1;
		*used = (size_t)(r.next - feed->offset);
	}
	*damaged = got < 0;
	return 0;
}

static int feed_apply(struct feeds *f, struct feed *feed, const struct msg_feed *m, struct err *e)
{
	struct err damage = {0};
	bool damaged = false;
	size_t used = 0;

	f->connections = 0;
	if (catalog_begin(f->catalog, e) != 0 || feed_records(f, feed, &used, &damaged, &damage) != 0) {
		if (damage.code)
			*e = damage;
		return -1;
	}
	if (f->connections && catalog_put_connections(f->catalog, feed->capture, f->connections, e) != 0)
		return -1;
	if (feeds_commit_shards(f, e) != 0)
		return -1;
	if (catalog_put_journal(f->catalog, m->host, m->journal, (int64_t)(feed->offset + used), feed->capture, e) != 0 ||
	    catalog_commit(f->catalog, e) != 0)
		return -1;
	buf_consume(&feed->tail, used);
	feed->offset += used;
	if (damaged)
		*e = damage;
	return damaged ? -1 : 0;
}

int feeds_add(struct feeds *f, const struct msg_feed *m, struct err *e)
{
	struct feed *feed = feeds_get(f, m, e);
	uint64_t end;

	if (!feed)
		return -1;
	if (m->offset == feed->offset)
		buf_clear(&feed->tail);
	end = feed->offset + feed->tail.len;
	if (m->offset != end)
		return err_set(e, ERR_CALL, "the journal %.*s goes on at %" PRIu64 ", not at %" PRIu64, (int)m->journal.len, m->journal.p,
			       feed->offset, m->offset);
	if (buf_add(&feed->tail, m->bytes.p, m->bytes.len) != 0) {
		buf_clear(&feed->tail);
		return err_set(e, ERR_PART, "the journal %.*s holds a record that is too long", (int)m->journal.len, m->journal.p);
	}
	f->host = m->host;
	if (feed_apply(f, feed, m, e) == 0)
		return 0;
	feeds_rollback(f);
	buf_clear(&feed->tail);
	return -1;
}
