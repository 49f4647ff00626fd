#include "pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sql.h"

#define PIECE_COLUMNS                                                                              \
	"duration_ns,kind,packets_ab,bytes_ab,packets_ba,bytes_ba,payload_ab,payload_ba,"          \
	"handshake_ns,retrans_ab,retrans_ba,segment,offset"

enum { PIECE_HANDSHAKE = 11 }; /* the place that may be null */

static const char first_sql[] = "SELECT start_ns,EXISTS(SELECT 1 FROM piece WHERE row=?1) FROM "
				"connection WHERE row=?1";
static const char copy_sql[] =
	"INSERT INTO piece(row,start_ns," PIECE_COLUMNS ") SELECT row,start_ns," PIECE_COLUMNS
	" FROM connection WHERE row=?1";
static const char put_sql[] = "INSERT OR REPLACE INTO piece(row,start_ns," PIECE_COLUMNS
			      ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)";
static const char all_sql[] =
	"SELECT "
	"p.start_ns,p.duration_ns,p.packets_ab,p.bytes_ab,p.packets_ba,p.bytes_ba,p.payload_ab,"
	"p.payload_ba,p.retrans_ab,p.retrans_ba,p.handshake_ns,p.segment,p.offset,"
	"k.proto,k.tunnel,k.state,k.app,k.initiator,k.history"
	" FROM piece p CROSS JOIN kind k ON k.id=p.kind WHERE p.row=?1 ORDER BY p.start_ns";

/* A word that was read from a row which is left. */
struct word {
	char text[PIECES_WORD_MAX];
	size_t len;
};

struct pieces {
	sqlite3 *db;
	sqlite3_stmt *first, *copy, *put, *all;
	struct word proto, tunnel, state, app, initiator, history;
};

int pieces_open(struct pieces **out, sqlite3 *db, struct err *e)
{
	struct pieces *p = xcalloc(1, sizeof(*p));

	p->db = db;
	p->first = sql_prepare(db, first_sql, e);
	p->copy = p->first ? sql_prepare(db, copy_sql, e) : NULL;
	p->put = p->copy ? sql_prepare(db, put_sql, e) : NULL;
	p->all = p->put ? sql_prepare(db, all_sql, e) : NULL;
	*out = p;
	if (p->all)
		return 0;
	pieces_close(p);
	*out = NULL;
	return -1;
}

void pieces_close(struct pieces *p)
{
	if (!p)
		return;
	sqlite3_finalize(p->first);
	sqlite3_finalize(p->copy);
	sqlite3_finalize(p->put);
	sqlite3_finalize(p->all);
	free(p);
}

/* --- sums --- */

static void word_add(struct word *w, struct str s, size_t max)
{
	const size_t room = max - w->len, n = s.len < room ? s.len : room;

	memcpy(w->text + w->len, s.p, n);
	w->len += n;
}

/* A later stay knows better, where it knows. */
static void word_set(struct word *w, struct str s)
{
	if (s.len == 0)
		return;
	w->len = 0;
	word_add(w, s, PIECES_WORD_MAX);
}

static struct str word_str(const struct word *w)
{
	return (struct str){w->text, w->len};
}

static void count_add(uint64_t *to, int64_t n)
{
	*to = *to > INT64_MAX - (uint64_t)n ? INT64_MAX : *to + (uint64_t)n;
}

/* One stay more, in the order of time: the columns of all_sql. */
static void piece_sum(struct pieces *p, struct msg_j_connection *sum, bool first)
{
	uint64_t *const counts[] = {&sum->packets_ab, &sum->bytes_ab,	&sum->packets_ba,
				    &sum->bytes_ba,   &sum->payload_ab, &sum->payload_ba,
				    &sum->retrans_ab, &sum->retrans_ba};
	const int64_t start_ns = sqlite3_column_int64(p->all, 0);
	const int64_t lasts_ns = sqlite3_column_int64(p->all, 1);
	int64_t end_ns;

	if (first) {
		sum->start_ns = start_ns;
		sum->segment = (uint32_t)sqlite3_column_int64(p->all, 11);
		sum->offset = (uint64_t)sqlite3_column_int64(p->all, 12);
	}
	end_ns = start_ns > INT64_MAX - lasts_ns ? INT64_MAX : start_ns + lasts_ns;
	if (__builtin_sub_overflow(end_ns, sum->start_ns, &end_ns))
		end_ns = INT64_MAX;
	if (end_ns > sum->duration_ns)
		sum->duration_ns = end_ns;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		count_add(counts[i], sqlite3_column_int64(p->all, 2 + (int)i));
	if (sum->handshake_ns < 0 && sqlite3_column_type(p->all, 10) == SQLITE_INTEGER)
		sum->handshake_ns = sqlite3_column_int64(p->all, 10);
	word_set(&p->proto, sql_text(p->all, 13));
	word_set(&p->tunnel, sql_text(p->all, 14));
	word_set(&p->state, sql_text(p->all, 15));
	word_set(&p->app, sql_text(p->all, 16));
	word_set(&p->initiator, sql_text(p->all, 17));
	word_add(&p->history, sql_text(p->all, 18), PIECES_HISTORY_MAX);
}

/* Addresses, ports and VLAN are those of the record: a connection does not change them. */
static int pieces_sum(struct pieces *p, int64_t row, const struct msg_j_connection *m,
		      struct msg_j_connection *sum, struct err *e)
{
	bool first = true;
	int rc;

	*sum = *m;
	sum->duration_ns = 0;
	sum->handshake_ns = -1;
	sum->packets_ab = sum->bytes_ab = sum->packets_ba = sum->bytes_ba = 0;
	sum->payload_ab = sum->payload_ba = sum->retrans_ab = sum->retrans_ba = 0;
	p->proto.len = p->tunnel.len = p->state.len = p->app.len = p->initiator.len =
		p->history.len = 0;
	sql_bind(p->all, "i", row);
	while ((rc = sqlite3_step(p->all)) == SQLITE_ROW) {
		piece_sum(p, sum, first);
		first = false;
	}
	sqlite3_reset(p->all);
	sum->proto = word_str(&p->proto);
	sum->tunnel = word_str(&p->tunnel);
	sum->state = word_str(&p->state);
	sum->app = word_str(&p->app);
	sum->initiator = word_str(&p->initiator);
	sum->history = word_str(&p->history);
	return rc == SQLITE_DONE ? 0 : sql_error(p->db, e);
}

/* --- stays --- */

static int piece_put(struct pieces *p, int64_t row, int64_t kind, const struct msg_j_connection *m,
		     struct err *e)
{
	sql_bind(p->put, "iiiiiiiiiiiiiii", row, m->start_ns, m->duration_ns, kind,
		 sql_count(m->packets_ab), sql_count(m->bytes_ab), sql_count(m->packets_ba),
		 sql_count(m->bytes_ba), sql_count(m->payload_ab), sql_count(m->payload_ba),
		 m->handshake_ns, sql_count(m->retrans_ab), sql_count(m->retrans_ba),
		 (int64_t)m->segment, sql_count(m->offset));
	if (m->handshake_ns < 0)
		sqlite3_bind_null(p->put, PIECE_HANDSHAKE);
	return sql_run(p->db, p->put, e);
}

int pieces_add(struct pieces *p, int64_t row, int64_t kind, const struct msg_j_connection *m,
	       struct msg_j_connection *sum, struct err *e)
{
	bool several = false, same = false;
	int rc;

	sql_bind(p->first, "i", row);
	rc = sqlite3_step(p->first);
	if (rc == SQLITE_ROW) {
		same = sqlite3_column_int64(p->first, 0) == m->start_ns;
		several = sqlite3_column_int(p->first, 1) != 0;
	}
	sqlite3_reset(p->first);
	if (rc != SQLITE_ROW)
		return sql_error(p->db, e);
	if (same && !several)
		return 0;
	sql_bind(p->copy, "i", row);
	if (!several && sql_run(p->db, p->copy, e) != 0)
		return -1;
	if (piece_put(p, row, kind, m, e) != 0 || pieces_sum(p, row, m, sum, e) != 0)
		return -1;
	return 1;
}
