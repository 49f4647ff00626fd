/* A question that is being answered: its child, and the rows that came so far, as a table. */
#ifndef DB_RESULT_H
#define DB_RESULT_H

#include <uv.h>

#include "table/table.h"

#define RESULT_ROWS_MAX 1000000u

struct result;

struct result_ops {
	void (*changed)(void *arg); /* rows came: look at the tables again */
	void (*ended)(void *arg, struct result *r); /* the table was released: forget it */
};

/* Starts `program --ask` for the question; errors of the question itself are told at once. */
struct result *result_new(uv_loop_t *loop, const char *program, const char *folder, struct str question, const struct table_type *type,
			  const struct result_ops *ops, void *arg, struct err *e);
struct table result_table(struct result *r); /* its release frees the result */
/* Asks again, when something was taken up meanwhile; the rows stay until the new ones are all there. */
void result_again(struct result *r);
bool result_running(const struct result *r);
/* What there is to say: NULL, or why rows are missing. */
const char *result_note(const struct result *r);

#endif
