#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "plan_where.h"
#include "shard.h"
#include "sql.h"
#include "tables.h"

#define MATCH_BYTES_MAX 4096u /* of a text that a regular expression looks at, as in filters */

static int64_t minus(int64_t ns, int64_t less_ns)
{
	return ns < INT64_MIN + less_ns ? INT64_MIN : ns - less_ns;
}

static int64_t tick(int64_t ns)
{
	return ns >> SHARD_TICK_BITS;
}

struct making {
	struct plan *p;
	const struct question *q;
	const struct plan_scope *scope;
	const struct filter_node *drive;
	bool by_time;	     /* not by the one capture that is meant */
	const char *columns; /* that an arm gives */
	bool cut;	     /* nothing that began in an earlier tick than `cut` says */
	struct err *e;
};

/* --- one arm: the rows that one index leads to --- */

static int put_where(struct making *m)
{
	plan_text(m->p, " AND ");
	if (where_filter(m->p, filter_root(m->q->filter), m->e) != 0)
		return -1;
	if (m->q->to_ns != INT64_MAX) {
		plan_text(m->p, " AND c.start_ns<=");
		plan_int(m->p, m->q->to_ns);
	}
	if (m->q->from_ns != INT64_MIN) {
		plan_text(m->p, " AND c.start_ns+c.duration_ns>=");
		plan_int(m->p, m->q->from_ns);
	}
	if (m->scope->newer_ns != INT64_MIN) {
		plan_text(m->p, " AND c.start_ns>=");
		plan_int(m->p, m->scope->newer_ns);
	}
	if (m->scope->only) {
		plan_text(m->p, " AND (c.row>>16) IN (SELECT id FROM slot WHERE capture=");
		plan_int(m->p, m->scope->only);
		plan_text(m->p, ")");
	} else if (*m->scope->captures) {
		plan_text(m->p, " AND (c.row>>16) IN (SELECT id FROM slot WHERE capture IN "
				"(SELECT value FROM json_each(");
		plan_str(m->p, str_of(m->scope->captures));
		plan_text(m->p, ")))");
	}
	return 0;
}

/* What began an hour before the window and earlier is in it only if it is long: the index of those
 * has it. The times are here as the indexes have them. */
static void put_ticks(struct making *m)
{
	const int64_t any_ns = INT64_MIN;
	int64_t from_ns =
		m->q->from_ns == INT64_MIN ? INT64_MIN : minus(m->q->from_ns, SHARD_LONG_NS);

	if (m->scope->newer_ns > from_ns)
		from_ns = m->scope->newer_ns;
	if (m->cut) {
		plan_text(m->p, " AND c.tick>=(SELECT tick FROM cut)");
	} else if (from_ns != any_ns || !m->drive) {
		plan_text(m->p, " AND c.tick>=");
		plan_int(m->p, tick(from_ns));
	}
	if (m->q->to_ns != INT64_MAX) {
		plan_text(m->p, " AND c.tick<=");
		plan_int(m->p, tick(m->q->to_ns));
	}
}

static int put_long_arm(struct making *m)
{
	(void)buf_printf(&m->p->sql,
			 " UNION ALL SELECT %s FROM connection c INDEXED BY connection_long WHERE "
			 "c.duration_ns>" SHARD_LONG_SQL " AND c.tick<",
			 m->columns);
	plan_int(m->p, tick(minus(m->q->from_ns, SHARD_LONG_NS)));
	plan_text(m->p, m->cut ? " AND c.tick>=(SELECT tick FROM cut)" : "");
	return put_where(m);
}

static const char *index_of(int column)
{
	const char *name = connection_sql[column].name;

	if (strcmp(name, "addr_a") == 0)
		return "connection_a";
	if (strcmp(name, "addr_b") == 0)
		return "connection_b";
	return strcmp(name, "port_a") == 0 ? "connection_pa" : "connection_pb";
}

/* `but`: not the rows that an arm before had by this column; -1: none had. */
static int put_drive_arm(struct making *m, int column, int but)
{
	(void)buf_printf(&m->p->sql, "SELECT %s FROM connection c INDEXED BY %s WHERE ", m->columns,
			 index_of(column));
	where_drive_term(m->p, m->drive, column);
	if (but >= 0) {
		plan_text(m->p, " AND NOT coalesce(+");
		where_drive_term(m->p, m->drive, but);
		plan_text(m->p, ",0)");
	}
	put_ticks(m);
	return put_where(m);
}

static int put_capture_arm(struct making *m)
{
	(void)buf_printf(
		&m->p->sql,
		"SELECT %s FROM slot p CROSS JOIN connection c NOT INDEXED WHERE p.capture=",
		m->columns);
	plan_int(m->p, m->scope->only);
	plan_text(m->p, " AND c.row BETWEEN p.id<<16 AND (p.id<<16)+65535");
	return put_where(m);
}

static int put_time_arm(struct making *m)
{
	(void)buf_printf(&m->p->sql, "SELECT %s FROM connection c INDEXED BY connection_t WHERE 1",
			 m->columns);
	put_ticks(m);
	return put_where(m);
}

/* Without an index a port that would have driven it stands in front: it leaves few rows to the
 * rest. */
static void put_drive_first(struct making *m)
{
	const struct filter_node *d = m->drive;

	if (!d || connection_sql[d->column].addr)
		return;
	plan_text(m->p, " AND (");
	where_drive_term(m->p, d, d->column);
	if (d->column_b >= 0) {
		plan_text(m->p, " OR ");
		where_drive_term(m->p, d, d->column_b);
	}
	plan_text(m->p, ")");
}

static int put_whole_arm(struct making *m)
{
	(void)buf_printf(&m->p->sql, "SELECT %s FROM connection c NOT INDEXED WHERE 1", m->columns);
	put_drive_first(m);
	return put_where(m);
}

static int put_arms(struct making *m)
{
	const struct filter_node *d = m->drive;

	if (m->scope->only && !m->by_time && (!d || m->scope->open))
		return put_capture_arm(m);
	if (m->scope->open)
		return put_whole_arm(m);
	if ((d ? put_drive_arm(m, d->column, -1) : put_time_arm(m)) != 0)
		return -1;
	if (d && d->column_b >= 0) {
		plan_text(m->p, " UNION ALL ");
		if (put_drive_arm(m, d->column_b, d->column) != 0)
			return -1;
	}
	return m->q->from_ns == INT64_MIN ? 0 : put_long_arm(m);
}

/* --- shapes --- */

/* A column as a value: an address by its bytes, a word by its letters. */
static void put_cell(struct plan *p, int column)
{
	const struct column_sql *c = &connection_sql[column];

	if (c->word)
		(void)buf_printf(&p->sql, "(SELECT %s FROM kind k WHERE k.id=%s)", c->word, c->sql);
	else
		(void)buf_printf(&p->sql, c->addr ? "(SELECT ip FROM addr WHERE id=%s)" : "%s",
				 c->sql);
}

/* In another order than that of time all rows are sorted. */
static int put_sorted(struct making *m)
{
	const int sort = m->q->sort;
	const bool addr = connection_sql[sort].addr;

	plan_text(m->p, "SELECT * FROM (");
	if (put_arms(m) != 0)
		return -1;
	plan_text(m->p, addr ? ") c ORDER BY addr_rank(" : ") c ORDER BY ");
	put_cell(m->p, sort);
	plan_text(m->p, addr ? ")" : "");
	plan_text(m->p, m->q->descending ? " DESC,c.start_ns DESC" : ",c.start_ns DESC");
	return 0;
}

/* Without an index, but for the numbers of rows: from the newest number on, since most rows so come
 * in the order that is wanted, and few are put in and pushed out again. Only what is shown at last
 * is read whole. */
static int put_through(struct making *m)
{
	plan_text(m->p, "SELECT c.* FROM (SELECT row FROM (");
	m->columns = "c.row,c.start_ns";
	if (put_arms(m) != 0)
		return -1;
	plan_text(m->p, " ORDER BY c.row DESC LIMIT -1) ORDER BY start_ns DESC LIMIT ");
	plan_int(m->p, m->q->limit + 1);
	plan_text(m->p, ") r CROSS JOIN connection c NOT INDEXED WHERE c.row=r.row");
	return 0;
}

/* The arms merge as they come, in the order of ticks; within a tick they are sorted. Where an arm
 * goes through its index for many values that order is lost: the tick behind which enough rows lie
 * is found first, in the indexes alone. */
static int put_newest(struct making *m)
{
	const struct filter_node *d = m->drive;

	if (d && (d->nvalues > 1 || d->values[0].is_net || d->values[0].is_range)) {
		plan_text(m->p, "WITH cut AS MATERIALIZED (SELECT coalesce((SELECT tick FROM (");
		m->columns = "c.tick";
		if (put_arms(m) != 0)
			return -1;
		plan_text(m->p, ") ORDER BY tick DESC LIMIT 1 OFFSET ");
		plan_int(m->p, m->q->limit);
		plan_text(m->p, "),");
		plan_int(m->p, tick(INT64_MIN));
		plan_text(m->p, ") tick) ");
		m->columns = "c.*";
		m->cut = true;
	}
	if (put_arms(m) != 0)
		return -1;
	plan_text(m->p, " ORDER BY tick DESC,start_ns DESC");
	return 0;
}

static int put_rows(struct making *m)
{
	int r;

	m->by_time = m->by_time || (m->scope->wide && !m->scope->open && m->q->sort < 0);
	if (m->q->sort < 0 && (m->scope->open || (m->scope->only && !m->drive && !m->by_time)))
		return put_through(m);
	r = m->q->sort < 0 ? put_newest(m) : put_sorted(m);
	plan_text(m->p, " LIMIT ");
	plan_int(m->p, m->q->limit + 1);
	return r;
}

/* The table's columns in their order; what a shard does not have is null, but for the path: the
 * segment's number. */
static void put_row_columns(struct plan *p)
{
	for (int i = 0; connection_sql[i].name; i++) {
		const struct column_sql *c = &connection_sql[i];

		plan_text(p, i ? "," : "SELECT ");
		plan_text(p, c->addr			    ? c->addr
			     : c->word			    ? c->word
			     : c->sql			    ? c->sql
			     : strcmp(c->name, "path") == 0 ? "c.segment"
							    : "NULL");
	}
	plan_text(p, " FROM rows c CROSS JOIN addr x ON x.id=c.a CROSS JOIN addr y ON y.id=c.b"
		     " CROSS JOIN kind k ON k.id=c.kind");
}

/* The keys as a shard has them, for sums.c: numbers of addresses and words, A's where a key is
 * either end's. */
static void put_top(struct plan *p, const struct question *q)
{
	plan_text(p, "SELECT ");
	for (int i = 0; i < q->keys; i++)
		(void)buf_printf(&p->sql, "%s,",
				 q->key[i] == QUESTION_KEY_EITHER ? "c.a"
								  : connection_sql[q->key[i]].sql);
	plan_text(p, "c.bytes_ab+c.bytes_ba,c.packets_ab+c.packets_ba,c.a,c.b FROM rows c");
}

/* What the shape needs of each row: SQLite hands on every column that is named. */
static const char *columns_of(const struct question *q, enum plan_shape shape)
{
	if (shape == PLAN_CAPTURES)
		return "c.row";
	if (shape == PLAN_COUNT)
		return "c.packets_ab,c.packets_ba,c.bytes_ab,c.bytes_ba,c.start_ns";
	if (shape == PLAN_TOP && q->keys == 1 &&
	    (q->key[0] == QUESTION_KEY_EITHER || connection_sql[q->key[0]].addr))
		return "c.a,c.b,c.packets_ab,c.packets_ba,c.bytes_ab,c.bytes_ba";
	return "c.*";
}

static void put_head(struct plan *p, const struct question *q, enum plan_shape shape)
{
	switch (shape) {
	case PLAN_ROWS:
		put_row_columns(p);
		break;
	case PLAN_CAPTURES:
		plan_text(p, "SELECT DISTINCT p.capture FROM (SELECT DISTINCT row>>16 slot FROM "
			     "rows) r CROSS JOIN slot p ON p.id=r.slot");
		break;
	case PLAN_COUNT:
		plan_text(p, "SELECT "
			     "count(*),total(packets_ab+packets_ba),total(bytes_ab+bytes_ba),min("
			     "start_ns),max(start_ns)"
			     " FROM rows");
		break;
	case PLAN_TOP:
		put_top(p, q);
		break;
	}
}

int plan_make(struct plan *p, const struct question *q, enum plan_shape shape,
	      const struct plan_scope *scope, struct err *e)
{
	struct making m = {.p = p,
			   .q = q,
			   .scope = scope,
			   .drive = where_drive(filter_root(q->filter)),
			   .by_time = scope->wide && !scope->open && q->from_ns != INT64_MIN,
			   .columns = columns_of(q, shape),
			   .e = e};

	memset(p, 0, sizeof(*p));
	buf_init(&p->sql, PLAN_SQL_MAX);
	p->bind = xcalloc(PLAN_BINDS_MAX, sizeof(*p->bind));
	plan_text(p, "WITH rows AS NOT MATERIALIZED (");
	if ((shape == PLAN_ROWS ? put_rows(&m) : put_arms(&m)) != 0)
		return -1;
	plan_text(p, ") ");
	put_head(p, q, shape);
	if (p->binds == PLAN_BINDS_MAX || p->sql.len + 4096 > PLAN_SQL_MAX)
		return err_at(e, 0, "the question names too many values: ask for less at once");
	return 0;
}

void plan_release(struct plan *p)
{
	buf_release(&p->sql);
	free(p->bind);
	p->bind = NULL;
}

/* --- functions of the SQL --- */

static bool ip_addr(const uint8_t *ip, int bytes, struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*a = (struct addr){0};
	if (!ip || bytes != 16)
		return false;
	a->family = memcmp(ip, mapped, sizeof(mapped)) == 0 ? ADDR_IP4 : ADDR_IP6;
	memcpy(a->bytes, a->family == ADDR_IP4 ? ip + 12 : ip, a->family == ADDR_IP4 ? 4 : 16);
	return true;
}

static void match_text(sqlite3_value *value, enum kind kind, struct buf *text)
{
	struct value v = value_null();
	struct addr a;

	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		v = value_int(sqlite3_value_int64(value));
		break;
	case SQLITE_FLOAT:
		v = value_real(sqlite3_value_double(value));
		break;
	case SQLITE_TEXT:
		(void)buf_add(text, sqlite3_value_text(value),
			      (size_t)sqlite3_value_bytes(value) < MATCH_BYTES_MAX
				      ? (size_t)sqlite3_value_bytes(value)
				      : MATCH_BYTES_MAX);
		return;
	case SQLITE_BLOB:
		if (ip_addr(sqlite3_value_blob(value), sqlite3_value_bytes(value), &a))
			v = value_addr(&a);
		break;
	default:
		break;
	}
	value_print_raw(text, kind, &v);
}

/* match(N, value): as a filter matches the cell. An unknown matches nothing. */
static void sql_match(sqlite3_context *context, int count, sqlite3_value **value)
{
	const struct plan *p = sqlite3_user_data(context);
	const int n = sqlite3_value_int(value[0]);
	struct buf text;
	regmatch_t range;
	bool yes = false;

	(void)count;
	if (sqlite3_value_type(value[1]) != SQLITE_NULL && n >= 0 && n < p->matches) {
		buf_init(&text, MATCH_BYTES_MAX);
		match_text(value[1], p->match[n].kind, &text);
		range = (regmatch_t){.rm_so = 0, .rm_eo = (regoff_t)text.len};
		yes = regexec(p->match[n].node->regex, buf_str(&text), 1, &range, REG_STARTEND) ==
		      0;
		buf_release(&text);
	}
	sqlite3_result_int(context, yes);
}

/* addr_rank(ip): bytes that sort as addresses do, the family first. */
static void sql_rank(sqlite3_context *context, int count, sqlite3_value **value)
{
	const uint8_t *ip = sqlite3_value_blob(value[0]);
	uint8_t rank[17];
	struct addr a;

	(void)count;
	if (!ip_addr(ip, sqlite3_value_bytes(value[0]), &a))
		return;
	rank[0] = a.family;
	memcpy(rank + 1, ip, 16);
	sqlite3_result_blob(context, rank, sizeof(rank), SQLITE_TRANSIENT);
}

static void plan_bind_all(const struct plan *p, sqlite3_stmt *s)
{
	for (int i = 0; i < p->binds; i++) {
		const struct plan_bind *b = &p->bind[i];

		switch (b->type) {
		case BIND_INT:
			sqlite3_bind_int64(s, i + 1, b->i);
			break;
		case BIND_REAL:
			sqlite3_bind_double(s, i + 1, b->r);
			break;
		case BIND_TEXT:
			sqlite3_bind_text64(s, i + 1, b->s.p ? b->s.p : "", b->s.len, SQLITE_STATIC,
					    SQLITE_UTF8);
			break;
		case BIND_IP:
		case BIND_RANK:
			sqlite3_bind_blob(s, i + 1, b->bytes, b->type == BIND_IP ? 16 : 17,
					  SQLITE_STATIC);
			break;
		}
	}
}

sqlite3_stmt *plan_prepare(struct plan *p, sqlite3 *db, struct err *e)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	sqlite3_stmt *s;

	if (sqlite3_create_function(db, "match", 2, flags, p, sql_match, NULL, NULL) != SQLITE_OK ||
	    sqlite3_create_function(db, "addr_rank", 1, flags, NULL, sql_rank, NULL, NULL) !=
		    SQLITE_OK) {
		sql_error(db, e);
		return NULL;
	}
	s = sql_prepare(db, buf_str(&p->sql), e);
	if (s)
		plan_bind_all(p, s);
	return s;
}
