/* From a question to the SQL of one shard. Every shape names its index: the planner's own choice
 * was wrong four times out of four (a test holds each plan). */
#ifndef DB_PLAN_H
#define DB_PLAN_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/buf.h"
#include "question.h"

#define PLAN_SQL_MAX (1u << 20)
#define PLAN_BINDS_MAX 4096
#define PLAN_DEPTH_MAX 12u /* and inside or inside and ...: SQLite's parser has a stack of 100 */

enum plan_shape { PLAN_ROWS, PLAN_CAPTURES, PLAN_COUNT, PLAN_TOP };

/* What of the shard is asked. */
struct plan_scope {
	const char *captures; /* those that are meant, as JSON; "": all. Borrowed */
	int64_t only;	      /* the one that is meant, else 0 */
	int64_t newer_ns;     /* ROWS: what began earlier is not wanted; INT64_MIN: all is */
	bool wide;	      /* `only` has a good part of the shard: time finds its rows as well */
	bool open;	      /* the shard is being filled: no index is there, it is read through */
};

struct plan {
	struct buf sql;
	struct plan_bind {
		enum { BIND_INT, BIND_REAL, BIND_TEXT, BIND_IP, BIND_RANK } type;
		int64_t i;
		double r;
		struct str s;	   /* borrowed from the question */
		uint8_t bytes[17]; /* IP: 16 */
	} * bind;
	int binds;
	struct plan_match {
		const struct filter_node *node;
		enum kind kind;
	} match[FILTER_NODES_MAX * 2]; /* of match(N, value) */
	int matches;
};

/* The plan borrows from question and scope. plan_release also after an error. */
int plan_make(struct plan *p, const struct question *q, enum plan_shape shape,
	      const struct plan_scope *scope, struct err *e);
void plan_release(struct plan *p);
/* Prepared and bound; the caller finalizes before the plan goes. Registers match() and addr_rank()
 * on the connection. */
sqlite3_stmt *plan_prepare(struct plan *p, sqlite3 *db, struct err *e);

#endif
