/* From a question to the SQL of one shard. Every shape names its index: the planner's own choice was wrong four times out of
 * four (a test holds each plan). */
#ifndef DB_PLAN_H
#define DB_PLAN_H

#include <sqlite3.h>

#include "question.h"

#define PLAN_SQL_MAX (1u << 20)
#define PLAN_BINDS_MAX 4096

enum plan_shape { PLAN_ROWS, PLAN_CAPTURES, PLAN_COUNT, PLAN_TOP };

struct plan {
	struct buf sql;
	struct plan_bind {
		enum { BIND_INT, BIND_REAL, BIND_TEXT, BIND_IP } type;
		int64_t i;
		double r;
		struct str s; /* borrowed from the question */
		uint8_t ip[16];
	} *bind;
	int binds;
	const regex_t *regex[FILTER_NODES_MAX]; /* of match(N, text) */
	int regexes;
};

/* `captures`: "" or ",1,2,3," as SQL's list of those that are meant. The plan borrows from the question. */
int plan_make(struct plan *p, const struct question *q, enum plan_shape shape, const char *captures, struct err *e);
void plan_release(struct plan *p);
/* Prepared and bound; the caller finalizes. Registers match() on the connection. */
sqlite3_stmt *plan_prepare(struct plan *p, sqlite3 *db, struct err *e);

#endif
