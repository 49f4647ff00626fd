#include "feed_take.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/xalloc.h"
#include "totals.h"

/* A payload that cannot be decoded is no failure of ours. */
static enum taken taken(int decoded, int put)
{
	if (decoded != 0)
		return TAKE_NONSENSE;
	return put != 0 ? TAKE_FAILED : TAKE_DONE;
}

static enum taken take_capture(struct feeds *f, struct feed *feed, const struct journal_record *r,
			       struct err *e)
{
	struct msg_j_capture m;
	int64_t id = 0;

	if (msg_get_j_capture(r->payload, r->len, &m, e) != 0)
		return TAKE_NONSENSE;
	if (catalog_capture(f->catalog, f->host, m.capture, &id, e) != 0 ||
	    catalog_put_capture(f->catalog, id, &m, e) != 0 || catalog_settle(f->catalog, e) != 0)
		return TAKE_FAILED;
	if (id > SHARD_CAPTURE_MAX) {
		err_set(e, ERR_PART,
			"the history holds no more than %" PRId64 " captures: begin another one",
			SHARD_CAPTURE_MAX);
		return TAKE_FAILED;
	}
	feed->shard = feed->capture == id ? feed->shard : 0;
	feed->capture = id;
	return TAKE_DONE;
}

static enum taken take_connection(struct feeds *f, struct feed *feed,
				  const struct journal_record *r, struct err *e)
{
	struct msg_j_connection m;
	struct open_shard *s = NULL;
	enum shard_put put;
	int64_t part;

	if (msg_get_j_connection(r->payload, r->len, &m, e) != 0 || m.id > SHARD_ID_MAX)
		return TAKE_NONSENSE;
	part = (int64_t)(m.id >> SHARD_PART_BITS);
	if (feed->shard == 0 || feed->part != part) {
		feed->shard = 0;
		if (catalog_shard(f->catalog, feed->capture, part, &feed->shard, e) != 0 ||
		    catalog_settle(f->catalog, e) != 0)
			return TAKE_FAILED;
		feed->part = part;
	}
	if (feeds_shard(f, feed->shard, &s, e) != 0)
		return TAKE_FAILED;
	f->wanted = feed->shard;
	put = shard_put(s->shard, feed->capture, &m, e);
	if (put == SHARD_TAKEN && (int64_t)m.id > f->connections)
		f->connections = (int64_t)m.id;
	return (enum taken)put;
}

static enum taken take_segment(struct feeds *f, struct feed *feed, const struct journal_record *r,
			       struct err *e)
{
	struct msg_j_segment m;
	const int decoded = msg_get_j_segment(r->payload, r->len, &m, e);

	return taken(decoded,
		     decoded == 0 ? catalog_put_segment(f->catalog, feed->capture, &m, e) : 0);
}

static enum taken take_second(struct feeds *f, struct feed *feed, const struct journal_record *r,
			      struct err *e)
{
	struct msg_j_second m;
	const int decoded = msg_get_j_second(r->payload, r->len, &m, e);

	if (decoded == 0 &&
	    totals_put_session(catalog_totals(f->catalog), feed->capture, &m, e) != 0)
		return TAKE_FAILED;
	return taken(decoded,
		     decoded == 0 ? catalog_put_totals(f->catalog, feed->capture, &m, e) : 0);
}

static enum taken take_counter(struct feeds *f, struct feed *feed, const struct journal_record *r,
			       struct err *e)
{
	struct msg_j_counter m;
	const int decoded = msg_get_j_counter(r->payload, r->len, &m, e);

	return taken(decoded, decoded == 0 ? totals_put_counter(catalog_totals(f->catalog),
								feed->capture, &m, e)
					   : 0);
}

static enum taken take_end(struct feeds *f, struct feed *feed, const struct journal_record *r,
			   struct err *e)
{
	struct msg_j_end m;
	const int decoded = msg_get_j_end(r->payload, r->len, &m, e);

	return taken(decoded, decoded == 0 ? catalog_put_end(f->catalog, feed->capture, &m, e) : 0);
}

static enum taken put_event(struct feeds *f, const struct feed *feed, int64_t time_ns,
			    struct str severity, struct str sentence, struct err *e)
{
	return taken(0,
		     catalog_put_event(f->catalog, feed->capture, time_ns, severity, sentence, e));
}

static enum taken take_event(struct feeds *f, struct feed *feed, const struct journal_record *r,
			     struct err *e)
{
	struct msg_j_event m;

	if (msg_get_j_event(r->payload, r->len, &m, e) != 0)
		return TAKE_NONSENSE;
	return put_event(f, feed, m.time_ns, m.severity, m.sentence, e);
}

static int shown(struct str s)
{
	return s.len > 400 ? 400 : (int)s.len;
}

static enum taken take_gap(struct feeds *f, struct feed *feed, const struct journal_record *r,
			   struct err *e)
{
	struct msg_j_gap m;
	char text[1024];

	if (msg_get_j_gap(r->payload, r->len, &m, e) != 0)
		return TAKE_NONSENSE;
	(void)snprintf(text, sizeof(text),
		       "gap on %.*s for %.3f s: %.*s (%" PRIu64 " packets lost)", shown(m.where),
		       m.where.p, ((double)m.to_ns - (double)m.from_ns) / 1e9, shown(m.why),
		       m.why.p, m.lost);
	return put_event(f, feed, m.from_ns, str_of("warn"), str_of(text), e);
}

static enum taken take_filter(struct feeds *f, struct feed *feed, const struct journal_record *r,
			      struct err *e)
{
	struct msg_j_filter m;
	char text[2048];

	if (msg_get_j_filter(r->payload, r->len, &m, e) != 0)
		return TAKE_NONSENSE;
	(void)snprintf(text, sizeof(text),
		       "filter%s%.*s changed from '%.*s' to '%.*s' after %" PRIu64 " packets",
		       m.counter.len ? " of " : "", shown(m.counter), m.counter.p, shown(m.before),
		       m.before.p, shown(m.after), m.after.p, m.packets);
	return put_event(f, feed, m.time_ns, str_of("note"), str_of(text), e);
}

static enum taken take_own(struct feeds *f, struct feed *feed, const struct journal_record *r,
			   struct err *e)
{
	struct msg_j_own m;
	char text[1024];

	if (msg_get_j_own(r->payload, r->len, &m, e) != 0)
		return TAKE_NONSENSE;
	(void)snprintf(text, sizeof(text),
		       "own traffic %.*s: %.*s (%" PRIu64 " packets left out so far)", shown(m.op),
		       m.op.p, shown(m.connection), m.connection.p, m.packets);
	return put_event(f, feed, m.time_ns, str_of("note"), str_of(text), e);
}

static const struct {
	uint16_t type;
	enum taken (*take)(struct feeds *f, struct feed *feed, const struct journal_record *r,
			   struct err *e);
} takers[] = {
	{MSG_J_CAPTURE, take_capture}, {MSG_J_CONNECTION, take_connection},
	{MSG_J_SEGMENT, take_segment}, {MSG_J_SECOND, take_second},
	{MSG_J_END, take_end},	       {MSG_J_EVENT, take_event},
	{MSG_J_GAP, take_gap},	       {MSG_J_FILTER, take_filter},
	{MSG_J_OWN, take_own},	       {MSG_J_COUNTER, take_counter},
};

enum taken record_take(struct feeds *f, struct feed *feed, const struct journal_record *r,
		       struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
		if (takers[i].type != r->type)
			continue;
		/* Without its first record nobody knows what capture it is of. */
		return r->type == MSG_J_CAPTURE || feed->capture != 0
			       ? takers[i].take(f, feed, r, e)
			       : TAKE_NONSENSE;
	}
	return TAKE_DONE;
}
