#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "sql.h"
#include "tables.h"

/* Connections are cut off at this length for the time index: what began longer before the window is found through its end. */
#define PLAN_LONG_NS (INT64_C(86400) * 1000000000)

static struct plan_bind *plan_bind(struct plan *p)
{
	struct plan_bind *b;

	if (p->binds >= PLAN_BINDS_MAX)
		return NULL;
	b = &p->bind[p->binds++];
	(void)buf_printf(&p->sql, "?%d", p->binds); /* the sql's bound is checked once, at the end */
	return b;
}

static void put_int(struct plan *p, int64_t i)
{
	struct plan_bind *b = plan_bind(p);

	if (b)
		*b = (struct plan_bind){.type = BIND_INT, .i = i};
}

static void put_value(struct plan *p, const struct value *v)
{
	struct plan_bind *b;

	if (v->type == VALUE_INT) {
		put_int(p, v->i);
		return;
	}
	b = plan_bind(p);
	if (b && v->type == VALUE_REAL)
		*b = (struct plan_bind){.type = BIND_REAL, .r = v->r};
	else if (b)
		*b = (struct plan_bind){.type = BIND_TEXT, .s = v->s};
}

static void put_text(struct plan *p, const char *text)
{
	(void)buf_add_str(&p->sql, text);
}

/* The 16 bytes of an address as shards keep them, with the host bits of a net set to 0 or 1. */
static void put_ip(struct plan *p, const struct addr *a, unsigned prefix_bits, bool high)
{
	struct plan_bind *b = plan_bind(p);
	unsigned keep = prefix_bits;

	if (!b)
		return;
	*b = (struct plan_bind){.type = BIND_IP};
	if (a->family == ADDR_IP4) {
		b->ip[10] = b->ip[11] = 0xff;
		memcpy(b->ip + 12, a->bytes, 4);
		keep += 96;
	} else {
		memcpy(b->ip, a->bytes, 16);
	}
	for (unsigned bit = keep; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> (bit % 8));
		b->ip[bit / 8] = high ? b->ip[bit / 8] | mask : b->ip[bit / 8] & (uint8_t)~mask;
	}
}

static void put_ids(struct plan *p, const struct filter_value *v)
{
	const unsigned all = v->value.a.family == ADDR_IP4 ? 32 : 128;

	put_text(p, "(SELECT +id FROM addr WHERE ip BETWEEN ");
	put_ip(p, &v->value.a, v->is_net ? v->prefix_bits : all, false);
	put_text(p, " AND ");
	put_ip(p, &v->value.a, v->is_net ? v->prefix_bits : all, true);
	put_text(p, ")");
}

static const char *comparison(enum filter_op op)
{
	switch (op) {
	case FILTER_LT:
		return "<";
	case FILTER_GT:
		return ">";
	case FILTER_LE:
		return "<=";
	case FILTER_GE:
		return ">=";
	default:
		return "=";
	}
}

/* One value against one column: true, false, never null. */
static void put_one(struct plan *p, const struct filter_node *n, int column, const struct filter_value *v)
{
	const struct column_sql *c = &connection_sql[column];

	if (c->addr && v->value.type == VALUE_ADDR && (n->op == FILTER_EQ || n->op == FILTER_NE || n->op == FILTER_IN)) {
		(void)buf_printf(&p->sql, "%s IN ", c->sql);
		put_ids(p, v);
		return;
	}
	if (c->addr && v->value.type == VALUE_ADDR) {
		(void)buf_printf(&p->sql, "(SELECT ip FROM addr WHERE id=%s)%s", c->sql, comparison(n->op));
		put_ip(p, &v->value.a, v->value.a.family == ADDR_IP4 ? 32 : 128, false);
		return;
	}
	(void)buf_printf(&p->sql, "coalesce(%s%s", c->sql, v->is_range ? ">=" : comparison(n->op));
	put_value(p, &v->value);
	if (v->is_range) {
		(void)buf_printf(&p->sql, " AND %s<=", c->sql);
		put_int(p, v->high);
	}
	put_text(p, ",0)");
}

static int put_match(struct plan *p, const struct filter_node *n, int column)
{
	const struct column_sql *c = &connection_sql[column];

	p->regex[p->regexes] = n->regex;
	if (c->addr)
		(void)buf_printf(&p->sql, "match(%d,iptext((SELECT ip FROM addr WHERE id=%s)))", p->regexes++, c->sql);
	else
		(void)buf_printf(&p->sql, "match(%d,%s)", p->regexes++, c->sql);
	return 0;
}

static int put_column(struct plan *p, const struct filter_node *n, int column, struct err *e)
{
	if (!connection_sql[column].sql || strcmp(connection_sql[column].name, "path") == 0)
		return err_at(e, n->at, "the history asks for a host with 'on HOST', for a session with 'session NAME', for a capture with 'capture N'");
	if (n->op == FILTER_SET) {
		(void)buf_printf(&p->sql, "%s IS NOT NULL", connection_sql[column].sql);
		return 0;
	}
	if (n->op == FILTER_MATCH || n->op == FILTER_NO_MATCH)
		return put_match(p, n, column);
	put_text(p, "(");
	for (unsigned i = 0; i < n->nvalues; i++) {
		put_text(p, i ? " OR " : "");
		put_one(p, n, column, &n->values[i]);
	}
	put_text(p, n->nvalues ? ")" : "0)");
	return 0;
}

/* A leaf: either end where it has two columns; != and !~ mean that neither end is. */
static int put_leaf(struct plan *p, const struct filter_node *n, struct err *e)
{
	const bool negative = n->op == FILTER_NE || n->op == FILTER_NO_MATCH;

	put_text(p, negative ? "NOT (" : "(");
	if (put_column(p, n, n->column, e) != 0)
		return -1;
	if (n->column_b >= 0) {
		put_text(p, " OR ");
		if (put_column(p, n, n->column_b, e) != 0)
			return -1;
	}
	put_text(p, ")");
	return 0;
}

static int put_node(struct plan *p, const struct filter_node *n, struct err *e)
{
	switch (n->op) {
	case FILTER_TRUE:
		put_text(p, "1");
		return 0;
	case FILTER_NOT:
		put_text(p, "NOT ");
		return put_node(p, n->left, e);
	case FILTER_AND:
	case FILTER_OR:
		put_text(p, "(");
		if (put_node(p, n->left, e) != 0)
			return -1;
		put_text(p, n->op == FILTER_AND ? " AND " : " OR ");
		if (put_node(p, n->right, e) != 0)
			return -1;
		put_text(p, ")");
		return 0;
	default:
		return put_leaf(p, n, e);
	}
}

/* --- which index drives --- */

/* The best leaf that must hold: an address before a port. NULL: only the time drives. */
static const struct filter_node *plan_drive(const struct filter_node *n, const struct filter_node *best)
{
	const struct column_sql *c, *had;

	if (n->op == FILTER_AND)
		return plan_drive(n->right, plan_drive(n->left, best));
	if ((n->op != FILTER_EQ && n->op != FILTER_IN) || n->nvalues == 0)
		return best;
	c = &connection_sql[n->column];
	had = best ? &connection_sql[best->column] : NULL;
	if (c->addr && n->values[0].value.type == VALUE_ADDR)
		return had && had->addr ? best : n;
	if (strncmp(c->name, "port_", 5) == 0 && !best && n->values[0].value.type == VALUE_INT)
		return n;
	return best;
}

static const char *plan_index(int column)
{
	const char *name = connection_sql[column].name;

	if (strcmp(name, "addr_a") == 0)
		return "connection_a";
	if (strcmp(name, "addr_b") == 0)
		return "connection_b";
	return strcmp(name, "port_a") == 0 ? "connection_pa" : "connection_pb";
}

static int put_where(struct plan *p, const struct question *q, const char *captures, struct err *e)
{
	if (put_node(p, filter_root(q->filter), e) != 0)
		return -1;
	if (q->to_ns != INT64_MAX) {
		put_text(p, " AND c.start_ns<=");
		put_int(p, q->to_ns);
	}
	if (q->from_ns != INT64_MIN) {
		put_text(p, " AND c.start_ns+c.duration_ns>=");
		put_int(p, q->from_ns);
	}
	if (*captures)
		(void)buf_printf(&p->sql, " AND c.capture IN (%s)", captures);
	return 0;
}

/* One arm: the rows that the index of `column` leads to. `but`: not those that the arm before had. */
static int put_arm(struct plan *p, const struct question *q, const struct filter_node *drive, int column, int but,
		   const char *captures, struct err *e)
{
	if (!drive) {
		put_text(p, "SELECT * FROM connection c INDEXED BY connection_t WHERE c.start_ns>=");
		put_int(p, q->from_ns == INT64_MIN ? INT64_MIN : q->from_ns - PLAN_LONG_NS);
		put_text(p, " AND ");
		return put_where(p, q, captures, e);
	}
	(void)buf_printf(&p->sql, "SELECT * FROM connection c INDEXED BY %s WHERE ", plan_index(column));
	if (put_column(p, drive, column, e) != 0)
		return -1;
	if (but >= 0) {
		put_text(p, " AND NOT ");
		if (put_column(p, drive, but, e) != 0)
			return -1;
	}
	put_text(p, " AND ");
	return put_where(p, q, captures, e);
}

/* What is longer than a day and still going on in the window is not reached by the time index: a second, small arm. */
static int put_long_arm(struct plan *p, const struct question *q, const char *captures, struct err *e)
{
	put_text(p, " UNION ALL SELECT * FROM connection c INDEXED BY connection_t WHERE c.duration_ns>");
	put_int(p, PLAN_LONG_NS);
	put_text(p, " AND c.start_ns<");
	put_int(p, q->from_ns - PLAN_LONG_NS);
	put_text(p, " AND ");
	return put_where(p, q, captures, e);
}

static int put_rows(struct plan *p, const struct question *q, const char *captures, struct err *e)
{
	const struct filter_node *drive = plan_drive(filter_root(q->filter), NULL);

	if (put_arm(p, q, drive, drive ? drive->column : -1, -1, captures, e) != 0)
		return -1;
	if (!drive && q->from_ns != INT64_MIN && put_long_arm(p, q, captures, e) != 0)
		return -1;
	if (drive && drive->column_b >= 0) {
		put_text(p, " UNION ALL ");
		if (put_arm(p, q, drive, drive->column_b, drive->column, captures, e) != 0)
			return -1;
	}
	return 0;
}

static const char row_columns[] =
	"c.capture,c.id,c.proto,x.ip,c.port_a,y.ip,c.port_b,c.packets_ab,c.bytes_ab,c.packets_ba,c.bytes_ba,c.payload_ab,c.payload_ba,"
	"c.start_ns,c.duration_ns,c.state,c.history,c.initiator,c.app,c.handshake_ns,c.retrans_ab,c.retrans_ba,c.tunnel,c.vlan,"
	"c.segment,c.offset";

static void put_top_head(struct plan *p, const struct question *q)
{
	const struct column_sql *c = q->key >= 0 ? &connection_sql[q->key] : NULL;

	if (!c)
		put_text(p, "SELECT x.ip,sum(c.bytes_ab+c.bytes_ba),sum(c.packets_ab+c.packets_ba),count(*) FROM (SELECT capture,a end,bytes_ab,"
			    "bytes_ba,packets_ab,packets_ba FROM rows UNION ALL SELECT capture,b,bytes_ab,bytes_ba,packets_ab,packets_ba FROM rows"
			    " WHERE b<>a) c JOIN addr x ON x.id=c.end GROUP BY c.end");
	else if (c->addr)
		(void)buf_printf(&p->sql, "SELECT x.ip,sum(c.bytes_ab+c.bytes_ba),sum(c.packets_ab+c.packets_ba),count(*) FROM rows c"
					  " JOIN addr x ON x.id=%s GROUP BY %s", c->sql, c->sql);
	else
		(void)buf_printf(&p->sql, "SELECT %s,sum(c.bytes_ab+c.bytes_ba),sum(c.packets_ab+c.packets_ba),count(*) FROM rows c"
					  " GROUP BY %s", c->sql, c->sql);
}

int plan_make(struct plan *p, const struct question *q, enum plan_shape shape, const char *captures, struct err *e)
{
	memset(p, 0, sizeof(*p));
	buf_init(&p->sql, PLAN_SQL_MAX);
	p->bind = xcalloc(PLAN_BINDS_MAX, sizeof(*p->bind));
	put_text(p, "WITH rows AS (");
	if (put_rows(p, q, captures, e) != 0)
		return -1;
	if (shape == PLAN_ROWS) {
		put_text(p, " ORDER BY start_ns DESC LIMIT ");
		put_int(p, q->limit + 1);
	}
	put_text(p, ") ");
	if (shape == PLAN_ROWS)
		(void)buf_printf(&p->sql, "SELECT %s FROM rows c JOIN addr x ON x.id=c.a JOIN addr y ON y.id=c.b", row_columns);
	else if (shape == PLAN_CAPTURES)
		put_text(p, "SELECT DISTINCT capture FROM rows");
	else if (shape == PLAN_COUNT)
		put_text(p, "SELECT count(*),sum(packets_ab+packets_ba),sum(bytes_ab+bytes_ba),min(start_ns),max(start_ns) FROM rows");
	else
		put_top_head(p, q);
	if (p->binds >= PLAN_BINDS_MAX || p->sql.len + 256 > PLAN_SQL_MAX)
		return err_set(e, ERR_CALL, "the question is too long: ask for less at once");
	return 0;
}

void plan_release(struct plan *p)
{
	buf_release(&p->sql);
	free(p->bind);
	p->bind = NULL;
}

/* --- functions of the SQL --- */

static void sql_match(sqlite3_context *context, int count, sqlite3_value **value)
{
	const struct plan *p = sqlite3_user_data(context);
	const int n = sqlite3_value_int(value[0]);
	const char *text = (const char *)sqlite3_value_text(value[1]);

	(void)count;
	sqlite3_result_int(context, text && n >= 0 && n < p->regexes && regexec(p->regex[n], text, 0, NULL, 0) == 0);
}

static void sql_iptext(sqlite3_context *context, int count, sqlite3_value **value)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = sqlite3_value_blob(value[0]);
	struct addr a = {.family = ADDR_IP6};
	char text[ADDR_TEXT_MAX];

	(void)count;
	if (!ip || sqlite3_value_bytes(value[0]) != 16)
		return;
	memcpy(a.bytes, ip, 16);
	if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
		a = (struct addr){.family = ADDR_IP4};
		memcpy(a.bytes, ip + 12, 4);
	}
	sqlite3_result_text(context, addr_text(&a, text), -1, SQLITE_TRANSIENT);
}

static void plan_bind_all(const struct plan *p, sqlite3_stmt *s)
{
	for (int i = 0; i < p->binds; i++) {
		const struct plan_bind *b = &p->bind[i];

		if (b->type == BIND_INT)
			sqlite3_bind_int64(s, i + 1, b->i);
		else if (b->type == BIND_REAL)
			sqlite3_bind_double(s, i + 1, b->r);
		else if (b->type == BIND_TEXT)
			sqlite3_bind_text(s, i + 1, b->s.p ? b->s.p : "", (int)b->s.len, SQLITE_TRANSIENT);
		else
			sqlite3_bind_blob(s, i + 1, b->ip, 16, SQLITE_TRANSIENT);
	}
}

sqlite3_stmt *plan_prepare(struct plan *p, sqlite3 *db, struct err *e)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	sqlite3_stmt *s;

	if (sqlite3_create_function(db, "match", 2, SQLITE_UTF8, p, sql_match, NULL, NULL) != SQLITE_OK ||
	    sqlite3_create_function(db, "iptext", 1, flags, NULL, sql_iptext, NULL, NULL) != SQLITE_OK) {
		sql_error(db, "history", e);
		return NULL;
	}
	s = sql_prepare(db, buf_str(&p->sql), e);
	if (s)
		plan_bind_all(p, s);
	return s;
}
