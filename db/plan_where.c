#include "plan_where.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tables.h"

#define WHERE_CHUNK 32u	    /* terms side by side: SQLite's expressions are at most 1000 deep */
#define WHERE_NET4_BITS 16u /* wider nets hold too much of a shard for an index to pay */
#define WHERE_NET6_BITS 32u
#define WHERE_PORTS_WIDE 16

/* --- values --- */

static struct plan_bind *plan_bind(struct plan *p)
{
	static const struct plan_bind none;

	if (p->binds >= PLAN_BINDS_MAX)
		return NULL;
	(void)buf_printf(&p->sql, "?%d",
			 p->binds + 1); /* the sql's bound is looked at once, at the end */
	p->bind[p->binds] = none;
	return &p->bind[p->binds++];
}

void plan_text(struct plan *p, const char *text)
{
	(void)buf_add_str(&p->sql, text);
}

void plan_int(struct plan *p, int64_t i)
{
	struct plan_bind *b = plan_bind(p);

	if (b)
		*b = (struct plan_bind){.type = BIND_INT, .i = i};
}

void plan_str(struct plan *p, struct str s)
{
	struct plan_bind *b = plan_bind(p);

	if (b)
		*b = (struct plan_bind){.type = BIND_TEXT, .s = s};
}

static void plan_value(struct plan *p, const struct value *v)
{
	struct plan_bind *b;

	if (v->type == VALUE_INT) {
		plan_int(p, v->i);
	} else if (v->type == VALUE_TEXT) {
		plan_str(p, v->s);
	} else {
		b = plan_bind(p);
		if (b)
			*b = (struct plan_bind){.type = BIND_REAL, .r = v->r};
	}
}

/* The 16 bytes of an address as shards keep them, with the bits behind the prefix 0 or 1. */
static void ip_bytes(const struct addr *a, unsigned prefix_bits, bool high, uint8_t ip[16])
{
	unsigned keep = prefix_bits;

	memset(ip, 0, 16);
	if (a->family == ADDR_IP4) {
		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, a->bytes, 4);
		keep += 96;
	} else {
		memcpy(ip, a->bytes, 16);
	}
	for (unsigned bit = keep; bit < 128; bit++) {
		const uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		ip[bit / 8] = high ? ip[bit / 8] | mask : ip[bit / 8] & (uint8_t)~mask;
	}
}

static void plan_ip(struct plan *p, const struct addr *a, unsigned prefix_bits, bool high)
{
	struct plan_bind *b = plan_bind(p);

	if (!b)
		return;
	b->type = BIND_IP;
	ip_bytes(a, prefix_bits, high, b->bytes);
}

/* As addr_rank() makes it: the family first, as addresses are ordered everywhere else. */
static void plan_rank(struct plan *p, const struct addr *a)
{
	struct plan_bind *b = plan_bind(p);

	if (!b)
		return;
	b->type = BIND_RANK;
	b->bytes[0] = a->family;
	ip_bytes(a, a->family == ADDR_IP4 ? 32 : 128, false, b->bytes + 1);
}

/* --- addresses: by their numbers in the dictionary --- */

static unsigned whole_bits(const struct filter_value *v)
{
	const unsigned all = v->value.a.family == ADDR_IP4 ? 32 : 128;

	return v->is_net ? v->prefix_bits : all;
}

static bool is_ip(const struct filter_value *v)
{
	return v->value.type == VALUE_ADDR &&
	       (v->value.a.family == ADDR_IP4 || v->value.a.family == ADDR_IP6);
}

static void addr_range(struct plan *p, const struct filter_value *v)
{
	static const struct addr ip4 = {.family = ADDR_IP4};

	if (!is_ip(v)) { /* a hardware address: no connection has it */
		plan_text(p, "0");
		return;
	}
	if (whole_bits(v) == (v->value.a.family == ADDR_IP4 ? 32 : 128)) {
		plan_text(p, "ip=");
		plan_ip(p, &v->value.a, whole_bits(v), false);
		return;
	}
	plan_text(p, "(ip BETWEEN ");
	plan_ip(p, &v->value.a, whole_bits(v), false);
	plan_text(p, " AND ");
	plan_ip(p, &v->value.a, whole_bits(v), true);
	if (v->value.a.family == ADDR_IP6 && whole_bits(v) < 96) { /* IPv4 lies among these */
		plan_text(p, " AND NOT ip BETWEEN ");
		plan_ip(p, &ip4, 0, false);
		plan_text(p, " AND ");
		plan_ip(p, &ip4, 0, true);
	}
	plan_text(p, ")");
}

static void addr_ids(struct plan *p, const struct filter_node *n)
{
	plan_text(p, "(SELECT id FROM addr WHERE ");
	for (unsigned i = 0; i < n->nvalues; i++) {
		plan_text(p, i ? " OR " : "");
		addr_range(p, &n->values[i]);
	}
	plan_text(p, n->nvalues ? ")" : "0)");
}

static bool is_one_addr(const struct filter_node *n)
{
	return n->nvalues == 1 && !n->values[0].is_net && is_ip(&n->values[0]);
}

/* 0, which is nobody's, where the shard does not have it: never null, and found once. */
static void addr_id(struct plan *p, const struct filter_node *n)
{
	plan_text(p, "(SELECT coalesce(max(id),0) FROM addr WHERE ");
	addr_range(p, &n->values[0]);
	plan_text(p, ")");
}

static void addr_among(struct plan *p, const struct filter_node *n)
{
	plan_text(p, is_one_addr(n) ? "=" : " IN ");
	if (is_one_addr(n))
		addr_id(p, n);
	else
		addr_ids(p, n);
}

/* --- leaves --- */

static const char *comparison(enum filter_op op)
{
	switch (op) {
	case FILTER_LT:
		return "<";
	case FILTER_GT:
		return ">";
	case FILTER_LE:
		return "<=";
	default:
		return ">=";
	}
}

static void put_list(struct plan *p, const struct filter_node *n)
{
	plan_text(p, " IN (");
	for (unsigned i = 0; i < n->nvalues; i++) {
		plan_text(p, i ? "," : "");
		plan_value(p, &n->values[i].value);
	}
	plan_text(p, ")");
}

static void put_range(struct plan *p, const struct filter_value *v)
{
	plan_text(p, " BETWEEN ");
	plan_int(p, v->value.i);
	plan_text(p, " AND ");
	plan_int(p, v->high);
}

static void put_match(struct plan *p, const struct filter_node *n, int column,
		      const struct column_sql *c)
{
	if (p->matches == (int)ARRAY_LEN(p->match)) {
		p->binds = PLAN_BINDS_MAX; /* too much, as is said at the end */
		return;
	}
	p->match[p->matches] =
		(struct plan_match){n, table_history_connections.columns[column].kind};
	(void)buf_printf(&p->sql,
			 c->addr ? "match(%d,(SELECT ip FROM addr WHERE id=%s))" : "match(%d,%s)",
			 p->matches++, c->sql);
}

static void put_equal(struct plan *p, const struct filter_node *n, const struct column_sql *c)
{
	if (c->addr) {
		plan_text(p, c->sql);
		addr_among(p, n);
		return;
	}
	(void)buf_printf(&p->sql, "coalesce(%s", c->sql);
	if (n->nvalues == 1 && n->values[0].is_range)
		put_range(p, &n->values[0]);
	else
		put_list(p, n);
	plan_text(p, ",0)");
}

static void put_ordered(struct plan *p, const struct filter_node *n, const struct column_sql *c)
{
	if (c->addr) {
		(void)buf_printf(&p->sql, "addr_rank((SELECT ip FROM addr WHERE id=%s))%s", c->sql,
				 comparison(n->op));
		plan_rank(p, &n->values[0].value.a);
		return;
	}
	(void)buf_printf(&p->sql, "coalesce(%s%s", c->sql, comparison(n->op));
	plan_value(p, &n->values[0].value);
	plan_text(p, ",0)");
}

static int no_column(const struct filter_node *n, const char *name, struct err *e)
{
	if (strcmp(name, "host") == 0)
		return err_at(e, n->at,
			      "captures of a host are asked for with 'on HOST', an address with "
			      "'host ADDRESS'");
	if (strcmp(name, "session") == 0)
		return err_at(e, n->at, "captures of a session are asked for with 'session NAME'");
	return err_at(e, n->at, "the history cannot ask for %s: '| files' says where packets lie",
		      name);
}

static void put_condition(struct plan *p, const struct filter_node *n, int column,
			  const struct column_sql *c)
{
	switch (n->op) {
	case FILTER_SET:
		(void)buf_printf(&p->sql, "%s IS NOT NULL", c->sql);
		break;
	case FILTER_MATCH:
	case FILTER_NO_MATCH:
		put_match(p, n, column, c);
		break;
	case FILTER_EQ:
	case FILTER_NE:
	case FILTER_IN:
		put_equal(p, n, c);
		break;
	default:
		put_ordered(p, n, c);
		break;
	}
}

/* Words are looked at in their dictionary, once each and not once a row. */
static int put_column(struct plan *p, const struct filter_node *n, int column, struct err *e)
{
	const struct column_sql *c = &connection_sql[column];
	struct column_sql word;

	if (!c->sql)
		return no_column(n, c->name, e);
	if (!c->word) {
		put_condition(p, n, column, c);
		return 0;
	}
	word = (struct column_sql){.name = c->name, .sql = c->word};
	(void)buf_printf(&p->sql, "%s IN (SELECT k.id FROM kind k WHERE ", c->sql);
	put_condition(p, n, column, &word);
	plan_text(p, ")");
	return 0;
}

/* Either end where it has two columns; != and !~ mean that neither end is. */
static int put_leaf(struct plan *p, const struct filter_node *n, bool negate, struct err *e)
{
	const bool negative = n->op == FILTER_NE || n->op == FILTER_NO_MATCH;

	if (n->op == FILTER_TRUE) {
		plan_text(p, negate ? "0" : "1");
		return 0;
	}
	plan_text(p, negative != negate ? "NOT (" : "(");
	if (put_column(p, n, n->column, e) != 0)
		return -1;
	if (n->column_b >= 0) {
		plan_text(p, " OR ");
		if (put_column(p, n, n->column_b, e) != 0)
			return -1;
	}
	plan_text(p, ")");
	return 0;
}

/* --- and, or, not --- */

struct term {
	const struct filter_node *node;
	bool negate;
};

/* All terms of a question that are being written, the innermost list last. */
struct terms {
	struct term *at;
	size_t count;
};

static bool is_joined(const struct filter_node *n)
{
	return n->op == FILTER_AND || n->op == FILTER_OR;
}

/* What a join means once its nots are drawn inside: nothing here is ever null, so that not (a and
 * b) is not a or not b. */
static enum filter_op joined_by(const struct term *t)
{
	return (t->node->op == FILTER_AND) != t->negate ? FILTER_AND : FILTER_OR;
}

static void term_strip(struct term *t)
{
	while (t->node->op == FILTER_NOT)
		*t = (struct term){t->node->left, !t->negate};
}

/* Lists what is joined by the same word, however it was bracketed. */
static void terms_gather(struct terms *list, struct term t, enum filter_op op)
{
	term_strip(&t);
	if (!is_joined(t.node) || joined_by(&t) != op) {
		list->at[list->count++] = t;
		return;
	}
	terms_gather(list, (struct term){t.node->left, t.negate}, op);
	terms_gather(list, (struct term){t.node->right, t.negate}, op);
}

static int put_term(struct plan *p, struct terms *list, struct term t, unsigned depth,
		    struct err *e);

static int put_joined(struct plan *p, struct terms *list, struct term t, unsigned depth,
		      struct err *e)
{
	const enum filter_op op = joined_by(&t);
	const char *const word = op == FILTER_AND ? " AND " : " OR ";
	const size_t first = list->count;
	size_t count;
	int r = 0;

	if (depth == PLAN_DEPTH_MAX)
		return err_at(e, t.node->at, "'and' and 'or' stand more than %u deep in brackets",
			      PLAN_DEPTH_MAX);
	terms_gather(list, t, op);
	count = list->count - first;
	plan_text(p, "((");
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (i > 0)
			plan_text(p, i % WHERE_CHUNK == 0 ? ")" : "");
		plan_text(p, i > 0 ? word : "");
		plan_text(p, i > 0 && i % WHERE_CHUNK == 0 ? "(" : "");
		r = put_term(p, list, list->at[first + i], depth + 1, e);
	}
	plan_text(p, "))");
	list->count = first;
	return r;
}

static int put_term(struct plan *p, struct terms *list, struct term t, unsigned depth,
		    struct err *e)
{
	term_strip(&t);
	return is_joined(t.node) ? put_joined(p, list, t, depth, e)
				 : put_leaf(p, t.node, t.negate, e);
}

int where_filter(struct plan *p, const struct filter_node *root, struct err *e)
{
	struct terms list = {.at = xcalloc(FILTER_NODES_MAX, sizeof(*list.at))};
	const int r = put_term(p, &list, (struct term){root, false}, 0, e);

	free(list.at);
	return r;
}

/* --- which index drives --- */

/* How few rows the leaf leaves: 0 none of our indexes, then the more the fewer. */
static int drive_rank(const struct filter_node *n)
{
	const struct column_sql *c;
	const struct filter_value *v = n->values;

	if ((n->op != FILTER_EQ && n->op != FILTER_IN) || n->nvalues == 0)
		return 0;
	c = &connection_sql[n->column];
	if (c->addr) {
		for (unsigned i = 0; i < n->nvalues; i++)
			if (!is_ip(&v[i]) ||
			    whole_bits(&v[i]) < (v[i].value.a.family == ADDR_IP4 ? WHERE_NET4_BITS
										 : WHERE_NET6_BITS))
				return 0;
		return n->nvalues == 1 && !v->is_net ? 4 : 3;
	}
	if (strcmp(c->name, "port_a") != 0 && strcmp(c->name, "port_b") != 0)
		return 0;
	if (v->is_range && v->high - v->value.i > WHERE_PORTS_WIDE)
		return 0;
	return n->nvalues == 1 && !v->is_range ? 2 : 1;
}

const struct filter_node *where_drive(const struct filter_node *root)
{
	const struct filter_node *left, *right;

	if (root->op != FILTER_AND)
		return drive_rank(root) > 0 ? root : NULL;
	left = where_drive(root->left);
	right = where_drive(root->right);
	if (!left || !right)
		return left ? left : right;
	return drive_rank(right) > drive_rank(left) ? right : left;
}

void where_drive_term(struct plan *p, const struct filter_node *n, int column)
{
	const struct column_sql *c = &connection_sql[column];

	plan_text(p, c->sql);
	if (c->addr) {
		addr_among(p, n); /* one number keeps the order of the index; a list does not */
	} else if (n->values[0].is_range) {
		put_range(p, &n->values[0]);
	} else if (n->nvalues == 1) {
		plan_text(p, "=");
		plan_value(p, &n->values[0].value);
	} else {
		put_list(p, n);
	}
}
