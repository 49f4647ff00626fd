/* Questions: parsed, planned in every shape, and each plan's SQL compiled against a shard: a question that was understood is
 * never wrong SQL. */
#include <stdlib.h>

#include "../../../db/plan.h"
#include "../../../db/shard.h"
#include "../../../db/sql.h"
#include "../../../db/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqlite3 *shard(void)
{
	static sqlite3 *db;

	if (db)
		return db;
	if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, shard_schema, NULL, NULL, NULL) != SQLITE_OK)
		abort();
	for (const char *const *index = shard_indexes; *index; index++)
		if (sqlite3_exec(db, *index, NULL, NULL, NULL) != SQLITE_OK)
			abort();
	return db;
}

static void plan_try(const struct question *q, enum plan_shape shape, const struct plan_scope *scope)
{
	struct plan *plan = malloc(sizeof(*plan));
	sqlite3_stmt *s;
	struct err e;

	if (!plan)
		abort();
	if (plan_make(plan, q, shape, scope, &e) == 0) {
		s = plan_prepare(plan, shard(), &e);
		if (!s || sqlite3_step(s) != (shape == PLAN_COUNT ? SQLITE_ROW : SQLITE_DONE))
			abort();
		sqlite3_finalize(s);
	} else if (e.code != ERR_CALL || e.at < 0) {
		abort();
	}
	plan_release(plan);
	free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct plan_scope scopes[] = {
		{.captures = "", .newer_ns = INT64_MIN},
		{.captures = "[1,2]", .newer_ns = 5},
		{.captures = "[3]", .only = 3, .newer_ns = INT64_MIN},
		{.captures = "[3]", .only = 3, .newer_ns = INT64_MIN, .wide = true},
		{.captures = "[1,2]", .newer_ns = 5, .open = true},
	};
	struct question q;
	struct err e;

	err_clear(&e);
	if (question_parse(&q, (struct str){(const char *)data, size}, INT64_C(1700000000000000000), &e) != 0) {
		if (e.code != ERR_CALL || e.at < 0 || (size_t)e.at > size || !e.text[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		plan_try(&q, PLAN_CAPTURES, &scopes[i]);
		plan_try(&q, PLAN_COUNT, &scopes[i]);
		if (q.kind == QUESTION_TOP)
			plan_try(&q, PLAN_TOP, &scopes[i]);
		if (q.kind == QUESTION_CONNECTIONS || q.sort < 0)
			plan_try(&q, PLAN_ROWS, &scopes[i]);
	}
	question_release(&q);
	return 0;
}
